package aggregator

import (
	"slices"
	"strconv"

	"github.com/tidemark-io/tidemark/event"
	names "github.com/tidemark-io/tidemark/segment"
)

// KV is a named value of a commit. A nil Value deletes it.
type KV struct {
	Name  string
	Value []byte
}

// cells holds a shard's rows that are not frozen, by segment. Values are
// changes from the day before; the opening row holds the levels of day first.
// Nothing but applying, freezing, expiry and rebuilding writes a cell.
type cells struct {
	started  bool   // first is known; before, all days lie in far
	first    int32  // F: the first day that is not frozen
	kinds    []Cell // by slot, from counterEnd on: cells with a currency or a label
	slots    map[Cell]int
	money    []moneySlots
	known    knownSlots
	hours    int32 // users whose last activity is of an earlier day are not counted by its hour
	segments []*segment
	byName   map[string]int32
	ofDim    map[string]int // by dimension: its segments, those without a row too
	free     []int32        // places of segments that are gone
	memory   int            // estimate of the bytes that rows take
	far      recent         // of the whole's
	dated    recent
	dirty    []rowRef
	frozen   []KV // rows written since the last commit
}

// near is how many days after first are found by index: a horizon's days and
// the coming ones that a window of 90 days reaches.
func near(horizon int32) int { return int(horizon) + 104 }

type segment struct {
	name     string
	dim      string // its dimension; "" for the whole, and for none
	opening  *row
	standing *row
	dated    map[int32]*row // standing on a day
	ring     []*row         // day first+i; index 0 is not used
	far      map[int32]*row
}

// recent are the rows of days of the whole that a map was last asked for, so that
// few events have to ask it.
type recent [64]struct {
	day int32
	r   *row // nil: none
}

func (x *recent) find(day int32) *row {
	if p := &x[uint32(day)%uint32(len(x))]; p.day == day {
		return p.r
	}
	return nil
}

func (x *recent) put(day int32, r *row) {
	p := &x[uint32(day)%uint32(len(x))]
	p.day, p.r = day, r
}

// forget has to be called when rows leave the map.
func (x *recent) forget() { *x = recent{} }

type rowRef struct {
	seg  int32
	kind byte // o, d, s, p
	day  int32
}

const farFuture = int32(1 << 30)

// newCells returns cells without a row. Kinds are those that have a slot from the
// beginning.
func newCells(horizon int32, kinds []Cell) *cells {
	c := &cells{slots: map[Cell]int{}, byName: map[string]int32{}, ofDim: map[string]int{}, hours: noDay}
	for _, x := range kinds {
		c.slotOf(x)
	}
	c.know()
	c.segment("", horizon)
	return c
}

// segment returns the index of the named segment, a new one where needed.
func (c *cells) segment(name string, horizon int32) int32 {
	if i, ok := c.byName[name]; ok {
		return i
	}
	g := &segment{name: name, dim: names.Dimension(name), dated: map[int32]*row{}, ring: make([]*row, near(horizon)), far: map[int32]*row{}}
	c.ofDim[g.dim]++
	c.memory += segmentBytes + len(name) + 8*len(g.ring)
	if n := len(c.free); n > 0 {
		i := c.free[n-1]
		c.free = c.free[:n-1]
		c.segments[i], c.byName[name] = g, i
		return i
	}
	i := int32(len(c.segments))
	c.segments = append(c.segments, g)
	c.byName[name] = i
	return i
}

// forget gives up segments that have no row and that nobody names: used says
// which some record does.
func (c *cells) forget(used map[int32]bool) {
	for _, ref := range c.dirty {
		used[ref.seg] = true
	}
	for i, g := range c.segments {
		if i == 0 || g.dim == "" || used[int32(i)] || !g.empty() {
			continue
		}
		c.ofDim[g.dim]--
		c.memory -= segmentBytes + len(g.name) + 8*len(g.ring)
		delete(c.byName, g.name)
		// Another segment may take the place. Until then it has a name that none has.
		c.segments[i] = &segment{name: "\x00" + strconv.Itoa(i)}
		c.free = append(c.free, int32(i))
	}
}

// slot is the index of a money counter's cell in a row's values.
func (c *cells) slot(k Counter, currency event.Currency) int {
	for i := range c.money { // nearly always the first
		if m := &c.money[i]; m.currency == currency {
			if m.at[k] == 0 {
				m.at[k] = int32(c.slotOf(Cell{Counter: k, Currency: currency}))
			}
			return int(m.at[k])
		}
	}
	c.money = append(c.money, moneySlots{currency: currency})
	return c.slot(k, currency)
}

// moneySlots are the slots of a currency's counters; 0: not met yet.
type moneySlots struct {
	currency event.Currency
	at       [counterEnd]int32
}

// slotOf is the index of a cell in a row's values. Cells with a currency or a
// label get theirs, after the plain counters, when they are first met.
func (c *cells) slotOf(x Cell) int {
	if !x.Counter.Money() && !x.Counter.Labelled() {
		return int(x.Counter)
	}
	slot, ok := c.slots[x]
	if !ok {
		slot = int(counterEnd) + len(c.kinds)
		c.kinds = append(c.kinds, x)
		c.slots[x] = slot
	}
	return slot
}

