package aggregator

import "slices"

// Folding: what is older than the horizon and the look-back goes into a
// record's base. It never changes what the record contributes to days that are
// not frozen, so it may happen at any time; it happens when a record is written.

// foldStride is how many days a record may lag before it is folded again.
const foldStride = 8

// fold folds a customer's past as far as the frozen days allow, where that is
// due. force folds the last day too.
func (s *Shard) fold(c *customer, force bool) {
	if !s.cells.started {
		return
	}
	first := s.cells.first
	if !force && c.health.base.day >= first-foldStride {
		return
	}
	s.foldWalk(c, first)
	from := s.lookback()
	if c.rare != &noRare {
		s.foldReferences(c, s.cal.Start(first))
		if start := s.cal.Start(from); len(c.money) > 0 && c.money[0].time < start {
			s.foldMoney(c, start)
			c.derive(&s.opts)
		}
		if c.moved != nil && c.moved.day < first {
			c.moved = nil
		}
		s.settleLumps(c, from)
		c.answers = slices.DeleteFunc(c.answers, func(a dayAnswer) bool { return a.day < from })
		c.rewrite = true
	}
	c.days.trim(from)
	for i := range c.users {
		c.users[i].fold(from)
	}
}

func (u *user) fold(from int32) {
	u.days.trim(from)
	if all := u.surveyed(); len(all) > 0 {
		if kept := slices.DeleteFunc(all, func(a answer) bool { return a.day < from }); len(kept) < len(all) {
			u.setAnswers(kept)
		}
	}
}

// foldWalk moves the walk's base to the day before first.
func (s *Shard) foldWalk(c *customer, first int32) {
	w := c.walkBase()
	if w.day >= first-1 {
		return
	}
	for w.day < first-1 {
		s.walkOn(c, &w, first)
	}
	c.setWalkBase(w)
	h := &c.health
	if len(h.runs) == 0 {
		return
	}
	keep := 0
	for keep+1 < len(h.runs) && h.runs[keep+1].day <= first {
		keep++
	}
	h.runs = slices.Delete(h.runs, 0, keep)
	h.runs[0].day = max(h.runs[0].day, first)
	if h.check.day < w.day {
		c.setWalkCheck(w)
	}
}

// foldReferences applies what happened to tickets and invoices before a moment.
func (s *Shard) foldReferences(c *customer, before int64) {
	for i := range c.signals {
		r := &c.signals[i]
		n := 0
		for n < len(r.events) && r.events[n].time < before {
			switch e := r.events[n]; {
			case e.on && r.since == 0:
				r.since = e.time
			case !e.on:
				r.since = 0
			}
			n++
		}
		r.events = slices.Delete(r.events, 0, n)
	}
	c.signals = slices.DeleteFunc(c.signals, func(r reference) bool { return r.since == 0 && len(r.events) == 0 })
	c.deriveReferences()
}

// foldMoney replays the money events before a moment onto the base. Those that
// still wait for a target stay, and so do the purchases and refunds of an order
// on which there is a later event: charges as settled ones, since what they say
// of a subscription is in the base.
func (s *Shard) foldMoney(c *customer, before int64) {
	if before <= c.base.at {
		return
	}
	c.ownBase()
	if c.base.firstPaid == 0 && c.line.first != 0 && c.line.first < before {
		c.base.firstPaid = c.line.first
	}
	open := map[string]bool{}
	for i := range c.money {
		if m := &c.money[i]; m.time >= before {
			open[m.orderOf()] = true
		}
	}
	w := walker{o: &s.opts, s: c.base.money.clone(), out: &timeline{}}
	var keep []moneyEvent
	for i := range c.money {
		m := c.money[i]
		if m.time >= before || slices.Contains(c.line.orphans, i) {
			keep = append(keep, m)
			continue
		}
		w.apply(&m)
		switch {
		case m.kind == cancel || m.kind == withdraw:
		case open[m.orderOf()]:
			if m.kind == charge {
				m.kind = settled
			}
			keep = append(keep, m)
		default:
			s.settleMoney(c, i, &w.s.past)
		}
	}
	w.until(before - 1)
	c.base.at, c.base.money, c.money, c.written.events = before, w.s, keep, 0
}

// settleMoney puts the i-th event, which leaves the list with all others of its
// order, into the base.
func (s *Shard) settleMoney(c *customer, i int, past *ledger) {
	m := &c.money[i]
	if s.cal.Day(m.time) >= s.lookback() { // the list was full
		s.lump(c, i)
		return
	}
	past.settle(m)
	if c.firstOfOrder(i, &s.opts) && c.stands(m) {
		past.orders = min(past.orders+1, 2)
	}
	if s.opts.ByPurchases {
		for _, x := range c.orderSpans(nil, &s.opts, m, true) {
			c.base.buysUntil = max(c.base.buysUntil, x.day)
		}
	}
}

// orderOf is the order that a purchase or a refund is about.
func (m *moneyEvent) orderOf() string {
	if m.kind == refund {
		return m.refundOf
	}
	return m.orderID()
}
