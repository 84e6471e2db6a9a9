package sqloracle_test

import (
	"fmt"
	"testing"

	"github.com/tidemark-io/tidemark/internal/sqloracle"
)

// The worked examples of kpis.md: 6,500 × 25 = 162,500; 100 × 50 = 5,000.
func TestMRR(t *testing.T) {
	for _, tc := range []struct {
		customers   int
		amount, mrr string
		arpa        string
	}{{6500, "25.00", "16250000", "2500"}, {100, "50.00", "500000", "5000"}} {
		f := newFacts(t)
		for i := range tc.customers {
			f.pay("2024-03-01", fmt.Sprint("c", i), tc.amount)
		}
		f.expect(f.compute(f.days("2024-03-01", "2024-03-01")), map[string]string{
			"mrr on 2024-03-01": tc.mrr, "arpa on 2024-03-01": tc.arpa, "mrr_new 1d on 2024-03-01": tc.mrr,
		})
	}
}

// Every interval: 100.00 a year is 8.33…, three of them 25.00; 10.00 every two
// weeks is 10.00 × 52 / 12 / 2 = 21.666…; 1.00 a day 365 / 12 = 30.41666….
func TestIntervals(t *testing.T) {
	for _, tc := range []struct{ body, mrr string }{
		{`"amount":"100.00","interval":"year"`, "833"},
		{`"amount":"300","interval":"year"`, "2500"},
		{`"amount":"10.00","interval":"week","interval_count":2`, "2167"},
		{`"amount":"1.00","interval":"day"`, "3042"},
		{`"amount":"10.00","interval":"quarter"`, "333"},
		{`"amount":"1.00","recurring_amount":"10.00","interval":"month"`, "1000"}, // prorated
		{`"amount":"10.00"`, "0"},                                                 // one-off
	} {
		f := newFacts(t)
		f.add("2024-03-01", "purchase", "acme", tc.body)
		f.expect(f.compute(f.days("2024-03-01", "2024-03-01")), map[string]string{"mrr on 2024-03-01": tc.mrr})
	}
}

// Movements between day ends. On 2 March acme goes up, blue down, coop up and
// down again; on 3 March dill leaves and returns, on 4 March it leaves, on 8
// March it is back.
func TestMovements(t *testing.T) {
	f := newFacts(t)
	for _, c := range []string{"acme", "blue", "coop", "dill"} {
		f.pay("2024-03-01", c, "10.00")
	}
	f.pay("2024-03-02 10:00", "acme", "15.00")
	f.pay("2024-03-02 10:00", "blue", "4.00")
	f.pay("2024-03-02 10:00", "coop", "99.00")
	f.pay("2024-03-02 11:00", "coop", "10.00")
	f.cancel("2024-03-03 10:00", "dill", "")
	f.pay("2024-03-03 11:00", "dill", "10.00")
	f.cancel("2024-03-04", "dill", "")
	f.pay("2024-03-08", "dill", "12.00")
	f.expect(f.compute(f.days("2024-03-01", "2024-03-10")), map[string]string{
		"mrr_new 1d on 2024-03-01":          "4000",
		"mrr_expansion 1d on 2024-03-02":    "500",
		"mrr_contraction 1d on 2024-03-02":  "-600",
		"mrr_churn 1d on 2024-03-03":        "0",
		"mrr_churn 1d on 2024-03-04":        "-1000",
		"mrr_reactivation 1d on 2024-03-08": "1200",
		"mrr_new 1d on 2024-03-08":          "0",
		"mrr on 2024-03-10":                 "4100", // 15 + 4 + 10 + 12
		// The 7 days from 3 March on: 39.00 at the start.
		"nrr 7d on 2024-03-09":                   "1.0512820512820513", // 41 / 39
		"grr 7d on 2024-03-09":                   "1",
		"gross_revenue_churn 7d on 2024-03-09":   "0.2564102564102564", // 10 / 39
		"net_revenue_churn 7d on 2024-03-09":     "0.2564102564102564",
		"quick_ratio 7d on 2024-03-09":           "1.2", // 12 / 10
		"quick_ratio_strict 7d on 2024-03-09":    "0",
		"mrr_decline_rate 7d on 2024-03-09":      "-0.05128205128205128", // (39 − 41) / 39
		"expansion_rate 1d on 2024-03-02":        "0.125",                // 5 / 40
		"gross_revenue_churn 1d on 2024-03-02":   "0.15",
		"net_revenue_churn 1d on 2024-03-02":     "0.025",
		"expansion_growth_rate 1d on 2024-03-02": "null",
		"expansion_growth_rate 1d on 2024-03-03": "-1",
	})
}

