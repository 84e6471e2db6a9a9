package aggregator

import (
	"cmp"
	"slices"
)

// emitter collects what a record contributes, or the change of it, and adds it
// to the cells of the record's segments.
type emitter struct {
	cells   *cells
	sign    int64
	deltas  []delta
	places  places // net's
	cohorts []bool // by place among a record's segments, the whole first: takes cohorts; nil: only the whole does
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
	if from >= to || e.cells.started && to <= e.cells.first {
		return
	}
	e.deltas = append(e.deltas, delta{slot, from, 0, e.sign * v})
	if to != farFuture {
		e.deltas = append(e.deltas, delta{slot, to, 0, -e.sign * v})
	}
}

// scoped is level for a counter that not every segment has.
func (e *emitter) scoped(to scope, slot int, from, until int32, v int64) {
	if from >= until || e.cells.started && until <= e.cells.first {
		return
	}
	e.deltas = append(e.deltas, delta{slot, from, to, e.sign * v})
	if until != farFuture {
		e.deltas = append(e.deltas, delta{slot, until, to, -e.sign * v})
	}
}

func (e *emitter) standing(k Counter, v int64) { e.stand(0, int(k), noDay, v) }

// stand emits v for a standing cell, on a day or, with noDay, on none.
func (e *emitter) stand(to scope, slot int, day int32, v int64) {
	e.deltas = append(e.deltas, delta{slot, day, to | toStand, e.sign * v})
}

// flush adds what was collected to the cells of the segments and forgets it.
func (e *emitter) flush(segs []int32) {
	e.sign = 1
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
	switch n := len(e.deltas); {
	case n < 2:
		return
	case n > maxPlaces:
		e.sortAndSum()
	default:
		e.sum()
	}
	e.deltas = slices.DeleteFunc(e.deltas, func(d delta) bool { return d.v == 0 })
}

func (e *emitter) sum() {
	e.places.clear()
	n := 0
	for _, d := range e.deltas {
		if i := e.places.find(d, e.deltas, n); i < n {
			e.deltas[i].v += d.v
			continue
		}
		e.deltas[n] = d
		n++
	}
	e.deltas = e.deltas[:n]
}

func (e *emitter) sortAndSum() {
	slices.SortFunc(e.deltas, func(a, b delta) int { return cmp.Or(cmp.Compare(a.day, b.day), cmp.Compare(a.slot, b.slot)) })
	n := 0
	for _, d := range e.deltas[1:] {
		if last := &e.deltas[n]; last.slot == d.slot && last.day == d.day {
			last.v += d.v
			continue
		}
		n++
		e.deltas[n] = d
	}
	e.deltas = e.deltas[:n+1]
}

// places finds deltas by slot and day: an open hash table, small enough for the
// nearest cache. What an earlier round wrote counts as empty.
type places struct {
	at    [4 * maxPlaces]uint16
	round [4 * maxPlaces]uint16
	now   uint16
}

// maxPlaces is how many deltas places takes; what is more is sorted.
const maxPlaces = 256

func (p *places) clear() {
	if p.now++; p.now == 0 {
		p.round, p.now = [4 * maxPlaces]uint16{}, 1
	}
}

// find is the index of the delta of the same cell among the first n, or n, which
// is then taken for it.
func (p *places) find(d delta, all []delta, n int) int {
	h := (uint32(d.day)*31 + uint32(d.slot)) * 0x9E3779B1 >> 22
	for ; p.round[h] == p.now; h = (h + 1) % uint32(len(p.at)) {
		if x := &all[p.at[h]]; x.day == d.day && x.slot == d.slot {
			return int(p.at[h])
		}
	}
	p.round[h], p.at[h] = p.now, uint16(n)
	return n
}
