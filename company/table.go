package company

import (
	"bytes"
	"slices"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/event"
)

// table is the sum of the rows of all shards that are not frozen.
//
// Day rows hold changes, and a shard's opening row is a change too: from nothing
// to the level at its first day. So the level of a day is the sum of all changes
// up to it, whatever first days the shards have: a shard that begins after the
// day adds nothing here, its frozen row of the day is added by the view.
type table struct {
	days     map[string]map[aggregator.Cell]series // by segment
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
		days:     map[string]map[aggregator.Cell]series{},
		standing: map[string]map[aggregator.Counter]map[onDay]int64{},
		labels:   map[string]map[aggregator.Counter]map[string]bool{},
		rows:     map[string]int{},
	}
}

// place adds a row, sign +1, or takes it away, -1. The first day is that of the
// row's shard.
func (t *table) place(n aggregator.RowName, row aggregator.Row, firstDay int32, sign int64) {
	if t.rows[n.Segment] += int(sign); t.rows[n.Segment] == 0 {
		// Whatever remains is zero: the rows that made it are gone.
		delete(t.rows, n.Segment)
		delete(t.days, n.Segment)
		delete(t.standing, n.Segment)
		delete(t.labels, n.Segment)
		return
	}
	if day, counts := countsOn(n, firstDay); counts {
		t.add(n, row, day, sign)
	}
}

// add adds what a row counts, on the day, or takes it away.
func (t *table) add(n aggregator.RowName, row aggregator.Row, day int32, sign int64) {
	if n.Kind == 's' || n.Kind == 'p' {
		t.stand(n, row, sign)
		return
	}
	cells := t.days[n.Segment]
	if cells == nil {
		cells = map[aggregator.Cell]series{}
		t.days[n.Segment] = cells
	}
	for c, v := range row {
		s, known := cells[c]
		if !known {
			t.label(n.Segment, c)
			t.meet(c)
		}
		cells[c] = s.add(day, sign*v)
	}
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
	return t.days[segment][c].level(day)
}

// sum adds up the levels of the days from..to.
func (t *table) sum(segment string, c aggregator.Cell, from, to int32) int64 {
	return t.days[segment][c].sum(from, to)
}
