package kpi

import "github.com/tidemark-io/tidemark/aggregator"

// Stickiness: how often those who use the product come.
//
// Formula: stickiness = DAU / MAU, both of day d. stickiness_avg = the sum over
// users of their active days in the 30 days ending on d / 30 / MAU of d, which
// is the share of days on which an average active user was there.
//
// Unit: ratio, 0 to 1, not rounded. Source: UsersActive1, UsersActive30 and
// UserDays30 of row d.
//
// Edge cases: nobody active in 30 days gives null. A weekend lowers stickiness
// of its days, which is why stickiness_avg is shown beside it. The running day
// is included in both and marked incomplete. The sum of DAU over the 30 days is
// the numerator of stickiness_avg; its denominator is 30 × MAU.
//
// Worked example: 250 users on the day, 1,000 in 30 days: stickiness 0.25. With
// 6,000 active days among them in these 30 days: 6,000 / 30,000 = 0.2.
var (
	stickiness = KPI{
		Name: "stickiness", Unit: Ratio, Windows: []string{"30d"}, Default: "30d", Formula: "stickiness/1",
		Description: "Share of the month's users who were there on the day",
		Definition:  "dau / mau",
		Example:     "250 of 1,000: 0.25",
		parts: func(p point) parts {
			return ratio(p.level(aggregator.UsersActive1), p.level(aggregator.UsersActive30))
		},
	}
	stickinessAvg = KPI{
		Name: "stickiness_avg", Unit: Ratio, Windows: []string{"30d"}, Default: "30d", Formula: "stickiness_avg/1",
		Description: "Share of the last 30 days on which an average active user was there",
		Definition:  "active days of all users in 30 days / (30 × mau)",
		Example:     "6,000 active days, 1,000 users: 0.2",
		parts: func(p point) parts {
			return ratio(p.level(aggregator.UserDays30), 30*p.level(aggregator.UsersActive30))
		},
	}
)
