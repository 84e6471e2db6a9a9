package aggregator

import (
	"math/bits"
	"slices"

	"github.com/tidemark-io/tidemark/event"
)

// A customer's money: what it pays a month, from when to when, and what it
// ordered. Events are kept in their order for the horizon and the look-back;
// what is older is folded into the base.

const maxSubscriptions = 64 // a bit each in an end's targets

// subscription is the state of one subscription at a moment.
type subscription struct {
	name     string
	active   bool // an amount of 0 is active too
	currency event.Currency
	monthly  int64
	lapse    int64 // ms at which it ends unless renewed; 0: never
}

// ending is a cancellation that has not taken effect yet.
type ending struct {
	at      int64
	targets uint64 // bits of the subscriptions it ends
	reason  string
}

// moneyState is what purchases and cancellations up to a moment have made.
type moneyState struct {
	subs    []subscription
	endings []ending
	totals  []total
	paid    bool // an amount above 0 was ever due
	past    ledger
}

// ledger is what remains of purchases and refunds that are in no list any more.
type ledger struct {
	received []cash
	receipt  bool  // some purchase charged more than 0
	orders   uint8 // that were not fully refunded: 0, 1, or 2 for more
}

func (l *ledger) any() bool { return len(l.received) > 0 || l.receipt || l.orders > 0 }

// total is the sum of active amounts in one currency.
type total struct {
	currency event.Currency
	monthly  int64
}

func (s *moneyState) clone() moneyState {
	return moneyState{slices.Clone(s.subs), slices.Clone(s.endings), slices.Clone(s.totals), s.paid, s.past}
}

// span is a stretch of time, half-open. day is the day of to where that is not
// plain: an order that counts for a number of days may end with one that the
// zone skips.
type span struct {
	from, to int64
	day      int32
}

// mrrStep says that from a moment on the customer pays so much in a currency.
type mrrStep struct {
	at       int64
	day      int32
	currency event.Currency
	monthly  int64
}

// timeline is what a customer's money events come to: derived, never stored.
type timeline struct {
	first   int64       // the first purchase that makes the customer a paying one; 0: none
	since   int32       // the first day with an amount above 0 due; noDay where that is folded, farFuture where there is none
	paying  []span      // ms; to is never for an open end
	mrr     []mrrStep   // by time; several of one moment are in order
	cancels []cancelled // cancellations that took effect
	orphans []int       // indexes of cancellations and refunds without a target

	tickets, invoices []span // stretches in which each is open or late, by their beginning
}

const never = int64(1 << 62)

// walker replays money events onto a state.
type walker struct {
	o   *Options
	s   moneyState
	out *timeline
}

// timeline replays the customer's events onto its base.
func (c *customer) timeline(o *Options) timeline {
	t := timeline{mrr: make([]mrrStep, 0, len(c.line.mrr)+1), tickets: c.line.tickets, invoices: c.line.invoices, since: farFuture}
	if c.base.money.paid {
		t.since = noDay
	}
	w := walker{o: o, s: c.base.money.clone(), out: &t}
	for _, x := range w.s.totals {
		t.mrr = append(t.mrr, mrrStep{at: c.base.at, day: o.Calendar.Day(c.base.at), currency: x.currency, monthly: x.monthly})
	}
	for i := range c.money {
		if !w.apply(&c.money[i]) {
			t.orphans = append(t.orphans, i)
		}
	}
	c.run = nil
	if w.settled() {
		state := w.s
		c.run = &state
	}
	w.until(never)
	if o.ByPurchases {
		t.paying, t.orphans = c.purchaseSpans(o, t.orphans)
		t.first = c.firstPurchase()
		return t
	}
	t.orphans = c.orphanRefunds(t.orphans)
	t.paying = payingSpans(t.mrr)
	return t
}

// settled says whether nothing is scheduled, so that the state stays what it is
// until the next event.
func (w *walker) settled() bool {
	return !w.o.ByPurchases && len(w.s.endings) == 0 &&
		!slices.ContainsFunc(w.s.subs, func(s subscription) bool { return s.active && s.lapse != 0 })
}

