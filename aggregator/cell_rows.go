package aggregator

import (
	"iter"
	"slices"
)

// row is the values of a row by slot. Nearly every event changes some of the
// whole's rows of days: what these have lies in an array, up to nearSlots, and
// beyond in chunks, as in the whole's other rows. A segment's row has few values,
// and there are very many of those, so they are a sorted list.
type row struct {
	near   *[nearSlots]int64 // nil: chunks alone
	chunks []*chunk          // from slot 0 on, those of near left out
	values []value
	dirty  bool
}

const (
	nearSlots  = 320
	chunkSlots = 8 // a line of the cache
)

type chunk [chunkSlots]int64

type value struct {
	slot int32
	v    int64
}

// memory is an estimate of the bytes that the row takes.
func (r *row) memory() int {
	n := rowBytes + valueBytes*cap(r.values) + 8*cap(r.chunks)
	if r.near != nil {
		n += nearBytes
	}
	for _, k := range r.chunks {
		if k != nil {
			n += chunkBytes
		}
	}
	return n
}

// at is the value of a slot.
func (r *row) at(slot int) int64 {
	if r.near != nil && slot < nearSlots {
		return r.near[slot]
	}
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
		if r.near != nil {
			for i, v := range r.near {
				if v != 0 && !yield(i, v) {
					return
				}
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

// newRow is a row without values.
func (c *cells) newRow() *row {
	c.memory += rowBytes
	return &row{}
}

// newDay is a row of a day, or the opening, without values.
func (c *cells) newDay(seg int32) *row {
	r := c.newRow()
	if seg == 0 {
		c.memory += nearBytes
		r.near = new([nearSlots]int64)
	}
	return r
}

// drop counts a row as gone that is taken out of its place.
func (c *cells) drop(r *row) {
	if r != nil {
		c.memory -= r.memory()
	}
}

// Bytes of a segment without its name and its places for rows, of a row without
// its values, of its array and of a chunk of them, and of one in a list. Lists grow by valueSteps.
const (
	segmentBytes = 300
	rowBytes     = 64
	nearBytes    = 8 * nearSlots
	chunkBytes   = 8 * chunkSlots
	valueBytes   = 16
	valueSteps   = 4
)

func (c *cells) bump(r *row, slot int, v int64, ref rowRef) {
	switch {
	case r.near != nil && slot < nearSlots:
		r.near[slot] += v
	case ref.seg == 0:
		*c.inChunk(r, slot) += v
	default:
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
