package sqloracle_test

import (
	"fmt"
	"testing"

	"github.com/tidemark-io/tidemark/internal/sqloracle"
)

// The worked examples of kpis.md. A quarter with one purchase of 50 a customer is
// a year with four: 50 × 4 × 5 years = 1,000. A quarter with 250 is a year with
// 1,000: 1,000 × 10 − 1,000 = 9,000.
func TestLifetimeValueByPurchases(t *testing.T) {
	f := newFacts(t)
	f.order("2024-03-01", "acme", "o1", "50.00")
	f.order("2024-03-01", "blue", "o1", "50.00")
	o := f.days("2024-03-31", "2024-03-31")
	o.Basis, o.LifetimeYears = sqloracle.BasisPurchases, 5
	f.expect(f.compute(o), map[string]string{
		"clv_purchase quarter on 2024-03-31": "100000",
		"clv_purchase month on 2024-03-31":   "300000", // twelve times
		"clv_purchase 90d on 2024-03-31":     "101389", // 50 × 365 / 90 × 5 = 1,013.888…
		"clv_observed on 2024-03-31":         "5000",
	})
	f.order("2024-03-02", "acme", "o2", "200.00")
	f.order("2024-03-02", "blue", "o2", "200.00")
	o.LifetimeYears, o.AcquisitionCost = 10, 100000
	f.expect(f.compute(o), map[string]string{"clv_net quarter on 2024-03-31": "900000"})
}

// 20 pay 50 a month, one of them leaves within 30 days: 50 × 0.8 / 0.05 = 800;
// at a cost of 200 that is 4.
func TestLifetimeValueByChurn(t *testing.T) {
	f := newFacts(t)
	for i := range 20 {
		f.pay("2024-02-01", fmt.Sprint("c", i), "50.00")
	}
	f.cancel("2024-03-20", "c7", "")
	o := f.days("2024-03-01", "2024-03-31")
	o.Margin, o.AcquisitionCost, o.MinSample = 0.8, 20000, 19
	f.expect(f.compute(o), map[string]string{
		"clv_churn on 2024-03-31": "80000",
		"ltv_cac on 2024-03-31":   "4",
		"clv_churn on 2024-03-19": "null", // no churn
	})
	o.MinSample = 20
	f.expect(f.compute(o), map[string]string{"clv_churn on 2024-03-31": "null", "ltv_cac on 2024-03-31": "null"})
}

// A calendar figure of days that are over is of its whole period.
func TestPeriodsEndBehindTheDaysAskedFor(t *testing.T) {
	f := newFacts(t)
	f.pay("2024-03-01", "acme", "10.00")
	f.pay("2024-03-01", "blue", "10.00")
	f.cancel("2024-04-28", "blue", "")
	f.cancel("2024-05-15", "acme", "")
	o := f.days("2024-04-02", "2024-04-03")
	o.Watermark = f.moment("2024-05-20").UnixMilli()
	f.expect(f.compute(o), map[string]string{
		"customer_churn_rate month on 2024-04-30":   "0.5",
		"customer_churn_rate quarter on 2024-06-30": "1", // to date
		"mrr_churn month on 2024-04-30":             "-1000",
		"grr month on 2024-04-30":                   "0.5",
		"cancellations week on 2024-04-07":          "0",
		"customers on 2024-04-03":                   "2",
		"customers on 2024-04-04":                   "-",
	})
}
