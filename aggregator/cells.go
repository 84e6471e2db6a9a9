package aggregator

import (
	"iter"
	"maps"
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

// row is the values of a row by slot. Those of the whole lie in chunks, since
// nearly every event changes some; a segment's row has fewer, and there are very
// many of those, so they are a sorted list.
type row struct {
	chunks []*chunk
	values []value
	dirty  bool
}

const chunkSlots = 8 // a line of the cache

type chunk [chunkSlots]int64

type value struct {
	slot int32
	v    int64
}

// memory is an estimate of the bytes that the row takes.
func (r *row) memory() int {
	n := rowBytes + valueBytes*cap(r.values) + 8*cap(r.chunks)
	for _, k := range r.chunks {
		if k != nil {
			n += chunkBytes
		}
	}
	return n
}

// at is the value of a slot.
func (r *row) at(slot int) int64 {
	if i := slot / chunkSlots; i < len(r.chunks) && r.chunks[i] != nil {
		return r.chunks[i][slot%chunkSlots]
	}
	if i, ok := r.find(slot); ok {
		return r.values[i].v
	}
	return 0
}

// find is the place of a slot in the sorted list, and whether it is there.
func (r *row) find(slot int) (int, bool) {
	lo, hi := 0, len(r.values)
	for lo < hi {
		if m := (lo + hi) / 2; r.values[m].slot < int32(slot) {
			lo = m + 1
		} else {
			hi = m
		}
	}
	return lo, lo < len(r.values) && r.values[lo].slot == int32(slot)
}

// all gives the values that are not 0, by slot.
func (r *row) all() iter.Seq2[int, int64] {
	return func(yield func(int, int64) bool) {
		for _, x := range r.values {
			if x.v != 0 && !yield(int(x.slot), x.v) {
				return
			}
		}
		for i, k := range r.chunks {
			if k == nil {
				continue
			}
			for j, v := range k {
				if v != 0 && !yield(i*chunkSlots+j, v) {
					return
				}
			}
		}
	}
}

func (r *row) zero() bool {
	for range r.all() {
		return false
	}
	return true
}

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

// newRow is a row without values.
func (c *cells) newRow() *row {
	c.memory += rowBytes
	return &row{}
}

// drop counts a row as gone that is taken out of its place.
func (c *cells) drop(r *row) {
	if r != nil {
		c.memory -= r.memory()
	}
}

// Bytes of a segment without its name and its places for rows, of a row without
// its values, of a chunk of them, and of one in a list. Lists grow by valueSteps.
const (
	segmentBytes = 300
	rowBytes     = 64
	chunkBytes   = 8 * chunkSlots
	valueBytes   = 16
	valueSteps   = 4
)

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
		r, ref.kind = c.farRow(s, day), 'd'
	case day <= c.first:
		if s.opening == nil {
			s.opening = c.newRow()
		}
		r, ref.kind, ref.day = s.opening, 'o', 0
	case int(day-c.first) < len(s.ring):
		if s.ring[day-c.first] == nil {
			s.ring[day-c.first] = c.newRow()
		}
		r, ref.kind = s.ring[day-c.first], 'd'
	default:
		r, ref.kind = c.farRow(s, day), 'd'
	}
	c.bump(r, slot, v, ref)
}

