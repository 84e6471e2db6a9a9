package company

import (
	"fmt"
	"slices"

	names "github.com/tidemark-io/tidemark/segment"
)

// maxSums is how many segments' sums are kept beside that of the whole, some ten
// to fifty KiB each. They move with the rows; one that was not kept is added up
// anew, which takes as long as computing its figures.
const maxSums = 100

// addUp makes sure that there are sums for the segments, and drops others where
// there are too many. The view's groups are formed.
func (v *view) addUp(segments []string) error {
	v.question++
	for _, segment := range segments {
		s := v.sums[segment]
		if s == nil {
			s = newSum(v.members(segment), &v.met)
			for i, shard := range v.shards {
				for _, m := range s.members {
					if err := shard.addTo(s, m); err != nil {
						return fmt.Errorf("add up segment %q of shard %d: %w", m, i, err)
					}
				}
			}
			v.sums[segment] = s
		}
		s.asked = v.question
	}
	for len(v.sums) > v.most+1 && v.dropOldest() {
		continue
	}
	return nil
}

// addTo adds a segment's rows.
func (s *shard) addTo(to *sum, segment string) error {
	rows := s.segments[segment]
	if rows == nil {
		return nil
	}
	for _, x := range rows.list {
		if err := to.add(x.kind, x.day, x.value, s.head.FirstDay, +1); err != nil {
			return rowError(segment, x, err)
		}
	}
	return nil
}

// dropOldest drops the sum that was asked for longest ago, unless the question at
// hand needs it. That of the whole stays.
func (v *view) dropOldest() bool {
	oldest, before := "", v.question
	for segment, s := range v.sums {
		if segment != "" && s.asked < before {
			oldest, before = segment, s.asked
		}
	}
	if oldest == "" {
		return false
	}
	delete(v.sums, oldest)
	return true
}

// containing are the sums that a stored segment is part of: its own, and that of
// its dimension's "other".
func (v *view) containing(segment string) (out []*sum) {
	for _, name := range []string{segment, names.OtherOf(names.Dimension(segment))} {
		if s := v.sums[name]; s != nil && s.has(segment) && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// dropRegrouped drops the sums of segments that stand for others now.
func (v *view) dropRegrouped() {
	for segment, s := range v.sums {
		if !slices.Equal(s.members, slices.Sorted(slices.Values(v.members(segment)))) {
			delete(v.sums, segment)
		}
	}
}
