package aggregator

import (
	"slices"

	"github.com/tidemark-io/tidemark/event"
)

func (s *Shard) moneyOf(ev *event.Event, cause Cause) moneyEvent {
	m := moneyEvent{time: ev.Time, source: s.sources.intern(ev.Source), id: string(ev.ID), moneyRare: &noMoneyRare}
	if ev.Kind == event.Cancellation {
		m.kind, m.all, m.sub = cancel, ev.Cancellation.Subscription == nil, string(ev.Cancellation.Subscription)
		*m.own() = moneyRare{effective: max(ev.Cancellation.Effective, ev.Time), reason: s.reasonOf(ev.Cancellation.Reason),
			origin: &Origin{cause.Topic, cause.Offset}}
		return m
	}
	p := &ev.Purchase
	m.kind, m.currency, m.amount = order, p.Currency, p.Amount
	if o := string(p.Order); p.Order != nil && o != m.id {
		m.own().order = o
	}
	switch {
	case p.RefundOf != nil:
		m.kind = refund
		*m.own() = moneyRare{order: m.order, refundOf: string(p.RefundOf), origin: &Origin{cause.Topic, cause.Offset}}
	case p.Interval != event.None:
		m.kind, m.sub, m.monthly = charge, string(p.Subscription), p.Monthly
		m.interval, m.count = p.Interval, p.Count
	}
	m.seal()
	return m
}

// applyMoney puts an event in its place in the customer's list.
func (s *Shard) applyMoney(c *customer, m *moneyEvent, cause Cause, day int32) change {
	c.own()
	i, found := len(c.money), false
	if i > 0 && compareMoney(&c.money[i-1], m) >= 0 {
		i, found = slices.BinarySearchFunc(c.money, m, func(a moneyEvent, b *moneyEvent) int { return compareMoney(&a, b) })
	}
	if found {
		return change{}
	}
	c.rewrite = true
	s.scheduled = m.kind == cancel && !s.opts.CancelAtOnce && m.effective > max(m.time, s.watermark)
	if m.kind == charge && c.manySubs(m.sub) {
		s.capped["subscriptions"]++
	}
	if len(c.money) >= s.room {
		if c.behind > 0 {
			s.catchUpWith(&s.behind[c.behind-1])
		}
		s.cause = cause
		s.applyFull(c, i, m, day)
		return change{any: true}
	}
	s.insertMoney(c, i, m, day)
	return change{any: true, money: true}
}

// insertMoney puts an event into its place in the list and writes what that
// changes of cash and orders.
func (s *Shard) insertMoney(c *customer, i int, m *moneyEvent, day int32) {
	last := i == len(c.money)
	cash := m.bought() || m.kind == refund
	// Behind everything else a purchase adds, where there is no refund that it
	// could make a difference to.
	adds := last && m.bought() && !c.refunds
	s.e.from, s.e.alone = day, len(c.segs()) == 1
	if cash && !adds {
		s.e.sign = -1
		s.contributeCash(&s.e, c)
		s.e.sign = 1
	}
	if last {
		c.money = append(c.money, *m)
	} else {
		c.money = slices.Insert(c.money, i, *m)
	}
	s.grown(&c.bucket.block, moneyBytes)
	c.refunds = c.refunds || m.kind == refund
	if last {
		c.unread++
	} else {
		c.unread, c.written.events = int32(len(c.money)), 0
	}
	switch {
	case adds:
		s.e.straight = len(c.segs()) == 1
		s.contributeLast(&s.e, c)
	case cash:
		s.contributeCash(&s.e, c)
		s.e.net()
	}
	s.e.flush(c.segs())
}

// applyFull puts an event into a list that has no room: others leave it, and make
// the steps of any day others.
func (s *Shard) applyFull(c *customer, i int, m *moneyEvent, day int32) {
	c.latest = max(c.latest, m.time)
	old, oldFirst := c.line, c.firstPaidDay
	s.e.sign = -1
	s.contributeCash(&s.e, c)
	s.e.sign = 1
	c.money = slices.Insert(c.money, i, *m)
	c.line = c.timeline(&s.opts) // which of the events are orphans
	s.capMoney(c)
	s.contributeCash(&s.e, c)
	s.e.net()
	s.e.flush(c.segs())
	c.unread, c.written.events = int32(len(c.money)), 0
	c.deriveMoney(&s.opts)
	s.replace(c, &old, oldFirst, day, noDay)
}

// same says whether two timelines contribute the same.
func (t *timeline) same(o *timeline) bool {
	return t.since == o.since && slices.Equal(t.paying, o.paying) && slices.Equal(t.mrr, o.mrr) && slices.Equal(t.cancels, o.cancels)
}
