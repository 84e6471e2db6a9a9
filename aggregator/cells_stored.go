package aggregator

import (
	"slices"
)

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
		c.dated.forget()
	case ref.kind == 'o':
		s.opening = nil
	case c.started && int(ref.day-c.first) < len(s.ring):
		s.ring[ref.day-c.first] = nil
	default:
		delete(s.far, ref.day)
		c.far.forget()
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
