package kpi

import "github.com/tidemark-io/tidemark/aggregator"

// Customers by health.
//
// Formula: paying customers at the end of day d whose band is red, amber, green
// or unknown. The score is 100 × Σ weight × points / max points ÷ Σ weight over
// the signals that have a value; bands are red [0,50), amber [50,75), green
// [75,100] with 3 points of hysteresis, unless configured otherwise.
//
// Unit: count. Source: HealthRed, HealthAmber, HealthGreen and HealthUnknown of
// row d.
//
// Edge cases: a customer whose signals with a value weigh less than min_coverage
// of all is unknown. One that stopped paying is in no band. The four add up to
// customers. The rows are filled up to the watermark only; the running day has
// the bands as they are now.
//
// Worked example: of three paying customers one scores 42 (red), one 74 after 76
// (green, since green is lost below 72) and one has no signals: red 1, amber 0,
// green 1, unknown 1.
var (
	healthRed     = band("red", aggregator.HealthRed)
	healthAmber   = band("amber", aggregator.HealthAmber)
	healthGreen   = band("green", aggregator.HealthGreen)
	healthUnknown = band("unknown", aggregator.HealthUnknown)
)

func band(name string, c aggregator.Counter) KPI {
	return KPI{
		Name: "health_" + name, Unit: Count, Windows: level, Formula: "health_" + name + "/1",
		Description: "Paying customers whose health is " + name,
		Definition:  "customers in the band " + name + " at the end of the day",
		Example:     "the four bands add up to customers",
		parts:       levelOf(c),
	}
}
