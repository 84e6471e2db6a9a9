package company

import (
	"maps"
	"math"
	"slices"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/event"
)

// view is the sum over all shards: a kpi.Levels. What is asked for must have been
// added up, and the days that a shard has frozen loaded, before.
type view struct {
	shards   []*shard
	sums     map[string]*sum // by segment or "other", of those that were asked for
	most     int             // of these beside that of the whole
	question uint64          // how many there have been
	met      currencies
	frozen   map[frozenDay]*frozenSum
	cap      int                 // segments a dimension keeps apart
	groups   map[string][]string // of "plan=other": the segments in it; nil: to be formed anew
	listed   []string            // all segments, capped, sorted
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

// noRows is the sum of a segment that has no rows.
var noRows = newSum(nil, new(currencies))

// of is the sum of a segment.
func (v *view) of(segment string) *sum {
	if s := v.sums[segment]; s != nil {
		return s
	}
	return noRows
}

// Level implements kpi.Levels.
func (v *view) Level(c aggregator.Cell, segment string, day int32) int64 {
	s := v.of(segment)
	n := s.level(c, day)
	for _, m := range s.members {
		if f := v.frozen[frozenDay{day, m}]; f != nil {
			n += f.row[c]
		}
	}
	return n
}

// Standing implements kpi.Levels.
func (v *view) Standing(c aggregator.Cell, segment string, day int32) int64 {
	if !c.Counter.OnDay() {
		day = 0
	}
	return v.of(segment).standing[c.Counter][onDay{c.Label, day}]
}

// Labels implements kpi.Levels.
func (v *view) Labels(c aggregator.Counter, segment string, day int32) []string {
	s, found := v.of(segment), map[string]bool{}
	if c.Standing() {
		for k := range s.standing[c] {
			if k.day == day || !c.OnDay() {
				found[k.label] = true
			}
		}
		return slices.Sorted(maps.Keys(found))
	}
	maps.Copy(found, s.labels[c])
	for _, m := range s.members {
		v.frozenLabels(c, frozenDay{day, m}, found)
	}
	return slices.Sorted(maps.Keys(found))
}

// frozenLabels adds the labels that a counter has in a frozen row.
func (v *view) frozenLabels(c aggregator.Counter, d frozenDay, to map[string]bool) {
	if f := v.frozen[d]; f != nil {
		for cell := range f.row {
			if cell.Counter == c {
				to[cell.Label] = true
			}
		}
	}
}

// Days implements kpi.Levels.
func (v *view) Days(c aggregator.Counter, segment string) []int32 {
	found := map[int32]bool{}
	for k := range v.of(segment).standing[c] {
		found[k.day] = true
	}
	return slices.Sorted(maps.Keys(found))
}

// Currencies implements kpi.Levels.
func (v *view) Currencies() []event.Currency { return v.met }

// Sum implements kpi.Ranges.
func (v *view) Sum(c aggregator.Cell, segment string, from, to int32) int64 {
	s := v.of(segment)
	n := s.days[c].sum(from, to)
	for day := from; day <= min(to, v.lastFrozen()); day++ {
		for _, m := range s.members {
			if f := v.frozen[frozenDay{day, m}]; f != nil {
				n += f.row[c]
			}
		}
	}
	return n
}

// LabelsWithin implements kpi.Ranges.
func (v *view) LabelsWithin(c aggregator.Counter, segment string, from, to int32) []string {
	s, found := v.of(segment), map[string]bool{}
	maps.Copy(found, s.labels[c])
	for day := from; day <= min(to, v.lastFrozen()); day++ {
		for _, m := range s.members {
			v.frozenLabels(c, frozenDay{day, m}, found)
		}
	}
	return slices.Sorted(maps.Keys(found))
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

// members lists the stored segments that a segment stands for.
func (v *view) members(segment string) []string {
	if m, ok := v.groups[segment]; ok {
		return m
	}
	return []string{segment}
}
