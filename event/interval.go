package event

import (
	"math"
	"math/bits"
)

// perMonth is, for each interval, how many of them a month has, times
// MonthlyUnit: year/12, quarter/3, week × 52/12, day × 365/12. All are integers.
var perMonth = [...]uint64{
	Day:     365 * MonthlyUnit / 12,
	Week:    52 * MonthlyUnit / 12,
	Month:   MonthlyUnit,
	Quarter: MonthlyUnit / 3,
	Year:    MonthlyUnit / 12,
}

// Monthly is what an amount of minor units every count intervals comes to in a
// month, in units of 1/332,640 minor unit (MonthlyUnit).
//
//	100.00 a year: 10,000 × 332,640 / 12 = 277,200,000
//	 10.00 every 2 weeks: 1,000 × 332,640 × 52 / 12 / 2 = 720,720,000
//
// It is exact for every amount or it is refused: IntervalNotExact if a month's
// share of so many intervals is no whole number of units (13 months, 7 days),
// BadInterval without an interval or a count, BadAmount if the amount is
// negative or the result doesn't fit into an int64.
func Monthly(amountMinor int64, interval Interval, count uint16) (int64, Reason) {
	if interval == None || int(interval) >= len(perMonth) || count == 0 {
		return 0, BadInterval
	}
	if amountMinor < 0 {
		return 0, BadAmount
	}
	units := perMonth[interval]
	if units%uint64(count) != 0 {
		return 0, IntervalNotExact
	}
	high, low := bits.Mul64(uint64(amountMinor), units/uint64(count))
	if high != 0 || low > math.MaxInt64 {
		return 0, BadAmount
	}
	return int64(low), ""
}

// recurringAmount is the inverse of Monthly: minor units every count intervals,
// rounded down where monthly is not what Monthly gives.
func recurringAmount(monthly int64, interval Interval, count uint16) int64 {
	if interval == None || int(interval) >= len(perMonth) || count == 0 || monthly < 0 {
		return 0
	}
	units := perMonth[interval] / uint64(count)
	if units == 0 {
		return 0
	}
	return int64(uint64(monthly) / units)
}

// parseInterval is the interval of that name; false if there is none.
func parseInterval(name []byte) (Interval, bool) {
	switch string(name) {
	case "day":
		return Day, true
	case "week":
		return Week, true
	case "month":
		return Month, true
	case "quarter":
		return Quarter, true
	case "year":
		return Year, true
	}
	return None, false
}

// String is the interval's name in an event, "" for None.
func (i Interval) String() string {
	switch i {
	case Day:
		return "day"
	case Week:
		return "week"
	case Month:
		return "month"
	case Quarter:
		return "quarter"
	case Year:
		return "year"
	}
	return ""
}
