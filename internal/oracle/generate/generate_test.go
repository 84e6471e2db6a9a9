package generate_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/internal/oracle/generate"
	"pgregory.net/rapid"
)

// dayOf is worked out from the printed date, apart from the generator's way.
func dayOf(t interface{ Fatal(...any) }, zone *time.Location, ms int64) int {
	date, err := time.Parse(time.DateOnly, time.UnixMilli(ms).In(zone).Format(time.DateOnly))
	if err != nil {
		t.Fatal(err)
	}
	return int(date.Sub(time.Unix(0, 0)).Hours() / 24)
}

func identity(e event.Event) string { return string(e.Source) + " " + string(e.ID) }

func TestHistoryIsWellFormed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := generate.Options{Place: generate.DrawPlace(t), Days: rapid.IntRange(1, 60).Draw(t, "days"),
			MaxCustomers: rapid.IntRange(1, 12).Draw(t, "customers"), MaxEvents: 200}
		events := generate.History(t, o)
		customers, seen := map[string]bool{}, map[string]bool{}
		for i, e := range events {
			if i > 0 && e.Time < events[i-1].Time {
				t.Fatalf("event %d is earlier than the one before", i)
			}
			if d := dayOf(t, o.Zone, e.Time); d < int(o.FirstDay) || d >= int(o.FirstDay)+o.Days {
				t.Fatalf("event on day %d, outside of %d and %d days", d, o.FirstDay, o.Days)
			}
			if seen[identity(e)] {
				t.Fatalf("%s twice", identity(e))
			}
			seen[identity(e)], customers[string(e.Customer)] = true, true
			p := e.Purchase
			if (p.Interval == event.None) != (p.Monthly == 0) && p.Amount != 0 {
				t.Fatalf("purchase %+v", p)
			}
			if s := e.Survey; e.Kind == event.Survey && (s.Score < s.Min || s.Score > s.Max) {
				t.Fatalf("survey %+v", s)
			}
		}
		if len(events) > 200 || len(customers) > o.MaxCustomers {
			t.Fatalf("%d events of %d customers", len(events), len(customers))
		}
	})
}

// The same draws give the same events, whatever maps do.
func TestHistoryIsDeterministic(t *testing.T) {
	history := rapid.Custom(func(t *rapid.T) []event.Event {
		place := generate.DrawPlace(t)
		return generate.Shuffle(t, generate.History(t, generate.Options{Place: place}), place.Zone, 5)
	})
	for seed := range 20 {
		if !reflect.DeepEqual(history.Example(seed), history.Example(seed)) {
			t.Fatalf("seed %d gives two histories", seed)
		}
	}
}

// Everything that the oracle has a rule for turns up.
func TestHistoryReaches(t *testing.T) {
	history := rapid.Custom(func(t *rapid.T) []event.Event {
		return generate.History(t, generate.Options{Place: generate.DrawPlace(t)})
	})
	count := map[string]int{}
	for seed := range 200 {
		tie := map[string]bool{}
		for _, e := range history.Example(seed) {
			at := fmt.Sprintf("%s %d", e.Customer, e.Time)
			for name, holds := range reaches(e) {
				if holds {
					count[name]++
				}
			}
			if tie[at] {
				count["tie"]++
			}
			tie[at] = true
		}
	}
	for name := range reaches(event.Event{}) {
		if count[name] == 0 {
			t.Errorf("never reached: %s", name)
		}
	}
	if count["tie"] == 0 {
		t.Error("no two events of a customer at one moment")
	}
	t.Log(count)
}

