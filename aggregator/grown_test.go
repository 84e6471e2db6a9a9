package aggregator

import (
	"fmt"
	"testing"

	"github.com/tidemark-io/tidemark/event"
)

// TestABatchIsSeenToGrow: what payments and answers take in memory counts while a
// batch goes on, and not only when it is committed, since it ends where there is
// no more room.
func TestABatchIsSeenToGrow(t *testing.T) {
	for name, of := range map[string]func(ev *event.Event){
		"payments": func(ev *event.Event) {
			ev.Kind = event.Purchase
			ev.Purchase = event.PurchaseData{Amount: 900, Currency: usd, Order: ev.ID}
		},
		"answers": func(ev *event.Event) {
			ev.Kind = event.Survey
			ev.Survey = event.SurveyData{Kind: event.CES, Score: 3000, Min: 1000, Max: 7000, Campaign: ev.ID}
		},
	} {
		s, err := New(testOptions())
		if err != nil {
			t.Fatal(err)
		}
		const n = 2000
		for i := range n {
			ev := event.Event{ID: fmt.Appendf(nil, "e%04d", i), Source: []byte("app"), Customer: fmt.Appendf(nil, "c%d", i%10), Time: someDay + int64(i)*1000}
			of(&ev)
			apply(t, s, ev)
		}
		if got := s.Memory(); got < n*100 {
			t.Errorf("%d %s are seen as %d bytes", n, name, got)
		}
	}
}
