package oracle

import (
	"slices"
	"strings"

	"github.com/tidemark-io/tidemark/event"
)

// record is one customer: its events in order, and what they say at any moment.
type record struct {
	cfg   *Config
	cal   *calendar
	id    string
	facts []fact

	now      int64 // the watermark, or the latest event where that is later
	today    int32 // day of now
	segments []string

	users      map[string][]int32 // active days of each user, ascending
	activeDays []int32            // days with any user active, ascending
	lastSeen   int64

	subscriptions []subscription
	cancelled     []int64                    // moments at which a cancellation took effect, one for each
	reasons       []string                   // of the same
	amounts       map[int32]map[string]int64 // what amountsAt has found already

	everPaid     bool
	firstPaid    int64 // moment of the first purchase that makes paying
	firstPaidDay int32
	tickets      []spell
	invoices     []spell
	answers      []fact         // and invitations, in order
	bands        map[int32]Band // at the end of each day from firstPaidDay to the day before today
}

func newRecord(cfg *Config, cal *calendar, id string, facts []fact, watermark int64) *record {
	r := &record{cfg: cfg, cal: cal, id: id, facts: facts, now: watermark}
	for _, f := range facts {
		r.now = max(r.now, f.Time)
		if f.Kind == event.Survey || f.signal("survey_sent") {
			r.answers = append(r.answers, f)
		}
	}
	r.today = cal.day(r.now)
	r.segments = segments(facts, cfg.Dimensions)
	r.readActivity()
	r.readSubscriptions()
	r.readFirstPaid()
	r.tickets = spells(facts, "ticket_opened", "ticket_resolved")
	r.invoices = spells(facts, "invoice_late", "invoice_paid")
	r.walk()
	return r
}

// segments are "" and "dimension=value" for each dimension, by the latest
// attributes of all events; a removed or absent one has the value "". Of two
// dimensions at once, "a*b", it is "a=value,b=value". Commas within values are
// written twice.
func segments(facts []fact, dimensions []string) []string {
	attrs := map[string]string{}
	for _, f := range facts {
		for _, a := range f.Attrs {
			if a.Null {
				delete(attrs, string(a.Name))
			} else {
				attrs[string(a.Name)] = string(a.Value)
			}
		}
	}
	list := []string{""}
	for _, dim := range dimensions {
		var parts []string
		for name := range strings.SplitSeq(dim, "*") {
			parts = append(parts, name+"="+strings.Join(strings.Split(attrs[name], ","), ",,"))
		}
		list = append(list, strings.Join(parts, ","))
	}
	return list
}

func (r *record) readActivity() {
	r.users = map[string][]int32{}
	for _, f := range r.facts {
		if f.active(r.cfg.Activity) {
			r.users[f.user()] = append(r.users[f.user()], f.day)
			r.activeDays = append(r.activeDays, f.day)
			r.lastSeen = f.Time
		}
	}
	for u := range r.users {
		r.users[u] = distinct(r.users[u])
	}
	r.activeDays = distinct(r.activeDays)
}

func distinct(days []int32) []int32 {
	slices.Sort(days)
	return slices.Compact(days)
}

// within counts the days of an ascending list in the n days ending with d.
func within(days []int32, n int, d int32) int64 {
	from, _ := slices.BinarySearch(days, d-int32(n)+1)
	to, _ := slices.BinarySearch(days, d+1)
	return int64(to - from)
}

// makesPaying says whether a purchase makes its customer paying: under the
// basis subscription a recurring one with an amount, else any.
func (r *record) makesPaying(f fact) bool {
	if r.cfg.Basis == BasisPurchases {
		return f.bought()
	}
	return f.recurring() && f.Purchase.Monthly > 0
}

func (r *record) readFirstPaid() {
	for _, f := range r.facts {
		if r.makesPaying(f) {
			r.everPaid, r.firstPaid, r.firstPaidDay = true, f.Time, f.day
			return
		}
	}
}

// paying says whether the customer is a paying one at moment t of day d. (d is
// the day of t, but for a day that the zone skips, which ends where the day
// before it does.)
func (r *record) paying(t int64, d int32) bool {
	if r.cfg.Basis == BasisPurchases {
		return slices.ContainsFunc(r.facts, func(f fact) bool {
			return f.bought() && f.Time <= t && d-f.day < int32(r.cfg.ActivePurchaseDays) &&
				!r.refunded(f.order(), t)
		})
	}
	return slices.ContainsFunc(r.subscriptions, func(s subscription) bool { return s.at(t).monthly > 0 })
}

// payingAtEnd says the same of the end of a day.
func (r *record) payingAtEnd(d int32) bool { return r.paying(r.cal.end(d), d) }

// refunded says whether an order was fully refunded by moment t: there was a
// refund of it after its first purchase in the order, and in every currency
// refunds are not less than charges.
func (r *record) refunded(order string, t int64) bool {
	open, bought, refund := map[event.Currency]int64{}, false, false
	for _, f := range r.facts {
		switch {
		case f.Time > t || f.Kind != event.Purchase:
		case f.bought() && f.order() == order:
			open[f.Purchase.Currency] += f.Purchase.Amount
			bought = true
		case !f.bought() && string(f.Purchase.RefundOf) == order && bought:
			open[f.Purchase.Currency] -= f.Purchase.Amount
			refund = true
		}
	}
	for _, amount := range open {
		if amount > 0 {
			return false
		}
	}
	return refund
}

// mrr is the sum of the recurring amounts at moment t by currency, without zeros.
func (r *record) mrr(t int64) map[string]int64 {
	sum := map[string]int64{}
	for _, s := range r.subscriptions {
		if state := s.at(t); state.monthly > 0 {
			sum[state.currency] += state.monthly
		}
	}
	return sum
}

// sinceActive is the number of days from the later of the last active day up
// to d and the first paying day to d; the customer is or was paying on d.
func (r *record) sinceActive(d int32) int32 {
	last := r.firstPaidDay
	for _, a := range r.activeDays {
		if a <= d {
			last = max(last, a)
		}
	}
	return d - last
}

// customer is the record's part of Result.Customers.
func (r *record) customer() Customer {
	c := Customer{
		Now: r.now, Paying: r.paying(r.now, r.today), Band: r.live(r.now),
		MRR: r.mrr(r.now), Segments: r.segments,
		Active: len(r.activeDays) > 0, LastSeen: r.lastSeen,
		EverPaid: r.everPaid, FirstPaidDay: r.firstPaidDay,
	}
	if c.Active {
		c.LastActiveDay = r.activeDays[len(r.activeDays)-1]
	}
	if c.Paying {
		c.Score, c.Contributions = r.explain(r.now, r.today)
	}
	return c
}