// The worked examples of kpis.md: MRR from 17,000 to 14,600 declines by 14.12 %,
// which new customers can hide; expansion grows from 14,000 to 19,500 by 39.29 %.
func TestDeclineAndExpansionGrowth(t *testing.T) {
	f := newFacts(t)
	f.pay("2024-02-01", "acme", "17000.00")
	f.pay("2024-03-01", "acme", "13600.00")
	f.pay("2024-03-05", "new", "1000.00")
	f.expect(f.compute(f.days("2024-03-31", "2024-03-31")), map[string]string{
		"mrr_decline_rate month on 2024-03-31":    "0.1411764705882353", // 2,400 / 17,000
		"gross_revenue_churn month on 2024-03-31": "0.2",
		"grr month on 2024-03-31":                 "0.8",
	})
	f = newFacts(t)
	f.pay("2024-01-01", "acme", "10000.00")
	f.pay("2024-02-10", "acme", "24000.00")
	f.pay("2024-03-10", "acme", "43500.00")
	f.expect(f.compute(f.days("2024-03-31", "2024-03-31")), map[string]string{
		"mrr_expansion month on 2024-03-31":         "1950000",
		"expansion_growth_rate month on 2024-03-31": "0.39285714285714285", // 5,500 / 14,000
	})
}

// 10.00 EUR at 1.10 and, from 3 March on, 1.20; 1,000 JPY at 0.0067 = 6.70 USD;
// 1.000 KWD at 3.25 USD.
func TestCurrencies(t *testing.T) {
	f := newFacts(t)
	f.add("2024-03-01", "purchase", "euro", `"amount":"10.00","currency":"EUR","interval":"month"`)
	f.add("2024-03-01", "purchase", "yen", `"amount":"1000","currency":"JPY","interval":"month"`)
	f.add("2024-03-01", "purchase", "dinar", `"amount":"1.000","currency":"KWD","interval":"month"`)
	f.add("2024-03-04", "purchase", "euro", `"amount":"10.00","currency":"USD","interval":"month"`)
	o := f.days("2024-03-01", "2024-03-04")
	o.Rates = []sqloracle.Rate{{"EUR", "2024-01-01", "1.10"}, {"EUR", "2024-03-03", "1.20"}, {"JPY", "2024-01-01", "0.0067"}, {"KWD", "2024-01-01", "3.25"}}
	got := f.compute(o)
	f.expect(got, map[string]string{
		"mrr on 2024-03-02":                "2095", // 11.00 + 6.70 + 3.25
		"mrr on 2024-03-03":                "2195",
		"mrr_fx 1d on 2024-03-03":          "100",
		"mrr_expansion 1d on 2024-03-03":   "0",
		"mrr on 2024-03-04":                "1995",
		"mrr_expansion 1d on 2024-03-04":   "1000", // into USD
		"mrr_contraction 1d on 2024-03-04": "-1200",
		"revenue 1d on 2024-03-01":         "2095",
		// At the rate of the end: (12 → 10 USD) + 6.70 + 3.25.
		"nrr 7d on 2024-03-04": "null", // nobody on 26 February
		"nrr 1d on 2024-03-04": "-",    // no window of it
	})
	o.Rates = o.Rates[:1]
	f.expect(f.compute(o), map[string]string{"mrr on 2024-03-02": "null", "revenue 1d on 2024-03-01": "null", "revenue 1d on 2024-03-04": "1000"})
}

// Orders, refunds and what is received. The order o1 is paid in two parts.
func TestRevenue(t *testing.T) {
	f := newFacts(t)
	f.order("2024-03-01", "acme", "o1", "30.00")
	f.order("2024-03-02", "acme", "o1", "10.00")
	f.order("2024-03-02", "blue", "o1", "20.00") // another customer's
	f.pay("2024-03-02", "blue", "5.00")
	f.refund("2024-03-03", "acme", "o1", "15.00")
	f.refund("2024-03-03", "coop", "unknown", "1.00")
	o := f.days("2024-03-01", "2024-03-04")
	f.expect(f.compute(o), map[string]string{
		"revenue 1d on 2024-03-02":     "3500",
		"revenue 7d on 2024-03-04":     "6500",
		"revenue_net 7d on 2024-03-04": "4900",
		"revenue_net 1d on 2024-03-03": "-1600",
		"orders 7d on 2024-03-04":      "3",
		"orders 1d on 2024-03-02":      "2",    // o1 is one of the day before
		"aov 7d on 2024-03-04":         "2167", // 65.00 / 3
		"aov 1d on 2024-03-03":         "null",
		"clv_observed on 2024-03-04":   "2450", // 49.00 for acme and blue
		"revenue month on 2024-03-31":  "6500",
	})
	o.OrdersIncludeSubscription = false
	f.expect(f.compute(o), map[string]string{
		"orders 7d on 2024-03-04": "2", "revenue 7d on 2024-03-04": "6500", "aov 7d on 2024-03-04": "3000",
	})
}
