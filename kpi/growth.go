package kpi

import "github.com/tidemark-io/tidemark/aggregator"

// Growth.
//
// Formula: quick_ratio = (new + expansion + reactivation) / (churn +
// contraction), of the movements within the window; quick_ratio_strict leaves
// reactivation out. expansion_growth_rate = (expansion in the window − expansion
// in the window before) / expansion in the window before.
//
// Unit: ratio, not rounded. Numerator and denominator are shown in rounded minor
// units; movements are converted at their day's rates. Source: the movements of
// each day's row.
//
// Edge cases: nothing lost gives null, not infinity. The window before a month is
// the whole month before, so the running month's growth is low until it is over,
// and marked as not complete. No expansion in the window before: null. What comes
// from other segments counts on neither side.
//
// Worked example: new 4,000, expansion 2,500, reactivation 1,500, churn 1,500,
// contraction 500: quick_ratio 8,000 / 2,000 = 4, strict 6,500 / 2,000 = 3.25.
// Expansion of 14,000 in May and 19,500 in June: (19,500 − 14,000) / 14,000 =
// 39.29 %.
var (
	quickRatio = KPI{
		Name: "quick_ratio", Unit: Ratio, Windows: changeWindows, Default: "30d", Formula: "quick_ratio/1",
		Description: "Recurring revenue won for each unit of it that was lost",
		Definition:  "(new + expansion + reactivation) / (churn + contraction)",
		Example:     "8,000 won, 2,000 lost: 4",
		parts: func(p point) parts {
			won := plus(p.flow(aggregator.MRRNew), p.flow(aggregator.MRRExpansion), p.flow(aggregator.MRRReactivation))
			return moneyRatio(won, p.lostMRR())
		},
	}
	quickRatioStrict = KPI{
		Name: "quick_ratio_strict", Unit: Ratio, Windows: changeWindows, Default: "30d", Formula: "quick_ratio_strict/1",
		Description: "The quick ratio without customers who came back",
		Definition:  "(new + expansion) / (churn + contraction)",
		Example:     "6,500 won, 2,000 lost: 3.25",
		parts: func(p point) parts {
			return moneyRatio(plus(p.flow(aggregator.MRRNew), p.flow(aggregator.MRRExpansion)), p.lostMRR())
		},
	}
	expansionGrowthRate = KPI{
		Name: "expansion_growth_rate", Unit: Ratio, Windows: []string{"7d", "30d", "month"}, Default: "30d", Formula: "expansion_growth_rate/1",
		Description: "Growth of expansion against the window before",
		Definition:  "(expansion now − expansion before) / expansion before",
		Example:     "14,000 before, 19,500 now: 0.3929",
		parts: func(p point) parts {
			from, to := p.previous()
			was := p.flowOver(aggregator.MRRExpansion, from, to)
			return moneyRatio(minus(p.flow(aggregator.MRRExpansion), was), was)
		},
	}
)
