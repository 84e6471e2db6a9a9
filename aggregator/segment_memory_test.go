package aggregator

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/tidemark-io/tidemark/event"
)

// tenDimensions is a shard of ten dimensions of a hundred values, and what its
// customers are given to count under them.
func tenDimensions(t *testing.T) (*Shard, func(customer int) []event.Attr) {
	t.Helper()
	o := testOptions()
	o.Dimensions = nil
	for i := range 10 {
		o.Dimensions = append(o.Dimensions, fmt.Sprint("dim", i))
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s, func(customer int) []event.Attr {
		var out []event.Attr
		for i, d := range o.Dimensions {
			out = append(out, event.Attr{Name: []byte(d), Value: fmt.Append(nil, "v", (customer+i)%100)})
		}
		return out
	}
}

// rowsBound is the bytes that the rows of a shard with 1,000 segments may take:
// a tenth of the default cache; twice as many with fixed chunks of values.
const rowsBound = 24 << 20

// TestRowsStayBounded: a customer of each of a hundred values in ten dimensions
// who is active and pays over a horizon makes a row for every day in every
// segment. They stay within the bound, Memory tells what they take, and values
// that nobody has any more give their memory back.
func TestRowsStayBounded(t *testing.T) {
	s, attrs := tenDimensions(t)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var at int64
	for d := range 110 {
		at = someDay + int64(d)*24*msHour
		for c := range 100 {
			ev := login(fmt.Sprint("c", c), "u", at+int64(c), "")
			if d == 0 {
				ev.Attrs = attrs(c)
			}
			if d == 0 || (d+c)%3 == 0 {
				apply(t, s, ev)
			}
		}
		for s.Advance(at+24*msHour-1, 1000) {
		}
		s.Changes()
		s.Committed(1 << 40)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	heap := int(after.HeapAlloc) - int(before.HeapAlloc)
	t.Logf("%d segments, rows %d KiB, records %d KiB, heap %d KiB", len(s.cells.segments), s.cells.memory>>10, s.memory>>10, heap>>10)
	if s.cells.memory > rowsBound {
		t.Errorf("rows take %d bytes, more than %d", s.cells.memory, rowsBound)
	}
	if s.Memory() < heap*2/3 || s.Memory() > heap*3/2 {
		t.Errorf("Memory is %d, the heap holds %d", s.Memory(), heap)
	}
	full := s.cells.memory
	for i := range s.opts.Dimensions {
		s.switchOff(i, "no more")
	}
	s.Changes()
	if s.cells.memory > full/5 {
		t.Errorf("with every dimension off rows take %d bytes of %d", s.cells.memory, full)
	}
	runtime.KeepAlive(s)
}

// TestValuesThatComeAndGo: a customer that has another value with every event
// does not switch its dimension off, and takes no memory for values that are over.
func TestValuesThatComeAndGo(t *testing.T) {
	s, err := New(testOptions())
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 * MaxDimensionValues {
		at := someDay + int64(i)
		apply(t, s, login("acme", "u", at, fmt.Sprint("plan", i)))
		if i%50 == 0 {
			s.Advance(at, 100)
			if ch := s.Changes(); len(ch.Warnings) > 0 {
				t.Fatalf("after %d values: %q", i, ch.Warnings)
			}
		}
	}
	if n := len(s.cells.segments); n > 2*MaxDimensionValues+2 {
		t.Errorf("%d places are kept for segments", n)
	}
	if wrong := s.Audit(); len(wrong) > 0 {
		t.Fatal(wrong)
	}
}

// TestALoginTouchesFewCells: what a login of another day changes in the rows of
// its ten segments is what it changes in the whole's, and no row that it does
// not change is stored.
func TestALoginTouchesFewCells(t *testing.T) {
	s, attrs := tenDimensions(t)
	first := login("acme", "u", someDay, "")
	first.Attrs = attrs(0)
	apply(t, s, first)
	apply(t, s, login("other", "u", someDay+1, ""))
	for s.Advance(someDay+2*24*msHour, 100) {
	}
	was := s.cells.snapshot()
	s.Changes()
	apply(t, s, login("acme", "u", someDay+2*24*msHour, ""))
	ch := s.Changes()
	is := s.cells.snapshot()
	perSegment := map[string]int{}
	for _, kv := range ch.Cells {
		n, err := ParseRowName(kv.Name)
		if err != nil {
			t.Fatal(err)
		}
		changed := 0
		for c := range union(was[kv.Name], is[kv.Name]) {
			if was[kv.Name][c] != is[kv.Name][c] {
				changed++
			}
		}
		if changed == 0 {
			t.Errorf("row %s is stored and has not changed", kv.Name)
		}
		perSegment[n.Segment] += changed
	}
	for segment, n := range perSegment {
		if segment != "" && !strings.HasSuffix(segment, "=v"+segment[3:4]) || n > perSegment[""] {
			t.Errorf("%d cells of %q change, %d of the whole", n, segment, perSegment[""])
		}
	}
	if len(perSegment) != 11 {
		t.Errorf("%d segments change, not the whole and ten", len(perSegment))
	}
}
