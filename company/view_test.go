package company

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/store"
)

// What is asked for many days at once is what the days say one by one, on days
// that are frozen and on others, in segments and in those that "other" stands for.
func TestRangesAreTheirDays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := &view{sums: map[string]*sum{}, most: maxSums, cap: 1, frozen: map[frozenDay]*frozenSum{}}
		cells := []aggregator.Cell{{Counter: aggregator.Orders}, {Counter: aggregator.Revenue, Currency: event.Currency{'E', 'U', 'R'}},
			{Counter: aggregator.Revenue, Currency: event.Currency{'U', 'S', 'D'}},
			{Counter: aggregator.CancelReasons, Label: "price"}, {Counter: aggregator.CancelReasons, Label: "moving"}}
		segments := []string{"plan=a", "plan=b", "plan=c"}
		drawRow := func() aggregator.Row {
			r := aggregator.Row{}
			for range rapid.IntRange(1, 3).Draw(t, "cells") {
				r[rapid.SampledFrom(cells).Draw(t, "cell")] = rapid.Int64Range(-3, 3).Draw(t, "value")
			}
			return r
		}
		for range rapid.IntRange(1, 3).Draw(t, "shards") {
			s := newShard()
			s.empty, s.head = false, store.Head{FirstDay: rapid.Int32Range(100, 110).Draw(t, "first")}
			v.shards = append(v.shards, s)
		}
		for i, s := range v.shards {
			for range rapid.IntRange(0, 12).Draw(t, "rows") {
				n := aggregator.RowName{Kind: rapid.SampledFrom([]byte("od")).Draw(t, "kind"), Segment: rapid.SampledFrom(segments).Draw(t, "segment")}
				if n.Kind == 'd' {
					n.Day = s.head.FirstDay + rapid.Int32Range(1, 20).Draw(t, "day")
				}
				if s.segments[n.Segment] == nil {
					s.segments[n.Segment] = &rows{}
				}
				s.segments[n.Segment].put(n, drawRow().Append([]byte{}))
			}
			for day := int32(90); day < s.head.FirstDay; day++ {
				d := frozenDay{day, rapid.SampledFrom(segments).Draw(t, "segment")}
				if err := v.addFrozen(i, d, drawRow().Append(nil)); err != nil {
					t.Fatal(err)
				}
			}
		}
		v.group(115)
		if err := v.addUp(append(segments, "plan=other")); err != nil {
			t.Fatal(err)
		}
		from := rapid.Int32Range(90, 130).Draw(t, "from")
		to := from + rapid.Int32Range(-1, 40).Draw(t, "days")
		for _, segment := range append(segments, "plan=other") {
			var labels []string
			for _, c := range cells {
				var want int64
				for d := from; d <= to; d++ {
					n := v.Level(c, segment, d)
					want += n
					if n != 0 && c.Label != "" && !slices.Contains(labels, c.Label) {
						labels = append(labels, c.Label)
					}
				}
				if got := v.Sum(c, segment, from, to); got != want {
					t.Fatalf("%v of %s on %d to %d: %d, the days come to %d", c, segment, from, to, got, want)
				}
			}
			got := v.LabelsWithin(aggregator.CancelReasons, segment, from, to)
			for _, l := range labels {
				if !slices.Contains(got, l) {
					t.Fatalf("labels of %s are %v, %q is missing", segment, got, l)
				}
			}
		}
		if cur := fmt.Sprint(v.Currencies()); cur != "[]" && cur != "[EUR]" && cur != "[USD]" && cur != "[EUR USD]" {
			t.Fatalf("currencies are %s", cur)
		}
	})
}
