package worker

import (
	"cmp"
	"slices"

	"github.com/tidemark-io/tidemark/company"
	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/store"
)

// How many messages a commit names as causes of what it changes: the latest of
// the running day and the latest of days before. A figure whose cause is not
// among them gets another one of the same commit.
const (
	causesNow  = 4
	causesPast = 32
)

// causes remembers the latest messages that were applied since the last commit.
// It costs some nanoseconds a message and allocates nothing once it is full.
type causes struct {
	today     int64 // start of the watermark's day, Unix ms
	count     int   // messages applied since the last commit
	now, past ring
}

// ring is the latest messages of a kind, in no order.
type ring struct {
	count  int
	latest []applied
}

type applied struct {
	count        int // of all messages, which of them it was
	topic        string
	offset, time int64
	customer     []byte
	kind         uint8 // company.CauseKind
}

// add remembers a message that was applied.
func (c *causes) add(topic string, offset int64, ev *event.Event, activity bool) {
	r, size := &c.now, causesNow
	if ev.Time < c.today {
		r, size = &c.past, causesPast
	}
	at := r.count % size
	if at == len(r.latest) {
		r.latest = append(r.latest, applied{})
	}
	c.count++
	r.count++
	a := &r.latest[at]
	a.count, a.topic, a.offset, a.time, a.customer = c.count, topic, offset, ev.Time, append(a.customer[:0], ev.Customer...)
	a.kind = company.CauseKind(ev.Kind, activity)
}

// reset forgets what is committed.
func (c *causes) reset(today int64) { c.today, c.count, c.now.count, c.past.count = today, 0, 0, 0 }

// list is what is remembered, the oldest first.
func (c *causes) list() []applied {
	out := make([]applied, 0, min(c.now.count, causesNow)+min(c.past.count, causesPast))
	out = append(out, c.now.latest[:min(c.now.count, causesNow)]...)
	out = append(out, c.past.latest[:min(c.past.count, causesPast)]...)
	slices.SortFunc(out, func(a, b applied) int { return cmp.Compare(a.count, b.count) })
	return out
}

// causesOf are the causes that a commit names: they say which figures each
// message may have changed. The records are still in memory.
func (t *tenure) causesOf() []store.Cause {
	list := t.causes.list()
	out := make([]store.Cause, len(list))
	for i, a := range list {
		out[i] = store.Cause{Topic: a.topic, Offset: a.offset, Kind: a.kind, Day: t.calendar.Day(a.time)}
		if !t.segmented {
			continue
		}
		if v := t.state.View(string(a.customer)); v != nil {
			out[i].Segments = v.Segments
		}
	}
	return out
}
