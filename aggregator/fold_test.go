package aggregator

import (
	"testing"

	"github.com/tidemark-io/tidemark/event"
)

// TestFoldBehindTheEvaluation: a silent customer turns red and is then left
// alone by timers, so that folding puts the beginning of its amounts behind the
// day on which it was last evaluated. Its MRR at risk must not change by that.
func TestFoldBehindTheEvaluation(t *testing.T) {
	s, err := New(testOptions())
	if err != nil {
		t.Fatal(err)
	}
	usd := event.Currency{'U', 'S', 'D'}
	apply(t, s, event.Event{Kind: event.Purchase, ID: []byte("p"), Source: []byte("app"), Customer: []byte("acme"), Time: someDay,
		Purchase: event.PurchaseData{Amount: 900, Currency: usd, Interval: event.Month, Count: 1, Monthly: 900 * event.MonthlyUnit}})
	const day = 24 * msHour
	for d := range int64(310) { // tenure changes the score on day 90, and then on day 365
		s.Advance(someDay+d*day, 1000)
		s.Changes()
	}
	c := s.find("acme")
	if c.health.live != Red || c.health.day > s.lookback() {
		t.Fatalf("band %s, evaluated on day %d, look-back begins on %d: the case is not reached", c.health.live, c.health.day, s.lookback())
	}
	s.opts.ActivityKinds[event.Login] = false // only the attribute counts: nothing that health reads
	apply(t, s, event.Event{Kind: event.Login, ID: []byte("e"), Source: []byte("crm"), Customer: []byte("acme"), Time: someDay + 309*day,
		Attrs: []event.Attr{{Name: []byte("owner"), Value: []byte("kim")}}})
	s.Changes()
	if c.base.at == 0 {
		t.Fatal("nothing was folded")
	}
	s.Advance(someDay+370*day, 1000) // now its old contribution is taken back
	if wrong := s.Audit(); len(wrong) > 0 {
		t.Fatal(wrong)
	}
	at := s.cells.snapshot()["o|"][Cell{Counter: MRRAtRisk, Currency: usd}]
	if at != 900*event.MonthlyUnit {
		t.Fatalf("MRR at risk on the first unfrozen day is %d", at)
	}
}

// TestFrozenRowsExpire: a frozen row is written once and deleted when its day
// lies further back than rows are kept.
func TestFrozenRowsExpire(t *testing.T) {
	s, err := New(testOptions()) // a horizon of 100 days
	if err != nil {
		t.Fatal(err)
	}
	const day, keep, days = 24 * msHour, 105, 140
	stored := map[string]bool{}
	for d := range int64(days) {
		apply(t, s, login("acme", "u", someDay+d*day, ""))
		s.Advance(someDay+d*day, keep)
		for _, kv := range s.Changes().Frozen {
			if kv.Value == nil {
				delete(stored, kv.Name)
			} else {
				stored[kv.Name] = true
			}
		}
	}
	today := s.cal.Day(someDay + (days-1)*day)
	for d := today - days; d <= today; d++ {
		if want := d >= today-keep && d < today-100; stored[FrozenName(d, "")] != want {
			t.Errorf("%d days ago: stored %v, want %v", today-d, !want, want)
		}
	}
}
