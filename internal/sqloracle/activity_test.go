package sqloracle_test

import (
	"fmt"
	"testing"
	"time"
)

// The worked example of kpis.md: 250 of 1,000 are there on the day.
func TestStickiness(t *testing.T) {
	f := newFacts(t)
	for i := range 1000 {
		f.login("2024-03-01", "acme", fmt.Sprint("u", i))
		if i < 250 {
			f.login("2024-03-10 09:00", "acme", fmt.Sprint("u", i))
			f.login("2024-03-10 17:00", "acme", fmt.Sprint("u", i))
		}
	}
	f.expect(f.compute(f.days("2024-03-10", "2024-03-31")), map[string]string{
		"dau 1d on 2024-03-10":         "250",
		"wau 7d on 2024-03-10":         "250",
		"mau 30d on 2024-03-10":        "1000",
		"stickiness 30d on 2024-03-10": "0.25",
		// 1,000 + 250 active days of 1,000 users: 1,250 / 30 / 1,000.
		"stickiness_avg 30d on 2024-03-10":              "0.041666666666666664",
		"active_customers 30d on 2024-03-10":            "1",
		"active_days_histogram 30d [1] on 2024-03-10":   "750",
		"active_days_histogram 30d [2] on 2024-03-10":   "250",
		"active_days_histogram month [2] on 2024-03-31": "250",
		// The 1st is the first of the 28, 30 days ending on the 28th, 30th.
		"mau_28 28d on 2024-03-28":         "1000",
		"mau_28 28d on 2024-03-29":         "250",
		"mau 30d on 2024-03-30":            "1000",
		"mau 30d on 2024-03-31":            "250",
		"dau 1d on 2024-03-31":             "0",
		"stickiness 30d on 2024-03-31":     "0",
		"mau_calendar month on 2024-03-31": "1000",
		"users_ever on 2024-03-31":         "1000",
	})
}

// The watermark stands at 23:00 of the last day, hour 23.
func TestActiveHours(t *testing.T) {
	f := newFacts(t)
	f.login("2024-03-30 23:59", "acme", "at hour 23 of the day before: not after it")
	f.login("2024-03-31 00:00", "acme", "at hour 0 of the day")
	f.login("2024-03-25 00:30", "acme", "in the week")
	f.login("2024-03-02 00:30", "acme", "in the month")
	f.login("2024-03-01 23:00", "acme", "720 hours before")
	f.expect(f.compute(f.days("2024-03-31", "2024-03-31")), map[string]string{
		"active_24h 24h on 2024-03-31": "1",
		"active_7d 7d on 2024-03-31":   "3",
		"active_30d 30d on 2024-03-31": "4",
		"mau 30d on 2024-03-31":        "4",
	})
}

// a comes on Monday 4 and Tuesday 5 March and on 19 March; b on 5 March.
func TestLifecycleAndCohorts(t *testing.T) {
	f := newFacts(t)
	f.login("2024-03-04", "acme", "a")
	f.login("2024-03-05", "acme", "a")
	f.login("2024-03-05", "acme", "b")
	f.login("2024-03-19", "acme", "a")
	f.login("2024-04-02", "acme", "b")
	f.expect(f.compute(f.days("2024-03-04", "2024-04-03")), map[string]string{
		"lifecycle_new 1d on 2024-03-04":          "1",
		"lifecycle_new 1d on 2024-03-05":          "1",
		"lifecycle_returning 1d on 2024-03-05":    "1",
		"lifecycle_dormant 1d on 2024-03-06":      "-2",
		"lifecycle_resurrecting 1d on 2024-03-19": "1",
		"pulse 1d on 2024-03-06":                  "0",
		"pulse 1d on 2024-03-05":                  "null",
		// Weeks end on the 10th, 17th, 24th.
		"lifecycle_new week on 2024-03-10":          "2",
		"lifecycle_dormant week on 2024-03-17":      "-2",
		"lifecycle_resurrecting week on 2024-03-24": "1",
		"lifecycle_dormant week on 2024-03-24":      "0",
		"lifecycle_dormant week on 2024-03-31":      "-1",
		// April: b returns, a is dormant.
		"lifecycle_returning month on 2024-04-30":                      "1",
		"lifecycle_dormant month on 2024-04-30":                        "-1",
		"pulse month on 2024-04-30":                                    "0",
		"cohort_retention week [2024-03-04] on 2024-03-10":             "1",
		"cohort_retention week [2024-03-04] on 2024-03-17":             "0",
		"cohort_retention week [2024-03-04] on 2024-03-24":             "0.5",
		"cohort_retention month [2024-03] on 2024-04-30":               "0.5",
		"cohort_retention_unbounded week [2024-03-04+1] on 2024-04-03": "1",
		"cohort_retention_unbounded week [2024-03-04+3] on 2024-04-03": "0.5", // b only, in week 4
		"cohort_retention_unbounded month [2024-03+1] on 2024-04-03":   "0.5",
	})
}

