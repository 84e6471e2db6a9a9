package aggregator

import "testing"

func movementsOf(s *Shard, c *customer) func(Cell, int32) int64 {
	return levelsOf(s, func(e *emitter) { s.contributeMovements(e, c, noDay) })
}

// 29 on day 10; 49 on day 20; 99 and 49 again within day 25; 19 on day 30; gone
// on day 40; 19 again on day 50.
func TestMovements(t *testing.T) {
	s := testShard(t)
	again := pays(25, "", 49, usd)
	again.time += testDay / 4
	c := customerOf(s, pays(10, "", 29, usd), pays(20, "", 49, usd), pays(25, "", 99, usd), again,
		pays(30, "", 19, usd), leaves(40, ""), pays(50, "", 19, usd))
	level := movementsOf(s, c)
	expect(t, level, Cell{Counter: MRRNew, Currency: usd}, 0, 60, map[int32]int64{10: 29})
	expect(t, level, Cell{Counter: MRRExpansion, Currency: usd}, 0, 60, map[int32]int64{20: 20})
	expect(t, level, Cell{Counter: MRRContraction, Currency: usd}, 0, 60, map[int32]int64{30: 30})
	expect(t, level, Cell{Counter: MRRChurn, Currency: usd}, 0, 60, map[int32]int64{40: 19})
	expect(t, level, Cell{Counter: MRRReactivation, Currency: usd}, 0, 60, map[int32]int64{50: 19})
}

// Two subscriptions: the first that ends is contraction, the customer leaves with
// the last. A trial of 0 before them is nothing.
func TestMovementsOfTwoSubscriptions(t *testing.T) {
	s := testShard(t)
	first := leaves(30, "")
	first.all, first.sub = false, "base"
	c := customerOf(s, pays(5, "trial", 0, usd), pays(10, "base", 30, usd), pays(10, "seats", 12, usd), first, leaves(40, ""))
	level := movementsOf(s, c)
	expect(t, level, Cell{Counter: MRRNew, Currency: usd}, 0, 60, map[int32]int64{10: 42})
	expect(t, level, Cell{Counter: MRRContraction, Currency: usd}, 0, 60, map[int32]int64{30: 30})
	expect(t, level, Cell{Counter: MRRChurn, Currency: usd}, 0, 60, map[int32]int64{40: 12})
	expect(t, level, Cell{Counter: MRRExpansion, Currency: usd}, 0, 60, nil)
}

// From dollars to euros: less of the one and more of the other, but nobody new
// and nobody gone. Bought and cancelled on one day is nothing; but what comes
// after it is a return.
func TestMovementsBetweenCurrencies(t *testing.T) {
	s := testShard(t)
	c := customerOf(s, pays(10, "", 30, usd), pays(20, "", 28, eur))
	level := movementsOf(s, c)
	expect(t, level, Cell{Counter: MRRNew, Currency: usd}, 0, 60, map[int32]int64{10: 30})
	expect(t, level, Cell{Counter: MRRContraction, Currency: usd}, 0, 60, map[int32]int64{20: 30})
	expect(t, level, Cell{Counter: MRRExpansion, Currency: eur}, 0, 60, map[int32]int64{20: 28})
	for _, k := range []Counter{MRRChurn, MRRReactivation} {
		expect(t, level, Cell{Counter: k, Currency: usd}, 0, 60, nil)
		expect(t, level, Cell{Counter: k, Currency: eur}, 0, 60, nil)
	}

	level = movementsOf(s, customerOf(s, pays(10, "", 30, usd), leaves(10, ""), pays(12, "", 30, usd)))
	expect(t, level, Cell{Counter: MRRNew, Currency: usd}, 0, 60, nil)
	expect(t, level, Cell{Counter: MRRReactivation, Currency: usd}, 0, 60, map[int32]int64{12: 30})
}

// A customer whose beginning is folded is nobody new.
func TestMovementsAfterAFold(t *testing.T) {
	s := testShard(t)
	c := customerOf(s, pays(10, "", 30, usd), leaves(20, ""))
	s.foldMoney(c, at(30, 0))
	c.money = append(c.money, pays(40, "", 25, usd))
	c.line = c.timeline(&s.opts)
	level := movementsOf(s, c)
	expect(t, level, Cell{Counter: MRRReactivation, Currency: usd}, 0, 60, map[int32]int64{40: 25})
	expect(t, level, Cell{Counter: MRRNew, Currency: usd}, 0, 60, nil)
}
