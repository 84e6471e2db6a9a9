package oracle_test

import (
	"testing"

	"github.com/tidemark-io/tidemark/internal/oracle"
)

// cash expects a counter of minor units of USD.
func (r truth) cash(counter, date string, want int64) {
	r.t.Helper()
	if got := r.Levels[oracle.Key{Counter: counter, Currency: "USD", Day: day(date)}]; got != want {
		r.t.Errorf("%s on %s: got %d, want %d cents", counter, date, got, want)
	}
}

// reason expects so many cancellations with a reason.
func (r truth) reason(text, date string, want int64) {
	r.t.Helper()
	if got := r.Levels[oracle.Key{Counter: "CancelReasons", Label: text, Day: day(date)}]; got != want {
		r.t.Errorf("cancellations for %q on %s: got %d, want %d", text, date, got, want)
	}
}

// 29 from 10 March on, 49 from the 20th, 19 from the 25th, gone on the 27th and
// back on the 29th: new 29, expansion 20, contraction 30, churn 19, reactivation
// 19, which is 29 + 20 - 30 - 19 + 19 = 19. Up and down on the 22nd is nothing.
func TestMovements(t *testing.T) {
	s := scenario(t, "America/New_York")
	s.buys("c", "", 0, "2024-03-05 09:00") // a trial
	s.buys("c", "", 2900, "2024-03-10 23:30")
	s.buys("c", "", 4900, "2024-03-20 09:00")
	s.buys("c", "", 9900, "2024-03-22 09:00")
	s.buys("c", "", 4900, "2024-03-22 17:00")
	s.buys("c", "", 1900, "2024-03-25 09:00")
	s.cancels("c", "*", "2024-03-26 09:00", "2024-03-27 12:00")
	s.buys("c", "", 1900, "2024-03-29 09:00")
	r := s.rest("2024-04-02")
	for counter, on := range map[string]map[string]int64{
		"MRRNew": {"2024-03-10": 2900}, "MRRExpansion": {"2024-03-20": 2000}, "MRRContraction": {"2024-03-25": 3000},
		"MRRChurn": {"2024-03-27": 1900}, "MRRReactivation": {"2024-03-29": 1900},
	} {
		for d := 1; d <= 31; d++ {
			r.cents(counter, "USD", date("2024-03-01", d-1), on[date("2024-03-01", d-1)])
		}
	}
	r.cents("StartMRRMonth", "USD", "2024-03-31", 0) // nothing at the end of February
	r.cents("StartMRRMonth", "USD", "2024-04-01", 1900)
	r.cents("EndMRR30", "USD", "2024-04-09", 1900) // 2,900 on 10 March; none on the 9th of March
	r.cents("StartMRR30", "USD", "2024-04-09", 2900)
	r.cents("KeptMRR30", "USD", "2024-04-09", 1900)
	r.cents("StartMRR30", "USD", "2024-04-08", 0)
}

// Two subscriptions end one after the other: contraction, then churn.
func TestTheLastSubscriptionIsChurn(t *testing.T) {
	s := scenario(t, "UTC")
	s.buys("c", "base", 3000, "2024-03-01 09:00")
	s.buys("c", "seats", 1200, "2024-03-01 09:00")
	s.cancels("c", "base", "2024-03-10 09:00", "")
	s.cancels("c", "seats", "2024-03-12 09:00", "")
	r := s.rest("2024-04-02")
	r.cents("MRRNew", "USD", "2024-03-01", 4200)
	r.cents("MRRContraction", "USD", "2024-03-10", 3000)
	r.cents("MRRChurn", "USD", "2024-03-12", 1200)
}

// 40.00 in two payments on the 4th and the 6th, 20.00 on the 5th, 15.00 back on
// the 7th, all of the second order on the 8th, and 3.00 of an order nobody knows.
func TestCashAndOrders(t *testing.T) {
	s := scenario(t, "UTC")
	s.orders("c", "a", 3000, "2024-03-04 09:00")
	s.orders("c", "b", 2000, "2024-03-05 09:00")
	s.orders("c", "a", 1000, "2024-03-06 09:00")
	s.refunds("c", "a", 1500, "2024-03-07 09:00")
	s.refunds("c", "b", 2000, "2024-03-08 09:00")
	s.refunds("c", "?", 300, "2024-03-08 09:00")
	s.orders("free", "f", 0, "2024-03-04 09:00")
	r := s.rest("2024-04-20")
	r.cash("Revenue", "2024-03-04", 3000)
	r.cash("Revenue", "2024-03-06", 1000)
	r.cash("Refunds", "2024-03-08", 2300)
	r.cash("Received", "2024-03-07", 4500)
	r.cash("Received", "2024-04-19", 2200)
	r.level("Orders", "2024-03-04", 2)
	r.level("Orders", "2024-03-06", 0) // the order of the 4th
	r.level("Payers", "2024-03-04", 1) // not who paid nothing
	r.level("Buyers30", "2024-03-04", 2)
	r.level("Repeaters30", "2024-03-05", 1)
	r.level("Repeaters30", "2024-03-08", 0) // the second one is refunded
	r.level("Buyers30", "2024-04-02", 2)
	r.level("Buyers30", "2024-04-03", 0)
	r.level("BuyersEver", "2024-04-19", 2)
	r.level("RepeatersEver", "2024-03-07", 1)
	r.level("RepeatersEver", "2024-03-08", 0)
}

// Charges are orders unless they are kept apart.
func TestSubscriptionsApart(t *testing.T) {
	s := scenario(t, "UTC")
	s.buys("c", "", 900, "2024-03-04 09:00")
	s.orders("c", "a", 3000, "2024-03-05 09:00")
	r := s.rest("2024-03-20")
	r.level("Orders", "2024-03-04", 1)
	r.level("Repeaters90", "2024-03-05", 1)
	s.cfg.SubscriptionsApart = true
	r = s.rest("2024-03-20")
	r.cash("Revenue", "2024-03-04", 900)
	r.cash("RevenueApart", "2024-03-04", 900)
	r.level("Orders", "2024-03-04", 0)
	r.level("Repeaters90", "2024-03-05", 0)
}

// The quarter's start is the end of December, the month's that of February.
func TestChurnOfPeriods(t *testing.T) {
	s := scenario(t, "UTC")
	s.buys("old", "", 900, "2023-12-31 09:00")
	s.buys("new", "", 900, "2024-02-29 09:00")
	s.cancels("old", "*", "2024-03-10 09:00", "")
	s.events[len(s.events)-1].Cancellation.Reason = []byte(" price\n")
	s.cancels("new", "*", "2024-03-11 09:00", "")
	s.events[len(s.events)-1].Cancellation.Reason = []byte("None")
	r := s.rest("2024-04-20")
	r.level("StartMonth", "2024-03-31", 2)
	r.level("LostMonth", "2024-03-10", 1)
	r.level("LostMonth", "2024-03-31", 2)
	r.level("StartMonth", "2024-04-01", 0)
	r.level("StartQuarter", "2024-03-31", 1)
	r.level("LostQuarter", "2024-03-31", 1)
	r.reason("price", "2024-03-10", 1)
	r.reason("", "2024-03-11", 1)
}
