package aggregator

import (
	"encoding/binary"
	"slices"

	"github.com/tidemark-io/tidemark/event"
)

// A customer's list of money events is bounded. (One customer may be all of a
// shop's guests.) Where it is full, its oldest orders leave it while their days
// can still change: what remains of them are lumps, one a day, with which every
// figure stays what it was. What a lump no longer knows is single orders, so a
// purchase or refund that is older than what has left goes to the late topic, and
// a refund of such an order is one of an order that nobody knows.

// maxMoney bounds the list, keepMoney is what stays of it when it is full: so
// that it is not the next event that fills it again.
const (
	maxMoney  = 1024
	keepMoney = 896
)

// lump is what remains of a day's orders and refunds that have left a full list.
type lump struct {
	day      int32
	time     int64  // of its first order that stood
	orders   uint32 // by their first purchase
	standing uint32 // of these, not fully refunded when they left
	cash     []lumpCash
}

type lumpCash struct {
	currency                event.Currency
	revenue, apart, refunds int64 // minor units
}

// capMoney lets the oldest orders leave a full list, and, where it is full of
// other events, folds them: their days are then those of the fold.
func (s *Shard) capMoney(c *customer) {
	c.ownBase()
	before := c.money[len(c.money)-keepMoney].time
	s.capped["orders"] += int64(s.lumpOrders(c, before))
	c.base.capped = max(c.base.capped, before)
	if n := len(c.money); n > s.room-64 { // else the list would soon be full again
		c.line = c.timeline(&s.opts) // its orphans are numbered anew
		s.foldMoney(c, before)
		s.capped["payments"] += int64(n - len(c.money))
	}
}

// lumpOrders lets one-off purchases before a moment leave the list, and says how
// many. Those stay that a refund, a charge or a later event is about.
func (s *Shard) lumpOrders(c *customer, before int64) (left int) {
	open := map[string]bool{}
	for i := range c.money {
		if m := &c.money[i]; m.time >= before || m.kind == charge || m.kind == refund {
			open[m.orderOf()] = true
		}
	}
	if s.opts.ByPurchases && c.base.firstPaid == 0 {
		c.base.firstPaid = c.firstPurchase()
	}
	var keep []moneyEvent
	for i := range c.money {
		if m := &c.money[i]; m.kind != order && m.kind != settled || open[m.orderOf()] {
			keep = append(keep, *m)
			continue
		}
		s.lump(c, i)
		left++
	}
	c.money = keep
	return left
}

// tooOld says whether a money event is older than what a full list has let go: it
// may be one of those.
func (c *customer) tooOld(ev *event.Event) bool {
	switch ev.Kind {
	case event.Purchase:
		return ev.Time < c.base.capped
	case event.Cancellation:
		return ev.Time < c.base.at
	}
	return ev.Time < c.base.at && string(ev.Signal.Name) == "cancellation_withdrawn"
}

// manySubs says whether a subscription is one more than are kept.
func (c *customer) manySubs(name string) bool {
	if len(c.base.money.subs)+len(c.money) < maxSubscriptions {
		return false
	}
	for i := len(c.money) - 1; i >= 0; i-- { // nearly always the last
		if c.money[i].kind == charge && c.money[i].sub == name {
			return false
		}
	}
	names := map[string]bool{}
	for i := range c.base.money.subs {
		names[c.base.money.subs[i].name] = true
	}
	for i := range c.money {
		if c.money[i].kind == charge {
			names[c.money[i].sub] = true
		}
	}
	return !names[name] && len(names) >= maxSubscriptions
}

// lump adds the i-th event, which leaves the list with all others of its order, to
// its day's lump.
func (s *Shard) lump(c *customer, i int) {
	m := &c.money[i]
	day := s.cal.Day(m.time)
	k, found := slices.BinarySearchFunc(c.base.lumps, day, func(l lump, d int32) int { return int(l.day - d) })
	if !found {
		c.base.lumps = slices.Insert(c.base.lumps, k, lump{day: day})
	}
	l := &c.base.lumps[k]
	if c.firstOfOrder(i, &s.opts) {
		l.orders++
	}
	if c.firstPurchaseOf(i) && c.stands(m) {
		if l.time == 0 {
			l.time = m.time
		}
		if m.isOrder(&s.opts) {
			l.standing++
		}
	}
	l.add(m, m.isOrder(&s.opts))
}

