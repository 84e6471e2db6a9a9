package simulate

import (
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/event"
)

// TestLiveIsInteresting: within 20 s people log in, buy, answer and complain,
// and the health of accounts falls below the border and recovers within two
// minutes, at whatever hour one watches.
func TestLiveIsInteresting(t *testing.T) {
	for seed := range uint64(4) {
		for _, from := range []time.Time{now, now.Add(14*time.Hour + 30*time.Minute), now.AddDate(0, 0, 3)} {
			c := New(Options{Seed: seed, Now: from})
			for range c.History() {
			}
			kinds, red, healthy := map[event.Kind]int{}, map[*account]bool{}, 0
			d := event.NewDecoder(event.Options{Currency: dollars})
			step := func(at time.Duration) {
				for m := range c.Live(from.Add(at)) {
					var ev event.Event
					if d.Reset(); d.Decode(&ev, m.Value, nil) == "" {
						kinds[ev.Kind]++
					}
				}
			}
			for at := time.Duration(0); at <= 20*time.Second; at += 250 * time.Millisecond {
				step(at)
				for _, a := range c.accounts {
					if a.busy && c.health(a) < 50 {
						red[a] = true
					}
				}
			}
			if n := kinds[event.Login]; n < 60 || n > 250 || kinds[event.Purchase] == 0 || kinds[event.Survey] == 0 || kinds[event.Signal] == 0 {
				t.Errorf("seed %d at %s: %v in 20 s", seed, from, kinds)
			}
			if len(red) == 0 {
				t.Errorf("seed %d at %s: nobody's health turned red", seed, from)
			}
			step(2 * time.Minute)
			for a := range red {
				if c.health(a) > 50 {
					healthy++
				}
			}
			if healthy == 0 {
				t.Errorf("seed %d at %s: none of %d recovered", seed, from, len(red))
			}
			t.Logf("seed %d: %v, %d red, %d recovered", seed, kinds, len(red), healthy)
		}
	}
}

// TestRates: as many events come as were asked for, few or many.
func TestRates(t *testing.T) {
	for _, rate := range []float64{1, 50, 5000} {
		c := New(Options{Seed: 2, Customers: 100, Now: now, Rate: rate})
		for range c.History() {
		}
		n := 0
		for range c.Live(now.Add(20 * time.Second)) {
			n++
		}
		// Scenes and what else has a beginning and an end add a few.
		if got := float64(n) / 20; got < 0.8*rate-1 || got > 1.2*rate+4 {
			t.Errorf("%g events a second in place of %g", got, rate)
		}
	}
}

// TestLiveGoesOn: a company that is watched for three hours is about the same.
func TestLiveGoesOn(t *testing.T) {
	c := New(Options{Seed: 3, Now: now})
	for range c.History() {
	}
	count := func() (payers, tickets, overdue, red int) {
		for _, a := range c.accounts {
			if a.pays() {
				payers, tickets, overdue = payers+1, tickets+a.tickets, overdue+a.overdue
				if c.health(a) < 50 {
					red++
				}
			}
		}
		return
	}
	payers, tickets, overdue, red := count()
	n := 0
	for range c.Live(now.Add(3 * time.Hour)) {
		n++
	}
	p, ti, o, r := count()
	t.Logf("%d events: %d payers, %d tickets, %d late invoices, %d red; before %d, %d, %d, %d", n, p, ti, o, r, payers, tickets, overdue, red)
	if n < 3*3600*7 || n > 3*3600*10 {
		t.Errorf("%d events in three hours at 8 a second", n)
	}
	if p < payers*7/10 || p > payers*13/10 || ti > tickets+40 || o > overdue+20 || r > red+40 {
		t.Errorf("the company has changed")
	}
}
