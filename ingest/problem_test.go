package ingest

import (
	"context"
	"errors"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/tidemark-io/tidemark/event"
)

// TestSentencesAboutRows: a wrong row is answered with file, line, column and
// what to do, and nothing comes of the file.
func TestSentencesAboutRows(t *testing.T) {
	purchases := `
events:
- {type: purchase, customer: who, time: {from: at}, data: {amount: paid, currency: money, interval: '= every'}}
`
	row := func(who, at, paid, money, every string) string {
		return "who,at,paid,money,every\nann,2026-01-01T00:00:00Z,1,,\n" + strings.Join([]string{who, at, paid, money, every}, ",")
	}
	for _, c := range []struct{ mapping, text, want string }{
		{purchases, row("ann", "x", "1", "", ""), `f:3: column 2 (at): "x" is no time; write it as 2026-01-31T12:00:00Z, or say how it is written with format`},
		{purchases, row("", "x", "1", "", ""), `f:3: column 1 (who): the customer is empty; fill it, or leave such rows out with when`},
		{purchases, row("ann", "2026-01-01T00:00:00Z", "1,5", "", ""), `f:3: the row has 6 cells, the table has 5 columns; correct the row, or the separator`},
		{purchases, row("ann", "2026-01-01T00:00:00Z", "1.x", "", ""), `f:3: column 3 (paid): amount is no amount of money; write a decimal from 0 on such as 12.50, with the digits the currency has and of a size that money has`},
		{purchases, row("ann", "1900-01-01T00:00:00Z", "1", "", ""), `f:3: column 2 (at): time is no time since 1970; write it as 2026-01-31T12:00:00Z`},
		{purchases, row("ann", "2026-01-01T00:00:00Z", "1", "XXY", ""), `f:3: column 4 (money): currency is no currency that can be converted; write an ISO 4217 code that rates has, or the reporting currency`},
		{purchases, row("ann", "2026-01-01T00:00:00Z", "1", "", "decade"), `f:3: interval: interval is no interval; write day, week, month, quarter or year, with a whole interval_count`},
		{purchases, row("ann", "2026-01-01T00:00:00Z", "", "", ""), `f:3: the purchase: the payload lacks an attribute that has no default (a purchase its amount, a survey its kind or score, a signal its name)`},
		{purchases, row("a\xff", "2026-01-01T00:00:00Z", "1", "", ""), `f:3: the row is not UTF-8; convert the file first, for instance with iconv`},
		{purchases, row("ann", "2027-01-01T00:00:00Z", "1", "", ""), `f:3: column 2 (at): time lies ahead of the clock by more than max_future_skew; correct the time`},
		{"events:\n- {type: survey, customer: who, time: {from: at}, data: {kind: {value: nps}, score: n}}", "who,at,n\nann,2026-01-01T00:00:00Z,11\n",
			`f:2: column 3 (n): score lies outside the scale; write a number on it, or the scale`},
		{"events:\n- {type: survey, customer: who, time: {from: at}, data: {kind: {value: nps}, score: n}}", "who,at,n\nann,2026-01-01T00:00:00Z,NA\n",
			`f:2: column 3 (n): score is "NA", which is no number; correct it, or list it under format.empty`},
		{"events:\n- {type: login, when: 'int(at) > 1', customer: who, time: {from: at}}", "who,at\nann,x\n",
			`f:2: when: the expression fails: invalid operation: int(x) (1:1)`},
		{"", "{\"specversion\":\"1.0\"}\n", `f:1: type: is missing; every event needs one`},
		{"", "{}\n{x\n", `f:2: the line is no JSON object; write one CloudEvent a line`},
	} {
		o := options()
		if c.mapping != "" {
			o = options(mapping(t, c.mapping))
		}
		o.Latest = 1_780_000_000_000 // 2026-05-28
		s, err := Read(context.Background(), []string{write(t, "f", c.text)}, o)
		if s != nil || err == nil {
			t.Errorf("%s is accepted", c.text)
			continue
		}
		if got := shortPaths(err.Error()); !strings.Contains(got, c.want+"\n") {
			t.Errorf("%s\ngot  %s\nwant %s", c.text, got, c.want)
		}
	}
}

// shortPaths leaves the base name of the test's file, f.
func shortPaths(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		if at := strings.Index(line, "/f:"); at >= 0 {
			lines[i] = line[at+1:]
		}
	}
	return strings.Join(lines, "\n")
}

