package kpi

import "github.com/tidemark-io/tidemark/aggregator"

// Lifecycle of users.
//
// Formula: of the day, or of the calendar week or month to date: new = users whose
// first activity ever lies in it; returning = those of the others who were active
// in the period before, too; resurrecting = those who were not, but earlier;
// dormant = − users active in the period before and not in this one. pulse = (new
// + resurrecting) / |dormant|: over 1, more come than go.
//
// Unit: count, dormant below 0; pulse a ratio, not rounded. Source: NewDay,
// ReturningDay, WasDay and UsersActive1 of the row; NewWeek, ReturningWeek,
// ResurrectingWeek and WasWeek; NewMonth, ReturningMonth, WasMonth and
// DaysAtLeastMonth 1. Resurrecting of a day or month is active − new − returning,
// dormant is was − returning, both of one row.
//
// Edge cases: new + returning + resurrecting = active users of the period, and
// active of the period before = returning + |dormant|. A period to date counts who
// has come so far, so dormant falls as it goes on; only a complete period says who
// stayed away. A login that comes late may make somebody new in an earlier period,
// and then returning or resurrecting in the next. Nobody dormant: pulse is null.
//
// Worked example: by weeks, u is there in weeks 1, 2 and 4, v in week 2. Week 1: new
// 1. Week 2: new 1, returning 1, dormant 0, pulse null. Week 3: dormant −2, pulse
// 0. Week 4: resurrecting 1, dormant 0.
var (
	lifecycleNew = KPI{
		Name: "lifecycle_new", Unit: Count, Windows: lifecycleWindows, Default: "1d", Formula: "lifecycle_new/1",
		Description: "Users whose first activity ever lies in the period",
		Definition:  "users active for the first time",
		Example:     "first seen on Tuesday: new on Tuesday, in its week and in its month",
		parts:       func(p point) parts { return count(p.lifecycle().fresh) },
	}
	lifecycleReturning = KPI{
		Name: "lifecycle_returning", Unit: Count, Windows: lifecycleWindows, Default: "1d", Formula: "lifecycle_returning/1",
		Description: "Users active in the period and in the one before",
		Definition:  "users active in this period and in the one before, new ones apart",
		Example:     "active last week and this week: 1",
		parts:       func(p point) parts { return count(p.lifecycle().returning) },
	}
	lifecycleResurrecting = KPI{
		Name: "lifecycle_resurrecting", Unit: Count, Windows: lifecycleWindows, Default: "1d", Formula: "lifecycle_resurrecting/1",
		Description: "Users who are back after a period away",
		Definition:  "users active in this period, not in the one before, but earlier",
		Example:     "active two weeks ago and this week, not last week: 1",
		parts:       func(p point) parts { return count(p.lifecycle().resurrecting) },
	}
	lifecycleDormant = KPI{
		Name: "lifecycle_dormant", Unit: Count, Windows: lifecycleWindows, Default: "1d", Formula: "lifecycle_dormant/1",
		Description: "Users of the period before who stay away, below 0",
		Definition:  "− users active in the period before and not in this one",
		Example:     "three active last week, two of them this week: −1",
		parts:       func(p point) parts { return count(-p.lifecycle().dormant) },
	}
	pulse = KPI{
		Name: "pulse", Unit: Ratio, Windows: lifecycleWindows, Default: "1d", Formula: "pulse/1",
		Description: "Users who come for each one who goes",
		Definition:  "(new + resurrecting) / |dormant|",
		Example:     "3 new, 1 resurrecting, 2 dormant: 2",
		parts: func(p point) parts {
			l := p.lifecycle()
			return ratio(l.fresh+l.resurrecting, l.dormant)
		},
	}
)

var lifecycleWindows = []string{"1d", "week", "month"}

// states are the numbers of users by what they were in the period before.
type states struct{ fresh, returning, resurrecting, dormant int64 }

func (p point) lifecycle() states {
	var s states
	switch p.window {
	case "week":
		s.fresh, s.returning = p.level(aggregator.NewWeek), p.level(aggregator.ReturningWeek)
		s.resurrecting = p.level(aggregator.ResurrectingWeek)
		s.dormant = p.level(aggregator.WasWeek) - s.returning
	case "month":
		s.fresh, s.returning = p.level(aggregator.NewMonth), p.level(aggregator.ReturningMonth)
		s.resurrecting = p.inPeriod() - s.fresh - s.returning
		s.dormant = p.level(aggregator.WasMonth) - s.returning
	default:
		s.fresh, s.returning = p.level(aggregator.NewDay), p.level(aggregator.ReturningDay)
		s.resurrecting = p.level(aggregator.UsersActive1) - s.fresh - s.returning
		s.dormant = p.level(aggregator.WasDay) - s.returning
	}
	return s
}
