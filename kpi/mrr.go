package kpi

import "github.com/tidemark-io/tidemark/aggregator"

// Recurring revenue.
//
// Formula: mrr = the sum of the active subscriptions' amounts per month (year /
// 12, quarter / 3, week × 52 / 12, day × 365 / 12), each currency converted at
// the day's rate. arpa = mrr / customers. mrr_at_risk = the part of mrr that
// comes from customers whose health is red.
//
// Unit: money, integers of minor units of the reporting currency a month.
// Source: MRR, MRRAtRisk (by currency, in 1/332,640 of a minor unit) and
// Customers of row d.
//
// Edge cases: amounts stay exact until the sum is rounded once, halves away from
// zero; arpa is rounded from the exact mrr, not from the rounded one, so arpa ×
// customers = mrr holds before rounding. A currency without a rate on the day
// makes the figure null. No customers: arpa is null. Trials, one-off purchases,
// tax and refunds don't move it.
//
// Worked example: 6,500 customers at 25.00 a month: mrr 16,250,000 cents, arpa
// 2,500. One yearly subscription of 100.00: mrr 833 (833.33…); three of them:
// 2,500.
var (
	mrr = KPI{
		Name: "mrr", Unit: Money, Windows: level, Formula: "mrr/1",
		Description: "Monthly recurring revenue at the end of the day",
		Definition:  "amounts of the active subscriptions per month, converted at the day's rate",
		Example:     "6,500 customers at 25.00: 162,500.00",
		parts:       func(p point) parts { return money(p.worth(aggregator.MRR)) },
	}
	arpa = KPI{
		Name: "arpa", Alias: "arpu", Unit: Money, Windows: level, Formula: "arpa/1",
		Description: "Monthly recurring revenue per customer",
		Definition:  "mrr / customers",
		Example:     "162,500.00 of 6,500 customers: 25.00",
		parts: func(p point) parts {
			return parts{money: p.worth(aggregator.MRR), den: p.level(aggregator.Customers)}
		},
	}
	mrrAtRisk = KPI{
		Name: "mrr_at_risk", Unit: Money, Windows: level, Formula: "mrr_at_risk/1",
		Description: "Monthly recurring revenue from customers whose health is red",
		Definition:  "the part of mrr from customers in the red band",
		Example:     "a red customer at 25.00 and a green one at 50.00: 25.00",
		parts:       func(p point) parts { return money(p.worth(aggregator.MRRAtRisk)) },
	}
)