func TestFilesThatBreakOff(t *testing.T) {
	o := options(mapping(t, logins))
	for text, want := range map[string]string{
		"who,at\nann,1\n\"ann,1\n":                           "f:3: a quote is not closed, or something follows its end; correct it, or the separator",
		"who,at\nann,1\na\"nn,1\n":                           "f:3: a quote stands inside of a cell; correct it, or the separator",
		"who,at\nann,1\n\"" + strings.Repeat("ann\n", 1<<20): "f:3: the row is longer than 1 MiB; is a quote not closed?",
		"{" + strings.Repeat(" ", 2<<20):                     "f:1: the line is longer than 1 MiB; is it JSON Lines, one event a line?",
		"\x1f\x8bxxxx":                                       "unexpected EOF",
	} {
		_, err := Read(context.Background(), []string{write(t, "f", text)}, o)
		if err == nil || !strings.Contains(shortPaths(err.Error()), want) {
			t.Errorf("%.20q: got %v, want %s", text, err, want)
		}
	}
	o = options(mapping(t, "format: {separator: whitespace}\n"+logins))
	_, err := Read(context.Background(), []string{write(t, "f", "who at\n"+strings.Repeat("x", 2<<20))}, o)
	if err == nil || !strings.Contains(err.Error(), "f:2: the row is longer than 1 MiB") {
		t.Errorf("got %v", err)
	}
}

func TestManyBadRows(t *testing.T) {
	_, err := Read(context.Background(), []string{write(t, "f", "who,at\n"+strings.Repeat("ann,x\n", 12))}, options(mapping(t, logins)))
	var bad *BadRows
	if !errors.As(err, &bad) || len(bad.Rows) != 10 || !strings.HasSuffix(err.Error(), "\n12 rows are wrong; nothing was sent") {
		t.Errorf("got %v", err)
	}
	_, err = Read(context.Background(), []string{write(t, "f", "who,at\n"+strings.Repeat("ann,x\n", 5000))}, options(mapping(t, logins)))
	if !errors.As(err, &bad) || bad.Count != 1000 || !strings.HasSuffix(err.Error(), "\n1000 or more rows are wrong; nothing was sent") {
		t.Errorf("got %v", err)
	}
}

func TestEveryReasonIsWorded(t *testing.T) {
	for _, reason := range []event.Reason{
		event.NotJSON, event.NotUTF8, event.WrongType, event.MissingID, event.MissingSource, event.MissingType, event.MissingTime,
		event.MissingSubject, event.MissingField, event.BadTime, event.BadAmount, event.UnknownCurrency, event.BadInterval,
		event.IntervalNotExact, event.BadScore, event.UnknownSurvey, event.TooLong, event.TooFarAhead, event.UnknownType,
	} {
		if _, text := refusal(reason); strings.Contains(text, string(reason)) {
			t.Errorf("%s is not worded", reason)
		}
	}
}

