package company

import (
	"slices"

	"github.com/tidemark-io/tidemark/alert"
	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/kpi"
	"github.com/tidemark-io/tidemark/store"
)

// maxCauses bounds the messages remembered over all shards, some 100 bytes each.
const maxCauses = 4096

// causes are the latest messages that changed figures, in the order in which
// they were read.
type causes struct {
	list []cause
	seq  uint64
	high map[position]int64 // the highest offset in the list that was ever there
}

type cause struct {
	store.Cause
	shard int
	seq   uint64
}

type position struct {
	shard int
	topic string
}

func newCauses() causes { return causes{high: map[position]int64{}} }

// take appends what a view brings. One of all rows brings what is known already,
// too; where the store has lost commits, messages come a second time.
func (c *causes) take(shard int, v store.View) {
	for topic, o := range v.Head.Offsets {
		p := position{shard, topic}
		if high, ok := c.high[p]; ok && high >= o.Next {
			c.high[p] = o.Next - 1
		}
	}
	for _, x := range v.Causes {
		p := position{shard, x.Topic}
		if high, ok := c.high[p]; ok && x.Offset <= high {
			continue
		}
		c.high[p] = x.Offset
		c.seq++
		c.list = append(c.list, cause{x, shard, c.seq})
	}
	if over := len(c.list) - maxCauses; over > 0 {
		c.list = slices.Delete(c.list, 0, over)
	}
}

// CauseKind is what the store keeps of a cause's kind: the event's, and whether it
// is activity.
func CauseKind(kind event.Kind, activity bool) uint8 {
	k := uint8(kind) << 1
	if activity {
		k |= 1
	}
	return k
}

// latest is the last message after since that bears on a KPI's figures of a day:
// one that moves it, of a customer of the segments and of no later day. Where there
// is none, it is one that moved a customer to or from them, whose kind and day mean
// nothing then.
func (c *causes) latest(k kpi.KPI, segments []string, day int32, since uint64) (cause, bool) {
	var moved [2 * (event.Signal + 1)]bool
	for kind := range moved {
		moved[kind] = k.MovedBy(event.Kind(kind>>1), kind&1 != 0)
	}
	bears := func(x cause, kind, segment, before bool) bool {
		return (!kind || int(x.Kind) < len(moved) && moved[x.Kind]) && (!before || x.Day <= day) && (!segment || slices.ContainsFunc(segments, func(s string) bool {
			return s == "" || slices.Contains(x.Segments, s)
		}))
	}
	for _, t := range []struct{ kind, segment, before bool }{{true, true, true}, {false, true, true}, {false, true, false}, {true, false, true}, {false, false, true}, {false, false, false}} {
		for i := len(c.list) - 1; i >= 0 && c.list[i].seq > since; i-- {
			if bears(c.list[i], t.kind, t.segment, t.before) {
				return c.list[i], true
			}
		}
	}
	return cause{}, false
}

// latestCause is the latest message after since that bears on a KPI's figures of a
// segment and day, zero where there was none.
func (r *Reader) latestCause(k kpi.KPI, segment string, day int32, since uint64) alert.Cause {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.group()
	x, ok := r.causes.latest(k, r.view.members(segment), day, since)
	if !ok {
		return alert.Cause{}
	}
	return alert.Cause{Topic: x.Topic, Partition: int32(x.shard), Offset: x.Offset}
}

// causesSoFar is a since for causes that are yet to come.
func (r *Reader) causesSoFar() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.causes.seq
}
