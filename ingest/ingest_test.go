package ingest

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/event"
)

// write makes a file of the test's and returns its path.
func write(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func packed(t testing.TB, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func mapping(t testing.TB, text string) *Mapping {
	t.Helper()
	m, err := ParseMapping("m.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func options(mappings ...*Mapping) Options {
	return Options{Mappings: mappings, Decoder: event.Options{Currency: event.Currency{'U', 'S', 'D'}}}
}

// values reads files and returns what would be sent.
func values(t testing.TB, o Options, files ...string) []string {
	t.Helper()
	s, err := Read(context.Background(), files, o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	var out []string
	if err := s.Each(func(m *Message) error { out = append(out, string(m.Value)); return nil }); err != nil {
		t.Fatal(err)
	}
	return out
}

func equal(t testing.TB, got []string, want ...string) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

const logins = "events:\n- {type: login, customer: who, time: {from: at, format: unix}}\n"

// login is the event that logins makes of a row.
func login(file, row, who, at string) string {
	return `{"specversion":"1.0","type":"login","source":"import/` + file + `","id":"` + file + `#00000000` + row +
		`","subject":"` + who + `","time":"` + at + `","data":{}}`
}

func TestWaysToWriteATable(t *testing.T) {
	a, b := login("f", "1", "ann", "1970-01-01T00:00:10Z"), login("f", "2", "bob", "1970-01-01T00:00:20Z")
	for name, c := range map[string]struct{ format, text string }{
		"comma":          {"", "who,at\nann,10\nbob,20\n"},
		"CRLF":           {"", "who,at\r\nann,10\r\nbob,20\r\n"},
		"no last end":    {"", "who,at\nann,10\nbob,20"},
		"order mark":     {"", "\ufeffwho,at\nann,10\nbob,20"},
		"blanks":         {"", " who , at\n ann , 10 \nbob,20\n\n"},
		"quoted":         {"", "\"who\",\"at\"\n\"ann\",\"10\"\nbob,\"20\""},
		"other columns":  {"", "x,at,y,who\n\"a,\n\"\"b\",10,,ann\n,20,,bob"},
		"semicolon":      {"format: {separator: semicolon}\n", "who;at\nann;10\nbob;20\n"},
		"tab":            {"format: {separator: tab}\n", "who\tat\nann\t10\nbob\t20\n"},
		"bar":            {"format: {separator: '|'}\n", "who|at\nann|10\nbob|20\n"},
		"whitespace":     {"format: {separator: whitespace}\n", " who at\n\n  ann\t10 \r\nbob   20\r\n"},
		"names given":    {"format: {header: false, columns: [who, at]}\n", "ann,10\nbob,20\n"},
		"names replaced": {"format: {columns: [who, at]}\n", "w,a\nann,10\nbob,20\n"},
		"skipped":        {"format: {skip: 2}\n", "made by hand\n\"\nwho,at\nann,10\nbob,20\n"},
		"packed":         {"", packed(t, "who,at\nann,10\nbob,20\n")},
		"packed mark":    {"", packed(t, "\ufeffwho,at\nann,10\nbob,20\n")},
		"out of order":   {"", "who,at\nann,10\nbob,20\n"},
	} {
		t.Run(name, func(t *testing.T) {
			equal(t, values(t, options(mapping(t, c.format+logins)), write(t, "f", c.text)), a, b)
		})
	}
}

// letters are so many bytes without the end of a line.
type letters int

func (l *letters) Read(p []byte) (int, error) {
	n := min(len(p), int(*l))
	if *l -= letters(n); n == 0 {
		return 0, io.EOF
	}
	for i := range p[:n] {
		p[i] = 'x'
	}
	return n, nil
}

// TestSkippedLinesTakeNoMemory: what stands before a table may be one long line.
func TestSkippedLinesTakeNoMemory(t *testing.T) {
	const long = 64 << 20
	o := options(mapping(t, "source: s\nformat: {skip: 1}\n"+logins))
	before := letters(long)
	o.Stdin = io.MultiReader(&before, strings.NewReader("\nwho,at\nann,10\n"))
	var at, then runtime.MemStats
	runtime.ReadMemStats(&at)
	got := values(t, o, "-")
	runtime.ReadMemStats(&then)
	if n := then.TotalAlloc - at.TotalAlloc; n > long/4 {
		t.Errorf("a line of %d bytes that is skipped takes %d", long, n)
	}
	if len(got) != 1 || !strings.Contains(got[0], `"subject":"ann"`) {
		t.Errorf("got %v", got)
	}
}

func TestColumnsByNumber(t *testing.T) {
	m := mapping(t, `
format: {header: false}
events:
- {type: login, customer: "#2", time: {from: '= cells["#1"]', format: unix}}
`)
	equal(t, values(t, options(m), write(t, "f", "10,ann\n5,bob\n")),
		login("f", "2", "bob", "1970-01-01T00:00:05Z"), login("f", "1", "ann", "1970-01-01T00:00:10Z"))
}

func TestStandardInputNeedsASource(t *testing.T) {
	o := options(mapping(t, logins))
	o.Stdin = strings.NewReader("who,at\nann,10\n")
	if _, err := Read(context.Background(), []string{"-"}, o); err == nil || !strings.Contains(err.Error(), "give the mapping a source") {
		t.Errorf("got %v", err)
	}
	o = options(mapping(t, "source: shop\n"+logins))
	o.Stdin = strings.NewReader("who,at\nann,10\n")
	equal(t, values(t, o, "-"), strings.ReplaceAll(strings.ReplaceAll(login("f", "1", "ann", "1970-01-01T00:00:10Z"), "import/f", "shop"), "f#0", "-#0"))
}

// everything has each kind of event and each key of data.
const everything = `
source: all
time_zone: America/New_York
format: {empty: [NA]}
events:
- type: purchase
  customer: who
  id: '= "p-" + cells["order no"]'
  time: {from: day, format: "2006-01-02"}
  data: {order: order no, amount: amount, currency: {value: EUR}, interval: {value: year}, interval_count: {value: 1},
    subscription: {value: s}, recurring_amount: {value: "9.5"}, plan: plan}
  attributes: {plan: plan, name: '= upper(who)'}
- type: purchase
  when: refund != ""
  customer: who
  time: {from: day, format: "2006-01-02"}
  data: {amount: refund, refund_of: order no}
- type: cancellation
  when: = int(gone) > 0
  customer: who
  time: {from: day, format: "2006-01-02"}
  effective: {from: gone, format: days, since: day}
  data: {subscription: {value: s}, reason: {value: "too \"dear\""}}
- type: survey
  customer: who
  time: {from: day, format: "2006-01-02"}
  data: {kind: {value: cli}, score: {value: 8.5}, scale.min: {value: 1}, scale.max: {value: 10}, respondent: {value: r},
    campaign: {value: c}, ref: {value: t1}, answers.food: {value: 7}, answers.rooms: {value: 9}, comment: comment}
- type: signal
  customer: who
  time: {from: day, format: "2006-01-02"}
  data: {name: {value: visits}, value: '= float(amount) / 2'}
`

func TestEveryKindOfEvent(t *testing.T) {
	o := options(mapping(t, everything))
	o.Decoder.Prefix = "com.acme."
	o.Decoder.Currencies = map[event.Currency]bool{{'E', 'U', 'R'}: true}
	file := write(t, "orders.csv", "who,order no,day,amount,plan,refund,gone,comment\nann,7,2026-03-08,12.50,NA,3.25,30,\"a\tb \"\"ü\"\"\"\n")
	// The zone is at -5 h until 2026-03-08 02:00, then at -4 h.
	equal(t, values(t, o, file),
		`{"specversion":"1.0","type":"com.acme.purchase","source":"all","id":"p-7","subject":"ann","time":"2026-03-08T05:00:00Z","data":{"amount":"12.50","currency":"EUR","interval":"year","interval_count":1,"order":"7","recurring_amount":"9.5","subscription":"s","customer":{"name":"ANN"}}}`,
		`{"specversion":"1.0","type":"com.acme.purchase","source":"all","id":"orders.csv#000000001/1","subject":"ann","time":"2026-03-08T05:00:00Z","data":{"amount":"3.25","refund_of":"7"}}`,
		`{"specversion":"1.0","type":"com.acme.cancellation","source":"all","id":"orders.csv#000000001/2","subject":"ann","time":"2026-03-08T05:00:00Z","data":{"effective":"2026-04-07T04:00:00Z","reason":"too \"dear\"","subscription":"s"}}`,
		`{"specversion":"1.0","type":"com.acme.survey","source":"all","id":"orders.csv#000000001/3","subject":"ann","time":"2026-03-08T05:00:00Z","data":{"campaign":"c","comment":"a\u0009b \"ü\"","kind":"cli","ref":"t1","respondent":"r","score":8.5,"answers":{"food":7,"rooms":9},"scale":{"max":10,"min":1}}}`,
		`{"specversion":"1.0","type":"com.acme.signal","source":"all","id":"orders.csv#000000001/4","subject":"ann","time":"2026-03-08T05:00:00Z","data":{"name":"visits","value":6.25,"ref":"all#orders.csv#000000001/4"}}`,
	)
}

// TestRepeatable: the same file gives the same bytes again, packed or not and
// from another folder, and a file beside it changes nothing.
func TestRepeatable(t *testing.T) {
	text := "who,at\nann,30\nbob,20\nann,30\n"
	o := options(mapping(t, logins))
	first := values(t, o, write(t, "f", text))
	equal(t, values(t, o, write(t, "f.gz", packed(t, text))), first...)
	equal(t, values(t, o, write(t, "f", text), write(t, "g", "who,at\n")), first...)
	if len(first) != 3 || first[1] == first[2] {
		t.Errorf("duplicate rows are not told apart: %v", first)
	}
}

// TestRowsOfOneMomentStayInOrder: events of one moment go by their ids as texts,
// and tables often have days in place of times.
func TestRowsOfOneMomentStayInOrder(t *testing.T) {
	got := values(t, options(mapping(t, logins)), write(t, "f", "who,at\n"+strings.Repeat("ann,30\n", 12)))
	var ids []string
	for _, value := range got {
		_, id, _ := strings.Cut(value, `"id":"`)
		id, _, _ = strings.Cut(id, `"`)
		ids = append(ids, id)
	}
	if !slices.IsSorted(ids) || len(ids) != 12 {
		t.Errorf("%v", ids)
	}
}

func TestFilesAreMergedByTime(t *testing.T) {
	lines := `{"specversion":"1.0","type":"login","source":"s","id":"1","time":"1970-01-01T00:00:15Z","subject":"carl"}` + "\n"
	o := options(mapping(t, logins))
	got := values(t, o, write(t, "f", "who,at\nann,30\nbob,10\n"), write(t, "g.jsonl", "\n "+lines+"\r\n"), write(t, "h", "who,at\ndan,20\n"))
	equal(t, got, login("f", "2", "bob", "1970-01-01T00:00:10Z"), strings.TrimSpace(lines),
		login("h", "1", "dan", "1970-01-01T00:00:20Z"), login("f", "1", "ann", "1970-01-01T00:00:30Z"))
	s, err := Read(context.Background(), []string{write(t, "f", "who,at\nann,30\nbob,10\n")}, o)
	if err != nil {
		t.Fatal(err)
	}
	if f := s.Files[0]; f.Rows != 2 || f.Events != 2 || f.First != 10_000 || f.Last != 30_000 || s.Kinds[event.Login] != 2 {
		t.Errorf("summary %+v %v", f, s.Kinds)
	}
}

func TestMappingsByFileName(t *testing.T) {
	a := mapping(t, "files: ['a*.csv']\nsource: of-a\n"+logins)
	b := mapping(t, "files: ['b*.csv']\nsource: of-b\n"+logins)
	got := values(t, options(a, b), write(t, "a1.csv.gz", packed(t, "who,at\nann,1\n")), write(t, "b1.csv", "who,at\nbob,2\n"))
	if len(got) != 2 || !strings.Contains(got[0], "of-a") || !strings.Contains(got[1], "of-b") {
		t.Errorf("got %v", got)
	}
	for name, mappings := range map[string][]*Mapping{"no mapping": {b}, "are mappings for it": {a, a}} {
		if _, err := Read(context.Background(), []string{write(t, "a1.csv", "who,at\n")}, options(mappings...)); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestSameNameTwice(t *testing.T) {
	_, err := Read(context.Background(), []string{write(t, "f", ""), write(t, "f.gz", "")}, options())
	if err == nil || !strings.Contains(err.Error(), "have the same name") {
		t.Errorf("got %v", err)
	}
}

func TestMissingFile(t *testing.T) {
	if _, err := Read(context.Background(), []string{"no/such.csv"}, options()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	dir := t.TempDir()
	if _, err := Read(context.Background(), []string{dir}, options()); err == nil || err.Error() != dir+" is a folder; name the files in it" {
		t.Errorf("got %v", err)
	}
}

func TestJSONLines(t *testing.T) {
	kept := `{"specversion":"1.0","type":"survey","source":"s","id":"1","time":"2026-01-01T00:00:00Z","subject":"a","data":{"kind":"nps","score":9,"comment":"<x>"},"more":1}`
	given := `{"specversion":"1.0","type":"signal","source":"s","id":"2","time":"2026-01-01T00:00:01Z","subject":"a","data":{"name":"n","ref":"r"}}`
	foreign := `{"specversion":"1.0","type":"page_viewed","source":"s","id":"4","time":"2026-01-01T00:00:00Z","subject":"a"}`
	lacking := `{"specversion":"1.0","type":"signal","source":"s","id":"3","time":"2026-01-01T00:00:02Z","subject":"a","data":{"name":"n","value":1.50}}`
	s, err := Read(context.Background(), []string{write(t, "f.jsonl", strings.Join([]string{lacking, foreign, given, kept, foreign}, "\n"))}, options())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	if err := s.Each(func(m *Message) error { got = append(got, string(m.Value)); return nil }); err != nil {
		t.Fatal(err)
	}
	equal(t, got, kept, given,
		`{"data":{"name":"n","ref":"s#3","value":1.50},"id":"3","source":"s","specversion":"1.0","subject":"a","time":"2026-01-01T00:00:02Z","type":"signal"}`)
	if s.Ignored["page_viewed"] != 2 || len(s.Ignored) != 1 || s.Files[0].Rows != 5 || s.Events() != 3 {
		t.Errorf("summary %+v", s.Summary)
	}
}

func TestMoments(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ text, format, since, want string }{
		{"2026-01-31T12:00:00+01:00", "", "", "2026-01-31T11:00:00Z"},
		{"1082040961", "unix", "", "2004-04-15T14:56:01Z"},
		{"1082040961.1239", "unix", "", "2004-04-15T14:56:01.123Z"},
		{"-1.5", "unix", "", "1969-12-31T23:59:58.5Z"},
		{"1082040961123", "unix_ms", "", "2004-04-15T14:56:01.123Z"},
		{"20260329", "20060102", "", "2026-03-28T23:00:00Z"},
		{"29.03.2026 03:30", "02.01.2006 15:04", "", "2026-03-29T01:30:00Z"},
		{"2026-07-01 12:00 CEST", "2006-01-02 15:04 MST", "", "2026-07-01T10:00:00Z"},
		{"2026-07-01 12:00 CET", "2006-01-02 15:04 MST", "", "2026-07-01T11:00:00Z"},
		{"2026-07-01 12:00 UTC", "2006-01-02 15:04 MST", "", "2026-07-01T12:00:00Z"},
		{"2026-07-01 12:00 GMT", "2006-01-02 15:04 MST", "", "2026-07-01T12:00:00Z"},
		{"2026-07-01 12:00 -0700 PDT", "2006-01-02 15:04 -0700 MST", "", "2026-07-01T19:00:00Z"},
		{"2026-07-01 12:00 PDT -07", "2006-01-02 15:04 MST -07", "", "2026-07-01T19:00:00Z"},
		{"1", "days", "2026-03-29", "2026-03-29T22:00:00Z"}, // a day of 23 hours
		{"-159", "days", "2013-10-01", "2013-04-24T22:00:00Z"},
	} {
		ms, err := parseMoment(c.text, c.format, c.since, civil.NewCalendar(berlin))
		if got := time.UnixMilli(ms).UTC().Format(time.RFC3339Nano); err != nil || got != c.want {
			t.Errorf("%s as %s is %s, %v; want %s", c.text, c.format, got, err, c.want)
		}
	}
	for _, c := range []struct{ text, format, since, want string }{
		{"2026-01-31", "", "", "is no time; write it as 2026-01-31T12:00:00Z, or say how it is written with format"},
		{"x", "unix", "", "is no number of seconds since 1970"},
		{"1.x", "unix", "", "is no number of seconds since 1970"},
		{"999999999999", "unix", "", "is no number of seconds since 1970"},
		{"1.5", "unix_ms", "", "is no number of milliseconds since 1970"},
		{"2026-02-30", "2006-01-02", "", "is not written as 2006-01-02"},
		{"2026-07-01 12:00 PDT", "2006-01-02 15:04 MST", "", "is of a time zone PDT that Europe/Berlin does not have; convert it, or write offsets as -07:00"},
		{"2026-07-01 12:00 GMT+2", "2006-01-02 15:04 MST", "", "is of a time zone GMT+2 that Europe/Berlin does not have; convert it, or write offsets as -07:00"},
		{"1.5", "days", "2026-01-01", "is no whole number of days"},
		{"1", "days", "2026", `counts from "2026", which is no day; since is written as 2013-10-01`},
	} {
		if _, err := parseMoment(c.text, c.format, c.since, civil.NewCalendar(berlin)); err == nil || err.Error() != c.want {
			t.Errorf("%s as %s: got %v, want %s", c.text, c.format, err, c.want)
		}
	}
}

// TestDaysThatBeginLate: where a zone puts its clocks forward at midnight, or leaves
// a day out, a date is the beginning of that day and not an hour of the one before.
func TestDaysThatBeginLate(t *testing.T) {
	for _, c := range []struct{ zone, text, format, since, want string }{
		// At -3 h up to 2018-11-04 00:00, which is 01:00 at -2 h.
		{"America/Sao_Paulo", "2018-11-04", "2006-01-02", "", "2018-11-04T03:00:00Z"},
		{"America/Sao_Paulo", "2018-11-04 00:30", "2006-01-02 15:04", "", "2018-11-04T03:00:00Z"},
		{"America/Sao_Paulo", "2018-11-04 01:30", "2006-01-02 15:04", "", "2018-11-04T03:30:00Z"},
		{"America/Sao_Paulo", "2018-11-03 23:30", "2006-01-02 15:04", "", "2018-11-04T02:30:00Z"},
		{"America/Sao_Paulo", "2018-11-04 00:30 -0300", "2006-01-02 15:04 -0700", "", "2018-11-04T03:30:00Z"},
		{"America/Sao_Paulo", "0", "days", "2018-11-04", "2018-11-04T03:00:00Z"},
		{"America/Sao_Paulo", "1", "days", "2018-11-03", "2018-11-04T03:00:00Z"},
		{"America/Sao_Paulo", "1", "days", "2018-11-04", "2018-11-05T02:00:00Z"},
		// From -10 h to +14 h, without the 30th.
		{"Pacific/Apia", "2011-12-30", "2006-01-02", "", "2011-12-30T10:00:00Z"},
		{"Pacific/Apia", "1", "days", "2011-12-29", "2011-12-30T10:00:00Z"},
		{"Pacific/Apia", "2011-12-31", "2006-01-02", "", "2011-12-30T10:00:00Z"},
		// A gap within a day: it is one of the two readings, and the day is right.
		{"America/New_York", "2026-03-08 02:30", "2006-01-02 15:04", "", "2026-03-08T06:30:00Z"},
	} {
		loc, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		ms, err := parseMoment(c.text, c.format, c.since, civil.NewCalendar(loc))
		if got := time.UnixMilli(ms).UTC().Format(time.RFC3339Nano); err != nil || got != c.want {
			t.Errorf("%s as %s in %s is %s, %v; want %s", c.text, c.format, c.zone, got, err, c.want)
		}
	}
}

func TestBehind(t *testing.T) {
	newYork, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	// 2026-04-11 03:00 UTC is still 2026-04-10 in New York; 100 days before is
	// 2025-12-31 there, which begins at 05:00 UTC.
	watermark := time.Date(2026, 4, 11, 3, 0, 0, 0, time.UTC).UnixMilli()
	edge := time.Date(2025, 12, 31, 5, 0, 0, 0, time.UTC).UnixMilli()
	files := func(first int64) []FileSummary {
		return []FileSummary{{Name: "empty"}, {Name: "f.csv", Events: 1, First: first}}
	}
	if err := Behind(files(edge), watermark, 100, newYork); err != nil {
		t.Errorf("the first moment within the horizon is refused: %v", err)
	}
	if err := Behind(files(0), 0, 100, newYork); err != nil {
		t.Errorf("refused without any state: %v", err)
	}
	want := "f.csv begins on 2025-12-30, and the stored state stands at 2026-04-10: events before 2025-12-31 are beyond the horizon of 100d and would go to the late topic; import into a new redis.namespace, or repeat an import that failed with --allow-late"
	if err := Behind(files(edge-1), watermark, 100, newYork); err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	dir := t.TempDir()
	o := options(mapping(t, logins))
	o.Memory, o.TempDir = 1, dir
	text := "who,at\n" + strings.Repeat("ann,1\n", 2000)
	if _, err := Read(ctx, []string{write(t, "f", text)}, o); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("temporary files are left: %v, %v", left, err)
	}
}
