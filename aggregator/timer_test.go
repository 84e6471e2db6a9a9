package aggregator

import (
	"testing"

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
