package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/consumer"
)

func startKfake(t testing.TB) string {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c.ListenAddrs()[0]
}

func kgoClient(t testing.TB, addr string, more ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append(more, kgo.SeedBrokers(addr))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// write makes a file of the test's and returns its path.
func write(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// execute runs a command and returns what it wrote.
func execute(c *cobra.Command, args ...string) (string, error) {
	var out bytes.Buffer
	c.SetOut(&out)
	c.SetErr(&out)
	c.SetArgs(args)
	c.SilenceUsage, c.SilenceErrors = true, true
	err := c.ExecuteContext(context.Background())
	return out.String(), err
}

// records reads n records of a topic by partition.
func records(t testing.TB, addr, topic string, n int) map[int32][]*kgo.Record {
	t.Helper()
	c := kgoClient(t, addr, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	out := map[int32][]*kgo.Record{}
	for got := 0; got < n; {
		fetched := c.PollFetches(ctx)
		if err := fetched.Err(); err != nil {
			t.Fatalf("%d of %d records of %s: %v", got, n, topic, err)
		}
		fetched.EachRecord(func(r *kgo.Record) { out[r.Partition] = append(out[r.Partition], r); got++ })
	}
	return out
}

func ends(t testing.TB, addr, topic string) (total int64) {
	t.Helper()
	offsets, err := kadm.NewClient(kgoClient(t, addr)).ListEndOffsets(context.Background(), topic)
	if err = errors.Join(err, offsets.Error()); err != nil {
		t.Fatal(err)
	}
	for _, o := range offsets[topic] {
		total += o.Offset
	}
	return total
}

// wrongTopic makes a topic of 3 partitions whose n events lie on partition
// i mod 3 under a key that says nothing, at times that rise over all
// partitions. Transactions that were aborted lie between and at the end.
func wrongTopic(t testing.TB, addr, topic string, n int) {
	t.Helper()
	ctx := context.Background()
	plain := kgoClient(t, addr, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if _, err := kadm.NewClient(plain).CreateTopic(ctx, 3, 1, map[string]*string{"retention.ms": kadm.StringPtr("-1")}, topic); err != nil {
		t.Fatal(err)
	}
	abort := func() {
		c := kgoClient(t, addr, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.TransactionalID("aborts"))
		if err := c.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		for p := range int32(3) {
			if err := c.ProduceSync(ctx, &kgo.Record{Topic: topic, Partition: p, Value: []byte("aborted")}).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.EndTransaction(ctx, kgo.TryAbort); err != nil {
			t.Fatal(err)
		}
		c.Close()
	}
	for i := range n {
		if i == n/2 {
			abort()
		}
		value := fmt.Sprintf(`{"specversion":"1.0","type":"login","source":"s","id":"%d","time":"2026-01-01T00:00:00Z","subject":"c%d"}`, i, i%17)
		r := &kgo.Record{
			Topic: topic, Partition: int32(i % 3), Key: []byte("key"), Value: []byte(value), Timestamp: time.UnixMilli(1_700_000_000_000 + int64(i)),
			Headers: []kgo.RecordHeader{{Key: "number", Value: fmt.Append(nil, i)}},
		}
		switch i % 50 {
		case 7: // no event
			r.Value = []byte("{nothing")
		case 8: // in binary mode
			r.Value = []byte(`{"user":"u"}`)
			for k, v := range map[string]string{"specversion": "1.0", "type": "login", "source": "s", "id": fmt.Sprint(i), "time": "2026-01-01T00:00:00Z", "subject": "binary"} {
				r.Headers = append(r.Headers, kgo.RecordHeader{Key: "ce_" + k, Value: []byte(v)})
			}
		case 9: // right already
			r.Key = fmt.Appendf(nil, "c%d", i%17)
		}
		if err := plain.ProduceSync(ctx, r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	abort()
}

func TestRepartitionOnKfake(t *testing.T) { repartitionSuite(t, startKfake(t)) }

// repartitionSuite is what holds on any broker: nothing is lost or added, every
// event is where its customer's key puts it, in the order of time.
func repartitionSuite(t *testing.T, addr string) {
	const n = 400
	wrongTopic(t, addr, "logins", n)
	settings := write(t, "tidemark.yaml", "kafka: {brokers: ['"+addr+"'], topics: {logins: logins}}\npartitioner: crc32\n")
	args := []string{"--config", settings, "--partitions", "5", "--suffix", ".new"}
	out, err := execute(newRepartitionCommand(), args...)
	if err != nil {
		t.Fatal(err)
	}
	// Of each 50 one is no event and one is right; of 400, 8 each.
	if want := "logins: 400 messages onto logins.new, 384 of them with another key; 8 are no events and have kept their key\n"; !strings.HasPrefix(out, want) {
		t.Errorf("got  %s\nwant %s", out, want)
	}
	seen := map[string]bool{}
	got := records(t, addr, "logins.new", n)
	if len(got) != 5 {
		t.Errorf("%d partitions hold something, want 5", len(got))
	}
	for partition, list := range got {
		last := time.Time{}
		for _, r := range list {
			number := 0
			if _, err := fmt.Sscan(string(r.Headers[0].Value), &number); err != nil {
				t.Fatal(err)
			}
			key := fmt.Sprintf("c%d", number%17)
			switch number % 50 {
			case 7:
				key = "key"
			case 8:
				key = "binary"
			}
			where, err := consumer.Partition("crc32", []byte(key), 5)
			if err != nil {
				t.Fatal(err)
			}
			if string(r.Key) != key || int32(where) != partition || r.Timestamp.UnixMilli() != 1_700_000_000_000+int64(number) || !r.Timestamp.After(last) {
				t.Errorf("message %d has key %s on partition %d at %s, after %s", number, r.Key, partition, r.Timestamp, last)
			}
			if number%50 == 8 && len(r.Headers) != 7 || number%50 == 7 && string(r.Value) != "{nothing" {
				t.Errorf("message %d became %s with %d headers", number, r.Value, len(r.Headers))
			}
			last = r.Timestamp
			seen[string(r.Headers[0].Value)] = true
		}
	}
	if len(seen) != n || ends(t, addr, "logins.new") != n {
		t.Errorf("%d different messages of %d", len(seen), ends(t, addr, "logins.new"))
	}
	configs, err := kadm.NewClient(kgoClient(t, addr)).DescribeTopicConfigs(context.Background(), "logins.new")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range configs[0].Configs {
		if c.Key == "retention.ms" && c.MaybeValue() != "-1" {
			t.Errorf("the new topic keeps messages for %s ms", c.MaybeValue())
		}
	}

	_, err = execute(newRepartitionCommand(), args...)
	if want := "topic logins.new has messages already; delete it, or choose another --suffix"; err == nil || err.Error() != want {
		t.Errorf("a second time: got %v, want %s", err, want)
	}
	if ends(t, addr, "logins.new") != n {
		t.Error("a second time has added messages")
	}
}

func TestRepartitionRefuses(t *testing.T) {
	addr := startKfake(t)
	admin := kadm.NewClient(kgoClient(t, addr))
	for name, partitions := range map[string]int32{"a": 2, "b": 2, "b-v2": 3} {
		if _, err := admin.CreateTopic(context.Background(), partitions, 1, nil, name); err != nil {
			t.Fatal(err)
		}
	}
	settings := write(t, "tidemark.yaml", "kafka: {brokers: ['"+addr+"']}\n")
	for from, want := range map[string]string{
		"a,none": "there is no topic none; write the names of topics that there are behind --from",
		"a,b":    "topic b-v2 is there with 3 partitions, not 2; delete it, or choose another --suffix",
	} {
		if _, err := execute(newRepartitionCommand(), "--config", settings, "--from", from); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	topics, err := admin.ListTopics(context.Background(), "a-v2")
	if err != nil || topics.Has("a-v2") && topics["a-v2"].Err == nil {
		t.Errorf("a topic was made before all were looked at: %v", err)
	}
	for _, args := range [][]string{{"--suffix", ""}, {"--partitions", "-1"}, {"--config", write(t, "x.yaml", "horzion: 1")}} {
		_, err := execute(newRepartitionCommand(), args...)
		var code interface{ ExitCode() int }
		if !errors.As(err, &code) || code.ExitCode() != 2 {
			t.Errorf("%v: got %v, want a mistake of usage", args, err)
		}
	}
	out, err := execute(newRepartitionCommand(), "--config", settings, "--from", "a")
	if err != nil || !strings.HasPrefix(out, "a: 0 messages onto a-v2") {
		t.Errorf("an empty topic: %s, %v", out, err)
	}
}

// TestRepartitionNotices that producers have not been stopped.
func TestRepartitionNotices(t *testing.T) {
	addr := startKfake(t)
	wrongTopic(t, addr, "logins", 5)
	r := &repartition{base: []kgo.Opt{kgo.SeedBrokers(addr)}, suffix: "-v2", partitioner: "murmur2", meter: newMeter(&bytes.Buffer{}, "copying")}
	client := kgoClient(t, addr)
	s, err := r.look(context.Background(), kadm.NewClient(client), "logins")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.unchanged(context.Background(), kadm.NewClient(client), []source{s}); err != nil {
		t.Errorf("nothing has come: %v", err)
	}
	if err := client.ProduceSync(context.Background(), &kgo.Record{Topic: "logins", Value: []byte("x")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	want := "messages have arrived that were not copied: logins (1); stop the producers, delete the new topics and begin again"
	if err := r.unchanged(context.Background(), kadm.NewClient(client), []source{s}); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
