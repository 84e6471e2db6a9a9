package sqloracle_test

import (
	"fmt"
	"math/big"
	"strconv"

	"pgregory.net/rapid"

	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/internal/oracle"
	"github.com/tidemark-io/tidemark/internal/sqloracle"
)

// agreeOnStanding holds what has no day: counts since ever, hours of the last
// activity, the time to value, and cohorts by their last active period.
func agreeOnStanding(t *rapid.T, cfg oracle.Config, watermark int64, want *oracle.Result, got map[sqloracle.Key]sqloracle.Figure) {
	today := civil.Format(want.Day)
	for _, segment := range segmentsOf(want) {
		for name, counter := range map[string]string{"users_ever": "UsersEver", "customers_ever": "CustomersEver"} {
			n := want.Standing[oracle.Key{Counter: counter, Segment: segment}]
			hold(t, got, sqloracle.Key{KPI: name, Segment: segment, Day: today}, big.NewRat(n, 1), big.NewRat(1, 1))
		}
		for window, hours := range map[string]int64{"24h": 24, "7d": 168, "30d": 720} {
			n := usersSince(t, cfg, watermark, want, segment, hours)
			hold(t, got, sqloracle.Key{KPI: "active_" + window, Window: window, Segment: segment, Day: today}, big.NewRat(n, 1), big.NewRat(1, 1))
		}
		for name, tenths := range map[string]int64{"time_to_value": 5, "time_to_value_p90": 9} {
			k := sqloracle.Key{KPI: name, Segment: segment, Day: today}
			if ours, theirs := got[k].Published(), timeToValue(want, segment, tenths); ours != theirs {
				t.Errorf("%s: SQL %q, Go %q", k, ours, theirs)
			}
		}
		agreeOnCohorts(t, want, got, segment, today)
	}
}

// usersSince counts users whose last hour began later than so many hours before
// the watermark's.
func usersSince(t *rapid.T, cfg oracle.Config, watermark int64, want *oracle.Result, segment string, hours int64) (n int64) {
	const hour = 3_600_000
	today := cfg.Start(want.Day)
	now := today + min((watermark-today)/hour, 24)*hour
	for k, users := range want.Standing {
		if k.Counter != "LastHour" || k.Segment != segment {
			continue
		}
		last, err := strconv.ParseInt(k.Label, 10, 64)
		if err != nil {
			t.Fatalf("hour %q: %v", k.Label, err)
		}
		if cfg.Start(k.Day)+last*hour > now-hours*hour {
			n += users
		}
	}
	return n
}

// timeToValue is the number of days within which so many tenths of the customers
// have got there, "" where they have not.
func timeToValue(want *oracle.Result, segment string, tenths int64) string {
	all := int64(0)
	for k, n := range want.Standing {
		if k.Counter == "TimeToValue" && k.Segment == segment {
			all += n
		}
	}
	got := int64(0)
	for days := 0; days <= 365 && all > 0; days++ {
		got += want.Standing[oracle.Key{Counter: "TimeToValue", Label: strconv.Itoa(days), Segment: segment}]
		if 10*got >= tenths*all {
			return strconv.Itoa(days)
		}
	}
	return ""
}

// agreeOnCohorts holds the unbounded cells: of a cohort, those whose last active
// period lies at least so many periods later.
func agreeOnCohorts(t *rapid.T, want *oracle.Result, got map[sqloracle.Key]sqloracle.Figure, segment, today string) {
	for window, counter := range map[string]string{"week": "CohortWeekLast", "month": "CohortMonthLast"} {
		last := map[string]map[int]int64{} // by cohort and periods to the last active one
		for k, n := range want.Standing {
			if k.Counter != counter || k.Segment != segment {
				continue
			}
			apart, err := strconv.Atoi(k.Label)
			if err != nil {
				t.Fatalf("%s apart: %v", k.Label, err)
			}
			cohort := civil.Format(k.Day)
			if window == "month" {
				cohort = cohort[:len("2024-02")]
			}
			if last[cohort] == nil {
				last[cohort] = map[int]int64{}
			}
			last[cohort][apart] += n
		}
		for cohort, users := range last {
			for since := range 4 {
				size, active := int64(0), int64(0)
				for apart, n := range users {
					size += n
					if apart >= since {
						active += n
					}
				}
				k := sqloracle.Key{KPI: "cohort_retention_unbounded", Window: window, Segment: segment, Day: today, Bucket: fmt.Sprintf("%s+%d", cohort, since)}
				if _, there := got[k]; there || active > 0 {
					hold(t, got, k, big.NewRat(active, 1), big.NewRat(size, 1))
				}
			}
		}
	}
}

// agreeOnReturns holds the cells of cohorts by the period of activity: those active
// exactly so many weeks after their first one.
func agreeOnReturns(t *rapid.T, o sqloracle.Options, want *oracle.Result, got map[sqloracle.Key]sqloracle.Figure, first, last int32) {
	for _, segment := range segmentsOf(want) {
		for day := first; day <= last; day += 7 {
			end := periodEnd("week", day, o.WeekStart)
			for since := range int32(4) {
				n := want.Levels[oracle.Key{Counter: "CohortWeek", Label: strconv.Itoa(int(since)), Segment: segment, Day: min(end, want.Day)}]
				cohort := civil.Format(end - 6 - 7*since)
				k := sqloracle.Key{KPI: "cohort_retention", Window: "week", Segment: segment, Day: civil.Format(end), Bucket: cohort}
				if f, there := got[k]; (there || n > 0) && (!there || f.Numerator.Cmp(big.NewRat(n, 1)) != 0) {
					t.Errorf("%s: SQL %v, Go %d", k, f.Numerator, n)
				}
			}
		}
	}
}
