package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/tidemark-io/tidemark/kpi"
	"github.com/tidemark-io/tidemark/report"
	"github.com/tidemark-io/tidemark/service"
)

// team is a history whose figures can be counted: acme pays 30 a month from 1
// March and globex 50 from the 2nd, acme leaves on the 4th.
const team = `{"specversion":"1.0","type":"purchase","source":"/b","id":"p1","time":"2026-03-01T09:00:00Z","subject":"acme","data":{"amount":"30.00","interval":"month","customer":{"plan":"starter"}}}
{"specversion":"1.0","type":"purchase","source":"/b","id":"p2","time":"2026-03-02T09:00:00Z","subject":"globex","data":{"amount":"50.00","interval":"month","customer":{"plan":"pro"}}}
{"specversion":"1.0","type":"login","source":"/a","id":"l1","time":"2026-03-02T10:00:00Z","subject":"globex","data":{"user":"carl"}}
{"specversion":"1.0","type":"login","source":"/a","id":"l1","time":"2026-03-02T10:00:00Z","subject":"globex","data":{"user":"carl"}}
no event
{"specversion":"1.0","type":"page_view","source":"/a","id":"v1","time":"2026-03-03T11:00:00Z","subject":"globex"}
{"specversion":"1.0","type":"cancellation","source":"/b","id":"c1","time":"2026-03-04T12:00:00Z","subject":"acme","data":{}}
`

// reported runs tidemark report and returns what it writes to its two outputs.
func reported(t *testing.T, in io.Reader, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	c := newReportCommand()
	c.SetArgs(args)
	var out, errs bytes.Buffer
	c.SetIn(in)
	c.SetOut(&out)
	c.SetErr(&errs)
	c.SilenceErrors, c.SilenceUsage = true, true
	err = c.ExecuteContext(t.Context())
	return out.String(), errs.String(), err
}

// document is what --json writes.
func document(t *testing.T, args ...string) (d struct {
	AsOf    string        `json:"as_of"`
	Events  report.Events `json:"events"`
	KPIs    []kpi.Figure  `json:"kpis"`
	Cohorts []kpi.Cohort  `json:"cohorts"`
}) {
	t.Helper()
	out, _, err := reported(t, nil, append(args, "--json")...)
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(strings.NewReader(out))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		t.Fatal(err)
	}
	return d
}

