package service

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidemark-io/tidemark/consumer"
	"github.com/tidemark-io/tidemark/worker"
)

// log is a topic that remembers the order of what is written.
type log struct {
	mu     sync.Mutex
	values []string
}

func (l *log) write(_ context.Context, messages []worker.Message) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range messages {
		l.values = append(l.values, string(m.Value))
	}
	return nil
}

func figure(value string) worker.Duties {
	return worker.Duties{Messages: []worker.Message{{Key: []byte("customers|||2026-11-22"), Value: []byte(value)}}}
}

// TestWhatIsSlowDoesNotComeLater: a broker is slow, and the tenure ends before a
// figure is written. The next owner's newer figure stays the last word on its key.
func TestWhatIsSlowDoesNotComeLater(t *testing.T) {
	var topic log
	slow, ended := make(chan struct{}), make(chan struct{})
	o := newOwner(t)
	a, b := o.tenure(), o.tenure()
	a.patience, b.write = time.Millisecond, topic.write
	a.write = func(ctx context.Context, messages []worker.Message) error {
		defer close(ended)
		select {
		case <-slow:
			return topic.write(ctx, messages)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err := a.Send(t.Context(), figure("1")); err != nil {
		t.Fatal(err)
	}
	a.Close()
	for _, value := range []string{"1", "2"} {
		if err := b.Send(t.Context(), figure(value)); err != nil {
			t.Fatal(err)
		}
		<-b.sending.done
		if ok, err := b.sent(); !ok || err != nil {
			t.Fatal(err)
		}
	}
	close(slow)
	<-ended
	if want := []string{"1", "2"}; !slices.Equal(topic.values, want) {
		t.Errorf("the topic has %q, want %q", topic.values, want)
	}
}

// TestTheEndOfATenureWaits for what is about to be written.
func TestTheEndOfATenureWaits(t *testing.T) {
	var topic log
	c := newOwner(t).tenure()
	c.patience = time.Hour
	closing := make(chan struct{})
	c.write = func(ctx context.Context, messages []worker.Message) error {
		<-closing
		return topic.write(ctx, messages)
	}
	if err := c.Send(t.Context(), figure("1")); err != nil {
		t.Fatal(err)
	}
	close(closing)
	c.Close()
	if want := []string{"1"}; !slices.Equal(topic.values, want) {
		t.Errorf("the topic has %q, want %q", topic.values, want)
	}
}

// newKPITopic is a topic of two partitions, and what writes to it.
func newKPITopic(t *testing.T) (*kfake.Cluster, kpiTopic) {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "kpis"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	transport := consumer.Security{}.Transport("kpis")
	t.Cleanup(transport.CloseIdleConnections)
	return cluster, kpiTopic{name: "kpis", client: &kafka.Client{Addr: kafka.TCP(cluster.ListenAddrs()...), Transport: transport}}
}

// TestKPITopic: everything is written, in order for each key, on the partition that
// a client with the default partitioner would look at, however much it is and
// although a broker refuses once for now.
func TestKPITopic(t *testing.T) {
	cluster, topic := newKPITopic(t)
	var asked atomic.Int64
	cluster.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		if asked.Add(1) != 2 {
			return nil, nil, false
		}
		r := req.(*kmsg.ProduceRequest)
		answer := r.ResponseKind().(*kmsg.ProduceResponse)
		part := kmsg.NewProduceResponseTopicPartition()
		part.Partition, part.ErrorCode = r.Topics[0].Partitions[0].Partition, kerr.NotLeaderForPartition.Code
		answer.Topics = []kmsg.ProduceResponseTopic{{Topic: r.Topics[0].Topic, Partitions: []kmsg.ProduceResponseTopicPartition{part}}}
		return answer, nil, true
	})
	want := map[string][]string{}
	var messages []worker.Message
	for i := range 2500 {
		key, value := fmt.Sprintf("k%d", i%7), fmt.Sprint(i)
		messages = append(messages, worker.Message{Key: []byte(key), Value: []byte(value)})
		want[key] = append(want[key], value)
	}
	if err := topic.write(t.Context(), messages); err != nil {
		t.Fatal(err)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.ConsumeTopics("kpis"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	got, partitioner := map[string][]string{}, kgo.StickyKeyPartitioner(nil).ForTopic("kpis")
	for n := 0; n < len(messages); {
		fetched := client.PollFetches(t.Context())
		if err := fetched.Err(); err != nil {
			t.Fatal(err)
		}
		for _, r := range fetched.Records() {
			got[string(r.Key)] = append(got[string(r.Key)], string(r.Value))
			if at := partitioner.Partition(&kgo.Record{Key: r.Key}, 2); at != int(r.Partition) {
				t.Fatalf("%s is on partition %d, want %d", r.Key, r.Partition, at)
			}
			n++
		}
	}
	if !maps.EqualFunc(got, want, slices.Equal) {
		t.Error("the topic does not have what was written, in order")
	}
}

// TestKPITopicIsGivenUp: whoever gives up while a broker does not answer is free at
// once, and nothing more is asked of it.
func TestKPITopicIsGivenUp(t *testing.T) {
	cluster, topic := newKPITopic(t)
	ctx, giveUp := context.WithCancel(t.Context())
	var asked atomic.Int64
	cluster.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		asked.Add(1)
		giveUp()
		return nil, errors.New("the broker dies"), true
	})
	if err := topic.write(ctx, figure("1").Messages); err == nil {
		t.Error("what was given up counts as written")
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("%d requests to produce, want 1", n)
	}
}
