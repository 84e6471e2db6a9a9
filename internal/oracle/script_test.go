package oracle_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/internal/oracle"
)

// script is a scenario in a zone: events written down by hand.
type script struct {
	t      *testing.T
	cfg    oracle.Config
	events []event.Event
}

// scenario starts a script with the configuration of kpis.md in a zone.
func scenario(t *testing.T, zone string) *script {
	t.Helper()
	z, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	s := &script{t: t, cfg: oracle.DefaultConfig()}
	s.cfg.Zone = z
	s.cfg.Dimensions = nil
	return s
}

// ms reads "2024-03-01 10:00" (or with seconds, or a date alone) in the
// script's zone, or an RFC 3339 time.
func (s *script) ms(at string) int64 {
	s.t.Helper()
	for _, layout := range []string{time.DateOnly, "2006-01-02 15:04", time.DateTime, time.RFC3339Nano} {
		if t, err := time.ParseInLocation(layout, at, s.cfg.Zone); err == nil {
			return t.UnixMilli()
		}
	}
	s.t.Fatalf("not a time: %q", at)
	return 0
}

// day numbers a date.
func day(date string) int32 {
	t, err := time.Parse(time.DateOnly, date)
	if err != nil {
		panic(err)
	}
	return int32(t.Unix() / 86400)
}

func (s *script) add(kind event.Kind, name, customer, at string) *event.Event {
	s.t.Helper()
	s.events = append(s.events, event.Event{Kind: kind, Type: []byte(name), Source: []byte("test"),
		ID: fmt.Appendf(nil, "e%d", len(s.events)), Customer: []byte(customer), Time: s.ms(at)})
	return &s.events[len(s.events)-1]
}

// login is by the customer itself where user is "".
func (s *script) login(customer, user, at string) {
	s.t.Helper()
	e := s.add(event.Login, "login", customer, at)
	if user != "" {
		e.User = []byte(user)
	}
}

// buys is a monthly purchase of a subscription, in cents of USD.
func (s *script) buys(customer, subscription string, cents int64, at string) *event.Event {
	s.t.Helper()
	e := s.add(event.Purchase, "purchase", customer, at)
	e.Purchase = event.PurchaseData{Subscription: []byte(subscription), Amount: cents,
		Currency: event.Currency{'U', 'S', 'D'}, Interval: event.Month, Count: 1, Monthly: cents * 332_640}
	return e
}

// orders is a one-off purchase, in cents of USD.
func (s *script) orders(customer, order string, cents int64, at string) {
	s.t.Helper()
	e := s.add(event.Purchase, "purchase", customer, at)
	e.Purchase = event.PurchaseData{Order: []byte(order), Amount: cents, Currency: event.Currency{'U', 'S', 'D'}, Count: 1}
}

// refunds gives back some cents of an order.
func (s *script) refunds(customer, order string, cents int64, at string) {
	s.t.Helper()
	e := s.add(event.Purchase, "purchase", customer, at)
	e.Purchase = event.PurchaseData{RefundOf: []byte(order), Amount: cents, Currency: event.Currency{'U', 'S', 'D'}, Count: 1}
}

// cancels ends a subscription ("*": all) at a later time ("": at once).
func (s *script) cancels(customer, subscription, at, effective string) {
	s.t.Helper()
	e := s.add(event.Cancellation, "cancellation", customer, at)
	e.Cancellation.Effective = e.Time
	if effective != "" {
		e.Cancellation.Effective = s.ms(effective)
	}
	if subscription != "*" {
		e.Cancellation.Subscription = []byte(subscription)
	}
}

// signals gives a signal about something ("": about nothing else).
func (s *script) signals(customer, name, ref, at string) {
	s.t.Helper()
	e := s.add(event.Signal, "signal", customer, at)
	e.Signal = event.SignalData{Name: []byte(name), Value: 1000}
	if ref != "" {
		e.Signal.Ref = []byte(ref)
	}
}

// answers is a survey answer in whole points on a scale.
func (s *script) answers(customer, respondent string, kind event.SurveyKind, score, low, high int32, at string) *event.Event {
	s.t.Helper()
	e := s.add(event.Survey, "survey", customer, at)
	e.Survey = event.SurveyData{Kind: kind, Score: 1000 * score, Min: 1000 * low, Max: 1000 * high}
	if respondent != "" {
		e.Survey.Respondent = []byte(respondent)
	}
	return e
}

// truth is a script and what holds at rest.
type truth struct {
	*script
	*oracle.Result
}

// rest is the truth at a watermark, with the levels of 200 days before it and 60 after.
func (s *script) rest(watermark string) truth {
	s.t.Helper()
	w := s.ms(watermark)
	d := s.cfg.Day(w)
	return truth{s, oracle.Compute(s.cfg, oracle.Input{Events: s.events, Watermark: w}, d-200, d+60)}
}

// level expects a counter's level of the whole on a date.
func (r truth) level(counter, date string, want int64) {
	r.t.Helper()
	r.segment(counter, "", date, want)
}

// segment expects a counter's level of a segment on a date.
func (r truth) segment(counter, segment, date string, want int64) {
	r.t.Helper()
	if got := r.Levels[oracle.Key{Counter: counter, Segment: segment, Day: day(date)}]; got != want {
		r.t.Errorf("%s{%s} on %s: got %d, want %d", counter, segment, date, got, want)
	}
}

// cents expects a money counter's level in minor units.
func (r truth) cents(counter, currency, date string, want int64) {
	r.t.Helper()
	got := r.Levels[oracle.Key{Counter: counter, Currency: currency, Day: day(date)}]
	if got != want*332_640 {
		r.t.Errorf("%s %s on %s: got %d/332640, want %d minor units", counter, currency, date, got, want)
	}
}

// band expects a customer's band at the end of a date, as its counter says. It is the only customer.
func (r truth) band(date string, want oracle.Band) {
	r.t.Helper()
	got := oracle.None
	for band, counter := range map[oracle.Band]string{oracle.Red: "HealthRed", oracle.Amber: "HealthAmber",
		oracle.Green: "HealthGreen", oracle.Unknown: "HealthUnknown"} {
		if r.Levels[oracle.Key{Counter: counter, Day: day(date)}] == 1 {
			got = band
		}
	}
	if got != want {
		r.t.Errorf("band on %s: got %q, want %q", date, got, want)
	}
}

// firing expects at_risk of customer c to fire since a time ("": not to fire).
func (r truth) firing(since string) {
	r.t.Helper()
	got, fires := r.Firing["c"]
	if since == "" {
		if fires {
			r.t.Errorf("fires since %s, want no alert", time.UnixMilli(got).In(r.cfg.Zone))
		}
		return
	}
	if !fires || got != r.ms(since) {
		r.t.Errorf("fires %v since %s, want since %s", fires, time.UnixMilli(got).In(r.cfg.Zone), since)
	}
}

// date is a day so many days after another.
func date(first string, n int) string {
	return time.Unix(86400*int64(day(first)+int32(n)), 0).UTC().Format(time.DateOnly)
}
