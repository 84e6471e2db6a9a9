package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"

	"github.com/tidemark-io/tidemark/event"
)

// orphans are where the cancellations and refunds came to lie that nothing
// before them is a target of, and whose day is frozen at the end: they go to
// the late topic. Of a message that came twice it is the first.
func (p *play) orphans() []string {
	var out []string
	events := slices.Clone(p.history.events)
	slices.SortFunc(events, inOrder)
	lies := p.firstPositions()
	bought := map[string]bool{} // customer, and subscription or order
	for i := range events {
		e := &events[i]
		customer := string(e.Customer)
		switch {
		case e.Kind == event.Cancellation:
			target := customer + "\x00any"
			if e.Cancellation.Subscription != nil {
				target = customer + "\x00subscription\x00" + string(e.Cancellation.Subscription)
			}
			if bought[target] || p.unfrozen(e.Time) {
				continue
			}
			out = append(out, lies[string(e.Source)+"\x00"+string(e.ID)])
		case e.Kind != event.Purchase:
		case e.Purchase.RefundOf != nil:
			if bought[customer+"\x00order\x00"+string(e.Purchase.RefundOf)] || p.unfrozen(e.Time) {
				continue
			}
			out = append(out, lies[string(e.Source)+"\x00"+string(e.ID)])
		default:
			order := e.Purchase.Order
			if order == nil {
				order = e.ID
			}
			bought[customer+"\x00order\x00"+string(order)] = true
			if e.Purchase.Interval != event.None {
				bought[customer+"\x00any"] = true
				bought[customer+"\x00subscription\x00"+string(e.Purchase.Subscription)] = true
			}
		}
	}
	return out
}

func inOrder(a, b event.Event) int {
	return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.Kind, b.Kind), bytes.Compare(a.Source, b.Source), bytes.Compare(a.ID, b.ID))
}

// unfrozen says whether a target of an event could still come.
func (p *play) unfrozen(at int64) bool {
	return p.cfg.Day(at) >= p.cfg.FirstDay(p.history.highest)
}

// firstPositions are where each event first came to lie, by source and id.
func (p *play) firstPositions() map[string]string {
	type place struct {
		at     string
		offset int64
	}
	first := map[string]place{}
	for at, m := range p.positions {
		var e struct{ Source, ID string }
		if m.to != "" || json.Unmarshal(m.value, &e) != nil {
			continue
		}
		name := e.Source + "\x00" + e.ID
		if had, ok := first[name]; !ok || m.record.Offset < had.offset {
			first[name] = place{at, m.record.Offset}
		}
	}
	out := map[string]string{}
	for name, p := range first {
		out[name] = p.at
	}
	return out
}
