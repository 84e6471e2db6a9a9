package aggregator

import (
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tidemark-io/tidemark/civil"
)

// userCells is the cells that one user's record makes, for tests.
type userCells struct {
	e    emitter
	u    user
	rows map[string]Row // nil: to be read anew
}

func newUserCells(first int32, weekStart time.Weekday) *userCells {
	c := newCells(100, nil)
	c.started, c.first = true, first
	return &userCells{e: emitter{cells: c, sign: 1, periods: periods{weekStart: weekStart}}, u: user{first: noDay}}
}

// login is what applyActivity does to a user's record and cells.
func (x *userCells) login(d int32, hour uint) {
	x.rows = nil
	u, bit := &x.u, uint32(1)<<hour
	last, hours, ever := u.days.last(), u.hours(), u.first
	switch {
	case d == last:
		u.setHours(hours | bit)
		x.e.moveHour([]int32{0}, u, last, hours)
		x.e.spend()
		return
	case u.days.has(d):
		return
	case d > last:
		u.setHours(bit)
	}
	u.days.set(d)
	if ever == noDay || d < ever {
		u.first = d
	}
	x.e.addUserDay([]int32{0}, u, d, ever, last, hours, x.e.cells.first-Lookback)
	x.e.flush([]int32{0})
	x.e.spend()
}

// level is a cell's level on a day.
func (x *userCells) level(c Counter, label string, d int32) int64 {
	if x.rows == nil { // as levels: each row is the sum up to its day
		x.rows = x.e.cells.snapshot()
		before := Row{}
		maps.Copy(before, x.rows["o|"])
		for day := x.e.cells.first + 1; day <= x.e.cells.first+150; day++ {
			name := RowName{Kind: 'd', Day: day}.String()
			for cell, v := range x.rows[name] {
				before[cell] += v
			}
			x.rows[name] = maps.Clone(before)
		}
	}
	name := "o|"
	if d > x.e.cells.first {
		name = RowName{Kind: 'd', Day: d}.String()
	}
	return x.rows[name][Cell{Counter: c, Label: label}]
}

func (x *userCells) standing(c Counter, label, row string) int64 {
	return x.e.cells.snapshot()[row][Cell{Counter: c, Label: label}]
}

// Each login's difference comes to the same cells as contributing the record
// anew, whatever the order of the days, and wherever the horizon begins.
func TestUserDayIsTheDifference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := rapid.Int32Range(19_700, 19_760).Draw(t, "first")
		start := time.Weekday(rapid.IntRange(0, 6).Draw(t, "week start"))
		x := newUserCells(first, start)
		width := rapid.SampledFrom([]int32{100, 40, 8}).Draw(t, "width")
		for range rapid.IntRange(1, 40).Draw(t, "logins") {
			x.login(first+rapid.Int32Range(0, width).Draw(t, "day"), uint(rapid.IntRange(0, 24).Draw(t, "hour")))
			if rapid.IntRange(0, 9).Draw(t, "freeze") == 0 && x.u.days.last() > x.e.cells.first {
				x.e.cells.freeze(x.e.cells.first+rapid.Int32Range(1, 30).Draw(t, "by"), 10_000)
				first = x.e.cells.first
				x.u.days.trim(first - Lookback)
			}
			fresh := newUserCells(x.e.cells.first, start)
			fresh.u = x.u
			fresh.e.contributeUser(&x.u, first-Lookback)
			fresh.e.flush([]int32{0})
			got, want := x.e.cells.snapshot(), fresh.e.cells.snapshot()
			if !maps.EqualFunc(got, want, maps.Equal[Row, Row]) {
				for name := range union(got, want) {
					if !maps.Equal(got[name], want[name]) {
						t.Errorf("row %s: %v, by the record %v", name, got[name], want[name])
					}
				}
				t.FailNow()
			}
		}
	})
}

