package kpi

import (
	"math/big"

	"github.com/tidemark-io/tidemark/aggregator"
)

// Movements of MRR.
//
// Formula: for each customer, the amounts at the end of a day less those at the
// end of the day before, added up over the days of the window. From nothing:
// mrr_new where the customer has never paid on an earlier day, else
// mrr_reactivation. More than the day before: mrr_expansion; less:
// mrr_contraction; nothing any more: mrr_churn. mrr_fx = what the level of the
// day before is worth more at the day's rates. mrr_moved = what came from other
// segments less what went to them. mrr_contraction and mrr_churn are 0 or less, so
// that the seven add up: mrr at the end = mrr at the start + their sum.
//
// Unit: money, integers of minor units of the reporting currency a month. Each
// day's movements are converted at that day's rates. Source: the flows MRRNew,
// MRRExpansion, MRRContraction, MRRChurn, MRRReactivation and MRRMoved, by
// currency, of each day's row.
//
// Edge cases: up and down on one day is nothing. A trial is no payment: what
// follows it is new. Whether a customer comes or goes is decided over all its
// subscriptions and currencies, so that the last one to end is churn and the
// others are contraction; by how much, in each currency by itself, so that who
// changes from dollars to euros contracts in the one and expands in the other.
// A cancellation counts on the day it takes effect. A change of rates is never
// expansion. A customer that changes segments does so for all days that are not
// frozen, so mrr_moved falls on the first of those; for the whole it is 0.
//
// Worked example: acme pays 29 from the 10th, 49 from the 20th, 19 from the 25th,
// leaves on the 27th and is back at 19 on the 29th. Over the month: new 29,
// expansion 20, contraction −30, churn −19, reactivation 19, and 29 + 20 − 30 − 19 +
// 19 = 19 = mrr at its end. 100 euros, worth 110 dollars on Monday and 112 on
// Tuesday, are an fx of 2 on Tuesday.
var (
	mrrNew = KPI{
		Name: "mrr_new", Unit: Money, Windows: flowWindows, Default: "30d", Formula: "mrr_new/1",
		Description: "Recurring revenue a month from customers who never paid before",
		Definition:  "amounts of customers who paid nothing the day before, nor on any earlier day",
		Example:     "acme subscribes for 29.00: 29.00",
		parts:       flowOf(aggregator.MRRNew),
	}
	mrrExpansion = KPI{
		Name: "mrr_expansion", Unit: Money, Windows: flowWindows, Default: "30d", Formula: "mrr_expansion/1",
		Description: "Recurring revenue a month that customers pay more than the day before",
		Definition:  "rises of the amounts of customers who paid the day before",
		Example:     "from 29.00 to 49.00: 20.00",
		parts:       flowOf(aggregator.MRRExpansion),
	}
	mrrContraction = KPI{
		Name: "mrr_contraction", Unit: Money, Windows: flowWindows, Default: "30d", Formula: "mrr_contraction/1",
		Description: "Recurring revenue a month that customers pay less than the day before, below 0",
		Definition:  "falls of the amounts of customers who still pay",
		Example:     "one of two subscriptions of 10.00 ends: −10.00",
		parts:       lossOf(aggregator.MRRContraction),
	}
	mrrChurn = KPI{
		Name: "mrr_churn", Unit: Money, Windows: flowWindows, Default: "30d", Formula: "mrr_churn/1",
		Description: "Recurring revenue a month of customers who ceased to pay, below 0",
		Definition:  "amounts of the day before of customers who pay nothing any more",
		Example:     "the last subscription, of 10.00, ends: −10.00",
		parts:       lossOf(aggregator.MRRChurn),
	}
	mrrReactivation = KPI{
		Name: "mrr_reactivation", Unit: Money, Windows: flowWindows, Default: "30d", Formula: "mrr_reactivation/1",
		Description: "Recurring revenue a month of customers who came back",
		Definition:  "amounts of customers who paid nothing the day before, but on an earlier day",
		Example:     "acme left in May and pays 19.00 again: 19.00",
		parts:       flowOf(aggregator.MRRReactivation),
	}
	mrrFX = KPI{
		Name: "mrr_fx", Unit: Money, Windows: flowWindows, Default: "30d", Formula: "mrr_fx/1",
		Description: "Change of recurring revenue that comes from exchange rates alone",
		Definition:  "each day, the level of the day before times the change of its rate",
		Example:     "100.00 EUR a month, the rate goes from 1.10 to 1.12: 2.00",
		parts:       func(p point) parts { return money(p.fx()) },
	}
	mrrMoved = KPI{
		Name: "mrr_moved", Unit: Money, Windows: flowWindows, Default: "30d", Formula: "mrr_moved/1",
		Description: "Recurring revenue that came from other segments, less what went to them",
		Definition:  "amounts before the first unfrozen day of customers that changed segments, on that day",
		Example:     "a customer of 29.00 goes from free to pro: 29.00 in pro, −29.00 in free",
		parts:       flowOf(aggregator.MRRMoved),
	}
)

func flowOf(c aggregator.Counter) func(point) parts {
	return func(p point) parts { return money(p.flow(c)) }
}

// lossOf is flowOf for amounts that are lost.
func lossOf(c aggregator.Counter) func(point) parts {
	return func(p point) parts { return money(minus(new(big.Rat), p.flow(c))) }
}

// fx is what changes of rates made of the level of each day before.
func (p point) fx() *big.Rat {
	total := new(big.Rat)
	for _, cur := range p.Levels.Currencies() {
		if cur == p.Currency {
			continue
		}
		for d := p.from; d <= p.day; d++ {
			n := p.Levels.Level(aggregator.Cell{Counter: aggregator.MRR, Currency: cur}, p.segment, d-1)
			if n == 0 {
				continue
			}
			change := minus(p.rateOn(cur, d), p.rateOn(cur, d-1))
			if change == nil {
				return nil
			}
			total.Add(total, change.Mul(change, big.NewRat(n, aggregator.MRR.Unit())))
		}
	}
	return total
}
