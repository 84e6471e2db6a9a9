package oracle_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/internal/oracle"
)

// 100 at the start, 12 cancelled in the window, of whom one came back and one
// had joined within it -> 10 lost of 100: churn 0.10, retention 0.90.
func TestChurn(t *testing.T) {
	s := scenario(t, "UTC")
	for i := range 100 {
		s.buys(fmt.Sprintf("c%d", i), "", 1000, "2024-02-10 09:00")
	}
	for i := range 11 {
		s.cancels(fmt.Sprintf("c%d", i), "", "2024-03-10 09:00", "")
	}
	s.buys("c0", "", 1000, "2024-03-20 09:00") // came back
	s.buys("new", "", 1000, "2024-03-12 09:00")
	s.cancels("new", "", "2024-03-25 09:00", "")
	s.buys("stays", "", 1000, "2024-03-12 09:00")
	r := s.rest("2024-04-02")
	r.level("Start30", "2024-03-31", 100) // at the end of 1 March
	r.level("Lost30", "2024-03-31", 10)
	r.level("Customers", "2024-03-31", 91) // 90 of them and one new
	r.level("Customers", "2024-03-10", 89)
	r.level("Lost7", "2024-03-16", 11)  // since the 9th
	r.level("Lost7", "2024-03-17", 0)   // since the 10th
	r.level("Start7", "2024-03-25", 91) // on the 18th: 89, the new one, and the one that stays
	r.level("Lost7", "2024-03-25", 1)   // the new one
	r.level("Lost90", "2024-03-31", 0)  // nobody was there on 1 January
	r.level("Start90", "2024-05-09", 0)
	r.level("Start90", "2024-05-10", 100)
	r.level("Cancellations", "2024-03-10", 11)
	r.level("Cancellations", "2024-03-25", 1)
	if got := r.Standing[oracle.Key{Counter: "CustomersEver"}]; got != 102 {
		t.Errorf("customers ever: %d, want 102", got)
	}
}

// A customer is lost as long as it was one seven days before.
func TestLostWithinAWeek(t *testing.T) {
	s := scenario(t, "UTC")
	s.buys("c", "", 1000, "2024-03-12 09:00")
	s.cancels("c", "", "2024-03-25 09:00", "")
	r := s.rest("2024-04-02")
	r.level("Lost7", "2024-03-24", 0)
	r.level("Lost7", "2024-03-25", 1)
	r.level("Lost7", "2024-03-31", 1)
	r.level("Lost7", "2024-04-01", 0) // it was none on the 25th
}

func TestSilent(t *testing.T) {
	s := scenario(t, "UTC")
	s.buys("a", "", 1000, "2024-03-01 09:00") // never active
	s.buys("b", "", 1000, "2024-03-01 09:00")
	s.login("b", "u", "2024-03-05 09:00")
	s.login("x", "u", "2024-03-01 09:00") // not paying
	s.buys("d", "", 1000, "2024-03-10 09:00")
	s.login("d", "u", "2024-02-01 09:00") // active before it paid
	s.cancels("d", "", "2024-03-25 09:00", "")
	r := s.rest("2024-04-02")
	r.level("Silent", "2024-03-14", 0)
	r.level("Silent", "2024-03-15", 1) // a: 14 days after the 1st
	r.level("Silent", "2024-03-18", 1)
	r.level("Silent", "2024-03-19", 2) // b: 14 days after the 5th
	r.level("Silent", "2024-03-24", 3) // d: 14 days after the 10th
	r.level("Silent", "2024-03-25", 2) // d has left
}

