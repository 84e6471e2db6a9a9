package kpi

import (
	"strconv"

	"github.com/tidemark-io/tidemark/aggregator"
)

// Histogram of active days.
//
// Formula: for each N, users with activity on exactly N days of the window: the 30
// days ending with and including day d (also called L30), or the calendar month to
// date.
//
// Unit: count, a figure for each N (bucket) that is not empty. Source:
// DaysAtLeast30 and DaysAtLeastMonth by least number of days, of one row: exactly
// N is at least N less at least N + 1.
//
// Edge cases: users without activity in the window have no bucket. The buckets of
// 30d add up to mau, those of month to mau_calendar; N × its bucket, added up, is
// the numerator of stickiness_avg. 30d is kept for the whole only, month for
// segments too. A user's number falls as days leave the 30; in a month it only
// rises.
//
// Worked example: a is active on 1, 2 and 10 March, b on the 2nd. On the 10th: one
// user with 3 days, one with 1. On the 31st the 1st has left the 30 days: one with
// 2, one with 1; of the month it still is one with 3, one with 1.
var activeDaysHistogram = KPI{
	Name: "active_days_histogram", Unit: Count, Windows: []string{"30d", "month"}, Default: "30d", Formula: "active_days_histogram/1",
	Description: "Users by their number of active days in the window",
	Definition:  "users with activity on exactly so many days of the window",
	Example:     "a on three days, b on one: 3: 1, 1: 1",
	Whole:       []string{"30d"},
	parts: func(p point) parts {
		n, err := strconv.Atoi(p.bucket)
		if err != nil {
			return parts{null: true}
		}
		return count(p.exactly(n))
	},
	buckets: func(p point) []string {
		var out []string
		for n := 1; n <= 31; n++ {
			if p.exactly(n) != 0 {
				out = append(out, strconv.Itoa(n))
			}
		}
		return out
	},
}

// exactly is the number of users with activity on exactly n days of the window.
func (p point) exactly(n int) int64 {
	c := aggregator.DaysAtLeast30
	if p.window == "month" {
		c = aggregator.DaysAtLeastMonth
	}
	return p.labelled(c, strconv.Itoa(n)) - p.labelled(c, strconv.Itoa(n+1))
}
