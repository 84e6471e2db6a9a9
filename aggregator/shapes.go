package aggregator

import "github.com/tidemark-io/tidemark/civil"

// Most logins are a user's first of a day and come after all its others. What such
// a day changes of the counters by windows and periods depends on nothing but the
// day and on how long before the last active one was. So it is only counted how
// often each of these shapes occurs, and the cells change once for all users of a
// shape: before time moves on, or the changes are handed over, or a segment that
// has shapes could go. The same goes for customers, for the hours of users' last
// activity, for their days of a month, and for cohorts.

const (
	firstEver = 0    // in place of a gap: there was no day before, ever
	longAgo   = 93   // days from which on gaps are alike: more than a quarter has
	nearby    = 32   // periods after the first one that are counted here
	maxShapes = 2048 // that wait for the cells, about 3 MB
)

// shape is how many users and customers of a segment were active on a day, by the
// days since they last were.
type shape struct {
	seg, day         int32
	users, customers [longAgo + 1]int32
	month            [32]int32        // users by their number of active days in its month, with it
	since            [2][nearby]int32 // users for whom it is the first of a week or month, by how many after their first
	// How many more than in the cells: users whose last active day it is, by the
	// hour; of those of whose first week or month it is the beginning, by their last.
	hours [hoursADay]int32
	last  [2][nearby]int32
}

type shapes struct {
	list  []shape
	at    map[rowRef]int
	whole [256]int32 // of list: by day, the whole's
}

// of is the shape of a segment's day.
func (x *shapes) of(seg, d int32) *shape {
	near := &x.whole[uint32(d)%uint32(len(x.whole))]
	if i := int(*near); seg == 0 && i < len(x.list) && x.list[i].day == d && x.list[i].seg == 0 {
		return &x.list[i]
	}
	ref := rowRef{seg: seg, day: d}
	i, ok := x.at[ref]
	if !ok {
		if x.at == nil {
			x.at = map[rowRef]int{}
		}
		i = len(x.list)
		x.list = append(x.list, shape{seg: seg, day: d})
		x.at[ref] = i
	}
	if seg == 0 {
		*near = int32(i)
	}
	return &x.list[i]
}

// countUser counts a user whose last active day is d now. It is in the record
// already; ever, last and hours are the first day, the last one and its hours
// before it came, noDay for none.
func (e *emitter) countUser(segs []int32, u *user, d, ever, last int32, hours uint32) {
	gap := min(d-last, longAgo)
	if ever == noDay {
		gap = firstEver
	}
	month, hour, before := u.days.count(e.periods.of(d).month-1, d), lastHourOf(u.hours()), lastHourOf(hours)
	for _, seg := range segs {
		if seg < 0 {
			continue
		}
		x := e.shapes.of(seg, d)
		x.users[gap]++
		x.month[month]++
		x.hours[hour]++
		if last != noDay {
			e.shapes.of(seg, last).hours[before]--
		}
	}
}

// countCohorts counts the same user in its cohorts.
func (e *emitter) countCohorts(segs []int32, d, ever, last int32) {
	near := e.periods.of(d)
	if last < near.week {
		e.countCohort(segs, 0, d, ever, last)
	}
	if last < near.month {
		e.countCohort(segs, 1, d, ever, last)
	}
}

// countCohort counts a user whose last active day d is the first one of its week
// or month: those of the cohort's kind.
func (e *emitter) countCohort(segs []int32, kind int, d, ever, last int32) {
	period := cohortPeriods[kind]
	begins, now := e.periods.number(period, d)
	periods, before := int32(0), int32(0)
	if ever != noDay {
		first, from := e.periods.number(period, ever)
		_, was := e.periods.number(period, last)
		begins, periods, before = first, min(now-from, maxPeriods), min(was-from, maxPeriods)
	}
	if periods >= nearby {
		c := e.cohortKinds()[kind]
		_, next := e.periods.bounds(period, d)
		e.scoped(toCohort, e.cells.since(c.slots, periods), d, next, 1)
		e.stand(toCohort, e.cells.lastSince(c.slots, before), begins, -1)
		e.stand(toCohort, e.cells.lastSince(c.slots, periods), begins, 1)
		return
	}
	for place, seg := range segs {
		if seg < 0 || !e.takes(place, toCohort) {
			continue
		}
		e.shapes.of(seg, d).since[kind][periods]++
		y := &e.shapes.of(seg, begins).last[kind]
		y[periods]++
		if last != noDay {
			y[before]--
		}
	}
}

