package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/event"
)

// severalDecoders lets lines be decoded on several goroutines, on one core too.
func severalDecoders(t *testing.T) {
	before := runtime.GOMAXPROCS(4)
	t.Cleanup(func() { runtime.GOMAXPROCS(before) })
}

// signalAt is a signal as one line of JSON. Without a ref it gets one, which
// takes many times as long as decoding it.
func signalAt(id int, ref string) string {
	return fmt.Sprintf(`{"specversion":"1.0","type":"signal","source":"/a","id":"%d","time":"2026-03-01T00:00:00Z","subject":"c\u006f","data":{"name":"ticket_opened"%s}}`+"\n", id, ref)
}

// TestLinesStayInOrder: whichever batch is decoded first, ties fall in the order
// of the file, and whatever depends on that order is what one goroutine would say:
// the first wrong lines and their numbers, the first hundred types of others.
func TestLinesStayInOrder(t *testing.T) {
	severalDecoders(t)
	const batches = 60
	var text strings.Builder
	var ids []int
	lines, foreign := 0, 0
	for batch := range batches {
		ref := ""
		if batch%2 == 1 { // decoded while the one before still is
			ref = `,"ref":"r"`
		}
		for range batchLines - 2 {
			lines++
			ids = append(ids, lines)
			text.WriteString(signalAt(lines, ref))
		}
		lines += 3
		foreign++
		fmt.Fprintf(&text, "\nnonsense\n"+`{"specversion":"1.0","type":"t%d","source":"/a","id":"1","time":"2026-03-01T00:00:00Z","subject":"c"}`+"\n", foreign)
	}
	for range 60 {
		lines++
		foreign++
		fmt.Fprintf(&text, `{"specversion":"1.0","type":"t%d","source":"/a","id":"1","time":"2026-03-01T00:00:00Z","subject":"c"}`+"\n", foreign)
	}
	o := options()
	o.DeadLetters, o.Memory, o.TempDir = true, 1<<20, t.TempDir()
	s, err := Read(context.Background(), []string{write(t, "e.jsonl", text.String())}, o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	i := 0
	err = s.Each(func(m *Message) error {
		if i >= len(ids) || !strings.Contains(string(m.Value), fmt.Sprintf(`"id":"%d"`, ids[i])) || string(m.Customer) != "co" {
			return fmt.Errorf("event %d is %s of %s", i, m.Value, m.Customer)
		}
		i++
		return nil
	})
	if err != nil || i != len(ids) {
		t.Errorf("%d of %d events: %v", i, len(ids), err)
	}
	for i, row := range s.Notes {
		if want := (i+1)*(batchLines+1) - 1; row.Line != want {
			t.Errorf("wrong line %d is said to be line %d, and is %d", i, row.Line, want)
		}
	}
	if len(s.Notes) != shownRows || s.Refused[event.NotJSON] != batches || s.Files[0].Rows != int64(lines-batches) || s.Events() != int64(len(ids)) {
		t.Errorf("%d notes, %v, %+v", len(s.Notes), s.Refused, s.Files)
	}
	if s.Ignored["other"] != int64(foreign-100) || s.Ignored["t100"] != 1 || s.Ignored["t101"] != 0 {
		t.Errorf("%d types, %d others", len(s.Ignored), s.Ignored["other"])
	}
}

// TestLinesBeforeAnError: what ends the reading far ahead is said after what is
// wrong before it, and not where that ends it first.
func TestLinesBeforeAnError(t *testing.T) {
	severalDecoders(t)
	tooLong := strings.Repeat("x", maxLine+1)
	for _, x := range []struct {
		wrong int
		want  string
	}{
		{maxBad - 1, fmt.Sprintf("e.jsonl:%d: the line is longer than 1 MiB", 3*maxBad)},
		{maxBad, "1000 or more rows are wrong"},
	} {
		text := strings.Repeat(signalAt(1, ""), 2*maxBad) + strings.Repeat("nonsense\n", x.wrong) + tooLong
		_, err := Read(context.Background(), []string{write(t, "e.jsonl", text)}, options())
		if err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%d wrong lines: %v", x.wrong, err)
		}
		var bad *BadRows
		if errors.As(err, &bad) && bad.Rows[0].Line != 2*maxBad+1 {
			t.Errorf("the first wrong line is said to be %d", bad.Rows[0].Line)
		}
	}
}

// TestLinesAreABoundedNumberAhead: who takes none holds the reading up, and ends
// it when it takes no more. Batches that are freed are used again, by the next
// file too.
func TestLinesAreABoundedNumberAhead(t *testing.T) {
	free := freeBatches()
	text := strings.Repeat(signalAt(1, ""), 4*cap(free)*batchLines)
	a := newLinesAhead(opening(t, text), "e.jsonl", free, event.Options{})
	close(a.done)
	taken := 0
	for range a.order { // ends, for what was not taken is not freed
		taken++
	}
	if taken > cap(free) || !errors.Is(a.err, errNotTaken) {
		t.Fatalf("%d batches were read though none was freed: %v", taken, a.err)
	}
	free = freeBatches()
	seen := map[*Batch]bool{}
	for range 3 {
		a := newLinesAhead(opening(t, text), "e.jsonl", free, event.Options{})
		for b := range a.order {
			<-b.decoded
			if seen[b] = true; len(seen) > cap(free) {
				t.Fatalf("%d batches, %d at most", len(seen), cap(free))
			}
			b.Free()
		}
		if a.err != nil {
			t.Fatal(a.err)
		}
	}
}

func opening(t *testing.T, text string) *input {
	t.Helper()
	in, err := open("-", strings.NewReader(text), func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := in.Close(); err != nil {
			t.Error(err)
		}
	})
	return in
}

