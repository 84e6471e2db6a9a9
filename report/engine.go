// Package report is Tidemark without servers: the same decoder, the same
// aggregator and the same figures as in a running system, in one process and
// from files.
package report

import (
	"context"
	"fmt"
	"runtime"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/company"
	"github.com/tidemark-io/tidemark/event"
)

// Options are what figures depend on.
type Options struct {
	// Shard says how figures are computed. Each call gives a calendar of its own.
	Shard    func() (aggregator.Options, error)
	Company  company.Options
	Shards   int   // 0: one for each processor, four at the most
	Disorder int64 // ms; how far events may lie behind the latest without being sorted first
	Cache    int64 // bytes for records in use; others are packed. 0: no bound
	// Keep says which days' rows of which segments will be asked for; nil: all.
	Keep func(day int32, segment string) bool
}

// maxShards bounds how many goroutines apply events: decoding feeds no more.
const maxShards = 4

// Events counts messages by outcome, each at its first reading: Read is the sum
// of what follows it, but for Expired and Later, which stand apart.
type Events struct {
	Read       int64 `json:"read"`
	Applied    int64 `json:"applied"`
	Duplicate  int64 `json:"duplicate"`
	Ignored    int64 `json:"ignored"`
	Late       int64 `json:"late"`
	DeadLetter int64 `json:"dead_letter"`
	Expired    int64 `json:"expired"`         // of the applied: cancellations and refunds whose target never came
	Later      int64 `json:"later,omitempty"` // not among Read: after the day that was asked for
}

func (e *Events) add(o Events) {
	e.Read += o.Read
	e.Applied += o.Applied
	e.Duplicate += o.Duplicate
	e.Ignored += o.Ignored
	e.Late += o.Late
	e.DeadLetter += o.DeadLetter
	e.Expired += o.Expired
	e.Later += o.Later
}

// Engine is a company in memory. It is for one goroutine; Run starts others and
// waits for them.
type Engine struct {
	options  Options
	calendar *civil.Calendar
	shards   []*shard
	store    memory
	reader   *company.Reader
	scores   cachedScores
	first    int64 // event time of the first event; meaningless without events
	latest   int64 // the highest event time
	events   Events

	scheduled bool // see Scheduled
}

// New returns an engine that has read nothing.
func New(o Options) (*Engine, error) {
	if o.Shards == 0 {
		o.Shards = min(maxShards, runtime.GOMAXPROCS(0))
	}
	e := &Engine{options: o, calendar: civil.NewCalendar(o.Company.Location)}
	for range o.Shards {
		so, err := o.Shard()
		if err != nil {
			return nil, err
		}
		state, err := aggregator.New(so)
		if err != nil {
			return nil, fmt.Errorf("make a shard: %w", err)
		}
		p := newPart(o.Keep)
		cache := 1 << 62
		if o.Cache > 0 {
			cache = int(o.Cache) / o.Shards
		}
		e.shards = append(e.shards, &shard{state: state, stored: p, cache: cache})
		e.store = append(e.store, p)
	}
	o.Company.Scores = e.readScores
	e.reader = company.NewReader(e.store, o.Company)
	return e, nil
}

// Apply applies one event, with no disorder: the watermark is the highest event
// time from then on, and everything that time brings up to there has happened.
func (e *Engine) Apply(ev *event.Event, cause aggregator.Cause) (aggregator.Status, error) {
	s := e.shards[shardOf(ev.Customer, len(e.shards))]
	e.scheduled = false
	status, err := s.one(ev, cause)
	if err != nil || ev.Kind == event.Unknown {
		return status, err
	}
	e.scheduled = s.state.Scheduled()
	e.seen(ev.Time, ev.Time)
	return status, e.Advance(e.latest)
}

// Scheduled says whether the event that Apply was last called with was a
// cancellation, and none that was known, that takes effect later.
func (e *Engine) Scheduled() bool { return e.scheduled }

func (e *Engine) seen(first, latest int64) {
	if e.latest == 0 || first < e.first {
		e.first = first
	}
	e.latest = max(e.latest, latest)
}

// Advance moves the watermark to w, Unix ms, and lets everything happen that
// time brings up to there.
func (e *Engine) Advance(w int64) error {
	for _, s := range e.shards {
		if err := s.advance(w); err != nil {
			return err
		}
	}
	return nil
}

// Reader gives the figures as they are now.
func (e *Engine) Reader(ctx context.Context) (*company.Reader, error) {
	for _, s := range e.shards {
		s.commit()
	}
	if _, err := e.reader.Poll(ctx); err != nil {
		return nil, fmt.Errorf("add up the shards: %w", err)
	}
	return e.reader, nil
}

// Customer is what a customer's record says, nil where there is none. The engine
// has no bound on its cache.
func (e *Engine) Customer(id string) *aggregator.View {
	return e.shards[shardOf([]byte(id), len(e.shards))].state.View(id)
}

// Firing says since when (Unix ms) a rule on bands fires for a customer.
func (e *Engine) Firing(rule, customer string) (since int64, ok bool) {
	f, ok := e.shards[shardOf([]byte(customer), len(e.shards))].state.Firing()[aggregator.Pair{Rule: rule, Customer: customer}]
	return f.Since, ok
}

// Expired returns the events, by the cause they were applied with, that have
// gone to the late topic because of a timer since it was last called.
func (e *Engine) Expired() []aggregator.Note {
	var out []aggregator.Note
	for _, s := range e.shards {
		s.commit()
		out = append(out, s.notes...)
		s.notes = nil
	}
	return out
}

// Events counts what was read so far.
func (e *Engine) Events() Events {
	all := e.events
	for _, s := range e.shards {
		s.commit()
		all.add(s.counts)
	}
	return all
}

// Span gives the first and the highest event time, Unix ms; ok is false where
// there were no events.
func (e *Engine) Span() (first, latest int64, ok bool) { return e.first, e.latest, e.latest != 0 }

// Watermark is the lowest of the shards, Unix ms; 0 before the first event.
func (e *Engine) Watermark() int64 {
	w := e.shards[0].state.Watermark()
	for _, s := range e.shards[1:] {
		w = min(w, s.state.Watermark())
	}
	return w
}

// Calendar is that of the workspace's zone.
func (e *Engine) Calendar() *civil.Calendar { return e.calendar }

// Audit computes all rows that are not frozen again from the records, and
// returns what differs: nothing, or there is a bug.
func (e *Engine) Audit() ([]string, error) {
	var wrong []string
	for _, s := range e.shards {
		s.commit()
		for keys := s.state.Keys(); len(keys) > 0; keys = s.state.Keys() {
			if err := s.load(keys); err != nil {
				return nil, err
			}
		}
		wrong = append(wrong, s.state.Audit()...)
	}
	return wrong, nil
}

// EachFiring visits what fires of the rules on bands, in no order.
func (e *Engine) EachFiring(visit func(aggregator.Pair)) {
	for _, s := range e.shards {
		for p := range s.state.Firing() {
			visit(p)
		}
	}
}
