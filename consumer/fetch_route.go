package consumer

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/metadata"
	"go.uber.org/zap"
)

// Pauses between attempts: they double from the first to the longest, give or
// take a half.
const (
	firstPause   = 50 * time.Millisecond
	longestPause = 2 * time.Second
)

// GoneAfter is how long brokers must say that there is no such topic or partition
// before that is believed: one that is starting says so of all of them.
const GoneAfter = 10 * time.Second

// backoff returns the pause after so many failures in a row; none after 0.
func backoff(failures int) time.Duration {
	if failures <= 0 {
		return 0
	}
	d := longestPause
	if failures < 8 {
		d = min(d, firstPause<<(failures-1))
	}
	return d/2 + rand.N(d)
}

// router finds the leaders of streams that have none.
func (f *Fetcher) router() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-f.ctx.Done():
			return
		case <-f.route:
		case <-timer.C:
		}
		homeless, soonest := f.homeless()
		for len(homeless) > 0 { // the turn of others may come while a broker is asked
			f.locate(homeless)
			homeless, soonest = f.homeless()
		}
		if !soonest.IsZero() {
			timer.Reset(max(time.Millisecond, time.Until(soonest)))
		}
	}
}

// homeless returns the streams whose leader is to be looked for now, and when
// the next one's turn is.
func (f *Fetcher) homeless() (due []*Stream, soonest time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	for _, s := range f.streams {
		if s.leader != noLeader || s.outside || s.err != nil {
			continue
		}
		if s.retryAt.After(now) {
			if soonest.IsZero() || s.retryAt.Before(soonest) {
				soonest = s.retryAt
			}
			continue
		}
		due = append(due, s)
	}
	return due, soonest
}

// locate asks for the leaders of streams and hands each to its leader's loop.
func (f *Fetcher) locate(streams []*Stream) {
	var topics []string
	for _, s := range streams {
		if !slices.Contains(topics, s.topic) {
			topics = append(topics, s.topic)
		}
	}
	m, err := f.metadata(f.ctx, topics)
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		if f.ctx.Err() == nil {
			f.log.say("metadata", func(log *zap.Logger) {
				log.Warn("metadata request failed, trying again", zap.Stringer("brokers", f.opt.Addr), zap.Error(err))
			})
		}
		for _, s := range streams {
			s.unknown = time.Time{} // what is not answered does not last
			f.orphan(s)
		}
		return
	}
	f.log.over("metadata", func(log *zap.Logger) { log.Info("brokers answer again") })
	for _, s := range streams {
		if s.err == nil {
			f.settleLeader(s, m)
		}
	}
}

func (f *Fetcher) metadata(ctx context.Context, topics []string) (*metadata.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, f.opt.Timeout)
	defer cancel()
	req := &freshMetadata{Request: metadata.Request{TopicNames: topics}}
	if _, err := f.opt.Transport.RoundTrip(ctx, f.opt.Addr, req); err != nil {
		return nil, err
	}
	return req.answer, nil
}

// settleLeader gives a stream the leader that m names. The caller holds f.mu.
func (f *Fetcher) settleLeader(s *Stream, m *metadata.Response) {
	leader, err := leaderOf(m, s.topic, s.partition)
	key := "leader of " + s.name()
	switch {
	case errors.Is(err, kafka.TopicAuthorizationFailed):
		s.fail(&Refused{Topic: s.topic, Partition: s.partition, Err: err})
	case err != nil:
		if !errors.Is(err, kafka.UnknownTopicOrPartition) {
			s.unknown = time.Time{}
		} else if s.doubted = true; s.unknown.IsZero() {
			s.unknown = time.Now()
		} else if time.Since(s.unknown) > f.opt.goneAfter {
			s.fail(&TopicGone{Topic: s.topic, Partition: s.partition})
			return
		}
		f.log.say(key, func(log *zap.Logger) {
			log.Warn("partition has no leader, trying again",
				zap.String("topic", s.topic), zap.Int("partition", s.partition), zap.Error(err))
		})
		f.orphan(s)
	default:
		f.log.over(key, func(log *zap.Logger) {
			log.Info("partition has a leader again",
				zap.String("topic", s.topic), zap.Int("partition", s.partition), zap.Int32("broker", leader))
		})
		if s.doubted {
			s.fail(&InDoubt{Topic: s.topic, Partition: s.partition, Why: "there is no such partition"})
			return
		}
		f.assign(s, leader)
	}
}

