package aggregator

import (
	"time"

	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/event"
)

// addInterval is the moment count intervals later on the zone's calendar; a
// month after 31 January is the last of February. Where the zone skips that day,
// or the beginning of it, it is the first moment after.
func addInterval(cal *civil.Calendar, ms int64, iv event.Interval, count int) int64 {
	loc := cal.Location()
	t := time.UnixMilli(ms).In(loc)
	y, m, d := t.Date()
	months := 0
	switch iv {
	case event.Day:
		d += count
	case event.Week:
		d += 7 * count
	case event.Month:
		months = count
	case event.Quarter:
		months = 3 * count
	default:
		months = 12 * count
	}
	if months > 0 {
		m += time.Month(months)
		d = min(d, time.Date(y, m+1, 0, 0, 0, 0, 0, time.UTC).Day())
	}
	hh, mm, ss := t.Clock()
	at := time.Date(y, m, d, hh, mm, ss, t.Nanosecond(), loc).UnixMilli()
	day := civil.Of(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).UnixMilli(), time.UTC)
	if cal.Day(at) != day {
		return cal.Start(day)
	}
	return at
}