// neverEnding is a standard input whose next bytes never come.
type neverEnding struct {
	text *strings.Reader
	end  chan struct{}
}

func (n *neverEnding) Read(p []byte) (int, error) {
	if n.text.Len() == 0 {
		<-n.end
		return 0, io.EOF
	}
	return n.text.Read(p)
}

// TestWrongLinesEndStandardInput: enough wrong lines end the reading although
// the next bytes never come.
func TestWrongLinesEndStandardInput(t *testing.T) {
	in := &neverEnding{strings.NewReader(strings.Repeat("{}\n", maxBad+2*batchLines)), make(chan struct{})}
	defer close(in.end)
	o := options()
	o.Stdin = in
	ended := make(chan error, 1)
	go func() {
		_, err := Read(context.Background(), []string{"-"}, o)
		ended <- err
	}()
	select {
	case err := <-ended:
		var bad *BadRows
		if !errors.As(err, &bad) || bad.Count != maxBad {
			t.Errorf("got %v", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("the reading waits for what never comes")
	}
}

// TestSignalsGetARefWhereTheyLackOne: import writes it into the line, report into
// the event, and a table's row gets the same. Without one stay those whose ref says
// something of its own when it is missing, and those that have no room for it.
func TestSignalsGetARefWhereTheyLackOne(t *testing.T) {
	long := strings.Repeat("l", 200)
	for _, x := range []struct {
		kind, source, id, payload string
		ref                       string // of the event
		rewritten                 bool
		reason                    event.Reason
	}{
		{"p.signal", "/a", "1", `{"name":"n"}`, "/a#1", true, ""},
		{"p.signal", "/a", "1", `{"name":"n","ref":null}`, "/a#1", true, ""},
		{"p.signal", "/a", "1", `{"name":"n","ref":""}`, "/a#1", true, ""},
		{"p.signal", "/a", "1", `{"ref":"r","ref":null,"name":"n"}`, "/a#1", true, ""},
		{"p.signal", "/a", "1", `{"ref":null,"ref":"r","name":"n"}`, "r", false, ""},
		{"p.signal", "/a", "1", `{"ref":"r","r\u0065f":"","name":"n"}`, "/a#1", true, ""},
		{`p.si\u0067nal`, "/a", "1", `{"name":"n"}`, "/a#1", true, ""},
		{"p.signal", "/a", "1", `{"name":"n","ref":"r"}`, "r", false, ""},
		{"p.signal", "/a", "1", `{"name":"n","ref":7}`, "", false, event.WrongType},
		{"p.signal", "/a", "1", `{}`, "", false, event.MissingField},
		{"p.signal", "/a", "1", `{"name":"n","\ud83d":1}`, "", false, event.NotUTF8},
		{"p.signal", long[:55], long, `{"name":"n"}`, long[:55] + "#" + long, true, ""},
		{"p.signal", long[:56], long, `{"name":"n"}`, "", false, ""},
		{"p.signal", "/a", "1", `{"name":"cancellation_withdrawn"}`, "", false, ""},
		{"p.signal", "/a", "1", `{"name":"survey_sent","user":"u"}`, "", false, ""},
		{"signal", "/a", "1", `{"name":"n"}`, "", false, ""}, // of a type that is none of ours
		{"p.login", "/a", "1", `{"user":"signal"}`, "", false, ""},
	} {
		text := fmt.Appendf(nil, `{"specversion":"1.0","type":"%s","source":%q,"id":%q,"time":"2026-03-01T00:00:00Z","subject":"c","data":%s}`,
			x.kind, x.source, x.id, x.payload)
		o := options()
		o.Decoder.Prefix = "p."
		var l line
		var ev event.Event
		l.decode(event.NewDecoder(o.Decoder), &ev, text)
		if l.reason != x.reason || bytes.Equal(l.Value, text) == x.rewritten || l.err != nil {
			t.Errorf("%s of %s: %q, %v: %s", x.payload, x.kind, l.reason, l.err, l.Value)
		}
		if l.reason != "" || l.Kind != event.Signal {
			continue
		}
		if string(ev.Signal.Ref) != x.ref {
			t.Errorf("%s of %s: import gives it the ref %q, want %q", x.payload, x.kind, ev.Signal.Ref, x.ref)
		}
		visit := func(ev *event.Event) {
			if string(ev.Signal.Ref) != x.ref {
				t.Errorf("%s of %s: report gives it the ref %q, want %q", x.payload, x.kind, ev.Signal.Ref, x.ref)
			}
		}
		if _, _, err := opened(t, 0, o, write(t, "e.jsonl", string(text))).Step(2, visit); err != nil {
			t.Error(err)
		}
	}
}

// TestSignalsOfTablesGetARef where those of lines do.
func TestSignalsOfTablesGetARef(t *testing.T) {
	o := options(mapping(t, `
source: s
events:
- {type: signal, id: id, customer: who, time: {from: at, format: unix}, data: {name: what, ref: ref}}
`))
	long := strings.Repeat("l", 255)
	text := "who,at,id,what,ref\na,1,1,n,\na,2,2,n,r\na,3,3,cancellation_withdrawn,\na,4,4,survey_sent,\na,5," + long + ",n,\n"
	var got []string
	s, err := Read(context.Background(), []string{write(t, "f", text)}, o)
	if err != nil {
		t.Fatal(err)
	}
	flow := s.Flow(context.Background(), o)
	defer flow.Close()
	if _, _, err := flow.Step(10, func(ev *event.Event) { got = append(got, string(ev.Signal.Ref)) }); err != nil {
		t.Fatal(err)
	}
	equal(t, got, "s#1", "r", "", "", "")
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
