package aggregator

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"

	"github.com/tidemark-io/tidemark/event"
)

// Timers are due times by bucket, each no later than the first due time of the
// bucket's customers. They are lazy: a due time that moves later leaves its
// entry alone, and the entry is set right when it fires.

// firedPerStep bounds the buckets whose timers one step of Advance fires, and
// the users that a job moves.
const (
	firedPerStep = 512
	movedPerStep = 2000
)

func (s *Shard) arm(bucket int, due int64) {
	if due < s.dueAt[bucket] {
		s.dueAt[bucket] = due
		s.minDue = min(s.minDue, due)
		if due < s.dueStored[bucket] {
			s.dueDirty[bucket] = true
		}
	}
}

func (s *Shard) loadDue(name string, value []byte) error {
	i, err := strconv.Atoi(name)
	if err != nil || i < 0 || i >= len(s.buckets) {
		return fmt.Errorf("timer index entry %q: no such bucket", name)
	}
	due, n := binary.Varint(value)
	if n <= 0 {
		return fmt.Errorf("timer index entry %q is damaged", name)
	}
	s.dueAt[i], s.dueStored[i] = due, due
	s.minDue = min(s.minDue, due)
	return nil
}

// Advance moves the watermark to w, Unix ms, and lets time do its work: due
// timers, moves of users, then the freezing of days that fall out of the
// horizon. It does a bounded part of it and says whether there is more; the
// records that it waits for are asked for by Need. Until it is done no event
// may be applied. Rows of days more than keepRows before the watermark's are
// deleted.
func (s *Shard) Advance(w int64, keepRows int32) (more bool) {
	s.catchUp()
	s.cause = Cause{Timer: true}
	w = max(w, s.watermark)
	if w == 0 {
		return false
	}
	first := s.cal.Day(w) - s.opts.Horizon
	if !s.cells.started {
		s.cells.start(first)
	}
	s.watermark = w
	s.cells.forgetHours(s.cal.Day(w) - hoursKept)
	if s.fire() || s.work() {
		return true
	}
	if first > s.cells.first {
		s.cells.freeze(first, max(keepRows-s.opts.Horizon, 0))
	}
	return false
}

// fire fires the timers that are due; true: there are more, or some wait for records.
func (s *Shard) fire() bool {
	if s.minDue > s.watermark {
		return false
	}
	s.minDue = never
	fired, waiting := 0, false
	for i, due := range s.dueAt {
		if due > s.watermark {
			s.minDue = min(s.minDue, due)
			continue
		}
		switch b := s.buckets[i]; {
		case fired >= firedPerStep:
			waiting = true
			s.minDue = min(s.minDue, due)
		case b == nil:
			s.want[bucketKey(i)] = true
			waiting = true
			fired++
			s.minDue = min(s.minDue, due)
		default:
			s.fireBucket(b)
			fired++
			s.minDue = min(s.minDue, s.dueAt[i])
		}
	}
	return waiting
}

func (s *Shard) fireBucket(b *bucket) {
	b.used = true
	next := never
	for i := range b.places {
		if b.places[i].due <= s.watermark {
			c := b.customers[i]
			s.expire(c)
			if s.evaluate(c, farFuture) {
				s.change(c)
			}
		}
		next = min(next, b.places[i].due)
	}
	s.dueAt[b.index] = next
	if next != s.dueStored[b.index] {
		s.dueDirty[b.index] = true
	}
}

// expire hands over cancellations and refunds whose target never came.
func (s *Shard) expire(c *customer) {
	var gone []int
	for _, i := range c.line.orphans {
		if m := &c.money[i]; s.orphanDue(m) <= s.watermark {
			if m.origin != nil { // else it had its target when it was stored, and that had to make room since
				s.notes = append(s.notes, Note{Origin: *m.origin, Due: s.orphanDue(m), Reason: event.UnknownTarget})
			}
			gone = append(gone, i)
		}
	}
	if len(gone) == 0 {
		return
	}
	c.ownBase()
	for _, i := range slices.Backward(gone) {
		c.base.money.past.settle(&c.money[i])
		c.money = slices.Delete(c.money, i, i+1)
	}
	c.derive(&s.opts)
	c.rewrite, c.written.events = true, 0
	s.change(c)
}
