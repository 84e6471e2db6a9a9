package aggregator

import (
	"cmp"
	"slices"
)

// Orders, and who buys again. An order counts on the day of its first purchase,
// however many purchases it has; for the repeat rate it counts from that day on,
// for the window's length, while it is not fully refunded.

var repeatWindows = [...]struct {
	days        int32 // farFuture: for ever
	once, again Counter
}{{30, Buyers30, Repeaters30}, {90, Buyers90, Repeaters90}, {farFuture, BuyersEver, RepeatersEver}}

// dayChange says that on a day so many more orders begin to count than cease to.
type dayChange struct{ day, by int32 }

// contributeOrders emits the orders by day, and the customer among those who
// bought once or twice in each window.
func (s *Shard) contributeOrders(e *emitter, c *customer) {
	lives := s.orderLives(e, c)
	for i := range repeatWindows {
		w := &repeatWindows[i]
		changes := s.changeBuf[:0]
		for _, l := range lives {
			to := l.to
			if w.days != farFuture {
				to = min(to, l.day+w.days)
			}
			if l.from >= to {
				continue
			}
			if changes = append(changes, dayChange{l.from, 1}); to != farFuture {
				changes = append(changes, dayChange{to, -1})
			}
		}
		slices.SortFunc(changes, func(a, b dayChange) int { return cmp.Compare(a.day, b.day) })
		n := int32(0)
		if w.days == farFuture {
			n = int32(c.base.money.past.orders)
		}
		e.buyers(w.once, w.again, n, changes)
		s.changeBuf = changes
	}
}

// orderLife is a stretch of days on which an order is not fully refunded.
type orderLife struct{ day, from, to int32 } // day is that of its first purchase

// orderLives emits the orders by day and returns the stretches in which they
// are not fully refunded.
func (s *Shard) orderLives(e *emitter, c *customer) []orderLife {
	lives := s.lifeBuf[:0]
	for i := range c.base.lumps {
		l := &c.base.lumps[i]
		for range min(l.standing, 2) { // more make no difference
			lives = append(lives, orderLife{l.day, l.day, farFuture})
		}
	}
	s.refundBuf = c.refundKeys(s.refundBuf[:0])
	for _, i := range s.firstsOfOrders(c) {
		day := s.cal.Day(c.money[i].time)
		e.level(int(Orders), day, day+1, 1)
		from := day
		if m := &c.money[i]; slices.Contains(s.refundBuf, m.key) {
			for _, r := range c.refunded(m) {
				lives = append(lives, orderLife{day, from, s.cal.Day(r.from)})
				if from = farFuture; r.to != never {
					from = s.cal.Day(r.to)
				}
			}
		}
		lives = append(lives, orderLife{day, from, farFuture})
	}
	s.lifeBuf = lives
	return lives
}

// manyOrders is from how many events on orders are found by a table of them.
const manyOrders = 64

// firstsOfOrders are the indexes of the first purchase of each order.
func (s *Shard) firstsOfOrders(c *customer) []int {
	out := s.firstBuf[:0]
	if len(c.money) < manyOrders {
		for i := range c.money {
			if c.firstOfOrder(i, &s.opts) {
				out = append(out, i)
			}
		}
		s.firstBuf = out
		return out
	}
	seen := make(map[string]bool, len(c.money))
	for i := range c.money {
		if m := &c.money[i]; m.isOrder(&s.opts) && !seen[m.orderID()] {
			seen[m.orderID()] = true
			out = append(out, i)
		}
	}
	s.firstBuf = out
	return out
}

// firstOfOrder says whether the i-th event is the first purchase of an order.
func (c *customer) firstOfOrder(i int, o *Options) bool {
	m := &c.money[i]
	if !m.isOrder(o) {
		return false
	}
	for k := range c.money[:i] {
		if x := &c.money[k]; x.sameOrder(m) && x.isOrder(o) {
			return false
		}
	}
	return true
}

// buyers emits the days on which at least one order counts, and at least two.
// n count since ever.
func (e *emitter) buyers(once, again Counter, n int32, changes []dayChange) {
	one, two := run{slot: int(once), since: noDay}, run{slot: int(again), since: noDay}
	one.set(e, noDay, noDay, least(n, 1))
	two.set(e, noDay, noDay, least(n, 2))
	for i := 0; i < len(changes); {
		day := changes[i].day
		for ; i < len(changes) && changes[i].day == day; i++ {
			n += changes[i].by
		}
		one.set(e, day, noDay, least(n, 1))
		two.set(e, day, noDay, least(n, 2))
	}
	one.end(e, noDay)
	two.end(e, noDay)
}

// least is 1 where n is at least so many.
func least(n, many int32) int64 {
	if n >= many {
		return 1
	}
	return 0
}

// contributeOrder is what the last of a customer's events adds to the orders
// where it is a purchase and there are no refunds.
func (s *Shard) contributeOrder(e *emitter, c *customer) {
	n := len(c.money) - 1
	if !c.firstOfOrder(n, &s.opts) {
		return
	}
	day := s.cal.Day(c.money[n].time)
	e.level(int(Orders), day, day+1, 1)
	last := [2]int32{noDay, noDay} // days of the two orders before
	found := 0
	for i := n - 1; i >= 0 && found < 2; i-- {
		if c.firstOfOrder(i, &s.opts) {
			last[found] = s.cal.Day(c.money[i].time)
			found++
		}
	}
	for i := len(c.base.lumps) - 1; i >= 0; i-- {
		for range min(int(c.base.lumps[i].standing), 2-found) {
			last[found] = c.base.lumps[i].day
			found++
		}
	}
	for i := range repeatWindows[:2] {
		w := &repeatWindows[i]
		e.level(int(w.once), max(day, last[0]+w.days), day+w.days, 1)
		e.level(int(w.again), max(day, last[1]+w.days), last[0]+w.days, 1)
	}
	switch found + int(c.base.money.past.orders) {
	case 0:
		e.level(int(BuyersEver), day, farFuture, 1)
	case 1:
		e.level(int(RepeatersEver), day, farFuture, 1)
	}
}
