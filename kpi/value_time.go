package kpi

import (
	"strconv"

	"github.com/tidemark-io/tidemark/aggregator"
)

// Time to value.
//
// Formula: for each customer the days from its first event to its first value
// event; time_to_value = the median over all customers, time_to_value_p90 = the
// 90th percentile: the smallest number of days within which half (nine in ten) of
// all customers got there. The numerator is how many got there at all, the
// denominator how many customers there are.
//
// Unit: days. Source: TimeToValue by days, "0" to "365", "more" and "never", which
// have no day, so that there are figures for now only.
//
// Edge cases: a customer who has not got there yet counts as infinitely late and
// is not left out: leaving it out would show only the quick ones, and the quicker
// the younger the company. Where the quantile falls on such customers, or beyond
// 365 days, there is no value: null. Days are civil days: first event and value
// event on one day are 0. What is a value event is configured (value_event),
// by default a purchase with an amount over 0; a refund is none. First events are
// those that anything reads.
//
// Worked example: of ten customers four paid on their first day, two after 3 days,
// one after 20, one after 400, two not yet. The median is 3 (six of ten within 3
// days), the 90th percentile null; 8 of 10 got there.
var (
	timeToValue = KPI{
		Name: "time_to_value", Unit: Days, Windows: level, Formula: "time_to_value/1", NowOnly: true,
		Description: "Days from a customer's first event to its first value event: the median",
		Definition:  "the smallest number of days within which half of all customers got there",
		Example:     "4 of 10 at once, 2 after 3 days, 4 later or never: 3",
		parts:       func(p point) parts { return p.untilValue(1, 2) },
	}
	timeToValueP90 = KPI{
		Name: "time_to_value_p90", Unit: Days, Windows: level, Formula: "time_to_value_p90/1", NowOnly: true,
		Description: "Days from a customer's first event to its first value event: nine in ten",
		Definition:  "the smallest number of days within which nine in ten of all customers got there",
		Example:     "8 of 10 within 20 days, 2 never: no value",
		parts:       func(p point) parts { return p.untilValue(9, 10) },
	}
)

// untilValue is the quantile num/den of the time to value.
func (p point) untilValue(num, den int64) parts {
	at := func(label string) int64 {
		return p.Levels.Standing(aggregator.Cell{Counter: aggregator.TimeToValue, Label: label}, p.segment, 0)
	}
	var within [aggregator.MaxValueDays + 1]int64
	var there int64
	for i := range within {
		there += at(strconv.Itoa(i))
		within[i] = there
	}
	more := at(aggregator.ValueMore)
	out := parts{num: there + more, den: there + more + at(aggregator.ValueNever), null: true}
	for i, n := range within {
		if out.den > 0 && den*n >= num*out.den {
			out.days, out.null = int64(i), false
			break
		}
	}
	return out
}
