package company

import (
	"cmp"
	"slices"
	"strings"

	"github.com/tidemark-io/tidemark/aggregator"
	names "github.com/tidemark-io/tidemark/segment"
)

// group forms "other" of each dimension: what lies beyond the cap largest by
// customers on the day, ties by name. A value that is called "other" by the
// events belongs to it. A dimension that any shard has switched off has no
// segments: the other shards' are not those of the whole company.
func (v *view) group(day int32) {
	groups, listed := map[string][]string{}, []string(nil)
	for dimension, segments := range v.byDimension() {
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
			groups[other] = rest
			segments = append(segments, other)
		}
		listed = append(listed, segments...)
	}
	slices.Sort(listed)
	v.groups, v.listed = groups, listed
	v.dropRegrouped()
}

// byDimension are the segments that any shard has rows of.
func (v *view) byDimension() map[string][]string {
	off, seen, out := v.off(), map[string]bool{}, map[string][]string{}
	for _, s := range v.shards {
		for name := range s.segments {
			if seen[name] {
				continue
			}
			seen[name] = true
			if dimension := names.Dimension(name); dimension != "" && !off[dimension] {
				out[dimension] = append(out[dimension], name)
			}
		}
	}
	return out
}

// has says whether any shard has rows of a stored segment.
func (v *view) has(segment string) bool {
	return slices.ContainsFunc(v.shards, func(s *shard) bool { return s.segments[segment] != nil })
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
	size := make(map[string]int64, len(segments))
	for _, segment := range segments {
		if f := v.frozen[frozenDay{day, segment}]; f != nil {
			size[segment] = f.row[aggregator.Cell{Counter: aggregator.Customers}]
		}
		for _, s := range v.shards {
			size[segment] += s.segments[segment].customers(day, s.head.FirstDay)
		}
	}
	slices.SortFunc(segments, func(a, b string) int {
		return cmp.Or(cmp.Compare(size[b], size[a]), strings.Compare(a, b))
	})
}