// reaches says what there is about an event.
func reaches(e event.Event) map[string]bool {
	c, p, s := e.Cancellation, e.Purchase, e.Survey
	cancellation := e.Kind == event.Cancellation
	refund := p.RefundOf != nil
	return map[string]bool{
		"login of a user":            e.Kind == event.Login && e.User != nil,
		"login of the customer":      e.Kind == event.Login && e.User == nil,
		"recurring purchase":         p.Interval != event.None,
		"recurring of amount 0":      p.Interval != event.None && p.Amount == 0,
		"yearly":                     p.Interval == event.Year,
		"every three weeks":          p.Interval == event.Week && p.Count == 3,
		"in euros":                   string(p.Currency[:]) == "EUR",
		"unnamed subscription":       p.Interval != event.None && len(p.Subscription) == 0,
		"order":                      p.Order != nil,
		"order of its own":           e.Kind == event.Purchase && p.Interval == event.None && p.Order == nil && !refund,
		"refund":                     refund,
		"refund of an unknown order": string(p.RefundOf) == "unknown",
		"refund of a charge":         string(p.RefundOf) != "" && p.RefundOf[0] == 'o' && e.Purchase.Amount == 2900,
		"further payment":            e.Kind == event.Purchase && p.Amount == 700 && !refund,
		"in yen":                     string(p.Currency[:]) == "JPY",
		"cancellation with a reason": len(c.Reason) > 0,
		"cancellation without one":   cancellation && c.Reason == nil,
		"cancellation of all":        cancellation && c.Subscription == nil,
		"cancellation of one":        cancellation && len(c.Subscription) > 0,
		"cancellation of unnamed":    cancellation && c.Subscription != nil && len(c.Subscription) == 0,
		"cancellation at once":       cancellation && c.Effective == e.Time,
		"cancellation to come":       cancellation && c.Effective > e.Time,
		"cancellation before":        cancellation && c.Effective < e.Time,
		"withdrawal of all":          string(e.Signal.Name) == "cancellation_withdrawn" && e.Signal.Ref == nil,
		"withdrawal of one":          string(e.Signal.Name) == "cancellation_withdrawn" && e.Signal.Ref != nil,
		"ticket opened":              string(e.Signal.Name) == "ticket_opened",
		"ticket resolved":            string(e.Signal.Name) == "ticket_resolved",
		"invoice late":               string(e.Signal.Name) == "invoice_late",
		"invoice paid":               string(e.Signal.Name) == "invoice_paid",
		"feature used":               string(e.Signal.Name) == "feature_used",
		"NPS":                        s.Kind == event.NPS,
		"NPS on 1-10":                s.Kind == event.NPS && s.Min == 1000,
		"CSAT":                       s.Kind == event.CSAT,
		"campaign":                   s.Campaign != nil,
		"survey about a ticket":      s.Ref != nil,
		"attribute":                  slices.ContainsFunc(e.Attrs, func(a event.Attr) bool { return len(a.Value) > 0 }),
		"attribute with no value":    slices.ContainsFunc(e.Attrs, func(a event.Attr) bool { return !a.Null && len(a.Value) == 0 }),
		"attribute removed":          slices.ContainsFunc(e.Attrs, func(a event.Attr) bool { return a.Null }),
		"midnight in UTC":            e.Time != 0 && e.Time%86_400_000 == 0,
		"last moment before in UTC":  e.Time%86_400_000 == 86_399_999,
	}
}

func TestShuffleKeepsToItsLateness(t *testing.T) {
	moved, doubled := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		place := generate.DrawPlace(t)
		lateness := rapid.IntRange(0, 20).Draw(t, "lateness")
		events := generate.History(t, generate.Options{Place: place, MaxEvents: 100})
		count := map[string]int{}
		latest := int64(-1 << 62)
		for i, e := range generate.Shuffle(t, events, place.Zone, lateness) {
			latest = max(latest, e.Time)
			if late := dayOf(t, place.Zone, latest) - dayOf(t, place.Zone, e.Time); late > lateness {
				t.Fatalf("event %d comes %d days late, allowed are %d", i, late, lateness)
			}
			if e.Time < latest {
				moved++
			}
			if count[identity(e)]++; count[identity(e)] > 1 {
				doubled++
			}
		}
		for _, e := range events {
			if count[identity(e)] == 0 {
				t.Fatalf("%s is missing", identity(e))
			}
		}
		if len(count) != len(events) {
			t.Fatalf("%d events came of %d", len(count), len(events))
		}
	})
	if moved == 0 || doubled == 0 {
		t.Errorf("moved %d, doubled %d", moved, doubled)
	}
}
