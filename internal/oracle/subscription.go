package oracle

import (
	"cmp"
	"slices"

	"github.com/tidemark-io/tidemark/event"
)

// subscription is one subscription of a customer: what it was from each
// moment of change on, in order.
type subscription struct {
	changes []state
}

// state is what a subscription is from a moment on. One of amount 0 is active
// too.
type state struct {
	from     int64
	active   bool
	monthly  int64 // 1/event.MonthlyUnit of a minor unit a month; 0 unless active
	currency string
}

// at is the state at moment t.
func (s subscription) at(t int64) state {
	var last state
	for _, c := range s.changes {
		if c.from <= t {
			last = c
		}
	}
	return last
}

// The order of what happens to a subscription at one moment. A pending end
// comes before the purchases of its moment, which start anew; a cancellation
// with immediate effect comes after them, as cancellations do. An end by
// cancellation comes before a lapse, so that one which is effective when the
// paid time is over counts.
const (
	pendingEnd = iota
	lapse
	purchase
	immediateEnd
)

// turn is one thing that happens to a subscription.
type turn struct {
	at   int64
	what int
	by   int // index of the event that is the cause, in the record's order
}

// readSubscriptions fills subscriptions, and the moments at which a
// cancellation took effect: ended at least one active subscription.
func (r *record) readSubscriptions() {
	var names []string
	for _, f := range r.facts {
		if f.recurring() && !slices.Contains(names, string(f.Purchase.Subscription)) {
			names = append(names, string(f.Purchase.Subscription))
		}
	}
	effective := map[int]int64{} // cancellation -> when it ended something
	for _, name := range names {
		r.subscriptions = append(r.subscriptions, r.play(r.turns(name), effective))
	}
	for by, at := range effective {
		r.cancelled = append(r.cancelled, at)
		r.reasons = append(r.reasons, reason(r.facts[by].Cancellation.Reason))
	}
}

// play lets the turns of one subscription happen, in order, and notes the
// cancellations that ended it.
func (r *record) play(turns []turn, effective map[int]int64) subscription {
	slices.SortFunc(turns, func(a, b turn) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.what, b.what), cmp.Compare(a.by, b.by))
	})
	var s subscription
	active := false
	for _, t := range turns {
		if t.what == purchase {
			p := r.facts[t.by].Purchase
			currency := string(p.Currency[:])
			if p.Currency == (event.Currency{}) {
				currency = r.cfg.Currency
			}
			active = true
			s.changes = append(s.changes, state{t.at, true, p.Monthly, currency})
			continue
		}
		if active && t.what != lapse {
			effective[t.by] = t.at
		}
		active = false
		s.changes = append(s.changes, state{from: t.at})
	}
	return s
}

// turns lists all that happens to one subscription, in no order.
func (r *record) turns(name string) []turn {
	var list []turn
	for i, f := range r.facts {
		switch {
		case f.recurring() && string(f.Purchase.Subscription) == name:
			list = append(list, turn{f.Time, purchase, i})
			if due, lapses := r.lapses(name, i); lapses {
				list = append(list, turn{due, lapse, i})
			}
		case f.Kind == event.Cancellation && r.targets(i, name):
			end := max(f.Cancellation.Effective, f.Time)
			if end == f.Time {
				list = append(list, turn{end, immediateEnd, i})
			} else if !r.withdrawn(name, i, end) {
				list = append(list, turn{end, pendingEnd, i})
			}
		}
	}
	return list
}

// targets says whether cancellation i means the subscription, and finds it: a
// recurring purchase of it comes earlier in the order.
func (r *record) targets(i int, name string) bool {
	only := r.facts[i].Cancellation.Subscription
	if only != nil && string(only) != name {
		return false
	}
	return slices.ContainsFunc(r.facts[:i], func(f fact) bool {
		return f.recurring() && string(f.Purchase.Subscription) == name
	})
}

// withdrawn says whether the pending end that cancellation i set is taken back
// before it takes effect.
func (r *record) withdrawn(name string, i int, end int64) bool {
	return slices.ContainsFunc(r.facts[i+1:], func(f fact) bool {
		if f.Time >= end {
			return false
		}
		if f.signal("cancellation_withdrawn") {
			return len(f.Signal.Ref) == 0 || string(f.Signal.Ref) == name
		}
		return r.cfg.UncancelByPurchase && f.recurring() && string(f.Purchase.Subscription) == name
	})
}

// lapses says when the subscription lapses if purchase i is not followed by
// another, and whether it is not in time.
func (r *record) lapses(name string, i int) (due int64, lapses bool) {
	if r.cfg.LapseGrace < 0 {
		return 0, false
	}
	p := r.facts[i].Purchase
	due = r.cal.after(r.facts[i].Time, p.Interval, int(p.Count)) + r.cfg.LapseGrace.Milliseconds()
	renewed := slices.ContainsFunc(r.facts[i+1:], func(f fact) bool {
		return f.recurring() && string(f.Purchase.Subscription) == name && f.Time < due
	})
	return due, !renewed
}
