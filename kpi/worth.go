package kpi

import (
	"math/big"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/event"
)

// Money in the reporting currency. An amount that is nil is unknown, since a
// rate is missing; whatever is made of it is unknown too.

// flowWindows are the windows of what adds up from day to day.
var flowWindows = []string{"1d", "7d", "30d", "90d", "week", "month", "quarter"}

// changeWindows are those of what is compared from a window's start to its end.
var changeWindows = []string{"7d", "30d", "90d", "month", "quarter"}

// Lifetime is what the workspace states about the worth of a customer.
type Lifetime struct {
	Margin *big.Rat // share of the revenue that is left; nil: 1
	Years  *big.Rat // how long a customer stays; nil: 1
	Cost   *big.Rat // of winning a customer, minor units of the reporting currency; nil: 0
}

// worthOn converts a money counter of a day at the rates of another, and adds it
// up over the currencies: exact minor units of the reporting currency.
func (p point) worthOn(c aggregator.Counter, day, rates int32) *big.Rat {
	total := new(big.Rat)
	for _, cur := range p.Levels.Currencies() {
		n := p.Levels.Level(aggregator.Cell{Counter: c, Currency: cur}, p.segment, day)
		if n == 0 {
			continue
		}
		r := p.rateOn(cur, rates)
		if r == nil {
			return nil
		}
		total.Add(total, new(big.Rat).Mul(big.NewRat(n, c.Unit()), r))
	}
	return total
}

// worth is a money counter of the figure's day at that day's rates.
func (p point) worth(c aggregator.Counter) *big.Rat { return p.worthOn(c, p.day, p.day) }

// before is a money counter as it was when the window began, at the rates of then.
func (p point) before(c aggregator.Counter) *big.Rat { return p.worthOn(c, p.from-1, p.from-1) }

func (p point) rateOn(cur event.Currency, day int32) *big.Rat {
	if cur == p.Currency {
		return big.NewRat(1, 1)
	}
	if p.Rates == nil {
		return nil
	}
	return p.Rates(cur, day)
}

// flow adds up a flow of money over the window, each day at its own rates.
func (p point) flow(c aggregator.Counter) *big.Rat { return p.flowOver(c, p.from, p.day) }

func (p point) flowOver(c aggregator.Counter, from, to int32) *big.Rat {
	total := new(big.Rat)
	for _, cur := range p.Levels.Currencies() {
		cell := aggregator.Cell{Counter: c, Currency: cur}
		if cur == p.Currency {
			total.Add(total, big.NewRat(p.sumOver(cell, from, to), c.Unit()))
			continue
		}
		for d := from; d <= to; d++ {
			n := p.Levels.Level(cell, p.segment, d)
			if n == 0 {
				continue
			}
			r := p.rateOn(cur, d)
			if r == nil {
				return nil
			}
			total.Add(total, new(big.Rat).Mul(big.NewRat(n, c.Unit()), r))
		}
	}
	return total
}

// previous is the window before: as many days, or the whole calendar period.
func (p point) previous() (from, to int32) {
	if period, ok := calendar[p.window]; ok {
		from, _ = period.Bounds(p.from-1, p.WeekStart)
		return from, p.from - 1
	}
	return p.from - p.days, p.from - 1
}

// yearly is how many of the window a year has: 12 months, 4 quarters, 365 days.
func (p point) yearly() *big.Rat {
	switch calendar[p.window] {
	case civil.Month:
		return big.NewRat(12, 1)
	case civil.Quarter:
		return big.NewRat(4, 1)
	case civil.Week:
		return big.NewRat(365, 7)
	}
	return big.NewRat(365, int64(p.days))
}

// plus adds up, minus subtracts; of nothing known comes nothing known.
func plus(all ...*big.Rat) *big.Rat {
	total := new(big.Rat)
	for _, x := range all {
		if x == nil {
			return nil
		}
		total.Add(total, x)
	}
	return total
}

func minus(a, b *big.Rat) *big.Rat {
	if a == nil || b == nil {
		return nil
	}
	return new(big.Rat).Sub(a, b)
}

func times(a *big.Rat, all ...*big.Rat) *big.Rat {
	if a == nil {
		return nil
	}
	a = new(big.Rat).Set(a)
	for _, x := range all {
		if x != nil { // left out of the configuration: 1
			a.Mul(a, x)
		}
	}
	return a
}

// moneyRatio is a ratio of two amounts. Both are shown in rounded minor units,
// the value comes from the exact ones.
func moneyRatio(num, den *big.Rat) parts {
	if num == nil || den == nil {
		return parts{null: true, inMoney: true}
	}
	p := parts{num: round(num), den: round(den), inMoney: true}
	if den.Sign() == 0 {
		p.null = true
		return p
	}
	p.exact = new(big.Rat).Quo(num, den)
	return p
}