// 25 of 65.00 a month are 1,625.00; exact parts of a year, a quarter, a week
// and a day; currencies apart.
func TestMRR(t *testing.T) {
	s := scenario(t, "UTC")
	for i := range 25 {
		s.buys(fmt.Sprintf("c%d", i), "", 6500, "2024-03-01 09:00")
	}
	r := s.rest("2024-03-02")
	r.cents("MRR", "USD", "2024-03-01", 162_500)
	r.level("Customers", "2024-03-01", 25)

	s = scenario(t, "UTC")
	s.buys("a", "x", 1000, "2024-03-01 09:00")
	s.buys("a", "y", 500, "2024-03-02 09:00") // a second subscription
	s.buys("a", "x", 3000, "2024-03-03 09:00")
	euros := s.buys("a", "y", 700, "2024-03-04 09:00") // in place of the 500
	euros.Purchase.Currency = event.Currency{'E', 'U', 'R'}
	s.cancels("a", "x", "2024-03-05 09:00", "")
	s.buys("a", "y", 0, "2024-03-06 09:00") // an amount of 0 is no customer
	r = s.rest("2024-03-08")
	for _, c := range []struct {
		date      string
		usd, eur  int64
		customers int64
	}{
		{"2024-02-29", 0, 0, 0}, {"2024-03-01", 1000, 0, 1}, {"2024-03-02", 1500, 0, 1}, {"2024-03-03", 3500, 0, 1},
		{"2024-03-04", 3000, 700, 1}, {"2024-03-05", 0, 700, 1}, {"2024-03-06", 0, 0, 0},
	} {
		r.cents("MRR", "USD", c.date, c.usd)
		r.cents("MRR", "EUR", c.date, c.eur)
		r.level("Customers", c.date, c.customers)
	}
	if r.Customers["a"].Paying || len(r.Customers["a"].MRR) != 0 {
		t.Errorf("customer at rest: %+v", r.Customers["a"])
	}
}