// assign hands a stream to its leader's loop. The caller holds f.mu.
func (f *Fetcher) assign(s *Stream, leader int32) {
	s.leader = leader
	l := f.loops[leader]
	if l == nil {
		if f.closed {
			return
		}
		l = &loop{f: f, broker: leader, name: fmt.Sprint("broker ", leader), wake: make(chan struct{}, 1)}
		f.loops[leader] = l
		f.wg.Go(l.run)
	}
	signal(l.wake)
}

// leaderOf returns the broker that leads a partition.
func leaderOf(m *metadata.Response, topic string, partition int) (int32, error) {
	for i := range m.Topics {
		t := &m.Topics[i]
		if t.Name != topic {
			continue
		}
		if t.ErrorCode != 0 {
			return noLeader, kafka.Error(t.ErrorCode)
		}
		for j := range t.Partitions {
			p := &t.Partitions[j]
			if int(p.PartitionIndex) != partition {
				continue
			}
			// A replica that is down is an error code too, and no hindrance.
			if p.LeaderID < 0 {
				return noLeader, kafka.LeaderNotAvailable
			}
			return p.LeaderID, nil
		}
	}
	return noLeader, kafka.UnknownTopicOrPartition
}

// inspect ends a stream whose offset was refused, once it is known where the log
// begins and ends. That the offset lies inside by now is no reason to read on: the
// log was cut off or made anew, and has grown since.
func (f *Fetcher) inspect(s *Stream) {
	for {
		start, end, err := f.logEnds(f.ctx, s.topic, s.partition)
		pause, over := f.inspected(s, start, end, err)
		if over {
			return
		}
		select {
		case <-f.ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// inspected deals with one answer, or says how long to wait for the next.
func (f *Fetcher) inspected(s *Stream, start, end int64, err error) (pause time.Duration, over bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case s.err != nil:
		return 0, true
	case err != nil:
		f.log.say(s.name(), func(log *zap.Logger) {
			log.Warn("offset is out of range, asking where the log begins failed, trying again",
				zap.String("topic", s.topic), zap.Int("partition", s.partition), zap.Error(err))
		})
		s.failures++
		return backoff(s.failures), false
	case s.next < start || s.next > end:
		s.fail(&OffsetOutOfRange{
			Topic: s.topic, Partition: s.partition, Offset: s.next, Start: start, End: end,
		})
	default:
		s.fail(&InDoubt{Topic: s.topic, Partition: s.partition,
			Why: fmt.Sprintf("offset %d lay outside, and now it goes from %d to %d", s.next, start, end)})
	}
	f.settled(s)
	return 0, true
}

// settled says that a broker's answers for a stream are good again, where it was
// said that they were not. The caller holds f.mu.
func (f *Fetcher) settled(s *Stream) {
	if s.failures == 0 {
		return
	}
	s.failures = 0
	f.log.over(s.name(), func(log *zap.Logger) {
		log.Info("broker answers for the partition again", zap.String("topic", s.topic), zap.Int("partition", s.partition))
	})
}

// logEnds returns the first offset of a log and the one after its last.
func (f *Fetcher) logEnds(ctx context.Context, topic string, partition int) (start, end int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, f.opt.Timeout)
	defer cancel()
	c := kafka.Client{Addr: f.opt.Addr, Transport: f.opt.Transport}
	resp, err := c.ListOffsets(ctx, &kafka.ListOffsetsRequest{
		Topics: map[string][]kafka.OffsetRequest{
			topic: {kafka.FirstOffsetOf(partition), kafka.LastOffsetOf(partition)},
		},
	})
	if err != nil {
		return 0, 0, err
	}
	for _, p := range resp.Topics[topic] {
		if p.Partition == partition {
			return p.FirstOffset, p.LastOffset, p.Error
		}
	}
	return 0, 0, kafka.UnknownTopicOrPartition
}

// troubleLog says of each trouble once when it begins, then every ten seconds,
// and once when it is over.
type troubleLog struct {
	log *zap.Logger
	mu  sync.Mutex
	at  map[string]time.Time
}

const sayAgainAfter = 10 * time.Second

func newTroubleLog(log *zap.Logger) *troubleLog {
	return &troubleLog{log: log, at: make(map[string]time.Time)}
}

func (t *troubleLog) say(key string, write func(*zap.Logger)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if at, ok := t.at[key]; ok && time.Since(at) < sayAgainAfter {
		return
	}
	t.at[key] = time.Now()
	write(t.log)
}

func (t *troubleLog) over(key string, write func(*zap.Logger)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ok := t.at[key]; ok {
		delete(t.at, key)
		write(t.log)
	}
}
