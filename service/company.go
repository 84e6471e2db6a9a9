package service

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/alert"
	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/company"
	"github.com/tidemark-io/tidemark/config"
	"github.com/tidemark-io/tidemark/consumer"
	"github.com/tidemark-io/tidemark/goal"
	"github.com/tidemark-io/tidemark/kpi"
	"github.com/tidemark-io/tidemark/worker"
)

// chief does what the owner of shard 0 does for the whole company: rules on
// KPIs, and the topic of KPIs. The reader is the process's, which others poll.
type chief struct {
	reader   *company.Reader
	since    uint64 // polls of the reader that had begun when this tenure did
	version  uint64 // of the reader when it was last looked at
	feed     *company.Feed
	rules    []alert.KPIRule
	goals    goalReader
	stored   func(context.Context) (map[string][]byte, error) // what is shown
	calendar *civil.Calendar
	firing   map[aggregator.Pair]aggregator.Firing // the worker's
	verdicts map[string]alert.Verdict
	judged   int64                                         // watermark of the verdicts, Unix ms
	statuses map[aggregator.Pair]*goal.Status              // of the alerts about goals
	write    func(context.Context, []worker.Message) error // to the topic of KPIs; when it returns, it has ended
	source   string

	scores    scoreKeeper
	interval  time.Duration
	evaluated time.Time
	dirty     bool              // the figures have changed since
	shown     map[string]string // as it stands in the store, for people; nil: not read yet

	sending  *sending      // what is on its way to the topic; nil: nothing
	patience time.Duration // that Close has with it
}

// sending is what is on its way to the topic of KPIs.
type sending struct {
	giveUp context.CancelFunc
	done   chan struct{} // closed when it has ended
	err    error         // of its end
}

// newCompany returns what makes a chief for each tenure of shard 0.
func (s *service) newCompany(security consumer.Security) func([]string, map[aggregator.Pair]aggregator.Firing) (worker.Company, error) {
	topic := kpiTopic{name: s.cfg.Kafka.Outputs.KPIs, client: &kafka.Client{
		Addr: kafka.TCP(s.cfg.Kafka.Brokers...), Transport: security.Transport(s.cfg.Kafka.Outputs.KPIs)}}
	return func(sent []string, firing map[aggregator.Pair]aggregator.Firing) (worker.Company, error) {
		zone, err := s.cfg.Location()
		if err != nil {
			return nil, UsageError{err}
		}
		feed, err := company.NewFeed(s.reader, company.FeedOptions{
			Interval: s.cfg.PublishInterval.Milliseconds(), Retain: int32(s.cfg.RetainRows), Stored: sent, Read: s.store.Sent})
		if err != nil {
			return nil, err
		}
		return &chief{reader: s.reader, since: s.reader.Begun(), feed: feed, rules: kpiRules(s.cfg), goals: goalReader{s.reader, goals(s.cfg)}, calendar: civil.NewCalendar(zone), firing: firing,
			verdicts: map[string]alert.Verdict{}, statuses: map[aggregator.Pair]*goal.Status{}, stored: s.store.Public, write: topic.write, source: "tidemark/" + s.cfg.Redis.Namespace,
			scores:   newScoreKeeper(s.store, s.cfg),
			interval: s.cfg.PublishInterval, patience: min(closeLimit, s.cfg.Kafka.SessionTimeout/3)}, nil
	}
}

func kpiRules(c *config.Config) []alert.KPIRule {
	var out []alert.KPIRule
	for _, r := range c.Rules {
		if r.KPI == "" {
			continue
		}
		window := r.Window
		if k, err := kpi.Find(r.KPI); err == nil && window == "" {
			window = k.Default
		}
		out = append(out, alert.KPIRule{Name: r.Name, KPI: r.KPI, Window: window, Segment: r.Segment, Severity: r.Severity,
			Above: r.Above, Threshold: r.Threshold.Rat(), Clear: r.Clear.Rat(), For: r.For})
	}
	return out
}

// Next implements worker.Company. Nothing is due before everything was read that
// was stored when the tenure began: it may have begun with a loss of commits. While
// the reader is reading, what is due waits for the next call.
func (c *chief) Next(ctx context.Context, now time.Time) (worker.Duties, error) {
	var d worker.Duties
	if sent, err := c.sent(); !sent {
		return d, err
	}
	release, ok := c.reader.Hold()
	if !ok {
		return d, nil
	}
	defer release()
	if ok, _ := c.reader.Ready(); !ok || !c.reader.ReadSince(c.since) {
		return d, nil
	}
	err := c.due(ctx, now, &d)
	return d, err
}

// due adds what is due. After an error it is due again, since nobody has got it.
func (c *chief) due(ctx context.Context, now time.Time, d *worker.Duties) (err error) {
	version := c.reader.Version()
	changed := version != c.version
	c.version, c.dirty = version, c.dirty || changed
	if d.Scores, err = c.scores.next(ctx, now, changed); err != nil {
		return err
	}
	if c.evaluated.IsZero() || c.dirty && now.Sub(c.evaluated) >= c.interval {
		c.evaluated, c.dirty = now, true
		if d.Fired, err = c.evaluate(ctx); err != nil {
			return err
		}
		d.Judged = true
		if d.Public, err = c.public(ctx); err != nil {
			return err
		}
	}
	b, err := c.feed.Next(ctx, now.UnixMilli())
	if err != nil {
		return err
	}
	for _, x := range b.Changes {
		value, err := x.Encode(c.source)
		if err != nil {
			return err
		}
		d.Messages = append(d.Messages, worker.Message{Key: []byte(x.Key), Value: value})
	}
	d.Sent = b.Fields
	c.show(d.Public)
	c.dirty = c.dirty && !d.Judged
	return nil
}

