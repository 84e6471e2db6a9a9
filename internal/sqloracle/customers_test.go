package sqloracle_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/internal/sqloracle"
)

// The worked example of kpis.md: 100 at the start, 12 cancelled in the window of
// whom one came back and one had joined within it: 10 of 100.
func TestChurn(t *testing.T) {
	f := newFacts(t)
	for i := range 100 {
		f.pay("2024-03-01", fmt.Sprint("c", i), "10.00")
	}
	f.pay("2024-04-10", "joined", "10.00")
	for i := range 11 {
		f.cancel("2024-04-15", fmt.Sprint("c", i), `"reason":"price"`)
	}
	f.cancel("2024-04-15", "joined", "")
	f.pay("2024-04-20", "c0", "10.00")
	f.expect(f.compute(f.days("2024-04-15", "2024-04-30")), map[string]string{
		"customers on 2024-04-30":                 "90",
		"customers_ever on 2024-04-30":            "101",
		"customer_churn_rate 30d on 2024-04-30":   "0.1", // from 31 March on
		"retention_rate 30d on 2024-04-30":        "0.9",
		"customer_churn_rate month on 2024-04-30": "0.1",
		"customer_churn_rate 90d on 2024-04-30":   "null", // nobody in January
		"customer_churn_rate 7d on 2024-04-15":    "0.11", // c0 not back yet
		"cancellations 1d on 2024-04-15":          "12",
		"cancellations 30d on 2024-04-30":         "12",
		"churn_reasons 30d [price] on 2024-04-30": "11",
		"churn_reasons 30d [none] on 2024-04-30":  "1", // without a reason
		"mrr on 2024-04-30":                       "90000",
		"arpa on 2024-04-30":                      "1000",
		// c0 had paid before.
		"mrr_churn 30d on 2024-04-30":        "-12000",
		"mrr_reactivation 30d on 2024-04-30": "1000",
		"mrr_new 30d on 2024-04-30":          "1000",
		// Of 100 at the start 90 pay what they paid.
		"nrr 30d on 2024-04-30": "0.9",
		"grr 30d on 2024-04-30": "0.9",
		// 12 × 10.00 of 1,000.00, with the one who had joined within it.
		"gross_revenue_churn 30d on 2024-04-30": "0.12",
		// ARPA 10.00 / 0.1 a month.
		"clv_churn on 2024-04-30": "10000",
	})
}

// Ends: at the effective moment, withdrawn, twice, of one of two subscriptions.
func TestCancellations(t *testing.T) {
	f := newFacts(t)
	f.pay("2024-03-01", "later", "10.00")
	f.cancel("2024-03-05", "later", `"effective":"2024-03-20T00:00:00Z"`)
	f.cancel("2024-03-06", "later", `"effective":"2024-03-20T00:00:00Z"`) // once more: nothing
	f.pay("2024-03-01", "stays", "10.00")
	f.cancel("2024-03-05", "stays", `"effective":"2024-03-20T00:00:00Z"`)
	f.add("2024-03-19", "signal", "stays", `"name":"cancellation_withdrawn"`)
	f.add("2024-03-01", "purchase", "two", `"amount":"10.00","interval":"month","subscription":"base"`)
	f.add("2024-03-01", "purchase", "two", `"amount":"5.00","interval":"month","subscription":"addon"`)
	f.cancel("2024-03-20", "two", `"subscription":"addon"`)
	f.cancel("2024-03-01", "nobody", "") // of what was never bought
	f.pay("2024-03-02", "past", "10.00")
	f.cancel("2024-03-20", "past", `"effective":"2024-01-01T00:00:00Z"`) // in the past: at once
	f.pay("2024-03-03", "trial", "0.00")
	f.cancel("2024-03-20", "trial", "")
	f.expect(f.compute(f.days("2024-03-01", "2024-03-21")), map[string]string{
		"customers on 2024-03-19":          "4",
		"customers on 2024-03-20":          "2",
		"cancellations 30d on 2024-03-20":  "4", // later, two's addon, past, trial
		"mrr on 2024-03-19":                "4500",
		"mrr on 2024-03-20":                "2000",
		"mrr_contraction 1d on 2024-03-20": "-500", // two has another one
		"mrr_churn 1d on 2024-03-20":       "-2000",
		"customers_ever on 2024-03-21":     "4",
		"cancellations 1d on 2024-03-05":   "0",
	})
	o := f.days("2024-03-01", "2024-03-21")
	o.CancelAtOnce = true
	f.expect(f.compute(o), map[string]string{"customers on 2024-03-05": "2", "cancellations 1d on 2024-03-05": "2"})
}

