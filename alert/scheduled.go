package alert

import (
	"fmt"
	"strconv"
)

// CancellationScheduled stands where other alerts name their rule: it is no rule
// of the configuration.
const CancellationScheduled = "cancellation_scheduled"

// Scheduled is the one-shot alert about a cancellation that takes effect later. It
// is said once and never taken back.
type Scheduled struct {
	Source       string // of the event: who says so
	Customer     string
	Subscription *string // nil: all of the customer's
	Why          string  // the cancellation's own reason, "" where it gives none
	Time         int64   // of the cancellation, Unix ms
	Effective    int64   // Unix ms
	Day          string  // local day of Effective
	MRR          *Amount // what the customer pays a month now
	Cause        Cause   // the message
}

// Key is the key of its record.
func (s *Scheduled) Key() []byte { return []byte(CancellationScheduled + "|" + s.Customer) }

// ID is made of the position of the cancellation, so that it is the same whoever
// says it.
func (s *Scheduled) ID() string {
	return string(s.Key()) + "|" + s.Cause.Topic + "/" + strconv.Itoa(int(s.Cause.Partition)) + "/" + strconv.FormatInt(s.Cause.Offset, 10)
}

// Encode writes it as a CloudEvent in JSON.
func (s *Scheduled) Encode() ([]byte, error) {
	return encode(envelope{
		SpecVersion: "1.0", ID: s.ID(), Source: s.Source, Type: TypeNote, Subject: s.Customer, Time: Moment(s.Time),
		DataContentType: "application/json",
		Data: payload{Rule: CancellationScheduled, Severity: "info", Since: Moment(s.Time), Reason: s.reason(), MRR: s.MRR,
			Subscription: s.Subscription, Effective: Moment(s.Effective), Cause: s.Cause},
	})
}

// reason is a sentence:
//
//	acme: has cancelled subscription base, which ends on 2026-12-31: too expensive
func (s *Scheduled) reason() string {
	what := "all subscriptions, which end"
	if s.Subscription != nil {
		what = fmt.Sprintf("subscription %s, which ends", *s.Subscription)
		if *s.Subscription == "" {
			what = "its subscription, which ends"
		}
	}
	text := fmt.Sprintf("%s: has cancelled %s on %s", s.Customer, what, s.Day)
	if s.Why != "" {
		text += ": " + s.Why
	}
	return text
}