// What a record contributes, against the definitions day by day.
func TestUserContributionByDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := rapid.Int32Range(19_700, 19_760).Draw(t, "first")
		start := time.Weekday(rapid.IntRange(0, 6).Draw(t, "week start"))
		x := newUserCells(first, start)
		days := rapid.SliceOfNDistinct(rapid.Int32Range(first-80, first+70), 1, 30, rapid.ID).Draw(t, "days")
		slices.Sort(days)
		for _, d := range days {
			x.u.days.set(d)
		}
		x.u.first = days[0]
		x.e.contributeUser(&x.u, first-Lookback)
		x.e.flush([]int32{0})
		in := func(from, to int32) (n int64) { // active days of [from, to)
			for _, d := range days {
				n += int64(b2u(from <= d && d < to))
			}
			return n
		}
		yes := func(b bool) int64 { return int64(b2u(b)) }
		for d := first; d < first+110; d++ {
			check := func(c Counter, label string, want int64) {
				if got := x.level(c, label, d); got != want {
					t.Fatalf("%s %s on %s is %d, want %d; days %v", c, label, civil.Format(d), got, want, days)
				}
			}
			for p, slots := range map[civil.Period][4]Counter{
				civil.PeriodDay: {NewDay, ReturningDay, 0, WasDay},
				civil.Week:      {NewWeek, ReturningWeek, ResurrectingWeek, WasWeek},
				civil.Month:     {NewMonth, ReturningMonth, 0, WasMonth},
			} {
				begin, _ := p.Bounds(d, start)
				before := p.Add(d, -1, start)
				now, was := in(begin, d+1) > 0, in(before, begin) > 0
				fresh := days[0] >= begin
				check(slots[0], "", yes(now && fresh))
				check(slots[1], "", yes(now && !fresh && was))
				if slots[2] != 0 {
					check(slots[2], "", yes(now && !fresh && !was))
				}
				check(slots[3], "", yes(was))
			}
			begin, _ := civil.Quarter.Bounds(d, start)
			check(UsersActiveQuarter, "", yes(in(begin, d+1) > 0))
			check(UsersActive28, "", yes(in(d-27, d+1) > 0))
			begin, _ = civil.Month.Bounds(d, start)
			for n := int64(1); n <= 31; n++ {
				label := strconv.Itoa(int(n))
				check(DaysAtLeastMonth, label, yes(in(begin, d+1) >= n))
				if n <= 30 {
					check(DaysAtLeast30, label, yes(in(d-29, d+1) >= n))
				}
			}
			for p, c := range map[civil.Period]Counter{civil.Week: CohortWeek, civil.Month: CohortMonth} {
				begin, _ := p.Bounds(d, start)
				for k := range int32(30) {
					is := p.Add(days[0], k, start) == begin && in(begin, d+1) > 0
					check(c, strconv.Itoa(int(k)), yes(is))
				}
			}
		}
		last := days[len(days)-1]
		for p, c := range map[civil.Period]Counter{civil.Week: CohortWeekLast, civil.Month: CohortMonthLast} {
			row := RowName{Kind: 'p', Day: p.Add(days[0], 0, start)}.String()
			if got := x.standing(c, strconv.Itoa(int(p.Between(days[0], last, start))), row); got != 1 {
				t.Fatalf("%s: %v", c, x.e.cells.snapshot()[row])
			}
		}
	})
}

