package consumer

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func testTopicGone(t *testing.T, addr string) {
	topic := newTopic(t, addr, 1, nil)
	produce(t, kgoClient(t, addr), &kgo.Record{Topic: topic, Value: []byte("v")})
	f := newFetcher(t, addr, func(o *FetcherOptions) { o.goneAfter = time.Second })
	k := open(t, f, topic, 0, 0)
	k.toEnd()
	if _, err := admin(t, addr).DeleteTopics(t.Context(), topic); err != nil {
		t.Fatal(err)
	}
	var gone *TopicGone
	if err := k.failure(); !errors.As(err, &gone) || gone.Topic != topic {
		t.Errorf("error is %v", err)
	}
}

// meddled returns a stream of a broker that answers each fetch with raw.
func meddled(t *testing.T, raw []byte) *taker {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "logins"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	c.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		resp := req.ResponseKind().(*kmsg.FetchResponse)
		rt, rp := kmsg.NewFetchResponseTopic(), kmsg.NewFetchResponseTopicPartition()
		rt.Topic = "logins"
		rp.HighWatermark, rp.LastStableOffset, rp.RecordBatches = 100, 100, raw
		rt.Partitions = append(rt.Partitions, rp)
		resp.Topics = append(resp.Topics, rt)
		return resp, nil, true
	})
	return open(t, newFetcher(t, c.ListenAddrs()[0]), "logins", 0, 0)
}

func TestBrokenRecordBatchEndsTheStream(t *testing.T) {
	good, flipped, old := one(0, -1, 0).encode(t), one(1, -1, 0).encode(t), one(1, -1, 0).encode(t)
	flipped[len(flipped)-2] ^= 1
	old[magicAt] = 1
	for name, c := range map[string]struct {
		raw  []byte
		want error
		read int
	}{
		"CRC":         {append(good, flipped...), errFormat, 1},
		"old format":  {old, ErrOldFormat, 0},
		"cut off":     {good[:len(good)-1], errShort, 0},
		"out of step": {append(one(5, -1, 0).encode(t), good...), errFormat, 0},
	} {
		t.Run(name, func(t *testing.T) {
			k := meddled(t, c.raw)
			err := k.failure()
			var corrupt *Corrupt
			if !errors.As(err, &corrupt) || !errors.Is(err, c.want) {
				t.Errorf("error is %v, should be %v", err, c.want)
			}
			if len(k.all) != c.read {
				t.Errorf("%d messages were read before it", len(k.all))
			}
		})
	}
}

// refuse makes the broker answer the next n fetches with an error code.
func refuse(c *kfake.Cluster, n int, code int16) {
	for range n {
		c.ControlKey(int16(kmsg.Fetch), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
			req := kreq.(*kmsg.FetchRequest)
			resp := req.ResponseKind().(*kmsg.FetchResponse)
			for _, t := range req.Topics {
				rt := kmsg.NewFetchResponseTopic()
				rt.Topic = t.Topic
				for _, p := range t.Partitions {
					rp := kmsg.NewFetchResponseTopicPartition()
					rp.Partition, rp.ErrorCode = p.Partition, code
					rt.Partitions = append(rt.Partitions, rp)
				}
				resp.Topics = append(resp.Topics, rt)
			}
			return resp, nil, true
		})
	}
}

func TestTroubleThatPassesIsPassed(t *testing.T) {
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "logins"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	addr := c.ListenAddrs()[0]
	client := kgoClient(t, addr)
	k := open(t, newFetcher(t, addr), "logins", 0, 0)
	for i, code := range []int16{6, 5, -1, 56, 2} {
		refuse(c, 2, code)
		produce(t, client, &kgo.Record{Topic: "logins", Value: []byte("v")})
		k.messages(i + 1)
	}
	if k.next != 5 {
		t.Errorf("read up to %d", k.next)
	}
}

