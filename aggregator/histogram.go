package aggregator

import "github.com/tidemark-io/tidemark/civil"

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

// addToHistograms is the change that a new active day makes; it is in the set
// already.
func (e *emitter) addToHistograms(s *dayset, d int32) {
	if s.next(d) == farFuture {
		e.addLastToL30(s, d)
	} else {
		e.addToL30(s, d)
	}
	// Of the month's days from d on each becomes the one after.
	first, next := e.periods.bounds(civil.Month, d)
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
