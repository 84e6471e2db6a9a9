package event

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func TestMonthly(t *testing.T) {
	cases := []struct {
		name     string
		amount   int64
		interval Interval
		count    uint16
		want     int64
		reason   Reason
	}{
		{"a cent a month", 1, Month, 1, 332_640, ""},
		{"100.00 a year: 8.33⅓ a month", 10_000, Year, 1, 277_200_000, ""}, // 10,000 × 332,640 / 12
		{"30.00 a quarter: 10.00", 3_000, Quarter, 1, 332_640_000, ""},     // 1,000 × 332,640
		{"10.00 a week: 43.33⅓", 1_000, Week, 1, 1_441_440_000, ""},        // 1,000 × 332,640 × 52/12
		{"1.00 a day: 30.41⅔", 100, Day, 1, 1_011_780_000, ""},             // 100 × 332,640 × 365/12
		{"10.00 every 2 weeks", 1_000, Week, 2, 720_720_000, ""},           // half of the week's
		{"24.00 every 24 months: 1.00", 2_400, Month, 24, 33_264_000, ""},  // 100 × 332,640
		{"36.00 every 36 months: 1.00", 3_600, Month, 36, 33_264_000, ""},
		{"12.00 every 365 days: 1.00", 1_200, Day, 365, 33_264_000, ""},
		{"2.16 every 90 days: 0.73", 216, Day, 90, 73 * 332_640, ""}, // 216 × 365/(12 × 90)
		{"4.32 every 180 days: 0.73", 432, Day, 180, 73 * 332_640, ""},
		{"nothing", 0, Month, 1, 0, ""},
		{"13 months", 100, Month, 13, 0, IntervalNotExact},                              // 332,640 has no 13
		{"13 months, though the amount has one", 1_300, Month, 13, 0, IntervalNotExact}, // the interval decides
		{"17 days", 100, Day, 17, 0, IntervalNotExact},
		{"the most", 27_727_789_913_584, Month, 1, 9_223_372_036_854_581_760, ""}, // 2^63 - 1 = 27,727,789,913,584 × 332,640 + 194,047
		{"over an int64", 27_727_789_913_585, Month, 1, 0, BadAmount},
		{"far over", 1 << 62, Day, 1, 0, BadAmount},
		{"negative", -1, Month, 1, 0, BadAmount},
		{"one-off", 100, None, 1, 0, BadInterval},
		{"no such interval", 100, Year + 1, 1, 0, BadInterval},
		{"count 0", 100, Month, 0, 0, BadInterval},
	}
	for _, c := range cases {
		got, reason := Monthly(c.amount, c.interval, c.count)
		if got != c.want || reason != c.reason {
			t.Errorf("%s: %d, %q; want %d, %q", c.name, got, reason, c.want, c.reason)
		}
	}
}

// The counts that kpis promise, for each interval.
func TestMonthlyHoldsTheCommonIntervals(t *testing.T) {
	type every struct {
		interval Interval
		count    uint16
	}
	list := []every{{Month, 24}, {Month, 36}, {Day, 90}, {Day, 180}, {Day, 365}}
	for interval := Day; interval <= Year; interval++ {
		for count := uint16(1); count <= 12; count++ {
			list = append(list, every{interval, count})
		}
	}
	for _, e := range list {
		if _, reason := Monthly(1, e.interval, e.count); reason != "" {
			t.Errorf("every %d %s: %s", e.count, e.interval, reason)
		}
	}
}

func TestMonthlyAgainstRationals(t *testing.T) {
	perYear := map[Interval]int64{Day: 365, Week: 52, Month: 12, Quarter: 4, Year: 1}
	rapid.Check(t, func(t *rapid.T) {
		amount := rapid.Int64Range(0, 1<<62).Draw(t, "amount")
		amount >>= rapid.IntRange(0, 61).Draw(t, "smaller")
		interval := rapid.SampledFrom([]Interval{Day, Week, Month, Quarter, Year}).Draw(t, "interval")
		count := rapid.Uint16Range(1, 400).Draw(t, "count")

		units := big.NewRat(perYear[interval]*MonthlyUnit, 12*int64(count)) // a month, for one minor unit
		want := new(big.Rat).Mul(units, big.NewRat(amount, 1))
		var wantReason Reason
		switch {
		case !units.IsInt():
			wantReason = IntervalNotExact
		case !want.Num().IsInt64():
			wantReason = BadAmount
		}
		got, reason := Monthly(amount, interval, count)
		if reason != wantReason || reason == "" && want.Num().Int64() != got {
			t.Fatalf("%d every %d %s: %d, %q; want %s, %q", amount, count, interval, got, reason, want, wantReason)
		}
		if reason == "" && recurringAmount(got, interval, count) != amount {
			t.Fatalf("%d units of %d %s give %d back, not %d", got, count, interval, recurringAmount(got, interval, count), amount)
		}
	})
}