// A partition that a broker did not know, or that did not reach to the offset, may
// be another log by the time that there is one: what lies at the offset is not read.
func TestAnotherLogIsNotReadOn(t *testing.T) {
	for name, code := range map[string]int16{"unknown": 3, "out of range": 1} {
		t.Run(name, func(t *testing.T) {
			c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "logins"))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			refuse(c, 1, code)
			k := open(t, newFetcher(t, c.ListenAddrs()[0]), "logins", 0, 0)
			var doubt *InDoubt
			if err := k.failure(); !errors.As(err, &doubt) || doubt.Topic != "logins" {
				t.Errorf("error is %v", err)
			}
		})
	}
}

// That there is no such partition is believed where brokers say so all the time, and
// not where they say it twice with no answer between.
func TestTopicIsNotGoneWhileNobodyAnswers(t *testing.T) {
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "logins"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	const gone = 200 * time.Millisecond
	var began time.Time
	said := make(chan bool, 1)
	c.ControlKey(int16(kmsg.Metadata), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		req := kreq.(*kmsg.MetadataRequest)
		switch {
		case len(req.Topics) == 0: // kafka-go's own
			return nil, nil, false
		case began.IsZero():
			began = time.Now()
		case time.Since(began) < 2*gone:
			return nil, errors.New("the connection is closed"), true
		case len(said) == 0:
			said <- true
		default:
			return nil, nil, false
		}
		resp := req.ResponseKind().(*kmsg.MetadataResponse)
		b, rt := kmsg.NewMetadataResponseBroker(), kmsg.NewMetadataResponseTopic()
		host, port, _ := net.SplitHostPort(c.ListenAddrs()[0])
		n, _ := strconv.Atoi(port)
		b.Host, b.Port = host, int32(n)
		rt.Topic, rt.ErrorCode = kmsg.StringPtr("logins"), 3
		resp.Brokers, resp.Topics = append(resp.Brokers, b), append(resp.Topics, rt)
		return resp, nil, true
	})
	k := open(t, newFetcher(t, c.ListenAddrs()[0], func(o *FetcherOptions) { o.goneAfter = gone }), "logins", 0, 0)
	var doubt *InDoubt
	if err := k.failure(); !errors.As(err, &doubt) { // there is a leader again
		t.Errorf("error is %v", err)
	}
	if len(said) == 0 {
		t.Error("the second answer was not given: it shows nothing")
	}
}

// A broker that takes its time to say where a log begins holds up no other stream.
func TestOutOfRangeHoldsUpNobody(t *testing.T) {
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "logins"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	addr := c.ListenAddrs()[0]
	asked, answer := make(chan bool, 1), make(chan bool)
	c.ControlKey(int16(kmsg.ListOffsets), func(kmsg.Request) (kmsg.Response, error, bool) {
		c.SleepControl(func() {
			asked <- true
			<-answer
		})
		return nil, nil, false
	})
	f := newFetcher(t, addr, func(o *FetcherOptions) { o.Timeout = 2 * patience })
	outside := open(t, f, "logins", 0, 5)
	<-asked
	produce(t, kgoClient(t, addr), &kgo.Record{Topic: "logins", Partition: 1, Value: []byte("v")})
	open(t, f, "logins", 1, 0).messages(1)
	close(answer)
	var e *OffsetOutOfRange
	if err := outside.failure(); !errors.As(err, &e) {
		t.Errorf("error is %v", err)
	}
}

