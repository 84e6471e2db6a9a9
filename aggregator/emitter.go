package aggregator

import "slices"

// emitter collects what a record contributes, or the change of it, and adds it
// to the cells of the record's segments.
type emitter struct {
	cells  *cells
	sign   int64
	deltas []delta
	grid   []int64  // net's
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

// The grid that net adds up in: so many days from the earliest of the deltas,
// and slots. What doesn't fit (far days, many currencies) is sorted instead.
const (
	gridDays  = 512
	gridSlots = 48
)

// net adds up what was collected for the same cell, so that an old contribution
// taken back and a new one that is nearly the same touch few rows.
func (e *emitter) net() {
	if len(e.deltas) < 2 {
		return
	}
	first, last, slots := farFuture, noDay, 0
	for i := range e.deltas {
		d := &e.deltas[i]
		first, last, slots = min(first, d.day), max(last, d.day), max(slots, d.slot)
	}
	if last-first >= gridDays || slots >= gridSlots {
		e.netBySorting()
		return
	}
	if e.grid == nil {
		e.grid = make([]int64, gridDays*gridSlots) // all zeros between calls
	}
	for i := range e.deltas {
		d := &e.deltas[i]
		e.grid[int(d.day-first)*gridSlots+d.slot] += d.v
	}
	n := 0
	for _, d := range e.deltas {
		if v := &e.grid[int(d.day-first)*gridSlots+d.slot]; *v != 0 {
			e.deltas[n] = delta{d.slot, d.day, *v}
			n++
			*v = 0
		}
	}
	e.deltas = e.deltas[:n]
}

func (e *emitter) netBySorting() {
	slices.SortFunc(e.deltas, func(a, b delta) int {
		if a.day != b.day {
			return int(a.day) - int(b.day)
		}
		return a.slot - b.slot
	})
	n := 0
	for _, d := range e.deltas {
		if n > 0 && e.deltas[n-1].slot == d.slot && e.deltas[n-1].day == d.day {
			e.deltas[n-1].v += d.v
			continue
		}
		if n > 0 && e.deltas[n-1].v == 0 {
			n--
		}
		e.deltas[n] = d
		n++
	}
	if n > 0 && e.deltas[n-1].v == 0 {
		n--
	}
	e.deltas = e.deltas[:n]
}
