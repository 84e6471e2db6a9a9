package consumer

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/fetch"
	"go.uber.org/zap"
)

// loop fetches from one broker all that it leads, one request at a time.
type loop struct {
	f      *Fetcher
	broker int32
	name   string        // "broker 1": its key in the trouble log
	wake   chan struct{} // cap 1: a stream came, or a queue has room again
	asks   []ask
	turn   int // rotates the order, since an answer is filled in it
}

// ask is one topic-partition in a request.
type ask struct {
	s     *Stream
	from  int64
	bytes int
	class int // order within the request
}

// Classes of asks: those whose takers have nothing left come first. The order
// within a class changes from request to request, since a broker sends a message
// larger than what is asked for only as the first of an answer.
const (
	empty = iota
	filling
)

// plan is what one request asks for, and how.
type plan struct {
	asks    []ask
	bytes   int // of all asks
	wait    time.Duration
	skipped bool // streams were left out because their queues are full
}

// whileFull is how often streams at their ends are looked at while others are
// left out: a long poll would keep a queue that has room again from being filled.
const whileFull = 20 * time.Millisecond

func (l *loop) run() {
	req := new(fetchRequest)
	for {
		p := l.plan()
		if len(p.asks) == 0 {
			select {
			case <-l.f.ctx.Done():
				return
			case <-l.wake:
			}
			continue
		}
		brought, err := l.exchange(req, p)
		if err != nil {
			req = new(fetchRequest) // the old one may still be in use
		}
		if l.f.ctx.Err() != nil {
			return
		}
		if p.skipped && !brought {
			l.pause(whileFull)
		}
	}
}

// pause waits until something changes, or for d.
func (l *loop) pause(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-l.f.ctx.Done():
	case <-l.wake:
	case <-t.C:
	}
}

// plan decides what to ask for, and reserves room for it.
func (l *loop) plan() plan {
	f := l.f
	f.mu.Lock()
	defer f.mu.Unlock()
	share, now := f.share(), time.Now()
	free := f.opt.QueueBytes - f.queued - f.reserved
	p := plan{asks: l.asks[:0], wait: f.opt.MaxWait}
	behind := 0
	for _, s := range f.streams {
		if s.leader != l.broker || s.err != nil {
			continue
		}
		room := share - s.queued
		s.skipped = s.queued > 0 && (room < share/2 || free < reserveBytes)
		if s.skipped {
			s.answered = time.Time{} // what it says of the end grows old from here on
			p.skipped = true
			continue
		}
		a := ask{s: s, from: s.next, bytes: reserveBytes, class: filling}
		if !s.atEnd(now) {
			a.bytes = max(reserveBytes, min(room, f.opt.PartitionMaxBytes))
			behind++
		}
		if s.queued == 0 {
			a.class = empty
			if s.answered.IsZero() {
				p.wait = 0 // somebody waits to hear whether this is the end
			}
		}
		p.asks = append(p.asks, a)
	}
	if p.skipped {
		p.wait = 0
	}
	l.asks = p.asks
	l.order(p.asks)
	p.ration(behind, min(free, f.opt.MaxBytes))
	f.reserved += p.bytes
	return p
}

// ration cuts down what is asked for of each topic-partition, so that all of it
// fits. The request's own limit is not used: it makes a broker leave out the
// last ones, and kfake forget which transactions were aborted.
func (p *plan) ration(behind, free int) {
	each := (free - (len(p.asks)-behind)*reserveBytes) / max(1, behind)
	for i := range p.asks {
		a := &p.asks[i]
		a.bytes = max(reserveBytes, min(a.bytes, each))
		p.bytes += a.bytes
	}
}

// order puts the asks into the order in which the broker shall fill its answer.
func (l *loop) order(asks []ask) {
	if len(asks) < 2 {
		return
	}
	l.turn++
	n := l.turn % len(asks)
	slices.Reverse(asks[:n])
	slices.Reverse(asks[n:])
	slices.Reverse(asks)
	slices.SortStableFunc(asks, func(x, y ask) int { return cmp.Compare(x.class, y.class) })
}

// share returns the bytes that one stream may have queued: what is not kept for
// streams at their ends, shared among those that have something to read. The
// caller holds f.mu.
func (f *Fetcher) share() int {
	now := time.Now()
	behind := 0
	for _, s := range f.streams {
		if s.err == nil && !s.atEnd(now) {
			behind++
		}
	}
	left := f.opt.QueueBytes - (len(f.streams)-behind)*reserveBytes
	return min(f.opt.PartitionQueueBytes, max(reserveBytes, left/max(1, behind)))
}

