package aggregator

import (
	"maps"
	"slices"
)

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
				c.dated.forget()
				c.drop(r)
				c.dirty = append(c.dirty, ref) // gone
			}
		}
	}
}

// start makes first known, with the shard's first watermark. What was applied
// before may reach further back; freezing then writes those days out.
func (c *cells) start(first int32) {
	c.far.forget()
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
	c.far.forget()
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
