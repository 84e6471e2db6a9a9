package main

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/internal/oracle"
	"github.com/tidemark-io/tidemark/internal/oracle/generate"
)

const (
	hour = int64(time.Hour / time.Millisecond)
	day  = 24 * hour
)

// message is one message of a history.
type message struct {
	at    int64 // moment of arrival, in event time, Unix ms
	kind  event.Kind
	key   []byte
	value []byte
	to    string // "": it counts; else "late", "dead_letter" or "ignored"
	why   event.Reason
}

// history is what a schedule feeds.
type history struct {
	first   []message   // fed, and read, before anything else
	chunks  [][]message // by half days of arrival
	events  []event.Event
	highest int64 // event time of all that moves a watermark
}

// author draws a history.
type author struct {
	s        schedule
	r        *rand.Rand
	cfg      oracle.Config
	drawn    int
	events   []event.Event
	messages []message
}

// newHistory draws the messages of a schedule: lives of customers who fall
// silent and come back, the generator's hard cases, and garbage; late and
// twice as often happens, but never later than the horizon allows.
func newHistory(s schedule, cfg oracle.Config, partition func(key []byte) int) *history {
	a := &author{s: s, r: rand.New(rand.NewPCG(s.seed, 2)), cfg: cfg}
	h := &history{first: a.firsts(partition)}
	for i := range s.customers {
		a.life(fmt.Sprintf("h%d", i))
	}
	a.events = append(a.events, rapid.Custom(func(t *rapid.T) []event.Event {
		return generate.History(t, generate.Options{Place: s.place, Days: s.days, Horizon: s.horizon, MaxEvents: 250})
	}).Example(int(s.seed))...)
	for i := range a.events {
		if p := &a.events[i].Purchase; p.Currency == yen {
			p.Currency = euro // one currency besides the dollar is enough here
		}
		a.arrive(&a.events[i])
	}
	a.garbage()
	slices.SortStableFunc(a.messages, func(x, y message) int { return cmp.Compare(x.at, y.at) })
	start := a.moment(0)
	h.chunks = make([][]message, s.days*halfDay)
	for _, m := range a.messages {
		i := min(max(0, int((m.at-start)*halfDay/day)), len(h.chunks)-1)
		h.chunks[i] = append(h.chunks[i], m)
	}
	h.events = a.events
	for _, e := range h.events {
		h.highest = max(h.highest, e.Time)
	}
	return h
}

// moment is the start of the n-th day.
func (a *author) moment(n int) int64 { return a.cfg.Start(a.s.place.FirstDay + int32(n)) }

// firsts are one event of the first day for each topic and partition, so that
// each has a watermark before anything can be late.
func (a *author) firsts(partition func(key []byte) int) (out []message) {
	for p := range a.s.partitions {
		n := 0
		for partition(fmt.Appendf(nil, "first%d", n)) != p {
			n++
		}
		for _, kind := range []event.Kind{event.Login, event.Purchase, event.Signal} {
			e := a.event(fmt.Sprintf("first%d", n), kind, a.moment(0)+hour)
			e.Purchase = event.PurchaseData{Amount: 100, Currency: event.Currency{'U', 'S', 'D'}, Count: 1}
			e.Signal = event.SignalData{Name: []byte("feature_used"), Value: 1000}
			a.events = append(a.events, e)
			out = append(out, counted(&e, e.Time))
		}
	}
	return out
}

// counted is the message of an event.
func counted(e *event.Event, at int64) message {
	return message{at: at, kind: e.Kind, key: e.Customer, value: e.Append(nil)}
}

// arrive draws when an event arrives, and whether it does so twice. The
// watermark may be a chunk ahead of what is fed: two days short of the horizon
// nothing is late.
func (a *author) arrive(e *event.Event) {
	if string(e.Source) == firstSource {
		return
	}
	latest := int64(max(0, a.s.horizon-3)) * day
	copies := 1
	if a.r.IntN(10) == 0 {
		copies = 2
	}
	for range copies {
		delay := int64(0)
		switch k := a.r.IntN(20); {
		case k == 0:
			delay = a.r.Int64N(latest + 1)
		case k < 4:
			delay = a.r.Int64N(min(latest, day) + 1)
		case k < 10:
			delay = a.r.Int64N(2 * hour)
		}
		a.messages = append(a.messages, counted(e, e.Time+delay))
	}
}

// firstSource is the source of firsts.
const firstSource = "first"

// event is a new event with an id of its own.
func (a *author) event(customer string, kind event.Kind, at int64) event.Event {
	a.drawn++
	source := "sim"
	if len(customer) > 5 && customer[:5] == firstSource {
		source = firstSource
	}
	return event.Event{Kind: kind, Type: []byte(kind.String()), Customer: []byte(customer), Time: at,
		Source: []byte(source), ID: fmt.Appendf(nil, "s%d", a.drawn)}
}
