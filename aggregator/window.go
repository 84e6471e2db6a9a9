package aggregator

import "github.com/tidemark-io/tidemark/civil"

// window is what a figure of a day looks back on: a number of days that end
// with it, or, where days is 0, the calendar period that it lies in, up to it.
type window struct {
	days   int32
	period civil.Period // a month or a quarter
}

// after is the first day at or after which windows start from what held at the
// end of day d, or later: d + 30 for 30 days, the next month's first day for a
// month. It never falls as d rises.
func (e *emitter) after(w window, d int32) int32 {
	switch {
	case d == farFuture:
		return farFuture
	case w.days > 0:
		return d + w.days
	}
	_, next := e.periods.bounds(w.period, d)
	return next
}

// run follows one level of a record over rising days and emits what it was on
// stretches of them.
type run struct {
	slot  int
	since int32
	v     int64
}

// set says that from a day on the level is v. What holds before from is not emitted.
func (r *run) set(e *emitter, day, from int32, v int64) {
	if v == r.v {
		return
	}
	if r.v != 0 {
		e.level(r.slot, max(r.since, from), day, r.v)
	}
	r.since, r.v = day, v
}

// end says that the level stays what it is.
func (r *run) end(e *emitter, from int32) {
	if r.v != 0 {
		e.level(r.slot, max(r.since, from), farFuture, r.v)
	}
}
