package civil

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestPeriods(t *testing.T) {
	for _, tc := range []struct {
		p                Period
		start            time.Weekday
		day, first, next string
	}{
		{PeriodDay, time.Monday, "2024-02-29", "2024-02-29", "2024-03-01"},
		{Week, time.Monday, "2026-11-22", "2026-11-16", "2026-11-23"}, // a Sunday
		{Week, time.Sunday, "2026-11-22", "2026-11-22", "2026-11-29"},
		{Week, time.Saturday, "2026-11-22", "2026-11-21", "2026-11-28"},
		{Week, time.Monday, "1969-12-31", "1969-12-29", "1970-01-05"},
		{Week, time.Monday, "2024-12-31", "2024-12-30", "2025-01-06"},
		{Month, time.Monday, "2024-02-29", "2024-02-01", "2024-03-01"},
		{Month, time.Monday, "2023-12-31", "2023-12-01", "2024-01-01"},
		{Month, time.Monday, "1969-12-31", "1969-12-01", "1970-01-01"},
		{Quarter, time.Monday, "2024-02-29", "2024-01-01", "2024-04-01"},
		{Quarter, time.Monday, "2023-12-31", "2023-10-01", "2024-01-01"},
	} {
		first, next := tc.p.Bounds(day(t, tc.day), tc.start)
		if Format(first) != tc.first || Format(next) != tc.next {
			t.Errorf("period %d of %s: %s to %s, want %s to %s", tc.p, tc.day, Format(first), Format(next), tc.first, tc.next)
		}
	}
}

// Bounds, Between and Add against package time, which counts in another way.
func TestPeriodsAgainstTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := rapid.Int32Range(-400_000, 400_000).Draw(t, "day")
		n := rapid.Int32Range(-300, 300).Draw(t, "periods")
		start := time.Weekday(rapid.IntRange(0, 6).Draw(t, "week start"))
		at := time.Unix(int64(d)*86_400, 0).UTC()
		for p, want := range map[Period]func(time.Time, int) time.Time{
			Week: func(x time.Time, n int) time.Time {
				for x.Weekday() != start {
					x = x.AddDate(0, 0, -1)
				}
				return x.AddDate(0, 0, 7*n)
			},
			Month: func(x time.Time, n int) time.Time {
				return time.Date(x.Year(), x.Month()+time.Month(n), 1, 0, 0, 0, 0, time.UTC)
			},
			Quarter: func(x time.Time, n int) time.Time {
				return time.Date(x.Year(), (x.Month()-1)/3*3+1+time.Month(3*n), 1, 0, 0, 0, 0, time.UTC)
			},
		} {
			first, next := p.Bounds(d, start)
			if Format(first) != want(at, 0).Format(time.DateOnly) || Format(next) != want(at, 1).Format(time.DateOnly) {
				t.Fatalf("period %d of %s begins on %s, the next on %s", p, Format(d), Format(first), Format(next))
			}
			later := p.Add(d, n, start)
			if Format(later) != want(at, int(n)).Format(time.DateOnly) {
				t.Fatalf("period %d, %d after %s, begins on %s", p, n, Format(d), Format(later))
			}
			off := rapid.Int32Range(0, 6).Draw(t, "days into it")
			if got := p.Between(d, later+off, start); got != n {
				t.Fatalf("period %d: from %s to %s are %d, want %d", p, Format(d), Format(later+off), got, n)
			}
		}
	})
}
