package worker

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/alert"
	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/company"
	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/publisher"
)

// reaches is what P1 compares: no offset and not the watermark stand behind the
// header's. Redis has lost something where they do.
func (t *tenure) reaches() bool {
	h := t.pub.Header()
	for topic, next := range h.Offsets {
		if off, ok := t.head.Offsets[topic]; ok && off.Next < next {
			return false
		}
	}
	return t.head.Watermark >= h.Watermark
}

// publish is P0 to P4: one transaction where anything is due.
func (t *tenure) publish(ctx context.Context) error {
	t.left = false
	if !t.reaches() { // P1: hold
		t.held = true
		return nil
	}
	if !t.state.Settled() {
		// The header's watermark says that whatever is due by then was raised (P2):
		// a note that a timer raises behind it would count as said. The commit that
		// fires the last of these timers publishes.
		return nil
	}
	p := publisher.Publication{Header: publisher.Header{Offsets: map[string]int64{}, Watermark: t.head.Watermark}}
	for topic, off := range t.head.Offsets {
		p.Header.Offsets[topic] = off.Next
	}
	var said []said
	var err error
	if t.due && t.head.Born { // P0: unborn, only notes are due
		if p.Alerts, said, err = t.dueAlerts(ctx); err != nil {
			return err
		}
	}
	if p.Notes, err = t.dueNotes(ctx); err != nil {
		return err
	}
	if len(p.Alerts)+len(p.Notes) == 0 { // P2: nothing due
		t.held = false
		t.due = t.due && !t.head.Born
		return nil
	}
	if err := t.pub.Publish(ctx, p); err != nil { // P3, P4
		return err
	}
	t.due, t.held = t.left || t.due && !t.head.Born, t.left && t.held
	t.dropSaid()
	for _, n := range p.Notes {
		if n.Topic == t.opts.Outputs.Alerts {
			t.told = append(t.told, n.Value)
		}
	}
	for _, s := range said {
		if len(s.bytes) > 0 {
			t.told = append(t.told, s.bytes)
		}
	}
	return nil
}

// said keeps the bytes of an alert as it was encoded, for the list of episodes.
type said struct{ bytes []byte }

// dueAlerts is desired less announced: as many as the cache has room for the customers
// of. The others are left for the next publication.
func (t *tenure) dueAlerts(ctx context.Context) ([]publisher.Alert, []said, error) {
	announced := t.pub.Announced()
	var pairs []publisher.Pair
	for p := range t.state.Firing() {
		if x := (publisher.Pair{Rule: p.Rule, Subject: p.Customer}); announced[x] == 0 {
			pairs = append(pairs, x)
		}
	}
	for p := range t.kpis {
		if x := (publisher.Pair{Rule: p.Rule, Subject: p.Customer}); announced[x] == 0 {
			pairs = append(pairs, x)
		}
	}
	for x := range announced {
		if _, ok := t.fires(x); !ok {
			pairs = append(pairs, x)
		}
	}
	pairs = slices.DeleteFunc(pairs, t.unjudged)
	slices.SortFunc(pairs, func(a, b publisher.Pair) int {
		return cmp.Or(strings.Compare(a.Rule, b.Rule), strings.Compare(a.Subject, b.Subject))
	})
	if most := chunkFor(t.opts.CacheBytes); len(pairs) > most {
		pairs, t.left = pairs[:most], true
	}
	if err := t.needCustomers(ctx, pairs); err != nil {
		return nil, nil, err
	}
	out, list := make([]publisher.Alert, 0, len(pairs)), make([]said, len(pairs))
	for i, x := range pairs {
		f, firing := t.fires(x)
		a, err := t.describe(ctx, x, f, firing)
		if err != nil {
			return nil, nil, err
		}
		if t.held { // readers were told something else before the store lost commits
			a.Reason = map[bool]string{true: alert.Corrected, false: alert.Retracted}[firing] + ": " + a.Reason
		}
		out = append(out, publisher.Alert{Pair: x, Firing: firing, Encode: func(n uint64) ([]byte, error) {
			b, err := a.Encode(n)
			list[i].bytes = b
			return b, err
		}})
	}
	return out, list, nil
}

// unjudged: a rule on a KPI that was not evaluated yet in this tenure. That it
// fires may be in a commit that the store has lost, which moved no offset (P1):
// it would be resolved and fire again.
func (t *tenure) unjudged(x publisher.Pair) bool {
	return t.company != nil && t.onKPI(x.Rule) && !t.judged
}

func (t *tenure) fires(x publisher.Pair) (aggregator.Firing, bool) {
	p := aggregator.Pair{Rule: x.Rule, Customer: x.Subject}
	if f, ok := t.state.Firing()[p]; ok {
		return f, true
	}
	f, ok := t.kpis[p]
	return f, ok
}

