package aggregator

import "math/bits"

// Trailing hours: users by the day and the hour of their last activity, for the
// figures of the last 24 hours, 7 and 30 days. They stand on that day, and are
// for now only.
//
// The longest of these windows has 30 days, so whoever was last active more than
// hoursKept days before the watermark's is not counted by its hour: as days pass,
// whole rows are dropped, and no record has to be touched.

// hoursKept leaves room beyond 30 days for shards whose watermark is ahead of the
// company's.
const hoursKept = 40

// hoursADay are the hours that are told apart: the longest day has 25.
const hoursADay = 25

// contributeHour is what a user's last hour contributes.
func (e *emitter) contributeHour(u *user) {
	e.lastHour(u.days.last(), lastHourOf(u.hours), 1)
}

func (e *emitter) lastHour(day int32, hour int, v int64) {
	if day == noDay || day < e.cells.hours {
		return
	}
	e.stand(0, e.cells.known.hours[hour], day, v)
}

// moveHour is the change from a user's last day and hours to those it has now.
func (e *emitter) moveHour(segs []int32, u *user, day int32, hours uint32) {
	last := u.days.last()
	was, is := lastHourOf(hours), lastHourOf(u.hours)
	if day == last && was == is {
		return
	}
	if day != noDay {
		e.shapes.countHour(segs, day, int32(was), -1)
	}
	e.shapes.countHour(segs, last, int32(is), 1)
}

// lastHourOf is the last of a day's hours.
func lastHourOf(hours uint32) int { return max(bits.Len32(hours), 1) - 1 }