// All streams lose their leader at once and look for it again each after a pause
// of its own, while a broker takes its time to say where it is.
func TestEachStreamFindsItsLeaderAgain(t *testing.T) {
	const partitions = 6
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(partitions, "logins"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	addr := c.ListenAddrs()[0]
	client := kgoClient(t, addr)
	for p := range int32(partitions) {
		produce(t, client, &kgo.Record{Topic: "logins", Partition: p, Value: []byte("v")})
	}
	refuse(c, 1, 6)
	c.ControlKey(int16(kmsg.Metadata), func(kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		time.Sleep(2 * firstPause) // longer than any first pause
		return nil, nil, false
	})
	f := newFetcher(t, addr)
	var takers []*taker
	for p := range partitions {
		takers = append(takers, open(t, f, "logins", p, 0))
	}
	for _, k := range takers {
		k.messages(1)
	}
}

func TestForbiddenTopicEndsTheStream(t *testing.T) {
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "logins"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	refuse(c, 1, 29)
	var refused *Refused
	if err := open(t, newFetcher(t, c.ListenAddrs()[0]), "logins", 0, 0).failure(); !errors.As(err, &refused) {
		t.Errorf("error is %v", err)
	}
}

// Leaders move from broker to broker while messages come in: none is lost, none
// comes twice, the order stands.
func TestStreamFollowsItsLeader(t *testing.T) {
	const brokers, partitions, n = 3, 4, 300
	c, err := kfake.NewCluster(kfake.NumBrokers(brokers), kfake.SeedTopics(partitions, "logins"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	addr := c.ListenAddrs()[0]
	f := newFetcher(t, addr)
	var takers []*taker
	for p := range partitions {
		takers = append(takers, open(t, f, "logins", p, 0))
	}
	client := kgoClient(t, addr)
	for i := range n {
		if i%30 == 0 {
			for p := range int32(partitions) {
				if err := c.MoveTopicPartition("logins", p, (int32(i/30)+p)%brokers); err != nil {
					t.Fatal(err)
				}
			}
		}
		var rs []*kgo.Record
		for p := range int32(partitions) {
			rs = append(rs, &kgo.Record{Topic: "logins", Partition: p, Value: fmt.Append(nil, i)})
		}
		produce(t, client, rs...)
	}
	for p, k := range takers {
		k.messages(n)
		for i, m := range k.all {
			if m.Value != fmt.Sprint(i) || m.Offset != int64(i) {
				t.Fatalf("partition %d: message %d is %q at offset %d", p, i, m.Value, m.Offset)
			}
		}
	}
}

func TestClosedStreamsAndFetchers(t *testing.T) {
	addr := fakeKafka(t, kfake.SeedTopics(1, "logins"))
	produceBacklog(t, addr, "logins", 1, 100, 1000)
	f := newFetcher(t, addr, func(o *FetcherOptions) { o.BatchMessages = 10 })
	k := open(t, f, "logins", 0, 0)
	if again := open(t, f, "logins", 0, 0); !errors.Is(again.failure(), errOpen) {
		t.Errorf("opened twice: %v", again.s.Err())
	}
	k.messages(1)
	waitFor(t, "something to be queued", func() bool { return f.QueuedBytes() > 0 })
	k.s.Close()
	k.s.Close()
	if err := k.failure(); !errors.Is(err, errClosed) || k.s.Take() != nil {
		t.Errorf("closed stream: %v", err)
	}
	if n := f.QueuedBytes(); n != 0 {
		t.Errorf("%d bytes are queued for nobody", n)
	}
	again := open(t, f, "logins", 0, k.next)
	again.messages(100 - int(k.next))
	f.Close()
	if err := again.failure(); !errors.Is(err, errClosed) {
		t.Errorf("stream of a closed fetcher: %v", err)
	}
	if late := open(t, f, "logins", 0, 0); !errors.Is(late.failure(), errClosed) {
		t.Errorf("opened on a closed fetcher: %v", late.s.Err())
	}
}

// A stream opened while the broker can't be reached begins when it can.
func TestUnreachableBroker(t *testing.T) {
	port := freePort(t)
	addr := fmt.Sprint("127.0.0.1:", port)
	k := open(t, newFetcher(t, addr), "logins", 0, 0)
	select {
	case <-k.wake:
		t.Fatalf("woken without a broker: %v", k.s.Err())
	case <-time.After(300 * time.Millisecond):
	}
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(port), kfake.SeedTopics(1, "logins"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	produce(t, kgoClient(t, addr), &kgo.Record{Topic: "logins", Value: []byte("v")})
	k.messages(1)
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
