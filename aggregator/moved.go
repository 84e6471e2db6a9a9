package aggregator

import (
	"encoding/binary"
	"slices"
)

// What MRR moves from segment to segment. A customer's contribution moves for all
// days that are not frozen, so a segment's MRR of the first of them differs from
// that of the day before, which is frozen, by what has moved: a movement of that
// day. It is gone when the day freezes, since then the day before is frozen under
// the present segments.

// moved is what a record keeps of a move until the first unfrozen day moves on.
type moved struct {
	day     int32    // the first unfrozen day
	segs    []string // under which the day before was frozen; "" for the whole, and where the dimension was off
	amounts []total  // at the end of the day before
}

// movedNow says whether the customer has moved since the day before the first
// unfrozen one froze.
func (s *Shard) movedNow(c *customer) bool {
	return c.moved != nil && s.cells.started && c.moved.day == s.cells.first
}

// keepMoved notes under which segments a customer that is about to move was
// frozen, unless it has moved since.
func (s *Shard) keepMoved(c *customer) {
	if s.movedNow(c) {
		return
	}
	c.moved = nil
	var amounts []total
	for i := range c.line.mrr {
		x := &c.line.mrr[i]
		if x.day >= s.cells.first {
			break
		}
		k := slices.IndexFunc(amounts, func(t total) bool { return t.currency == x.currency })
		if k < 0 {
			k = len(amounts)
			amounts = append(amounts, total{currency: x.currency})
		}
		amounts[k].monthly = x.monthly
	}
	amounts = slices.DeleteFunc(amounts, func(t total) bool { return t.monthly == 0 })
	if s.cells.started && len(amounts) > 0 {
		c.moved = &moved{s.cells.first, s.segmentNames(c), amounts}
	}
}

// contributeMoved adds what the customer has moved to the cells, times the sign.
func (s *Shard) contributeMoved(cells *cells, c *customer, sign int64) {
	if !s.movedNow(c) {
		return
	}
	day := c.moved.day
	for i, seg := range c.segs() {
		if i >= len(c.moved.segs) || seg <= 0 || c.moved.segs[i] == "" {
			continue
		}
		was := cells.segment(c.moved.segs[i], s.opts.Horizon)
		if was == seg {
			continue
		}
		for _, t := range c.moved.amounts {
			slot, v := cells.slot(MRRMoved, t.currency), sign*t.monthly
			cells.add(was, slot, day, -v)
			cells.add(was, slot, day+1, v)
			cells.add(seg, slot, day, v)
			cells.add(seg, slot, day+1, -v)
		}
	}
}

func (m *moved) append(dst []byte) []byte {
	dst = appendDay(dst, m.day)
	dst = binary.AppendUvarint(dst, uint64(len(m.segs)))
	for _, name := range m.segs {
		dst = appendString(dst, name)
	}
	return appendTotals(dst, m.amounts)
}

func (r *reader) moved() *moved {
	m := &moved{day: r.day(), segs: make([]string, r.count())}
	for i := range m.segs {
		m.segs[i] = r.string()
	}
	m.amounts = r.totals()
	return m
}
