package oracle

import (
	"slices"
	"strings"
	"time"

	"github.com/tidemark-io/tidemark/event"
)

// addMoney adds movements of MRR, what is retained of it, cash, orders, buyers
// and reasons: each day by itself, by what holds at its end and at others'.
func (r *record) addMoney(s *sums) {
	if len(r.subscriptions) > 0 {
		r.addMovements(s)
		r.addRetained(s)
	}
	r.addCash(s)
	r.addOrders(s)
	for i, t := range r.cancelled {
		on := r.cal.day(t)
		s.labelled("CancelReasons", "", r.reasons[i], r.segments, func(d int32) int64 { return one(d == on) })
	}
}

// amountsAt are the recurring amounts at the end of a day by currency, without
// zeros.
func (r *record) amountsAt(d int32) map[string]int64 {
	if r.amounts == nil {
		r.amounts = map[int32]map[string]int64{}
	}
	if r.amounts[d] == nil {
		r.amounts[d] = r.mrr(r.cal.end(d))
	}
	return r.amounts[d]
}

func (r *record) addMovements(s *sums) {
	began := false // with an amount above 0
	var first int32
	for _, f := range r.facts {
		if f.recurring() && f.Purchase.Monthly > 0 && !began {
			began, first = true, f.day
		}
	}
	byKind := map[string]map[string]map[int32]int64{} // movement, currency, day
	for d := s.from; d <= s.to; d++ {
		was, is := r.amountsAt(d-1), r.amountsAt(d)
		up, down := "MRRExpansion", "MRRContraction"
		if len(was) == 0 && d == first {
			up = "MRRNew"
		} else if len(was) == 0 {
			up = "MRRReactivation"
		}
		if len(is) == 0 {
			down = "MRRChurn"
		}
		for _, c := range currenciesOf(was, is) {
			kind, by := up, is[c]-was[c]
			if by < 0 {
				kind, by = down, -by
			}
			if byKind[kind] == nil {
				byKind[kind] = map[string]map[int32]int64{}
			}
			if byKind[kind][c] == nil {
				byKind[kind][c] = map[int32]int64{}
			}
			byKind[kind][c][d] = by
		}
	}
	for kind, byCurrency := range byKind {
		for c, byDay := range byCurrency {
			s.each(kind, c, r.segments, func(d int32) int64 { return byDay[d] })
		}
	}
}

func currenciesOf(all ...map[string]int64) []string {
	var list []string
	for _, m := range all {
		for c := range m {
			list = append(list, c)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// starts are, by window, the day at whose end the window that ends on d starts.
var starts = map[string]func(d int32) int32{
	"30":      func(d int32) int32 { return d - 30 },
	"90":      func(d int32) int32 { return d - 90 },
	"Month":   func(d int32) int32 { return lastOfPeriodBefore(d, 1) },
	"Quarter": func(d int32) int32 { return lastOfPeriodBefore(d, 3) },
}

// lastOfPeriodBefore is the last day before the period of so many months that
// holds the day.
func lastOfPeriodBefore(d int32, months int) int32 {
	y, m, _ := time.Unix(int64(d)*86_400, 0).UTC().Date()
	return civil(y, time.Month((int(m)-1)/months*months+1), 1) - 1
}

func (r *record) addRetained(s *sums) {
	for window, start := range starts {
		for _, c := range r.currencies() {
			at := func(d int32) int64 { return r.amountsAt(d)[c] }
			s.each("StartMRR"+window, c, r.segments, func(d int32) int64 { return at(start(d)) })
			s.each("EndMRR"+window, c, r.segments, func(d int32) int64 {
				if len(r.amountsAt(start(d))) == 0 {
					return 0
				}
				return at(d)
			})
			s.each("KeptMRR"+window, c, r.segments, func(d int32) int64 { return min(at(start(d)), at(d)) })
		}
	}
}

// currencies are those that the customer's subscriptions ever had.
func (r *record) currencies() []string {
	var list []string
	for _, s := range r.subscriptions {
		for _, c := range s.changes {
			if c.active {
				list = append(list, c.currency)
			}
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// currencyOf is the currency of a purchase.
func (r *record) currencyOf(f fact) string {
	if f.Purchase.Currency == (event.Currency{}) {
		return r.cfg.Currency
	}
	return string(f.Purchase.Currency[:])
}

// isOrder says whether a purchase counts as an order.
func (r *record) isOrder(f fact) bool {
	return f.bought() && !(r.cfg.SubscriptionsApart && f.recurring())
}

func (r *record) addCash(s *sums) {
	receipts := []int32{}
	for _, f := range r.facts {
		if f.Kind != event.Purchase {
			continue
		}
		amount, currency := f.Purchase.Amount, r.currencyOf(f)
		on := func(d int32) int64 {
			if d != f.day {
				return 0
			}
			return amount
		}
		if !f.bought() {
			s.each("Refunds", currency, r.segments, on)
			s.each("Received", currency, r.segments, func(d int32) int64 { return -amount * one(d >= f.day) })
			continue
		}
		s.each("Revenue", currency, r.segments, on)
		s.each("Received", currency, r.segments, func(d int32) int64 { return amount * one(d >= f.day) })
		if !r.isOrder(f) {
			s.each("RevenueApart", currency, r.segments, on)
		}
		if amount > 0 {
			receipts = append(receipts, f.day)
		}
	}
	if len(receipts) > 0 {
		first := slices.Min(receipts)
		s.each("Payers", "", r.segments, func(d int32) int64 { return one(d >= first) })
	}
}

func (r *record) addOrders(s *sums) {
	first := map[string]int32{} // order -> day of its first purchase
	for _, f := range r.facts {
		if !r.isOrder(f) {
			continue
		}
		if d, known := first[f.order()]; !known || f.day < d {
			first[f.order()] = f.day
		}
	}
	if len(first) == 0 {
		return
	}
	s.each("Orders", "", r.segments, func(d int32) int64 {
		n := int64(0)
		for _, on := range first {
			n += one(on == d)
		}
		return n
	})
	for window, days := range map[string]int32{"30": 30, "90": 90, "Ever": 1 << 30} {
		standing := func(d int32) (n int64) {
			for id, on := range first {
				if on <= d && on > d-days && !r.refunded(id, r.cal.end(d)) {
					n++
				}
			}
			return n
		}
		s.each("Buyers"+window, "", r.segments, func(d int32) int64 { return one(standing(d) >= 1) })
		s.each("Repeaters"+window, "", r.segments, func(d int32) int64 { return one(standing(d) >= 2) })
	}
}

// reason is what a cancellation states, as it is counted.
func reason(text []byte) string {
	t := strings.TrimSpace(string(text))
	if strings.ToLower(t) == "none" {
		return ""
	}
	return t
}
