package kpi

import (
	"encoding/json"
	"math"
	"math/big"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/event"
)

// The days that the windows of today begin with: 24 October, 1 November, 1 October.
const in30, november, october = today - 29, today - 21, today - 52

// usdOn is a money counter of a day, in minor units.
func usdOn(c aggregator.Counter, day int32, minor int64) rows { return amountOn(c, usd, day, minor) }

func amountOn(c aggregator.Counter, cur event.Currency, day int32, minor int64) rows {
	return rows{{counter: c, cur: cur, day: day}: minor * c.Unit()}
}

func merge(parts ...rows) rows {
	out := rows{}
	for _, p := range parts {
		for k, n := range p {
			out[k] += n
		}
	}
	return out
}

type expected struct {
	kpi, window string
	value       json.Number
	num, den    int64
}

func check(t *testing.T, s *Source, want ...expected) {
	t.Helper()
	s.WeekStart = time.Monday
	for _, w := range want {
		f := figure(t, s, w.kpi, w.window, today)
		if f.Value != w.value || f.Numerator != w.num || f.Denominator != w.den {
			t.Errorf("%s %s = %q (%d of %d), want %q (%d of %d)", w.kpi, w.window, f.Value, f.Numerator, f.Denominator, w.value, w.num, w.den)
		}
	}
}

// The movements of the doc comment: new 29, expansion 20, contraction 30, churn
// 19, reactivation 19, one of them before November began.
func TestMovements(t *testing.T) {
	s := source(merge(usdOn(aggregator.MRRNew, november-1, 2900), usdOn(aggregator.MRRExpansion, november, 2000),
		usdOn(aggregator.MRRContraction, today-3, 3000), usdOn(aggregator.MRRChurn, today-2, 1900),
		usdOn(aggregator.MRRReactivation, today, 1900), usdOn(aggregator.MRRMoved, today-1, -700)))
	check(t, s,
		expected{"mrr_new", "", "2900", 2900, 1}, expected{"mrr_new", "month", "0", 0, 1}, expected{"mrr_new", "quarter", "2900", 2900, 1},
		expected{"mrr_expansion", "month", "2000", 2000, 1}, expected{"mrr_contraction", "7d", "-3000", -3000, 1},
		expected{"mrr_contraction", "week", "-3000", -3000, 1}, // Monday is six days ago
		expected{"mrr_churn", "1d", "0", 0, 1}, expected{"mrr_churn", "90d", "-1900", -1900, 1},
		expected{"mrr_reactivation", "1d", "1900", 1900, 1}, expected{"mrr_moved", "30d", "-700", -700, 1},
		expected{"mrr_fx", "30d", "0", 0, 1})
}

// 100 euros a month all the time, worth 1.10 until the day before yesterday, 1.12
// from yesterday on; 50 more of them come today, at 1.12. fx is 100 × 0.02, the
// new ones are 56: together what mrr rises by, 168 − 110.
func TestExchangeRatesAreNoExpansion(t *testing.T) {
	s := source(merge(amountOn(aggregator.MRR, eur, today-2, 10_000), amountOn(aggregator.MRR, eur, today-1, 10_000),
		amountOn(aggregator.MRR, eur, today, 15_000), amountOn(aggregator.MRRNew, eur, today, 5000)))
	s.Rates = func(_ event.Currency, day int32) *big.Rat {
		if day < today-1 {
			return big.NewRat(11, 10)
		}
		return big.NewRat(112, 100)
	}
	check(t, s, expected{"mrr_fx", "7d", "200", 200, 1}, expected{"mrr_fx", "1d", "0", 0, 1}, expected{"mrr_new", "7d", "5600", 5600, 1},
		expected{"mrr", "", "16800", 16_800, 1})
	s.Rates = nil
	check(t, s, expected{"mrr_fx", "7d", "", 0, 1}, expected{"mrr_new", "7d", "", 0, 1})
}

