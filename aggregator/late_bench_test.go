package aggregator

import (
	"fmt"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/event"
)

// BenchmarkALateYear applies a payment that comes a year late within a horizon of
// 400 days, to a customer that pays for four subscriptions a month, orders every
// third day, logs in every day and is in ten dimensions.
func BenchmarkALateYear(b *testing.B) {
	o := testOptions()
	o.Calendar, o.Horizon, o.Dimensions = civil.NewCalendar(time.UTC), 400, nil
	for i := range 10 {
		o.Dimensions = append(o.Dimensions, fmt.Sprint("d", i))
	}
	s, err := New(o)
	if err != nil {
		b.Fatal(err)
	}
	n := 0
	apply := func(ev event.Event) {
		n++
		ev.ID, ev.Source, ev.Customer = fmt.Appendf(nil, "e%08d", n), []byte("app"), []byte("acme")
		s.Need([]event.Event{ev})
		if status, err := s.Apply(0, &ev, Cause{}); err != nil || status != Applied {
			b.Fatal(status, err)
		}
	}
	const first, days = 20_000, 480
	for d := range int32(days) {
		day := int32(first) + d
		apply(event.Event{Kind: event.Login, Time: at(day, 8)})
		if d%3 == 1 {
			apply(event.Event{Kind: event.Purchase, Time: at(day, 9), Purchase: event.PurchaseData{Amount: 700, Currency: usd, Count: 1}})
		}
		for k := range int32(4) {
			if d%30 == 7*k {
				cents := int64(900 + 100*int64(d/90))
				apply(event.Event{Kind: event.Purchase, Time: at(day, 10), Purchase: event.PurchaseData{Subscription: fmt.Append(nil, "s", k), Amount: cents,
					Currency: usd, Interval: event.Month, Count: 1, Monthly: cents * event.MonthlyUnit}})
			}
		}
		for s.Advance(at(day, 12), 1096) {
			s.Need(nil)
		}
	}
	stored := s.Changes()
	st := Stored{Watermark: stored.Watermark, FirstDay: stored.FirstDay, Table: stored.Table, Cells: map[string][]byte{}}
	for _, kv := range stored.Cells {
		st.Cells[kv.Name] = append([]byte(nil), kv.Value...)
	}
	records := map[string][]byte{}
	for _, kv := range stored.Records {
		records[kv.Name] = append([]byte(nil), kv.Value...)
	}
	for late := int64(0); b.Loop(); late++ {
		if late%100 == 0 { // else the list would grow without end
			b.StopTimer()
			if s, err = Open(o, st); err != nil {
				b.Fatal(err)
			}
			for _, key := range s.Need([]event.Event{{Kind: event.Purchase, Customer: []byte("acme")}}) {
				if err := s.Load(key, records[key]); err != nil {
					b.Fatal(err)
				}
			}
			b.StartTimer()
		}
		cents := 1000 + late%7
		apply(event.Event{Kind: event.Purchase, Time: at(first+days-366, 11) + late, Purchase: event.PurchaseData{Subscription: []byte("s1"), Amount: cents,
			Currency: usd, Interval: event.Month, Count: 1, Monthly: cents * event.MonthlyUnit}})
	}
}