// only is the one figure of a document of a KPI, window, segment and day.
func only(t *testing.T, list []kpi.Figure, name, window, segment, day string) kpi.Figure {
	t.Helper()
	var found []kpi.Figure
	for _, f := range list {
		if f.KPI == name && f.Window == window && f.Segment == segment && f.Day == day {
			found = append(found, f)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d figures of %s %s %s on %s", len(found), name, window, segment, day)
	}
	return found[0]
}

func TestReportJSON(t *testing.T) {
	path := write(t, "team.jsonl", team)
	d := document(t, path)
	if d.AsOf != "2026-03-04" {
		t.Errorf("as of %s", d.AsOf)
	}
	if want := (report.Events{Read: 7, Applied: 4, Duplicate: 1, Ignored: 1, DeadLetter: 1}); d.Events != want {
		t.Errorf("%+v, want %+v", d.Events, want)
	}
	if f := only(t, d.KPIs, "mrr", "", "", "2026-03-04"); f.Value != "5000" || f.Complete || f.Currency != "USD" {
		t.Errorf("%+v", f)
	}
	for _, k := range kpi.All() { // everything that the registry has
		for _, w := range k.Windows {
			if !k.Bucketed() && !strings.Contains(figuresOf(d.KPIs), "|"+k.Name+" "+w+"|") {
				t.Errorf("no figure of %s %s", k.Name, w)
			}
		}
	}
	d = document(t, path, "--as-of", "2026-03-03", "--kpi", "mrr,arpu", "--segment", "", "--segment", "plan=pro")
	if d.AsOf != "2026-03-03" || len(d.KPIs) != 4 || d.Events.Later != 1 {
		t.Errorf("%+v", d)
	}
	if f := only(t, d.KPIs, "mrr", "", "", "2026-03-03"); f.Value != "8000" || !f.Complete {
		t.Errorf("%+v", f)
	}
	if f := only(t, d.KPIs, "arpa", "", "plan=pro", "2026-03-03"); f.Value != "5000" {
		t.Errorf("%+v", f)
	}
	d = document(t, path, "--from", "2026-03-02", "--to", "2026-03-04", "--kpi", "customers, dau")
	for day, want := range map[string]string{"2026-03-02": "2", "2026-03-03": "2", "2026-03-04": "1"} {
		if f := only(t, d.KPIs, "customers", "", "", day); f.Value.String() != want {
			t.Errorf("%+v", f)
		}
	}
	if f := only(t, d.KPIs, "dau", "1d", "", "2026-03-02"); f.Value != "1" {
		t.Errorf("%+v", f)
	}
}

func figuresOf(list []kpi.Figure) string {
	var b strings.Builder
	for _, f := range list {
		b.WriteString("|" + f.KPI + " " + f.Window + "|")
	}
	return b.String()
}

func TestReportTable(t *testing.T) {
	path := write(t, "team.jsonl", team)
	out, said, err := reported(t, nil, path, "--kpi", "customers,mrr,customer_churn_rate", "--as-of", "2026-03-04")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"KPI                  WINDOW   VALUE      OF      LAST 30 DAYS\n",
		"mrr                           50.00 USD",
		"customer_churn_rate  30d      –          0 of 0\n",
		"2026-03-04 complete; events from 2026-03-01T09:00:00Z to 2026-03-04T12:00:00Z\n",
		"7 events: 4 applied, 1 duplicate, 1 ignored, 0 late, 1 dead letters\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the table lacks %q:\n%s", want, out)
		}
	}
	for _, want := range []string{
		"team.jsonl:5: the line is no JSON object; write one CloudEvent a line\n",
		"refused, and not in the figures: not_json 1\n",
		"of types that are none of Tidemark's: page_view 1\n",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("it lacks %q:\n%s", want, said)
		}
	}
	out, _, err = reported(t, nil, path, "--kpi", "customers,mrr", "--from", "2026-03-01")
	want := `           FIRST      LAST       TREND
customers  1          1          ▁██▁
mrr        30.00 USD  50.00 USD  ▁██▄

DAY         customers    mrr
2026-03-01  1            30.00 USD
2026-03-02  2            80.00 USD
2026-03-03  2            80.00 USD
2026-03-04  1 (running)  50.00 USD (running)

2026-03-04 so far; `
	if err != nil || !strings.HasPrefix(out, want) {
		t.Errorf("%v, got\n%s\nwant\n%s", err, out, want)
	}
}

