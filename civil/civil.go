// Package civil counts calendar days of a time zone as days since 1970-01-01.
// It is pure: the zone and the moment are arguments.
//
// A day is the half-open interval from its first moment to the first moment of
// the next day, so days have 23, 24, 24.5 or 25 hours, and a civil date that a
// zone skips is empty. The first moment of a day is the first at which clocks
// show its date or a later one; where they go back over midnight (St. John's
// until 2011, at 00:01), what is repeated stays with the new day, since a day
// that has begun must not come back after the one that followed it.
package civil

import (
	"fmt"
	"time"
)

// Day is a calendar day: days since 1970-01-01.
type Day = int32

const (
	msDay  = 86_400_000
	msHour = 3_600_000
)

// LastHour is the highest hour of a day that Calendar.Hour returns.
const LastHour = 24

// Of returns the day of the zone at ms, Unix milliseconds. It builds a Calendar
// for one question: whoever asks often keeps one.
func Of(ms int64, loc *time.Location) Day { return NewCalendar(loc).Day(ms) }

// Format writes a day as "2026-11-22".
func Format(d Day) string {
	return time.Unix(int64(d)*msDay/1000, 0).UTC().Format(time.DateOnly)
}

// Parse reads a day written as "2026-11-22".
func Parse(s string) (Day, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return 0, fmt.Errorf("%q is no day, write it as 2026-11-22", s)
	}
	return Day(t.Unix() * 1000 / msDay), nil
}

// floorDay is the number of whole days in ms, rounded down.
func floorDay(ms int64) Day {
	d := ms / msDay
	if ms%msDay < 0 {
		d--
	}
	return Day(d)
}
