package kpi

import (
	"math/big"

	"github.com/tidemark-io/tidemark/aggregator"
)

// The value of a customer.
//
// Formula: clv_churn = arpa × clv.margin / customer_churn_rate of 30 days;
// clv_purchase = mean purchase (aov) × purchases a year (orders a year /
// customers) × clv.years; clv_net = revenue a year / customers × clv.years −
// clv.acquisition_cost; clv_observed = receipts less refunds so far / customers
// with at least one receipt; ltv_cac = clv_churn / clv.acquisition_cost.
//
// Unit: money, integers of minor units of the reporting currency; ltv_cac: ratio.
// Source: MRR, Customers, Start30, Lost30, Revenue, Orders, Received, Payers; the
// rest from the configuration. What a window had is taken for a whole year's: a
// month × 12, a quarter × 4, 90 days × 365 / 90. Customers are those at the
// window's end.
//
// Edge cases: clv_churn is null where the churn is 0 (a value without end) and
// where there are fewer than min_sample customers. Without customers all but
// clv_observed are null, without a cost of acquisition ltv_cac is. clv_observed
// converts all that was ever received at the day's rates; purchases of amount 0
// are no receipts; every refund lowers it, whether its order is known or not. A
// refund in part or whole does not lower revenue, so neither clv_purchase nor
// clv_net.
//
// Worked example: mean purchase 50, 4 purchases a year, 5 years: 1,000. Revenue of
// 1,000 a year, 10 years, 1,000 to win the customer: 9,000. arpa 50 with a margin
// of 0.8 and a churn of 0.05: 800; with a cost of 200, ltv_cac 4. Two customers
// paid 120 and 80, and 20 went back: clv_observed 90.
var (
	clvChurn = KPI{
		Name: "clv_churn", Unit: Money, Windows: level, Formula: "clv_churn/1",
		Description: "Value of a customer by what it pays and how many leave",
		Definition:  "arpa × margin / customer churn of 30 days",
		Example:     "50.00 × 0.8 / 0.05: 800.00",
		parts:       func(p point) parts { return money(p.clvChurn()) },
	}
	clvPurchase = KPI{
		Name: "clv_purchase", Unit: Money, Windows: []string{"30d", "90d", "month", "quarter"}, Default: "90d", Formula: "clv_purchase/1",
		Description: "Value of a customer by how much and how often it buys",
		Definition:  "mean purchase × purchases a year × years",
		Example:     "50.00 × 4 × 5: 1,000.00",
		parts: func(p point) parts {
			return parts{money: times(p.ordered(), p.yearly(), p.Lifetime.Years), den: p.level(aggregator.Customers)}
		},
	}
	clvNet = KPI{
		Name: "clv_net", Unit: Money, Windows: []string{"30d", "90d", "month", "quarter"}, Default: "90d", Formula: "clv_net/1",
		Description: "Value of a customer by its revenue, less the cost of winning it",
		Definition:  "revenue a year × years − acquisition cost",
		Example:     "1,000.00 × 10 − 1,000.00: 9,000.00",
		parts: func(p point) parts {
			customers := p.level(aggregator.Customers)
			all := times(p.flow(aggregator.Revenue), p.yearly(), p.Lifetime.Years)
			if c := p.Lifetime.Cost; c != nil {
				all = minus(all, times(c, big.NewRat(customers, 1)))
			}
			return parts{money: all, den: customers}
		},
	}
	clvObserved = KPI{
		Name: "clv_observed", Unit: Money, Windows: level, Formula: "clv_observed/1",
		Description: "What a customer has brought so far",
		Definition:  "receipts less refunds so far / customers with at least one receipt",
		Example:     "120.00 and 80.00, 20.00 back: 90.00",
		parts: func(p point) parts {
			return parts{money: p.worth(aggregator.Received), den: p.level(aggregator.Payers)}
		},
	}
	ltvCAC = KPI{
		Name: "ltv_cac", Unit: Ratio, Windows: level, Formula: "ltv_cac/1",
		Description: "Value of a customer by the cost of winning it",
		Definition:  "clv_churn / acquisition cost",
		Example:     "800.00 / 200.00: 4",
		parts: func(p point) parts {
			cost := p.Lifetime.Cost
			if cost == nil {
				cost = new(big.Rat)
			}
			return moneyRatio(p.clvChurn(), cost)
		},
	}
)

// clvChurn is nil where there is none.
func (p point) clvChurn() *big.Rat {
	customers, start, gone := p.level(aggregator.Customers), p.level(aggregator.Start30), p.level(aggregator.Lost30)
	if customers == 0 || customers < p.MinSample || gone == 0 {
		return nil
	}
	arpa := times(p.worth(aggregator.MRR), big.NewRat(1, customers))
	return times(arpa, p.Lifetime.Margin, big.NewRat(start, gone))
}
