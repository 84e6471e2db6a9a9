package report

import (
	"fmt"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/event"
)

// shard is some of the customers. One goroutine owns it.
type shard struct {
	state  *aggregator.Shard
	stored *part
	counts Events
	notes  []aggregator.Note
	single [1]event.Event
	cache  int // bytes for records in memory
	since  int // events since the watermark moved
	uncut  int // and since what has changed was taken over
}

// shardOf says where a customer's records are. (The low bits of the hash choose
// the bucket within a shard.)
func shardOf(customer []byte, n int) int {
	if n == 1 {
		return 0
	}
	return int(xxhash.Sum64(customer) >> 32 % uint64(n))
}

// keepDays is how long rows are kept: whoever asks has said which, and
// retain_rows is about a store that grows.
const keepDays = 1 << 20

const (
	// The watermark moves once in so much event time or in so many events.
	// Moving it with each event would fire each timer for itself; more than two
	// weeks later, days of the windows ahead would no longer be found by index.
	advanceTime   = 7 * 24 * time.Hour
	advanceEvents = 50_000
	// Records are folded and packed, and rows taken over, once in so many events,
	// or, where records beyond the cache have to be dropped, in fewer.
	commitEvents = 250_000
	commitFew    = 20_000
)

// need loads records until all that the events touch, and that timers wait for,
// are in memory.
func (s *shard) need(events []event.Event) error {
	for keys := s.state.Need(events); len(keys) > 0; keys = s.state.Need(events) {
		if err := s.load(keys); err != nil {
			return err
		}
	}
	return nil
}

func (s *shard) load(keys []string) error {
	for _, key := range keys {
		if err := s.state.Load(key, s.stored.records[key]); err != nil {
			return fmt.Errorf("BUG: load: %w", err)
		}
	}
	return nil
}

// one applies one event.
func (s *shard) one(ev *event.Event, cause aggregator.Cause) (aggregator.Status, error) {
	s.single[0] = *ev
	if err := s.need(s.single[:]); err != nil {
		return 0, err
	}
	status, err := s.state.Apply(0, &s.single[0], cause)
	if err != nil {
		return 0, fmt.Errorf("apply event %s: %w", ev.ID, err)
	}
	s.count(status)
	return status, nil
}

// apply applies events that lie in the order of time.
func (s *shard) apply(events []event.Event) error {
	if err := s.need(events); err != nil {
		return err
	}
	for i := range events {
		status, err := s.state.Apply(i, &events[i], aggregator.Cause{})
		if err != nil {
			return fmt.Errorf("apply event %s: %w", events[i].ID, err)
		}
		s.count(status)
	}
	s.since += len(events)
	s.uncut += len(events)
	return nil
}

func (s *shard) count(status aggregator.Status) {
	s.counts.Read++
	switch status {
	case aggregator.Applied:
		s.counts.Applied++
	case aggregator.Duplicate:
		s.counts.Duplicate++
	case aggregator.Ignored:
		s.counts.Ignored++
	case aggregator.Late:
		s.counts.Late++
	}
}

// pass lets time pass up to w, and packs what has changed, where it is worth it.
func (s *shard) pass(w int64) error {
	before := s.state.Watermark()
	if w > before && (before == 0 || w-before >= advanceTime.Milliseconds() || s.since >= advanceEvents) {
		if err := s.advance(w); err != nil {
			return err
		}
	}
	if s.uncut >= commitEvents || s.uncut >= commitFew && s.state.Memory() > s.cache {
		s.commit()
	}
	return nil
}

// advance moves the watermark to w.
func (s *shard) advance(w int64) error {
	s.since = 0
	for s.state.Advance(w, keepDays) {
		if err := s.need(nil); err != nil {
			return err
		}
	}
	return nil
}

// commit takes over what has changed, as a commit to a store does.
func (s *shard) commit() {
	ch := s.state.Changes()
	s.stored.take(&ch)
	for _, n := range ch.Notes {
		if n.Origin != (aggregator.Origin{}) { // else its event had no cause, as those of files, and nobody asks
			s.notes = append(s.notes, n)
		}
	}
	s.counts.Expired += int64(len(ch.Notes))
	s.state.Committed(s.cache)
	s.uncut = 0
}
