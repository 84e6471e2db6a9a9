package ingest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tidemark-io/tidemark/event"
)

// loginAt is a login as one line of JSON.
func loginAt(ms int64, customer, id string) string {
	return fmt.Sprintf(`{"specversion":"1.0","type":"login","source":"/a","id":%q,"time":%q,"subject":%q}`+"\n",
		id, time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z"), customer)
}

// flowed reads a flow to its end: customers in the order in which they come.
func flowed(t testing.TB, f *Flow) (customers []string, times []int64, err error) {
	t.Helper()
	for more := true; more; {
		var spent *Batch
		spent, more, err = f.Step(3, func(ev *event.Event) {
			customers, times = append(customers, string(ev.Customer)), append(times, ev.Time)
		})
		if err != nil {
			return customers, times, err
		}
		if spent != nil {
			spent.Free()
		}
	}
	return customers, times, nil
}

func opened(t testing.TB, disorder int64, o Options, files ...string) *Flow {
	t.Helper()
	f, err := Open(context.Background(), files, o, disorder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

// TestFlowMergesByTime: files that are in order come out as one that is.
func TestFlowMergesByTime(test *testing.T) {
	dir := test.TempDir()
	rapid.Check(test, func(t *rapid.T) {
		times := rapid.SliceOfN(rapid.Int64Range(1, 1000), 0, 60).Draw(t, "times")
		n := rapid.IntRange(1, 12).Draw(t, "files")
		slices.Sort(times)
		texts := make([]string, n)
		for i, at := range times {
			k := rapid.IntRange(0, n-1).Draw(t, "file")
			texts[k] += loginAt(at, fmt.Sprintf("c%d", i), fmt.Sprint(i))
		}
		var files []string
		for i, text := range texts {
			name := filepath.Join(dir, fmt.Sprintf("f%d.jsonl", i))
			if rapid.Bool().Draw(t, "gzip") {
				name += ".gz"
				text = packed(test, text)
			}
			if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			files = append(files, name)
		}
		f, err := Open(context.Background(), files, options(), 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		customers, got, err := flowed(test, f)
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(customers)
		if !slices.Equal(got, times) || len(slices.Compact(customers)) != len(times) {
			t.Errorf("%v of %v", got, times)
		}
		if s := f.Summary(); s.Events() != int64(len(times)) || len(s.Files) != n {
			t.Errorf("%d events of %d files", s.Events(), len(s.Files))
		}
	})
}

// TestFlowRefusesDisorder: an event behind the latest of its file by more than
// the disorder, wherever it stands.
func TestFlowRefusesDisorder(t *testing.T) {
	for _, x := range []struct {
		times    []int64
		disorder int64
		ordered  bool
	}{
		{[]int64{1000, 2000, 1500}, 500, true},
		{[]int64{1000, 2000, 1499}, 500, false},
		{[]int64{1000, 1000}, 0, true},
		{[]int64{1001, 1000}, 0, false},
	} {
		var text strings.Builder
		for i, at := range x.times {
			text.WriteString(loginAt(at, "c", fmt.Sprint(i)))
		}
		_, _, err := flowed(t, opened(t, x.disorder, options(), write(t, "e.jsonl", text.String())))
		if (err == nil) != x.ordered || err != nil && !errors.Is(err, ErrDisorder) {
			t.Errorf("%v by %d: %v", x.times, x.disorder, err)
		}
	}
}

// TestFlowUsesItsMemoryAgain: a file of many batches goes through a few of them,
// and the texts of an event, those with escapes too, stay what they were as long
// as its batch is not freed.
func TestFlowUsesItsMemoryAgain(t *testing.T) {
	const n = 12 * batchEvents
	var text strings.Builder
	for i := range n {
		text.WriteString(strings.Replace(loginAt(int64(i)+1, fmt.Sprintf("cA%d", i), fmt.Sprint(i)), `"cA`, `"c\u0041`, 1))
	}
	f := opened(t, 0, options(), write(t, "e.jsonl", text.String()))
	seen := map[*Batch]bool{}
	var held []event.Event
	i := 0
	for more := true; more; {
		var spent *Batch
		var err error
		if spent, more, err = f.Step(1<<30, func(ev *event.Event) { held = append(held, *ev) }); err != nil {
			t.Fatal(err)
		}
		for _, ev := range held {
			if want := fmt.Sprintf("cA%d", i); string(ev.Customer) != want || string(ev.ID) != fmt.Sprint(i) {
				t.Fatalf("event %d is of %s, want %s", i, ev.Customer, want)
			}
			i++
		}
		if held = held[:0]; spent != nil {
			seen[spent] = true
			spent.Free()
		}
	}
	if i != n || len(seen) > batchesOfAFile {
		t.Errorf("%d events in %d batches", i, len(seen))
	}
}

// TestFlowCountsWhatTheServiceRefuses: dead letters of JSON Lines are counted and
// the first are named; rows of tables are wrong.
func TestFlowCountsWhatTheServiceRefuses(t *testing.T) {
	o := options(mapping(t, "files: [\"*.csv\"]\nevents:\n- {type: purchase, customer: who, time: {from: at, format: unix}, data: {amount: paid}}\n"))
	o.DeadLetters, o.Latest = true, 5000
	lines := loginAt(1000, "acme", "1") + "nonsense\n" + strings.Repeat("{}\n", 12) + loginAt(6000, "acme", "2") +
		`{"specversion":"1.0","type":"page_view","source":"/a","id":"3","time":"1970-01-01T00:00:02Z","subject":"acme"}` + "\n" + loginAt(2000, "acme", "4")
	f := opened(t, 0, o, write(t, "e.jsonl", lines))
	if customers, _, err := flowed(t, f); err != nil || len(customers) != 2 {
		t.Fatalf("%v, %v", customers, err)
	}
	s := f.Summary()
	want := map[event.Reason]int64{event.NotJSON: 1, event.MissingType: 12, event.TooFarAhead: 1}
	if fmt.Sprint(s.Refused) != fmt.Sprint(want) || s.DeadLetters() != 14 || s.Ignored["page_view"] != 1 || len(s.Notes) != shownRows {
		t.Errorf("%v, %v, %d notes", s.Refused, s.Ignored, len(s.Notes))
	}
	if got := s.Notes[0].Error(); !strings.HasSuffix(got, "e.jsonl:2: the line is no JSON object; write one CloudEvent a line") {
		t.Error(got)
	}
	_, _, err := flowed(t, opened(t, 0, o, write(t, "t.csv", "who,at,paid\nacme,1,1.00\nacme,2,1.234\n")))
	var bad *BadRows
	if !errors.As(err, &bad) || bad.Count != 1 || bad.Rows[0].Line != 3 {
		t.Errorf("%v", err)
	}
}

// TestFlowGivesSignalsARef: the same that import writes.
func TestFlowGivesSignalsARef(t *testing.T) {
	lines := `{"specversion":"1.0","type":"signal","source":"/desk","id":"s1","time":"2026-03-01T00:00:00Z","subject":"acme","data":{"name":"ticket_opened"}}
{"specversion":"1.0","type":"signal","source":"/desk","id":"s2","time":"2026-03-01T00:00:00Z","subject":"acme","data":{"name":"ticket_opened","ref":"t9"}}
`
	path := write(t, "e.jsonl", lines)
	var refs []string
	collect := func(ev *event.Event) { refs = append(refs, string(ev.Signal.Ref)) }
	if _, _, err := opened(t, 0, options(), path).Step(10, collect); err != nil {
		t.Fatal(err)
	}
	equal(t, refs, "/desk#s1", "t9")
	// Through the sorter, whose lines have it written into them.
	s, err := Read(context.Background(), []string{path}, options())
	if err != nil {
		t.Fatal(err)
	}
	refs = nil
	flow := s.Flow(context.Background(), options())
	defer flow.Close()
	if _, _, err := flow.Step(10, collect); err != nil {
		t.Fatal(err)
	}
	equal(t, refs, "/desk#s1", "t9")
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestFlowOfASortedFile gives what was sorted, in order.
func TestFlowOfASortedFile(t *testing.T) {
	var text strings.Builder
	var want []int64
	for i := range 5000 {
		at := int64(i*7919%5000) + 1
		text.WriteString(loginAt(at, "c", fmt.Sprint(i)))
		want = append(want, at)
	}
	o := options()
	o.Memory, o.TempDir = 100_000, t.TempDir()
	s, err := Read(context.Background(), []string{write(t, "e.jsonl", text.String())}, o)
	if err != nil {
		t.Fatal(err)
	}
	flow := s.Flow(context.Background(), o)
	defer flow.Close()
	_, got, err := flowed(t, flow)
	slices.Sort(want)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%d events, %v", len(got), err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(o.TempDir); err != nil || len(left) != 0 {
		t.Errorf("%d files are left, %v", len(left), err)
	}
}

// TestFlowEndsWithItsFiles: a file that cannot be read ends it, as does closing
// it early.
func TestFlowEndsWithItsFiles(t *testing.T) {
	if _, _, err := flowed(t, opened(t, 0, options(), filepath.Join(t.TempDir(), "nowhere.jsonl"))); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	cut := packed(t, strings.Repeat(loginAt(1, "c", "1"), 20_000))
	if _, _, err := flowed(t, opened(t, 0, options(), write(t, "cut.jsonl.gz", cut[:len(cut)/2]))); err == nil {
		t.Error("half a gzip file is read without an error")
	}
	f := opened(t, 0, options(), write(t, "long.jsonl", strings.Repeat(loginAt(1, "c", "1"), 100_000)))
	if _, _, err := f.Step(1, func(*event.Event) {}); err != nil {
		t.Error(err)
	}
	f.Close() // returns although nobody takes the rest
}

// TestFlowForgetsUnwantedLines: lines of which nothing is kept take no memory,
// however many stand in a row, with escapes or without.
func TestFlowForgetsUnwantedLines(t *testing.T) {
	foreign := `{"specversion":"1.0","type":"page\u005fview","source":"/a","id":"\u0031","time":"1970-01-01T00:00:01Z","subject":"c"}` + "\n"
	for _, line := range []string{foreign, "{}\n"} {
		o := options()
		o.DeadLetters = true
		f := opened(t, 0, o, write(t, "e.jsonl", loginAt(1, "a", "1")+strings.Repeat(line, 200_000)+loginAt(2, "b", "2")))
		var customers []string
		for more := true; more; {
			var spent *Batch
			var err error
			if spent, more, err = f.Step(10, func(ev *event.Event) { customers = append(customers, string(ev.Customer)) }); err != nil {
				t.Fatal(err)
			}
			if spent == nil {
				continue
			}
			if n := cap(spent.bytes); n > 2*batchEvents*eventBytes {
				t.Errorf("a batch has %d bytes of memory after lines of which nothing is kept", n)
			}
			spent.Free()
		}
		equal(t, customers, "a", "b")
	}
}