// needCustomers loads the records that alerts are about: their reasons come
// from them.
func (t *tenure) needCustomers(ctx context.Context, pairs []publisher.Pair) error {
	var events []event.Event
	for _, p := range pairs {
		if t.onBand(p.Rule) {
			events = append(events, event.Event{Kind: event.Purchase, Customer: []byte(p.Subject)})
		}
	}
	return t.need(ctx, events)
}

// describe makes the alert that readers see.
func (t *tenure) describe(ctx context.Context, x publisher.Pair, f aggregator.Firing, firing bool) (alert.Alert, error) {
	switch {
	case t.ofCompany() && t.onKPI(x.Rule):
		a, err := t.company.Alert(ctx, aggregator.Pair{Rule: x.Rule, Customer: x.Subject}, firing)
		if err != nil {
			return a, fmt.Errorf("describe alert %s of %s: %w", x.Rule, x.Subject, err)
		}
		a.Source, a.Severity, a.Time = t.opts.Source, t.opts.Severity["kpi/"+x.Rule], t.head.Watermark
		return a, nil
	case !t.onBand(x.Rule):
		return t.describeGone(x), nil
	}
	a := alert.Alert{Source: t.opts.Source, Rule: x.Rule, Subject: x.Subject, Firing: firing,
		Severity: t.opts.Severity[x.Rule], Time: t.head.Watermark, Since: alert.Moment(f.Since), Cause: t.cause(f)}
	v := t.state.View(x.Subject)
	if v == nil {
		a.Since, a.Reason = alert.Moment(t.head.Watermark), x.Subject+": is no longer known"
		return a, nil
	}
	health := alert.Print(company.Contributions(v, t.opts.Profile))
	a.Time, a.Contributions = v.Now, health.Parts
	a.MRR = &alert.Amount{Amount: roundMRR(v.MRR[t.opts.Currency]), Currency: t.opts.Currency.String()}
	a.Threshold = json.Number(fmt.Sprint(t.opts.Profile.Amber))
	if v.Score != nil {
		a.Value = json.Number(fmt.Sprint(health.Score))
	}
	day := civil.Format(civil.Of(v.Now, t.opts.Zone))
	switch {
	case firing:
		a.Reason = alert.HealthReason(x.Subject, v.Band.String(), civil.Format(civil.Of(f.Since, t.opts.Zone)), health)
		if v.Band != aggregator.Red { // it has been within the time that the rule waits before it resolves
			a.Reason = alert.HealthReason(x.Subject, "no longer red, and was", civil.Format(civil.Of(f.Since, t.opts.Zone)), health)
		}
	case v.Band == aggregator.Gone:
		a.Since, a.Reason = alert.Moment(v.Now), alert.Churned(x.Subject, day)
	default:
		a.Since, a.Reason = alert.Moment(v.Now), alert.HealthResolved(x.Subject, "red", v.Band.String(), day, health)
	}
	return a, nil
}

// describeGone makes the alert that resolves what was said by a rule that is
// configured no more.
func (t *tenure) describeGone(x publisher.Pair) alert.Alert {
	now := alert.Moment(t.head.Watermark)
	return alert.Alert{Source: t.opts.Source, Rule: x.Rule, Subject: x.Subject, Time: t.head.Watermark, Since: now,
		Reason: fmt.Sprintf("rule %s is configured no more", x.Rule), Cause: alert.Cause{Timer: now}}
}

// roundMRR rounds half away from zero to minor units.
func roundMRR(v int64) int64 { return (v + event.MonthlyUnit/2) / event.MonthlyUnit }

func (t *tenure) cause(f aggregator.Firing) alert.Cause {
	if f.Cause.Timer {
		return alert.Cause{Timer: alert.Moment(f.Since)}
	}
	return alert.Cause{Topic: f.Cause.Topic, Partition: int32(f.Cause.Partition), Offset: f.Cause.Offset}
}

// dueNotes are those that are not known to be said, in order of name. That a shard
// is unborn holds none back: what it has taken note of is no history, and would
// count as said by the header that goes with copies.
func (t *tenure) dueNotes(ctx context.Context) ([]publisher.Note, error) {
	var names []string
	for name := range t.notes {
		names = append(names, name)
	}
	slices.Sort(names)
	if err := t.needScheduled(ctx); err != nil {
		return nil, err
	}
	if err := t.readNotes(ctx); err != nil {
		return nil, err
	}
	var out []publisher.Note
	for _, name := range names {
		m, err := t.message(t.notes[name])
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}
