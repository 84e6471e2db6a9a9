package kpi

import (
	"math/big"

	"github.com/tidemark-io/tidemark/aggregator"
)

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

// ScoreSum is what the scores of some customers come to.
type ScoreSum struct {
	Sum       *big.Rat // of their scores, 0 to 100 each; nil: 0
	Customers int64    // that have a score
	At        int64    // when they were read, by event time, Unix ms
}

// The mean health score.
//
// Formula: the scores of the paying customers who have one, added up, ÷ their
// number.
//
// Unit: points, 0 to 100, not rounded; numerator / denominator is the value / 100
// as a reduced fraction. Source: the records, and no row: a score moves with time,
// by itself, and a counter of it would have to be written for every customer on
// every day. A running service reads all records through in the background, some
// hundred at a time, again no sooner than 5 s after the last time (or five
// publish_interval, where that is longer) and after twenty times as long as that
// took, as soon as anything has changed: the figure's watermark says of when it is.
// A report computes it from its own records when it is asked for.
//
// Edge cases: a customer who is unknown, since too few signals have a value, has a
// score all the same, unless none has any. Each score is that of the customer's
// record as it was read: of one that changes while the others are read, before or
// after it. There is no figure before the records were first read, and none of a
// day that is over. Nobody has a score: null.
//
// Worked example: scores of 42, 74 and 88: 204 / 3 = 68.
var healthMean = KPI{
	Name: "health_mean", Unit: Points, Windows: level, Formula: "health_mean/1", NowOnly: true, scored: true,
	Description: "Mean health score of the paying customers",
	Definition:  "sum of the scores of paying customers / those who have one",
	Example:     "scores of 42, 74 and 88: 68",
	parts: func(p point) parts {
		if p.Scores == nil {
			return parts{}
		}
		s := p.Scores(p.segment)
		out := parts{at: s.At}
		if s.Customers > 0 {
			out.num, out.den = fraction(new(big.Rat).Quo(s.Sum, big.NewRat(100*s.Customers, 1)))
		}
		return out
	},
}
