package publisher_test

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

func startKfake(t testing.TB, opts ...kfake.Opt) (*kfake.Cluster, string) {
	t.Helper()
	c, err := kfake.NewCluster(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, c.ListenAddrs()[0]
}

func TestKfake(t *testing.T) {
	_, addr := startKfake(t)
	suite(t, addr)
}

// Brokers before Kafka 4: the client adds partitions to a transaction itself,
// and the epoch stays from one transaction to the next.
func TestKfakeOlder(t *testing.T) {
	_, addr := startKfake(t, kfake.MaxVersions(kversion.V3_7_0()))
	var net wire
	publish(t, newTopics(t, addr).open(t, net.opt()), at(1))
	if net.sent(kmsg.AddPartitionsToTxn) == 0 {
		t.Fatal("this broker is not as old as the test wants it")
	}
	suite(t, addr)
}

// produced answers a produce request for the given topics, by id.
func produced(req *kmsg.ProduceRequest, code func(topic [16]byte) int16) *kmsg.ProduceResponse {
	resp := req.ResponseKind().(*kmsg.ProduceResponse)
	for _, t := range req.Topics {
		rt := kmsg.NewProduceResponseTopic()
		rt.Topic, rt.TopicID = t.Topic, t.TopicID
		for _, p := range t.Partitions {
			rp := kmsg.NewProduceResponseTopicPartition()
			rp.Partition, rp.ErrorCode = p.Partition, code(t.TopicID)
			if rp.ErrorCode != 0 {
				rp.LogStartOffset = math.MaxInt64
			}
			rt.Partitions = append(rt.Partitions, rp)
		}
		resp.Topics = append(resp.Topics, rt)
	}
	return resp
}

// A broker has forgotten the producer of one partition whose start has moved.
// The library then initialises the producer again, which aborts what the other
// partition holds, sends the one partition again, and reports no error at all.
// The alert would be lost and the header would say that it was said.
func TestProducerInitialisedAgain(t *testing.T) {
	c, addr := startKfake(t, kfake.NumBrokers(1))
	w := newTopics(t, addr)
	var net wire
	p := w.open(t, net.opt())
	publish(t, p, at(1, alert(true, "r", "a")))
	cursors := c.TopicInfo(w.cursors).TopicID
	inits := net.sent(kmsg.InitProducerID)
	c.ControlKey(int16(kmsg.Produce), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		return produced(kreq.(*kmsg.ProduceRequest), func(topic [16]byte) int16 {
			if topic == cursors {
				return kerr.UnknownProducerID.Code
			}
			return 0
		}), nil, true
	})
	if err := p.Publish(t.Context(), at(2, alert(true, "r", "b"))); err == nil {
		t.Error("published although the producer was initialised again on the way")
	}
	if net.sent(kmsg.InitProducerID) == inits {
		t.Error("the library did not initialise the producer again: this test shows nothing")
	}
	knows(t, w.open(t), 1, 1, map[string]uint64{"r|a": 1})
	w.hasSaid(t, "r|a#1 firing")
}

// The library takes an acknowledged record for none while it is still storing
// the metadata of a topic that it has just met: EndTransaction then ends
// nothing, or aborts, and says nil. It is a race, lost once in a hundred first
// publications with the race detector and hardly ever without.
func TestFirstPublication(t *testing.T) {
	_, addr := startKfake(t, kfake.NumBrokers(1))
	w := newTopics(t, addr)
	for range 400 {
		w.fresh(t)
		p := w.open(t)
		publish(t, p, at(1))
		q := w.open(t)
		knows(t, q, 1, 1, nil)
		p.Close()
		q.Close()
	}
}

// The library sends EndTxn again where the coordinator says "not now". That
// makes two requests, and only one of them has an answer.
func TestEndSentTwice(t *testing.T) {
	c, addr := startKfake(t, kfake.NumBrokers(1))
	w := newTopics(t, addr)
	p := w.open(t)
	publish(t, p, at(1, alert(true, "r", "a")))
	c.ControlKey(int16(kmsg.EndTxn), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		resp := kreq.ResponseKind().(*kmsg.EndTxnResponse)
		resp.ErrorCode = kerr.ConcurrentTransactions.Code
		return resp, nil, true
	})
	if err := p.Publish(t.Context(), at(2, alert(true, "r", "b"))); err == nil {
		t.Error("published although EndTxn was sent twice")
	}
	knows(t, p, 1, 1, map[string]uint64{"r|a": 1})
	knows(t, w.open(t), 2, 2, map[string]uint64{"r|a": 1, "r|b": 2})
	w.hasSaid(t, "r|a#1 firing", "r|b#2 firing")
}

// A shard that moves to another broker goes on.
func TestLeaderMoves(t *testing.T) {
	c, addr := startKfake(t)
	w := newTopics(t, addr)
	p := w.open(t)
	publish(t, p, at(1, alert(true, "r", "a")))
	for i := range 3 {
		for _, topic := range []string{w.cursors, w.alerts} {
			if err := c.MoveTopicPartition(topic, shard, (c.LeaderFor(topic, shard)+1)%3); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.Look(t.Context()); err != nil {
			t.Fatalf("look: %v", err)
		}
		publish(t, p, at(int64(2+i)))
	}
	knows(t, w.open(t), 4, 4, map[string]uint64{"r|a": 1})
}

// What compaction leaves of a cursor partition is read to its end.
func TestCompacted(t *testing.T) {
	c, addr := startKfake(t)
	w := newTopics(t, addr)
	p := w.open(t)
	for i := range int64(20) {
		publish(t, p, at(i, alert(i%2 == 0, "r", "a"), alert(true, "r", fmt.Sprint(i))))
	}
	before := len(w.committed(t, w.cursors))
	c.Compact()
	if after := len(w.committed(t, w.cursors)); after >= before {
		t.Fatalf("%d records before compaction, %d after: this test shows nothing", before, after)
	}
	want := make(map[string]uint64) // without "a", which the last one resolved
	for i := range 20 {
		want[fmt.Sprintf("r|%d", i)] = uint64(i + 1)
	}
	knows(t, w.open(t), 20, 19, want)
}

// A context that ends leaves a doubt, and an open transaction to the successor.
func TestContextEnds(t *testing.T) {
	_, addr := startKfake(t)
	w := newTopics(t, addr)
	var net wire
	p := w.open(t, net.opt())
	ctx, cancel := context.WithCancel(t.Context())
	net.on(func(key kmsg.Key) verdict {
		if key == kmsg.EndTxn {
			cancel()
			return lose
		}
		return pass
	})
	if err := p.Publish(ctx, at(1, alert(true, "r", "a"))); err == nil {
		t.Error("published although stopped before the end")
	}
	knows(t, w.open(t), 0, 0, nil)
	w.hasSaid(t)
}
