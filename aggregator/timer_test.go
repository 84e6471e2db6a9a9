package aggregator

import (
	"strconv"
	"testing"

	"github.com/cespare/xxhash/v2"

	"github.com/tidemark-io/tidemark/event"
)

// TestNoTimerIsLeftBehind: who has left for good, having bought nothing for
// ActiveDays, may still have a subscription that ends later. It changes nothing
// by then, and must not keep the shard waiting for its timer: while one is due,
// nothing is published.
func TestNoTimerIsLeftBehind(t *testing.T) {
	o := testOptions()
	o.ByPurchases, o.ActiveDays = true, 7
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	const day = 24 * msHour
	apply(t, s, event.Event{Kind: event.Purchase, ID: []byte("p"), Source: []byte("app"), Customer: []byte("acme"), Time: someDay,
		Purchase: event.PurchaseData{Amount: 900, Currency: event.Currency{'U', 'S', 'D'}, Interval: event.Month, Count: 1, Monthly: 900 * event.MonthlyUnit}})
	apply(t, s, event.Event{Kind: event.Cancellation, ID: []byte("c"), Source: []byte("app"), Customer: []byte("acme"), Time: someDay + msHour,
		Cancellation: event.CancellationData{Effective: someDay + 20*day}})
	for d := range int64(30) {
		w := someDay + d*day
		for s.Advance(w, 1000) {
			if missing := s.Need(nil); len(missing) > 0 {
				t.Fatalf("%v are not in memory", missing)
			}
		}
		if !s.Settled() {
			t.Fatalf("after %d days a timer is left behind", d)
		}
		c := s.find("acme")
		if ends := c.line.mrr[len(c.line.mrr)-1].at; d == 15 && (c.health.live != Gone || ends <= c.health.now) {
			t.Fatalf("band %s, evaluated at %d, the subscription ends at %d: the case is not reached", c.health.live, c.health.now, ends)
		}
	}
}

// TestSplitLeavesNoTimerBehind: a record that was dropped and loaded again says of
// its due time less than the timer that has fired knew. When its bucket is split,
// after time has moved on, that must not make a timer due.
func TestSplitLeavesNoTimerBehind(t *testing.T) {
	s, err := New(testOptions())
	if err != nil {
		t.Fatal(err)
	}
	disk := map[string][]byte{}
	need := func(events []event.Event) {
		for keys := s.Need(events); len(keys) > 0; keys = s.Need(events) {
			for _, k := range keys {
				if err := s.Load(k, disk[k]); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	commit := func(w int64) {
		for s.Advance(w, 1000) {
			need(nil)
		}
		for _, kv := range s.Changes().Records {
			disk[kv.Name] = append([]byte(nil), kv.Value...)
		}
		if !s.Settled() {
			t.Fatalf("at %d, with %d buckets, a timer is left behind", w, len(s.buckets))
		}
		s.Committed(0) // every record is dropped
	}
	pay := func(who []string, at int64) {
		var events []event.Event
		for _, id := range who {
			events = append(events, event.Event{Kind: event.Purchase, ID: []byte("p"), Source: []byte("app"), Customer: []byte(id), Time: at,
				Purchase: event.PurchaseData{Amount: 900, Currency: event.Currency{'U', 'S', 'D'}, Interval: event.Month, Count: 1, Monthly: 900 * event.MonthlyUnit}})
		}
		need(events)
		for i := range events {
			if _, err := s.Apply(i, &events[i], Cause{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	inLast := func(n int, name string) (out []string) { // so many customers of the last bucket
		for i := 0; len(out) < n; i++ {
			if id := name + strconv.Itoa(i); slotOf(xxhash.Sum64String(id), firstBuckets) == firstBuckets-1 {
				out = append(out, id)
			}
		}
		return out
	}
	var old []string
	for i := range firstBuckets * perBucket {
		old = append(old, "old-"+strconv.Itoa(i))
	}
	pay(old, someDay)
	commit(someDay + 12*msHour)
	commit(someDay + 100*msHour) // on the fourth day they turn red; nothing later changes the band
	commit(someDay + 220*msHour) // on the eighth they lose more points, for which no timer fires
	// The second bucket to split is not in memory when they come. It is asked for
	// with the next event, and split when that is handed over.
	pay(inLast(4*perBucket, "new-"), someDay+221*msHour)
	commit(someDay + 221*msHour)
	pay(inLast(1, "new-"), someDay+222*msHour)
	commit(someDay + 222*msHour)
	if len(s.buckets) <= firstBuckets+1 {
		t.Fatal("no bucket was split: the case is not reached")
	}
}

// TestExpiresWithoutItsMessage: a cancellation that had its target when it was
// stored has forgotten where its message lies. Where the target had to make room
// since, it leaves the record, and nobody is told.
func TestExpiresWithoutItsMessage(t *testing.T) {
	for _, known := range []bool{true, false} {
		s, err := New(testOptions())
		if err != nil {
			t.Fatal(err)
		}
		apply(t, s, event.Event{Kind: event.Login, Customer: []byte("acme"), Time: someDay})
		apply(t, s, event.Event{Kind: event.Cancellation, ID: []byte("c"), Source: []byte("app"), Customer: []byte("acme"), Time: someDay})
		s.Advance(someDay, 1000)
		c := s.find("acme")
		if !known {
			c.money[0].origin = nil
		}
		const day = 24 * msHour
		for w := someDay; w <= someDay+int64(s.opts.Horizon+2)*day; w += day {
			for s.Advance(w, 1000) {
				s.Need(nil)
			}
		}
		if len(c.money) != 0 || !s.Settled() {
			t.Errorf("with its message known %v: %d events are left, settled %v", known, len(c.money), s.Settled())
		}
		if want := map[bool]int{true: 1}[known]; len(s.notes) != want {
			t.Errorf("with its message known %v: %d notes, want %d", known, len(s.notes), want)
		}
	}
}
