package generate

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/tidemark-io/tidemark/event"
	"pgregory.net/rapid"
)

const (
	minute = int64(60_000)
	hour   = 60 * minute
)

// Options bound a history. Zero values stand for what is said.
type Options struct {
	Place                    // UTC from 2024-02-12
	Days         int         // civil days that the events lie in (40)
	Horizon      int         // silences and effective dates are drawn around it, in days (30)
	MaxCustomers int         // 12
	MaxEvents    int         // about as many at the most (300)
	Attributes   []Attribute // plan (free, pro) and country (US, IN, "")
}

// Attribute is an attribute of customers and the values it takes.
type Attribute struct {
	Name   string
	Values []string
}

func (o Options) withDefaults() Options {
	if o.Zone == nil {
		o.Place = Place{Zone: time.UTC, FirstDay: 19765}
	}
	o.Days = cmp.Or(o.Days, 40)
	o.Horizon = cmp.Or(o.Horizon, 30)
	o.MaxCustomers = cmp.Or(o.MaxCustomers, 12)
	o.MaxEvents = cmp.Or(o.MaxEvents, 300)
	if o.Attributes == nil {
		o.Attributes = []Attribute{{"plan", []string{"free", "pro"}}, {"country", []string{"US", "IN", ""}}}
	}
	return o
}

// history is one that is being drawn.
type history struct {
	t       *rapid.T
	o       Options
	changes []int64 // of the clock
	end     int64   // no event at or after it
	events  []event.Event
	drawn   int // events drawn, kept or not

	customer string
	quota    int     // events that the customer still has
	moments  []int64 // of the customer's events
}

// History draws the events of 1 to MaxCustomers customers, sorted by (time,
// kind, source, id), each with a source and id of its own. No two share what
// they point into.
func History(t *rapid.T, o Options) []event.Event {
	o = o.withDefaults()
	h := &history{t: t, o: o, end: startOf(o.Zone, o.FirstDay+int32(o.Days))}
	h.changes = clockChanges(o.Zone, startOf(o.Zone, o.FirstDay), h.end)
	customers := h.between(1, o.MaxCustomers)
	for c := range customers {
		h.customer, h.moments = fmt.Sprintf("c%d", c+1), nil
		h.quota = o.MaxEvents / customers
		h.drawCustomer()
	}
	slices.SortFunc(h.events, inOrder)
	return h.events
}

func inOrder(a, b event.Event) int {
	return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.Kind, b.Kind),
		bytes.Compare(a.Source, b.Source), bytes.Compare(a.ID, b.ID))
}

// drawCustomer draws one customer's events. What is scarce comes first, so that the
// quota cuts logins.
func (h *history) drawCustomer() {
	subscriptions := []string{"", "base", "addon"}
	for i := range h.between(0, 2) {
		h.drawSubscription(subscriptions[(i+h.between(0, 2))%3])
	}
	for range h.between(0, 2) {
		h.drawOrder()
	}
	if h.chance(20) { // a cancellation that may lack its target
		h.cancel(h.name(subscriptions), h.moment(h.between(0, h.o.Days-1)), h.moment(h.between(0, h.o.Days)))
	}
	for i := range h.between(0, 2) {
		h.drawTicket(i)
	}
	for i := range h.between(0, 2) {
		h.drawInvoice(i)
	}
	for range h.between(0, 4) {
		h.drawAnswer()
	}
	for u := range h.between(0, 3) {
		h.drawLogins(h.user(u))
	}
	if h.chance(25) {
		e := h.newEvent(event.Signal, h.moment(h.between(0, h.o.Days-1)))
		e.Signal = event.SignalData{Name: []byte("feature_used"), Value: 1000}
		e.User = h.user(h.between(0, 2))
		h.add(e)
	}
}

// between draws an integer of from..to.
func (h *history) between(from, to int) int { return rapid.IntRange(from, to).Draw(h.t, "n") }

// chance draws true in about so many of 100 cases, to the next sixteenth. (Integers
// are drawn small more often than not, bits are fair.)
func (h *history) chance(percent int) bool {
	n := 0
	for range 4 {
		n *= 2
		if rapid.Bool().Draw(h.t, "chance") {
			n++
		}
	}
	return n >= 16-(16*percent+50)/100
}

// pick draws one of a list.
func pick[T any](h *history, list ...T) T { return list[h.between(0, len(list)-1)] }

// user is the n-th user's name; the 0th is the customer itself, left out.
func (h *history) user(n int) []byte {
	if n == 0 {
		return nil
	}
	return fmt.Appendf(nil, "u%d", n)
}

// name draws one of some names, or nil.
func (h *history) name(names []string) []byte {
	if h.chance(40) {
		return nil
	}
	return []byte(pick(h, names...))
}

// moment draws a moment of the n-th day, or one that something happened at.
func (h *history) moment(n int) int64 {
	start, next := startOf(h.o.Zone, h.o.FirstDay+int32(n)), startOf(h.o.Zone, h.o.FirstDay+int32(n)+1)
	switch k := h.between(0, 19); {
	case k == 19:
		return start
	case k == 18:
		return next - 1
	case k >= 15 && len(h.moments) > 0:
		return pick(h, h.moments...)
	case k == 14 && len(h.changes) > 0:
		return pick(h, h.changes...) + pick(h, -hour, -1, 0, 1, hour)
	case next-start < minute:
		return start // a skipped day
	}
	minutes := int((next - start) / minute) // small draws are in the morning
	return start + minute*int64((h.between(0, minutes-1)+9*60)%minutes)
}

// newEvent draws a new event with an identity of its own: ids repeat from source to
// source where nothing else takes them for a name.
func (h *history) newEvent(kind event.Kind, at int64) event.Event {
	n := h.drawn
	h.drawn++
	e := event.Event{Kind: kind, Type: []byte(typeNames[kind]), Customer: []byte(h.customer), Time: at,
		Source: []byte(pick(h, "app", "billing")), ID: fmt.Appendf(nil, "e%d", n)}
	if kind == event.Login || kind == event.Survey || kind == event.Cancellation {
		e.ID, e.Source = fmt.Appendf(nil, "x%d", n/2), []byte([]string{"app", "billing"}[n%2])
	}
	if h.chance(15) {
		for _, a := range h.o.Attributes {
			switch k := h.between(0, len(a.Values)+1); {
			case k < len(a.Values):
				e.Attrs = append(e.Attrs, event.Attr{Name: []byte(a.Name), Value: []byte(a.Values[k])})
			case k == len(a.Values):
				e.Attrs = append(e.Attrs, event.Attr{Name: []byte(a.Name), Null: true})
			}
		}
	}
	return e
}

var typeNames = map[event.Kind]string{
	event.Login: "login", event.Purchase: "purchase", event.Cancellation: "cancellation",
	event.Survey: "survey", event.Signal: "signal",
}

// add keeps an event, unless it lies outside the span or there are enough.
func (h *history) add(e event.Event) {
	if h.quota == 0 || e.Time >= h.end || e.Time < startOf(h.o.Zone, h.o.FirstDay) {
		return
	}
	h.quota--
	h.moments = append(h.moments, e.Time)
	h.events = append(h.events, e)
}