// TestReportCohorts: ann and bob are new in January, ann is back in March; carl is
// new in February.
func TestReportCohorts(t *testing.T) {
	text := ""
	for i, x := range [][2]string{{"01-10", "ann"}, {"01-11", "bob"}, {"02-05", "carl"}, {"03-20", "ann"}} {
		text += fmt.Sprintf(`{"specversion":"1.0","type":"login","source":"/a","id":"%d","time":"2026-%sT10:00:00Z","subject":"acme","data":{"user":%q,"customer":{"plan":"pro"}}}`+"\n", i, x[0], x[1])
	}
	path := write(t, "visits.jsonl", text)
	want := []kpi.Cohort{
		{Cohort: "2026-01", Size: 2, Active: []int64{2, 0, 1}, Unbounded: []int64{2, 1, 1}, Complete: []bool{true, true, false}},
		{Cohort: "2026-02", Size: 1, Active: []int64{1, 0}, Unbounded: []int64{1, 0}, Complete: []bool{true, false}},
	}
	if got := document(t, path, "--cohorts", "month", "--kpi", "dau").Cohorts; !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	if got := document(t, path, "--cohorts", "month", "--kpi", "dau", "--segment", "plan=pro").Cohorts; !reflect.DeepEqual(got, want) {
		t.Errorf("of a segment: %+v", got)
	}
	// At the end of February March has not begun, and nobody is back.
	want = []kpi.Cohort{
		{Cohort: "2026-01", Size: 2, Active: []int64{2, 0}, Unbounded: []int64{2, 0}, Complete: []bool{true, true}},
		{Cohort: "2026-02", Size: 1, Active: []int64{1}, Unbounded: []int64{1}, Complete: []bool{true}},
	}
	if got := document(t, path, "--cohorts", "month", "--kpi", "dau", "--as-of", "2026-02-28").Cohorts; !reflect.DeepEqual(got, want) {
		t.Errorf("at the end of February: %+v", got)
	}
	out, _, err := reported(t, nil, path, "--cohorts", "month")
	table := `COHORT   USERS  MONTH 0  MONTH 1  MONTH 2
2026-01  2      100.0%   0.0%     50.0%*
2026-02  1      100.0%   0.0%*
* so far

2026-03-20 so far; `
	if err != nil || !strings.HasPrefix(out, table) {
		t.Errorf("%v, got\n%s\nwant\n%s", err, out, table)
	}
}

func TestReportOfStandardInput(t *testing.T) {
	out, _, err := reported(t, strings.NewReader(team), "-", "--kpi", "mrr", "--json")
	if err != nil || !strings.Contains(out, `"value":5000,`) {
		t.Errorf("%v, %s", err, out)
	}
	out, _, err = reported(t, strings.NewReader(""), "-", "--json")
	if want := `{"as_of":"","events":{"read":0,"applied":0,"duplicate":0,"ignored":0,"late":0,"dead_letter":0,"expired":0},"kpis":[]}` + "\n"; err != nil || out != want {
		t.Errorf("%v, %s", err, out)
	}
	if _, _, err = reported(t, strings.NewReader("{}\n"), "-"); !errors.Is(err, report.ErrNoEvents) {
		t.Error(err)
	}
}

// TestReportRefuses: a mistake is one sentence with what would be right, and its
// exit code.
func TestReportRefuses(t *testing.T) {
	path := write(t, "team.jsonl", team)
	for _, x := range []struct {
		args []string
		want string
		code int
	}{
		{[]string{path, "--kpi", "stickyness"}, `--kpi: there is no KPI "stickyness", did you mean "stickiness"?`, 2},
		{[]string{path, "--kpi", "nps", "--window", "91d"}, `--window: there is no window of nps "91d", did you mean "90d"?`, 2},
		{[]string{path, "--window", "31d"}, `--window: there is no window "31d", did you mean "`, 2},
		{[]string{path, "--kpi", "dau,active_days_histogram", "--window", "30d", "--segment", "plan=pro"}, `there is no window of dau "30d"`, 2},
		{[]string{path, "--kpi", "active_days_histogram", "--window", "30d", "--segment", "plan=pro"}, `--segment: active_days_histogram 30d is kept for the whole company only`, 2},
		{[]string{path, "--segment", "plan=por"}, `there is no segment "plan=por", did you mean "plan=pro"?`, 2},
		{[]string{path, "--segment", "pro"}, `--segment pro: write an attribute of customers and its value, such as plan=pro`, 2},
		{[]string{path, "--segment", "tier=a"}, `no event says the tier of a customer`, 2},
		{[]string{path, "--as-of", "2026-02-30"}, `--as-of: "2026-02-30" is no day`, 2},
		{[]string{path, "--from", "2026-03-05", "--to", "2026-03-01"}, `--from is after --to`, 2},
		{[]string{path, "--as-of", "2026-03-01", "--to", "2026-03-02"}, `is after --as-of`, 2},
		{[]string{path, "--from", "2020-01-01", "--to", "2020-02-01"}, `no day between those asked for has figures: events are from 2026-03-01 to 2026-03-04`, 1},
		{[]string{path, "--cohorts", "week", "--segment", "", "--segment", "plan=pro"}, `--cohorts: a triangle is of one segment`, 2},
		{[]string{path, "--cohorts", "day"}, `--cohorts day: write week or month`, 2},
		{[]string{filepath.Join(t.TempDir(), "none.jsonl")}, `no such file`, 1},
		{[]string{write(t, "t.csv", "a,b\n1,2\n")}, `is no JSON Lines file, and no mapping says what its columns are`, 1},
		{[]string{path, "--config", filepath.Join(t.TempDir(), "none.yaml")}, `read configuration`, 2},
	} {
		_, _, err := reported(t, nil, x.args...)
		code := exitFailed
		var own interface{ ExitCode() int }
		if errors.As(err, &own) {
			code = own.ExitCode()
		}
		if err == nil || !strings.Contains(err.Error(), x.want) || code != x.code {
			t.Errorf("%v: %v (%d), want %q (%d)", x.args[1:], err, code, x.want, x.code)
		}
	}
}