// One at a time: what a cancellation does to a subscription bought on 1 March
// at 09:00. Each line is customers at the end of 1, 2, ... March, and the days
// on which a cancellation took effect.
func TestCancellations(t *testing.T) {
	const bought = "2024-03-01 09:00"
	for _, c := range []struct {
		name   string
		events func(s *script)
		paying string // a digit a day
		took   map[int]int64
	}{
		{"at once", func(s *script) { s.cancels("c", "", "2024-03-03 09:00", "") }, "110000", map[int]int64{3: 1}},
		{"scheduled", func(s *script) { s.cancels("c", "", "2024-03-02 09:00", "2024-03-05 09:00") }, "111100", map[int]int64{5: 1}},
		{"effective before its own time", func(s *script) { s.cancels("c", "", "2024-03-03 09:00", "2024-03-02 09:00") }, "110000", map[int]int64{3: 1}},
		{"effective at midnight", func(s *script) { s.cancels("c", "", "2024-03-02 09:00", "2024-03-04 00:00") }, "111000", map[int]int64{4: 1}},
		{"twice", func(s *script) {
			s.cancels("c", "", "2024-03-03 09:00", "")
			s.cancels("c", "", "2024-03-03 10:00", "")
			s.cancels("c", "", "2024-03-03 09:00", "2024-03-05 09:00")
		}, "110000", map[int]int64{3: 1}},
		{"another subscription", func(s *script) { s.cancels("c", "x", "2024-03-03 09:00", "") }, "111111", nil},
		{"before any purchase", func(s *script) { s.cancels("c", "", "2024-02-29 09:00", "2024-03-03 09:00") }, "111111", nil},
		{"target comes late", func(s *script) {
			s.cancels("c", "y", "2024-03-03 09:00", "")
			s.buys("c", "y", 500, "2024-03-02 09:00")
		}, "111111", map[int]int64{3: 1}},
		{"all", func(s *script) {
			s.buys("c", "y", 500, "2024-03-02 09:00")
			s.cancels("c", "*", "2024-03-03 09:00", "")
		}, "110000", map[int]int64{3: 1}},
		{"all, but one comes after", func(s *script) {
			s.cancels("c", "*", "2024-03-03 09:00", "2024-03-05 09:00")
			s.buys("c", "y", 500, "2024-03-04 09:00")
		}, "111111", map[int]int64{5: 1}},
		{"withdrawn", func(s *script) {
			s.cancels("c", "", "2024-03-02 09:00", "2024-03-05 09:00")
			s.signals("c", "cancellation_withdrawn", "", "2024-03-03 09:00")
		}, "111111", nil},
		{"all withdrawn", func(s *script) {
			s.buys("c", "x", 500, "2024-03-01 09:00")
			s.cancels("c", "*", "2024-03-02 09:00", "2024-03-05 09:00")
			s.signals("c", "cancellation_withdrawn", "", "2024-03-03 09:00")
			s.cancels("c", "", "2024-03-02 09:00", "")
			s.cancels("c", "x", "2024-03-05 09:00", "2024-03-06 09:00")
		}, "111110", map[int]int64{2: 1, 6: 1}},
		{"one of two withdrawn", func(s *script) {
			s.buys("c", "x", 500, "2024-03-01 09:00")
			s.cancels("c", "*", "2024-03-02 09:00", "2024-03-05 09:00")
			s.signals("c", "cancellation_withdrawn", "x", "2024-03-03 09:00")
		}, "111111", map[int]int64{5: 1}},
		{"the unnamed one, not all", func(s *script) {
			s.buys("c", "x", 500, "2024-03-01 09:00")
			s.cancels("c", "", "2024-03-02 09:00", "")
		}, "111111", map[int]int64{2: 1}},
		{"withdrawn too late", func(s *script) {
			s.cancels("c", "", "2024-03-02 09:00", "2024-03-05 09:00")
			s.signals("c", "cancellation_withdrawn", "", "2024-03-05 09:00")
		}, "111100", map[int]int64{5: 1}},
		{"withdrawn before", func(s *script) {
			s.signals("c", "cancellation_withdrawn", "", "2024-03-02 08:00")
			s.cancels("c", "", "2024-03-02 09:00", "2024-03-05 09:00")
		}, "111100", map[int]int64{5: 1}},
		{"withdrawn for another", func(s *script) {
			s.cancels("c", "", "2024-03-02 09:00", "2024-03-05 09:00")
			s.signals("c", "cancellation_withdrawn", "x", "2024-03-03 09:00")
		}, "111100", map[int]int64{5: 1}},
		{"purchase within the notice", func(s *script) {
			s.cancels("c", "", "2024-03-02 09:00", "2024-03-05 09:00")
			s.buys("c", "", 1000, "2024-03-03 09:00")
		}, "111100", map[int]int64{5: 1}},
		{"purchase takes it back", func(s *script) {
			s.cfg.UncancelByPurchase = true
			s.cancels("c", "", "2024-03-02 09:00", "2024-03-05 09:00")
			s.buys("c", "", 1000, "2024-03-03 09:00")
		}, "111111", nil},
		{"purchase of another takes nothing back", func(s *script) {
			s.cfg.UncancelByPurchase = true
			s.cancels("c", "", "2024-03-02 09:00", "2024-03-05 09:00")
			s.buys("c", "y", 0, "2024-03-03 09:00")
		}, "111100", map[int]int64{5: 1}},
		{"purchase at the effective moment starts anew", func(s *script) {
			s.cancels("c", "", "2024-03-02 09:00", "2024-03-05 09:00")
			s.buys("c", "", 1000, "2024-03-05 09:00")
		}, "111111", map[int]int64{5: 1}},
		{"at once at the moment of a purchase", func(s *script) {
			s.cancels("c", "", "2024-03-03 09:00", "")
			s.buys("c", "", 1000, "2024-03-03 09:00")
		}, "110000", map[int]int64{3: 1}},
		{"won back, the pending end is used up", func(s *script) {
			s.cancels("c", "", "2024-03-02 09:00", "")
			s.buys("c", "", 1000, "2024-03-04 09:00")
		}, "100111", map[int]int64{2: 1}},
		{"ends twice", func(s *script) {
			s.cancels("c", "", "2024-03-02 09:00", "2024-03-05 09:00")
			s.cancels("c", "", "2024-03-02 10:00", "2024-03-03 09:00")
			s.buys("c", "", 1000, "2024-03-04 09:00")
		}, "110100", map[int]int64{3: 1, 5: 1}},
		{"of amount 0", func(s *script) {
			s.buys("c", "", 0, "2024-03-02 09:00")
			s.cancels("c", "", "2024-03-03 09:00", "")
		}, "100000", map[int]int64{3: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := scenario(t, "UTC")
			s.buys("c", "", 1000, bought)
			c.events(s)
			r := s.rest("2024-03-20")
			for i := range len(c.paying) {
				r.level("Customers", date("2024-03-01", i), int64(c.paying[i]-'0'))
				r.level("Cancellations", date("2024-03-01", i), c.took[i+1])
			}
		})
	}
}

