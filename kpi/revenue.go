package kpi

import (
	"math/big"

	"github.com/tidemark-io/tidemark/aggregator"
)

// Revenue and orders.
//
// Formula: over the days of the window: revenue = what purchases charged;
// revenue_net = that less what was refunded on these days; orders = distinct
// orders; aov = revenue / orders, the average value of an order.
//
// Unit: money, integers of minor units of the reporting currency, each day at
// its own rates; orders: count. Source: the flows Revenue and Refunds (by
// currency) and Orders of each day's row.
//
// Edge cases: an order is known by its order id, else by the id of its event, at
// its customer; one with several purchases counts on the day of the first. An
// order of amount 0 counts as one. Charges of subscriptions are orders too,
// unless orders_include_subscriptions is false: then they are revenue, but
// neither part of aov has them. A refund counts on its own day, whether its order
// is known or not and whether it exceeds it; it takes away no order. No orders:
// aov is null.
//
// Worked example: on Monday an order of 40.00 in two payments, of 30.00 and 10.00,
// on Tuesday one of 20.00, on Wednesday 15.00 of the first one go back. 7 days:
// revenue 60.00, revenue_net 45.00, orders 2, aov 30.00. Wednesday alone: revenue
// 0.00, revenue_net −15.00.
var (
	revenue = KPI{
		Name: "revenue", Unit: Money, Windows: flowWindows, Default: "30d", Formula: "revenue/1",
		Description: "Cash received in the window",
		Definition:  "what purchases charged, recurring or not",
		Example:     "30.00, 10.00 and 20.00: 60.00",
		parts:       flowOf(aggregator.Revenue),
	}
	revenueNet = KPI{
		Name: "revenue_net", Unit: Money, Windows: flowWindows, Default: "30d", Formula: "revenue_net/1",
		Description: "Cash received in the window, less refunds",
		Definition:  "what purchases charged − what was refunded, by the day of the refund",
		Example:     "60.00 received, 15.00 refunded: 45.00",
		parts: func(p point) parts {
			return money(minus(p.flow(aggregator.Revenue), p.flow(aggregator.Refunds)))
		},
	}
	orders = KPI{
		Name: "orders", Unit: Count, Windows: flowWindows, Default: "30d", Formula: "orders/1",
		Description: "Orders in the window",
		Definition:  "distinct orders, by the day of their first purchase",
		Example:     "an order in two payments and another one: 2",
		parts:       func(p point) parts { return count(p.sum(aggregator.Orders)) },
	}
	aov = KPI{
		Name: "aov", Unit: Money, Windows: flowWindows, Default: "30d", Formula: "aov/1",
		Description: "Average value of an order",
		Definition:  "revenue of orders / orders",
		Example:     "60.00 of 2 orders: 30.00",
		parts: func(p point) parts {
			return parts{money: p.ordered(), den: p.sum(aggregator.Orders)}
		},
	}
)

// ordered is the revenue that came with orders.
func (p point) ordered() *big.Rat {
	return minus(p.flow(aggregator.Revenue), p.flow(aggregator.RevenueApart))
}
