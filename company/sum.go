package company

import (
	"bytes"
	"slices"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/event"
)

// sum is what the rows of a segment that are not frozen come to over all shards,
// or those of all segments that "other" stands for.
//
// Day rows hold changes, and a shard's opening row is a change too: from nothing
// to the level at its first day. So the level of a day is the sum of all changes
// up to it, whatever first days the shards have: a shard that begins after the
// day adds nothing here, its frozen row of the day is added by the view.
type sum struct {
	members  []string // stored segments, sorted
	days     map[aggregator.Cell]series
	standing map[aggregator.Counter]map[onDay]int64
	labels   map[aggregator.Counter]map[string]bool // of the cells of days
	met      *currencies
	asked    uint64 // when it was last asked for, in the order of questions
}

// onDay is what tells a counter's standing cells apart; the day is 0 where they
// have none.
type onDay struct {
	label string
	day   int32
}

func newSum(members []string, met *currencies) *sum {
	return &sum{
		members:  slices.Sorted(slices.Values(members)),
		days:     map[aggregator.Cell]series{},
		standing: map[aggregator.Counter]map[onDay]int64{},
		labels:   map[aggregator.Counter]map[string]bool{},
		met:      met,
	}
}

// has says whether a stored segment is part of the sum.
func (s *sum) has(segment string) bool {
	_, ok := slices.BinarySearch(s.members, segment)
	return ok
}

// add adds a stored row, sign +1, or takes it away, -1. The first day is that of
// the row's shard.
func (s *sum) add(kind byte, day int32, row []byte, firstDay int32, sign int64) error {
	on, counts := countsOn(kind, day, firstDay)
	if !counts {
		return nil
	}
	for len(row) > 0 {
		c, v, rest, err := aggregator.NextCell(row)
		if err != nil {
			return err
		}
		row = rest
		if kind == 's' || kind == 'p' {
			s.stand(c, day, sign*v)
		} else {
			s.change(c, on, sign*v)
		}
	}
	return nil
}

// change adds to the change of a day.
func (s *sum) change(c aggregator.Cell, day int32, by int64) {
	changes, known := s.days[c]
	if !known {
		s.label(c)
		s.met.meet(c)
	}
	s.days[c] = changes.add(day, by)
}

// stand adds to a standing cell. What has come to zero is dropped: the days of
// users' last activity move on for ever.
func (s *sum) stand(c aggregator.Cell, day int32, by int64) {
	cells := s.standing[c.Counter]
	if cells == nil {
		cells = map[onDay]int64{}
		s.standing[c.Counter] = cells
	}
	k := onDay{c.Label, day}
	if cells[k] += by; cells[k] == 0 {
		delete(cells, k)
	}
}

// label notes the label of a cell of days that is met for the first time.
func (s *sum) label(c aggregator.Cell) {
	if !c.Counter.Labelled() {
		return
	}
	if s.labels[c.Counter] == nil {
		s.labels[c.Counter] = map[string]bool{}
	}
	s.labels[c.Counter][c.Label] = true
}

// level is the sum of all changes up to the day.
func (s *sum) level(c aggregator.Cell, day int32) int64 { return s.days[c].level(day) }

// currencies are those that any row had, sorted.
type currencies []event.Currency

// meet notes a cell's currency.
func (m *currencies) meet(c aggregator.Cell) {
	if !c.Counter.Money() {
		return
	}
	i, known := slices.BinarySearchFunc(*m, c.Currency, func(a, b event.Currency) int { return bytes.Compare(a[:], b[:]) })
	if !known {
		*m = slices.Insert(*m, i, c.Currency)
	}
}