// extend replays the n-th money event onto the timeline of those before it, and
// says whether it could. It shares memory with the timeline before, which stays
// as it is: what is added lies behind its end.
func (c *customer) extend(o *Options, n int) bool {
	m := &c.money[n]
	steps := len(c.line.mrr)
	switch {
	case c.run == nil || m.kind == refund || m.kind == cancel && m.effective > m.time && !o.CancelAtOnce:
		return false
	case steps > 0 && c.line.mrr[steps-1].at >= m.time:
		return false // its last step is replaced, not followed
	}
	w := walker{o: o, s: *c.run, out: &c.line}
	if !w.apply(m) {
		c.line.orphans = append(c.line.orphans, n)
	}
	*c.run = w.s
	if !w.settled() {
		c.run = nil
		w.until(never)
	}
	switch last := len(c.line.mrr) - 1; {
	case c.run == nil || len(w.s.totals) > 1:
		c.line.paying = payingSpans(c.line.mrr)
	case last >= steps: // one currency, and one step: at the event's time
		pays := c.line.mrr[last].monthly > 0
		if n := len(c.line.paying); n > 0 && (!pays || c.line.paying[n-1].to == m.time) { // the last one becomes another
			c.line.paying = slices.Clone(c.line.paying)
		}
		c.line.paying = turnPaying(c.line.paying, m.time, pays)
	}
	return true
}

// apply replays one event; false: a cancellation without a target. What is
// scheduled at or before the event's time comes first, so that a purchase at
// the moment of an end starts anew.
func (w *walker) apply(m *moneyEvent) bool {
	w.until(m.time)
	switch m.kind {
	case charge:
		w.charge(m)
	case cancel:
		targets := w.targets(m)
		if targets == 0 {
			return false
		}
		if m.effective <= m.time || w.o.CancelAtOnce {
			w.end(ending{m.time, targets, m.reason})
			return true
		}
		w.s.endings = append(w.s.endings, ending{m.effective, targets, m.reason})
	case withdraw:
		w.release(w.targets(m))
	}
	return true
}

func (w *walker) targets(m *moneyEvent) (bitset uint64) {
	for i := range w.s.subs {
		if m.all || w.s.subs[i].name == m.sub {
			bitset |= 1 << i
		}
	}
	return bitset
}

// release takes subscriptions out of the endings that are still to come.
func (w *walker) release(targets uint64) {
	for i := range w.s.endings {
		w.s.endings[i].targets &^= targets
	}
	w.s.endings = slices.DeleteFunc(w.s.endings, func(e ending) bool { return e.targets == 0 })
}

func (w *walker) charge(m *moneyEvent) {
	i := w.place(m.sub)
	if i < 0 {
		return // counted when it was read
	}
	s := &w.s.subs[i]
	if s.active {
		w.total(m.time, s.currency, -s.monthly)
	}
	s.active, s.currency, s.monthly, s.lapse = true, m.currency, m.monthly, 0
	if !w.s.paid && s.monthly > 0 {
		w.s.paid = true
		w.out.since = w.o.Calendar.Day(m.time)
		w.out.first = m.time
	}
	w.total(m.time, s.currency, s.monthly)
	if w.o.LapseGrace >= 0 {
		s.lapse = addInterval(w.o.Calendar, m.time, m.interval, int(m.count)) + w.o.LapseGrace
	}
	if w.o.Uncancel {
		w.release(1 << i)
	}
}

// place is the index of a subscription, a new one where it has none. Where there
// are too many, the oldest that has ended makes room; -1: none has.
func (w *walker) place(name string) int {
	i := slices.IndexFunc(w.s.subs, func(s subscription) bool { return s.name == name })
	switch {
	case i >= 0:
		return i
	case len(w.s.subs) < maxSubscriptions:
		w.s.subs = append(w.s.subs, subscription{name: name})
		return len(w.s.subs) - 1
	}
	for i := range w.s.subs {
		if !w.s.subs[i].active && !slices.ContainsFunc(w.s.endings, func(e ending) bool { return e.targets>>i&1 == 1 }) {
			w.s.subs = append(slices.Delete(w.s.subs, i, i+1), subscription{name: name})
			for k := range w.s.endings { // those behind it have moved up
				low := w.s.endings[k].targets & (1<<i - 1)
				w.s.endings[k].targets = low | w.s.endings[k].targets>>1&^(1<<i-1)
			}
			return maxSubscriptions - 1
		}
	}
	return -1
}

