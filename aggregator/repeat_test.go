package aggregator

import (
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/civil"
	"pgregory.net/rapid"
)

// Orders a on day 100 (with a second payment on day 104), b on day 110, c on day
// 150; b is given back on day 120 in full, a in part on day 112.
//
// 30 days: a counts on 100-129, b on 110-119, c on 150-179. Once: 100-129 and
// 150-179; twice: 110-119. For ever: once from 100 on, twice 110-119 and from
// 150 on.
func TestRepeatPurchases(t *testing.T) {
	s := testShard(t)
	c := customerOf(s, buys(100, "a", 20), buys(104, "a", 10), buys(110, "b", 15), gives(112, "a", 29), gives(120, "b", 15), buys(150, "c", 9))
	level := cashOf(s, c)
	expect(t, level, Cell{Counter: Orders}, 90, 300, map[int32]int64{100: 1, 110: 1, 150: 1})
	expect(t, level, Cell{Counter: Buyers30}, 90, 300, join(stretch(100, 130, 1), stretch(150, 180, 1)))
	expect(t, level, Cell{Counter: Repeaters30}, 90, 300, stretch(110, 120, 1))
	expect(t, level, Cell{Counter: Buyers90}, 90, 300, stretch(100, 240, 1))
	expect(t, level, Cell{Counter: Repeaters90}, 90, 300, join(stretch(110, 120, 1), stretch(150, 190, 1)))
	expect(t, level, Cell{Counter: BuyersEver}, 90, 300, stretch(100, 301, 1))
	expect(t, level, Cell{Counter: RepeatersEver}, 90, 300, join(stretch(110, 120, 1), stretch(150, 301, 1)))
}

// Given back on the day of the purchase it never counts; bought anew it does.
func TestARefundOnTheSameDay(t *testing.T) {
	s := testShard(t)
	level := cashOf(s, customerOf(s, buys(100, "a", 20), gives(100, "a", 20), buys(105, "a", 20)))
	expect(t, level, Cell{Counter: Buyers30}, 90, 300, stretch(105, 130, 1)) // it is an order of day 100
	expect(t, level, Cell{Counter: BuyersEver}, 90, 300, stretch(105, 301, 1))
}

// What the last event adds is the difference that it makes to the whole.
func TestTheLastOrderAddsTheDifference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &Shard{cal: civil.NewCalendar(time.UTC), opts: Options{SubscriptionsApart: rapid.Bool().Draw(t, "apart")}}
		var events []moneyEvent
		day := int32(100)
		for i := range rapid.IntRange(1, 8).Draw(t, "events") {
			day += int32(rapid.SampledFrom([]int{0, 1, 10, 29, 30, 31, 60, 89, 90, 91}).Draw(t, "gap"))
			m := buys(day, rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f"}).Draw(t, "order"), 5)
			if rapid.Bool().Draw(t, "charge") {
				m.kind = charge
			}
			m.time += int64(i)
			events = append(events, m)
		}
		c := &customer{rare: &rare{base: &base{}, money: events}}
		c.base.money.past.orders = uint8(rapid.IntRange(0, 2).Draw(t, "folded"))
		e := emitter{cells: newCells(100, nil), sign: 1}
		s.contributeOrders(&e, c)
		e.sign = -1
		before := &customer{rare: &rare{money: events[:len(events)-1], base: c.base}}
		s.contributeOrders(&e, before)
		s.contributeOrder(&e, c)
		e.net()
		if len(e.deltas) > 0 {
			t.Fatalf("of %+v the last adds something else: %+v", events, e.deltas)
		}
	})
}
