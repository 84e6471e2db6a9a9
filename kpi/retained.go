package kpi

import "github.com/tidemark-io/tidemark/aggregator"

// Revenue retention.
//
// Formula: of the customers who paid at the window's start, the end of the day
// before its first one: nrr = what they pay at its end / what they paid at its
// start; grr = the smaller of the two, each customer and currency by itself, /
// what they paid at its start.
//
// Unit: ratio, not rounded. Numerator and denominator are shown in rounded minor
// units of the reporting currency; all amounts are converted at the rates of the
// window's end, so that rates move neither. Source: StartMRR, EndMRR and KeptMRR
// of 30 and 90 days, month and quarter, by currency, of the row of the window's
// last day.
//
// Edge cases: customers who came within the window are in neither part, however
// much they pay. Who left and came back within it is as if it had stayed. grr is
// never over 1 and never over nrr. Nobody who paid at the start: null.
//
// Worked example: a paid 100 at the start and pays 150, b paid 60 and pays 40, c
// paid 40 and left, d is new with 500. nrr (150 + 40) / 200 = 0.95, grr (100 + 40)
// / 200 = 0.7.
var (
	nrr = KPI{
		Name: "nrr", Unit: Ratio, Windows: retainedWindows, Default: "30d", Formula: "nrr/1",
		Description: "Recurring revenue kept from the customers of the window's start, growth included",
		Definition:  "MRR at the end / MRR at the start, of the customers who paid at the start",
		Example:     "100 and 100 at the start, 150 and 40 at the end: 0.95",
		parts: func(p point) parts {
			c := retainedBy[p.window]
			return moneyRatio(p.worth(c.end), p.worth(c.start))
		},
	}
	grr = KPI{
		Name: "grr", Unit: Ratio, Windows: retainedWindows, Default: "30d", Formula: "grr/1",
		Description: "Recurring revenue kept from the customers of the window's start, growth left out",
		Definition:  "the smaller of MRR at the start and at the end, by customer / MRR at the start",
		Example:     "100 and 100 at the start, 150 and 40 at the end: 0.7",
		parts: func(p point) parts {
			c := retainedBy[p.window]
			return moneyRatio(p.worth(c.kept), p.worth(c.start))
		},
	}
)

var retainedWindows = []string{"30d", "90d", "month", "quarter"}

var retainedBy = map[string]struct{ start, end, kept aggregator.Counter }{
	"30d":     {aggregator.StartMRR30, aggregator.EndMRR30, aggregator.KeptMRR30},
	"90d":     {aggregator.StartMRR90, aggregator.EndMRR90, aggregator.KeptMRR90},
	"month":   {aggregator.StartMRRMonth, aggregator.EndMRRMonth, aggregator.KeptMRRMonth},
	"quarter": {aggregator.StartMRRQuarter, aggregator.EndMRRQuarter, aggregator.KeptMRRQuarter},
}