func TestSentencesAboutMappings(t *testing.T) {
	for _, c := range []struct{ yaml, want string }{
		{"", "m.yaml: it makes no events; add them under events"},
		{"evnts: []", `m.yaml: line 1: unknown key "evnts"; the nearest valid key is "events"`},
		{"format: {seperator: tab}", `m.yaml: line 1: unknown key "seperator"; the nearest valid key is "separator"`},
		{"events:\n- {type: login, customer: a, time: {form: b}}", `m.yaml: line 2: unknown key "form"; the nearest valid key is "from"`},
		{"events:\n- {typ: login}", `m.yaml: line 2: unknown key "typ"; the nearest valid key is "type"`},
		{"events:\n- {type: logins}", `m.yaml: events[0]: "logins" is no type of event; write login, purchase, cancellation, survey or signal`},
		{"events:\n- {type: login}", `m.yaml: events[0]: it has no customer; say which column holds it`},
		{"events:\n- {type: login, customer: a}", `m.yaml: events[0]: it has no time; write time: {from: COLUMN}`},
		{"events:\n- {type: login, customer: a, time: {from: b, format: iso}}", `m.yaml: events[0]: time: the format "iso" has no year; write rfc3339, unix, unix_ms, days, or how 2006-01-02 15:04:05 would stand there`},
		{"events:\n- {type: login, customer: a, time: {from: b, format: days}}", `m.yaml: events[0]: time counts days from no day; write since, as {value: 2013-10-01}`},
		{"events:\n- {type: login, customer: a, time: {from: b, since: c}}", `m.yaml: events[0]: time: since belongs to the format days; leave it out`},
		{"events:\n- {type: login, customer: a, time: {from: b}, effective: {from: b}}", `m.yaml: events[0]: effective belongs to cancellations; leave it out`},
		{"events:\n- {type: purchase, customer: a, time: {from: b}, data: {amonut: c}}", `m.yaml: events[0]: line 2: data has an unknown key "amonut"; the nearest that a purchase has is "amount"`},
		{"events:\n- {type: login, customer: [a], time: {from: b}}", `m.yaml: line 2: this is no field; write the name of a column, "#2" for the second, "= …" for an expression, or {value: …}`},
		{"files: ['[']\nevents:\n- {type: login, customer: a, time: {from: b}}", `m.yaml: files: "[" is no pattern; write one such as orders*.csv`},
		{"time_zone: Mars\nevents:\n- {type: login, customer: a, time: {from: b}}", `m.yaml: time_zone: "Mars" is no IANA time zone; write one such as America/New_York`},
		{"format: {separator: '::'}\nevents:\n- {type: login, customer: a, time: {from: b}}", `m.yaml: format.separator: "::" is none; write comma, tab, semicolon, whitespace, or one character`},
		{"format: {skip: -1}\nevents:\n- {type: login, customer: a, time: {from: b}}", `m.yaml: format.skip: it is less than 0; write how many lines stand before the table`},
	} {
		if _, err := ParseMapping("m.yaml", []byte(c.yaml)); err == nil || err.Error() != c.want {
			t.Errorf("%s\ngot  %v\nwant %s", c.yaml, err, c.want)
		}
	}
}

// TestSentencesAboutColumns: what a mapping can be told of only once the table
// is seen.
func TestSentencesAboutColumns(t *testing.T) {
	for _, c := range []struct{ customer, want string }{
		{"whom", `m.yaml: events[0]: customer: line 2: there is no column "whom"; the nearest is "who" (a constant is written {value: whom}, an expression begins with =)`},
		{`"#3"`, `m.yaml: events[0]: customer: line 2: there is no column #3; the table has 2`},
		{`"= whom"`, `m.yaml: events[0]: customer: line 2: the expression " whom" cannot be read: unknown name whom (1:2)`},
		{`"= string(now())"`, `m.yaml: events[0]: customer: line 2: the expression " string(now())" cannot be read: unknown name now (1:9)`},
	} {
		m := mapping(t, "events:\n- {type: login, customer: "+c.customer+", time: {from: at}}")
		if _, err := Read(context.Background(), []string{write(t, "f", "who,at\n")}, options(m)); err == nil || err.Error() != c.want {
			t.Errorf("got  %v\nwant %s", err, c.want)
		}
	}
}

// TestEveryKeyIsExplained in the text beside the examples.
func TestEveryKeyIsExplained(t *testing.T) {
	b, err := os.ReadFile("../examples/README.md")
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, v := range []any{Mapping{}, Format{}, EventMapping{}, Moment{}} {
		for _, f := range reflect.VisibleFields(reflect.TypeOf(v)) {
			keys = append(keys, f.Tag.Get("yaml"))
		}
	}
	for kind, data := range dataKeys {
		keys = append(keys, kind)
		for key := range data {
			keys = append(keys, key)
		}
	}
	for _, key := range keys {
		if key != "" && key != "-" && !regexp.MustCompile("[`( ]"+regexp.QuoteMeta(key)+"[`:,]").Match(b) {
			t.Errorf("%s is not explained", key)
		}
	}
}

// TestExampleOfTheExplanation: the mapping in the text is one.
func TestExampleOfTheExplanation(t *testing.T) {
	b, err := os.ReadFile("../examples/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(b), "## The keys\n\n")
	text, _, _ = strings.Cut(text, "\n\n")
	m := mapping(t, regexp.MustCompile("(?m)^    ").ReplaceAllString(text, ""))
	o := options(m)
	o.Decoder.Currency = event.Currency{'E', 'U', 'R'}
	got := values(t, o, write(t, "orders.csv", "what the header says\nann,7,31.01.2026,12.50,PRO,x,-\n"))
	equal(t, got, `{"specversion":"1.0","type":"purchase","source":"shop","id":"7","subject":"ann","time":"2026-01-30T23:00:00Z","data":{"amount":"12.50","currency":"EUR","plan":"pro-x"}}`)
}
