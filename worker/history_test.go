package worker_test

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/event"
)

const (
	hourMs   = int64(3_600_000)
	dayMs    = 24 * hourMs
	firstDay = int64(19_800) // 2024-03-18, in UTC
)

// day is a moment of the n-th day of a history.
func day(n int, hours float64) int64 {
	return (firstDay+int64(n))*dayMs + int64(hours*float64(hourMs))
}

// message is one input message and what should become of it.
type message struct {
	topic      string // logins, money or signals
	key, value []byte
	at         int64 // moment of arrival, for sorting
	event      *event.Event
	to         string // "": it counts; else late, dead_letter or ignored
	why        event.Reason
	due        int64 // orphans: when they are given up
	noted      bool  // readers of alerts are told of it, once
}

// author writes messages.
type author struct{ n int }

func (a *author) of(e event.Event) message {
	a.n++
	e.Type = []byte(e.Kind.String())
	e.Source, e.ID = []byte("test"), fmt.Appendf(nil, "e%d", a.n)
	topic := "money"
	switch e.Kind {
	case event.Login:
		topic = "logins"
	case event.Signal:
		topic = "signals"
	}
	return message{topic: topic, key: e.Customer, value: e.Append(nil), at: e.Time, event: &e}
}

func (a *author) login(customer, user string, at int64) message {
	return a.of(event.Event{Kind: event.Login, Customer: []byte(customer), User: []byte(user), Time: at})
}

// subscribe is a monthly 100.00 on a plan.
func (a *author) subscribe(customer, plan string, at int64) message {
	monthly, _ := event.Monthly(10_000, event.Month, 1)
	return a.of(event.Event{Kind: event.Purchase, Customer: []byte(customer), Time: at,
		Attrs: []event.Attr{{Name: []byte("plan"), Value: []byte(plan)}},
		Purchase: event.PurchaseData{Subscription: []byte("base"), Amount: 10_000, Currency: event.Currency{'U', 'S', 'D'},
			Interval: event.Month, Count: 1, Monthly: monthly}})
}

// orphan is a refund of an order that nobody made.
func (a *author) orphan(customer string, at int64) message {
	m := a.of(event.Event{Kind: event.Purchase, Customer: []byte(customer), Time: at,
		Purchase: event.PurchaseData{RefundOf: fmt.Appendf(nil, "no such order %d", a.n), Amount: 500,
			Currency: event.Currency{'U', 'S', 'D'}, Count: 1}})
	m.due = (at/dayMs + horizon + 1) * dayMs
	return m
}

func (a *author) nps(customer string, score int32, at int64) message {
	return a.of(event.Event{Kind: event.Survey, Customer: []byte(customer), Time: at,
		Survey: event.SurveyData{Kind: event.NPS, Score: score * 1000, Min: 0, Max: 10_000}})
}

func (a *author) signal(customer, name, ref string, at int64) message {
	return a.of(event.Event{Kind: event.Signal, Customer: []byte(customer), Time: at,
		Signal: event.SignalData{Name: []byte(name), Value: 1000, Ref: []byte(ref)}})
}

// fall makes a customer red at once who has paid for a day and never logged in:
// activity 0, recency 10, survey 0, no ticket 10, two late invoices 0, tenure 4
// points give 25 + 15 + 2 = 42 of 100.
func (a *author) fall(customer string, at int64) []message {
	return []message{a.signal(customer, "invoice_late", "i1", at), a.signal(customer, "invoice_late", "i2", at), a.nps(customer, 0, at)}
}

// rise makes it amber: 42 + 15 + 10 = 67. Its alert resolves a day later.
func (a *author) rise(customer string, at int64) []message {
	return []message{a.signal(customer, "invoice_paid", "i1", at), a.signal(customer, "invoice_paid", "i2", at), a.nps(customer, 10, at)}
}

// leave ends the subscription; an alert about its customer resolves at once.
func (a *author) leave(customer string, at int64) message {
	return a.of(event.Event{Kind: event.Cancellation, Customer: []byte(customer), Time: at,
		Cancellation: event.CancellationData{Effective: at}})
}

// leaveLater is a cancellation that takes effect so many days later.
func (a *author) leaveLater(customer string, at int64, days int64) message {
	m := a.of(event.Event{Kind: event.Cancellation, Customer: []byte(customer), Time: at,
		Cancellation: event.CancellationData{Subscription: []byte("base"), Effective: at + days*dayMs, Reason: []byte("price")}})
	m.noted = true
	return m
}

// garbage is a message that no event is in.
func (a *author) garbage(at int64) message {
	a.n++
	return message{topic: "signals", key: []byte("acme"), value: fmt.Appendf(nil, `{"garbage":%d`, a.n), at: at, to: "dead_letter", why: event.NotJSON}
}

