package company

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/event"
	names "github.com/tidemark-io/tidemark/segment"
)

// view is the sum over all shards: a kpi.Levels. The days that a shard has
// frozen must have been loaded before they are asked for.
type view struct {
	table
	shards []*shard
	frozen map[frozenDay]*frozenSum
	cap    int                 // segments a dimension keeps apart
	groups map[string][]string // of "plan=other": the segments in it; nil: to be formed anew
	listed []string            // all segments, capped, sorted
}

// frozenDay names one day's frozen rows of a segment.
type frozenDay struct {
	day     int32
	segment string
}

// frozenSum is the sum of the frozen rows of one day over the shards it has.
// Frozen rows don't change, so a shard that freezes the day later is added.
type frozenSum struct {
	row aggregator.Row
	has []bool // by shard
}

// Level implements kpi.Levels.
func (v *view) Level(c aggregator.Cell, segment string, day int32) int64 {
	members, grouped := v.groups[segment]
	if !grouped {
		return v.one(segment, c, day)
	}
	var n int64
	for _, m := range members {
		n += v.one(m, c, day)
	}
	return n
}

func (v *view) one(segment string, cell aggregator.Cell, day int32) int64 {
	n := v.level(segment, cell, day)
	if f := v.frozen[frozenDay{day, segment}]; f != nil {
		n += f.row[cell]
	}
	return n
}

// Standing implements kpi.Levels.
func (v *view) Standing(c aggregator.Cell, segment string, day int32) int64 {
	if !c.Counter.OnDay() {
		day = 0
	}
	var n int64
	for _, m := range v.members(segment) {
		n += v.standing[m][c.Counter][onDay{c.Label, day}]
	}
	return n
}

// Labels implements kpi.Levels.
func (v *view) Labels(c aggregator.Counter, segment string, day int32) []string {
	found := map[string]bool{}
	for _, m := range v.members(segment) {
		if c.Standing() {
			for k := range v.standing[m][c] {
				if k.day == day || !c.OnDay() {
					found[k.label] = true
				}
			}
			continue
		}
		for label := range v.labels[m][c] {
			found[label] = true
		}
		if f := v.frozen[frozenDay{day, m}]; f != nil {
			for cell := range f.row {
				if cell.Counter == c {
					found[cell.Label] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// Days implements kpi.Levels.
func (v *view) Days(c aggregator.Counter, segment string) []int32 {
	found := map[int32]bool{}
	for _, m := range v.members(segment) {
		for k := range v.standing[m][c] {
			found[k.day] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// Currencies implements kpi.Levels.
func (v *view) Currencies() []event.Currency { return v.met }

// Sum implements kpi.Ranges.
func (v *view) Sum(c aggregator.Cell, segment string, from, to int32) int64 {
	var n int64
	frozen := v.lastFrozen()
	for _, m := range v.members(segment) {
		n += v.sum(m, c, from, to)
		for day := from; day <= min(to, frozen); day++ {
			if f := v.frozen[frozenDay{day, m}]; f != nil {
				n += f.row[c]
			}
		}
	}
	return n
}

// lastFrozen is the last day that any shard has frozen.
func (v *view) lastFrozen() int32 {
	last := int32(math.MinInt32)
	for _, s := range v.shards {
		if !s.empty {
			last = max(last, s.head.FirstDay-1)
		}
	}
	return last
}

// LabelsWithin implements kpi.Ranges.
func (v *view) LabelsWithin(c aggregator.Counter, segment string, from, to int32) []string {
	found := map[string]bool{}
	frozen := v.lastFrozen()
	for _, m := range v.members(segment) {
		for cell := range v.days[m] {
			if cell.Counter == c {
				found[cell.Label] = true
			}
		}
		for day := from; day <= min(to, frozen); day++ {
			if f := v.frozen[frozenDay{day, m}]; f != nil {
				for cell := range f.row {
					if cell.Counter == c {
						found[cell.Label] = true
					}
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// members lists the stored segments that a segment stands for.
func (v *view) members(segment string) []string {
	if m, ok := v.groups[segment]; ok {
		return m
	}
	return []string{segment}
}

// group forms "other" of each dimension: what lies beyond the cap largest by
// customers on the day, ties by name. A value that is called "other" by the
// events belongs to it. A dimension that any shard has switched off has no
// segments: the other shards' are not those of the whole company.
func (v *view) group(day int32) {
	v.groups = map[string][]string{}
	v.listed = v.listed[:0]
	off := v.off()
	byDimension := map[string][]string{}
	for name := range v.rows {
		if dimension := names.Dimension(name); dimension != "" && !off[dimension] {
			byDimension[dimension] = append(byDimension[dimension], name)
		}
	}
	for dimension, segments := range byDimension {
		other := names.OtherOf(dimension)
		var rest []string
		if i := slices.Index(segments, other); i >= 0 {
			rest = append(rest, other)
			segments = slices.Delete(segments, i, i+1)
		}
		if len(segments) > v.cap {
			v.sortBySize(segments, day)
			rest = append(rest, segments[v.cap:]...)
			segments = segments[:v.cap]
		}
		if len(rest) > 0 {
			v.groups[other] = rest
			segments = append(segments, other)
		}
		v.listed = append(v.listed, segments...)
	}
	slices.Sort(v.listed)
}

// off are the dimensions that some shard has switched off.
func (v *view) off() map[string]bool {
	out := map[string]bool{}
	for _, s := range v.shards {
		for _, dimension := range s.off {
			out[dimension] = true
		}
	}
	return out
}

func (v *view) sortBySize(segments []string, day int32) {
	customers := aggregator.Cell{Counter: aggregator.Customers}
	size := make(map[string]int64, len(segments))
	for _, s := range segments {
		size[s] = v.one(s, customers, day)
	}
	slices.SortFunc(segments, func(a, b string) int {
		return cmp.Or(cmp.Compare(size[b], size[a]), strings.Compare(a, b))
	})
}
