package ingest

import (
	"context"
	"errors"
	"fmt"
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
		{purchases, row("ann", "2026-01-01T00:00:00Z", "1", "", "decade"), `f:3: interval: is no interval; write day, week, month, quarter or year, with a whole interval_count`},
		{purchases, row("ann", "2026-01-01T00:00:00Z", "", "", ""), `f:3: column 3 (paid): amount is empty; fill it, or leave such rows out with when`},
		{"events:\n- {type: purchase, customer: who, time: {from: at}, data: {amount: {value: 1}, interval_count: n}}", "who,at,n\nann,2026-01-01T00:00:00Z,0\n",
			`f:2: column 3 (n): interval_count is no interval; write day, week, month, quarter or year, with a whole interval_count`},
		{"events:\n- {type: purchase, customer: who, time: {from: at}, data: {amount: n, recurring_amount: m, interval: {value: month}}}", "who,at,n,m\nann,2026-01-01T00:00:00Z,1,x\n",
			`f:2: column 3 (n) or column 4 (m): amount or recurring_amount is no amount of money; write a decimal from 0 on such as 12.50, with the digits the currency has and of a size that money has`},
		{"events:\n- {type: cancellation, customer: who, time: {from: at}, effective: {from: n}}", "who,at,n\nann,1960-01-01T00:00:00Z,2026-01-01T00:00:00Z\n",
			`f:2: column 2 (at): time is no time since 1970; write it as 2026-01-31T12:00:00Z`},
		{"events:\n- {type: survey, customer: who, time: {from: at}, data: {kind: {value: nps}, score: n, scale.max: '= m'}}", "who,at,n,m\nann,2026-01-01T00:00:00Z,7,6\n",
			`f:2: column 3 (n) or scale.max: score or scale.max lies outside the scale; write a number on it, or the scale`},
		{purchases, row(strings.Repeat("x", 257), "2026-01-01T00:00:00Z", "1", "", ""), `f:3: the purchase is too long, or something in it: ids, names and values have at most 256 bytes, an event 1,000,000`},
		{"events:\n- {type: survey, customer: who, time: {from: at}, data: {kind: {value: nps}}}", "who,at\nann,2026-01-01T00:00:00Z\n",
			`f:2: the survey lacks an attribute that has no default (a purchase its amount, a survey its kind or score, a signal its name)`},
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

// TestLongCellsAreShownShort: a sentence about a cell is one that can be read.
func TestLongCellsAreShownShort(t *testing.T) {
	long := strings.Repeat("ü", 300_000)
	shown := `"` + strings.Repeat("ü", 60) + `…"`
	for _, c := range []struct{ mapping, want string }{
		{"events:\n- {type: login, customer: who, time: {from: who}}", "f:2: column 1 (who): " + shown + " is no time; "},
		{"events:\n- {type: login, customer: who, time: {from: n, format: days, since: who}}", "f:2: column 2 (n): \"1\" counts from " + shown + ", which is no day; "},
		{"events:\n- {type: signal, customer: who, time: {from: n, format: unix}, data: {value: who}}", "f:2: column 1 (who): value is " + shown + ", which is no number; "},
	} {
		_, err := Read(context.Background(), []string{write(t, "f", "who,n\n"+long+",1\n")}, options(mapping(t, c.mapping)))
		if err == nil || !strings.HasPrefix(nearPath(err.Error()), c.want) {
			t.Errorf("got %.300s, want %s", fmt.Sprint(err), c.want)
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
	whole := packed(t, "who,at\n"+strings.Repeat("ann,1\n", 1000))
	cut := whole[:len(whole)/2]
	o := options(mapping(t, logins))
	for text, want := range map[string]string{
		"who,at\nann,1\n\"ann,1\n":                           "f:3: a quote is not closed, or something follows its end; correct it, or the separator",
		"who,at\nann,1\na\"nn,1\n":                           "f:3: a quote stands inside of a cell; correct it, or the separator",
		"who,at\nann,1\n\"" + strings.Repeat("ann\n", 1<<20): "f:3: the row is longer than 1 MiB; is a quote not closed?",
		"{" + strings.Repeat(" ", 2<<20):                     "f:1: the line is longer than 1 MiB; is it JSON Lines, one event a line?",
		"\x1f\x8bxxxx":                                       "read f: the packed data breaks off; copy the file once more",
		"\x1f\x8b" + strings.Repeat("x", 20):                 "read f: the packed data is damaged; copy the file once more",
		string(cut):                                          "read f: the packed data breaks off; copy the file once more",
	} {
		_, err := Read(context.Background(), []string{write(t, "f", text)}, o)
		if err == nil || !strings.Contains(nearPath(err.Error()), want) {
			t.Errorf("%.20q: got %v, want %s", text, err, want)
		}
	}
	o = options(mapping(t, "format: {separator: whitespace}\n"+logins))
	_, err := Read(context.Background(), []string{write(t, "f", "who at\n"+strings.Repeat("x", 2<<20))}, o)
	if err == nil || !strings.Contains(err.Error(), "f:2: the row is longer than 1 MiB") {
		t.Errorf("got %v", err)
	}
}

// TestTheLongestRow: a row with its end has 1 MiB at most, however the table is
// written, and the line of a longer one is that on which it begins.
func TestTheLongestRow(t *testing.T) {
	for name, separator := range map[string]string{"comma": ",", "whitespace": " "} {
		m := mapping(t, "format: {separator: "+name+"}\nevents:\n- {type: login, when: 'false', customer: who, time: {from: at}}")
		for _, x := range []struct {
			before, after string // rows
			line          int
		}{{"", "", 2}, {"", "ann,1\n", 2}, {"ann,1\n", "", 3}, {"ann,1\n", "ann,1\n", 3}} {
			for over, want := range []string{"", fmt.Sprintf("f:%d: the row is longer than 1 MiB; is a quote not closed?", x.line)} {
				row := strings.Repeat("x", 1<<20-len(",1\n")+over) + ",1\n"
				text := strings.ReplaceAll("who,at\n"+x.before+row+x.after, ",", separator)
				got := ""
				if _, err := Read(context.Background(), []string{write(t, "f", text)}, options(m)); err != nil {
					got = nearPath(err.Error())
				}
				if got != want {
					t.Errorf("%s, %d over 1 MiB behind %q, before %q: got %q, want %q", name, over, x.before, x.after, got, want)
				}
			}
		}
	}
	text := "who,at\n\"a\nn\nn\",1\n\"" + strings.Repeat("ann\n", 1<<20)
	_, err := Read(context.Background(), []string{write(t, "f", text)}, options(mapping(t, logins)))
	if err == nil || !strings.HasPrefix(nearPath(err.Error()), "f:5: the row is longer") {
		t.Errorf("behind a row of several lines: %v", err)
	}
	row := strings.Repeat("x", 1<<20-3) + ",1" // without an end
	if _, err := Read(context.Background(), []string{write(t, "f", "who,at\n"+row)}, options(mapping(t, "events:\n- {type: login, when: 'false', customer: who, time: {from: at}}"))); err != nil {
		t.Errorf("at the end of the file: %v", err)
	}
}

func TestNoJSONLines(t *testing.T) {
	for text, want := range map[string]string{
		"a,b\n":     "f is no JSON Lines file, and no mapping says what its columns are; give one with --mapping",
		" [\n{}\n]": "f begins with a list, and is no JSON Lines file; write one CloudEvent a line, without brackets and commas around them",
		"\x00\x01":  "f is no JSON Lines file, and no mapping says what its columns are; give one with --mapping",
	} {
		if _, err := Read(context.Background(), []string{write(t, "f", text)}, options()); err == nil || nearPath(err.Error()) != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
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
		{"", "m.yaml:1:1: it makes no events; add them under events"},
		{"evnts: []", `m.yaml:1:1: unknown key "evnts"; the nearest valid key is "events"`},
		{"format: {seperator: tab}", `m.yaml:1:10: unknown key "seperator"; the nearest valid key is "separator"`},
		{"events:\n- {type: login, customer: a, time: {form: b}}", `m.yaml:2:37: unknown key "form"; the nearest valid key is "from"`},
		{"events:\n- {typ: login}", `m.yaml:2:4: unknown key "typ"; the nearest valid key is "type"`},
		{"events:\n- {type: logins}", `m.yaml:2:4: events[0].type: "logins" is no type of event; write login, purchase, cancellation, survey or signal`},
		{"events:\n- {type: login}", `m.yaml:2:3: events[0]: it has no customer; say which column holds it`},
		{"events:\n- {type: login, customer: a}", `m.yaml:2:3: events[0]: it has no time; write time: {from: COLUMN}`},
		{"events:\n- {type: login, customer: a, time: {from: b, format: iso}}", `m.yaml:2:46: events[0].time.format: "iso" has no year; write rfc3339, unix, unix_ms, days, or how 2006-01-02 15:04:05 would stand there`},
		{"events:\n- {type: login, customer: a, time: {from: b, format: days}}", `m.yaml:2:30: events[0].time: it counts days from no day; write since, as {value: 2013-10-01}`},
		{"events:\n- {type: login, customer: a, time: {from: b, since: c}}", `m.yaml:2:46: events[0].time.since: it belongs to the format days; leave it out`},
		{"events:\n- {type: login, customer: a, time: {from: b}, effective: {from: b}}", `m.yaml:2:47: events[0].effective: it belongs to cancellations; leave it out`},
		{"events:\n- {type: purchase, customer: a, time: {from: b}, data: {amonut: c}}", `m.yaml:2:57: events[0].data.amonut: unknown key; the nearest that a purchase has is "amount"`},
		{"events:\n- {type: login, customer: [a], time: {from: b}}", `m.yaml:2:27: this is no field; write the name of a column, "#2" for the second, "= …" for an expression, or {value: …}`},
		{"files: ['[']\nevents:\n- {type: login, customer: a, time: {from: b}}", `m.yaml:1:9: files[0]: "[" is no pattern; write one such as orders*.csv`},
		{"time_zone: Mars\nevents:\n- {type: login, customer: a, time: {from: b}}", `m.yaml:1:1: time_zone: "Mars" is no IANA time zone; write one such as America/New_York`},
		{"format: {separator: '::'}\nevents:\n- {type: login, customer: a, time: {from: b}}", `m.yaml:1:10: format.separator: "::" is none; write comma, tab, semicolon, whitespace, or one character`},
		{"format: {skip: -1}\nevents:\n- {type: login, customer: a, time: {from: b}}", `m.yaml:1:10: format.skip: it is less than 0; write how many lines stand before the table`},
		{"events:\n- {type: login, customer: a, time: {from: b}, data: {user: }}", `m.yaml:2:54: events[0].data.user: it is empty; give it a value, one such as null or ~ in quotes, or leave it out`},
		{"events:\n- {type: login, customer: a, time: {from: b}, data: {user: null}}", `m.yaml:2:54: events[0].data.user: it is empty; give it a value, one such as null or ~ in quotes, or leave it out`},
		{"events:\n- {type: login, customer: a, time: {from: b}, attributes: {plan: ~}}", `m.yaml:2:60: events[0].attributes.plan: it is empty; give it a value, one such as null or ~ in quotes, or leave it out`},
		{"events:\n- {type: login, customer: a, time: {from: b}, attributes: {plan: {value: }}}", `m.yaml:2:67: events[0].attributes.plan.value: it is empty; give it a value, one such as null or ~ in quotes, or leave it out`},
		{"events:\n- {type: login, customer: a, id: , time: {from: b}}", `m.yaml:2:30: events[0].id: it is empty; give it a value, one such as null or ~ in quotes, or leave it out`},
		{"events:\n- {type: login, customer: a, when: , time: {from: b}}", `m.yaml:2:30: events[0].when: it is empty; give it a value, one such as null or ~ in quotes, or leave it out`},
		{"events:\n- type: cancellation\n  customer: a\n  time: {from: b}\n  effective:\n", `m.yaml:5:3: events[0].effective: it is empty; give it a value, one such as null or ~ in quotes, or leave it out`},
		{"events:\n- {type: login, customer: , time: {from: b}}", `m.yaml:2:17: events[0].customer: it is empty; give it a value, one such as null or ~ in quotes, or leave it out`},
		{"events:\n- {type: , customer: a, time: {from: b}}", `m.yaml:2:4: events[0].type: it is empty; give it a value, one such as null or ~ in quotes, or leave it out`},
		{"events:\n- {type: login, customer: a, time: {from: }}", `m.yaml:2:37: events[0].time.from: it is empty; give it a value, one such as null or ~ in quotes, or leave it out`},
		{"time_zone:\nevents:\n- {type: login, customer: a, time: {from: b}}", `m.yaml:1:1: time_zone: it is empty; give it a value, one such as null or ~ in quotes, or leave it out`},
		{"format: {empty: [NA, null]}\nevents:\n- {type: login, customer: a, time: {from: b}}", `m.yaml:1:22: format.empty[1]: it is empty; give it a value, one such as null or ~ in quotes, or leave it out`},
		{"events:\n- {type: survey, customer: a, time: {from: b}, data: {answers.: c}}", `m.yaml:2:55: events[0].data.answers.: unknown key; the nearest that a survey has is "answers.NAME"`},
		{"events:\n- {type: login, customer: a, time: {from: b}}\n---\nevents: []", `m.yaml:3:1: a second document begins here, and would not be read; write all events into one`},
		{"who,at\nann,1\n", `m.yaml:1: a text stands where a group of keys belongs; examples/README.md explains the keys`},
		{"files: orders.csv\nformat: {skip: two}", "m.yaml:1: a text stands where a list belongs; examples/README.md explains the keys\nm.yaml:2: a text stands where a whole number belongs; examples/README.md explains the keys"},
		{"events:\n- type: login\n customer: a", `m.yaml:2: it cannot be read as YAML: did not find expected key`},
		{"events: \xff", `m.yaml:1:1: the file is not UTF-8`},
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
		{"whom", `m.yaml:2:17: events[0].customer: f has no column "whom"; the nearest is "who" (a constant is written {value: whom}, an expression begins with =)`},
		{`"#6"`, `m.yaml:2:17: events[0].customer: f has no column #6; it has 5`},
		{`"= whom"`, `m.yaml:2:17: events[0].customer: the expression " whom" cannot be read: unknown name whom (1:2)`},
		{`'= cells["order n"]'`, `m.yaml:2:17: events[0].customer: f has no column "order n"; the nearest is "order no"`},
		{`'= cells.order'`, `m.yaml:2:17: events[0].customer: f has no column "order"; the nearest is "order no"`},
		{`'= upper(cells["order" + " n"])'`, `m.yaml:2:17: events[0].customer: f has no column "order n"; the nearest is "order no"`},
		{`'= cells["#6"]'`, `m.yaml:2:17: events[0].customer: f has no column #6; it has 5`},
		{`'= cells["a b"]'`, `m.yaml:2:17: events[0].customer: f has two columns "a b", 4 and 5; name the one by its number, as "#4"`},
		{`'= cells["order no"] + cells["#4"]'`, ``},
		{`'= "order n" in cells ? cells["order n"] : who'`, ``},
		{`"= string(now())"`, `m.yaml:2:17: events[0].customer: the expression " string(now())" cannot be read: unknown name now (1:9)`},
	} {
		m := mapping(t, "events:\n- {type: login, customer: "+c.customer+", time: {from: at}}")
		got := ""
		if _, err := Read(context.Background(), []string{write(t, "f", "who,at,order no,a b,a b\n")}, options(m)); err != nil {
			got = nearPath(err.Error())
		}
		if got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

// TestEmptyCondition: one that was forgotten does not let all rows through.
func TestEmptyCondition(t *testing.T) {
	for _, when := range []string{"=", `" "`, `""`} {
		m, err := ParseMapping("m.yaml", []byte("events:\n- {type: login, when: "+when+", customer: who, time: {from: at}}"))
		if err == nil {
			_, err = Read(context.Background(), []string{write(t, "f", "who,at\n")}, options(m))
		}
		if err == nil || !strings.HasPrefix(nearPath(err.Error()), "m.yaml:2:17: events[0].when: ") {
			t.Errorf("%s: %v", when, err)
		}
	}
}

// nearPath leaves the base names of the test's files.
func nearPath(s string) string {
	return regexp.MustCompile(`/[^ \n]*/`).ReplaceAllString(s, "")
}

// TestSentencesAboutHeaders: what the first line of a table, or the lack of one,
// makes impossible.
func TestSentencesAboutHeaders(t *testing.T) {
	m := "events:\n- {type: purchase, customer: who, time: {from: at}, data: {amount: %s}}"
	for _, c := range []struct{ text, amount, want string }{
		{"", "paid", `f: the table is empty; its first line names the columns`},
		{"who;at;paid\n", "paid", `m.yaml:2:60: events[0].data.amount: f has no column "paid", it has one only, "who;at;paid"; is format.separator right?`},
		{"who,at,paid,paid\n", "paid", `m.yaml:2:60: events[0].data.amount: f has two columns "paid", 3 and 4; name the one by its number, as "#3"`},
		{"who,at,paid,paid\n", `"= paid"`, `m.yaml:2:60: events[0].data.amount: f has two columns "paid", 3 and 4; name the one by its number, as "#3"`},
		{"who,at,paid,paid\n", `"#4"`, ``},
		{"who,at,other,other,paid\n", `paid`, ``},
		{"who,\xff,paid\n", `paid`, `f:1: the row is not UTF-8; convert the file first, for instance with iconv`},
	} {
		got := ""
		if _, err := Read(context.Background(), []string{write(t, "f", c.text)}, options(mapping(t, fmt.Sprintf(m, c.amount)))); err != nil {
			got = nearPath(err.Error())
		}
		if got != c.want {
			t.Errorf("%q\ngot  %s\nwant %s", c.text, got, c.want)
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