func (l *lump) add(m *moneyEvent, isOrder bool) {
	i := slices.IndexFunc(l.cash, func(x lumpCash) bool { return x.currency == m.currency })
	if i < 0 {
		i = len(l.cash)
		l.cash = append(l.cash, lumpCash{currency: m.currency})
	}
	x := &l.cash[i]
	switch {
	case m.kind == refund:
		x.refunds += m.amount
	case isOrder:
		x.revenue += m.amount
	default:
		x.revenue += m.amount
		x.apart += m.amount
	}
}

// firstPurchaseOf says whether the i-th event is the first purchase under its
// order's id, a charge or not.
func (c *customer) firstPurchaseOf(i int) bool {
	m := &c.money[i]
	return m.bought() && !slices.ContainsFunc(c.money[:i], func(x moneyEvent) bool { return x.bought() && x.sameOrder(m) })
}

// stands says whether an event's order is not fully refunded after all events of the list.
func (c *customer) stands(of *moneyEvent) bool {
	r := c.refunded(of)
	return len(r) == 0 || r[len(r)-1].to != never
}

// settleLumps puts the lumps of days before one into the ledger.
func (s *Shard) settleLumps(c *customer, before int32) {
	n := 0
	for n < len(c.base.lumps) && c.base.lumps[n].day < before {
		l := &c.base.lumps[n]
		past := &c.base.money.past
		past.orders = uint8(min(uint32(past.orders)+l.standing, 2))
		for _, x := range l.cash {
			past.received = receive(past.received, x.currency, x.revenue-x.refunds)
		}
		past.receipt = past.receipt || l.hasReceipt()
		if l.time != 0 {
			c.base.buysUntil = max(c.base.buysUntil, l.day+s.opts.ActiveDays)
		}
		n++
	}
	if n > 0 {
		c.base.lumps = slices.Delete(c.base.lumps, 0, n)
	}
}

// hasReceipt says whether any purchase of a lump charged more than 0.
func (l *lump) hasReceipt() bool {
	return slices.ContainsFunc(l.cash, func(x lumpCash) bool { return x.revenue > 0 })
}

// contributeLumps emits the cash and orders of lumps; payer says whether the
// customer has a receipt before them, and is said of it after them.
func (c *customer) contributeLumps(e *emitter, payer bool) bool {
	for i := range c.base.lumps {
		l := &c.base.lumps[i]
		e.level(int(Orders), l.day, l.day+1, int64(l.orders))
		for _, x := range l.cash {
			e.level(e.cells.slot(Revenue, x.currency), l.day, l.day+1, x.revenue)
			e.level(e.cells.slot(RevenueApart, x.currency), l.day, l.day+1, x.apart)
			e.level(e.cells.slot(Refunds, x.currency), l.day, l.day+1, x.refunds)
			e.level(e.cells.slot(Received, x.currency), l.day, farFuture, x.revenue-x.refunds)
		}
		if !payer && l.hasReceipt() {
			payer = true
			e.level(int(Payers), l.day, farFuture, 1)
		}
	}
	return payer
}

func (b *base) appendLumps(dst []byte) []byte {
	dst = binary.AppendVarint(dst, b.capped)
	dst = binary.AppendUvarint(dst, uint64(len(b.lumps)))
	for i := range b.lumps {
		l := &b.lumps[i]
		dst = appendDay(dst, l.day)
		dst = binary.AppendVarint(dst, l.time)
		dst = binary.AppendUvarint(dst, uint64(l.orders))
		dst = binary.AppendUvarint(dst, uint64(l.standing))
		dst = binary.AppendUvarint(dst, uint64(len(l.cash)))
		for _, x := range l.cash {
			dst = append(dst, x.currency[:]...)
			for _, v := range [...]int64{x.revenue, x.apart, x.refunds} {
				dst = binary.AppendVarint(dst, v)
			}
		}
	}
	return dst
}

func (r *reader) lumps(b *base) {
	b.capped = r.varint()
	b.lumps = make([]lump, r.count())
	for i := range b.lumps {
		l := &b.lumps[i]
		l.day, l.time, l.orders, l.standing = r.day(), r.varint(), uint32(r.uvarint()), uint32(r.uvarint())
		l.cash = make([]lumpCash, r.count())
		for k := range l.cash {
			l.cash[k] = lumpCash{r.currency(), r.varint(), r.varint(), r.varint()}
		}
	}
}
