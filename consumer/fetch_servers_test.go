//go:build servers

package consumer

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap/zaptest"

	"github.com/tidemark-io/tidemark/internal/testserver"
)

func TestOnRealKafka(t *testing.T) {
	k := testserver.StartKafka(t)
	for name, test := range onAnyBroker {
		t.Run(name, func(t *testing.T) { test(t, k.Addr) })
	}
}

// The broker is killed and comes back, twice, while messages come in: none is
// lost, none comes twice, the order stands.
func TestStreamOutlivesItsBroker(t *testing.T) {
	const partitions, n = 3, 400
	k := testserver.StartOwnKafka(t, testserver.KafkaOptions{})
	topic := newTopic(t, k.Addr, partitions, nil)
	f := newFetcher(t, k.Addr)
	var takers []*taker
	for p := range partitions {
		takers = append(takers, open(t, f, topic, p, 0))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	client := kgoClient(t, k.Addr)
	for i := range n {
		for p := range int32(partitions) {
			// Idempotent: a message is on the log once, whatever happened to its answer.
			client.Produce(ctx, &kgo.Record{Topic: topic, Partition: p, Value: fmt.Append(nil, i)}, func(_ *kgo.Record, err error) {
				if err != nil {
					t.Errorf("produce: %v", err)
				}
			})
		}
		if i == n/4 || i == n/2 {
			takers[0].messages(1) // the stream was running when the broker was killed
			if err := k.Stop(); err != nil {
				t.Fatal(err)
			}
			if err := k.Start(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := client.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	for p, taker := range takers {
		all := func(State) bool { return len(taker.all) >= n }
		var doubt *InDoubt
		err := taker.until(all)
		for errors.As(err, &doubt) { // a broker that is starting may not know its topics yet: the log is the same
			taker.s.Close()
			taker.s = f.Open(topic, p, taker.next, taker.wake)
			err = taker.until(all)
		}
		if err != nil {
			t.Fatal(err)
		}
		for i, m := range taker.all {
			if m.Value != fmt.Sprint(i) {
				t.Fatalf("partition %d: message %d is %q at offset %d", p, i, m.Value, m.Offset)
			}
		}
		taker.toEnd()
	}
}

// One handshake each of SCRAM-SHA-512 and PLAIN over TLS: transport, dialer and
// franz-go's client. A wrong password gets nowhere.
func TestSecureBroker(t *testing.T) {
	k := testserver.StartKafkaSecure(t)
	config, err := k.Certificates.TLS()
	if err != nil {
		t.Fatal(err)
	}
	topic := newTopic(t, k.Addr, 1, nil)
	produce(t, kgoClient(t, k.Addr), &kgo.Record{Topic: topic, Value: []byte("v")})
	for _, name := range []string{"SCRAM-SHA-512", "plain"} {
		t.Run(name, func(t *testing.T) {
			mechanism, err := NewMechanism(name, k.User, k.Password)
			if err != nil {
				t.Fatal(err)
			}
			s := Security{TLS: config, Mechanism: mechanism}
			f := newFetcher(t, k.SecureAddr, func(o *FetcherOptions) { o.Transport = s.Transport(topic) })
			open(t, f, topic, 0, 0).messages(1)
			joined := errors.New("joined")
			err = RunGroup(t.Context(), GroupOptions{
				Brokers: []string{k.SecureAddr}, Group: topic + name, Topics: []string{topic}, Dialer: s.Dialer(), Log: zaptest.NewLogger(t),
			}, func(context.Context, *Generation) error { return joined })
			if !errors.Is(err, joined) {
				t.Errorf("joining a group: %v", err)
			}
			if err := kgoClient(t, k.SecureAddr, s.KgoOptions()...).Ping(t.Context()); err != nil {
				t.Errorf("franz-go: %v", err)
			}
			wrong, err := NewMechanism(name, k.User, "not "+k.Password)
			if err != nil {
				t.Fatal(err)
			}
			conn, err := Security{TLS: config, Mechanism: wrong}.Dialer().Dial("tcp", k.SecureAddr)
			if err == nil {
				_ = conn.Close()
			}
			if !errors.Is(err, kafka.SASLAuthenticationFailed) {
				t.Errorf("with a wrong password: %v", err)
			}
		})
	}
}
