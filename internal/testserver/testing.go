package testserver

import (
	"sync"
	"testing"
)

var shared struct {
	mu    sync.Mutex
	kafka *Kafka
}

// StartKafka returns the broker that all tests of this binary share. It starts
// with the first test that asks and ends with the binary; a test that has
// stopped it finds it running again when the next one asks. Tests keep out of
// each other's way by their topics' names.
func StartKafka(t testing.TB) *Kafka {
	t.Helper()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.kafka == nil {
		k, err := RunKafka(KafkaOptions{})
		if err != nil {
			t.Fatal(err)
		}
		shared.kafka = k
	}
	if !shared.kafka.server.running() {
		if err := shared.kafka.Start(); err != nil {
			t.Fatal(err)
		}
	}
	return shared.kafka
}

// StartKafkaSecure starts a broker of the test's own with a second listener
// that wants TLS and a user: SCRAM-SHA-512 or PLAIN.
func StartKafkaSecure(t testing.TB) *Kafka {
	t.Helper()
	return StartOwnKafka(t, KafkaOptions{Secure: true})
}

// StartOwnKafka starts a broker of the test's own, stopped at its end.
func StartOwnKafka(t testing.TB, o KafkaOptions) *Kafka {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	k, err := RunKafka(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, k) })
	return k
}

// CreateTopic creates a topic with one replica; see NewTopic.
func (k *Kafka) CreateTopic(t testing.TB, name string, partitions int, configs map[string]string) {
	t.Helper()
	if err := k.NewTopic(name, partitions, configs); err != nil {
		t.Fatal(err)
	}
}

// StartRedis starts a redis-server of the test's own, stopped at its end. args
// are added to its command line.
func StartRedis(t testing.TB, args ...string) *Redis {
	t.Helper()
	r, err := RunRedis(RedisOptions{Dir: t.TempDir(), Args: args})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, r) })
	return r
}

// StartSentinel starts a Redis Sentinel that watches a master under the given
// name, stopped at the test's end. Its Addr is the sentinel's.
func StartSentinel(t testing.TB, name string, master *Redis) *Redis {
	t.Helper()
	r, err := RunSentinel(t.TempDir(), name, master)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, r) })
	return r
}

// StartRedisCluster starts a Redis Cluster of three masters, stopped at the
// test's end.
func StartRedisCluster(t testing.TB) *Cluster {
	t.Helper()
	c, err := RunRedisCluster(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, c) })
	return c
}

func stop(t testing.TB, s interface{ Stop() error }) {
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
}