// evaluate walks the rules over the days from the first unfrozen one and
// returns what began or ceased to fire.
func (c *chief) evaluate(ctx context.Context) (map[aggregator.Pair]*aggregator.Firing, error) {
	c.judged = c.reader.Watermark()
	out := map[aggregator.Pair]*aggregator.Firing{}
	known := map[aggregator.Pair]bool{}
	for _, r := range c.rules {
		p := aggregator.Pair{Rule: r.Name, Customer: r.KPI}
		known[p] = true
		if c.reader.SwitchedOff(r.Segment) {
			continue // it rests: what is firing stays so
		}
		v, err := c.reader.Evaluate(ctx, r, c.reader.FirstDay())
		if err != nil {
			return nil, err
		}
		c.verdicts[r.Name] = v
		if _, was := c.firing[p]; v.Firing && !was {
			out[p] = &aggregator.Firing{Since: c.calendar.Start(v.Since), Cause: aggregator.Cause{Timer: true}}
		} else if !v.Firing && was {
			out[p] = nil
		}
	}
	if err := c.evaluateGoals(ctx, known, out); err != nil {
		return nil, err
	}
	for p := range c.firing { // what a rule, or a goal, said of another KPI before
		if !known[p] {
			out[p] = nil
		}
	}
	return out, nil
}

// Alert implements worker.Company.
func (c *chief) Alert(ctx context.Context, p aggregator.Pair, firing bool) (alert.Alert, error) {
	a := alert.Alert{Rule: p.Rule, Subject: p.Customer, Firing: firing}
	for _, r := range c.rules {
		if r.Name == p.Rule && r.KPI == p.Customer {
			err := c.describe(ctx, r, &a)
			return a, err
		}
	}
	if ok, err := c.goalAlert(ctx, p, &a); ok || err != nil {
		return a, err
	}
	// The name is that of a rule or goal about another KPI now.
	now := c.reader.Watermark()
	a.Since, a.Cause = civil.Format(c.calendar.Day(now)), alert.Cause{Timer: alert.Moment(now)}
	a.Reason = fmt.Sprintf("rule %s is about %s no more", p.Rule, p.Customer)
	return a, nil
}

// describe says what a rule's verdict is.
func (c *chief) describe(ctx context.Context, r alert.KPIRule, a *alert.Alert) error {
	v, ok := c.verdicts[r.Name]
	asOf := c.judged
	if !ok {
		asOf = c.reader.Watermark()
		var err error
		if v, err = c.reader.Evaluate(ctx, r, c.reader.FirstDay()); err != nil {
			return err
		}
	}
	if v.Day == 0 { // no day was looked at: the segment's dimension is switched off
		v.Day, v.Since = c.calendar.Day(asOf), c.calendar.Day(c.firing[aggregator.Pair{Rule: r.Name, Customer: r.KPI}].Since)
	}
	a.Threshold, a.Provisional = number(r.Threshold.FloatString(6)), v.Provisional
	if v.Value != nil {
		a.Value = number(v.Value.FloatString(6))
	}
	a.Cause = alert.Cause{Timer: alert.Moment(min(c.calendar.Start(v.Day+1), asOf))}
	if a.Firing {
		a.Since, a.Reason = civil.Format(v.Since), alert.KPIReason(r, v)
	} else {
		a.Since, a.Reason = civil.Format(v.Day), alert.KPIResolved(r, v)
	}
	return nil
}

func number(s string) json.Number {
	for len(s) > 1 && s[len(s)-1] == '0' {
		s = s[:len(s)-1]
	}
	if s[len(s)-1] == '.' {
		s = s[:len(s)-1]
	}
	return json.Number(s)
}

const (
	// sendLimit is how long the topic of KPIs may take.
	sendLimit = 30 * time.Second
	// closeLimit is how long the end of a tenure waits for it, and no longer than a
	// third of the group's session, in which the shard must be given up.
	closeLimit = 5 * time.Second
)

// Send implements worker.Company. It does not wait, so that alerts of the shard
// are not held up by figures; nothing more is due until it is done. The topic is
// at least once: what could not be sent is sent again by the next tenure.
func (c *chief) Send(ctx context.Context, d worker.Duties) error {
	c.scores.stored(d.Scores)
	if len(d.Messages) == 0 {
		return nil
	}
	limited, giveUp := context.WithTimeout(context.WithoutCancel(ctx), sendLimit)
	x := &sending{giveUp: giveUp, done: make(chan struct{})}
	c.sending = x
	go func() {
		defer giveUp()
		x.err = c.write(limited, d.Messages)
		close(x.done)
	}()
	return nil
}

// Close implements worker.Company. It waits for what is on its way, since the next
// tenure may be of another process, which soon says something newer of the same
// figures; and after a while it gives it up. Whether it has arrived is all the same:
// the next tenure says everything again.
func (c *chief) Close() {
	if c.sending == nil {
		return
	}
	select {
	case <-c.sending.done:
	case <-time.After(c.patience):
		c.sending.giveUp()
		<-c.sending.done
	}
	c.sending = nil
}

// sent says whether nothing is on its way any more.
func (c *chief) sent() (bool, error) {
	if c.sending == nil {
		return true, nil
	}
	select {
	case <-c.sending.done:
	default:
		return false, nil
	}
	err := c.sending.err
	c.sending = nil
	if err != nil {
		return false, fmt.Errorf("%w: %w", worker.ErrUnsent, err)
	}
	return true, nil
}