// until lets everything take effect that is scheduled up to the moment.
func (w *walker) until(t int64) {
	for {
		e, l := -1, -1
		at := t
		for i := range w.s.endings {
			if w.s.endings[i].at <= at && (e < 0 || w.s.endings[i].at < at) {
				e, at = i, w.s.endings[i].at
			}
		}
		for i := range w.s.subs {
			if x := w.s.subs[i].lapse; x != 0 && w.s.subs[i].active && (x < at || x <= at && e < 0 && l < 0) {
				l, at = i, x
			}
		}
		switch {
		case l >= 0:
			s := &w.s.subs[l]
			s.active, s.lapse = false, 0
			w.total(at, s.currency, -s.monthly)
		case e >= 0:
			x := w.s.endings[e]
			w.s.endings = slices.Delete(w.s.endings, e, e+1)
			w.end(x)
		default:
			return
		}
	}
}

// end lets a cancellation take effect: it counts where it ends anything.
func (w *walker) end(e ending) {
	ended := false
	for x := e.targets; x != 0; x &= x - 1 {
		s := &w.s.subs[bits.TrailingZeros64(x)]
		if !s.active {
			continue
		}
		ended, s.active, s.lapse = true, false, 0
		w.total(e.at, s.currency, -s.monthly)
	}
	if ended {
		w.out.cancels = append(w.out.cancels, cancelled{w.o.Calendar.Day(e.at), e.reason})
	}
}

func (w *walker) total(at int64, currency event.Currency, by int64) {
	if by == 0 {
		return
	}
	i := slices.IndexFunc(w.s.totals, func(x total) bool { return x.currency == currency })
	if i < 0 {
		i = len(w.s.totals)
		w.s.totals = append(w.s.totals, total{currency: currency})
	}
	w.s.totals[i].monthly += by
	step := mrrStep{at, w.o.Calendar.Day(at), currency, w.s.totals[i].monthly}
	n := len(w.out.mrr)
	if n > 0 && w.out.mrr[n-1].at == at && w.out.mrr[n-1].currency == currency {
		n-- // replaced
	}
	w.out.mrr = w.out.mrr[:n]
	for k := n - 1; k >= 0; k-- {
		if last := &w.out.mrr[k]; last.currency == currency {
			if last.monthly == step.monthly {
				return // renewed for what it was: no step
			}
			break
		}
	}
	w.out.mrr = append(w.out.mrr, step)
}

// payingSpans are the stretches in which any currency's amount is above 0.
func payingSpans(steps []mrrStep) []span {
	var (
		spans  []span
		totals []total
	)
	for i, s := range steps {
		k := slices.IndexFunc(totals, func(x total) bool { return x.currency == s.currency })
		if k < 0 {
			k = len(totals)
			totals = append(totals, total{currency: s.currency})
		}
		totals[k].monthly = s.monthly
		if i+1 < len(steps) && steps[i+1].at == s.at {
			continue // only what holds after the moment counts
		}
		spans = turnPaying(spans, s.at, slices.ContainsFunc(totals, func(x total) bool { return x.monthly > 0 }))
	}
	return spans
}

// turnPaying says that from a moment on the customer pays, or does not. The moment
// is no earlier than any before.
func turnPaying(spans []span, at int64, pays bool) []span {
	last := len(spans) - 1
	open := last >= 0 && spans[last].to == never
	switch {
	case pays && !open && last >= 0 && spans[last].to == at:
		spans[last].to = never
	case pays && !open:
		return append(spans, span{from: at, to: never})
	case !pays && open:
		spans[last].to = at
	}
	return spans
}