// late is a login of long before the history, which must have a watermark.
func (a *author) late(customer string, at int64) message {
	m := a.login(customer, "", day(-100, 1))
	m.at, m.to, m.why = at, "late", event.BeyondHorizon
	return m
}

func (a *author) misplaced(customer string, at int64) message {
	m := a.login(customer, "", at)
	m.key, m.to, m.why = []byte("somebody else"), "dead_letter", event.KeyMismatch
	return m
}

func (a *author) unknown(customer string, at int64) message {
	m := a.login(customer, "", at)
	m.value = fmt.Appendf(nil, `{"specversion":"1.0","type":"page_view","source":"test","id":"p%d","time":"2024-04-01T00:00:00Z","subject":%q}`, a.n, customer)
	m.to = "ignored"
	return m
}

// days draws what arrives on the days from..to-1: customers whose fortunes
// change every one to two weeks, and what every log has in it.
func (a *author) days(r *rand.Rand, from, to int) []message {
	var out []message
	for c := range 7 {
		name := fmt.Sprintf("c%d", c)
		if from == 0 {
			out = append(out, a.subscribe(name, []string{"pro", "basic"}[c%2], day(0, 1+float64(c)/10)))
		}
		for n := from; n < to; n++ {
			phase := (n + 3*c) % (9 + c)
			good := phase < 4+c%3
			at := day(n, 2+r.Float64()*20)
			switch {
			case good && phase == 0:
				out = append(out, a.rise(name, at)...)
				out = append(out, a.signal(name, "ticket_resolved", fmt.Sprintf("t%d", n-1), at))
			case good:
				for u := range 1 + r.IntN(6) {
					out = append(out, a.login(name, fmt.Sprintf("u%d", u), at+int64(u)*60_000))
				}
			case phase == 4+c%3:
				out = append(out, a.fall(name, at)...)
				out = append(out, a.signal(name, "ticket_opened", fmt.Sprintf("t%d", n), at))
			case r.IntN(12) == 0:
				out = append(out, a.subscribe(name, []string{"pro", "basic", "team"}[r.IntN(3)], at))
			}
			if r.IntN(15) == 0 {
				out = append(out, a.orphan(name, at))
			}
		}
	}
	for n := from; n < to; n++ {
		if n%3 == 0 { // who cancels every third day, and subscribes again
			m := a.leaveLater("leaver", day(n, 11), 10)
			m.noted = n >= historyDays
			out = append(out, a.subscribe("leaver", "pro", day(n, 10)), m)
		}
		out = append(out, a.garbage(day(n, 12)), a.unknown("c1", day(n, 13)))
		if n >= historyDays {
			out = append(out, a.late("c2", day(n, 14)), a.misplaced("c3", day(n, 15)))
		}
	}
	for range (to - from) * 2 { // again
		if m := out[r.IntN(len(out))]; m.to == "" && m.due == 0 {
			m.noted = false
			out = append(out, m)
		}
	}
	slices.SortStableFunc(out, func(x, y message) int { return cmp.Compare(x.at, y.at) })
	return out
}

// truth is what should come of all that was sent.
type truth struct {
	events  []event.Event
	highest int64
	notes   map[string]expectedNote // by origin
	noted   map[string]bool         // origins of what readers of alerts are told of once
	outcome map[string]int64        // of messages that are refused or ignored
	sent    int64
}

type expectedNote struct {
	message
	record *kgo.Record
}

func (h *truth) init() {
	h.notes, h.noted, h.outcome = map[string]expectedNote{}, map[string]bool{}, map[string]int64{}
}

// send puts messages onto the input topics, in their order.
func (w *world) send(messages ...message) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	records := make([]*kgo.Record, len(messages))
	for i, m := range messages {
		records[i] = &kgo.Record{Topic: w.ws.Name + "." + m.topic, Key: m.key, Value: m.value, Headers: []kgo.RecordHeader{{Key: "n", Value: fmt.Append(nil, i)}}}
	}
	if err := w.ws.Produce(ctx, records...); err != nil {
		w.t.Fatal(err)
	}
	h := &w.truth
	h.sent += int64(len(messages))
	for i, m := range messages {
		r := records[i]
		origin := position(r)
		if m.noted {
			h.noted[origin] = true
		}
		switch {
		case m.to == "late" || m.to == "dead_letter":
			h.notes[origin] = expectedNote{m, r}
			h.outcome[m.to]++
		case m.to != "":
			h.outcome[m.to]++
		default:
			h.events = append(h.events, *m.event)
			h.highest = max(h.highest, m.event.Time)
			if m.due != 0 {
				m.to, m.why = "late", event.UnknownTarget
				h.notes[origin] = expectedNote{m, r}
			}
		}
	}
}
