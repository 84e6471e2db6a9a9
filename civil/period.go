package civil

import "time"

// Period is a kind of calendar period. Periods are made of civil dates, so they
// are the same in every zone; a date that a zone skips is an empty day of its
// period.
type Period uint8

// The kinds of periods. A week begins on the weekday that is configured.
const (
	PeriodDay Period = iota
	Week
	Month
	Quarter
)

// Bounds returns the first day of the period that holds d, and the first day of
// the next one.
func (p Period) Bounds(d Day, weekStart time.Weekday) (first, next Day) {
	switch p {
	case Week:
		first = weekOf(d, weekStart)
		return first, first + 7
	case Month:
		y, m := yearMonth(d)
		return firstOf(y, m), firstOf(y, m+1)
	case Quarter:
		y, m := yearMonth(d)
		m -= (m - 1) % 3
		return firstOf(y, m), firstOf(y, m+3)
	}
	return d, d + 1
}

// Between returns how many periods later the one that holds b is than the one
// that holds a: 0 in the same one, below 0 where it is earlier.
func (p Period) Between(a, b Day, weekStart time.Weekday) int32 {
	switch p {
	case Week:
		return (weekOf(b, weekStart) - weekOf(a, weekStart)) / 7
	case Month, Quarter:
		y, m := yearMonth(a)
		z, n := yearMonth(b)
		months := 12*z + n - 12*y - m
		if p == Month {
			return months
		}
		return (months + (m-1)%3 - (n-1)%3) / 3
	}
	return b - a
}

// Add returns the first day of the period that is n periods after the one that
// holds d.
func (p Period) Add(d Day, n int32, weekStart time.Weekday) Day {
	first, _ := p.Bounds(d, weekStart)
	switch p {
	case Week:
		return first + 7*n
	case Month, Quarter:
		y, m := yearMonth(first)
		if p == Quarter {
			n *= 3
		}
		return firstOf(y, m+n)
	}
	return d + n
}

// weekOf is the first day of the week that holds d. 1970-01-01 was a Thursday.
func weekOf(d Day, weekStart time.Weekday) Day {
	since := (d + Day(time.Thursday) - Day(weekStart)) % 7
	if since < 0 {
		since += 7
	}
	return d - since
}

// The Gregorian calendar counted in years that begin in March, so that the leap
// day is a year's last one, and in eras of 400 years, which all have the same
// length.
const (
	eraDays   = 146_097
	eraOffset = 719_468 // from 0000-03-01 to 1970-01-01
)

// yearMonth returns a day's year and month, 1 to 12.
func yearMonth(d Day) (year, month int32) {
	z := d + eraOffset
	era := floorDiv(z, eraDays)
	of := z - era*eraDays // day of the era
	year = (of - of/1460 + of/36_524 - of/146_096) / 365
	month = (5*(of-(365*year+year/4-year/100)) + 2) / 153 // 0 is March
	year += 400 * era
	if month >= 10 {
		return year + 1, month - 9
	}
	return year, month + 3
}

// firstOf returns the first day of a month; 13 is January of the next year, 0
// December of the one before, and so on.
func firstOf(year, month int32) Day {
	month -= 3 // of a year that begins in March
	year += floorDiv(month, 12)
	month -= 12 * floorDiv(month, 12)
	era := floorDiv(year, 400)
	of := year - 400*era
	return era*eraDays + 365*of + of/4 - of/100 + (153*month+2)/5 - eraOffset
}

func floorDiv(a, b int32) int32 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
