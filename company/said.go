package company

import (
	"maps"
	"slices"
	"strings"

	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/kpi"
)

// index tells what readers of the topic know, so that they also hear of what
// there is no more: a segment that its last customer has left, a bucket that a
// correction has emptied.
type index struct {
	segments map[string]bool
	buckets  map[string]map[string]bool // by the key of their figures without it
}

func newIndex(sent map[string]Sent) index {
	x := index{map[string]bool{}, map[string]map[string]bool{}}
	for key := range sent {
		x.add(key)
	}
	return x
}

func (x index) add(key string) {
	base, bucket, ok := splitBucket(key)
	if !ok {
		base = key
	}
	x.segments[segmentOf(base)] = true
	if !ok {
		return
	}
	if x.buckets[base] == nil {
		x.buckets[base] = map[string]bool{}
	}
	x.buckets[base][bucket] = true
}

// segmentOf is the segment in a key without bucket: what stands between the
// window and the day.
func segmentOf(base string) string {
	_, rest, _ := strings.Cut(base, "|")
	_, rest, _ = strings.Cut(rest, "|")
	return rest[:max(0, strings.LastIndexByte(rest, '|'))]
}

// dayOf is the day in a figure's key.
func dayOf(key string) (int32, bool) {
	day, err := civil.Parse(key[strings.LastIndexByte(key, '|')+1:])
	return day, err == nil
}

// with is the segments listed and those that are not listed any more, sorted.
func (x index) with(listed []string) []string {
	all := slices.AppendSeq(slices.Clone(listed), maps.Keys(x.segments))
	slices.Sort(all)
	return slices.Compact(all)
}

// withEmptied adds the figures of buckets that were said once and are empty now:
// readers would keep the old value.
func (x index) withEmptied(figures []kpi.Figure, s *kpi.Source, q segmentDay) []kpi.Figure {
	there := map[string]bool{}
	for _, f := range figures {
		if f.Bucket != "" {
			there[Key(f)] = true
		}
	}
	for _, k := range kpi.All() {
		if !k.Bucketed() {
			continue
		}
		for _, w := range k.Windows {
			if !due(s, k, w, q.segment, q.day) {
				continue
			}
			f := s.Bucket(k, w, q.segment, "", q.day)
			for _, bucket := range slices.Sorted(maps.Keys(x.buckets[Key(f)])) {
				if f = s.Bucket(k, w, q.segment, bucket, q.day); !there[Key(f)] {
					figures = append(figures, f)
				}
			}
		}
	}
	return figures
}
