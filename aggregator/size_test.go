package aggregator

import (
	"fmt"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/event"
)

// maxYear is the stored bytes of a customer with four subscriptions, at the end
// of a year of monthly payments.
const maxYear = 400

// TestFourSubscriptionsForAYear: the record of such a customer keeps the payments
// of the horizon and the look-back, about 200 days: 27 of the 48.
func TestFourSubscriptionsForAYear(t *testing.T) {
	s := testShard(t)
	start := time.Date(2025, 1, 3, 9, 30, 0, 0, time.UTC)
	var latest int64
	for n := range 48 {
		sub := n % 4
		at := start.AddDate(0, n/4, 2*sub)
		ev := event.Event{Kind: event.Purchase, ID: fmt.Appendf(nil, "in_%08d", 71*n), Source: []byte("/acme/billing"),
			Customer: []byte("cust-0012345"), Time: at.UnixMilli()}
		amount := int64(1900 + 1000*sub)
		monthly, reason := event.Monthly(amount, event.Month, 1)
		if reason != "" {
			t.Fatal(reason)
		}
		ev.Purchase = event.PurchaseData{Subscription: []byte([]string{"base", "seats", "support", "storage"}[sub]), Amount: amount,
			Currency: usd, Interval: event.Month, Count: 1, Monthly: monthly}
		s.Need([]event.Event{ev})
		if status, err := s.Apply(0, &ev, Cause{}); err != nil || status != Applied {
			t.Fatal(status, err)
		}
		latest = ev.Time
		for s.Advance(latest, 1096) {
			s.Need(nil)
		}
		s.Changes()
		s.Committed(1 << 30)
	}
	c := s.find("cust-0012345")
	s.fold(c, true)
	record, _ := c.append(nil, s.lookback(), s.sources, nil)
	t.Logf("%d bytes, %d payments", len(record), len(c.money))
	if len(record) > maxYear {
		t.Errorf("the record takes %d bytes, more than %d", len(record), maxYear)
	}
}
