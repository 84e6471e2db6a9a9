package aggregator

import (
	"slices"

	"github.com/tidemark-io/tidemark/event"
)

// Cash: what purchases charged and refunds gave back, on the day of each event,
// whatever becomes of subscriptions and orders.

// cash is an amount of minor units.
type cash struct {
	currency event.Currency
	minor    int64
}

// receive adds cash of a currency; what was refunded is below 0.
func receive(all []cash, currency event.Currency, minor int64) []cash {
	if minor == 0 {
		return all
	}
	i := slices.IndexFunc(all, func(x cash) bool { return x.currency == currency })
	if i < 0 {
		return append(all, cash{currency, minor})
	}
	all[i].minor += minor
	return all
}

// bought says whether the event is a purchase and no refund.
func (m *moneyEvent) bought() bool { return m.kind == order || m.kind == charge || m.kind == settled }

// isOrder says whether the event is a purchase that counts as an order. With
// SubscriptionsApart the charges of subscriptions don't.
func (m *moneyEvent) isOrder(o *Options) bool {
	return m.kind == order || (m.kind == charge || m.kind == settled) && !o.SubscriptionsApart
}

// contributeCash is what the customer's purchases and refunds contribute: cash,
// orders and who bought how often.
func (s *Shard) contributeCash(e *emitter, c *customer) {
	for _, x := range c.base.money.past.received {
		e.level(e.cells.slot(Received, x.currency), noDay, farFuture, x.minor)
	}
	if c.base.money.past.receipt {
		e.level(int(Payers), noDay, farFuture, 1)
	}
	payer := c.contributeLumps(e, c.base.money.past.receipt)
	for i := range c.money {
		m := &c.money[i]
		s.contributePayment(e, m)
		if !payer && m.bought() && m.amount > 0 {
			payer = true
			e.level(int(Payers), s.cal.Day(m.time), farFuture, 1)
		}
	}
	s.contributeOrders(e, c)
}

// contributeLast is what the last of a customer's events adds where it is a
// purchase, and there are no refunds.
func (s *Shard) contributeLast(e *emitter, c *customer) {
	n := len(c.money) - 1
	m := &c.money[n]
	s.contributePayment(e, m)
	if m.amount > 0 && !c.base.money.past.receipt && !slices.ContainsFunc(c.base.lumps, func(l lump) bool { return l.hasReceipt() }) &&
		!slices.ContainsFunc(c.money[:n], func(x moneyEvent) bool { return x.bought() && x.amount > 0 }) {
		e.level(int(Payers), s.cal.Day(m.time), farFuture, 1)
	}
	s.contributeOrder(e, c)
}

// contributePayment is what one purchase or refund contributes by itself.
func (s *Shard) contributePayment(e *emitter, m *moneyEvent) {
	if m.amount == 0 || !m.bought() && m.kind != refund {
		return
	}
	day := s.cal.Day(m.time)
	if m.kind == refund {
		e.level(e.cells.slot(Refunds, m.currency), day, day+1, m.amount)
		e.level(e.cells.slot(Received, m.currency), day, farFuture, -m.amount)
		return
	}
	e.level(e.cells.slot(Revenue, m.currency), day, day+1, m.amount)
	e.level(e.cells.slot(Received, m.currency), day, farFuture, m.amount)
	if !m.isOrder(&s.opts) {
		e.level(e.cells.slot(RevenueApart, m.currency), day, day+1, m.amount)
	}
}

// settle puts what an event paid into the ledger, when it leaves the list.
func (l *ledger) settle(m *moneyEvent) {
	switch {
	case m.bought():
		l.received = receive(l.received, m.currency, m.amount)
		l.receipt = l.receipt || m.amount > 0
	case m.kind == refund:
		l.received = receive(l.received, m.currency, -m.amount)
	}
}
