package consumer

import (
	"context"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap/zaptest"
)

// patience is how long a test waits for what should happen.
const patience = 30 * time.Second

func fakeKafka(t testing.TB, opts ...kfake.Opt) string {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c.ListenAddrs()[0]
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

// readToEnd takes from a stream until it is at its end, and checks on the way
// that batches follow each other. It returns the messages and the next offset.
func readToEnd(t testing.TB, s *Stream, wake <-chan struct{}, from int64) (all []got, next int64) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	next = from
	for {
		_, state := s.Head()
		switch {
		case s.Err() != nil:
			t.Fatalf("stream failed at %d: %v", next, s.Err())
		case state == Ready:
			b := s.Take()
			if b == nil {
				continue
			}
			if b.First != next || b.Next <= b.First {
				t.Fatalf("batch goes from %d to %d, should begin at %d", b.First, b.Next, next)
			}
			for i := range b.Messages {
				if m := &b.Messages[i]; m.Offset < next || m.Offset >= b.Next {
					t.Fatalf("message at %d in a batch from %d to %d", m.Offset, b.First, b.Next)
				}
				all = append(all, keep(&b.Messages[i]))
			}
			next = b.Next
			b.Release()
			continue
		case state == AtEnd:
			return all, next
		}
		select {
		case <-wake:
		case <-deadline.C:
			t.Fatalf("nothing more after offset %d", next)
		}
	}
}

func TestStreamReadsWhatWasProduced(t *testing.T) {
	addr := fakeKafka(t, kfake.SeedTopics(2, "logins"))
	c := kgoClient(t, addr)
	produce(t, c, &kgo.Record{Topic: "logins", Partition: 1, Key: []byte("k"), Value: []byte("v"),
		Headers: []kgo.RecordHeader{{Key: "a", Value: []byte("1")}, {Key: "b"}}})
	f := newFetcher(t, addr)
	wake := make(chan struct{}, 1)
	s := f.Open("logins", 1, 0, wake)
	all, next := readToEnd(t, s, wake, 0)
	if len(all) != 1 || next != 1 || all[0].Key != "k" || all[0].Value != "v" || all[0].Headers != "a=1;b=;" {
		t.Fatalf("read %+v up to %d", all, next)
	}
	produce(t, c, &kgo.Record{Topic: "logins", Partition: 1, Value: []byte("w")})
	all, next = readToEnd(t, s, wake, 1)
	for len(all) == 0 { // the end of before the second message may be seen once more
		all, next = readToEnd(t, s, wake, 1)
	}
	if len(all) != 1 || next != 2 || all[0].Value != "w" || !all[0].NilKey {
		t.Fatalf("read %+v up to %d", all, next)
	}
}
