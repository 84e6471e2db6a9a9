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
	e.lastHour(u.days.last(), lastHourOf(u.hours()), 1)
}

func (e *emitter) lastHour(day int32, hour int, v int64) {
	if day == noDay || day < e.cells.hours {
		return
	}
	e.stand(0, e.cells.known.hours[hour], day, v)
}

// moveHour is the change where a user is active in another hour of its last
// active day, of which hours were those before.
func (e *emitter) moveHour(segs []int32, u *user, day int32, hours uint32) {
	was, is := lastHourOf(hours), lastHourOf(u.hours())
	if was == is {
		return
	}
	for _, seg := range segs {
		if seg >= 0 {
			x := e.shapes.of(seg, day)
			x.hours[was]--
			x.hours[is]++
		}
	}
}

// lastHourOf is the last of a day's hours.
func lastHourOf(hours uint32) int { return max(bits.Len32(hours), 1) - 1 }
