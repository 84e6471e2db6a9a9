package kpi

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/civil"
)

// Cohort retention.
//
// Formula: users by the calendar week (month) of their first activity. N-day
// retention of a cohort in a later period = its users with activity in exactly
// that period / its users. Unbounded retention, in cohort triangles only = its
// users with activity in that period or any later one / its users.
//
// Unit: ratio, a figure for each cohort (bucket), named by the first day of its
// week, 2026-11-16, or by its month, 2026-11. The figure of the period a cohort
// began with is 1. Source: CohortWeek and CohortMonth by the number of periods
// since, of the row of the period of activity; the size of a cohort from
// CohortWeekLast and CohortMonthLast, which stand on its first day by the period
// of the last activity, as does the unbounded count, which is for now only.
//
// Edge cases: a running period counts who has come so far and is incomplete.
// Somebody who returns after years still counts in the row of that day. A login
// that comes late and is earlier than all others moves its user to another cohort,
// in all rows that are not frozen. Segments have cohorts only where cohorts names
// their dimension. Periods more than 1,040 apart count as 1,040.
//
// Worked example: u and v are first seen in the week of 1 January 2024, u again in
// that of the 15th. Week of the 8th: 0 / 2, of the 15th: 1 / 2. Unbounded: from the
// 8th on 1 / 2 (u came later), from the 15th on 1 / 2, from the 22nd on 0 / 2.
var cohortRetention = KPI{
	Name: "cohort_retention", Unit: Ratio, Windows: []string{"week", "month"}, Default: "month", Formula: "cohort_retention/1",
	Description: "Share of the users of a cohort who are active in the period",
	Definition:  "users of the cohort with activity in exactly this period / users of the cohort",
	Example:     "two users new in the week of 1 January, one of them there in the week of the 15th: 0.5",
	parts: func(p point) parts {
		for _, c := range p.cohorts() {
			if c.name == p.bucket {
				return ratio(p.activeOf(c, p.day), c.size)
			}
		}
		return ratio(0, 0)
	},
	buckets: func(p point) []string {
		var out []string
		for _, c := range p.cohorts() {
			if c.first <= p.day {
				out = append(out, c.name)
			}
		}
		return out
	},
}

// cohort is the users whose first activity lies in a period.
type cohort struct {
	name  string
	first int32 // first day of the period
	size  int64
	last  map[int32]int64 // by the number of periods to that of the last activity
}

type cohortKey struct{ window, segment string }

// cohorts are the cohorts of the window's kind, rising.
func (p point) cohorts() []cohort {
	key := cohortKey{p.window, p.segment}
	if found, ok := p.known[key]; ok {
		return found
	}
	c := aggregator.CohortMonthLast
	if p.window == "week" {
		c = aggregator.CohortWeekLast
	}
	var out []cohort
	for _, day := range p.Levels.Days(c, p.segment) {
		x := cohort{name: cohortName(p.window, day), first: day, last: map[int32]int64{}}
		for _, label := range p.Levels.Labels(c, p.segment, day) {
			n, err := strconv.ParseInt(label, 10, 32)
			if err != nil {
				continue // no label of ours
			}
			v := p.Levels.Standing(aggregator.Cell{Counter: c, Label: label}, p.segment, day)
			x.last[int32(n)] += v
			x.size += v
		}
		if x.size != 0 {
			out = append(out, x)
		}
	}
	slices.SortFunc(out, func(a, b cohort) int { return cmp.Compare(a.first, b.first) })
	if p.known == nil {
		p.known = map[cohortKey][]cohort{}
	}
	p.known[key] = out
	return out
}

func cohortName(window string, first int32) string {
	if window == "week" {
		return civil.Format(first)
	}
	return civil.Format(first)[:len("2006-01")]
}

// activeOf is the number of a cohort's users who are active in the period that
// holds the day, up to the day.
func (p point) activeOf(c cohort, day int32) int64 {
	counter := aggregator.CohortMonth
	if p.window == "week" {
		counter = aggregator.CohortWeek
	}
	periods := calendar[p.window].Between(c.first, day, p.WeekStart)
	return p.Levels.Level(aggregator.Cell{Counter: counter, Label: strconv.Itoa(int(periods))}, p.segment, day)
}

// Cohort is one row of a cohort triangle, in the shape that the command line and
// HTTP share. Index i of the lists is the i-th period after the one of the first
// activity, up to the running one.
type Cohort struct {
	Cohort    string  `json:"cohort"`    // 2010-12, or of weeks 2010-11-29
	Size      int64   `json:"size"`      // users
	Active    []int64 `json:"active"`    // in exactly that period
	Unbounded []int64 `json:"unbounded"` // in that period or any later one
	Complete  []bool  `json:"complete"`  // the period is over
}

// Cohorts gives the triangle of a window, week or month.
func (s *Source) Cohorts(window, segment string) []Cohort {
	p := s.point(cohortRetention, window, segment, s.RunningDay())
	period := calendar[window]
	var out []Cohort
	for _, c := range p.cohorts() {
		row := Cohort{Cohort: c.name, Size: c.size}
		since := c.size
		for i, first := int32(0), c.first; first <= p.day; i++ {
			_, next := period.Bounds(first, s.WeekStart)
			row.Active = append(row.Active, p.activeOf(c, min(next-1, p.day)))
			row.Unbounded = append(row.Unbounded, since)
			row.Complete = append(row.Complete, s.Complete(next-1))
			since -= c.last[i]
			first = next
		}
		out = append(out, row)
	}
	return out
}

// CohortDays lists the days whose rows a triangle reads.
func (s *Source) CohortDays(window, segment string) []int32 {
	p := s.point(cohortRetention, window, segment, s.RunningDay())
	all := p.cohorts()
	if len(all) == 0 {
		return nil
	}
	days := s.Days(window, all[0].first, p.day)
	days[len(days)-1] = min(days[len(days)-1], p.day)
	return days
}
