package aggregator

import (
	"time"

	"github.com/tidemark-io/tidemark/civil"
)

// lifecycle: users by what they were in the period before, per day, week and
// month, and active users of a calendar quarter.
//
// A user who is active in a period is new there (the first activity ever lies in
// it), returning (active in the period before, too) or resurrecting (neither),
// from its first active day of the period to the period's end. Whoever was active
// in a period is counted over the next one as "was", so that the dormant of a day
// are "was" less returning, both of the same row. Which of the three it is
// depends on the first active day ever, on whether the period before had one, and
// on nothing else; a day that comes between others changes at most its own period
// and the one of the next active day.

// lifecycle are the counters of one kind of period. resurrecting is 0 where it
// is derived on reading: active less new less returning.
type lifecycle struct {
	period                       civil.Period
	fresh, returning, resurrects int
	was                          int
}

var lifecycles = [3]lifecycle{
	{civil.PeriodDay, int(NewDay), int(ReturningDay), 0, int(WasDay)},
	{civil.Week, int(NewWeek), int(ReturningWeek), int(ResurrectingWeek), int(WasWeek)},
	{civil.Month, int(NewMonth), int(ReturningMonth), 0, int(WasMonth)},
}

// periods finds the calendar periods of days; the last one of each kind is
// remembered, since most days lie in the running one.
type periods struct {
	weekStart time.Weekday
	known     [civil.Quarter + 1]dayspan
	near      running
	numbers   [civil.Quarter + 1][256]numbered // by day
}

// numbered says that a day lies in the period that begins on first, the n-th
// since that of 1970-01-01.
type numbered struct {
	known         bool
	day, first, n int32
}

// number is the period that a day lies in, by its first day and its number.
func (p *periods) number(kind civil.Period, d int32) (first, n int32) {
	x := &p.numbers[kind][uint32(d)%256]
	if x.day != d || !x.known {
		*x = numbered{known: true, day: d, n: kind.Between(0, d, p.weekStart)}
		x.first, _ = kind.Bounds(d, p.weekStart)
	}
	return x.first, x.n
}

// running are the beginnings of the periods that a day lies in.
type running struct {
	known            bool
	day, week, month int32
}

// of is the same for a day, mostly that of the event before.
func (p *periods) of(d int32) *running {
	if p.near.day != d || !p.near.known {
		p.find(d)
	}
	return &p.near
}

func (p *periods) find(d int32) {
	p.near = running{known: true, day: d}
	p.near.week, _ = p.bounds(civil.Week, d)
	p.near.month, _ = p.bounds(civil.Month, d)
}

func (p *periods) bounds(kind civil.Period, d int32) (first, next int32) {
	if kind == civil.PeriodDay {
		return d, d + 1
	}
	k := &p.known[kind]
	if d < k.from || d >= k.to {
		k.from, k.to = kind.Bounds(d, p.weekStart)
	}
	return k.from, k.to
}

// before is the first day of the period before the one that begins on first.
func (p *periods) before(kind civil.Period, first int32) int32 {
	switch kind {
	case civil.PeriodDay:
		return first - 1
	case civil.Week:
		return first - 7
	}
	return kind.Add(first, -1, p.weekStart)
}

// after is the end of the period that begins on next.
func (p *periods) after(kind civil.Period, next int32) int32 {
	switch kind {
	case civil.PeriodDay:
		return next + 1
	case civil.Week:
		return next + 7
	}
	return kind.Add(next, 1, p.weekStart)
}

// class is the counter of a user whose first active day of a period is d.
func (l *lifecycle) class(s *dayset, ever, first, before, d int32) int {
	switch {
	case ever >= first:
		return l.fresh
	case s.prev(d) >= before:
		return l.returning
	}
	return l.resurrects
}

// contributeLifecycle is what a user's days contribute, from the beginning of
// the look-back.
func (e *emitter) contributeLifecycle(u *user, from int32) {
	for i := range lifecycles {
		l := &lifecycles[i]
		for d := u.days.next(from - 1); d != farFuture; {
			first, next := e.periods.bounds(l.period, d)
			e.stored(l.class(&u.days, u.first, first, e.periods.before(l.period, first), d), d, next, 1)
			e.level(l.was, next, e.periods.after(l.period, next), 1)
			d = u.days.next(next - 1)
		}
	}
	for d := u.days.next(from - 1); d != farFuture; {
		_, next := e.periods.bounds(civil.Quarter, d)
		e.level(int(UsersActiveQuarter), d, next, 1)
		d = u.days.next(next - 1)
	}
}

// stored is level, but not for a counter that is derived on reading.
func (e *emitter) stored(slot int, from, to int32, v int64) {
	if slot != 0 {
		e.level(slot, from, to, v)
	}
}

// addLifecycle is the change that a new active day makes. The day is in the set
// already, and ever is the first active day before it came, noDay for none.
func (e *emitter) addLifecycle(s *dayset, d, ever int32) {
	p, q := s.prev(d), s.next(d)
	for i := range lifecycles {
		l := &lifecycles[i]
		first, next := e.periods.bounds(l.period, d)
		if p >= first {
			continue // active in the period before d already
		}
		now := ever
		if now == noDay || d < now {
			now = d
		}
		class := l.class(s, now, first, e.periods.before(l.period, first), d)
		if q < next {
			e.stored(class, d, q, 1) // active in it later: now earlier
			continue
		}
		e.stored(class, d, next, 1)
		after := e.periods.after(l.period, next)
		e.level(l.was, next, after, 1)
		switch {
		case q < after: // the next period's was new or resurrecting
			if ever >= next {
				e.stored(l.fresh, q, after, -1)
			} else {
				e.stored(l.resurrects, q, after, -1)
			}
			e.stored(l.returning, q, after, 1)
		case ever > d: // q, where it was new
			_, end := e.periods.bounds(l.period, q)
			e.stored(l.fresh, q, end, -1)
			e.stored(l.resurrects, q, end, 1)
		}
	}
	if first, next := e.periods.bounds(civil.Quarter, d); p < first {
		e.level(int(UsersActiveQuarter), d, min(q, next), 1)
	}
}
