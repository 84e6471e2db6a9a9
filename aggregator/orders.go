package aggregator

import (
	"cmp"
	"slices"
)

// customer_basis: purchases. Each order that is not fully refunded keeps its
// customer for active_purchase_days days, the order's own included.

// purchaseSpans are the stretches of time in which such an order counts; added
// to orphans are the refunds of orders that are not known.
func (c *customer) purchaseSpans(o *Options, orphans []int) ([]span, []int) {
	var spans []span
	if c.base.buysUntil > 0 {
		spans = append(spans, span{c.base.at, o.Calendar.Start(c.base.buysUntil), c.base.buysUntil})
	}
	for i := range c.base.lumps {
		if l := &c.base.lumps[i]; l.time != 0 {
			day := l.day + o.ActiveDays
			spans = append(spans, span{l.time, o.Calendar.Start(day), day})
		}
	}
	refunds := c.refundKeys(nil)
	for i := range c.money {
		m := &c.money[i]
		spans = c.orderSpans(spans, o, m, slices.Contains(refunds, m.key))
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	merged := spans[:0]
	for _, s := range spans {
		// One that begins where the last one ends goes on, unless a day that the
		// zone skips lies between: that day has an end, and nothing counts at it.
		n := len(merged)
		if n > 0 && (s.from < merged[n-1].to || s.from == merged[n-1].to && merged[n-1].day >= o.Calendar.Day(s.from)) {
			if last := &merged[n-1]; s.to > last.to || s.to == last.to && s.day > last.day {
				last.to, last.day = s.to, s.day
			}
			continue
		}
		merged = append(merged, s)
	}
	return merged, c.orphanRefunds(orphans)
}

func (c *customer) hasRefunds() bool {
	return slices.ContainsFunc(c.money, func(m moneyEvent) bool { return m.kind == refund })
}

// refundKeys are the keys of the orders of which there are refunds.
func (c *customer) refundKeys(out []uint32) []uint32 {
	for i := range c.money {
		if m := &c.money[i]; m.kind == refund {
			out = append(out, m.key)
		}
	}
	return out
}

// orderSpans adds the stretches in which one purchase counts.
func (c *customer) orderSpans(spans []span, o *Options, m *moneyEvent, refunds bool) []span {
	if !m.bought() {
		return spans
	}
	day := o.Calendar.Day(m.time) + o.ActiveDays
	s := span{m.time, o.Calendar.Start(day), day}
	if refunds {
		for _, r := range c.refunded(m) {
			if r.to <= s.from || r.from >= s.to {
				continue
			}
			if r.from > s.from {
				spans = append(spans, span{s.from, r.from, o.Calendar.Day(r.from)})
			}
			s.from = min(r.to, s.to)
		}
	}
	if s.to > s.from {
		spans = append(spans, s)
	}
	return spans
}

// firstPurchase is the moment of the first order, 0 where there is none.
func (c *customer) firstPurchase() int64 {
	for i := range c.money {
		if c.money[i].bought() {
			return c.money[i].time
		}
	}
	return 0
}

// refunded are the stretches in which an event's order is fully refunded: in each
// currency, what was refunded so far covers what its purchases charged so far.
// A refund before any of its purchases is an orphan and counts for nothing.
func (c *customer) refunded(of *moneyEvent) (out []span) {
	var open []total
	bought, back := false, false
	for i := range c.money {
		m := &c.money[i]
		by := m.amount
		switch {
		case !m.sameOrder(of):
			continue
		case m.bought():
			bought = true
		case m.kind == refund && bought:
			back, by = true, -m.amount
		default:
			continue
		}
		k := slices.IndexFunc(open, func(x total) bool { return x.currency == m.currency })
		if k < 0 {
			k = len(open)
			open = append(open, total{currency: m.currency})
		}
		open[k].monthly += by
		full := back && !slices.ContainsFunc(open, func(x total) bool { return x.monthly > 0 })
		n := len(out)
		switch was := n > 0 && out[n-1].to == never; {
		case full && !was:
			out = append(out, span{from: m.time, to: never})
		case !full && was:
			out[n-1].to = m.time
		}
	}
	return out
}

// orphanRefunds adds the refunds before which their order is not known, and puts
// all orphans in order.
func (c *customer) orphanRefunds(orphans []int) []int {
	for i := range c.money {
		m := &c.money[i]
		if m.kind == refund && !slices.ContainsFunc(c.money[:i], func(x moneyEvent) bool {
			return x.bought() && x.sameOrder(m)
		}) {
			orphans = append(orphans, i)
		}
	}
	slices.Sort(orphans)
	return orphans
}
