package ingest

import (
	"context"
	"fmt"
	"hash/fnv"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidemark-io/tidemark/event"
)

func startKfake(t testing.TB) (*kfake.Cluster, string) {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, c.ListenAddrs()[0]
}

// partitionOf is any function that spreads keys.
func partitionOf(key []byte, n int) (int, error) {
	h := fnv.New32a()
	_, err := h.Write(key)
	return int(h.Sum32() % uint32(n)), err
}

func target(t testing.TB, addr string) Target {
	transport := &kafka.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return Target{
		Brokers: []string{addr}, Transport: transport, Partition: partitionOf,
		Topic: func(k event.Kind) string {
			return map[event.Kind]string{event.Login: "logins", event.Purchase: "rest", event.Cancellation: "rest"}[k]
		},
	}
}

func admin(t testing.TB, addr string) *kadm.Client {
	t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(addr))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return kadm.NewClient(c)
}

// consume reads n records of topics, by topic and partition.
func consume(t testing.TB, addr string, n int, topics ...string) map[string]map[int32][]*kgo.Record {
	t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.ConsumeTopics(topics...), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	out := map[string]map[int32][]*kgo.Record{}
	for got := 0; got < n; {
		fetched := c.PollFetches(ctx)
		if err := fetched.Err(); err != nil {
			t.Fatalf("%d of %d records: %v", got, n, err)
		}
		fetched.EachRecord(func(r *kgo.Record) {
			if out[r.Topic] == nil {
				out[r.Topic] = map[int32][]*kgo.Record{}
			}
			out[r.Topic][r.Partition] = append(out[r.Topic][r.Partition], r)
			got++
		})
	}
	return out
}

// rows is a table of n logins and purchases of many customers, sorted by
// customer, as history often is.
func rowsOf(n int) string {
	lines := []string{}
	for i := range n {
		lines = append(lines, fmt.Sprintf("c%03d,%d,%d", i%97, (i*7919)%100_000+1, i%10))
	}
	slices.Sort(lines)
	return "who,at,paid\n" + strings.Join(lines, "\n")
}

const loginsAndPurchases = `
events:
- {type: login, customer: who, time: {from: at, format: unix}}
- {type: purchase, when: paid == "7", customer: who, time: {from: at, format: unix}, data: {amount: paid}}
`

