package kpi

import "github.com/tidemark-io/tidemark/aggregator"

// Customer churn and retention.
//
// Formula: let S be the customers at the window's start, which is the end of day
// d − N, and E those at the end of day d. customer_churn_rate = |S \ E| / |S|;
// retention_rate = |S ∩ E| / |S| = 1 − customer_churn_rate. N = 7, 30 or 90 days;
// of a month or quarter S are the customers at the end of the one before.
//
// Unit: ratio, 0 to 1, not rounded. Source: Start7, 30, 90, StartMonth and
// StartQuarter (|S|) and Lost7, 30, 90, LostMonth and LostQuarter (|S \ E|) of
// row d.
//
// Edge cases: somebody who left and came back within the window is not lost.
// Somebody who joined within it counts in neither, even when it left again. No
// customer at the start gives null. A segment's S are the customers that are in
// the segment now, as everywhere. The running month is to date: who will lapse by
// its end is not lost yet.
//
// Worked example: 1,000 at the start, 50 of them lost: 0.05 and 0.95. 100 at the
// start, 12 cancelled in the window, of whom one came back and one had joined
// within it: 10 / 100 = 0.1.
var (
	customerChurnRate = KPI{
		Name: "customer_churn_rate", Unit: Ratio, Windows: changeWindows, Default: "30d", Formula: "customer_churn_rate/1",
		Description: "Share of the customers at the window's start who are none at its end",
		Definition:  "customers lost / customers at the start",
		Example:     "1,000 at the start, 50 lost: 0.05",
		parts: func(p point) parts {
			return ratio(p.level(lost[p.window]), p.level(atStart[p.window]))
		},
	}
	retentionRate = KPI{
		Name: "retention_rate", Unit: Ratio, Windows: changeWindows, Default: "30d", Formula: "retention_rate/1",
		Description: "Share of the customers at the window's start who still are at its end",
		Definition:  "(customers at the start − lost) / customers at the start",
		Example:     "1,000 at the start, 50 lost: 0.95",
		parts: func(p point) parts {
			s := p.level(atStart[p.window])
			return ratio(s-p.level(lost[p.window]), s)
		},
	}
)

var atStart = map[string]aggregator.Counter{
	"7d": aggregator.Start7, "30d": aggregator.Start30, "90d": aggregator.Start90,
	"month": aggregator.StartMonth, "quarter": aggregator.StartQuarter,
}

var lost = map[string]aggregator.Counter{
	"7d": aggregator.Lost7, "30d": aggregator.Lost30, "90d": aggregator.Lost90,
	"month": aggregator.LostMonth, "quarter": aggregator.LostQuarter,
}
