package aggregator

import (
	"math/bits"
	"slices"
)

// emitter collects what a record contributes, or the change of it, and adds it
// to the cells of the record's segments.
type emitter struct {
	cells   *cells
	periods periods
	sign    int64
	from    int32 // what holds before this day is left out, until the next flush
	// straight: what is emitted goes into the whole's rows at once, since there is
	// no other segment that it belongs to and nothing to take from it again.
	straight bool
	// alone: the record counts under the whole alone, so what is emitted of it goes
	// at once into rows that are changed already. The others wait for net, lest a
	// row is written for what is taken from it again.
	alone   bool
	deltas  []delta
	shapes  shapes
	l30     l30
	places  places // net's
	cohorts []bool // by place among a record's segments, the whole first: takes cohorts
	// satisfied is the least score of a satisfied answer on 1–5, thousandths.
	satisfied int32
}

func newEmitter(c *cells, o *Options) *emitter {
	return &emitter{cells: c, sign: 1, from: noDay, periods: periods{weekStart: o.WeekStart}, cohorts: cohortPlaces(o), satisfied: o.Satisfied}
}

type delta struct {
	slot int
	day  int32 // noDay: standing without a day
	to   scope
	v    int64
}

// scope says into which segments' rows a delta goes, and into which kind of row;
// the slot decides it.
type scope uint8

const (
	toWhole  scope = 1 << iota // only the whole's
	toCohort                   // the whole's, and those for which cohorts are asked
	toStand                    // into a standing row
)

// level emits v for the days [from, to); to is farFuture where it has no end.
func (e *emitter) level(slot int, from, to int32, v int64) {
	from = max(from, e.from)
	if from >= to || e.cells.started && to <= e.cells.first {
		return
	}
	if e.straight {
		e.cells.addWhole(slot, from, e.sign*v)
		if to != farFuture {
			e.cells.addWhole(slot, to, -e.sign*v)
		}
		return
	}
	e.collect(slot, from, 0, e.sign*v)
	if to != farFuture {
		e.collect(slot, to, 0, -e.sign*v)
	}
}

// collect keeps a change until the next flush, where it has to wait for that.
func (e *emitter) collect(slot int, day int32, to scope, v int64) {
	if !e.alone || !e.cells.addChanged(slot, day, v) {
		e.deltas = append(e.deltas, delta{slot, day, to, v})
	}
}

// scoped is level for a counter that not every segment has.
func (e *emitter) scoped(to scope, slot int, from, until int32, v int64) {
	if e.straight {
		e.level(slot, from, until, v)
		return
	}
	from = max(from, e.from)
	if from >= until || e.cells.started && until <= e.cells.first {
		return
	}
	e.collect(slot, from, to, e.sign*v)
	if until != farFuture {
		e.collect(slot, until, to, -e.sign*v)
	}
}

func (e *emitter) standing(k Counter, v int64) { e.stand(0, int(k), noDay, v) }

// stand emits v for a standing cell, on a day or, with noDay, on none.
func (e *emitter) stand(to scope, slot int, day int32, v int64) {
	if e.straight {
		e.cells.addStanding(0, slot, day, e.sign*v)
		return
	}
	e.deltas = append(e.deltas, delta{slot, day, to | toStand, e.sign * v})
}

// flush adds what was collected to the cells of the segments and forgets it.
func (e *emitter) flush(segs []int32) {
	e.sign, e.from, e.straight, e.alone = 1, noDay, false, false
	for i, seg := range segs {
		if seg < 0 {
			continue
		}
		for k := range e.deltas {
			d := &e.deltas[k]
			switch {
			case d.to == 0:
				e.cells.add(seg, d.slot, d.day, d.v)
			case !e.takes(i, d.to):
			case d.to&toStand != 0:
				e.cells.addStanding(seg, d.slot, d.day, d.v)
			default:
				e.cells.add(seg, d.slot, d.day, d.v)
			}
		}
	}
	e.deltas = e.deltas[:0]
}

// takes says whether the segment at a place among a record's takes a scope's deltas.
func (e *emitter) takes(place int, to scope) bool {
	switch {
	case place == 0 || to&(toWhole|toCohort) == 0:
		return true
	case to&toWhole != 0:
		return false
	}
	return place < len(e.cohorts) && e.cohorts[place]
}

// net adds up what was collected for the same cell, so that an old contribution
// taken back and a new one that is nearly the same touch few rows.
func (e *emitter) net() {
	if len(e.deltas) < 2 {
		return
	}
	e.places.clear(len(e.deltas))
	n := 0
	for _, d := range e.deltas {
		if i := e.places.find(d, e.deltas, n); i < n {
			e.deltas[i].v += d.v
			continue
		}
		e.deltas[n] = d
		n++
	}
	e.deltas = slices.DeleteFunc(e.deltas[:n], func(d delta) bool { return d.v == 0 })
}

// places finds deltas by slot and day: an open hash table. It uses no more of
// itself than the deltas at hand need, so that small ones stay in the nearest
// cache; what an earlier round wrote counts as empty.
type places struct {
	slots []struct{ round, at uint32 }
	now   uint32
	shift uint8 // of a hash of 32 bits
}

// clear makes room for n deltas.
func (p *places) clear(n int) {
	size := bits.Len(uint(max(n, 16))) + 1 // a quarter to a half is taken
	if 1<<size > len(p.slots) {
		p.slots, p.now = make([]struct{ round, at uint32 }, 1<<size), 0
	}
	p.shift = uint8(32 - size)
	if p.now++; p.now == 0 {
		clear(p.slots)
		p.now = 1
	}
}

// find is the index of the delta of the same cell among the first n, or n, which
// is then taken for it.
func (p *places) find(d delta, all []delta, n int) int {
	mask := uint32(1)<<(32-p.shift) - 1
	h := (uint32(d.day)*31 + uint32(d.slot)) * 0x9E3779B1 >> p.shift
	for ; p.slots[h].round == p.now; h = (h + 1) & mask {
		if x := &all[p.slots[h].at]; x.day == d.day && x.slot == d.slot {
			return int(p.slots[h].at)
		}
	}
	p.slots[h].round, p.slots[h].at = p.now, uint32(n)
	return n
}
