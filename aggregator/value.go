package aggregator

import (
	"strconv"

	"github.com/tidemark-io/tidemark/event"
)

// Time to value: customers by the number of days from their first event to their
// first value event. Whoever has had none yet is counted as such, so that the
// quantiles are those of everybody and not only of those who got there.

// The labels beyond "0" to "365".
const (
	ValueMore  = "more"  // later than after 365 days
	ValueNever = "never" // not yet
)

// MaxValueDays is the longest time to value that is told apart.
const MaxValueDays = 365

// valueLabel is the label of a customer by the days of its first event and of its
// first value event, noDay where there was none.
func valueLabel(born, valued int32) string {
	switch {
	case valued == noDay:
		return ValueNever
	case valued-born > MaxValueDays:
		return ValueMore
	}
	return strconv.Itoa(int(valued - born))
}

// contributeValue is what a customer contributes.
func (e *emitter) contributeValue(born, valued int32) {
	if born != noDay {
		e.stand(0, e.cells.slotOf(Cell{Counter: TimeToValue, Label: valueLabel(born, valued)}), noDay, 1)
	}
}

// isValue says whether an event is a value event. A purchase is one where it has
// an amount and is no refund: a trial that is begun is none.
func (s *Shard) isValue(ev *event.Event) bool {
	switch {
	case ev.Kind == event.Signal && s.opts.ValueSignal != "":
		return string(ev.Signal.Name) == s.opts.ValueSignal
	case ev.Kind != s.opts.ValueKind:
		return false
	case ev.Kind == event.Purchase:
		return ev.Purchase.RefundOf == nil && ev.Purchase.Amount > 0
	}
	return true
}

// applyValue moves the days of a customer's first event and of its first value
// event to an earlier one; false: they stay.
func (s *Shard) applyValue(c *customer, ev *event.Event, day int32) bool {
	born, valued := c.born, c.valued
	if born == noDay || day < born {
		c.born = day
	}
	if (valued == noDay || day < valued) && s.isValue(ev) {
		c.valued = day
	}
	if c.born == born && c.valued == valued {
		return false
	}
	s.e.sign = -1
	s.e.contributeValue(born, valued)
	s.e.sign = 1
	s.e.contributeValue(c.born, c.valued)
	s.e.net()
	s.e.flush(c.segs())
	return true
}