// Ends that are still to come are in the levels of coming days.
func TestComingEnd(t *testing.T) {
	s := scenario(t, "UTC")
	s.buys("c", "", 1000, "2024-03-01 09:00")
	s.cancels("c", "", "2024-03-02 09:00", "2024-03-20 09:00")
	r := s.rest("2024-03-04 12:00")
	r.level("Customers", "2024-03-19", 1)
	r.level("Customers", "2024-03-20", 0)
	r.level("Cancellations", "2024-03-20", 1)
	if c := r.Customers["c"]; !c.Paying || c.MRR["USD"] != 1000*332_640 {
		t.Errorf("now: %+v", c)
	}
}

func TestLapse(t *testing.T) {
	s := scenario(t, "America/New_York")
	s.cfg.LapseGrace = 0
	s.buys("a", "", 1000, "2024-01-31 09:00") // until 29 February 09:00
	s.buys("b", "", 1000, "2024-01-31 09:00")
	s.buys("b", "", 1000, "2024-02-29 08:59") // in time, until 29 March
	year := s.buys("d", "", 1000, "2023-03-11 09:00")
	year.Purchase.Interval = event.Year
	weeks := s.buys("e", "", 1000, "2024-03-08 23:30") // until 22 March 23:30, the clock set forward between
	weeks.Purchase.Interval, weeks.Purchase.Count = event.Week, 2
	r := s.rest("2024-04-10")
	r.level("Customers", "2024-02-28", 3)
	r.level("Customers", "2024-02-29", 2) // a
	r.level("Customers", "2024-03-10", 3) // and e
	r.level("Customers", "2024-03-11", 2) // d
	r.level("Customers", "2024-03-21", 2)
	r.level("Customers", "2024-03-22", 1) // e
	r.level("Customers", "2024-03-29", 0) // b
	r.level("Cancellations", "2024-02-29", 0)

	s.events = s.events[len(s.events)-1:] // e alone
	for at, paying := range map[string]bool{"2024-03-22 23:29:59": true, "2024-03-22 23:30": false} {
		if got := s.rest(at).Customers["e"].Paying; got != paying {
			t.Errorf("e at %s: %v", at, got)
		}
	}
}

func TestLapseGrace(t *testing.T) {
	s := scenario(t, "UTC")
	s.buys("a", "", 1000, "2024-01-31 09:00") // until 29 February 09:00
	s.cfg.LapseGrace = 3 * 24 * time.Hour
	r := s.rest("2024-04-10")
	r.level("Customers", "2024-03-02", 1)
	r.level("Customers", "2024-03-03", 0)
	s.cfg.LapseGrace = oracle.Never
	s.rest("2024-04-10").level("Customers", "2024-04-09", 1)
}

func TestLapseAndCancellation(t *testing.T) {
	s := scenario(t, "UTC")
	s.cfg.LapseGrace = 0
	s.buys("a", "", 1000, "2024-01-15 09:00")
	s.cancels("a", "", "2024-01-20 09:00", "2024-02-15 09:00") // when the month is over
	s.buys("b", "", 1000, "2024-01-16 09:00")
	s.cancels("b", "", "2024-01-20 09:00", "2024-02-20 09:00") // has lapsed
	s.buys("b", "", 1000, "2024-02-25 09:00")
	r := s.rest("2024-03-01")
	r.level("Cancellations", "2024-02-15", 1)
	r.level("Cancellations", "2024-02-20", 0)
	r.level("Customers", "2024-02-24", 0)
	r.level("Customers", "2024-02-25", 1)
}

