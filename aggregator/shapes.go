package aggregator

import "github.com/tidemark-io/tidemark/civil"

// Most logins are a user's first of a day and come after all its others. What such
// a day changes of the counters by windows and periods depends on nothing but the
// day and on how long before the last active one was. So it is only counted how
// often each of these shapes occurs, and the cells change once for all users of a
// shape: before time moves on, or the changes are handed over, or a segment that
// has shapes could go.

const (
	firstEver = 0  // in place of a gap: there was no day before, ever
	longAgo   = 93 // days from which on gaps are alike: more than a quarter has
)

// shape is how many users of a segment were active on a day, by the days since
// they last were.
type shape struct {
	seg, day int32
	users    [longAgo + 1]int32
}

type shapes struct {
	list []shape
	at   map[rowRef]int
	last int // of list: the one that was asked for last
}

// count counts a user who is active on d for the first time since another day,
// ever for the first time where that is noDay.
func (x *shapes) count(seg, d, before, ever int32) {
	if x.last >= len(x.list) || x.list[x.last].seg != seg || x.list[x.last].day != d {
		x.find(seg, d)
	}
	gap := min(d-before, longAgo)
	if ever == noDay {
		gap = firstEver
	}
	x.list[x.last].users[gap]++
}

func (x *shapes) find(seg, d int32) {
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
	x.last = i
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
		e.flush([]int32{x.seg})
	}
	e.shapes.list = e.shapes.list[:0]
	clear(e.shapes.at)
	for i := range e.l30 {
		e.spendL30(&e.l30[i])
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
	for i := range userWindows {
		w := userWindows[i].days
		e.level(userWindows[i].slot, max(d, before+w), d+w, n)
	}
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
