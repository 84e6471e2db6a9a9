package company

import (
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/kpi"
	"github.com/tidemark-io/tidemark/store"
)

// BenchmarkDay computes every KPI in every window for one day, as for the topic:
// four shards, a hundred days with a change of every counter each.
func BenchmarkDay(b *testing.B) {
	const first, today = 20_000, 20_100
	v := &view{sums: map[string]*sum{}, most: maxSums, cap: 100, frozen: map[frozenDay]*frozenSum{}}
	usd := event.Currency{'U', 'S', 'D'}
	row := aggregator.Row{}
	for _, c := range aggregator.Counters() {
		x := aggregator.Cell{Counter: c}
		if c.Money() {
			x.Currency = usd
		}
		if c.Labelled() {
			x.Label = "7"
		}
		row[x] = 1000
	}
	for range 4 {
		s := newShard()
		s.empty, s.head = false, store.Head{FirstDay: first}
		v.shards = append(v.shards, s)
	}
	for i, s := range v.shards {
		s.segments[""] = &rows{}
		for d := int32(first + 1); d <= today; d++ {
			s.segments[""].put(aggregator.RowName{Kind: 'd', Day: d}, row.Append(nil))
		}
		for d := int32(first - kpi.LookBack); d < first; d++ {
			if err := v.addFrozen(i, frozenDay{day: d}, row.Append(nil)); err != nil {
				b.Fatal(err)
			}
		}
	}
	if err := v.addUp([]string{""}); err != nil {
		b.Fatal(err)
	}
	s := &kpi.Source{Levels: v, Currency: usd, Calendar: civil.NewCalendar(time.UTC), Watermark: int64(today)*86_400_000 + 1}
	for b.Loop() {
		if n := len(appendDay(nil, s, "", today)); n < 100 {
			b.Fatal(n)
		}
	}
}