func TestScenarioCommand(t *testing.T) {
	good := write(t, "good.scenario", "at 2026-03-01\nevent login acme\nexpect kpi dau = 1\n")
	wrong := write(t, "wrong.scenario", "scenario one\nat 2026-03-01\nevent login acme\nexpect kpi dau = 2\n")
	out, err := execute(newScenarioCommand(), good)
	if err != nil || out != "ok      "+good+" (1)\n1 scenario, 1 expectation\n" {
		t.Errorf("%v, %s", err, out)
	}
	out, err = execute(newScenarioCommand(), good, wrong)
	var failed failedError
	if !errors.As(err, &failed) || failed.ExitCode() != 3 || err.Error() != "1 of 2 expectations don't hold" {
		t.Error(err)
	}
	want := "FAILED  " + wrong + ": one\n" + wrong + ":4: expect kpi dau = 2\n    expected  2\n    got       1 on 2026-03-01\n    made of   1: acme\n"
	if !strings.Contains(out, want) {
		t.Errorf("%s\nlacks\n%s", out, want)
	}
	refused := write(t, "refused.scenario", "at 2026-03-01\nevent login acme\nevent purchase acme amount=1.234\nexpect kpi dau = 1\n")
	if _, err = execute(newScenarioCommand(), refused); err == nil || err.Error() != "nobody expected that 1 event is refused" {
		t.Error(err)
	}
	if _, err = execute(newScenarioCommand(), refused, wrong); err == nil || err.Error() != "1 of 2 expectations don't hold, and nobody expected that 1 event is refused" {
		t.Error(err)
	}
	broken := write(t, "broken.scenario", "at 2026-03-01\nevnt login acme\n")
	out, err = execute(newScenarioCommand(), good, broken)
	var usage service.UsageError
	if !errors.As(err, &usage) || out != "" || !strings.HasPrefix(err.Error(), broken+":2:1: ") {
		t.Errorf("%v, and %q was run", err, out)
	}
	if _, err = execute(newScenarioCommand(), filepath.Join(t.TempDir(), "none.scenario")); !errors.Is(err, os.ErrNotExist) || errors.As(err, &usage) {
		t.Error(err)
	}
	settings := write(t, "tidemark.yaml", "dimensions: [plan]\n")
	plan := write(t, "plan.scenario", "at 2026-03-01\nevent purchase acme amount=5 interval=month customer.plan=pro\nexpect kpi mrr plan=pro = 5 USD\n")
	if _, err = execute(newScenarioCommand(), plan, "--config", settings); err != nil {
		t.Error(err)
	}
	if _, err = execute(newScenarioCommand(), plan); !errors.As(err, &usage) {
		t.Error(err)
	}
	if _, err = execute(newScenarioCommand(), plan, "--config", write(t, "w.yaml", "dimension: [plan]\n")); !errors.As(err, &usage) || !strings.Contains(err.Error(), `the nearest valid key is "dimensions"`) {
		t.Error(err)
	}
}