func day(t *testing.T, s string) int32 {
	t.Helper()
	d, err := civil.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// A user's weeks, which begin on Monday: new in the week of 1 January 2024,
// returning in the next, away for one, resurrecting, away for good.
func TestLifecycleOfOneUser(t *testing.T) {
	first := day(t, "2024-01-01")
	x := newUserCells(first-1, time.Monday)
	for _, d := range []string{"2024-01-03", "2024-01-09", "2024-01-23"} {
		x.login(day(t, d), 9)
	}
	for _, tc := range []struct {
		day                       string
		fresh, returns, back, was int64
	}{
		{"2024-01-02", 0, 0, 0, 0},
		{"2024-01-03", 1, 0, 0, 0},
		{"2024-01-07", 1, 0, 0, 0}, // to the week's end
		{"2024-01-08", 0, 0, 0, 1}, // dormant so far
		{"2024-01-09", 0, 1, 0, 1}, // dormant no more
		{"2024-01-14", 0, 1, 0, 1},
		{"2024-01-15", 0, 0, 0, 1}, // dormant
		{"2024-01-21", 0, 0, 0, 1},
		{"2024-01-22", 0, 0, 0, 0},
		{"2024-01-23", 0, 0, 1, 0}, // resurrecting
		{"2024-01-29", 0, 0, 0, 1}, // dormant
		{"2024-02-05", 0, 0, 0, 0},
	} {
		d := day(t, tc.day)
		got := [4]int64{x.level(NewWeek, "", d), x.level(ReturningWeek, "", d), x.level(ResurrectingWeek, "", d), x.level(WasWeek, "", d)}
		if want := [4]int64{tc.fresh, tc.returns, tc.back, tc.was}; got != want {
			t.Errorf("%s: new, returning, resurrecting, was = %v, want %v", tc.day, got, want)
		}
	}
	// January: new; February: was, and nothing else.
	if x.level(NewMonth, "", day(t, "2024-01-31")) != 1 || x.level(WasMonth, "", day(t, "2024-02-29")) != 1 || x.level(NewMonth, "", day(t, "2024-02-01")) != 0 {
		t.Error("months are wrong")
	}
	// A day of the year before comes late: January was not new, but returning.
	x.login(day(t, "2023-12-31"), 9)
	if x.level(NewMonth, "", day(t, "2024-01-31")) != 0 || x.level(ReturningMonth, "", day(t, "2024-01-31")) != 1 || x.level(ReturningWeek, "", day(t, "2024-01-03")) != 1 {
		t.Error("an earlier first day makes the user no new one of January any more")
	}
}

// Active on the 1st, 2nd and 10th: 1, 2 and 3 days; each day leaves the window 30
// days later. A day that comes late, the 5th, moves the 5th to the 9th and
// everything after by one.
func TestHistogramOfOneUser(t *testing.T) {
	x := newUserCells(day(t, "2024-02-29"), time.Monday)
	for _, d := range []string{"2024-03-01", "2024-03-02", "2024-03-10"} {
		x.login(day(t, d), 9)
	}
	number := func(c Counter, d string) (n int) {
		for n < 31 && x.level(c, strconv.Itoa(n+1), day(t, d)) == 1 {
			n++
		}
		return n
	}
	check := func(c Counter, d string, want int) {
		t.Helper()
		if got := number(c, d); got != want {
			t.Errorf("%s on %s: %d days, want %d", c, d, got, want)
		}
	}
	check(DaysAtLeast30, "2024-03-01", 1)
	check(DaysAtLeast30, "2024-03-09", 2)
	check(DaysAtLeast30, "2024-03-30", 3)
	check(DaysAtLeast30, "2024-03-31", 2) // 1 March has left
	check(DaysAtLeast30, "2024-04-08", 1)
	check(DaysAtLeast30, "2024-04-09", 0)
	check(DaysAtLeastMonth, "2024-03-31", 3)
	check(DaysAtLeastMonth, "2024-04-01", 0)
	x.login(day(t, "2024-03-05"), 9)
	check(DaysAtLeast30, "2024-03-04", 2)
	check(DaysAtLeast30, "2024-03-05", 3)
	check(DaysAtLeast30, "2024-03-10", 4)
	check(DaysAtLeast30, "2024-04-03", 2)
	check(DaysAtLeast30, "2024-04-04", 1) // 5 March has left
	check(DaysAtLeastMonth, "2024-03-31", 4)
}

// First active in the week of 1 January, again two weeks later: 1 of the cohort
// in its weeks 0 and 2, last active in its week 2.
func TestCohortOfOneUser(t *testing.T) {
	x := newUserCells(day(t, "2023-12-31"), time.Monday)
	x.login(day(t, "2024-01-04"), 9)
	if x.standing(CohortWeekLast, "0", "p"+strconv.Itoa(int(day(t, "2024-01-01")))+"|") != 1 {
		t.Error("last active in week 0")
	}
	x.login(day(t, "2024-01-16"), 9)
	row := "p" + strconv.Itoa(int(day(t, "2024-01-01"))) + "|"
	if x.standing(CohortWeekLast, "0", row) != 0 || x.standing(CohortWeekLast, "2", row) != 1 || x.standing(CohortMonthLast, "0", row) != 1 {
		t.Errorf("last active in week 2 and month 0: %v", x.e.cells.snapshot()[row])
	}
	for _, tc := range []struct {
		d, k string
		want int64
	}{
		{"2024-01-03", "0", 0}, {"2024-01-04", "0", 1}, {"2024-01-07", "0", 1}, {"2024-01-08", "0", 0},
		{"2024-01-10", "1", 0}, {"2024-01-16", "2", 1}, {"2024-01-21", "2", 1}, {"2024-01-22", "3", 0},
	} {
		if got := x.level(CohortWeek, tc.k, day(t, tc.d)); got != tc.want {
			t.Errorf("week %s of the cohort on %s: %d, want %d", tc.k, tc.d, got, tc.want)
		}
	}
}

// The hour of the last activity moves with it, and is forgotten with its day.
func TestLastHour(t *testing.T) {
	x := newUserCells(19_700, time.Monday)
	x.login(19_710, 9)
	x.login(19_710, 8) // earlier: stays
	if x.standing(LastHour, "9", "p19710|") != 1 || x.standing(LastHour, "8", "p19710|") != 0 {
		t.Error("the last hour of 19710 is 9")
	}
	x.login(19_710, 20)
	x.login(19_705, 23) // a late day
	if x.standing(LastHour, "9", "p19710|") != 0 || x.standing(LastHour, "20", "p19710|") != 1 || x.standing(LastHour, "23", "p19705|") != 0 {
		t.Error("the last hour of 19710 is 20")
	}
	x.login(19_711, 0)
	if x.standing(LastHour, "20", "p19710|") != 0 || x.standing(LastHour, "0", "p19711|") != 1 {
		t.Error("the last hour is 0 of 19711")
	}
	x.e.cells.forgetHours(19_712)
	if n := x.standing(LastHour, "0", "p19711|"); n != 0 {
		t.Errorf("%d are still counted on 19711", n)
	}
	x.login(19_712, 5)
	if x.standing(LastHour, "5", "p19712|") != 1 || x.standing(LastHour, "0", "p19711|") != 0 {
		t.Error("what is forgotten is not subtracted")
	}
	rows, _ := x.e.cells.changes()
	if !slices.ContainsFunc(rows, func(kv KV) bool { return kv.Name == "p19711|" && kv.Value == nil }) {
		t.Error("the row of a forgotten day is not deleted")
	}
}

func TestValueLabel(t *testing.T) {
	for _, tc := range []struct {
		born, valued int32
		want         string
	}{
		{100, 100, "0"}, {100, 107, "7"}, {100, 465, "365"}, {100, 466, "more"}, {100, noDay, "never"},
	} {
		if got := valueLabel(tc.born, tc.valued); got != tc.want {
			t.Errorf("from %d to %d: %q, want %q", tc.born, tc.valued, got, tc.want)
		}
	}
}