// exchange sends one request and puts its answer into the queues. It says
// whether that brought anything.
func (l *loop) exchange(req *fetchRequest, p plan) (brought bool, err error) {
	f := l.f
	l.fillRequest(req, p)
	ctx, cancel := context.WithTimeout(f.ctx, p.wait+f.opt.Timeout)
	_, err = f.opt.Transport.RoundTrip(ctx, f.opt.Addr, req)
	cancel()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reserved -= p.bytes
	if err != nil {
		if f.ctx.Err() == nil {
			f.log.say(l.name, func(log *zap.Logger) {
				log.Warn("fetch failed, trying again", zap.Int32("broker", l.broker), zap.Error(err))
			})
		}
		for _, a := range p.asks {
			f.orphan(a.s)
		}
		return false, err
	}
	f.log.over(l.name, func(log *zap.Logger) {
		log.Info("fetching again", zap.Int32("broker", l.broker))
	})
	for i := range req.reply {
		if r := &req.reply[i]; l.settle(p.asks, i, r) {
			brought = true
		}
	}
	return brought, nil
}

func (l *loop) fillRequest(req *fetchRequest, p plan) {
	req.broker = l.broker
	req.Request = fetch.Request{
		ReplicaID:      -1,
		MaxWaitTime:    int32(p.wait / time.Millisecond),
		MinBytes:       int32(l.f.opt.MinBytes),
		MaxBytes:       math.MaxInt32,
		IsolationLevel: int8(kafka.ReadCommitted),
		SessionEpoch:   -1, // no fetch session
		Topics:         req.Topics[:0],
	}
	for _, a := range p.asks {
		n := len(req.Topics)
		if n == 0 || req.Topics[n-1].Topic != a.s.topic {
			req.Topics = append(req.Topics, fetch.RequestTopic{Topic: a.s.topic})
			n++
		}
		t := &req.Topics[n-1]
		t.Partitions = append(t.Partitions, fetch.RequestPartition{
			Partition: int32(a.s.partition), CurrentLeaderEpoch: -1,
			FetchOffset: a.from, LogStartOffset: -1, PartitionMaxBytes: int32(a.bytes),
		})
	}
}

// settle puts the answer for one topic-partition where it belongs. The caller
// holds f.mu.
func (l *loop) settle(asks []ask, hint int, r *partReply) bool {
	defer r.drop()
	a, ok := find(asks, hint, r)
	if !ok || a.s.err != nil || a.s.next != a.from || a.s.leader != l.broker {
		return false // closed meanwhile
	}
	s := a.s
	if r.code != 0 {
		l.f.refused(s, r.code)
		return false
	}
	now := time.Now()
	wasAtEnd := s.atEnd(now)
	l.f.settled(s)
	s.unknown, s.stable, s.answered = time.Time{}, r.stable, now
	brought := false
	if r.block != nil {
		brought = l.f.enqueue(s, r)
	}
	if brought || (!wasAtEnd && s.atEnd(s.answered)) {
		signal(s.wake)
	}
	return brought
}

// find returns the ask that r answers: answers mostly come in the order asked.
func find(asks []ask, hint int, r *partReply) (ask, bool) {
	is := func(a ask) bool { return int32(a.s.partition) == r.partition && a.s.topic == r.topic }
	if hint < len(asks) && is(asks[hint]) {
		return asks[hint], true
	}
	i := slices.IndexFunc(asks, is)
	if i < 0 {
		return ask{}, false
	}
	return asks[i], true
}

// enqueue queues what was fetched. The caller holds f.mu.
func (f *Fetcher) enqueue(s *Stream, r *partReply) bool {
	from := s.next
	n, next, err := measure(r.block.buf, from, r.stable)
	if err != nil {
		s.fail(&Corrupt{Topic: s.topic, Partition: s.partition, Offset: next, Err: err})
		return false
	}
	if n == 0 {
		if _, err := readFrame(r.block.buf); err != nil {
			// A broker sends the first record batch whole however little was asked for.
			s.fail(&Corrupt{Topic: s.topic, Partition: s.partition, Offset: next, Err: err})
		}
		return false
	}
	s.next = next
	s.queue = append(s.queue, &chunk{
		block: r.block, left: r.block.buf[:n], from: from, high: r.high, aborted: r.aborted,
	})
	s.queued += r.block.size()
	f.queued += r.block.size()
	r.block = nil // the queue's from here on
	return true
}

// orphan takes a stream's leader away after a failure; the router looks for it after
// a pause that grows with each. The caller holds f.mu.
func (f *Fetcher) orphan(s *Stream) {
	s.leader, s.answered = noLeader, time.Time{}
	s.failures++
	s.retryAt = time.Now().Add(backoff(s.failures))
	signal(f.route)
}

// refused deals with an error code in an answer. The caller holds f.mu.
func (f *Fetcher) refused(s *Stream, code int16) {
	err := kafka.Error(code)
	switch {
	case errors.Is(err, kafka.OffsetOutOfRange):
		s.outside, s.leader, s.answered = true, noLeader, time.Time{}
		f.wg.Go(func() { f.inspect(s) })
		return
	case errors.Is(err, kafka.TopicAuthorizationFailed):
		s.fail(&Refused{Topic: s.topic, Partition: s.partition, Err: err})
		return
	}
	s.doubted = s.doubted || errors.Is(err, kafka.UnknownTopicOrPartition)
	f.log.say(s.name(), func(log *zap.Logger) {
		log.Warn("broker refused a fetch, looking for the partition's leader",
			zap.String("topic", s.topic), zap.Int("partition", s.partition), zap.Error(err))
	})
	f.orphan(s)
}
