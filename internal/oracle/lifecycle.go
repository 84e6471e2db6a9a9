package oracle

import (
	"slices"
	"strconv"
)

// eachUser counts, on each day, the users for whom something holds.
func (r *record) eachUser(s *sums, counter string, holds func(days []int32, d int32) bool) {
	for _, days := range r.users {
		s.each(counter, "", r.segments, func(d int32) int64 { return one(holds(days, d)) })
	}
}

// inPeriod says whether there was activity in the period that lies so many
// periods after that of d, up to and including d.
func (r *record) inPeriod(kind int, days []int32, d, apart int32) bool {
	want := r.cal.of(kind, d) + apart
	return slices.ContainsFunc(days, func(a int32) bool { return a <= d && r.cal.of(kind, a) == want })
}

// addLifecycle: new, returning and resurrecting users of the period to date, and
// those of the period before.
func (r *record) addLifecycle(s *sums) {
	for kind, name := range map[int]string{perDay: "Day", perWeek: "Week", perMonth: "Month"} {
		fresh := func(days []int32, d int32) bool {
			return r.inPeriod(kind, days, d, 0) && r.cal.of(kind, days[0]) == r.cal.of(kind, d)
		}
		was := func(days []int32, d int32) bool { return r.inPeriod(kind, days, d, -1) }
		r.eachUser(s, "New"+name, fresh)
		r.eachUser(s, "Was"+name, was)
		r.eachUser(s, "Returning"+name, func(days []int32, d int32) bool {
			return r.inPeriod(kind, days, d, 0) && !fresh(days, d) && was(days, d)
		})
		if kind == perWeek {
			r.eachUser(s, "ResurrectingWeek", func(days []int32, d int32) bool {
				return r.inPeriod(kind, days, d, 0) && !fresh(days, d) && !was(days, d)
			})
		}
	}
	r.eachUser(s, "UsersActiveQuarter", func(days []int32, d int32) bool { return r.inPeriod(perQuarter, days, d, 0) })
}

// addHistograms: users with at least n active days.
func (r *record) addHistograms(s *sums) {
	for _, days := range r.users {
		for n := 1; n <= min(len(days), 31); n++ {
			label := strconv.Itoa(n)
			if n <= 30 {
				s.labelled("DaysAtLeast30", "", label, []string{""}, func(d int32) int64 { return one(within(days, 30, d) >= int64(n)) })
			}
			s.labelled("DaysAtLeastMonth", "", label, r.segments, func(d int32) int64 {
				return one(within(days, int(d-r.cal.periods.start(perMonth, d))+1, d) >= int64(n))
			})
		}
	}
}

// addCohorts: users active in the n-th week (month) after that of their first
// activity, to date.
func (r *record) addCohorts(s *sums) {
	for kind, name := range map[int]string{perWeek: "CohortWeek", perMonth: "CohortMonth"} {
		for _, days := range r.users {
			seen := map[int32]bool{}
			for _, a := range days {
				n := r.cal.of(kind, a) - r.cal.of(kind, days[0])
				if seen[n] {
					continue
				}
				seen[n] = true
				s.labelled(name, "", strconv.Itoa(int(n)), r.cohortSegments(), func(d int32) int64 {
					return one(r.inPeriod(kind, days, d, 0) && r.cal.of(kind, d)-r.cal.of(kind, days[0]) == n)
				})
			}
		}
	}
}

// cohortSegments are the segments for which cohorts are asked.
func (r *record) cohortSegments() []string {
	out := []string{""}
	for i, dim := range r.cfg.Dimensions {
		for _, c := range r.cfg.CohortDimensions {
			if c == dim {
				out = append(out, r.segments[i+1])
			}
		}
	}
	return out
}

// addStanding adds what the record counts for without a day, or on one that does
// not pass.
func (r *record) addStanding(standing map[Key]int64) {
	for _, segment := range r.segments {
		if n := int64(len(r.users)); n > 0 {
			standing[Key{Counter: "UsersEver", Segment: segment}] += n
		}
		if r.everPaid {
			standing[Key{Counter: "CustomersEver", Segment: segment}]++
		}
		if label := r.timeToValue(); label != "" {
			standing[Key{Counter: "TimeToValue", Label: label, Segment: segment}]++
		}
		for u, days := range r.users {
			last := days[len(days)-1]
			standing[Key{Counter: "LastHour", Label: strconv.Itoa(r.lastHour(u, last)), Segment: segment, Day: last}]++
		}
	}
	for kind, name := range map[int]string{perWeek: "CohortWeekLast", perMonth: "CohortMonthLast"} {
		for _, days := range r.users {
			n := r.cal.of(kind, days[len(days)-1]) - r.cal.of(kind, days[0])
			for _, segment := range r.cohortSegments() {
				standing[Key{Counter: name, Label: strconv.Itoa(int(n)), Segment: segment, Day: r.cal.periods.start(kind, days[0])}]++
			}
		}
	}
}

// lastHour is how many whole hours of a day had passed at a user's last activity
// on it, 24 at the most.
func (r *record) lastHour(user string, day int32) int {
	hour := 0
	for _, f := range r.facts {
		if f.active(r.cfg.Activity) && f.user() == user && f.day == day {
			hour = max(hour, int((f.Time-r.cal.start(day))/msPerHour))
		}
	}
	return min(hour, 24)
}

// timeToValue is the number of days from the first event to the first value
// event, or "more" than 365, or "never"; "" where nothing was read.
func (r *record) timeToValue() string {
	first := int32(-1)
	for _, f := range r.facts {
		if !f.read(r.cfg) {
			continue
		}
		if first == -1 {
			first = f.day
		}
		if f.value(r.cfg.Value) {
			if n := f.day - first; n <= 365 {
				return strconv.Itoa(int(n))
			}
			return "more"
		}
	}
	if first == -1 {
		return ""
	}
	return "never"
}
