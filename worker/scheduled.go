package worker

import (
	"context"
	"fmt"

	"github.com/tidemark-io/tidemark/alert"
	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/consumer"
	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/publisher"
)

// scheduled is what the one-shot alert about a cancellation that takes effect
// later has to say: some dozen bytes, so that the log need not be read for it.
type scheduled struct {
	Customer     string  `json:"customer"`
	Subscription *string `json:"subscription,omitempty"`
	Why          string  `json:"why,omitempty"`
	Time         int64   `json:"time"`      // Unix ms
	Effective    int64   `json:"effective"` // Unix ms
}

// schedule takes a note of a cancellation that takes effect later, whether or not
// what it cancels is known yet. Of what lies below the end that its topic had at
// the birth there is none (P0): held back until then, those of all history would
// be said. What lies beyond is no history, even while the shard is still unborn.
func (t *tenure) schedule(in *input, m *consumer.Message, ev *event.Event) {
	if m.Offset < in.at.Birth {
		return
	}
	n := &note{Topic: in.topic, Offset: m.Offset, To: "alerts", Cancel: &scheduled{
		Customer: string(ev.Customer), Why: string(ev.Cancellation.Reason), Time: ev.Time, Effective: ev.Cancellation.Effective}}
	if s := ev.Cancellation.Subscription; s != nil {
		name := string(s)
		n.Cancel.Subscription = &name
	}
	t.notes[n.name()] = n
}

// alertNote is the one-shot alert as it goes out.
func (t *tenure) alertNote(n *note) (publisher.Note, error) {
	c := n.Cancel
	a := alert.Scheduled{Source: t.opts.Source, Customer: c.Customer, Subscription: c.Subscription, Why: c.Why, Time: c.Time,
		Effective: c.Effective, Day: civil.Format(civil.Of(c.Effective, t.opts.Zone)),
		Cause: alert.Cause{Topic: n.Topic, Partition: int32(t.shard), Offset: n.Offset}}
	if v := t.state.View(c.Customer); v != nil {
		a.MRR = &alert.Amount{Amount: roundMRR(v.MRR[t.opts.Currency]), Currency: t.opts.Currency.String()}
	}
	b, err := a.Encode()
	if err != nil {
		return publisher.Note{}, fmt.Errorf("encode the alert about a cancellation: %w", err)
	}
	return publisher.Note{Topic: t.opts.Outputs.Alerts, Key: a.Key(), Value: b}, nil
}

// needScheduled loads the records of the customers whom one-shot alerts are about.
func (t *tenure) needScheduled(ctx context.Context) error {
	var events []event.Event
	for _, n := range t.notes {
		if n.Cancel != nil {
			events = append(events, event.Event{Kind: event.Purchase, Customer: []byte(n.Cancel.Customer)})
		}
	}
	if len(events) == 0 {
		return nil
	}
	return t.need(ctx, events)
}
