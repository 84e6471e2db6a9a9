package generate

import (
	"fmt"
	"time"

	"github.com/tidemark-io/tidemark/event"
)

// drawLogins draws a user's logins: runs of days with gaps.
func (h *history) drawLogins(user []byte) {
	day := h.between(0, h.o.Days/2)
	for range h.between(1, 3) {
		for range h.between(1, 8) {
			e := h.newEvent(event.Login, h.moment(min(day, h.o.Days-1)))
			e.User = user
			h.add(e)
			day += pick(h, 0, 1, 1, 1, 2)
		}
		day += pick(h, 3, 7, 13, 14, 15, 29, 30, 31, h.o.Horizon, h.o.Horizon+1)
		if day >= h.o.Days {
			return
		}
	}
}

var (
	dollar = event.Currency{'U', 'S', 'D'}
	euro   = event.Currency{'E', 'U', 'R'}
	yen    = event.Currency{'J', 'P', 'Y'}
)

// drawSubscription draws the life of one subscription: purchases an interval or so
// apart with a new amount at times, ends, changes of mind and returns.
func (h *history) drawSubscription(name string) {
	unit := pick(h, event.Month, event.Week, event.Week, event.Day, event.Quarter, event.Year)
	count := uint16(pick(h, 1, 1, 2, 3))
	currency := pick(h, dollar, dollar, euro)
	day := h.between(0, h.o.Days*2/3)
	at := h.moment(day)
	for range h.between(1, 5) {
		p := event.PurchaseData{Subscription: []byte(name), Amount: int64(pick(h, 2900, 900, 10000, 0)),
			Currency: currency, Interval: unit, Count: count}
		p.Monthly = monthly(p)
		e := h.newEvent(event.Purchase, at)
		order := e.ID
		if h.chance(25) {
			order = fmt.Appendf(nil, "o%d", h.drawn)
			p.Order = order
		}
		e.Purchase = p
		h.add(e)
		if h.chance(15) {
			h.refund(order, at+pick(h, hour, 24*hour, 9*24*hour), int64(pick(h, p.Amount, p.Amount/2)), currency)
		}
		due := h.later(at, unit, int(count))
		if h.chance(35) {
			h.drawEnd(name, at, due)
		}
		if h.chance(10) {
			currency = pick(h, dollar, euro, yen)
		}
		at = pick(h, due, due, due-hour, due+25*hour, at+3*24*hour, at+24*hour, at)
	}
}

// drawEnd draws a cancellation within a paid interval, and at times its withdrawal.
func (h *history) drawEnd(name string, bought, due int64) {
	at := pick(h, bought, bought+30*minute, bought+26*hour, bought+5*24*hour)
	effective := pick(h, at, at, due, at+24*hour, at+7*24*hour, at-3*hour, at+int64(h.o.Horizon)*24*hour, h.midnightAfter(at))
	subscription := []byte(name)
	if h.chance(30) {
		subscription = nil
	}
	h.cancel(subscription, at, effective)
	if h.chance(20) { // once more
		h.cancel([]byte(name), at+pick(h, 0, hour), effective)
	}
	if h.chance(30) {
		e := h.newEvent(event.Signal, pick(h, at, at+hour, effective, effective-1, effective-hour))
		e.Signal = event.SignalData{Name: []byte("cancellation_withdrawn"), Value: 1000}
		if h.chance(60) && name != "" {
			e.Signal.Ref = []byte(name)
		}
		h.add(e)
	}
}

// cancel adds a cancellation; a nil subscription stands for all.
func (h *history) cancel(subscription []byte, at, effective int64) {
	e := h.newEvent(event.Cancellation, at)
	e.Cancellation = event.CancellationData{Subscription: subscription, Effective: effective, Reason: pick(h, []byte("price"), []byte(" price "), nil, []byte("None"), []byte("moving away"))}
	h.add(e)
}

// later is some intervals after a moment, by the calendar of the zone.
func (h *history) later(at int64, unit event.Interval, count int) int64 {
	t := time.UnixMilli(at).In(h.o.Zone)
	switch unit {
	case event.Day:
		t = t.AddDate(0, 0, count)
	case event.Week:
		t = t.AddDate(0, 0, 7*count)
	case event.Month:
		t = t.AddDate(0, count, 0)
	case event.Quarter:
		t = t.AddDate(0, 3*count, 0)
	case event.Year:
		t = t.AddDate(count, 0, 0)
	}
	return t.UnixMilli()
}

// midnightAfter is the start of one of the days after a moment.
func (h *history) midnightAfter(at int64) int64 {
	return startOf(h.o.Zone, dayOf(h.o.Zone, at)+int32(h.between(1, 9)))
}

// monthly is a purchase's amount a month, in units of 1/event.MonthlyUnit.
func monthly(p event.PurchaseData) int64 {
	num, den := int64(1), int64(p.Count)
	switch p.Interval {
	case event.Day:
		num, den = 365, 12*den
	case event.Week:
		num, den = 52, 12*den
	case event.Quarter:
		den = 3 * den
	case event.Year:
		den = 12 * den
	}
	return p.Amount * event.MonthlyUnit * num / den
}

