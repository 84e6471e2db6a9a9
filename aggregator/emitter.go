package aggregator

import (
	"cmp"
	"slices"
)

// emitter collects what a record contributes, or the change of it, and adds it
// to the cells of the record's segments.
type emitter struct {
	cells  *cells
	sign   int64
	deltas []delta
	places places   // net's
	ever   [2]int64 // UsersEver, CustomersEver
}

type delta struct {
	slot int
	day  int32
	v    int64
}

// level emits v for the days [from, to); to is farFuture where it has no end.
func (e *emitter) level(slot int, from, to int32, v int64) {
	if from >= to || e.cells.started && to <= e.cells.first {
		return
	}
	e.deltas = append(e.deltas, delta{slot, from, e.sign * v})
	if to != farFuture {
		e.deltas = append(e.deltas, delta{slot, to, -e.sign * v})
	}
}

func (e *emitter) standing(k Counter, v int64) {
	if k == UsersEver {
		e.ever[0] += e.sign * v
	} else {
		e.ever[1] += e.sign * v
	}
}

// flush adds what was collected to the cells of the segments and forgets it.
func (e *emitter) flush(segs []int32) {
	e.sign = 1
	if len(e.deltas) == 0 && e.ever == [2]int64{} {
		return
	}
	for _, seg := range segs {
		if seg < 0 {
			continue
		}
		for _, d := range e.deltas {
			e.cells.add(seg, d.slot, d.day, d.v)
		}
		if e.ever[0] != 0 {
			e.cells.addStanding(seg, UsersEver, e.ever[0])
		}
		if e.ever[1] != 0 {
			e.cells.addStanding(seg, CustomersEver, e.ever[1])
		}
	}
	e.deltas, e.ever = e.deltas[:0], [2]int64{}
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