func sorted(t testing.TB, text string) *Sorted {
	t.Helper()
	o := options(mapping(t, loginsAndPurchases))
	o.Memory, o.TempDir = 100_000, t.TempDir()
	s, err := Read(context.Background(), []string{write(t, "f.csv", text)}, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// sendSuite is what holds on any broker: each event is on the partition of its
// customer's key, the partitions are in order of time, new topics have the
// append time, and a second run sends the same again.
func sendSuite(t *testing.T, addr string) {
	s := sorted(t, rowsOf(30_000))
	to := target(t, addr)
	to.Create = 3
	var made []string
	to.Logf = func(format string, args ...any) { made = append(made, fmt.Sprintf(format, args...)) }
	progress := []int64{}
	to.Progress = func(sent, total int64) {
		if total != 33_000 {
			t.Errorf("a total of %d", total)
		}
		progress = append(progress, sent)
	}
	sent, err := Send(context.Background(), s, to)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(sent, Sent{"logins": 30_000, "rest": 3000}) {
		t.Errorf("sent %v", sent)
	}
	if len(made) != 2 || len(progress) < 3 || progress[len(progress)-1] != 33_000 || !slices.IsSorted(progress) {
		t.Errorf("made %v, progress %v", made, progress)
	}
	first := checkTopics(t, addr, 33_000)
	if sent, err = Send(context.Background(), s, to); err != nil || sent.Total() != 33_000 || len(made) != 2 {
		t.Fatalf("again: %v, %v", sent, err)
	}
	ids := map[string]int{}
	for _, partitions := range consume(t, addr, 66_000, "logins", "rest") {
		for _, records := range partitions {
			for _, r := range records {
				ids[string(r.Value)]++
			}
		}
	}
	if len(ids) != len(first) {
		t.Errorf("a second run brought %d new events", len(ids)-len(first))
	}
	configs, err := admin(t, addr).DescribeTopicConfigs(context.Background(), "logins")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range configs[0].Configs {
		if c.Key == "message.timestamp.type" && c.MaybeValue() != "LogAppendTime" {
			t.Errorf("messages have %s", c.MaybeValue())
		}
	}
}

func checkTopics(t *testing.T, addr string, n int) map[string]bool {
	t.Helper()
	values := map[string]bool{}
	d := event.NewDecoder(event.Options{Currency: event.Currency{'U', 'S', 'D'}})
	for topic, partitions := range consume(t, addr, n, "logins", "rest") {
		if len(partitions) != 3 {
			t.Errorf("%s has events on %d partitions", topic, len(partitions))
		}
		for partition, records := range partitions {
			last := int64(0)
			for _, r := range records {
				var ev event.Event
				if reason := d.Decode(&ev, r.Value, nil); reason != "" {
					t.Fatalf("%s: %s", reason, r.Value)
				}
				where, err := partitionOf(r.Key, 3)
				if err != nil {
					t.Fatal(err)
				}
				if string(r.Key) != string(ev.Customer) || where != int(partition) || ev.Time < last || (topic == "logins") != (ev.Kind == event.Login) {
					t.Fatalf("%s/%d@%d is not where it should be: %s", topic, partition, r.Offset, r.Value)
				}
				last = ev.Time
				values[string(r.Value)] = true
			}
		}
	}
	if len(values) != n {
		t.Errorf("%d different events, want %d", len(values), n)
	}
	return values
}

func TestSendToKfake(t *testing.T) {
	_, addr := startKfake(t)
	sendSuite(t, addr)
}

func TestSentencesAboutTopics(t *testing.T) {
	_, addr := startKfake(t)
	a := admin(t, addr)
	s := sorted(t, "who,at,paid\nann,1,7\n")
	to := target(t, addr)
	refused := func(want string) {
		t.Helper()
		if _, err := Send(context.Background(), s, to); err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
	refused("there is no topic logins, rest; create it, or let --create-topics do so")
	if _, err := a.CreateTopics(context.Background(), 2, 1, nil, "logins"); err != nil {
		t.Fatal(err)
	}
	if _, err := a.CreateTopics(context.Background(), 3, 1, nil, "rest"); err != nil {
		t.Fatal(err)
	}
	to = target(t, addr) // the transport keeps what it has heard of topics for some seconds
	refused("topic logins has 2 partitions and rest has 3; all input topics need the same number, so that a customer's events meet (tidemark repartition makes new ones)")
	to.Topic = func(event.Kind) string { return "" }
	refused("there are 1 events of type login, and no topic for them; name one under kafka.topics")
}

// TestSendFails: what a broker refuses is not counted as sent.
func TestSendFails(t *testing.T) {
	cluster, addr := startKfake(t)
	if _, err := admin(t, addr).CreateTopics(context.Background(), 1, 1, nil, "logins", "rest"); err != nil {
		t.Fatal(err)
	}
	cluster.ControlKey(int16(kmsg.Produce), func(request kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		produce := request.(*kmsg.ProduceRequest)
		if produce.Topics[0].Topic != "rest" {
			return nil, nil, false
		}
		response := produce.ResponseKind().(*kmsg.ProduceResponse)
		topic := kmsg.NewProduceResponseTopic()
		topic.Topic = "rest"
		partition := kmsg.NewProduceResponseTopicPartition()
		partition.ErrorCode = kerr.TopicAuthorizationFailed.Code
		topic.Partitions = append(topic.Partitions, partition)
		response.Topics = append(response.Topics, topic)
		return response, nil, true
	})
	sent, err := Send(context.Background(), sorted(t, "who,at,paid\nann,1,7\n"), target(t, addr))
	if err == nil || !strings.HasPrefix(err.Error(), "send events (1 of 2 are through; the same import again completes them): topic rest: ") {
		t.Errorf("got %v", err)
	}
	if !reflect.DeepEqual(sent, Sent{"logins": 1}) {
		t.Errorf("sent %v", sent)
	}
}
