package scenario

import (
	"context"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	_ "time/tzdata"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/config"
	"github.com/tidemark-io/tidemark/kpi"
	"github.com/tidemark-io/tidemark/report"
	"github.com/tidemark-io/tidemark/service"
)

// wiring is what the command gives.
func wiring() Wiring {
	return Wiring{Rules: service.KPIRules, Engine: func(c *config.Config) (report.Options, error) {
		figures, err := service.CompanyOptions(c)
		return report.Options{Company: figures, Shard: func() (aggregator.Options, error) { return service.ShardOptions(c) }}, err
	}}
}

// examples are all scenario files of examples/.
func examples(t *testing.T) []*File {
	t.Helper()
	files, err := Load([]string{"../examples/scenarios"}, "")
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestExamples(t *testing.T) {
	for _, f := range examples(t) {
		t.Run(filepath.Base(f.Name), func(t *testing.T) {
			for _, s := range f.Scenarios {
				r, err := s.Run(t.Context(), wiring())
				if err != nil {
					t.Fatal(err)
				}
				if r.Checked == 0 {
					t.Errorf("%s:%d: nothing is expected", f.Name, s.Line)
				}
				for _, failure := range r.Failures {
					t.Error(failure)
				}
			}
		})
	}
}

// TestEveryKPIHasAScenario: each KPI is expected somewhere by its number, not
// only as nothing.
func TestEveryKPIHasAScenario(t *testing.T) {
	expected := map[string]bool{}
	for _, f := range examples(t) {
		for _, s := range f.Scenarios {
			for _, st := range s.statements {
				if e, ok := st.expect.(*kpiExpectation); ok && !e.value.null && e.value.rat.Sign() != 0 {
					expected[e.kpi.Name] = true
				}
			}
		}
	}
	for _, name := range kpi.Names() {
		if !expected[name] {
			t.Errorf("no scenario expects a value of %s", name)
		}
	}
}

// shifted expects another number than the expectation it wraps.
func shifted(e *kpiExpectation) *kpiExpectation {
	other := *e
	other.value.null = false
	if e.value.rat == nil {
		other.value.rat = big.NewRat(1, 1)
		return &other
	}
	step := big.NewRat(1, 1) // as little as the number was written with
	for range e.value.digits {
		step.Quo(step, big.NewRat(10, 1))
	}
	other.value.rat = new(big.Rat).Add(e.value.rat, step)
	return &other
}

// TestEveryExpectationCanFail: one more in the last digit that was written, and
// an expectation of a KPI doesn't hold any more.
func TestEveryExpectationCanFail(t *testing.T) {
	checked := 0
	for _, f := range examples(t) {
		for _, s := range f.Scenarios {
			for i := range s.statements {
				if e, ok := s.statements[i].expect.(*kpiExpectation); ok {
					s.statements[i].expect = &mustFail{t, shifted(e), s.file, s.statements[i].line}
					checked++
				}
			}
			if _, err := s.Run(t.Context(), wiring()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if checked < 100 {
		t.Errorf("only %d expectations were tried", checked)
	}
}

// mustFail checks that an expectation does not hold.
type mustFail struct {
	t    *testing.T
	e    *kpiExpectation
	file string
	line int
}

func (m *mustFail) check(ctx context.Context, r *run) (*Failure, error) {
	f, err := m.e.figure(ctx, r.engine)
	if err == nil && f != nil && m.e.matches(f) {
		m.t.Errorf("%s:%d: %s would hold too", m.file, m.line, m.e.value.rat.FloatString(m.e.value.digits))
	}
	return nil, err
}

// play runs one scenario of a text.
func play(t *testing.T, text string) *Result {
	t.Helper()
	f, err := Parse("test.scenario", text, "")
	if err != nil {
		t.Fatal(err)
	}
	r, err := f.Scenarios[0].Run(t.Context(), wiring())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestFailureShowsWhatItIsMadeOf(t *testing.T) {
	for name, x := range map[string]struct{ text, want string }{
		"customers": {`at 2026-01-10
event purchase c{1..4} amount=10 interval=month
at 2026-03-15
event cancellation c2
advance 2026-03-31
expect kpi customer_churn_rate 30d on 2026-03-30 = 0.5 (2 of 4)`,
			`test.scenario:6: expect kpi customer_churn_rate 30d on 2026-03-30 = 0.5 (2 of 4)
    expected  0.5 (2 of 4)
    got       0.25 (1 of 4) on 2026-03-30
    made of   1 of 1: c2
              0 of 1 each: c1, c3, c4 (3 customers)`},
		"users": {`at 2026-03-01
event login acme user=ann
event login acme user=bob
event login globex user=carl
at 2026-03-02
event login acme user=dora
expect kpi dau on 2026-03-01 = 2`,
			`test.scenario:7: expect kpi dau on 2026-03-01 = 2
    expected  2
    got       3 on 2026-03-01
    made of   2: acme (ann, bob)
              1: globex`},
		"money": {`at 2026-03-01
event purchase acme amount=30 interval=month
event purchase globex amount=12.50 interval=month
expect kpi mrr = 42 USD running`,
			`test.scenario:4: expect kpi mrr = 42 USD running
    expected  42 USD, running
    got       42.50 USD on 2026-03-01, running
    made of   30.00 USD: acme
              12.50 USD: globex`},
		"complete": {`at 2026-03-01
event login acme
expect kpi dau = 1 complete`,
			`test.scenario:3: expect kpi dau = 1 complete
    expected  1, complete
    got       1 on 2026-03-01, running
    made of   1: acme`},
		"nobody": {`at 2026-03-01
event login acme
expect kpi customers = 1`,
			`test.scenario:3: expect kpi customers = 1
    expected  1
    got       0 on 2026-03-01
    made of   nobody of 1 customers contributes`},
		"the future": {`at 2026-03-01
event login acme
expect kpi dau on 2026-03-02 = 1`,
			`test.scenario:3: expect kpi dau on 2026-03-02 = 1
    expected  1
    got       no figure: time has come to 2026-03-01 only; advance it`},
		"no time": {`expect kpi dau = 0`,
			`test.scenario:1: expect kpi dau = 0
    expected  0
    got       no figure: there was no event yet`},
		"a customer": {`at 2026-03-01
event purchase acme amount=10 interval=month
advance 2026-03-04
expect customer acme band=green score=20 mrr=10.00 points.recency=8`,
			// recency 25 × 8, tickets 15 × 10, invoices 10 × 10, tenure 5 × 4, and
			// activity 30 × 0, of 850: 470 / 850 = 55.29.
			`test.scenario:4: expect customer acme band=green score=20 mrr=10.00 points.recency=8
    expected  band=green score=20
    got       band=amber score=55.29
    made of   acme is amber, score 55.29
              activity: reads 0, 0 of 10 points, 0.00 of the score
              recency: reads 3, 8 of 10 points, 23.53 of the score
              tickets: reads nothing, 10 of 10 points, 17.65 of the score
              invoices: reads 0, 10 of 10 points, 11.76 of the score
              tenure: reads 3, 4 of 10 points, 2.35 of the score
              MRR 10.00 USD`},
		"no customer": {`at 2026-03-01
event login acme
expect customer globex band=red`,
			`test.scenario:3: expect customer globex band=red
    expected  a customer globex
    got       no customer globex
    made of   there were no events of customer globex`},
		"a dead letter nobody expects": {`at 2026-03-01
event purchase acme id=p1 amount=1.234
advance 2026-03-02`,
			`test.scenario:2: event purchase acme id=p1 amount=1.234
    expected  applied, or an expectation: expect deadletter bad_amount
    got       event p1 is a dead letter: bad_amount`},
		"another reason": {`at 2026-03-01
event purchase acme id=p1 amount=1.234
expect deadletter missing_field`,
			`test.scenario:3: expect deadletter missing_field
    expected  a dead letter: missing_field
    got       event p1 is a dead letter: bad_amount`},
		"no dead letter": {`at 2026-03-01
event login acme
expect deadletter missing_field`,
			`test.scenario:3: expect deadletter missing_field
    expected  a dead letter: missing_field
    got       the last line's events: 1 applied`},
		"an outcome": {`at 2026-03-01
event login acme
expect duplicate`,
			`test.scenario:3: expect duplicate
    expected  every event of the last line duplicate
    got       the last line's events: 1 applied`},
		"counts": {`at 2026-03-01
event login acme
expect events applied=2 late=0`,
			`test.scenario:3: expect events applied=2 late=0
    expected  applied=2 late=0
    got       applied=1 late=0`},
		"an orphan nobody expects": {`at 2026-03-01
event cancellation acme id=c1
advance 2027-01-01`,
			`test.scenario:2: event cancellation acme id=c1
    expected  applied, or an expectation: expect late unknown_target
    got       event c1 is a late: unknown_target`},
	} {
		t.Run(name, func(t *testing.T) {
			r := play(t, x.text)
			if len(r.Failures) != 1 || r.Failures[0].String() != x.want {
				t.Errorf("got\n%v\nwant\n%s", r.Failures, x.want)
			}
		})
	}
}

// TestMistakes: every mistake is told with its line and column, and nothing is run.
func TestMistakes(t *testing.T) {
	for name, x := range map[string]struct {
		text string
		want []string // prefixes of the errors
	}{
		"a word":                {"at 2026-03-01\nevnt login acme", []string{`x:2:1: a line begins with scenario, settings, at, event, advance or expect, not with "evnt"; did you mean "event"?`}},
		"a type":                {"at 2026-03-01\nevent logn acme", []string{`x:2:7: "logn" is no type of event; there are login, purchase, cancellation, survey, signal; did you mean "login"?`}},
		"an attribute":          {"at 2026-03-01\nevent login acme usr=ann", []string{`x:2:18: a login has no "usr"; did you mean "user"?`}},
		"twice":                 {"at 2026-03-01\nevent login acme user=a user=b", []string{`x:2:25: user is there twice`}},
		"no pair":               {"at 2026-03-01\nevent login acme ann", []string{`x:2:18: "ann" is no attribute; write one as key=value`}},
		"no customer":           {"at 2026-03-01\nevent login", []string{`x:2:12: the line ends here, and the customer is missing`}},
		"attribute first":       {"at 2026-03-01\nevent login user=ann", []string{`x:2:13: the customer stands behind the type`}},
		"no time":               {"event login acme", []string{`x:1:7: the event has no time; write at with a time before it`}},
		"relative to no time":   {"advance +1d", []string{`x:1:9: +1d is after no time`}},
		"a time":                {"at yesterday", []string{`x:1:4: "yesterday" is no time; a time is written as`}},
		"a day":                 {"at 2026-02-30", []string{`x:1:4: `}},
		"a skipped hour":        {"settings\n  time_zone: Europe/Berlin\nat 2026-03-29 02:30", []string{`x:3:4: 2026-03-29 02:30 does not exist in Europe/Berlin`}},
		"a span":                {"at 2026-03-01\nevent login c{9..1}", []string{`x:2:13: {9..1} is no span`}},
		"a quote":               {"at 2026-03-01\nevent login \"acme", []string{`x:2:13: a quote is not closed`}},
		"a KPI":                 {"expect kpi stickyness = 1", []string{`x:1:12: there is no KPI "stickyness", did you mean "stickiness"?`}},
		"a window":              {"expect kpi customer_churn_rate 31d = 1", []string{`x:1:32: there is no window of customer_churn_rate "31d", did you mean "30d"?`}},
		"a window of a level":   {"expect kpi mrr 30d = 1", []string{`x:1:16: there is no window of mrr`}},
		"a dimension":           {"settings\n  dimensions: [plan]\nexpect kpi mrr plam=pro = 1", []string{`x:3:16: "plam" is none of the dimensions of this scenario; did you mean "plan"?`}},
		"a value":               {"expect kpi mrr = much", []string{`x:1:18: "much" is no value; write a number`}},
		"no value":              {"expect kpi mrr", []string{`x:1:15: the line ends here, and = and a value is missing`}},
		"no money":              {"expect kpi dau = 1 USD", []string{`x:1:20: dau is no money (its unit is count); take USD away`}},
		"parts":                 {"expect kpi dau = 1 (1 in 2)", []string{`x:1:20: (1 in 2) is not understood`}},
		"parts without end":     {"expect kpi dau = 1 (1 of 2", []string{`x:1:27: the line ends here, and a closing ) is missing`}},
		"behind the value":      {"expect kpi dau = 1 one", []string{`x:1:20: "one" is not understood here`}},
		"an expectation":        {"expect kip dau = 1", []string{`x:1:8: there is nothing called "kip" to expect; did you mean "kpi"?`}},
		"a band":                {"expect customer acme band=rad", []string{`x:1:27: there is no band "rad"; did you mean "red"?`}},
		"a key":                 {"expect customer acme bnd=red", []string{`x:1:22: nothing of a customer is called "bnd"; did you mean "band"?`}},
		"a signal":              {"expect customer acme points.recenzy=3", []string{`x:1:22: the health profile has no signal "recenzy"; did you mean "recency"?`}},
		"a rule":                {"expect alert at_rosk acme firing", []string{`x:1:14: there is no rule "at_rosk" in the settings; did you mean "at_risk"?`}},
		"a note's state":        {"expect alert cancellation_scheduled acme firing", []string{`x:1:42: cancellation_scheduled is said once: it is noted or quiet, not "firing"`}},
		"a state":               {"expect alert at_risk acme fire", []string{`x:1:27: an alert is firing, quiet or resolved, not "fire"`}},
		"a reason":              {"expect deadletter bad_amont", []string{`x:1:19: there is no reason "bad_amont"; did you mean "bad_amount"?`}},
		"a count":               {"expect events aplied=1", []string{`x:1:15: events are not counted as "aplied"; did you mean "applied"?`}},
		"no bucket":             {"expect kpi churn_reasons = 1", []string{`x:1:12: churn_reasons has a figure for each bucket; write which one, as bucket NAME`}},
		"a bucket of none":      {"expect kpi dau bucket 1 = 1", []string{`x:1:16: dau has no buckets`}},
		"for the whole only":    {"settings\n  dimensions: [plan]\nexpect kpi active_days_histogram plan=pro bucket 1 = 1", []string{`x:3:12: active_days_histogram 30d is kept for the whole company only; ask for another window, or without plan=pro`}},
		"cohorts of none":       {"settings\n  dimensions: [plan]\nexpect kpi cohort_retention plan=pro bucket 2026-03 = 1", []string{`x:3:12: cohorts by plan are not kept; name it in the settings, as cohorts: [plan]`}},
		"a second span":         {"at 2026-03-01\nevent login c{1..3}{1..3}", []string{`x:2:13: the customer has two spans; write one`}},
		"a number of no span":   {"at 2026-03-01\nevent login acme user=u{n}", []string{`x:2:13: {n} is the number of a span such as {1..250} in the customer, which has none`}},
		"a span of no customer": {"at 2026-03-01\nevent login acme user=u{1..3}", []string{`x:2:18: {1..3} stands for several customers, in the place of the customer; write {n} for its number`}},
		"a span beside one":     {"at 2026-03-01\nevent login c{1..3} customer.plan=p{1..3}", []string{`x:2:21: {1..3} stands for several customers`}},
		"a currency":            {"at 2026-03-01\nevent login acme\nexpect customer acme mrr=\"0 ERU\"", []string{`x:3:22: "ERU" is no currency; write an ISO 4217 code such as EUR`}},
		"a KPI's currency":      {"expect kpi mrr = 1 ERU", []string{`x:1:20: "ERU" is no currency; write an ISO 4217 code such as EUR`}},
		"a key twice":           {"expect customer acme users=1 users=2", []string{`x:1:30: users is there twice; take one away`}},
		"a count twice":         {"expect events applied=1 late=0 applied=2", []string{`x:1:32: applied is there twice; take one away`}},
		"a window twice":        {"expect kpi customer_churn_rate 30d 90d = 1", []string{`x:1:36: a second window; take one away`}},
		"a segment twice":       {"settings\n  dimensions: [plan]\nexpect kpi mrr plan=pro plan=free = 1", []string{`x:3:25: a second segment; take one away`}},
		"a day twice":           {"expect kpi mrr on 2026-03-01 on 2026-03-02 = 1", []string{`x:1:30: a second day; take one away`}},
		"a bucket twice":        {"expect kpi churn_reasons bucket a bucket b = 1", []string{`x:1:35: a second bucket; take one away`}},
		"both":                  {"expect kpi dau = 1 complete running", []string{`x:1:29: the day is complete or running; take one away`}},
		"parts twice":           {"expect kpi dau = 1 (1 of 2) (1 of 1)", []string{`x:1:29: a second numerator and denominator; take one away`}},
		"time that goes back":   {"at 2026-03-20\nevent login acme\nat 2026-03-01\nevent login acme\nadvance +5d", []string{`x:5:9: time has come to 2026-03-20T00:00:00Z already, and does not go back to 2026-03-06T00:00:00Z`}},
		"back from advance":     {"at 2026-03-01\nevent login acme\nadvance 2026-04-01\nadvance 2025-04-02", []string{`x:4:9: time has come to 2026-04-01T00:00:00Z already, and does not go back to 2025-04-02T00:00:00Z`}},
		"too much":              {"at 2026-03-01 09:00 Z", []string{`x:1:21: nothing is expected here; take "Z" away`}},
		"settings":              {"settings\n  time_zon: UTC\nat 2026-03-01", []string{`x:2:1: unknown key "time_zon"`}},
		"a setting":             {"# zone\n\nsettings\n  dimensions: [plan]\n  time_zone: Berlin\nat 2026-03-01", []string{`x:5:1: time_zone: `}},
		"late settings":         {"at 2026-03-01\nsettings\n  time_zone: UTC", []string{`x:2:1: settings stand before the first at`, `x:3:3: `}},
		"no settings":           {"settings\nat 2026-03-01", []string{`x:1:1: no settings follow`}},
		"no name":               {"scenario\nat 2026-03-01", []string{`x:1:1: a scenario has a name`}},
		"an empty one":          {"scenario one\nscenario two\nat 2026-03-01\nevent login acme", []string{`x:1:1: scenario "one" is empty`}},
		"nothing":               {"# nothing\n", []string{`x:1:1: there is nothing in it`}},
		"not UTF-8":             {"at \xff", []string{`x:1:1: the file is not UTF-8`}},
		"several":               {"at 2026-03-01\nevent logn acme\nexpect kpi dow = 1", []string{`x:2:7: `, `x:3:12: `}},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := Parse("x", x.text, "")
			var errs Errors
			if f != nil || !errors.As(err, &errs) {
				t.Fatalf("%v, %v", f, err)
			}
			lines := strings.Split(err.Error(), "\n")
			if len(lines) != len(x.want) {
				t.Fatalf("%d mistakes are told, want %d:\n%s", len(lines), len(x.want), err)
			}
			for i, want := range x.want {
				if !strings.HasPrefix(lines[i], want) {
					t.Errorf("%q, want %q", lines[i], want)
				}
			}
		})
	}
}

// TestByteOrderMark: what some editors put before a text is none of it.
func TestByteOrderMark(t *testing.T) {
	if r := play(t, "\ufeffat 2026-03-01\r\nevent login acme\r\nexpect kpi dau = 1\r\n"); len(r.Failures) != 0 || r.Checked != 1 {
		t.Errorf("%d expectations, %v", r.Checked, r.Failures)
	}
}

// TestSettings: a scenario's own go before the file's, these before the base's.
func TestSettings(t *testing.T) {
	f, err := Parse("x", `settings
    time_zone: Europe/Berlin
    dimensions: [plan]
scenario one
settings
    # of this one
    dimensions: [country]
at 2026-03-01
event login acme
scenario two
at 2026-03-01
event login acme
`, "time_zone: Asia/Tokyo\nhorizon: 50d\nrules:\n  - {name: r, band: red}\n")
	if err != nil {
		t.Fatal(err)
	}
	one, two := f.Scenarios[0].config, f.Scenarios[1].config
	if one.TimeZone != "Europe/Berlin" || one.Horizon != 50 || !slices.Equal(one.Dimensions, []string{"country"}) || one.Rules[0].Name != "r" {
		t.Errorf("%s, %d, %v, %v", one.TimeZone, one.Horizon, one.Dimensions, one.Rules)
	}
	if two.TimeZone != "Europe/Berlin" || two.Horizon != 50 || !slices.Equal(two.Dimensions, []string{"plan"}) {
		t.Errorf("%s, %d, %v", two.TimeZone, two.Horizon, two.Dimensions)
	}
}

// TestBaseWithAMarkOfItsDocument: the mark that many configurations begin with does
// not part it from the settings.
func TestBaseWithAMarkOfItsDocument(t *testing.T) {
	text := "settings\n    time_zone: Europe/Berlin\nat 2026-03-01\nevent login acme\n"
	for _, base := range []string{"---\ncurrency: EUR\n", "\n# ours\n--- # tidemark\r\ncurrency: EUR\r\n...\r\n", "currency: EUR\n"} {
		f, err := Parse("x", text, base)
		if err != nil {
			t.Fatal(err)
		}
		if c := f.Scenarios[0].config; c.TimeZone != "Europe/Berlin" || c.Currency.String() != "EUR" {
			t.Errorf("%q: %s, %s", base, c.TimeZone, c.Currency)
		}
	}
}

// TestEventsAsTheyAreSent: what a line makes is the CloudEvent that it says.
func TestEventsAsTheyAreSent(t *testing.T) {
	f, err := Parse("x", `settings
    time_zone: Europe/Berlin
at 2026-03-01 09:30
event survey c{8..9} id=s{n} kind=nps score=8.5 scale=1..10 respondent="ann {n}" customer.plan=pro customer.tier=null customer.note="null" answers.speed=7
at +1d
event cancellation acme source=crm effective=+2h reason="say \"no\""
`, "")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`{"data":{"answers":{"speed":7},"customer":{"note":"null","plan":"pro","tier":null},"kind":"nps","respondent":"ann 8","scale":{"max":10,"min":1},"score":8.5},"id":"s8","source":"scenario","specversion":"1.0","subject":"c8","time":"2026-03-01T08:30:00Z","type":"survey"}`,
		`{"data":{"answers":{"speed":7},"customer":{"note":"null","plan":"pro","tier":null},"kind":"nps","respondent":"ann 9","scale":{"max":10,"min":1},"score":8.5},"id":"s9","source":"scenario","specversion":"1.0","subject":"c9","time":"2026-03-01T08:30:00Z","type":"survey"}`,
		`{"data":{"effective":"2026-03-02T10:30:00Z","reason":"say \"no\""},"id":"e3","source":"crm","specversion":"1.0","subject":"acme","time":"2026-03-02T08:30:00Z","type":"cancellation"}`,
	}
	var got []string
	for _, s := range f.Scenarios[0].statements {
		for _, m := range s.messages {
			got = append(got, string(m.value))
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestValues: how exactly a number is compared is how exactly it is written.
func TestValues(t *testing.T) {
	third, eighth := big.NewRat(1, 3), big.NewRat(1, 8)
	for _, x := range []struct {
		text  string
		exact *big.Rat
		want  bool
	}{
		{"0.3333", third, true}, {"0.333333", third, true}, {"0.3334", third, false}, {"1/3", third, true}, {"33.3%", third, true},
		{"33.4%", third, false}, {"0.33", third, true}, {"0", third, true}, {"1", third, false}, {"0.125", eighth, true},
		{"0.13", eighth, true}, {"0.12", eighth, false}, // halves go away from zero
		{"null", nil, true}, {"null", third, false}, {"0", nil, false}, {"1,234,567.5", big.NewRat(12345675, 10), true}, {"-0.125", big.NewRat(-1, 8), true},
		{"-0.13", big.NewRat(-1, 8), true},
	} {
		v, err := readValue(token{text: x.text})
		if err != nil {
			t.Errorf("%s: %v", x.text, err)
			continue
		}
		if got := v.is(x.exact); got != x.want {
			t.Errorf("%s is %v: %v", x.text, x.exact, got)
		}
	}
	for _, text := range []string{"", "1.", ".5", "1/0", "1,23", "0x1", "1e3", "NaN", "--1", "5%%", "1/3%"} {
		if _, err := readValue(token{text: text}); err == nil {
			t.Errorf("%q is read as a value", text)
		}
	}
}

// FuzzParse: whatever a file holds is a scenario or has mistakes with places in it.
func FuzzParse(f *testing.F) {
	names, err := filepath.Glob("../examples/scenarios/*/*.scenario")
	if err != nil || len(names) == 0 {
		f.Fatalf("no examples: %v", err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		if len(b) < 1500 {
			f.Add(string(b))
		}
	}
	f.Add("settings\n a: &b [*b]\nat 2026-01-01\n")
	f.Add("event login c{1..3} id={n}\nexpect kpi dau = 1 (1 of")
	f.Fuzz(func(t *testing.T, text string) {
		file, err := Parse("x", text, "")
		var errs Errors
		if (file == nil) != errors.As(err, &errs) {
			t.Fatalf("%v, %v", file, err)
		}
		for _, e := range errs {
			if e.Line < 1 || e.Line > strings.Count(text, "\n")+1 || e.Column < 1 || e.Text == "" {
				t.Errorf("%+v", e)
			}
		}
	})
}
