package aggregator

import (
	"slices"

	"github.com/tidemark-io/tidemark/event"
)

// Movements of MRR: what the amounts of a customer at the end of a day differ
// from those at the end of the day before. Up and down on one day is nothing.
// Whether the customer is new, gone or back is decided for all its currencies
// together, by how much for each by itself: who pays in euros what it paid in
// dollars has not left.

// dayAmount is what a customer pays a month in a currency at the end of a day,
// and what it paid at the end of the day before.
type dayAmount struct {
	currency event.Currency
	was, is  int64
}

func setAmount(all []dayAmount, currency event.Currency, is int64) []dayAmount {
	i := slices.IndexFunc(all, func(x dayAmount) bool { return x.currency == currency })
	if i < 0 {
		return append(all, dayAmount{currency: currency, is: is})
	}
	all[i].is = is
	return all
}

// contributeMovements emits the movements of the days from a day on.
func (s *Shard) contributeMovements(e *emitter, c *customer, from int32) {
	steps := c.line.mrr
	amounts := s.amountBuf[:0]
	for i := 0; i < len(steps); {
		day := steps[i].day
		for ; i < len(steps) && steps[i].day == day; i++ {
			amounts = setAmount(amounts, steps[i].currency, steps[i].monthly)
		}
		if day >= from {
			e.movement(day, c.line.since, amounts)
		}
		for k := range amounts {
			amounts[k].was = amounts[k].is
		}
	}
	s.amountBuf = amounts
}

// movement emits what the amounts changed by on a day. since is the first day on
// which the customer ever paid a recurring amount.
func (e *emitter) movement(day, since int32, amounts []dayAmount) {
	before := slices.ContainsFunc(amounts, func(x dayAmount) bool { return x.was > 0 })
	after := slices.ContainsFunc(amounts, func(x dayAmount) bool { return x.is > 0 })
	up, down := MRRExpansion, MRRContraction
	switch {
	case !before && day > since:
		up = MRRReactivation
	case !before:
		up = MRRNew
	case !after:
		down = MRRChurn
	}
	for i := range amounts {
		x := &amounts[i]
		switch {
		case x.is > x.was:
			e.level(e.cells.slot(up, x.currency), day, day+1, x.is-x.was)
		case x.is < x.was:
			e.level(e.cells.slot(down, x.currency), day, day+1, x.was-x.is)
		}
	}
}
