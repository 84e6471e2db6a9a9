package kpi

import "github.com/tidemark-io/tidemark/aggregator"

// Repeat purchases.
//
// Formula: customers with two or more orders in the window / customers with one
// or more. repeat_purchase_rate_lifetime counts the orders of all time.
//
// Unit: ratio, 0 to 1, not rounded. Source: Repeaters and Buyers of 30 and 90
// days and since ever, of row d.
//
// Edge cases: an order is in the window when its first purchase is; two payments
// of one order are one. A full refund takes the order out from the refund's day
// on, a refund in part does not. A refund that comes when its order is older than
// the horizon and 100 days finds no order and takes none out. Whether a
// subscription's charges are orders is configured (orders_include_subscriptions).
// Nobody bought: null.
//
// Worked example: 1,000 customers ordered, 200 of them twice or more: 0.2. Of two
// orders of a customer one is fully refunded: from that day on it is one of those
// with one order.
var (
	repeatPurchaseRate = KPI{
		Name: "repeat_purchase_rate", Unit: Ratio, Windows: []string{"30d", "90d"}, Default: "90d", Formula: "repeat_purchase_rate/1",
		Description: "Share of the window's buyers who ordered at least twice in it",
		Definition:  "customers with two or more orders in the window / customers with one or more",
		Example:     "200 of 1,000: 0.2",
		parts: func(p point) parts {
			if p.window == "30d" {
				return ratio(p.level(aggregator.Repeaters30), p.level(aggregator.Buyers30))
			}
			return ratio(p.level(aggregator.Repeaters90), p.level(aggregator.Buyers90))
		},
	}
	repeatPurchaseRateLifetime = KPI{
		Name: "repeat_purchase_rate_lifetime", Unit: Ratio, Windows: level, Formula: "repeat_purchase_rate_lifetime/1",
		Description: "Share of all buyers who ever ordered at least twice",
		Definition:  "customers with two or more orders ever / customers with one or more",
		Example:     "11,900 of 23,570: 0.5049",
		parts: func(p point) parts {
			return ratio(p.level(aggregator.RepeatersEver), p.level(aggregator.BuyersEver))
		},
	}
)
