//go:build servers

package testserver

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

func produce(t *testing.T, topic, value string, opts ...kgo.Opt) error {
	t.Helper()
	cl, err := kgo.NewClient(append(opts, kgo.RetryTimeout(5*time.Second), kgo.RecordRetries(3))...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	return cl.ProduceSync(ctx, &kgo.Record{Topic: topic, Key: []byte("k" + value), Value: []byte(value)}).FirstErr()
}

// consume reads n values of a topic of one partition from its beginning.
func consume(t *testing.T, topic string, n int, opts ...kgo.Opt) []string {
	t.Helper()
	cl, err := kgo.NewClient(append(opts, kgo.ConsumeTopics(topic))...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var got []string
	for len(got) < n {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("read %s: %v (so far %q)", topic, err, got)
		}
		fetches.EachRecord(func(r *kgo.Record) { got = append(got, string(r.Value)) })
	}
	return got
}

// ping says whether a broker answers, without the retries of a producer.
func ping(t *testing.T, opts ...kgo.Opt) error {
	t.Helper()
	cl, err := kgo.NewClient(append(opts, kgo.RetryTimeout(time.Second), kgo.RequestRetries(0))...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return cl.Ping(ctx)
}

func TestKafkaKeepsItsRecordsAndItsAddressWhenKilled(t *testing.T) {
	k := StartKafka(t)
	k.CreateTopic(t, "kept", 1, map[string]string{"cleanup.policy": "compact"})
	seed := kgo.SeedBrokers(k.Addr)
	if err := produce(t, "kept", "before", seed); err != nil {
		t.Fatal(err)
	}
	addr, pid := k.Addr, k.Pid()
	if err := k.Stop(); err != nil {
		t.Fatal(err)
	}
	if k.Pid() != 0 || ping(t, seed) == nil {
		t.Fatal("the killed broker still answers")
	}
	if err := k.Start(); err != nil {
		t.Fatal(err)
	}
	if k.Addr != addr || k.Pid() == pid {
		t.Errorf("after the restart: address %s, pid %d; before: %s, %d", k.Addr, k.Pid(), addr, pid)
	}
	if err := produce(t, "kept", "after", seed); err != nil {
		t.Fatal(err)
	}
	got := consume(t, "kept", 2, seed)
	if got[0] != "before" || got[1] != "after" {
		t.Errorf("read %q, want before and after", got)
	}
}

func TestKafkaIsSharedAndStartsAgainForTheNextTest(t *testing.T) {
	k := StartKafka(t)
	if err := k.Terminate(); err != nil {
		t.Fatal(err)
	}
	again := StartKafka(t)
	if again != k || again.Pid() == 0 {
		t.Errorf("got broker %p with pid %d, want the first one, %p, running", again, again.Pid(), k)
	}
}

func TestSecureKafkaWantsTheRightPassword(t *testing.T) {
	k := StartKafkaSecure(t)
	k.CreateTopic(t, "guarded", 1, nil)
	config, err := k.Certificates.TLS()
	if err != nil {
		t.Fatal(err)
	}
	scram512 := func(password string) sasl.Mechanism {
		return scram.Auth{User: k.User, Pass: password}.AsSha512Mechanism()
	}
	plainAuth := func(password string) sasl.Mechanism {
		return plain.Auth{User: k.User, Pass: password}.AsMechanism()
	}
	for name, auth := range map[string]func(string) sasl.Mechanism{"SCRAM-SHA-512": scram512, "PLAIN": plainAuth} {
		t.Run(name, func(t *testing.T) {
			opts := []kgo.Opt{kgo.SeedBrokers(k.SecureAddr), kgo.DialTLSConfig(config)}
			if err := produce(t, "guarded", name, append(opts, kgo.SASL(auth(k.Password)))...); err != nil {
				t.Errorf("the right password: %v", err)
			}
			err := ping(t, append(opts, kgo.SASL(auth("guess")))...)
			if err == nil || !strings.Contains(err.Error(), "SASL_AUTHENTICATION_FAILED") {
				t.Errorf("a wrong password: %v, want SASL_AUTHENTICATION_FAILED", err)
			}
		})
	}
	if err := ping(t, kgo.SeedBrokers(k.SecureAddr)); err == nil {
		t.Error("the secure listener answered in plain text")
	}
}

func TestRedisKeepsWhatItHasWrittenWhenKilled(t *testing.T) {
	r := StartRedis(t, "--appendfsync", "always")
	ctx := context.Background()
	cl := redis.NewClient(&redis.Options{Addr: r.Addr})
	defer cl.Close()
	if err := cl.Set(ctx, "key", "value", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if err := r.Stop(); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(r.AOFDir())
	if err != nil || len(files) == 0 {
		t.Fatalf("append-only files: %v, %v", files, err)
	}
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	got, err := cl.Get(ctx, "key").Result()
	if err != nil || got != "value" {
		t.Errorf("after the restart: %q, %v", got, err)
	}
	sync, err := cl.ConfigGet(ctx, "appendfsync").Result()
	if err != nil || sync["appendfsync"] != "always" {
		t.Errorf("appendfsync: %v, %v; want always as asked", sync, err)
	}
}

func TestRedisClusterServesAllSlotsFromThreeMasters(t *testing.T) {
	c := StartRedisCluster(t)
	ctx := context.Background()
	cl := redis.NewClusterClient(&redis.ClusterOptions{Addrs: c.Addrs})
	defer cl.Close()
	shards, err := cl.ClusterShards(ctx).Result()
	if err != nil {
		t.Fatal(err)
	}
	total := int64(0)
	for _, s := range shards {
		for _, r := range s.Slots {
			total += r.End - r.Start + 1
		}
	}
	if total != 16384 || len(shards) != 3 {
		t.Errorf("%d slots on %d masters, want 16384 on 3", total, len(shards))
	}
	for _, key := range []string{"{a}", "{b}", "{c}", "{d}"} {
		if err := cl.Set(ctx, key, "x", 0).Err(); err != nil {
			t.Errorf("write %s: %v", key, err)
		}
	}
}

func TestSentinelNamesTheMaster(t *testing.T) {
	master := StartRedis(t)
	sentinel := StartSentinel(t, "tidemark", master)
	cl := redis.NewSentinelClient(&redis.Options{Addr: sentinel.Addr})
	defer cl.Close()
	got, err := cl.GetMasterAddrByName(context.Background(), "tidemark").Result()
	if err != nil || strings.Join(got, ":") != master.Addr {
		t.Errorf("the sentinel names %v, %v; want %s", got, err, master.Addr)
	}
}

func TestServerThatFailsToStartShowsItsLog(t *testing.T) {
	_, err := RunRedis(RedisOptions{Args: []string{"--no-such-option", "1"}})
	if err == nil || !strings.Contains(err.Error(), "no-such-option") {
		t.Errorf("got %v, want the log's complaint", err)
	}
	_, err = RunKafka(KafkaOptions{Properties: map[string]string{"log.retention.hours": "many"}})
	if err == nil || !strings.Contains(err.Error(), "log.retention.hours") {
		t.Errorf("got %v, want Kafka's complaint", err)
	}
}