// a paid 100 and pays 150, b 60 and 40, c 40 and nothing.
func TestRetention(t *testing.T) {
	s := source(merge(usdOn(aggregator.StartMRR30, today, 200), usdOn(aggregator.EndMRR30, today, 190), usdOn(aggregator.KeptMRR30, today, 140),
		usdOn(aggregator.StartMRRMonth, today, 100), usdOn(aggregator.EndMRRMonth, today, 120), usdOn(aggregator.KeptMRRMonth, today, 90),
		rows{{counter: aggregator.StartMRRQuarter, cur: usd, day: today}: event.MonthlyUnit / 3, // a third of a cent
			{counter: aggregator.EndMRRQuarter, cur: usd, day: today}: event.MonthlyUnit / 4}))
	check(t, s, expected{"nrr", "", "0.95", 190, 200}, expected{"grr", "", "0.7", 140, 200},
		expected{"nrr", "month", "1.2", 120, 100}, expected{"grr", "month", "0.9", 90, 100},
		expected{"nrr", "90d", "", 0, 0}, expected{"nrr", "quarter", "0.75", 0, 0}) // from the exact amounts
	if f := figure(t, s, "nrr", "", today); f.Currency != "USD" || f.Unit != Ratio || f.Day != "2026-11-22" {
		t.Errorf("nrr: %+v", f)
	}
	if f := figure(t, s, "nrr", "month", today); f.Day != "2026-11-30" || f.Complete {
		t.Errorf("nrr of the month: %+v", f)
	}
	if f := figure(t, s, "nrr", "quarter", today); f.Exact().Cmp(big.NewRat(3, 4)) != 0 {
		t.Errorf("nrr of the quarter is exactly %v", f.Exact())
	}
}

// 17,000 at the start of 30 days; 2,500 churn, 400 contraction, 300 expansion, 200
// new: 14,600 at the end.
func TestRevenueChurn(t *testing.T) {
	s := source(merge(usdOn(aggregator.MRR, in30-1, 17_000), usdOn(aggregator.MRR, today, 14_600), usdOn(aggregator.MRRChurn, in30, 2500),
		usdOn(aggregator.MRRContraction, today, 400), usdOn(aggregator.MRRExpansion, today-5, 300), usdOn(aggregator.MRRNew, today-7, 200),
		usdOn(aggregator.MRRChurn, in30-1, 9000), usdOn(aggregator.MRR, october-1, 20_000)))
	check(t, s, expected{"gross_revenue_churn", "", "0.17058823529411765", 2900, 17_000},
		expected{"net_revenue_churn", "", "0.15294117647058825", 2600, 17_000},
		expected{"mrr_decline_rate", "", "0.1411764705882353", 2400, 17_000},
		expected{"expansion_rate", "", "0.01764705882352941", 300, 17_000},
		expected{"mrr_decline_rate", "quarter", "0.27", 5400, 20_000},
		expected{"gross_revenue_churn", "quarter", "0.595", 11_900, 20_000},
		expected{"expansion_rate", "7d", "", 300, 0})
}

func TestGrowth(t *testing.T) {
	s := source(merge(usdOn(aggregator.MRRNew, today, 4000), usdOn(aggregator.MRRExpansion, today-1, 2500), usdOn(aggregator.MRRReactivation, today-2, 1500),
		usdOn(aggregator.MRRChurn, today-3, 1500), usdOn(aggregator.MRRContraction, today-4, 500)))
	check(t, s, expected{"quick_ratio", "", "4", 8000, 2000}, expected{"quick_ratio_strict", "", "3.25", 6500, 2000},
		expected{"quick_ratio", "month", "4", 8000, 2000})
	s = source(merge(usdOn(aggregator.MRRExpansion, october, 10_000), usdOn(aggregator.MRRExpansion, november-1, 4000), usdOn(aggregator.MRRExpansion, november, 19_500)))
	// October 14,000, November 19,500; of 30 days 4,000 and 19,500 against 10,000 before.
	check(t, s, expected{"expansion_growth_rate", "month", "0.39285714285714285", 5500, 14_000},
		expected{"expansion_growth_rate", "30d", "1.35", 13_500, 10_000},
		expected{"expansion_growth_rate", "7d", "", 0, 0},
		expected{"quick_ratio", "", "", 23_500, 0})
}