// countCustomer counts a customer who is active on d for the first time since
// another day, noDay for none.
func (x *shapes) countCustomer(segs []int32, d, before int32) {
	for _, seg := range segs {
		if seg >= 0 {
			x.of(seg, d).customers[min(d-before, longAgo)]++
		}
	}
}

// spend adds to the cells what has been counted.
func (e *emitter) spend() {
	for i := range e.shapes.list {
		x := &e.shapes.list[i]
		e.straight = x.seg == 0
		for gap, n := range x.users {
			if n > 0 {
				e.addShape(x.day, int32(gap), int64(n))
			}
		}
		for gap, n := range x.customers {
			if n > 0 {
				e.addWindows(customerWindows[:], x.day, x.day-int32(gap), int64(n))
			}
		}
		for hour, n := range x.hours {
			if n != 0 {
				e.lastHour(x.day, hour, int64(n))
			}
		}
		e.spendPeriods(x)
		e.flush([]int32{x.seg})
	}
	e.shapes.list = e.shapes.list[:0]
	clear(e.shapes.at)
	for i := range e.l30 {
		e.spendL30(&e.l30[i])
	}
}

// spendPeriods adds what was counted of months and cohorts.
func (e *emitter) spendPeriods(x *shape) {
	for days, n := range x.month {
		if n > 0 {
			_, next := e.periods.bounds(civil.Month, x.day)
			e.level(e.cells.known.atLeastMonth[days], x.day, next, int64(n))
		}
	}
	for i, c := range e.cohortKinds() {
		for periods, n := range x.since[i] {
			if n > 0 {
				_, next := e.periods.bounds(c.period, x.day)
				e.scoped(toCohort, e.cells.since(c.slots, int32(periods)), x.day, next, int64(n))
			}
		}
		for periods, n := range x.last[i] {
			if n != 0 {
				e.stand(toCohort, e.cells.lastSince(c.slots, int32(periods)), x.day, int64(n))
			}
		}
	}
}

// addWindows is what n users or customers come to who were active on day d and
// not since the day before.
func (e *emitter) addWindows(windows []activeWindow, d, before int32, n int64) {
	for i := range windows {
		w := windows[i].days
		e.level(windows[i].slot, max(d, before+w), d+w, n)
	}
}

// addShape is what n users come to who were active on day d and not in the gap
// before it.
func (e *emitter) addShape(d, gap int32, n int64) {
	before, ever := d-gap, noDay+1
	switch gap {
	case firstEver:
		before, ever = noDay, d
	case longAgo:
		before = noDay
	}
	if ever == d {
		e.standing(UsersEver, n)
	}
	e.addWindows(userWindows[:], d, before, n)
	e.level(int(UserDays30), d, d+30, n)
	for i := range lifecycles {
		l := &lifecycles[i]
		first, next := e.periods.bounds(l.period, d)
		if before >= first {
			continue
		}
		class := l.resurrects
		switch {
		case ever == d:
			class = l.fresh
		case before >= e.periods.before(l.period, first):
			class = l.returning
		}
		e.stored(class, d, next, n)
		e.level(l.was, next, e.periods.after(l.period, next), n)
	}
	if first, next := e.periods.bounds(civil.Quarter, d); before < first {
		e.level(int(UsersActiveQuarter), d, next, n)
	}
}
