package main

import (
	"fmt"

	"github.com/tidemark-io/tidemark/event"
)

var (
	dollar = event.Currency{'U', 'S', 'D'}
	euro   = event.Currency{'E', 'U', 'R'}
	yen    = event.Currency{'J', 'P', 'Y'} // the generator's
)

// life draws a customer who pays and whose users come in phases: busy, quiet
// for weeks, back again. Quiet ones turn red by time alone.
func (a *author) life(customer string) {
	begin := a.r.IntN(a.s.days / 3)
	a.subscribe(customer, begin)
	users := 1 + a.r.IntN(3)
	busy := a.r.IntN(4) > 0
	for d := begin; d < a.s.days; {
		length := 5 + a.r.IntN(12)
		if !busy {
			length = 14 + a.r.IntN(20)
		}
		for end := min(a.s.days, d+length); d < end; d++ {
			for u := range users {
				if busy && a.r.IntN(2) == 0 {
					a.login(customer, u, d)
				}
			}
		}
		busy = !busy
	}
	for range a.r.IntN(3) {
		a.ticket(customer, begin+a.r.IntN(a.s.days-begin))
	}
	for range a.r.IntN(3) {
		a.answer(customer, begin+a.r.IntN(a.s.days-begin), a.r.IntN(users))
	}
	if a.r.IntN(3) == 0 {
		a.refundable(customer, begin+a.r.IntN(a.s.days-begin))
	}
}

// on is a moment of the n-th day, within the span of events.
func (a *author) on(n int) int64 {
	n = min(n, a.s.days-1)
	return a.moment(n) + a.r.Int64N(max(1, a.moment(n+1)-a.moment(n)))
}

func (a *author) user(u int) []byte {
	if u == 0 {
		return nil // the customer itself
	}
	return fmt.Appendf(nil, "user%d", u)
}

func (a *author) login(customer string, u, on int) {
	e := a.event(customer, event.Login, a.on(on))
	e.User = a.user(u)
	if a.r.IntN(15) == 0 {
		e.Attrs = []event.Attr{{Name: []byte("plan"), Value: []byte(pick(a.r, "free", "pro", "team"))}}
	}
	a.events = append(a.events, e)
}

// subscribe draws purchases an interval apart, a cancellation and a return.
func (a *author) subscribe(customer string, begin int) {
	interval, length := event.Week, 7
	if a.r.IntN(2) == 0 {
		interval, length = event.Month, 30
	}
	currency := pick(a.r, dollar, dollar, euro)
	amount := int64(pick(a.r, 900, 2900, 10_000))
	attrs := []event.Attr{{Name: []byte("plan"), Value: []byte(pick(a.r, "free", "pro", "team"))},
		{Name: []byte("country"), Value: []byte(pick(a.r, "US", "IN"))}}
	for d := begin; d < a.s.days; d += length {
		e := a.event(customer, event.Purchase, a.on(d))
		monthly, _ := event.Monthly(amount, interval, 1)
		e.Purchase = event.PurchaseData{Subscription: []byte("base"), Amount: amount, Currency: currency,
			Interval: interval, Count: 1, Monthly: monthly}
		e.Attrs, attrs = attrs, nil
		a.events = append(a.events, e)
		if a.r.IntN(4) == 0 {
			amount = int64(pick(a.r, 900, 2900, 10_000))
		}
		if a.r.IntN(8) == 0 {
			c := a.event(customer, event.Cancellation, e.Time+a.r.Int64N(3*day))
			if c.Time >= a.moment(a.s.days) {
				return
			}
			c.Cancellation = event.CancellationData{Effective: c.Time + int64(pick(a.r, 0, 2, 9))*day, Reason: []byte("price")}
			a.events = append(a.events, c)
			d += 10 + a.r.IntN(30)
		}
	}
}

func (a *author) ticket(customer string, on int) {
	opened := a.event(customer, event.Signal, a.on(on))
	ref := fmt.Appendf(nil, "t%d", a.drawn)
	opened.Signal = event.SignalData{Name: []byte(pick(a.r, "ticket_opened", "invoice_late")), Value: 1000, Ref: ref}
	a.events = append(a.events, opened)
	if a.r.IntN(4) == 0 {
		return
	}
	closed := a.event(customer, event.Signal, opened.Time+a.r.Int64N(6*day))
	if closed.Time >= a.moment(a.s.days) {
		return
	}
	name := map[string]string{"ticket_opened": "ticket_resolved", "invoice_late": "invoice_paid"}[string(opened.Signal.Name)]
	closed.Signal = event.SignalData{Name: []byte(name), Value: 1000, Ref: ref}
	a.events = append(a.events, closed)
}

func (a *author) answer(customer string, on, u int) {
	e := a.event(customer, event.Survey, a.on(on))
	e.Survey = event.SurveyData{Kind: event.NPS, Min: 0, Max: 10_000, Score: int32(a.r.IntN(11)) * 1000, Respondent: a.user(u)}
	if a.r.IntN(3) == 0 {
		e.Survey = event.SurveyData{Kind: event.CSAT, Min: 1000, Max: 5000, Score: int32(1+a.r.IntN(5)) * 1000, Respondent: a.user(u)}
	}
	a.events = append(a.events, e)
}

// refundable draws an order, and at times what was paid for it back.
func (a *author) refundable(customer string, on int) {
	e := a.event(customer, event.Purchase, a.on(on))
	e.Purchase = event.PurchaseData{Order: fmt.Appendf(nil, "o%d", a.drawn), Amount: 1500, Currency: dollar, Count: 1}
	a.events = append(a.events, e)
	back := a.event(customer, event.Purchase, e.Time+a.r.Int64N(4*day))
	if a.r.IntN(2) == 0 || back.Time >= a.moment(a.s.days) {
		return
	}
	back.Purchase = event.PurchaseData{RefundOf: e.Purchase.Order, Amount: 1500, Currency: dollar, Count: 1}
	a.events = append(a.events, back)
}