// The orders of the doc comment: 40.00 in two payments on Monday, 20.00 on
// Tuesday, 15.00 back on Wednesday, and on Thursday 7.00 of a subscription that is
// no order.
func TestRevenue(t *testing.T) {
	monday := int32(today - 6)
	orders := rows{{counter: aggregator.Orders, day: monday}: 1, {counter: aggregator.Orders, day: monday + 1}: 1}
	cash := merge(orders, usdOn(aggregator.Revenue, monday, 4000), usdOn(aggregator.Revenue, monday+1, 2000), usdOn(aggregator.Refunds, monday+2, 1500))
	check(t, source(cash), expected{"revenue", "7d", "6000", 6000, 1}, expected{"revenue_net", "7d", "4500", 4500, 1},
		expected{"orders", "7d", "2", 2, 1}, expected{"aov", "7d", "3000", 6000, 2}, expected{"aov", "1d", "", 0, 0},
		expected{"revenue", "week", "6000", 6000, 1})
	apart := merge(cash, usdOn(aggregator.Revenue, monday+3, 700), usdOn(aggregator.RevenueApart, monday+3, 700))
	check(t, source(apart), expected{"revenue", "7d", "6700", 6700, 1}, expected{"aov", "7d", "3000", 6000, 2})
	// 1,500 yen are 1,000 cents, 5 dinars (5,000 fils) 1,600.
	kwd := event.Currency{'K', 'W', 'D'}
	s := source(merge(amountOn(aggregator.Revenue, jpy, today, 1500), amountOn(aggregator.Revenue, kwd, today, 5000)))
	s.Rates = func(cur event.Currency, _ int32) *big.Rat {
		return map[event.Currency]*big.Rat{jpy: big.NewRat(2, 3), kwd: big.NewRat(32, 100)}[cur]
	}
	check(t, s, expected{"revenue", "1d", "2600", 2600, 1})
}

func TestRepeatPurchases(t *testing.T) {
	s := source(on(today, map[aggregator.Counter]int64{aggregator.Buyers90: 1000, aggregator.Repeaters90: 200, aggregator.Buyers30: 8,
		aggregator.Repeaters30: 2, aggregator.BuyersEver: 23_570, aggregator.RepeatersEver: 11_785}))
	check(t, s, expected{"repeat_purchase_rate", "", "0.2", 200, 1000}, expected{"repeat_purchase_rate", "30d", "0.25", 2, 8},
		expected{"repeat_purchase_rate_lifetime", "", "0.5", 11_785, 23_570})
	check(t, source(nil), expected{"repeat_purchase_rate", "", "", 0, 0}, expected{"repeat_purchase_rate_lifetime", "", "", 0, 0})
}

func TestReasons(t *testing.T) {
	s := source(rows{
		{counter: aggregator.CancelReasons, day: today, label: "price"}:      1,
		{counter: aggregator.CancelReasons, day: today - 5, label: "price"}:  1,
		{counter: aggregator.CancelReasons, day: today - 6, label: ""}:       1,
		{counter: aggregator.CancelReasons, day: today - 7, label: "moving"}: 1,
		{counter: aggregator.CancelReasons, day: today - 1, label: "other"}:  0,
	})
	k, err := Find("churn_reasons")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]json.Number{}
	for _, f := range s.Figures(k, "7d", "", today) {
		got[f.Bucket] = f.Value
	}
	if len(got) != 2 || got["price"] != "2" || got["none"] != "1" {
		t.Errorf("churn_reasons of 7 days: %v, want price 2 and none 1", got)
	}
}

func TestCustomerChurnOfThePeriod(t *testing.T) {
	s := source(on(today, map[aggregator.Counter]int64{aggregator.StartMonth: 100, aggregator.LostMonth: 10, aggregator.StartQuarter: 80, aggregator.LostQuarter: 20}))
	check(t, s, expected{"customer_churn_rate", "month", "0.1", 10, 100}, expected{"retention_rate", "month", "0.9", 90, 100},
		expected{"customer_churn_rate", "quarter", "0.25", 20, 80})
	if f := figure(t, s, "retention_rate", "quarter", november-1); f.Day != "2026-12-31" || f.Complete {
		t.Errorf("the quarter's retention is of %s, complete: %v", f.Day, f.Complete)
	}
}

