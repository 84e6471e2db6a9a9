package company

import (
	"slices"

	"github.com/tidemark-io/tidemark/kpi"
)

// Readers of the topic also hear of what there is no more: they would keep the old
// value of a bucket that a correction has emptied.

// places are the days of segments that what was said of figures is stored at.
func (s *sayings) places(figures ...[]kpi.Figure) []place {
	var out []place
	for _, some := range figures {
		for _, f := range some {
			if p := s.place(f); len(out) == 0 || out[len(out)-1] != p {
				out = append(out, p)
			}
		}
	}
	slices.SortFunc(out, comparePlaces)
	return slices.Compact(out)
}

// bucketed are figures of a segment and day whose KPIs have buckets, without one.
func bucketed(s *kpi.Source, q segmentDay) []kpi.Figure {
	var out []kpi.Figure
	for _, k := range kpi.All() {
		if !k.Bucketed() {
			continue
		}
		for _, w := range k.Windows {
			if due(s, k, w, q.segment, q.day) {
				out = append(out, s.Bucket(k, w, q.segment, "", q.day))
			}
		}
	}
	return out
}

// withEmptied adds the figures of buckets that were said once and are empty now.
func (s *sayings) withEmptied(figures []kpi.Figure, from *kpi.Source, q segmentDay, bucketed []kpi.Figure) []kpi.Figure {
	there := map[string]bool{}
	for _, f := range figures {
		if f.Bucket != "" {
			there[Key(f)] = true
		}
	}
	for _, base := range bucketed {
		k, _ := kpi.Lookup(base.KPI)
		for _, bucket := range s.buckets(base) {
			if f := from.Bucket(k, base.Window, q.segment, bucket, q.day); !there[Key(f)] {
				figures = append(figures, f)
			}
		}
	}
	return figures
}
