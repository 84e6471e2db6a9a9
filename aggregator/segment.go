package aggregator

import (
	"fmt"
	"slices"

	names "github.com/tidemark-io/tidemark/segment"
)

// Segments: a customer counts where its latest attributes put it. When they
// change, its contribution moves, for all days that are not frozen.

// moveSegments moves a customer and its users to the segments of its present
// attributes. Users in pages are moved by a job, a bounded number a commit, or
// when their page is touched.
func (s *Shard) moveSegments(c *customer) {
	s.e.spend()
	was := slices.Clone(c.segs())
	s.keepMoved(c)
	s.contributeMoved(s.cells, c, -1)
	c.in = s.segments(c)
	s.limitSegments(c, was)
	for i := range was {
		if c.segs()[i] < 0 {
			was[i] = -1
		}
	}
	if slices.Equal(was, c.segs()) {
		s.contributeMoved(s.cells, c, 1)
		return
	}
	s.contribute(&s.e, c)
	for i := range c.users {
		s.e.contributeUser(&c.users[i], s.lookback())
	}
	s.e.move(was, c.segs())
	s.contributeMoved(s.cells, c, 1)
	if c.pages != nil {
		c.pages.moved = 0
		if !slices.Contains(s.jobs, c.id) {
			s.jobs = append(s.jobs, c.id)
		}
	}
}

// move takes what was collected from some segments and adds it to others.
func (e *emitter) move(from, to []int32) {
	e.net()
	left, entered := slices.Clone(from), slices.Clone(to)
	for i := range from {
		if from[i] == to[i] {
			left[i], entered[i] = -1, -1
		}
	}
	deltas := slices.Clone(e.deltas)
	e.flush(entered)
	for _, d := range deltas {
		d.v = -d.v
		e.deltas = append(e.deltas, d)
	}
	e.flush(left)
}

// userSegs are the segments that a user counts under: its customer's. A page
// whose users still count under earlier ones is moved first.
func (s *Shard) userSegs(c *customer, p *page) []int32 {
	if p != nil {
		s.movePage(c, p)
	}
	return c.segs()
}

func (s *Shard) movePage(c *customer, p *page) {
	names := s.segmentNames(c)
	if slices.Equal(names, p.segs) {
		return
	}
	was := make([]int32, len(c.segs()))
	for i := range was {
		was[i] = -1
		if i == 0 {
			was[i] = 0
		} else if p.segs[i] != "" && c.segs()[i] >= 0 {
			was[i] = s.cells.segment(p.segs[i], s.opts.Horizon)
		}
	}
	for i := range p.users {
		s.e.contributeUser(&p.users[i], s.lookback())
	}
	s.e.move(was, c.segs())
	p.segs = names
	s.touch(&p.block)
}

// work goes on with the jobs that move users; true: it waits for records.
func (s *Shard) work() bool {
	for moved := 0; len(s.jobs) > 0 && moved < movedPerStep; {
		c := s.find(s.jobs[0])
		if c == nil {
			s.want[BucketKey(s.jobs[0], len(s.buckets))] = true
			return true
		}
		if c.pages == nil || c.pages.moved >= len(c.pages.list) {
			s.jobs = s.jobs[1:]
			continue
		}
		p := c.pages.list[c.pages.moved]
		if p == nil {
			for i := c.pages.moved; i < min(c.pages.moved+movedPerStep/perPage, len(c.pages.list)); i++ {
				s.want[pageKey(c.id, i)] = true
			}
			return true
		}
		s.movePage(c, p)
		moved += len(p.users)
		c.pages.moved++
		s.change(c)
	}
	return len(s.jobs) > 0
}

// limitSegments switches a dimension off that has more values than are kept. A
// value that no customer has any more is none.
func (s *Shard) limitSegments(c *customer, was []int32) {
	for i, d := range s.opts.Dimensions {
		if s.off[i] || s.cells.ofDim[d] <= MaxDimensionValues {
			continue
		}
		n := 0
		for k, g := range s.cells.segments {
			if g.dim == d && (int32(k) == c.segs()[i+1] || !g.zero()) {
				n++
			}
		}
		if n > MaxDimensionValues {
			s.switchOff(i, fmt.Sprintf("dimension %s has more than %d values in one shard: figures by %s are switched off; remove it from dimensions, or map its values to fewer", d, MaxDimensionValues, d))
		}
	}
	if len(s.cells.segments)-len(s.cells.free) > max(s.sweepAt, 2*MaxDimensionValues) {
		s.sweep(was)
	}
}

// sweep gives up the segments that no customer is in any more, so that values
// that come and go don't take memory for ever. Those that its caller still needs
// are kept.
func (s *Shard) sweep(needed []int32) {
	used := map[int32]bool{}
	for _, seg := range needed {
		used[seg] = true
	}
	for _, b := range s.buckets {
		if b == nil {
			continue
		}
		for _, c := range b.customers {
			for _, seg := range c.segs() {
				used[seg] = true
			}
		}
	}
	s.cells.forget(used)
	s.sweepAt = 2 * (len(s.cells.segments) - len(s.cells.free))
}

// switchOff takes a dimension's segments out of the cells. Records keep the attribute.
func (s *Shard) switchOff(i int, why string) {
	s.off[i] = true
	s.warnings = append(s.warnings, why)
	for k, g := range s.cells.segments {
		if g.dim == s.opts.Dimensions[i] {
			s.cells.erase(int32(k))
		}
	}
	for _, b := range s.buckets {
		if b == nil {
			continue
		}
		for _, c := range b.customers {
			c.segs()[i+1] = -1
		}
	}
}

var wholeOnly = []int32{0}

// segments are the indexes of the segments that a customer counts under: the
// whole, then one for each dimension that is not switched off.
func (s *Shard) segments(c *customer) *[]int32 {
	if len(s.opts.Dimensions) == 0 {
		return &wholeOnly
	}
	out := append(make([]int32, 0, 1+len(s.opts.Dimensions)), 0)
	for i, d := range s.opts.Dimensions {
		if s.off[i] {
			out = append(out, -1)
			continue
		}
		out = append(out, s.cells.segment(names.Name(d, c.attr), s.opts.Horizon))
	}
	return &out
}

func (s *Shard) segmentNames(c *customer) []string {
	out := make([]string, len(c.segs()))
	for i, seg := range c.segs() {
		if seg > 0 {
			out[i] = s.cells.segments[seg].name
		}
	}
	return out
}
