package oracle

import (
	"sort"
	"time"

	"github.com/tidemark-io/tidemark/event"
)

const (
	msPerHour = int64(time.Hour / time.Millisecond)
	msPerDay  = 24 * msPerHour
)

// calendar turns moments (Unix ms) into civil days of a zone and back. It
// expects that civil days never go backwards, as they do where clocks are set
// back shortly after midnight (America/St_Johns until 2011).
type calendar struct {
	periods
	zone   *time.Location
	starts map[int32]int64 // what start has found already
}

func newCalendar(zone *time.Location) *calendar {
	return &calendar{zone: zone, starts: map[int32]int64{}}
}

// day is the civil day of a moment, in days since 1970-01-01.
func (c *calendar) day(moment int64) int32 {
	y, m, d := time.UnixMilli(moment).In(c.zone).Date()
	return civil(y, m, d)
}

// civil numbers a date: days since 1970-01-01.
func civil(y int, m time.Month, d int) int32 {
	return int32(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).UnixMilli() / msPerDay)
}

// start is the first moment whose civil day is d or later: a day may start at
// one in the morning, and one that the zone skips starts where the next does.
func (c *calendar) start(d int32) int64 {
	if t, ok := c.starts[d]; ok {
		return t
	}
	low := int64(d)*msPerDay - 2*msPerDay // no zone was ever two days off UTC
	i := sort.Search(int(4*msPerDay), func(i int) bool { return c.day(low+int64(i)) >= d })
	t := low + int64(i)
	c.starts[d] = t
	return t
}

// end is the last moment before day d+1 starts.
func (c *calendar) end(d int32) int64 { return c.start(d+1) - 1 }

// after is the moment a number of intervals later by the zone's calendar, at
// the same time of day. A month that lacks the day ends on its last one. Where
// the clock repeats that time or skips it within the day, time.Date decides;
// where it skips the day or its beginning, it is the first moment after.
func (c *calendar) after(moment int64, unit event.Interval, count int) int64 {
	t := time.UnixMilli(moment).In(c.zone)
	y, m, d := t.Date()
	months := 0
	switch unit {
	case event.Day:
		d += count
	case event.Week:
		d += 7 * count
	case event.Month:
		months = count
	case event.Quarter:
		months = 3 * count
	case event.Year:
		months = 12 * count
	}
	if months > 0 {
		first := time.Date(y, m+time.Month(months), 1, 0, 0, 0, 0, time.UTC)
		y, m = first.Year(), first.Month()
		d = min(d, first.AddDate(0, 1, -1).Day())
	}
	at := time.Date(y, m, d, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), c.zone).UnixMilli()
	if c.day(at) != civil(y, m, d) {
		return c.start(civil(y, m, d))
	}
	return at
}
