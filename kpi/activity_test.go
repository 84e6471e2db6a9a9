package kpi

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/civil"
)

func dayOf(t *testing.T, s string) int32 {
	t.Helper()
	d, err := civil.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// The worked examples of the doc comments on activity and surveys.
func TestActivityFormulas(t *testing.T) {
	type counters = map[aggregator.Counter]int64
	for _, tc := range []struct {
		what, kpi, window string
		levels            counters
		value             json.Number
		num, den          int64
	}{
		{"28 days", "mau_28", "", counters{aggregator.UsersActive28: 5, aggregator.UsersActive30: 6}, "5", 5, 1},
		{"the week to date", "mau_calendar", "week", counters{aggregator.NewWeek: 1, aggregator.ReturningWeek: 2, aggregator.ResurrectingWeek: 4}, "7", 7, 1},
		{"the quarter to date", "mau_calendar", "quarter", counters{aggregator.UsersActiveQuarter: 9}, "9", 9, 1},
		// Weeks 1 to 4 of the example.
		{"week 1", "lifecycle_new", "week", counters{aggregator.NewWeek: 1}, "1", 1, 1},
		{"week 2", "lifecycle_returning", "week", counters{aggregator.NewWeek: 1, aggregator.ReturningWeek: 1, aggregator.WasWeek: 1}, "1", 1, 1},
		{"week 2, all stayed", "lifecycle_dormant", "week", counters{aggregator.NewWeek: 1, aggregator.ReturningWeek: 1, aggregator.WasWeek: 1}, "0", 0, 1},
		{"week 2, nobody went", "pulse", "week", counters{aggregator.NewWeek: 1, aggregator.ReturningWeek: 1, aggregator.WasWeek: 1}, "", 1, 0},
		{"week 3", "lifecycle_dormant", "week", counters{aggregator.WasWeek: 2}, "-2", -2, 1},
		{"week 3, nobody came", "pulse", "week", counters{aggregator.WasWeek: 2}, "0", 0, 2},
		{"week 4", "lifecycle_resurrecting", "week", counters{aggregator.ResurrectingWeek: 1}, "1", 1, 1},
		{"2 for each", "pulse", "week", counters{aggregator.NewWeek: 3, aggregator.ResurrectingWeek: 1, aggregator.WasWeek: 7, aggregator.ReturningWeek: 5}, "2", 4, 2},
		{"a day", "lifecycle_resurrecting", "1d", counters{aggregator.UsersActive1: 10, aggregator.NewDay: 2, aggregator.ReturningDay: 5}, "3", 3, 1},
		{"a day's dormant", "lifecycle_dormant", "", counters{aggregator.WasDay: 9, aggregator.ReturningDay: 5}, "-4", -4, 1},
		{"7 of 10", "ces", "30d", counters{aggregator.CESEasy30: 7, aggregator.CESAnswers30: 10}, "0.7", 7, 10},
		{"7 of 10 in 90 days", "ces", "", counters{aggregator.CESEasy90: 7, aggregator.CESAnswers90: 10}, "0.7", 7, 10},
		{"500 of 2,000", "response_rate", "", counters{aggregator.CSATAnswers90: 500, aggregator.CSATInvited90: 2000}, "0.25", 500, 2000},
		{"nobody knows who was asked", "response_rate", "30d", counters{aggregator.CSATAnswers30: 500}, "", 500, 0},
		{"promoters", "promoters", "30d", counters{aggregator.NPSPromoters30: 30, aggregator.NPSPassives30: 60, aggregator.NPSDetractors30: 10}, "30", 30, 1},
		{"passives", "passives", "30d", counters{aggregator.NPSPromoters30: 30, aggregator.NPSPassives30: 60, aggregator.NPSDetractors30: 10}, "60", 60, 1},
		{"detractors", "detractors", "", counters{aggregator.NPSDetractors90: 10}, "10", 10, 1},
	} {
		f := figure(t, source(on(today, tc.levels)), tc.kpi, tc.window, today)
		if f.Value != tc.value || f.Numerator != tc.num || f.Denominator != tc.den {
			t.Errorf("%s: %s = %q (%d of %d), want %q (%d of %d)", tc.what, tc.kpi, f.Value, f.Numerator, f.Denominator, tc.value, tc.num, tc.den)
		}
	}
}

func TestLoyalty(t *testing.T) {
	r := rows{
		{counter: aggregator.CLISum90, day: today, label: "buy"}:      17_000_000, // 8 and 9
		{counter: aggregator.CLIAnswers90, day: today, label: "buy"}:  2,
		{counter: aggregator.CLISum90, day: today, label: "stay"}:     8_500_000,
		{counter: aggregator.CLIAnswers90, day: today, label: "stay"}: 1,
		{counter: aggregator.CLIAnswers90, day: today, label: "gone"}: 0,
		{counter: aggregator.CLISum30, day: today, label: "buy"}:      1_000_000,
		{counter: aggregator.CLIAnswers30, day: today, label: "buy"}:  1,
	}
	s := source(r)
	// (8.5 + 8.5) / 2 = 8.5: 85, and 7.5 / 9 = 5/6.
	if f := figure(t, s, "cli", "", today); f.Value != "85" || f.Numerator != 17 || f.Denominator != 20 || !f.LowSample {
		t.Errorf("cli: %+v", f)
	}
	if f := figure(t, s, "cli_norm", "", today); f.Value != "83.33333333333333" || f.Exact().RatString() != "250/3" {
		t.Errorf("cli_norm: %+v", f)
	}
	// Scores of 3 on 0–7 and 8 on 1–10, 1 + 27/7 and 8: a mean of 90/14, 64.28571…
	odd := source(rows{
		{counter: aggregator.CLISum90, day: today, label: "a|b"}:     4_857_142 + 8_000_000,
		{counter: aggregator.CLIRest90, day: today, label: "7|a|b"}:  6,
		{counter: aggregator.CLIAnswers90, day: today, label: "a|b"}: 2,
	})
	if f := figure(t, odd, "cli", "", today); f.Exact().RatString() != "450/7" || f.Numerator != 9 || f.Denominator != 14 {
		t.Errorf("cli of another scale: %+v", f)
	}
	if f := figure(t, s, "cli_norm", "30d", today); f.Value != "0" {
		t.Errorf("cli_norm of the lowest score: %+v", f)
	}
	if f := figure(t, s, "cli", "30d", today-1); f.Value != "" {
		t.Errorf("cli without answers: %+v", f)
	}
	s.MinSample = 2 // two answered the question buy
	if f := figure(t, s, "cli", "", today); f.LowSample {
		t.Errorf("two answers are enough: %+v", f)
	}
}

// At 10:30 a was last active today at 10:05, b yesterday at 11:59, c yesterday at
// 10:40; d in an hour that is ahead of the watermark, e and f 30 days ago.
func TestTrailing(t *testing.T) {
	loc, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	at := func(day int32, label string) key {
		return key{counter: aggregator.LastHour, day: day, label: label}
	}
	s := source(rows{at(today, "10"): 1, at(today-1, "11"): 1, at(today-1, "10"): 1, at(today, "12"): 1, at(today-30, "12"): 1, at(today-30, "11"): 1}) // 11:00 then is 10:00 less an hour of summer: 720 hours ago
	s.Calendar = civil.NewCalendar(loc)
	s.Watermark = time.Date(2026, 11, 22, 10, 30, 0, 0, loc).UnixMilli()
	for name, want := range map[string]json.Number{"active_24h": "3", "active_7d": "4", "active_30d": "5"} {
		if f := figure(t, s, name, "", today-5); f.Value != want || f.Day != "2026-11-22" {
			t.Errorf("%s = %+v, want %s", name, f, want)
		}
	}
	// The day of 25 hours: at 00:30 of the day after, 24 hours back is the second
	// 01:00 of 1 November, whose hour is the third since midnight.
	day := dayOf(t, "2026-11-01")
	s.Levels = rows{at(day, "1"): 1, at(day, "2"): 2, at(day, "24"): 4}
	s.Watermark = time.Date(2026, 11, 2, 0, 30, 0, 0, loc).UnixMilli()
	if f := figure(t, s, "active_24h", "", today); f.Value != "6" {
		t.Errorf("after the long day: %s, want 6", f.Value)
	}
}

func TestHistogramAndItsBuckets(t *testing.T) {
	r := rows{}
	for label, n := range map[string]int64{"1": 2, "2": 1, "3": 1} {
		r[key{counter: aggregator.DaysAtLeast30, day: today, label: label}] = n
		r[key{counter: aggregator.DaysAtLeastMonth, segment: "plan=pro", day: today, label: label}] = n
	}
	k, _ := Lookup("active_days_histogram")
	var got []string
	for _, f := range source(r).Figures(k, "30d", "", today) {
		got = append(got, f.Bucket+": "+f.Value.String())
	}
	if want := []string{"1: 1", "3: 1"}; !slices.Equal(got, want) {
		t.Errorf("buckets %v, want %v", got, want)
	}
	month := source(r).Figures(k, "month", "plan=pro", today)
	if len(month) != 2 || month[1].Bucket != "3" || month[1].Day != "2026-11-30" || month[1].Complete {
		t.Errorf("by month: %+v", month)
	}
	if k.Kept("30d", "plan=pro") || !k.Kept("month", "plan=pro") || !k.Kept("30d", "") {
		t.Error("L30 is kept for the whole only")
	}
	b, err := json.Marshal(month[0])
	if err != nil || !strings.HasPrefix(string(b), `{"kpi":"active_days_histogram","window":"month","segment":"plan=pro","bucket":"1","day":"2026-11-30","value":1,`) {
		t.Errorf("%s, %v", b, err)
	}
}

// u and v are first seen in the week of 1 January 2024, u again in that of the
// 15th; w is new in the week of the 8th.
func TestCohorts(t *testing.T) {
	monday := dayOf(t, "2024-01-01")
	last := func(day int32, label string) key {
		return key{counter: aggregator.CohortWeekLast, day: day, label: label}
	}
	active := func(day int32, label string) key {
		return key{counter: aggregator.CohortWeek, day: day, label: label}
	}
	s := source(rows{
		last(monday, "0"): 1, last(monday, "2"): 1, last(monday+7, "0"): 1,
		active(monday+6, "0"): 2, active(monday+13, "0"): 1, active(monday+20, "2"): 1,
	})
	s.WeekStart = time.Monday
	s.Watermark = time.Date(2024, 1, 24, 12, 0, 0, 0, time.UTC).UnixMilli() // in the fourth week
	want := []Cohort{
		{"2024-01-01", 2, []int64{2, 0, 1, 0}, []int64{2, 1, 1, 0}, []bool{true, true, true, false}},
		{"2024-01-08", 1, []int64{1, 0, 0}, []int64{1, 0, 0}, []bool{true, true, false}},
	}
	if got := s.Cohorts("week", ""); !reflect.DeepEqual(got, want) {
		t.Errorf("triangle %+v, want %+v", got, want)
	}
	if got, want := s.CohortDays("week", ""), []int32{monday + 6, monday + 13, monday + 20, monday + 23}; !slices.Equal(got, want) {
		t.Errorf("it reads the rows of %v, want %v", got, want)
	}
	k, _ := Lookup("cohort_retention")
	f := s.Figures(k, "week", "", monday+16)
	if len(f) != 2 || f[0].Bucket != "2024-01-01" || f[0].Value != "0.5" || f[0].Day != "2024-01-21" || !f[0].Complete || f[1].Value != "0" || f[1].Denominator != 1 {
		t.Errorf("in the third week: %+v", f)
	}
	if f := s.Figures(k, "week", "", monday); len(f) != 1 || f[0].Value != "1" {
		t.Errorf("in the first week: %+v", f)
	}
	if got := s.Cohorts("month", ""); got != nil {
		t.Errorf("there are no months: %+v", got)
	}
}

// Of ten customers four got there on their first day, two after 3 days, one after
// 20, one after 400, two not yet.
func TestTimeToValue(t *testing.T) {
	at := func(label string) key { return key{counter: aggregator.TimeToValue, label: label} }
	s := source(rows{at("0"): 4, at("3"): 2, at("20"): 1, at("more"): 1, at("never"): 2})
	if f := figure(t, s, "time_to_value", "", today); f.Value != "3" || f.Numerator != 8 || f.Denominator != 10 || f.Unit != Days {
		t.Errorf("median: %+v", f)
	}
	if f := figure(t, s, "time_to_value_p90", "", today); f.Value != "" || f.Numerator != 8 || f.Denominator != 10 {
		t.Errorf("nine in ten: %+v", f)
	}
	s.Levels = rows{at("0"): 1, at("365"): 1, at("never"): 2} // half of four got there: on the day
	if f := figure(t, s, "time_to_value", "", today); f.Value != "365" {
		t.Errorf("median at the edge: %+v", f)
	}
	s.Levels = rows{}
	if f := figure(t, s, "time_to_value", "", today); f.Value != "" {
		t.Errorf("of nobody: %+v", f)
	}
}

// A calendar figure is to date, keyed by the period's last day, and complete when
// that is over. 22 November 2026 is a Sunday.
func TestCalendarWindows(t *testing.T) {
	s := source(rows{
		{counter: aggregator.DaysAtLeastMonth, day: today, label: "1"}:                        7,
		{counter: aggregator.DaysAtLeastMonth, day: dayOf(t, "2026-10-31"), label: "1"}:       9,
		{counter: aggregator.UsersActiveQuarter, day: dayOf(t, "2026-09-30")}:                 11,
		{counter: aggregator.NewWeek, day: today}:                                             3,
		{counter: aggregator.NewWeek, day: dayOf(t, "2026-11-21")}:                            5,
		{counter: aggregator.UsersActiveQuarter, day: dayOf(t, "2026-12-31")}:                 99,
		{counter: aggregator.DaysAtLeastMonth, day: dayOf(t, "2026-11-30"), label: "1"}:       99,
		{counter: aggregator.DaysAtLeastMonth, day: dayOf(t, "2026-10-15"), label: "1"}:       4,
		{counter: aggregator.UsersActiveQuarter, day: today, segment: ""}:                     12,
		{counter: aggregator.NewWeek, day: dayOf(t, "2026-11-28"), segment: "", cur: usd}:     99,
		{counter: aggregator.NewWeek, day: dayOf(t, "2026-11-15"), segment: "", label: "odd"}: 99,
	})
	s.WeekStart = time.Monday
	for _, tc := range []struct {
		window, day, key string
		value            json.Number
		complete         bool
	}{
		{"month", "2026-11-03", "2026-11-30", "7", false},
		{"month", "2026-10-15", "2026-10-31", "9", true},
		{"quarter", "2026-07-01", "2026-09-30", "11", true},
		{"quarter", "2026-11-22", "2026-12-31", "12", false},
		{"week", "2026-11-16", "2026-11-22", "3", false},
	} {
		f := figure(t, s, "mau_calendar", tc.window, dayOf(t, tc.day))
		if f.Day != tc.key || f.Value != tc.value || f.Complete != tc.complete {
			t.Errorf("%s of %s: %s on %s, complete %v, want %s on %s, %v", tc.window, tc.day, f.Value, f.Day, f.Complete, tc.value, tc.key, tc.complete)
		}
	}
	k, _ := Lookup("mau_calendar")
	if f := s.AsOf(k, "month", "", dayOf(t, "2026-10-15")); f.Value != "4" || f.Day != "2026-10-15" || !f.Complete {
		t.Errorf("as of the middle of October: %+v", f)
	}
	s.WeekStart = time.Sunday
	if f := figure(t, s, "mau_calendar", "week", today-1); f.Day != "2026-11-21" || f.Value != "5" {
		t.Errorf("a week that begins on Sunday: %+v", f)
	}
	if got := s.Days("month", dayOf(t, "2026-09-30"), dayOf(t, "2026-12-31")); !slices.Equal(got, []int32{dayOf(t, "2026-09-30"), dayOf(t, "2026-10-31"), dayOf(t, "2026-11-30")}) {
		t.Errorf("months: %v", got)
	}
	if got := s.Days("30d", today-1, today+5); !slices.Equal(got, []int32{today - 1, today}) {
		t.Errorf("days: %v", got)
	}
}
