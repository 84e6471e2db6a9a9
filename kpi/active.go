package kpi

import "github.com/tidemark-io/tidemark/aggregator"

// Active users and customers.
//
// Formula: distinct users (customers) with activity on at least one of the N
// local calendar days ending with and including day d. dau, wau, mau_28 and mau
// have N = 1, 7, 28 and 30. mau_calendar = distinct users with activity in the
// calendar week, month or quarter, to date.
//
// Unit: count. Source: the counters UsersActive1, 7, 28, 30 and CustomersActive1,
// 7, 30 of row d; of the row of the calendar window's last day (or of the running
// one) NewWeek + ReturningWeek + ResurrectingWeek, DaysAtLeastMonth 1 and
// UsersActiveQuarter. What is activity is configured, by default a login.
//
// Edge cases: the same user at two customers is two users. A customer is active
// when any of its users is. A day is active or not: a second login on it changes
// nothing. The running day counts what has come so far. Weeks begin on the
// configured week_start. users_ever counts each
// user with any activity, however long ago; it has no day, so it is for now only.
//
// Worked example: a is active on Monday and Tuesday, b on Tuesday, nobody else.
// dau of Monday 1, of Tuesday 2, of Wednesday 0; wau of Wednesday 2; the days
// 31 after Tuesday: mau 0, users_ever 2.
var (
	dau = KPI{
		Name: "dau", Unit: Count, Windows: []string{"1d"}, Default: "1d", Formula: "dau/1",
		Description: "Users active on the day",
		Definition:  "distinct users with activity on the day",
		Example:     "a logs in twice, b once: 2",
		parts:       active(usersActive),
	}
	wau = KPI{
		Name: "wau", Unit: Count, Windows: []string{"7d"}, Default: "7d", Formula: "wau/1",
		Description: "Users active in the last 7 days",
		Definition:  "distinct users with activity in the 7 days ending on the day",
		Example:     "a on Monday and Tuesday, b on Tuesday: 2 on Wednesday",
		parts:       active(usersActive),
	}
	mau = KPI{
		Name: "mau", Unit: Count, Windows: []string{"30d"}, Default: "30d", Formula: "mau/1",
		Description: "Users active in the last 30 days",
		Definition:  "distinct users with activity in the 30 days ending on the day",
		Example:     "a active 29 days ago counts, 30 days ago does not",
		parts:       active(usersActive),
	}
	mau28 = KPI{
		Name: "mau_28", Unit: Count, Windows: []string{"28d"}, Default: "28d", Formula: "mau_28/1",
		Description: "Users active in the last 28 days, which are four whole weeks",
		Definition:  "distinct users with activity in the 28 days ending on the day",
		Example:     "a active 27 days ago counts, 28 days ago does not",
		parts:       active(usersActive),
	}
	mauCalendar = KPI{
		Name: "mau_calendar", Unit: Count, Windows: []string{"week", "month", "quarter"}, Default: "month", Formula: "mau_calendar/1",
		Description: "Users active in the calendar month (week, quarter) to date",
		Definition:  "distinct users with activity in the calendar window",
		Example:     "a on 1 March, b on 30 March: 1 from the 1st, 2 from the 30th, 0 on 1 April",
		parts:       func(p point) parts { return count(p.inPeriod()) },
	}
	activeCustomers = KPI{
		Name: "active_customers", Unit: Count, Windows: []string{"1d", "7d", "30d"}, Default: "30d", Formula: "active_customers/1",
		Description: "Customers with an active user in the window",
		Definition:  "distinct customers with activity of any user in the window",
		Example:     "two users of one customer: 1",
		parts:       active(customersActive),
	}
	usersEver = KPI{
		Name: "users_ever", Unit: Count, Windows: level, Formula: "users_ever/1", NowOnly: true,
		Description: "Users with any activity ever",
		Definition:  "distinct users with activity on any day",
		Example:     "a last seen two years ago still counts",
		parts:       func(p point) parts { return count(p.standing(aggregator.UsersEver)) },
	}
)

var usersActive = map[int32]aggregator.Counter{
	1: aggregator.UsersActive1, 7: aggregator.UsersActive7, 28: aggregator.UsersActive28, 30: aggregator.UsersActive30,
}

var customersActive = map[int32]aggregator.Counter{
	1: aggregator.CustomersActive1, 7: aggregator.CustomersActive7, 30: aggregator.CustomersActive30,
}

func active(by map[int32]aggregator.Counter) func(point) parts {
	return func(p point) parts { return count(p.level(by[p.days])) }
}

// inPeriod is the number of users active in the calendar window.
func (p point) inPeriod() int64 {
	switch p.window {
	case "week":
		return p.level(aggregator.NewWeek) + p.level(aggregator.ReturningWeek) + p.level(aggregator.ResurrectingWeek)
	case "month":
		return p.labelled(aggregator.DaysAtLeastMonth, "1")
	}
	return p.level(aggregator.UsersActiveQuarter)
}
