package consumer

import (
	"fmt"
	"time"
)

// State says what a Stream has for its taker.
type State uint8

// The states of a Stream.
const (
	// Waiting: nothing queued, and whether there is more is not known: a
	// request is on its way, the broker does not answer, or Err is set.
	Waiting State = iota
	// Ready: there is something to take.
	Ready
	// AtEnd: nothing queued, and an answer of less than a second ago showed
	// that everything below the log's last stable offset has been taken.
	AtEnd
)

const noLeader = -1

// Stream is one topic-partition that is being fetched. Its methods are for the
// one goroutine that opened it.
type Stream struct {
	f         *Fetcher
	topic     string
	partition int
	wake      chan<- struct{}

	// The taker's own.
	head *Batch // returned by Head, not taken yet

	// Guarded by f.mu.
	queue    []*chunk // the first is the taker's to read from, without f.mu
	queued   int      // bytes of memory in queue
	next     int64    // offset to fetch next
	err      error    // sticky
	closed   bool
	leader   int32     // broker, or noLeader
	retryAt  time.Time // with no leader: when to look for it again
	failures int       // in a row
	unknown  time.Time // since when brokers say there is no such partition; zero: they don't
	doubted  bool      // one has said so once: under its name there may be another log
	outside  bool      // the broker said out of range; where the log begins and ends is being asked
	skipped  bool      // left out of the last request, its queue being full
	stable   int64     // last stable offset of the last answer
	answered time.Time // when the last one came; zero: none since the stream was left out or lost its leader
}

// staleAfter is how long an answer proves that a stream is at its end, beyond
// the long poll. Somebody who moves the watermark of a silent partition by the
// clock must not do so because of what was true a minute ago.
const staleAfter = time.Second

// Head returns the batch that Take would remove, or what is known where there
// is none. Of that batch only Topic, Partition, First and HighWatermark are
// set: decompressing it is left to Take, so that waiting batches take no more
// memory than they do on the wire.
func (s *Stream) Head() (*Batch, State) {
	s.f.mu.Lock()
	defer s.f.mu.Unlock()
	if s.err != nil {
		return nil, Waiting
	}
	if len(s.queue) > 0 {
		if s.head == nil {
			s.head = newBatch(s.topic, s.partition)
		}
		s.head.First, s.head.HighWatermark = s.queue[0].from, s.queue[0].high
		return s.head, Ready
	}
	if s.atEnd(time.Now()) {
		return nil, AtEnd
	}
	return nil, Waiting
}

// atEnd says whether everything was taken, as far as the last answer goes.
func (s *Stream) atEnd(now time.Time) bool {
	return len(s.queue) == 0 && !s.answered.IsZero() && s.next >= s.stable &&
		now.Sub(s.answered) < s.f.opt.MaxWait+staleAfter
}

// Take removes the batch at the head, with its messages. It returns nil where
// none is ready, or where the bytes turn out to be corrupt: then Err says so.
// The caller releases the batch.
func (s *Stream) Take() *Batch {
	b, state := s.Head()
	if state != Ready {
		return nil
	}
	s.head = nil
	s.f.mu.Lock()
	c := s.queue[0]
	s.f.mu.Unlock()
	err := c.fill(b, limits{messages: s.f.opt.BatchMessages, bytes: batchBytes, expanded: s.f.opt.ExpandedBytes})
	s.f.mu.Lock()
	defer s.f.mu.Unlock()
	if err != nil {
		b.Release()
		s.fail(&Corrupt{Topic: s.topic, Partition: s.partition, Offset: c.from, Err: err})
		return nil
	}
	if len(c.left) == 0 && !s.closed {
		s.queue[0] = nil
		s.queue = s.queue[1:]
		s.dequeued(c)
	}
	return b
}

// dequeued gives a chunk's memory back to the budget. The caller holds f.mu.
func (s *Stream) dequeued(c *chunk) {
	s.queued -= c.block.size()
	s.f.queued -= c.block.size()
	c.block.release()
	if !s.skipped {
		return
	}
	if l := s.f.loops[s.leader]; l != nil {
		signal(l.wake)
	}
}

// Err returns why the Stream has ended, or nil: *OffsetOutOfRange, *InDoubt,
// *TopicGone, *Corrupt, *Refused or errClosed. A broker that does not answer is no error; it
// is tried again.
func (s *Stream) Err() error {
	s.f.mu.Lock()
	defer s.f.mu.Unlock()
	return s.err
}

// fail ends the stream. The first reason stays. The caller holds f.mu.
func (s *Stream) fail(err error) {
	if s.err == nil {
		s.err = err
	}
	s.leader = noLeader
	signal(s.wake)
}

// Close ends the Stream and drops what it has queued. Batches that were taken
// stay valid.
func (s *Stream) Close() {
	s.f.mu.Lock()
	defer s.f.mu.Unlock()
	if s.closed {
		return
	}
	s.closed = true
	s.fail(errClosed)
	s.f.forget(s)
	for _, c := range s.queue {
		s.dequeued(c)
	}
	s.queue = nil
	if s.head != nil {
		s.head.Release()
		s.head = nil
	}
}

// name is the stream's key in the trouble log.
func (s *Stream) name() string { return fmt.Sprintf("%s/%d", s.topic, s.partition) }
