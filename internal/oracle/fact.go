package oracle

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/tidemark-io/tidemark/event"
)

// fact is an event and its civil day.
type fact struct {
	*event.Event
	day int32
}

// byCustomer sorts each customer's events by (time, kind, source, id) and
// keeps one of those with the same source and id. Events of unknown type are
// nobody's.
func byCustomer(cal *calendar, events []event.Event) map[string][]fact {
	facts := map[string][]fact{}
	for i := range events {
		e := &events[i]
		if e.Kind != event.Unknown {
			facts[string(e.Customer)] = append(facts[string(e.Customer)], fact{e, cal.day(e.Time)})
		}
	}
	type identity struct{ source, id string }
	seen := map[identity]bool{}
	for id, fs := range facts {
		slices.SortStableFunc(fs, func(a, b fact) int {
			return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.Kind, b.Kind),
				bytes.Compare(a.Source, b.Source), bytes.Compare(a.ID, b.ID))
		})
		facts[id] = slices.DeleteFunc(fs, func(f fact) bool {
			key := identity{string(f.Source), string(f.ID)}
			again := seen[key]
			seen[key] = true
			return again
		})
	}
	return facts
}

// signal says whether the fact is a signal of a name.
func (f fact) signal(name string) bool {
	return f.Kind == event.Signal && string(f.Signal.Name) == name
}

// ref is what a signal is about; without one, it is about itself.
func (f fact) ref() string {
	if len(f.Signal.Ref) == 0 {
		return string(f.ID)
	}
	return string(f.Signal.Ref)
}

// recurring says whether the fact sets a subscription's amount.
func (f fact) recurring() bool {
	return f.bought() && f.Purchase.Interval != event.None
}

// bought says whether the fact is a purchase and no refund.
func (f fact) bought() bool {
	return f.Kind == event.Purchase && len(f.Purchase.RefundOf) == 0
}

// order is the order a purchase belongs to; without one, it is one of its own.
func (f fact) order() string {
	if len(f.Purchase.Order) == 0 {
		return string(f.ID)
	}
	return string(f.Purchase.Order)
}

var kindNames = map[event.Kind]string{
	event.Login: "login", event.Purchase: "purchase", event.Cancellation: "cancellation",
	event.Survey: "survey", event.Signal: "signal",
}

// active says whether the fact is activity of its user, by the list of event
// types and "signal:NAME".
func (f fact) active(activity []string) bool {
	for _, a := range activity {
		if a == kindNames[f.Kind] || f.Kind == event.Signal && a == "signal:"+string(f.Signal.Name) {
			return true
		}
	}
	return false
}

// value says whether the fact is a value event, by the words of activity. A
// purchase is one where it has an amount and is no refund.
func (f fact) value(name string) bool {
	if name == "purchase" {
		return f.bought() && f.Purchase.Amount > 0
	}
	return f.active([]string{name})
}

// read says whether anything reads the fact: a signal that is none of the known
// ones, no activity, no value event, and says nothing of the customer that is
// kept, is as if it were not there.
func (f fact) read(cfg *Config) bool {
	if f.Kind == event.Purchase || f.Kind == event.Cancellation || f.Kind == event.Survey {
		return true
	}
	for _, name := range []string{"ticket_opened", "ticket_resolved", "invoice_late", "invoice_paid", "cancellation_withdrawn", "survey_sent"} {
		if f.signal(name) {
			return true
		}
	}
	for _, a := range f.Attrs {
		name := string(a.Name)
		if name == "name" || name == "owner" || slices.Contains(cfg.Dimensions, name) {
			return true
		}
	}
	return f.active(cfg.Activity) || f.value(cfg.Value)
}

// user is who did it; without one, the customer itself.
func (f fact) user() string {
	if len(f.User) == 0 {
		return string(f.Customer)
	}
	return string(f.User)
}
