package company

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/event"
)

// maxSpan bounds the days that one counter's changes may lie apart: a damaged
// row must not make the table grow without end.
const maxSpan = 40_000

// table is the sum of the rows of all shards that are not frozen.
//
// Day rows hold changes, and a shard's opening row is a change too: from nothing
// to the level at its first day. So the level of a day is the sum of all changes
// up to it, whatever first days the shards have: a shard that begins after the
// day adds nothing here, its frozen row of the day is added by the view.
type table struct {
	days     map[string]map[aggregator.Cell]*series // by segment
	standing map[string]map[aggregator.Counter]map[onDay]int64
	labels   map[string]map[aggregator.Counter]map[string]bool // of the cells of days
	rows     map[string]int                                    // rows of each segment, over all shards
	met      []event.Currency                                  // currencies that any row had, sorted
}

// onDay is what tells a counter's standing cells apart; the day is 0 where they
// have none.
type onDay struct {
	label string
	day   int32
}

func newTable() table {
	return table{
		days:     map[string]map[aggregator.Cell]*series{},
		standing: map[string]map[aggregator.Counter]map[onDay]int64{},
		labels:   map[string]map[aggregator.Counter]map[string]bool{},
		rows:     map[string]int{},
	}
}

// place adds a row, sign +1, or takes it away, -1. The first day is that of the
// row's shard. A day row of the first day or before is in the opening already.
func (t *table) place(n aggregator.RowName, row aggregator.Row, firstDay int32, sign int64) error {
	if t.rows[n.Segment] += int(sign); t.rows[n.Segment] == 0 {
		// Whatever remains is zero: the rows that made it are gone.
		delete(t.rows, n.Segment)
		delete(t.days, n.Segment)
		delete(t.standing, n.Segment)
		delete(t.labels, n.Segment)
		return nil
	}
	if n.Kind == 's' || n.Kind == 'p' {
		t.stand(n, row, sign)
		return nil
	}
	day := n.Day
	if n.Kind == 'o' {
		day = firstDay
	} else if day <= firstDay {
		return nil
	}
	cells := t.days[n.Segment]
	if cells == nil {
		cells = map[aggregator.Cell]*series{}
		t.days[n.Segment] = cells
	}
	for c, v := range row {
		s := cells[c]
		if s == nil {
			s = &series{first: day}
			cells[c] = s
			t.label(n.Segment, c)
			t.meet(c)
		}
		if err := s.add(day, sign*v); err != nil {
			return fmt.Errorf("row %s: %w", n, err)
		}
	}
	return nil
}

// meet notes a cell's currency.
func (t *table) meet(c aggregator.Cell) {
	if !c.Counter.Money() {
		return
	}
	i, known := slices.BinarySearchFunc(t.met, c.Currency, func(a, b event.Currency) int { return bytes.Compare(a[:], b[:]) })
	if !known {
		t.met = slices.Insert(t.met, i, c.Currency)
	}
}

// stand adds a row of standing cells. What has come to zero is dropped: the days
// of users' last activity move on for ever.
func (t *table) stand(n aggregator.RowName, row aggregator.Row, sign int64) {
	counters := t.standing[n.Segment]
	if counters == nil {
		counters = map[aggregator.Counter]map[onDay]int64{}
		t.standing[n.Segment] = counters
	}
	for c, v := range row {
		cells := counters[c.Counter]
		if cells == nil {
			cells = map[onDay]int64{}
			counters[c.Counter] = cells
		}
		k := onDay{c.Label, n.Day}
		if cells[k] += sign * v; cells[k] == 0 {
			delete(cells, k)
		}
	}
}

// label notes the label of a cell of days that is met for the first time.
func (t *table) label(segment string, c aggregator.Cell) {
	if !c.Counter.Labelled() {
		return
	}
	counters := t.labels[segment]
	if counters == nil {
		counters = map[aggregator.Counter]map[string]bool{}
		t.labels[segment] = counters
	}
	if counters[c.Counter] == nil {
		counters[c.Counter] = map[string]bool{}
	}
	counters[c.Counter][c.Label] = true
}

// level is the sum of all changes up to the day.
func (t *table) level(segment string, c aggregator.Cell, day int32) int64 {
	s := t.days[segment][c]
	if s == nil {
		return 0
	}
	return s.level(day)
}

// sum adds up the levels of the days from..to.
func (t *table) sum(segment string, c aggregator.Cell, from, to int32) int64 {
	s := t.days[segment][c]
	if s == nil {
		return 0
	}
	return s.upTo(to) - s.upTo(from-1)
}

// series is the changes of one counter by day, with their running sums, which
// are levels, and the running sums of those.
type series struct {
	first  int32
	change []int64
	sum    []int64 // of change[0..i], right for i < clean
	total  []int64 // of sum[0..i], right for i < clean
	clean  int
}

func (s *series) add(day int32, v int64) error {
	if len(s.change) == 0 {
		s.first = day
	}
	last := s.first + int32(len(s.change)) - 1
	if lo, hi := min(s.first, day), max(last, day); int64(hi)-int64(lo) > maxSpan {
		return fmt.Errorf("days %d to %d lie further apart than %d days", lo, hi, maxSpan)
	}
	if day < s.first {
		front := make([]int64, s.first-day, int(s.first-day)+len(s.change))
		s.change = append(front, s.change...)
		s.first = day
	}
	for int(day-s.first) >= len(s.change) {
		s.change = append(s.change, 0)
	}
	i := int(day - s.first)
	s.change[i] += v
	s.clean = min(s.clean, i)
	return nil
}

func (s *series) level(day int32) int64 {
	i := min(int(day-s.first), len(s.change)-1)
	if day < s.first || i < 0 {
		return 0
	}
	s.extend(i)
	return s.sum[i]
}

// upTo adds up the levels of all days up to one.
func (s *series) upTo(day int32) int64 {
	last := len(s.change) - 1
	i := min(int(day-s.first), last)
	if day < s.first || i < 0 {
		return 0
	}
	s.extend(i)
	return s.total[i] + int64(day-s.first-int32(i))*s.sum[i] // behind the last change the level stays
}

// extend makes the sums right up to the i-th.
func (s *series) extend(i int) {
	for len(s.sum) < len(s.change) {
		s.sum, s.total = append(s.sum, 0), append(s.total, 0)
	}
	for ; s.clean <= i; s.clean++ {
		s.sum[s.clean] = s.change[s.clean]
		if s.clean > 0 {
			s.sum[s.clean] += s.sum[s.clean-1]
		}
		s.total[s.clean] = s.sum[s.clean]
		if s.clean > 0 {
			s.total[s.clean] += s.total[s.clean-1]
		}
	}
}
