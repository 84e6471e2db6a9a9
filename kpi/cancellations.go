package kpi

import "github.com/tidemark-io/tidemark/aggregator"

// Cancellations.
//
// Formula: the sum over the days of the window of the cancellations taking
// effect on each.
//
// Unit: count. Source: the flow Cancellations of each day's row.
//
// Edge cases: a cancellation counts on the day it takes effect, not on the day
// it is sent. One that is withdrawn before does not count. A second cancellation
// of the same subscription changes nothing. One of several subscriptions counts
// although its customer stays, so this is not the numerator of
// customer_churn_rate.
//
// Worked example: 2 take effect on Monday, 1 on Wednesday: 1d of Wednesday 1, 7d
// of Wednesday 3, 7d of the Monday after 1 (the first Monday lies 7 days back).
var cancellations = KPI{
	Name: "cancellations", Unit: Count, Windows: flowWindows, Default: "30d", Formula: "cancellations/1",
	Description: "Cancellations that took effect in the window",
	Definition:  "cancellations taking effect, added up over the days of the window",
	Example:     "2 on Monday, 1 on Wednesday: 3 in the 7 days ending on Wednesday",
	parts:       func(p point) parts { return count(p.sum(aggregator.Cancellations)) },
}