func TestLifetimeValues(t *testing.T) {
	counters := func(c map[aggregator.Counter]int64) rows { return on(today, c) }
	// arpa 50.00, margin 0.8, churn 2 of 40.
	s := source(merge(usdOn(aggregator.MRR, today, 200_000), counters(map[aggregator.Counter]int64{aggregator.Customers: 40, aggregator.Start30: 40, aggregator.Lost30: 2})))
	s.Lifetime = Lifetime{Margin: big.NewRat(8, 10), Cost: big.NewRat(20_000, 1)}
	check(t, s, expected{"clv_churn", "", "80000", 80_000, 1}, expected{"ltv_cac", "", "4", 80_000, 20_000})
	s.MinSample = 41
	check(t, s, expected{"clv_churn", "", "", 0, 1}, expected{"ltv_cac", "", "", 0, 0})
	s = source(counters(map[aggregator.Counter]int64{aggregator.Customers: 40, aggregator.Start30: 40}))
	check(t, s, expected{"clv_churn", "", "", 0, 1})
	s = source(merge(usdOn(aggregator.MRR, today, 200_000), counters(map[aggregator.Counter]int64{aggregator.Customers: 40, aggregator.Start30: 40, aggregator.Lost30: 2})))
	check(t, s, expected{"ltv_cac", "", "", 200_000 / 40 * 20, 0}) // no cost is known

	// 50.00 × 4 a year × 5 years: in the quarter each of 10 customers bought once.
	s = source(merge(usdOn(aggregator.Revenue, october, 30_000), usdOn(aggregator.Revenue, today, 20_000),
		counters(map[aggregator.Counter]int64{aggregator.Customers: 10, aggregator.Orders: 10})))
	s.Lifetime.Years = big.NewRat(5, 1)
	check(t, s, expected{"clv_purchase", "quarter", "100000", 1_000_000, 10})
	// 250.00 in the quarter are 1,000.00 a year; × 10 − 1,000.00.
	s = source(merge(usdOn(aggregator.Revenue, today, 100_000), counters(map[aggregator.Counter]int64{aggregator.Customers: 4})))
	s.Lifetime = Lifetime{Years: big.NewRat(10, 1), Cost: big.NewRat(100_000, 1)}
	check(t, s, expected{"clv_net", "quarter", "900000", 3_600_000, 4})
	check(t, source(nil), expected{"clv_net", "", "", 0, 0}, expected{"clv_purchase", "", "", 0, 0}, expected{"clv_observed", "", "", 0, 0})

	// 120.00 and 80.00 came, 20.00 went back.
	s = source(merge(usdOn(aggregator.Received, today, 18_000), counters(map[aggregator.Counter]int64{aggregator.Payers: 2})))
	check(t, s, expected{"clv_observed", "", "9000", 18_000, 2})
}

// The running quarter is to date: what coming lapses will make of its last day
// doesn't count yet, whichever of its days is asked for.
func TestACalendarWindowIsToDate(t *testing.T) {
	end := int32(today + 39) // 31 December
	s := source(merge(on(today, map[aggregator.Counter]int64{aggregator.StartQuarter: 80, aggregator.LostQuarter: 20}),
		on(end, map[aggregator.Counter]int64{aggregator.StartQuarter: 80, aggregator.LostQuarter: 79})))
	for _, day := range []int32{october, today, end} {
		if f := figure(t, s, "customer_churn_rate", "quarter", day); f.Value != "0.25" || f.Day != "2026-12-31" {
			t.Errorf("asked for day %d it is %s on %s", day, f.Value, f.Day)
		}
	}
	s.Watermark = s.Calendar.Start(end + 5)
	if f := figure(t, s, "customer_churn_rate", "quarter", october); f.Value != "0.9875" || !f.Complete {
		t.Errorf("when it is over it is %s, complete %v", f.Value, f.Complete)
	}
}

// TestMoneyBeyondAnInt64: it has no value, rather than one that wrapped, and the
// parts of a ratio stop at the largest number there is.
func TestMoneyBeyondAnInt64(t *testing.T) {
	most := big.NewRat(math.MaxInt64, 1)
	over := new(big.Rat).Add(most, big.NewRat(1, 1))
	if num, value := moneyValue(money(most)); num != math.MaxInt64 || value != "9223372036854775807" {
		t.Errorf("the most: %d, %q", num, value)
	}
	for m, num := range map[*big.Rat]int64{over: math.MaxInt64, new(big.Rat).Neg(new(big.Rat).Add(over, over)): math.MinInt64} {
		if n, value := moneyValue(money(m)); n != num || value != "" {
			t.Errorf("%s: %d, %q", m, n, value)
		}
	}
	if n, value := moneyValue(parts{money: over, den: 2}); n != math.MaxInt64 || value != "4611686018427387904" {
		t.Errorf("a half: %d, %q", n, value)
	}
	if n := round(over); n != math.MaxInt64 {
		t.Errorf("%s is rounded to %d", over, n)
	}
	if n := round(new(big.Rat).Mul(over, big.NewRat(-5, 1))); n != math.MinInt64 {
		t.Errorf("below: %d", n)
	}
}