// drawOrder draws a one-off purchase, at times in several payments, and at times
// refunds of it, in part, in full or more.
func (h *history) drawOrder() {
	day := h.between(0, h.o.Days-1)
	e := h.newEvent(event.Purchase, h.moment(day))
	e.Purchase = event.PurchaseData{Amount: int64(pick(h, 1500, 4000, 0)), Currency: pick(h, dollar, dollar, euro, yen), Count: 1}
	order := e.ID
	if h.chance(50) {
		order = fmt.Appendf(nil, "o%d", h.drawn)
		e.Purchase.Order = order
	}
	h.add(e)
	for h.chance(20) {
		p := h.newEvent(event.Purchase, h.near(e.Time, 40))
		p.Purchase = event.PurchaseData{Order: append([]byte(nil), order...), Amount: 700, Currency: e.Purchase.Currency, Count: 1}
		h.add(p)
	}
	left := e.Purchase.Amount
	for left > 0 && h.chance(30) {
		part := pick(h, left, left, left/2, left+700)
		h.refund(order, h.near(e.Time, 12), part, e.Purchase.Currency)
		left -= part
	}
	if h.chance(8) {
		h.refund([]byte("unknown"), h.moment(h.between(0, h.o.Days-1)), 500, dollar)
	}
}

// near draws a moment so many days after another, or a little before it. (Of two
// events on one order that lie further apart than records remember, the second
// finds nothing of the first.)
func (h *history) near(at int64, days int) int64 {
	return at + pick(h, 0, 0, hour, -hour, minute, 7*hour) + int64(h.between(0, days))*24*hour
}

// refund adds a refund of an order.
func (h *history) refund(order []byte, at, amount int64, currency event.Currency) {
	r := h.newEvent(event.Purchase, at)
	r.Purchase = event.PurchaseData{RefundOf: append([]byte(nil), order...), Amount: amount, Currency: currency, Count: 1}
	h.add(r)
}

// signal adds a signal with a ref.
func (h *history) signal(name, ref string, at int64) {
	e := h.newEvent(event.Signal, at)
	e.Signal = event.SignalData{Name: []byte(name), Value: 1000, Ref: []byte(ref)}
	h.add(e)
}

// drawTicket draws a ticket: opened, at times twice, and resolved after about as
// long as health looks at, or never.
func (h *history) drawTicket(n int) {
	ref := fmt.Sprintf("t%d", n)
	at := h.moment(h.between(0, h.o.Days-1))
	h.signal("ticket_opened", ref, at)
	if h.chance(15) {
		h.signal("ticket_opened", ref, at+pick(h, -hour, 2*hour, 80*hour))
	}
	if h.chance(75) {
		h.signal("ticket_resolved", ref, at+pick(h, hour, 24*hour, 24*hour-1, 48*hour, 60*hour, 200*hour, -hour))
	}
}

// drawInvoice draws an invoice that is late, and paid or not.
func (h *history) drawInvoice(n int) {
	ref := fmt.Sprintf("i%d", n)
	at := h.moment(h.between(0, h.o.Days-1))
	h.signal("invoice_late", ref, at)
	if h.chance(50) {
		h.signal("invoice_paid", ref, at+pick(h, 2*hour, 50*hour, 240*hour, -hour))
	}
}

// scale is a scale of scores, in thousandths.
type scale struct{ min, max int32 }

// drawAnswer draws an answer to a survey.
func (h *history) drawAnswer() {
	e := h.newEvent(event.Survey, h.moment(h.between(0, h.o.Days-1)))
	s := event.SurveyData{Kind: pick(h, event.NPS, event.NPS, event.CSAT, event.CES, event.CLI)}
	var on scale
	switch s.Kind {
	case event.NPS:
		on = pick(h, scale{0, 10000}, scale{0, 10000}, scale{1000, 10000}, scale{0, 100000})
	case event.CSAT:
		on = pick(h, scale{1000, 5000}, scale{1000, 5000}, scale{1000, 10000}, scale{0, 3000})
	case event.CES:
		on = pick(h, scale{1000, 7000}, scale{1000, 7000}, scale{1000, 5000}, scale{0, 3000})
	case event.CLI:
		on = pick(h, scale{1000, 10000}, scale{1000, 10000}, scale{0, 7000})
	}
	s.Min, s.Max = on.min, on.max
	s.Score = on.min + 500*int32(h.between(0, int(on.max-on.min)/500))
	if s.Kind == event.CLI {
		for _, question := range []string{"buy", "stay"} {
			if h.chance(50) {
				s.Answers = append(s.Answers, event.Answer{Name: []byte(question), Score: on.min + 500*int32(h.between(0, int(on.max-on.min)/500))})
			}
		}
	}
	s.Respondent = h.user(h.between(0, 2))
	s.Campaign = pick(h, nil, []byte("spring"), []byte("autumn"))
	if h.chance(20) {
		s.Ref = []byte(pick(h, "t0", "t1"))
	}
	e.Survey = s
	h.add(e)
	if h.chance(25) {
		h.drawInvitation(e.Time, s)
	}
}

// drawInvitation draws an invitation to a survey, of the one who answered or of
// somebody else.
func (h *history) drawInvitation(before int64, s event.SurveyData) {
	e := h.newEvent(event.Signal, before-int64(h.between(0, 3))*24*hour)
	e.Signal = event.SignalData{Name: []byte("survey_sent"), Value: 1000, Ref: s.Campaign}
	e.User = s.Respondent
	if h.chance(30) {
		e.User = h.user(2)
	}
	h.add(e)
}