func TestBasisPurchases(t *testing.T) {
	s := scenario(t, "UTC")
	s.cfg.Basis = oracle.BasisPurchases
	s.orders("a", "o1", 1500, "1997-01-01 23:59")
	s.orders("b", "o2", 0, "1997-01-02 00:00")
	s.orders("d", "o3", 1500, "1997-01-02 00:00")
	s.refunds("d", "o3", 500, "1997-01-05 09:00")
	s.refunds("d", "o3", 1000, "1997-01-07 09:00")
	s.orders("e", "o4", 1500, "1997-01-02 00:00")
	s.refunds("e", "o4", 500, "1997-01-05 09:00")
	s.orders("e", "o5", 100, "1997-03-31 09:00")
	s.refunds("e", "none", 100, "1997-01-05 09:00")
	s.refunds("f", "none", 100, "1997-01-05 09:00")
	r := s.rest("1997-04-10")
	r.level("Customers", "1997-01-01", 1)
	r.level("Customers", "1997-01-02", 4)
	r.level("Customers", "1997-01-06", 4)
	r.level("Customers", "1997-01-07", 3) // d has its money back
	r.level("Customers", "1997-03-31", 3) // 1 January + 89 days
	r.level("Customers", "1997-04-01", 2)
	r.level("Customers", "1997-04-02", 1) // e by its second order
	r.level("Customers", "1997-06-09", 1)
	if got := r.Standing[oracle.Key{Counter: "CustomersEver"}]; got != 4 {
		t.Errorf("customers ever: %d, want 4", got)
	}
	if c := r.Customers["d"]; c.Paying || c.FirstPaidDay != day("1997-01-02") {
		t.Errorf("d: %+v", c)
	}
}

// Source and id make an event: the same twice is once, the same id from
// another source is another event, and unknown types are nobody's.
func TestDuplicates(t *testing.T) {
	s := scenario(t, "UTC")
	s.cfg.Basis = oracle.BasisPurchases
	s.orders("a", "o1", 1500, "2024-03-01 09:00")
	s.events = append(s.events, s.events[0])
	s.refunds("a", "o1", 1500, "2024-03-03 09:00")
	s.orders("b", "o2", 1500, "2024-03-01 09:00")
	s.refunds("b", "o2", 750, "2024-03-03 09:00")
	s.events = append(s.events, s.events[len(s.events)-1]) // half of it, not all
	s.orders("d", "", 1500, "2024-03-01 09:00")            // the event's id is its order
	s.refunds("d", string(s.events[len(s.events)-1].ID), 1500, "2024-03-03 09:00")
	s.orders("f", "", 1500, "2024-03-01 09:00")
	s.orders("f", "", 1500, "2024-03-02 09:00") // another
	s.refunds("f", string(s.events[len(s.events)-1].ID), 1500, "2024-03-03 09:00")
	for i, source := range []string{"x", "y"} {
		s.login("b", []string{"u", "v"}[i], "2024-03-01 09:00")
		e := &s.events[len(s.events)-1]
		e.ID, e.Source = []byte("same"), []byte(source)
	}
	s.add(event.Unknown, "page_viewed", "z", "2024-03-01 09:00")
	r := s.rest("2024-03-05")
	r.level("Customers", "2024-03-02", 4)
	for customer, paying := range map[string]bool{"a": false, "b": true, "d": false, "f": true} {
		if got := r.Customers[customer].Paying; got != paying {
			t.Errorf("%s paying: %v", customer, got)
		}
	}
	r.level("UsersActive1", "2024-03-01", 2)
	if _, known := r.Customers["z"]; known {
		t.Error("an event of unknown type makes no customer")
	}
}

// An amount of 0 makes nobody a customer, not even one who ever was.
func TestFree(t *testing.T) {
	s := scenario(t, "UTC")
	s.buys("c", "", 0, "2024-03-01 09:00")
	r := s.rest("2024-03-05")
	if c := r.Customers["c"]; c.EverPaid || r.Standing[oracle.Key{Counter: "CustomersEver"}] != 0 {
		t.Errorf("%+v, %v", c, r.Standing)
	}
	s.buys("c", "", 1000, "2024-03-03 09:00")
	if c := s.rest("2024-03-05").Customers["c"]; !c.EverPaid || c.FirstPaidDay != day("2024-03-03") {
		t.Errorf("%+v", c)
	}
}
