package consumer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"
	"go.uber.org/zap"
)

// GroupOptions is what membership of a consumer group needs. Zero durations
// mean the defaults named.
type GroupOptions struct {
	Brokers []string
	Group   string
	Topics  []string // all input topics
	Dialer  *kafka.Dialer
	Log     *zap.Logger

	// SessionTimeout is after how long without a heartbeat the group gives a
	// member's shards to others. 6 s, the least that brokers accept by default.
	SessionTimeout time.Duration
	// HeartbeatInterval is also how long a rebalance may go unnoticed. A sixth
	// of SessionTimeout.
	HeartbeatInterval time.Duration
	// RebalanceTimeout is how long the group waits for a member that is
	// finishing what it has in hand. 30 s.
	RebalanceTimeout time.Duration
	// JoinBackoff is the pause after a failed attempt to join, give or take a
	// quarter. 1 s.
	JoinBackoff time.Duration
}

func (o *GroupOptions) defaults() {
	if o.SessionTimeout <= 0 {
		o.SessionTimeout = 6 * time.Second
	}
	if o.HeartbeatInterval <= 0 {
		o.HeartbeatInterval = o.SessionTimeout / 6
	}
	if o.RebalanceTimeout <= 0 {
		o.RebalanceTimeout = 30 * time.Second
	}
	if o.JoinBackoff <= 0 {
		o.JoinBackoff = time.Second
	}
	o.JoinBackoff = o.JoinBackoff*3/4 + rand.N(o.JoinBackoff/2)
	if o.Dialer == nil {
		o.Dialer = Security{}.Dialer()
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
}

// Generation is one period in which the assignment of shards stands.
type Generation struct {
	ID     int32
	Member string
	Shards []int // partition numbers, ascending; none where there are more members than shards
	// Missing are topics that the broker does not know. While there are any, nobody is
	// assigned any shard.
	Missing []string

	g *kafka.Generation
}

// CommitOffsets tells Kafka how far the shards are: topic, partition, next
// offset. It is for people and lag monitors only: nothing of ours ever starts
// from these offsets, so an error may be logged and forgotten.
func (g *Generation) CommitOffsets(next map[string]map[int]int64) error {
	if err := g.g.CommitOffsets(next); err != nil {
		return fmt.Errorf("commit offsets to Kafka in generation %d: %w", g.ID, err)
	}
	return nil
}

// groupTimeout is how long one answer to a member of the group may take.
const groupTimeout = 5 * time.Second

// RunGroup is a member of a consumer group until ctx ends. For each generation
// it calls onGeneration with the shards assigned to this member and a context
// that ends with the generation. onGeneration works until then, finishes and
// commits what it has in hand, and returns; only then is the group joined again,
// so that nobody else is assigned the shards before. It has until the session
// times out: heartbeats stop with the generation.
//
// A group that can't be reached or joined is tried again, with a line in the log.
// A generation in which the broker didn't know all topics ends after JoinBackoff.
// RunGroup returns nil when ctx has ended, and otherwise what onGeneration
// returned, or why the group will never take this member.
func RunGroup(ctx context.Context, opt GroupOptions, onGeneration func(context.Context, *Generation) error) error {
	opt.defaults()
	balancer := new(shardBalancer)
	group, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: opt.Group, Brokers: opt.Brokers, Dialer: opt.Dialer, Topics: opt.Topics,
		GroupBalancers:    []kafka.GroupBalancer{balancer},
		HeartbeatInterval: opt.HeartbeatInterval,
		SessionTimeout:    opt.SessionTimeout,
		RebalanceTimeout:  opt.RebalanceTimeout,
		JoinGroupBackoff:  opt.JoinBackoff,
		Timeout:           groupTimeout,
	})
	if err != nil {
		return fmt.Errorf("join group %s: %w", opt.Group, err)
	}
	m := &membership{opt: opt, group: group, balancer: balancer, trouble: newTroubleLog(opt.Log), on: onGeneration}
	return m.run(ctx)
}

// membership is one run of RunGroup.
type membership struct {
	opt      GroupOptions
	group    *kafka.ConsumerGroup
	balancer *shardBalancer
	trouble  *troubleLog
	on       func(context.Context, *Generation) error
}