func (c *cells) farRow(s *segment, day int32) *row {
	r := s.far[day]
	if r == nil {
		r = c.newRow()
		s.far[day] = r
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
	r := s.dated[day]
	if r == nil {
		r = c.newRow()
		s.dated[day] = r
	}
	c.bump(r, slot, v, rowRef{seg: seg, kind: 'p', day: day})
}

func (c *cells) bump(r *row, slot int, v int64, ref rowRef) {
	if ref.seg == 0 {
		*c.inChunk(r, slot) += v
	} else {
		*c.inList(r, slot) += v
	}
	if !r.dirty {
		r.dirty = true
		c.dirty = append(c.dirty, ref)
	}
}

func (c *cells) inChunk(r *row, slot int) *int64 {
	i := slot / chunkSlots
	if i >= len(r.chunks) {
		was := cap(r.chunks)
		r.chunks = append(r.chunks, make([]*chunk, i+1-len(r.chunks))...)
		c.memory += 8 * (cap(r.chunks) - was)
	}
	k := r.chunks[i]
	if k == nil {
		k = new(chunk)
		r.chunks[i] = k
		c.memory += chunkBytes
	}
	return &k[slot%chunkSlots]
}

func (c *cells) inList(r *row, slot int) *int64 {
	i, ok := r.find(slot)
	if !ok {
		if len(r.values) == cap(r.values) {
			r.values = append(make([]value, 0, len(r.values)+valueSteps), r.values...)
			c.memory += valueSteps * valueBytes
		}
		r.values = slices.Insert(r.values, i, value{slot: int32(slot)})
	}
	return &r.values[i].v
}

// forgetHours drops the counts by hour of the days before one, on which nobody's
// last activity is counted any more.
func (c *cells) forgetHours(before int32) {
	if before <= c.hours {
		return
	}
	c.hours = before
	for i, s := range c.segments {
		for day, r := range s.dated {
			if day >= before {
				continue
			}
			ref := rowRef{seg: int32(i), kind: 'p', day: day}
			for _, slot := range c.known.hours {
				if v := r.at(slot); v != 0 {
					c.bump(r, slot, -v, ref)
				}
			}
			if r.zero() {
				delete(s.dated, day)
				c.drop(r)
				c.dirty = append(c.dirty, ref) // gone
			}
		}
	}
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

// start makes first known, with the shard's first watermark. What was applied
// before may reach further back; freezing then writes those days out.
func (c *cells) start(first int32) {
	for _, s := range c.segments {
		for day := range s.far {
			first = min(first, day)
		}
	}
	c.started, c.first = true, first
	for i, s := range c.segments {
		for _, day := range slices.Sorted(maps.Keys(s.far)) {
			r := s.far[day]
			if int(day-first) >= len(s.ring) {
				continue
			}
			delete(s.far, day)
			if day > first {
				s.ring[day-first] = r
				continue
			}
			for slot, v := range r.all() {
				c.add(int32(i), slot, first, v)
			}
			c.drop(r)
			c.dirty = append(c.dirty, rowRef{seg: int32(i), kind: 'd', day: day}) // gone
		}
	}
}

// freeze moves first on, a day at a time: the levels of the old first day are
// written out as plain values, then the changes of the next day enter the
// opening. Rows of days more than keep before first are deleted.
func (c *cells) freeze(first, keep int32) {
	c.expire(c.first-keep, first-keep)
	keepFrom := first - keep
	for c.first < first {
		if quiet := c.quietUntil(first); quiet > c.first { // nothing to write out
			c.jump(quiet)
			continue
		}
		for i, s := range c.segments {
			if s.opening != nil && c.first >= keepFrom {
				if v := c.append(nil, s.opening); len(v) > 0 {
					c.frozen = append(c.frozen, KV{FrozenName(c.first, s.name), v})
				}
			}
			next := s.ring[1]
			if next != nil {
				for slot, v := range next.all() {
					c.add(int32(i), slot, c.first, v)
				}
				c.dirty = append(c.dirty, rowRef{seg: int32(i), kind: 'd', day: c.first + 1})
			}
		}
		c.jump(c.first + 1)
	}
}

// empty says whether every opening is zero, so that there are no levels to freeze.
func (c *cells) empty() bool {
	for _, s := range c.segments {
		if s.opening != nil && !s.opening.zero() {
			return false
		}
	}
	return true
}

// expire deletes the frozen rows of the days [from, to).
func (c *cells) expire(from, to int32) {
	for _, s := range c.segments {
		if len(s.ring) == 0 {
			continue // forgotten
		}
		for day := from; day < to; day++ {
			c.frozen = append(c.frozen, KV{Name: FrozenName(day, s.name)})
		}
	}
}

// quietUntil is the last day up to limit until which every level is zero.
func (c *cells) quietUntil(limit int32) int32 {
	if !c.empty() {
		return c.first
	}
	for _, s := range c.segments {
		for i := 1; i < len(s.ring) && c.first+int32(i) <= limit; i++ {
			if s.ring[i] != nil {
				limit = c.first + int32(i) - 1
			}
		}
		for day := range s.far {
			limit = min(limit, day-1)
		}
	}
	return limit
}

// jump sets first and moves the rings along. Rows that fall out at the front
// must have gone into the opening.
func (c *cells) jump(first int32) {
	by := int(first - c.first)
	c.first = first
	for _, s := range c.segments {
		for _, r := range s.ring[:min(by+1, len(s.ring))] {
			c.drop(r)
		}
		if by < len(s.ring) {
			copy(s.ring, s.ring[by:])
			clear(s.ring[len(s.ring)-by:])
		} else {
			clear(s.ring)
		}
		if len(s.ring) == 0 {
			continue // forgotten
		}
		s.ring[0] = nil
		for day, r := range s.far {
			if i := int(day - first); i < len(s.ring) && i > 0 {
				s.ring[i] = r
				delete(s.far, day)
			}
		}
	}
}

// erase sets every row of a segment to zeros.
func (c *cells) erase(seg int32) {
	s := c.segments[seg]
	wipe := func(r *row, ref rowRef) {
		if r == nil {
			return
		}
		c.memory -= r.memory() - rowBytes
		r.chunks, r.values = nil, nil
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

// append writes a row in its stored form.
func (c *cells) append(dst []byte, r *row) []byte {
	for slot, v := range r.all() {
		dst = appendCell(dst, c.cell(slot), v)
	}
	return dst
}

// changes returns the changed rows and the frozen ones, and forgets them.
func (c *cells) changes() (rows, frozen []KV) {
	var buf []byte
	for _, ref := range c.dirty {
		name := RowName{Kind: ref.kind, Day: ref.day, Segment: c.segments[ref.seg].name}.String()
		r := c.row(ref)
		if r == nil {
			rows = append(rows, KV{Name: name})
			continue
		}
		if !r.dirty {
			continue // named twice
		}
		r.dirty = false
		start := len(buf)
		buf = c.append(buf, r)
		if len(buf) == start { // nothing is left of it
			c.remove(ref)
			rows = append(rows, KV{Name: name})
			continue
		}
		r.values = slices.DeleteFunc(r.values, func(x value) bool { return x.v == 0 })
		rows = append(rows, KV{name, buf[start:len(buf):len(buf)]})
	}
	c.dirty = c.dirty[:0]
	frozen, c.frozen = c.frozen, nil
	return rows, frozen
}

// remove takes a row out of its place.
func (c *cells) remove(ref rowRef) {
	s := c.segments[ref.seg]
	c.drop(c.row(ref))
	switch {
	case ref.kind == 's':
		s.standing = nil
	case ref.kind == 'p':
		delete(s.dated, ref.day)
	case ref.kind == 'o':
		s.opening = nil
	case c.started && int(ref.day-c.first) < len(s.ring):
		s.ring[ref.day-c.first] = nil
	default:
		delete(s.far, ref.day)
	}
}

// load puts a stored row in its place.
func (c *cells) load(name string, value []byte, horizon int32) error {
	n, err := ParseRowName(name)
	if err != nil {
		return err
	}
	stored, err := ParseRow(value)
	if err != nil {
		return err
	}
	seg := c.segment(n.Segment, horizon)
	for cell, v := range stored {
		switch n.Kind {
		case 's':
			c.addStanding(seg, c.slotOf(cell), noDay, v)
		case 'p':
			c.addStanding(seg, c.slotOf(cell), n.Day, v)
		case 'o':
			c.add(seg, c.slotOf(cell), c.first, v)
		default:
			c.add(seg, c.slotOf(cell), n.Day, v)
		}
	}
	return nil
}

// clean forgets what is dirty, after loading.
func (c *cells) clean() {
	for _, ref := range c.dirty {
		if r := c.row(ref); r != nil {
			r.dirty = false
		}
	}
	c.dirty = c.dirty[:0]
}

// snapshot returns every row that is not all zeros, by name.
func (c *cells) snapshot() map[string]Row {
	out := map[string]Row{}
	put := func(n RowName, r *row) {
		if r == nil {
			return
		}
		x := Row{}
		for slot, v := range r.all() {
			x[c.cell(slot)] = v
		}
		if len(x) > 0 {
			out[n.String()] = x
		}
	}
	for _, s := range c.segments {
		put(RowName{Kind: 'o', Segment: s.name}, s.opening)
		put(RowName{Kind: 's', Segment: s.name}, s.standing)
		for day, r := range s.dated {
			put(RowName{Kind: 'p', Day: day, Segment: s.name}, r)
		}
		for i, r := range s.ring {
			put(RowName{Kind: 'd', Day: c.first + int32(i), Segment: s.name}, r)
		}
		for day, r := range s.far {
			put(RowName{Kind: 'd', Day: day, Segment: s.name}, r)
		}
	}
	return out
}
