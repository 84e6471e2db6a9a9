package consumer

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap/zaptest"
)

// patience is how long a test waits for what should happen.
const patience = 30 * time.Second

// onAnyBroker are the tests that run against kfake and against a real Kafka.
var onAnyBroker = map[string]func(t *testing.T, addr string){
	"reads what was produced":               testReads,
	"hands out what kgo's reader does":      testContent,
	"stops below an open transaction":       testOpenTransaction,
	"passes messages larger than a request": testLargeMessages,
	"says where the log is":                 testOutOfRange,
	"keeps its queues bounded":              testBounded,
	"isn't held up by a full queue":         testFullNeighbour,
	"is woken by new messages":              testWoken,
	"notices that a topic is gone":          testTopicGone,
	"reads a single record batch":           testReadAt,
	"moves shards together":                 testGroup,
	"ends with its caller's error":          testGroupError,
	"waits for topics":                      testGroupWithoutTopic,
	"names the topics that are missing":     testGroupNamesWhatIsMissing,
	"describes topics":                      testReadTopics,
	"creates output topics":                 testEnsureOutputs,
}

func TestOnFakeKafka(t *testing.T) {
	for name, test := range onAnyBroker {
		t.Run(name, func(t *testing.T) { test(t, fakeKafka(t)) })
	}
}

func fakeKafka(t testing.TB, opts ...kfake.Opt) string {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{
		kfake.NumBrokers(1),
		kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0", "group.min.session.timeout.ms": "500"}),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c.ListenAddrs()[0]
}

var topicNumber atomic.Int32

// newTopic creates a topic of a name that no other test has.
func newTopic(t testing.TB, addr string, partitions int32, configs map[string]string) string {
	t.Helper()
	name := newName()
	createTopic(t, addr, name, partitions, configs)
	return name
}

func newName() string { return fmt.Sprintf("t%d-%d", topicNumber.Add(1), time.Now().UnixNano()) }

func createTopic(t testing.TB, addr, name string, partitions int32, configs map[string]string) {
	t.Helper()
	c := make(map[string]*string)
	for k, v := range configs {
		c[k] = &v
	}
	if _, err := admin(t, addr).CreateTopic(t.Context(), partitions, 1, c, name); err != nil {
		t.Fatal(err)
	}
}

func admin(t testing.TB, addr string) *kadm.Client {
	t.Helper()
	return kadm.NewClient(kgoClient(t, addr, Security{}.KgoOptions()...))
}

func newFetcher(t testing.TB, addr string, change ...func(*FetcherOptions)) *Fetcher {
	t.Helper()
	opt := FetcherOptions{
		Transport: Security{}.Transport(), Addr: kafka.TCP(addr), Log: zaptest.NewLogger(t),
	}
	for _, c := range change {
		c(&opt)
	}
	f := NewFetcher(opt)
	t.Cleanup(func() {
		f.Close()
		opt.Transport.CloseIdleConnections()
	})
	return f
}

func kgoClient(t testing.TB, addr string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(addr), kgo.RecordPartitioner(kgo.ManualPartitioner())}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func produce(t testing.TB, c *kgo.Client, records ...*kgo.Record) {
	t.Helper()
	if err := c.ProduceSync(context.Background(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// got is a message that has outlived its batch.
type got struct {
	Offset, Timestamp int64
	Key, Value        string
	NilKey, NilValue  bool
	Headers           string
}

func keep(m *Message) got {
	g := got{
		Offset: m.Offset, Timestamp: m.Timestamp, Key: string(m.Key), Value: string(m.Value),
		NilKey: m.Key == nil, NilValue: m.Value == nil,
	}
	for _, h := range m.Headers {
		g.Headers += h.Key + "=" + string(h.Value) + ";"
	}
	return g
}

// taker takes from one stream and checks that batches follow each other.
type taker struct {
	t    testing.TB
	s    *Stream
	wake chan struct{}
	next int64
	all  []got
}

func open(t testing.TB, f *Fetcher, topic string, partition int, offset int64) *taker {
	t.Helper()
	k := &taker{t: t, wake: make(chan struct{}, 1), next: offset}
	k.s = f.Open(topic, partition, offset, k.wake)
	return k
}

// until takes until done says so or the stream fails; it returns the failure.
func (k *taker) until(done func(State) bool) error {
	k.t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for {
		_, state := k.s.Head()
		if err := k.s.Err(); err != nil {
			return err
		}
		if done(state) {
			return nil
		}
		if state == Ready {
			k.take()
			continue
		}
		select {
		case <-k.wake:
		case <-deadline.C:
			k.t.Fatalf("nothing more after offset %d, state %d", k.next, state)
		}
	}
}

func (k *taker) take() {
	k.t.Helper()
	b := k.s.Take()
	if b == nil {
		return // Err says why
	}
	defer b.Release()
	if b.First != k.next || b.Next <= b.First {
		k.t.Fatalf("batch goes from %d to %d, should begin at %d", b.First, b.Next, k.next)
	}
	for i := range b.Messages {
		m := keep(&b.Messages[i])
		if m.Offset < k.next || m.Offset >= b.Next {
			k.t.Fatalf("message at %d in a batch from %d to %d", m.Offset, b.First, b.Next)
		}
		k.next = m.Offset + 1
		k.all = append(k.all, m)
	}
	k.next = b.Next
}

// toEnd takes all there is.
func (k *taker) toEnd() {
	k.t.Helper()
	if err := k.until(func(s State) bool { return s == AtEnd }); err != nil {
		k.t.Fatal(err)
	}
}

// messages takes until there are n.
func (k *taker) messages(n int) {
	k.t.Helper()
	if err := k.until(func(State) bool { return len(k.all) >= n }); err != nil {
		k.t.Fatal(err)
	}
}

// failure takes until the stream fails.
func (k *taker) failure() error {
	k.t.Helper()
	err := k.until(func(State) bool { return false })
	if b, state := k.s.Head(); b != nil || state != Waiting {
		k.t.Errorf("a failed stream has state %d", state)
	}
	return err
}

func testReads(t *testing.T, addr string) {
	topic := newTopic(t, addr, 2, nil)
	c := kgoClient(t, addr)
	produce(t, c, &kgo.Record{Topic: topic, Partition: 1, Key: []byte("k"), Value: []byte("v"),
		Timestamp: time.UnixMilli(1234567890123),
		Headers:   []kgo.RecordHeader{{Key: "a", Value: []byte("1")}, {Key: "b"}}})
	k := open(t, newFetcher(t, addr), topic, 1, 0)
	k.toEnd()
	want := got{Key: "k", Value: "v", Headers: "a=1;b=;", Timestamp: 1234567890123}
	if len(k.all) != 1 || k.next != 1 || k.all[0] != want {
		t.Fatalf("read %+v up to %d", k.all, k.next)
	}
	produce(t, c,
		&kgo.Record{Topic: topic, Partition: 1, Key: []byte{}, Value: []byte{}},
		&kgo.Record{Topic: topic, Partition: 1})
	k.messages(3)
	if e := k.all[1]; e.NilKey || e.NilValue || e.Key != "" || e.Value != "" {
		t.Errorf("empty key and value came as %+v", e)
	}
	if e := k.all[2]; !e.NilKey || !e.NilValue {
		t.Errorf("no key and no value came as %+v", e)
	}
}
