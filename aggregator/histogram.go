package aggregator

import (
	"math/bits"

	"github.com/tidemark-io/tidemark/civil"
)

// Histograms of active days: users by their number of active days in the 30 days
// ending on a day (L30, for the whole), and in the calendar month to date (for
// the whole and for segments).
//
// What is kept is how many users have at least N days: a user whose number goes
// from 4 to 5 is one more in "at least 5", where by exact number it would leave
// one bucket and enter another. The bucket of exactly N is "at least N" less "at
// least N+1" of the same row.

const rolling = 30 // days of L30

// contributeHistograms is what a user's days contribute, from the beginning of
// the look-back.
func (e *emitter) contributeHistograms(s *dayset, from int32) {
	// The number of days in the window rises with each active day and falls 30
	// days after it: at least n holds from a rise to n to the next fall from it.
	var since [rolling + 1]int32
	n := 0
	rise := s.next(from - 1)
	fall := rise
	for fall != farFuture {
		switch {
		case rise == fall+rolling:
			rise, fall = s.next(rise), s.next(fall)
		case rise < fall+rolling:
			n++
			since[n] = rise
			rise = s.next(rise)
		default:
			e.scoped(toWhole, e.cells.known.atLeast30[n], since[n], fall+rolling, 1)
			n--
			fall = s.next(fall)
		}
	}
	for d := s.next(from - 1); d != farFuture; {
		_, next := e.periods.bounds(civil.Month, d)
		for i := 1; d < next; i++ {
			e.level(e.cells.known.atLeastMonth[i], d, next, 1)
			d = s.next(d)
		}
	}
}

// addToHistograms is the change that a new active day makes that is not the last;
// it is in the set already.
func (e *emitter) addToHistograms(s *dayset, d int32) {
	first, next := e.periods.bounds(civil.Month, d)
	e.addToL30(s, d)
	// Of the month's days from d on each becomes the one after.
	for i := s.count(first-1, d); d < next; i++ {
		q := s.next(d)
		e.level(e.cells.known.atLeastMonth[i], d, min(q, next), 1)
		d = q
	}
}

// addToL30 is the change of L30 that a new active day makes anywhere.
func (e *emitter) addToL30(s *dayset, d int32) {
	slots := e.cells.known.atLeast30
	n := s.count(d-rolling, d) // with d: of this many it is one more
	end := d + rolling
	rise, fall := s.next(d), s.next(d-rolling)
	for at := d; at < end; {
		was := n
		to := end
		for was == n && (rise < end || fall < d) { // up to where the number changes
			to = end
			if fall < d {
				to = fall + rolling
			}
			to = min(to, rise)
			if rise == to {
				n++
				rise = s.next(rise)
			}
			if fall < d && fall+rolling == to {
				n--
				fall = s.next(fall)
			}
		}
		if was == n {
			to = end
		}
		e.scoped(toWhole, slots[was], at, to, 1)
		at = to
	}
}

// As with shapes, what a user's new last day changes of L30 is counted first and
// reaches the cells later. It is a rise to some number of days; and as each of the
// days before it leaves the window, what was a fall from n-1 days is one from n
// now: one more in "at least n-1" and one less in "at least n".

// l30Day is how often the numbers of active days rise to n and shift from n on a
// day.
type l30Day struct {
	day        int32
	used       bool
	rise, fall [rolling + 1]int32
}

// l30 are the days that logins of a few weeks concern. What is in the way of
// another day goes into the cells.
type l30 [64]l30Day

func (e *emitter) l30At(day int32) *l30Day {
	x := &e.l30[uint32(day)%uint32(len(e.l30))]
	if x.day != day || !x.used {
		e.turnL30(x, day)
	}
	return x
}

// turnL30 takes a place for another day.
func (e *emitter) turnL30(x *l30Day, day int32) {
	e.spendL30(x)
	x.day, x.used = day, true
}

// addLastToL30 is the change of L30 where the new active day is the last one; it
// is in the set already.
func (e *emitter) addLastToL30(s *dayset, d int32) {
	days := s.before(d) & (1<<(rolling-1) - 1) // bit j is day d-1-j
	e.l30At(d + rolling).fall[1]++
	n := 1
	for ; days != 0; days &= days - 1 { // from the latest to the oldest
		day := d - 1 - int32(bits.TrailingZeros64(days)) + rolling
		x := &e.l30[uint32(day)%uint32(len(e.l30))]
		if x.day != day || !x.used { // l30At, which is too much to be inlined
			e.turnL30(x, day)
		}
		n++
		x.fall[n]++
	}
	e.l30At(d).rise[n]++
}

func (e *emitter) spendL30(x *l30Day) {
	if !x.used {
		return
	}
	slots := e.cells.known.atLeast30
	for n := 1; n <= rolling; n++ {
		if v := x.rise[n] - x.fall[n]; v != 0 {
			e.cells.addWhole(slots[n], x.day, int64(v))
		}
		if v := x.fall[n]; v != 0 && n > 1 {
			e.cells.addWhole(slots[n-1], x.day, int64(v))
		}
	}
	*x = l30Day{day: x.day}
}
