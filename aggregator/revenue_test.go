package aggregator

import (
	"testing"

	"github.com/tidemark-io/tidemark/event"
)

func cashOf(s *Shard, c *customer) func(Cell, int32) int64 {
	return levelsOf(s, func(e *emitter) { s.contributeCash(e, c) })
}

// An order of 40 on day 10, 15 of it back on day 12; a charge of 29 on day 20; a
// free order on day 5; 5 dinars (three decimals) on day 21; a refund of an order
// that nobody knows on day 25.
func TestCash(t *testing.T) {
	s := testShard(t)
	dinars := buys(21, "d", 5000)
	dinars.currency = kwd
	events := func() []moneyEvent {
		return []moneyEvent{buys(5, "f", 0), buys(10, "a", 40), gives(12, "a", 15), pays(20, "", 29, usd), dinars, gives(25, "?", 3)}
	}
	level := cashOf(s, customerOf(s, events()...))
	expect(t, level, Cell{Counter: Revenue, Currency: usd}, 0, 30, map[int32]int64{10: 40, 20: 29})
	expect(t, level, Cell{Counter: Revenue, Currency: kwd}, 0, 30, map[int32]int64{21: 5000})
	expect(t, level, Cell{Counter: Refunds, Currency: usd}, 0, 30, map[int32]int64{12: 15, 25: 3})
	expect(t, level, Cell{Counter: Received, Currency: usd}, 0, 30, join(stretch(10, 12, 40), stretch(12, 20, 25), stretch(20, 25, 54), stretch(25, 31, 51)))
	expect(t, level, Cell{Counter: Payers}, 0, 30, stretch(10, 31, 1))
	expect(t, level, Cell{Counter: Orders}, 0, 30, map[int32]int64{5: 1, 10: 1, 20: 1, 21: 1})
	expect(t, level, Cell{Counter: RevenueApart, Currency: usd}, 0, 30, nil)

	s.opts.SubscriptionsApart = true
	level = cashOf(s, customerOf(s, events()...))
	expect(t, level, Cell{Counter: Revenue, Currency: usd}, 0, 30, map[int32]int64{10: 40, 20: 29})
	expect(t, level, Cell{Counter: RevenueApart, Currency: usd}, 0, 30, map[int32]int64{20: 29})
	expect(t, level, Cell{Counter: Orders}, 0, 30, map[int32]int64{5: 1, 10: 1, 21: 1})
}

// What is folded stays received: 40 - 15 from ever on, and one order.
func TestCashAfterAFold(t *testing.T) {
	s := testShard(t)
	c := customerOf(s, buys(10, "a", 40), gives(12, "a", 15), pays(20, "", 29, usd))
	s.foldMoney(c, at(15, 0))
	c.line = c.timeline(&s.opts)
	level := cashOf(s, c)
	expect(t, level, Cell{Counter: Received, Currency: usd}, 14, 30, join(stretch(14, 20, 25), stretch(20, 31, 54)))
	expect(t, level, Cell{Counter: Payers}, 14, 30, stretch(14, 31, 1))
	expect(t, level, Cell{Counter: Orders}, 14, 30, map[int32]int64{20: 1})
	expect(t, level, Cell{Counter: RepeatersEver}, 14, 30, stretch(20, 31, 1))
	// Folded further, with a refund in sight, the charge stays a charge.
	c.money = append(c.money, gives(40, "e2", 29))
	s.foldMoney(c, at(35, 0))
	if len(c.money) != 2 || c.money[0].kind != settled || c.money[0].isOrder(&Options{SubscriptionsApart: true}) {
		t.Fatalf("after the fold there are %+v", c.money)
	}
	c.line = c.timeline(&s.opts)
	level = cashOf(s, c)
	expect(t, level, Cell{Counter: Received, Currency: usd}, 35, 50, join(stretch(35, 40, 54), stretch(40, 51, 25)))
	expect(t, level, Cell{Counter: RepeatersEver}, 35, 50, stretch(35, 40, 1))
	if got := c.line.mrr[len(c.line.mrr)-1]; got.monthly != 29*event.MonthlyUnit {
		t.Errorf("it pays %d a month", got.monthly)
	}
}