// Three get there after 0, 10 and 400 days, one never: the median is 10 (two of
// four), nine tenths are never reached.
func TestTimeToValue(t *testing.T) {
	f := newFacts(t)
	f.order("2024-01-01", "at once", "o1", "1.00")
	f.login("2024-01-01 23:00", "ten", "u")
	f.order("2024-01-11 01:00", "ten", "o2", "1.00")
	f.login("2023-01-01", "late", "u")
	f.order("2024-02-05", "late", "o3", "1.00")
	f.login("2024-01-01", "never", "u")
	got := f.compute(f.days("2024-03-01", "2024-03-01"))
	f.expect(got, map[string]string{"time_to_value on 2024-03-01": "10", "time_to_value_p90 on 2024-03-01": "null"})
	f.add("2023-12-01", "signal", "ten", `"name":"page_viewed"`) // nothing reads it
	f.order("2024-01-31", "never", "o4", "0.00")                 // no value yet
	f.order("2024-02-05", "never", "o5", "1.00")                 // now three of four within 35 days
	f.expect(f.compute(f.days("2024-03-01", "2024-03-01")), map[string]string{
		"time_to_value on 2024-03-01": "10", "time_to_value_p90 on 2024-03-01": "null",
	})
	f.order("2024-03-01", "fifth", "o6", "1.00") // 0 0 10 35 400: the third is 10
	f.expect(f.compute(f.days("2024-03-01", "2024-03-01")), map[string]string{"time_to_value on 2024-03-01": "10"})
}

// On 3 November 2024 New York's day has 25 hours. 24 hours before hour 0 of the
// 4th began is hour 1 of the 3rd, at 01:00 the first time.
func TestActiveHoursOverAClockChange(t *testing.T) {
	f := newFacts(t)
	f.zone = zone(t, "America/New_York")
	f.login("2024-11-03 00:30", "acme", "at hour 0")
	f.login("2024-11-03 01:30", "acme", "at hour 1 or 2")
	f.login("2024-11-03 02:30", "acme", "at hour 3")
	o := f.days("2024-11-04", "2024-11-04")
	o.Watermark = f.moment("2024-11-04 00:15").UnixMilli() // hour 0
	f.expect(f.compute(o), map[string]string{"active_24h 24h on 2024-11-04": "1"})
	o.Watermark = f.moment("2024-11-03 23:59").UnixMilli() // hour 24
	o.From, o.To = "2024-11-03", "2024-11-03"
	f.expect(f.compute(o), map[string]string{"active_24h 24h on 2024-11-03": "2"})
}

// Samoa had no 30 December 2011: it is an empty day that windows count.
func TestSkippedDay(t *testing.T) {
	f := newFacts(t)
	f.zone = zone(t, "Pacific/Apia")
	f.login("2011-12-29 23:59", "acme", "a")
	f.login("2011-12-31 00:00", "acme", "b")
	f.expect(f.compute(f.days("2011-12-29", "2012-01-05")), map[string]string{
		"dau 1d on 2011-12-29":                    "1",
		"dau 1d on 2011-12-30":                    "0",
		"dau 1d on 2011-12-31":                    "1",
		"wau 7d on 2012-01-04":                    "2",
		"wau 7d on 2012-01-05":                    "1",
		"lifecycle_dormant 1d on 2011-12-30":      "-1",
		"lifecycle_resurrecting 1d on 2011-12-31": "0",
	})
}

// New York's 10 March 2024 had 23 hours, its 3 November 25.
func TestClockChanges(t *testing.T) {
	f := newFacts(t)
	f.zone = zone(t, "America/New_York")
	f.login("2024-03-10 00:00", "acme", "a")
	f.login("2024-03-10 23:59", "acme", "b")
	f.login("2024-03-11 00:00", "acme", "c")
	f.expect(f.compute(f.days("2024-03-09", "2024-03-11")), map[string]string{
		"dau 1d on 2024-03-09": "0", "dau 1d on 2024-03-10": "2", "dau 1d on 2024-03-11": "1",
	})
	f.lines = nil
	start := f.moment("2024-11-03 00:00")
	for h := range 26 { // the 26th hour is Monday's
		f.zone = time.UTC
		f.login(start.Add(time.Duration(h)*time.Hour).UTC().Format("2006-01-02 15:04"), "acme", fmt.Sprint("u", h))
	}
	f.zone = zone(t, "America/New_York")
	f.expect(f.compute(f.days("2024-11-03", "2024-11-04")), map[string]string{"dau 1d on 2024-11-03": "25", "dau 1d on 2024-11-04": "1"})
}

// A customer counts where its latest attributes put it, on past days too.
func TestSegments(t *testing.T) {
	f := newFacts(t)
	f.add("2024-03-01", "login", "acme", `"customer":{"plan":"free","country":"NO"}`)
	f.add("2024-03-05", "login", "acme", `"customer":{"plan":"pro","seats":[1]}`)
	f.add("2024-03-04", "login", "acme", `"customer":{"plan":"late","country":null}`)
	f.login("2024-03-05", "blue", "u")
	f.expect(f.compute(f.days("2024-03-01", "2024-03-06")), map[string]string{
		"mau 30d on 2024-03-05":           "2",
		"mau 30d plan=pro on 2024-03-05":  "1",
		"dau 1d plan=pro on 2024-03-01":   "1",
		"mau 30d plan=free on 2024-03-05": "-",
		"mau 30d country= on 2024-03-05":  "2",
		"mau 30d plan= on 2024-03-05":     "1",
	})
}

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}
