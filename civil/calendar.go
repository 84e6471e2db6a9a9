package civil

import (
	"math"
	"slices"
	"sort"
	"time"
)

// Calendar answers, fast, on which day of one time zone a moment falls. It
// remembers the spans of constant offset and the day starts it has met, without
// a lock: it belongs to one goroutine. Moments lie in the years 0 to 9999.
type Calendar struct {
	loc    *time.Location
	cur    span
	spans  []span // met so far, sorted by from
	starts [startSlots]start
}

// startSlots bounds the cache of day starts; a power of two well above the
// hundred days of a horizon and their look-back.
const startSlots = 512

// span is a stretch of time in which the zone's offset from UTC is constant.
type span struct {
	from, to int64 // Unix ms, half-open
	offset   int64 // ms to add to UTC
	begun    Day   // the latest day that had begun before from: none before it comes back
}

type start struct {
	day Day
	ms  int64
}

// NewCalendar returns a calendar of the zone.
func NewCalendar(loc *time.Location) *Calendar {
	c := &Calendar{loc: loc, cur: span{from: 1, to: 0}}
	for i := range c.starts {
		c.starts[i].day = math.MinInt32
	}
	return c
}

// Location is the calendar's zone.
func (c *Calendar) Location() *time.Location { return c.loc }

// Day returns the day of the moment ms, Unix milliseconds.
func (c *Calendar) Day(ms int64) Day {
	if ms < c.cur.from || ms >= c.cur.to {
		c.cur = c.span(ms)
	}
	return max(floorDay(ms+c.cur.offset), c.cur.begun)
}

// Hour returns how many whole hours the day of ms is old at ms, 0 to LastHour.
// They are hours that have passed, not hours on the clock: a day of 25 hours
// has 25 of them, and a day that begins at 01:00 begins with hour 0. What lies
// beyond the 25th hour of a still longer day counts as the 25th.
func (c *Calendar) Hour(ms int64) int { return c.HourOf(c.Day(ms), ms) }

// HourOf is Hour for whoever knows the day of ms.
func (c *Calendar) HourOf(d Day, ms int64) int {
	return int(min((ms-c.Start(d))/msHour, LastHour))
}

// Start returns the first moment of the day, Unix milliseconds. A civil date
// that the zone skips is empty: its start is the next day's.
func (c *Calendar) Start(d Day) int64 {
	s := &c.starts[uint32(d)%startSlots]
	if s.day != d {
		*s = start{day: d, ms: c.findStart(d)}
	}
	return s.ms
}

// findStart walks the spans around the day's midnight in UTC. No offset reaches
// two days, so two days earlier the day cannot have begun.
func (c *Calendar) findStart(d Day) int64 {
	midnight := int64(d) * msDay
	s := c.span(midnight - 2*msDay)
	for midnight-s.offset >= s.to {
		s = c.span(s.to)
	}
	return max(midnight-s.offset, s.from)
}

// span returns the span that holds ms.
func (c *Calendar) span(ms int64) span {
	i := sort.Search(len(c.spans), func(i int) bool { return c.spans[i].to > ms })
	if i < len(c.spans) && c.spans[i].from <= ms {
		return c.spans[i]
	}
	s := measure(ms, c.loc)
	c.spans = slices.Insert(c.spans, i, s)
	return s
}

// measure asks the zone for the span that holds ms.
func measure(ms int64, loc *time.Location) span {
	s := bounds(ms, loc)
	if s.from == math.MinInt64 {
		return s
	}
	before := bounds(s.from-1, loc)
	s.begun = floorDay(s.from - 1 + before.offset)
	// Where the span before is itself no longer than the day that may come
	// back, an earlier one may have begun that day.
	if before.from > s.from-2*msDay {
		s.begun = max(s.begun, measure(s.from-1, loc).begun)
	}
	return s
}

// bounds is measure without begun.
func bounds(ms int64, loc *time.Location) span {
	t := time.UnixMilli(ms).In(loc)
	_, offset := t.Zone()
	s := span{from: math.MinInt64, to: math.MaxInt64, offset: int64(offset) * 1000, begun: math.MinInt32}
	from, to := t.ZoneBounds()
	if !from.IsZero() {
		s.from = from.UnixMilli()
	}
	if !to.IsZero() {
		s.to = to.UnixMilli()
	}
	return s
}
