package kpi

import "github.com/tidemark-io/tidemark/aggregator"

// Reasons of cancellations.
//
// Formula: for each reason, the cancellations with it that took effect on the
// days of the window. Over all reasons they add up to cancellations.
//
// Unit: count, a figure for each reason (bucket). Source: the flow CancelReasons
// by reason of each day's row.
//
// Edge cases: a cancellation without a reason counts as none. Reasons are texts:
// blanks around them are left out, and what is behind 60 bytes. Each shard keeps
// 249 different ones apart, later ones count as other. A subscription that lapses
// was not cancelled and has no reason.
//
// Worked example: two leave for price and one says nothing: price 2, none 1.
var churnReasons = KPI{
	Name: "churn_reasons", Unit: Count, Windows: flowWindows, Default: "30d", Formula: "churn_reasons/1",
	Description: "Cancellations that took effect in the window, by reason",
	Definition:  "cancellations taking effect, added up over the days of the window, by reason",
	Example:     "two for price, one without a reason: price 2, none 1",
	parts: func(p point) parts {
		return count(p.sumOf(reasonCell(p.bucket)))
	},
	buckets: func(p point) []string {
		var out []string
		for _, label := range p.labels(aggregator.CancelReasons) {
			if label == "" {
				label = noReason
			}
			if p.sumOf(reasonCell(label)) != 0 {
				out = append(out, label)
			}
		}
		return out
	},
}

// noReason is the bucket of cancellations without a reason. The aggregator takes
// the word itself for none.
const noReason = "none"

func reasonCell(bucket string) aggregator.Cell {
	if bucket == noReason {
		bucket = ""
	}
	return aggregator.Cell{Counter: aggregator.CancelReasons, Label: bucket}
}
