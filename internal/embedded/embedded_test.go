package embedded

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/consumer"
)

func start(t *testing.T, o Options) *Servers {
	t.Helper()
	s, err := Start(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func producer(t *testing.T, s *Servers, partitions int) *Producer {
	t.Helper()
	p, err := NewProducer(s.Brokers, partitions, func(key []byte, n int) (int, error) { return consumer.Partition(consumer.Murmur2, key, n) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func TestServers(t *testing.T) {
	ctx := context.Background()
	s := start(t, Options{Topics: []string{"a", "b"}, Partitions: 3})
	client, err := kgo.NewClient(kgo.SeedBrokers(s.Brokers...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	topics, err := kadm.NewClient(client).ListTopics(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if len(topics) != 2 || len(topics["a"].Partitions) != 3 || len(topics["b"].Partitions) != 3 {
		t.Errorf("topics: %v", topics)
	}
	r := redis.NewClient(&redis.Options{Addr: s.Redis, MaxRetries: -1, DialerRetries: 1})
	defer r.Close()
	if err := r.Set(ctx, "k", "v", 20*time.Millisecond).Err(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); r.Exists(ctx, "k").Val() != 0; {
		if time.Now().After(deadline) {
			t.Fatal("a key with a time to live stays")
		}
	}
	s.Close() // a second time, with the clean-up's
	if err := r.Ping(ctx).Err(); err == nil {
		t.Error("Redis answers after Close")
	}
}

// TestProducer: everything arrives, in order, where Java's partitioner would put
// it; timestamps are those given, however old.
func TestProducer(t *testing.T) {
	const n = 60_000 // more than may be under way
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s := start(t, Options{Topics: []string{"a"}, Partitions: 4})
	p := producer(t, s, 4)
	old := time.Now().AddDate(-1, 0, 0).UnixMilli()
	for i := range n {
		err := p.Send(ctx, &kgo.Record{Topic: "a", Key: fmt.Appendf(nil, "c%d", i%50), Value: fmt.Append(nil, i), Timestamp: time.UnixMilli(old + int64(i))})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Flush(ctx); err != nil || p.Sent() != n {
		t.Fatalf("%d sent: %v", p.Sent(), err)
	}
	// kgo's own partitioner is Java's.
	where := kgo.StickyKeyPartitioner(nil).ForTopic("a")
	reader, err := kgo.NewClient(kgo.SeedBrokers(s.Brokers...), kgo.ConsumeTopics("a"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	last := map[int32]int{}
	for got := 0; got < n; {
		fetched := reader.PollFetches(ctx)
		if err := fetched.Err(); err != nil {
			t.Fatalf("after %d: %v", got, err)
		}
		fetched.EachRecord(func(r *kgo.Record) {
			got++
			i := 0
			if _, err := fmt.Sscan(string(r.Value), &i); err != nil {
				t.Fatal(err)
			}
			if i < last[r.Partition] || r.Timestamp.UnixMilli() != old+int64(i) || int(r.Partition) != where.Partition(r, 4) {
				t.Fatalf("%d lies on partition %d behind %d, with time %s", i, r.Partition, last[r.Partition], r.Timestamp)
			}
			last[r.Partition] = i
		})
	}
}

func TestProducerSaysWhatFailed(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s := start(t, Options{Topics: []string{"a"}, Partitions: 2})
	p := producer(t, s, 3) // one more than there are
	var failed error
	for i := 0; i < 100 && failed == nil; i++ {
		failed = p.Send(ctx, &kgo.Record{Topic: "a", Key: fmt.Append(nil, i)})
	}
	if failed = errors.Join(failed, p.Flush(ctx)); failed == nil {
		t.Error("a record for a partition that does not exist was sent")
	}
}
