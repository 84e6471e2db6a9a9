package kpi

import (
	"math/big"

	"github.com/tidemark-io/tidemark/aggregator"
)

// Revenue churn and expansion.
//
// Formula: by the movements within the window and the MRR at its start, which is
// the end of the day before its first one: gross_revenue_churn = (churn +
// contraction) / MRR at the start; net_revenue_churn = (churn + contraction −
// expansion) / MRR at the start; expansion_rate = expansion / MRR at the start.
// mrr_decline_rate = (MRR at the start − MRR at the end) / MRR at the start.
//
// Unit: ratio, not rounded; below 0 where it grows. Numerator and denominator are
// shown in rounded minor units. Movements are converted at their day's rates,
// levels at those of theirs. Source: MRRChurn, MRRContraction, MRRExpansion and
// MRR.
//
// Edge cases: movements of customers who came within the window count too, so
// gross_revenue_churn is not 1 − grr: both are shown. Who left and came back
// within the window counts as churn here. mrr_decline_rate is the plain figure
// that some call revenue churn: new customers and exchange rates can hide losses
// in it. No MRR at the start: null. In a segment the start is what was shown
// then, under the segments of then.
//
// Worked example: MRR 17,000 at the start; 2,500 churn, 400 contraction, 300
// expansion, 200 new: 14,600 at the end. Gross 2,900 / 17,000 = 17.06 %, net 2,600
// / 17,000 = 15.29 %, decline (17,000 − 14,600) / 17,000 = 14.12 %, expansion 300 /
// 17,000 = 1.76 %.
var (
	grossRevenueChurn = KPI{
		Name: "gross_revenue_churn", Unit: Ratio, Windows: changeWindows, Default: "30d", Formula: "gross_revenue_churn/1",
		Description: "Share of the recurring revenue that was lost in the window",
		Definition:  "(churn + contraction) / MRR at the start",
		Example:     "17,000 at the start, 2,500 churn, 400 contraction: 0.1706",
		parts: func(p point) parts {
			return moneyRatio(p.lostMRR(), p.before(aggregator.MRR))
		},
	}
	netRevenueChurn = KPI{
		Name: "net_revenue_churn", Unit: Ratio, Windows: changeWindows, Default: "30d", Formula: "net_revenue_churn/1",
		Description: "Share of the recurring revenue that was lost in the window, less expansion",
		Definition:  "(churn + contraction − expansion) / MRR at the start",
		Example:     "17,000 at the start, 2,900 lost, 300 expansion: 0.1529",
		parts: func(p point) parts {
			return moneyRatio(minus(p.lostMRR(), p.flow(aggregator.MRRExpansion)), p.before(aggregator.MRR))
		},
	}
	mrrDeclineRate = KPI{
		Name: "mrr_decline_rate", Unit: Ratio, Windows: changeWindows, Default: "30d", Formula: "mrr_decline_rate/1",
		Description: "Share by which MRR fell from the window's start to its end",
		Definition:  "(MRR at the start − MRR at the end) / MRR at the start",
		Example:     "from 17,000 to 14,600: 0.1412",
		parts: func(p point) parts {
			start := p.before(aggregator.MRR)
			return moneyRatio(minus(start, p.worth(aggregator.MRR)), start)
		},
	}
	expansionRate = KPI{
		Name: "expansion_rate", Unit: Ratio, Windows: changeWindows, Default: "30d", Formula: "expansion_rate/1",
		Description: "Expansion in the window as a share of MRR at its start",
		Definition:  "expansion / MRR at the start",
		Example:     "300 of 17,000: 0.0176",
		parts: func(p point) parts {
			return moneyRatio(p.flow(aggregator.MRRExpansion), p.before(aggregator.MRR))
		},
	}
)

// lostMRR is churn and contraction of the window.
func (p point) lostMRR() *big.Rat {
	return plus(p.flow(aggregator.MRRChurn), p.flow(aggregator.MRRContraction))
}