func (m *membership) run(ctx context.Context) (err error) {
	// Close ends the generation, waits for onGeneration and leaves the group, so
	// that the others need not wait for the session to time out.
	defer func() {
		if cerr := m.group.Close(); err == nil && cerr != nil {
			err = fmt.Errorf("leave group %s: %w", m.opt.Group, cerr)
		}
	}()
	for {
		g, err := m.group.Next(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			if hopeless(err) {
				return fmt.Errorf("join group %s: %w", m.opt.Group, err)
			}
			m.trouble.say("join", func(log *zap.Logger) {
				log.Warn("joining the group failed, trying again",
					zap.String("group", m.opt.Group), zap.Strings("brokers", m.opt.Brokers), zap.Error(err))
			})
			continue
		}
		m.trouble.over("join", func(log *zap.Logger) {
			log.Info("joined the group again", zap.String("group", m.opt.Group))
		})
		if err := m.generation(ctx, g); err != nil {
			return err
		}
	}
}

// generation runs onGeneration for one generation.
func (m *membership) generation(ctx context.Context, g *kafka.Generation) error {
	shards := shardsOf(g.Assignments)
	m.balancer.remember(g.ID, shards)
	m.opt.Log.Info("generation begins", zap.Int32("generation", g.ID), zap.String("member", g.MemberID), zap.Ints("shards", shards))
	again := m.balancer.missed()
	done := make(chan error, 1)
	// kafka-go waits for what Start runs before it joins again.
	g.Start(func(ended context.Context) {
		ctx, cancel := context.WithCancelCause(ctx)
		stop := context.AfterFunc(ended, func() { cancel(kafka.ErrGenerationEnded) })
		defer stop()
		defer cancel(nil)
		if again {
			end := time.AfterFunc(m.opt.JoinBackoff, func() { cancel(kafka.ErrGenerationEnded) })
			defer end.Stop()
		}
		generation := &Generation{ID: g.ID, Member: g.MemberID, Shards: shards, g: g}
		if again || len(shards) == 0 {
			generation.Missing = m.missing(ctx)
		}
		err := m.on(ctx, generation)
		if ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, kafka.ErrGenerationEnded)) {
			err = nil
		}
		if err == nil && ctx.Err() == nil {
			// It gave up before its time. kafka-go would join again at once.
			pause := time.NewTimer(m.opt.JoinBackoff)
			defer pause.Stop()
			select {
			case <-ctx.Done():
			case <-pause.C:
			}
		}
		done <- err
	})
	err := <-done
	m.opt.Log.Info("generation has ended", zap.Int32("generation", g.ID), zap.Error(err))
	return err
}

// missing returns the topics that a broker does not know. kafka-go takes one of them
// for no partitions of any, and only the member that assigns sees even that.
func (m *membership) missing(ctx context.Context) []string {
	for _, broker := range m.opt.Brokers {
		unknown, err := m.unknownTo(ctx, broker)
		if err == nil {
			if len(unknown) > 0 {
				m.opt.Log.Warn("no shard is assigned while there are topics that the broker does not know; trying again", zap.Strings("topics", unknown))
			}
			return unknown
		}
		m.trouble.say("missing", func(log *zap.Logger) {
			log.Warn("asking for topics failed", zap.String("broker", broker), zap.Error(err))
		})
	}
	return nil
}

func (m *membership) unknownTo(ctx context.Context, broker string) (unknown []string, err error) {
	conn, err := m.opt.Dialer.DialContext(ctx, "tcp", broker)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if err := conn.SetDeadline(time.Now().Add(groupTimeout)); err != nil {
		return nil, err
	}
	for _, topic := range m.opt.Topics {
		_, err := conn.ReadPartitions(topic)
		if errors.Is(err, kafka.UnknownTopicOrPartition) {
			unknown = append(unknown, topic)
		} else if err != nil {
			return nil, err
		}
	}
	return unknown, nil
}

// shardsOf returns the partition numbers of an assignment.
func shardsOf(assignments map[string][]kafka.PartitionAssignment) []int {
	set := make(map[int]bool)
	for _, partitions := range assignments {
		for _, p := range partitions {
			set[p.ID] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// hopeless says whether joining will fail again however often it is tried.
func hopeless(err error) bool {
	for _, e := range []kafka.Error{
		kafka.InvalidSessionTimeout, kafka.InvalidGroupId, kafka.GroupAuthorizationFailed, kafka.UnsupportedSASLMechanism,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
