package report

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/company"
	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/ingest"
	"github.com/tidemark-io/tidemark/kpi"
)

var usd = event.Currency{'U', 'S', 'D'}

// settings are what the default configuration comes to, with a dimension.
func settings(t testing.TB, zone string, shards int) Options {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	return Options{
		Shards: shards, Disorder: 10_000,
		Company: company.Options{Location: loc, Currency: usd, MinSample: 30, WeekStart: time.Monday},
		Shard: func() (aggregator.Options, error) {
			o := aggregator.Options{Calendar: civil.NewCalendar(loc), Horizon: 100, Currency: usd, ActiveDays: 90, SilentDays: 14,
				LapseGrace: -1, Dimensions: []string{"plan"}, Profile: aggregator.DefaultProfile()}
			o.ActivityKinds[event.Login] = true
			return o, nil
		},
	}
}

func files(names ...string) Files {
	return Files{Names: names, Options: ingest.Options{Decoder: event.Options{Currency: usd}}}
}

// whole asks for everything on the last day.
func whole() Query {
	return Query{AsOf: Unset, From: Unset, To: Unset, KPIs: kpi.All(), Segments: []string{""}}
}

func write(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func make1(t testing.TB, f Files, o Options, q Query) *Report {
	t.Helper()
	r, err := Make(context.Background(), f, o, q)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// value is a figure's value on a day, "null" where it has none; the segment is
// that of the query.
func value(t testing.TB, r *Report, name, window, day string) string {
	t.Helper()
	k, err := kpi.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	d, err := civil.Parse(day)
	if err != nil {
		t.Fatal(err)
	}
	list, err := r.Series(context.Background(), k, window, r.query.Segments[0], d, d)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 1 {
		t.Fatalf("%d figures of %s on %s", len(list), name, day)
	}
	if list[0].Value == "" {
		return "null"
	}
	return list[0].Value.String()
}

// shop is a small history whose figures can be counted: acme pays 30 from 1
// March and cancels on the 20th, globex pays 50 from the 5th; ann and bob of acme
// and carl of globex log in.
const shop = `{"specversion":"1.0","type":"purchase","source":"/b","id":"p1","time":"2026-03-01T09:00:00Z","subject":"acme","data":{"amount":"30.00","interval":"month","customer":{"plan":"starter"}}}
{"specversion":"1.0","type":"login","source":"/a","id":"l1","time":"2026-03-01T10:00:00Z","subject":"acme","data":{"user":"ann"}}
{"specversion":"1.0","type":"login","source":"/a","id":"l2","time":"2026-03-01T10:30:00Z","subject":"acme","data":{"user":"ann"}}
{"specversion":"1.0","type":"purchase","source":"/b","id":"p2","time":"2026-03-05T09:00:00Z","subject":"globex","data":{"amount":"50.00","interval":"month","customer":{"plan":"pro"}}}
{"specversion":"1.0","type":"login","source":"/a","id":"l3","time":"2026-03-05T10:00:00Z","subject":"acme","data":{"user":"bob"}}
{"specversion":"1.0","type":"login","source":"/a","id":"l4","time":"2026-03-05T11:00:00Z","subject":"globex","data":{"user":"carl"}}
{"specversion":"1.0","type":"page_view","source":"/a","id":"v1","time":"2026-03-06T11:00:00Z","subject":"globex"}
{"specversion":"1.0","type":"cancellation","source":"/b","id":"c1","time":"2026-03-20T12:00:00Z","subject":"acme","data":{}}
{"specversion":"1.0","type":"purchase","source":"/b","id":"p3","time":"2026-03-20T13:00:00Z","subject":"acme","data":{"amount":"1.001"}}
{"specversion":"1.0","type":"cancellation","source":"/b","id":"c2","time":"2026-03-21T12:00:00Z","subject":"nobody","data":{}}
`

func TestFigures(t *testing.T) {
	r := make1(t, files(write(t, "shop.jsonl", shop)), settings(t, "UTC", 2), whole())
	for _, x := range []struct{ kpi, window, day, want string }{
		{"dau", "1d", "2026-03-01", "1"}, {"dau", "1d", "2026-03-05", "2"}, {"mau", "30d", "2026-03-21", "3"},
		{"customers", "", "2026-03-19", "2"}, {"customers", "", "2026-03-20", "1"},
		{"mrr", "", "2026-03-04", "3000"}, {"mrr", "", "2026-03-05", "8000"}, {"mrr", "", "2026-03-20", "5000"},
		{"customer_churn_rate", "7d", "2026-03-20", "0.5"}, {"customer_churn_rate", "30d", "2026-03-20", "null"},
		{"cancellations", "1d", "2026-03-20", "1"}, {"users_ever", "", "2026-03-21", "3"},
	} {
		if got := value(t, r, x.kpi, x.window, x.day); got != x.want {
			t.Errorf("%s %s on %s: %s, want %s", x.kpi, x.window, x.day, got, x.want)
		}
	}
	// 7 applied: p1, l1, p2, l3, l4, c1, c2; l2 is in l1's hour; v1 is none of
	// ours; p3 has too many decimals.
	if want := (Events{Read: 10, Applied: 7, Duplicate: 1, Ignored: 1, DeadLetter: 1}); r.Events() != want {
		t.Errorf("%+v, want %+v", r.Events(), want)
	}
	if civil.Format(r.Day()) != "2026-03-21" || r.Watermark() != 1_774_094_400_000 { // 12:00, without disorder
		t.Errorf("%s, %d", civil.Format(r.Day()), r.Watermark())
	}
	if wrong, err := r.Audit(); len(wrong) > 0 || err != nil {
		t.Error(wrong, err)
	}
}

// TestAsOf: nothing behind the end of the day counts, and silence up to it does.
func TestAsOf(t *testing.T) {
	path := write(t, "shop.jsonl", shop)
	q := whole()
	q.AsOf = day(t, "2026-03-10")
	r := make1(t, files(path), settings(t, "UTC", 1), q)
	if got := value(t, r, "mrr", "", "2026-03-10"); got != "8000" {
		t.Errorf("mrr %s", got)
	}
	if e := r.Events(); e.Later != 2 || e.Applied != 5 || e.Read != 8 {
		t.Errorf("%+v", e)
	}
	figures, err := r.Figures(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range figures {
		if f.Day == "2026-03-10" && !f.Complete || f.Day < "2026-03-10" {
			t.Errorf("%+v", f)
		}
	}
	q.AsOf = day(t, "2026-04-10") // acme is gone; globex was last there on the 5th of March
	r = make1(t, files(path), settings(t, "UTC", 1), q)
	for name, want := range map[string]string{"silent_customers": "1", "customers": "1", "mau": "0"} {
		k, _ := kpi.Find(name)
		if got := value(t, r, name, k.Default, "2026-04-10"); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	// 30 days after globex was last there recency has 1 point of 10, 31 days after it
	// none; tickets 15, invoices 10, tenure 30 days 0.6 × 5: 28 of 85, and 2.5 more.
	// Its one day is the first of 30 on the 3rd of April.
	for on, want := range map[string]string{"2026-04-04": "35.88235294117647", "2026-04-05": "32.94117647058823"} {
		q.AsOf = day(t, on)
		if got := value(t, make1(t, files(path), settings(t, "UTC", 2), q), "health_mean", "", on); got != want {
			t.Errorf("health_mean on %s: %s, want %s", on, got, want)
		}
	}
	// c2 waits for what it cancels, until it cannot come any more.
	q.AsOf = day(t, "2027-03-10")
	if e := make1(t, files(path), settings(t, "UTC", 1), q).Events(); e.Expired != 1 || e.Applied != 7 {
		t.Errorf("%+v", e)
	}
	q.AsOf = day(t, "2040-01-01")
	if _, err := Make(context.Background(), files(path), settings(t, "UTC", 1), q); err == nil || !strings.Contains(err.Error(), "more than ten years after the last event, of 2026-03-21") {
		t.Error(err)
	}
	q.AsOf = day(t, "2026-02-01")
	if _, err := Make(context.Background(), files(path), settings(t, "UTC", 1), q); !errors.Is(err, ErrNoEvents) || !strings.HasSuffix(err.Error(), "all 8 are after 2026-02-01") {
		t.Error(err)
	}
}

// TestAsOfWithinAMonth: calendar windows are to date, and the date is the day that
// was asked for: not the moment at which the next one has begun.
func TestAsOfWithinAMonth(t *testing.T) {
	path := write(t, "notice.jsonl", `{"specversion":"1.0","type":"purchase","source":"/b","id":"p1","time":"2026-02-01T09:00:00Z","subject":"acme","data":{"amount":"30.00","interval":"month"}}
{"specversion":"1.0","type":"cancellation","source":"/b","id":"c1","time":"2026-03-05T09:00:00Z","subject":"acme","data":{"effective":"2026-03-11T12:00:00Z"}}
{"specversion":"1.0","type":"purchase","source":"/b","id":"p2","time":"2026-03-11T00:00:00Z","subject":"globex","data":{"amount":"30.00","interval":"month"}}
`)
	for asOf, want := range map[string]string{"2026-03-10": "0", "2026-03-11": "1"} {
		q := whole()
		q.AsOf = day(t, asOf)
		r := make1(t, files(path), settings(t, "UTC", 1), q)
		if got := value(t, r, "customer_churn_rate", "month", asOf); got != want {
			t.Errorf("churn of March up to %s: %s, want %s", asOf, got, want)
		}
		if got := value(t, r, "mrr_new", "month", asOf); got != map[string]string{"0": "0", "1": "3000"}[want] {
			t.Errorf("new in March up to %s: %s", asOf, got)
		}
		// globex comes at the very moment at which the 10th is over.
		if e := r.Events(); e.Later != map[string]int64{"0": 1, "1": 0}[want] {
			t.Errorf("%s: %+v", asOf, e)
		}
	}
}

func day(t testing.TB, text string) int32 {
	t.Helper()
	d, err := civil.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestDays: a figure a day, between the first event's and the last's.
func TestDays(t *testing.T) {
	path := write(t, "shop.jsonl", shop)
	customers, _ := kpi.Find("customers")
	for _, x := range []struct{ from, to, first, last string }{
		{"2026-03-03", "2026-03-06", "2026-03-03", "2026-03-06"},
		{"2020-01-01", "2026-03-06", "2026-03-01", "2026-03-06"},
		{"2026-03-03", "", "2026-03-03", "2026-03-21"},
		{"", "2026-03-02", "2026-03-01", "2026-03-02"},
		{"2026-03-20", "2030-01-01", "2026-03-20", "2026-03-21"},
	} {
		q := whole()
		q.KPIs = []kpi.KPI{customers}
		if x.from != "" {
			q.From = day(t, x.from)
		}
		if x.to != "" {
			q.To = day(t, x.to)
		}
		figures, err := make1(t, files(path), settings(t, "UTC", 1), q).Figures(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for i, f := range figures {
			if f.Day != civil.Format(day(t, x.first)+int32(i)) {
				t.Errorf("figure %d is of %s", i, f.Day)
			}
		}
		if n := len(figures); n == 0 || figures[n-1].Day != x.last {
			t.Errorf("%s to %s: %d figures", x.from, x.to, n)
		}
	}
	q := whole()
	q.From, q.To = day(t, "2026-01-01"), day(t, "2026-02-28")
	if _, err := Make(context.Background(), files(path), settings(t, "UTC", 1), q); err == nil || !strings.Contains(err.Error(), "events are from 2026-03-01 to 2026-03-21") {
		t.Error(err)
	}
}

func TestSegments(t *testing.T) {
	q := whole()
	q.Segments = []string{"plan=pro"}
	path := write(t, "shop.jsonl", shop)
	r := make1(t, files(path), settings(t, "UTC", 2), q)
	if got := value(t, r, "mrr", "", "2026-03-05"); got != "5000" {
		t.Errorf("mrr of pro: %s", got)
	}
	q.Segments = []string{"", "plan=por"}
	_, err := make1(t, files(path), settings(t, "UTC", 2), q).Figures(context.Background())
	var unknown *kpi.UnknownError
	if !errors.As(err, &unknown) || unknown.Nearest != "plan=pro" {
		t.Error(err)
	}
}

// TestStandardInput is read once, also where it has to be sorted after all.
func TestStandardInput(t *testing.T) {
	lines := strings.SplitAfter(strings.TrimSuffix(shop, "\n")+"\n", "\n")
	lines = lines[:len(lines)-1]
	turned := slices.Clone(lines)
	slices.Reverse(turned)
	want := make1(t, files(write(t, "shop.jsonl", shop)), settings(t, "UTC", 1), whole())
	for name, text := range map[string]string{"in order": shop, "turned around": strings.Join(turned, ""), "packed": packed(t, shop)} {
		f := files("-")
		// A byte at a time, as a slow pipe would give it.
		f.Options.Stdin, f.Options.TempDir = iotestOneByte{strings.NewReader(text)}, t.TempDir()
		r := make1(t, f, settings(t, "UTC", 1), whole())
		if got := everything(t, r); got != everything(t, want) {
			t.Errorf("%s: other figures", name)
		}
		if left, err := os.ReadDir(f.Options.TempDir); err != nil || len(left) != 0 {
			t.Errorf("%s: %d files are left, %v", name, len(left), err)
		}
	}
}

type iotestOneByte struct{ io.Reader }

func (r iotestOneByte) Read(p []byte) (int, error) { return r.Reader.Read(p[:min(1, len(p))]) }

func packed(t testing.TB, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// everything is all figures of all days, and the counts, as JSON.
func everything(t testing.TB, r *Report) string {
	t.Helper()
	first, _, ok := r.Span()
	if !ok {
		return "nothing"
	}
	var b strings.Builder
	for _, segment := range r.query.Segments {
		for _, k := range kpi.All() {
			for _, w := range k.Windows {
				list, err := r.Series(context.Background(), k, w, segment, r.calendar.Day(first), r.day)
				if err != nil {
					t.Fatal(err)
				}
				for _, f := range list {
					line, err := json.Marshal(f)
					if err != nil {
						t.Fatal(err)
					}
					fmt.Fprintf(&b, "%s\n", line)
				}
			}
		}
	}
	fmt.Fprintf(&b, "%+v", r.Events())
	return b.String()
}

// history draws events of a few customers over some weeks, in order.
func history(t *rapid.T) []string {
	var out []string
	at := time.Date(2026, 2, 20, 0, 0, 0, 0, time.UTC).UnixMilli()
	for i := range rapid.IntRange(0, 120).Draw(t, "events") {
		at += rapid.Int64Range(0, 12*3600*1000).Draw(t, "later")
		customer := rapid.SampledFrom([]string{"a", "b", "c", "d", "e"}).Draw(t, "customer")
		kind, data := "login", fmt.Sprintf(`{"user":"u%d"}`, rapid.IntRange(0, 2).Draw(t, "user"))
		switch rapid.IntRange(0, 5).Draw(t, "kind") {
		case 0:
			kind, data = "purchase", fmt.Sprintf(`{"amount":"%d.50","interval":"month","customer":{"plan":"p%d"}}`, rapid.IntRange(0, 30).Draw(t, "amount"), rapid.IntRange(0, 2).Draw(t, "plan"))
		case 1:
			kind, data = "cancellation", `{"reason":"price"}`
		case 2:
			kind, data = "survey", fmt.Sprintf(`{"kind":"nps","score":%d,"respondent":"u1"}`, rapid.IntRange(0, 11).Draw(t, "score"))
		}
		out = append(out, fmt.Sprintf(`{"specversion":"1.0","type":%q,"source":"/s","id":"e%d","time":%q,"subject":%q,"data":%s}`+"\n",
			kind, i, time.UnixMilli(at).UTC().Format("2006-01-02T15:04:05.000Z"), customer, data))
	}
	return out
}

// TestHoweverItIsRead: the same events in one file or several, in order or not,
// packed or not, on one shard or several, give the same figures and counts.
func TestHoweverItIsRead(test *testing.T) {
	dir := test.TempDir()
	rapid.Check(test, func(t *rapid.T) {
		lines := history(t)
		o := settings(test, rapid.SampledFrom([]string{"UTC", "America/New_York", "Pacific/Auckland"}).Draw(t, "zone"), 1)
		save := func(name, text string) string {
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			return path
		}
		q := whole()
		q.Segments = []string{"", "plan=p1"}
		want, err := Make(context.Background(), files(save("all.jsonl", strings.Join(lines, ""))), o, q)
		if err != nil && !errors.Is(err, ErrNoEvents) {
			t.Fatal(err)
		}
		if errors.Is(err, ErrNoEvents) {
			return
		}
		parts := make([]string, rapid.IntRange(1, 4).Draw(t, "files"))
		if rapid.Bool().Draw(t, "shuffled") {
			r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
			r.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
		}
		for _, line := range lines {
			parts[rapid.IntRange(0, len(parts)-1).Draw(t, "part")] += line
		}
		var names []string
		for i, text := range parts {
			name := fmt.Sprintf("part%d.jsonl", i)
			if rapid.Bool().Draw(t, "packed") {
				name, text = name+".gz", packed(test, text)
			}
			names = append(names, save(name, text))
		}
		o.Shards = rapid.IntRange(1, 3).Draw(t, "shards")
		got, err := Make(context.Background(), files(names...), o, q)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := everything(test, got), everything(test, want); a != b {
			x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
			for i := range min(len(x), len(y)) {
				if x[i] != y[i] {
					t.Fatalf("%s\nin one file, in order:\n%s", x[i], y[i])
				}
			}
			t.Fatalf("%d figures, in one file %d", len(x), len(y))
		}
		if wrong, err := got.Audit(); len(wrong) > 0 || err != nil {
			t.Fatal(wrong, err)
		}
	})
}

// TestBoundedCache: with room for a few records only, they are packed and
// unpacked again and again, and the figures are the same.
func TestBoundedCache(t *testing.T) {
	var text strings.Builder
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	r := rand.New(rand.NewPCG(1, 0))
	for i := range 3 * commitFew {
		at = at.Add(time.Duration(r.IntN(120)) * time.Second)
		kind, data := "login", fmt.Sprintf(`{"user":"u%d"}`, r.IntN(3))
		if r.IntN(10) == 0 {
			kind, data = "purchase", `{"amount":"10.00","interval":"month"}`
		}
		fmt.Fprintf(&text, `{"specversion":"1.0","type":%q,"source":"/s","id":"e%d","time":%q,"subject":"c%d","data":%s}`+"\n",
			kind, i, at.Format(time.RFC3339), r.IntN(2000), data)
	}
	path := write(t, "many.jsonl", text.String())
	o := settings(t, "UTC", 2)
	want := make1(t, files(path), o, whole())
	o.Cache = 100_000
	got := make1(t, files(path), o, whole())
	if everything(t, got) != everything(t, want) {
		t.Error("other figures")
	}
	for i, s := range got.shards {
		if m := s.state.Memory(); m > 2*want.shards[i].state.Memory()/3 {
			t.Errorf("shard %d has %d bytes of records in memory, without a bound %d", i, m, want.shards[i].state.Memory())
		}
	}
	if wrong, err := got.Audit(); len(wrong) > 0 || err != nil {
		t.Error(wrong, err)
	}
}

// TestExpiredEventsOfFiles are counted, and not kept: nobody can ask which they were.
func TestExpiredEventsOfFiles(t *testing.T) {
	var text strings.Builder
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 100 {
		fmt.Fprintf(&text, `{"specversion":"1.0","type":"purchase","source":"/s","id":"e%d","time":%q,"subject":"c","data":{"amount":"1","refund_of":"o%d"}}`+"\n",
			i, at.AddDate(0, 0, i).Format(time.RFC3339), i)
	}
	q := whole()
	q.AsOf = civil.Of(at.AddDate(1, 0, 0).UnixMilli(), time.UTC)
	r := make1(t, files(write(t, "refunds.jsonl", text.String())), settings(t, "UTC", 1), q)
	if n := r.Events().Expired; n != 100 {
		t.Errorf("%d expired, want 100", n)
	}
	if kept := r.Expired(); len(kept) != 0 {
		t.Errorf("%d events are kept, such as %v", len(kept), kept[0])
	}
}

// TestWrongRows: with rows of a table that are wrong nothing is reported.
func TestWrongRows(t *testing.T) {
	m, err := ingest.ParseMapping("m.yaml", []byte("events:\n- {type: purchase, customer: who, time: {from: at, format: unix}, data: {amount: paid}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	f := files(write(t, "t.csv", "who,at,paid\nacme,1,1.00\nacme,2,1.234\n"))
	f.Options.Mappings = []*ingest.Mapping{m}
	r, err := Make(context.Background(), f, settings(t, "UTC", 1), whole())
	if r != nil || err == nil || !strings.Contains(err.Error(), "t.csv:3: column 3 (paid): amount is no amount of money") || !strings.HasSuffix(err.Error(), "1 row is wrong; nothing is reported") {
		t.Errorf("%v, %v", r, err)
	}
}