func (c *cells) cell(slot int) Cell {
	if slot < int(counterEnd) {
		return Cell{Counter: Counter(slot)}
	}
	return c.kinds[slot-int(counterEnd)]
}

// add changes one cell. A day at or before first goes into the opening: what
// changed on it or earlier is part of the level at first.
func (c *cells) add(seg int32, slot int, day int32, v int64) {
	s := c.segments[seg]
	var r *row
	ref := rowRef{seg: seg, day: day}
	switch {
	case !c.started:
		r, ref.kind = c.farRow(seg, day), 'd'
	case day <= c.first:
		if s.opening == nil {
			s.opening = c.newDay(seg)
		}
		r, ref.kind, ref.day = s.opening, 'o', 0
	case int(day-c.first) < len(s.ring):
		if s.ring[day-c.first] == nil {
			s.ring[day-c.first] = c.newDay(seg)
		}
		r, ref.kind = s.ring[day-c.first], 'd'
	default:
		r, ref.kind = c.farRow(seg, day), 'd'
	}
	c.bump(r, slot, v, ref)
}

// addWhole is add for the whole, in few steps where the day's row is changed already.
func (c *cells) addWhole(slot int, day int32, v int64) {
	if !c.addChanged(slot, day, v) {
		c.add(0, slot, day, v)
	}
}

// addChanged is addWhole where the day's row is changed already; false: it isn't,
// or the cell is not one of those side by side.
func (c *cells) addChanged(slot int, day int32, v int64) bool {
	var r *row
	if ring := c.segments[0].ring; !c.started {
		r = c.far.find(day)
	} else if i := int(day - c.first); i > 0 && i < len(ring) {
		r = ring[i]
	}
	if r == nil || !r.dirty || slot >= nearSlots {
		return false
	}
	r.near[slot] += v
	return true
}

func (c *cells) farRow(seg int32, day int32) *row {
	if seg == 0 {
		if r := c.far.find(day); r != nil {
			return r
		}
	}
	s := c.segments[seg]
	r := s.far[day]
	if r == nil {
		r = c.newDay(seg)
		s.far[day] = r
	}
	if seg == 0 {
		c.far.put(day, r)
	}
	return r
}

// addStanding changes a standing cell; day is noDay where it has none.
func (c *cells) addStanding(seg int32, slot int, day int32, v int64) {
	s := c.segments[seg]
	if day == noDay {
		if s.standing == nil {
			s.standing = c.newRow()
		}
		c.bump(s.standing, slot, v, rowRef{seg: seg, kind: 's'})
		return
	}
	var r *row
	if seg == 0 {
		r = c.dated.find(day)
	}
	if r == nil {
		if r = s.dated[day]; r == nil {
			r = c.newRow()
			s.dated[day] = r
		}
		if seg == 0 {
			c.dated.put(day, r)
		}
	}
	c.bump(r, slot, v, rowRef{seg: seg, kind: 'p', day: day})
}

// row finds the row of a reference; nil where there is none any more.
func (c *cells) row(ref rowRef) *row {
	s := c.segments[ref.seg]
	switch {
	case ref.kind == 's':
		return s.standing
	case ref.kind == 'p':
		return s.dated[ref.day]
	case ref.kind == 'o':
		return s.opening
	case c.started && ref.day <= c.first:
		return nil
	case c.started && int(ref.day-c.first) < len(s.ring):
		return s.ring[ref.day-c.first]
	}
	return s.far[ref.day]
}

// erase sets every row of a segment to zeros.
func (c *cells) erase(seg int32) {
	s := c.segments[seg]
	wipe := func(r *row, ref rowRef) {
		if r == nil {
			return
		}
		c.memory -= r.memory() - rowBytes
		r.near, r.chunks, r.values = nil, nil, nil
		if !r.dirty {
			r.dirty = true
			c.dirty = append(c.dirty, ref)
		}
	}
	wipe(s.opening, rowRef{seg: seg, kind: 'o'})
	wipe(s.standing, rowRef{seg: seg, kind: 's'})
	for day, r := range s.dated {
		wipe(r, rowRef{seg: seg, kind: 'p', day: day})
	}
	for i, r := range s.ring {
		wipe(r, rowRef{seg: seg, kind: 'd', day: c.first + int32(i)})
	}
	for day, r := range s.far {
		wipe(r, rowRef{seg: seg, kind: 'd', day: day})
	}
}

// empty says whether the segment has no row at all.
func (s *segment) empty() bool {
	return s.opening == nil && s.standing == nil && len(s.far) == 0 && len(s.dated) == 0 &&
		!slices.ContainsFunc(s.ring, func(r *row) bool { return r != nil })
}

// zero says whether no row of the segment has a value.
func (s *segment) zero() bool {
	has := func(r *row) bool { return r != nil && !r.zero() }
	if has(s.opening) || has(s.standing) || slices.ContainsFunc(s.ring, has) {
		return false
	}
	for _, rows := range []map[int32]*row{s.dated, s.far} {
		for _, r := range rows {
			if has(r) {
				return false
			}
		}
	}
	return true
}