// With uncancel: purchase a charge within the notice period takes it back.
func TestUncancelByPurchase(t *testing.T) {
	f := newFacts(t)
	f.pay("2024-03-01", "acme", "10.00")
	f.cancel("2024-03-05", "acme", `"effective":"2024-04-20T00:00:00Z"`)
	f.pay("2024-04-01", "acme", "10.00")
	o := f.days("2024-04-19", "2024-04-21")
	f.expect(f.compute(o), map[string]string{"customers on 2024-04-19": "1", "customers on 2024-04-20": "0"})
	o.UncancelByPurchase = true
	f.expect(f.compute(o), map[string]string{"customers on 2024-04-20": "1"})
}

// A month after 31 January is 29 February; three days of grace from there on.
func TestLapse(t *testing.T) {
	f := newFacts(t)
	f.pay("2024-01-31 12:00", "acme", "10.00")
	f.pay("2024-02-29 12:00", "renews", "10.00")
	f.pay("2024-03-29 12:00", "renews", "10.00")
	o := f.days("2024-02-28", "2024-05-10")
	f.expect(f.compute(o), map[string]string{"customers on 2024-05-10": "2"})
	o.LapseGrace = 0
	f.expect(f.compute(o), map[string]string{
		"customers on 2024-02-28":         "1",
		"customers on 2024-02-29":         "1", // acme lapses, renews begins
		"customers on 2024-04-28":         "1",
		"customers on 2024-04-29":         "0",
		"cancellations 90d on 2024-05-10": "0", // a lapse is none
	})
	o.LapseGrace = 72 * time.Hour
	f.expect(f.compute(o), map[string]string{"customers on 2024-03-02": "2", "customers on 2024-03-03": "1"})
}

// On the basis purchases an order keeps its customer for 90 days, its own
// included: from 1 January to 30 March. A full refund ends that on its day.
func TestCustomersByPurchases(t *testing.T) {
	f := newFacts(t)
	f.order("2024-01-01", "acme", "o1", "10.00")
	f.order("2024-01-01", "free", "o1", "0.00")
	f.order("2024-02-01", "back", "o1", "10.00")
	f.refund("2024-02-10", "back", "o1", "4.00")
	f.refund("2024-02-20", "back", "o1", "6.00")
	f.refund("2024-01-01 11:00", "acme", "o1", "10.00") // before the order: not behind it
	o := f.days("2024-02-01", "2024-04-01")
	o.Basis = sqloracle.BasisPurchases
	f.expect(f.compute(o), map[string]string{
		"customers on 2024-02-19":               "3",
		"customers on 2024-02-20":               "2",
		"customers on 2024-03-30":               "2",
		"customers on 2024-03-31":               "0",
		"customers_ever on 2024-04-01":          "3",
		"customer_churn_rate 30d on 2024-03-01": "0", // acme and free at the end of 31 January
		"customer_churn_rate 7d on 2024-02-20":  "0.3333333333333333",
	})
}

// Last active on 3 March: silent from 17 March on. Never active: 14 days after
// the first paying day.
func TestSilentCustomers(t *testing.T) {
	f := newFacts(t)
	f.pay("2024-03-01", "acme", "10.00")
	f.login("2024-03-03", "acme", "u")
	f.pay("2024-03-10", "blue", "10.00")
	f.login("2024-03-30", "acme", "v")
	f.expect(f.compute(f.days("2024-03-01", "2024-03-31")), map[string]string{
		"silent_customers on 2024-03-16": "0",
		"silent_customers on 2024-03-17": "1",
		"silent_customers on 2024-03-24": "2",
		"silent_customers on 2024-03-30": "1",
	})
}

// The worked example of kpis.md: 200 of 1,000 have a second order.
func TestRepeatPurchaseRate(t *testing.T) {
	f := newFacts(t)
	for i := range 1000 {
		f.order("2024-03-01", fmt.Sprint("c", i), "o1", "10.00")
		if i < 200 {
			f.order("2024-03-05", fmt.Sprint("c", i), "o2", "10.00")
		}
	}
	f.order("2024-03-06", "c999", "o1", "5.00") // the same order once more
	f.refund("2024-03-20", "c0", "o2", "10.00")
	f.refund("2024-03-20", "c1", "o2", "9.99") // in part
	f.refund("2024-03-21", "c998", "o1", "10.00")
	f.expect(f.compute(f.days("2024-03-19", "2024-06-15")), map[string]string{
		"repeat_purchase_rate 90d on 2024-03-19":      "0.2",
		"repeat_purchase_rate 90d on 2024-03-20":      "0.199",
		"repeat_purchase_rate 90d on 2024-03-21":      "0.1991991991991992", // 199 / 999
		"repeat_purchase_rate 30d on 2024-03-31":      "0",                  // 199 of the 5th, one of the 6th
		"repeat_purchase_rate_lifetime on 2024-06-15": "0.1991991991991992",
		"repeat_purchase_rate 90d on 2024-06-15":      "null",
		"orders 30d on 2024-03-19":                    "1200",
		"orders 1d on 2024-03-06":                     "-", // not asked for
	})
}
