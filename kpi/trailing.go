package kpi

import (
	"strconv"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/civil"
)

// Users active in the last hours.
//
// Formula: distinct users whose last activity lies in an hour after hour(W) − 24,
// − 168, − 720, with W the watermark. There is no upper bound: what is ahead of
// the watermark counts as soon as it is applied.
//
// Unit: count. Source: LastHour, which stands on the day of each user's last
// activity by its hour, so that there is a figure for now only.
//
// Edge cases: hours are those that have passed since local midnight, and an hour
// lies where it begins: on a day of 23 or 25 hours the last 24 hours are still 24.
// The running hour is one of the 24. In a day of more than 25 hours the last ones
// count as the 25th. Unlike dau and mau these move with every hour, so they have
// no past.
//
// Worked example: at 10:30 a was last active today at 10:05, b yesterday at 11:59,
// c yesterday at 10:40: a and b are in active_24h, whose first hour began
// yesterday at 11:00; c is not.
var (
	active24h = trailing("24h", "24 hours", 24)
	active7d  = trailing("7d", "7 days of 24 hours", 168)
	active30d = trailing("30d", "30 days of 24 hours", 720)
)

func trailing(window, length string, hours int64) KPI {
	name := "active_" + window
	return KPI{
		Name: name, Unit: Count, Windows: []string{window}, Default: window, Formula: name + "/1", NowOnly: true,
		Description: "Users active in the last " + length,
		Definition:  "distinct users whose last activity lies in the last " + strconv.FormatInt(hours, 10) + " hours, the running one included",
		Example:     "at 10:30, last active yesterday at 11:59: in the last 24 hours",
		parts:       func(p point) parts { return count(p.activeSince(hours)) },
	}
}

const msHour = 3_600_000

// activeSince is the number of users whose last hour of activity is later than so
// many hours before the running one.
func (p point) activeSince(hours int64) int64 {
	running := p.Calendar.Start(p.day) + int64(p.Calendar.Hour(p.Watermark))*msHour
	var n int64
	for _, day := range p.Levels.Days(aggregator.LastHour, p.segment) {
		for hour := range int64(civil.LastHour + 1) {
			if p.Calendar.Start(day)+hour*msHour > running-hours*msHour {
				n += p.Levels.Standing(aggregator.Cell{Counter: aggregator.LastHour, Label: strconv.FormatInt(hour, 10)}, p.segment, day)
			}
		}
	}
	return n
}
