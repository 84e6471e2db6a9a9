//go:build servers

package endtoend_test

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/tidemark-io/tidemark/internal/endtoend"
	"github.com/tidemark-io/tidemark/internal/testserver"
)

// admin administers the scene's topics.
func (s *scene) admin() *kadm.Client { return kadm.NewClient(s.Kafka) }

// refuses starts a worker that must end by itself with a sentence and an exit
// code that is not 0.
func (s *scene) refuses(words ...string) {
	s.t.Helper()
	w := s.start()
	code, err := w.Wait(s.ctx)
	s.must(err)
	said := w.Log.Tail(1)
	if code <= 0 {
		s.t.Errorf("it ended with code %d: %s", code, said)
	}
	for _, word := range words {
		if !strings.Contains(said, word) {
			s.t.Errorf("%q is not said in %s", word, said)
		}
	}
}

// stops starts a worker of which a shard must be stopped with a sentence, while
// it does not say that it is ready.
func (s *scene) stops(words ...string) {
	s.t.Helper()
	w := s.start()
	s.says(w, 0, "shard is stopped", words...)
	s.must(w.NotReady(s.ctx))
	_, body, err := w.Get(s.ctx, "/readyz")
	s.must(err)
	if !strings.Contains(body, "is stopped") {
		s.t.Errorf("/readyz says %s", body)
	}
	s.end(w)
}

// TestTopicsWithDifferentPartitionCounts: keys of one customer would lie in
// different shards.
func TestTopicsWithDifferentPartitionCounts(t *testing.T) {
	s := open(t, servers{}, endtoend.Options{Topics: map[string]string{"logins": "logins", "purchases": "money"}})
	_, err := s.admin().UpdatePartitions(s.ctx, 3, s.Name+".money")
	s.must(err)
	s.refuses("partitions", s.Name+".money", s.Name+".logins")
}

// TestMissingTopic: nothing to read.
func TestMissingTopic(t *testing.T) {
	s := open(t, servers{}, endtoend.Options{Topics: map[string]string{"logins": "logins", "purchases": "money"}})
	_, err := s.admin().DeleteTopics(s.ctx, s.Name+".money")
	s.must(err)
	s.refuses(s.Name+".money", "does not exist")
}

// settled is a scene whose worker has read some logins of each shard and ended.
func settled(t *testing.T) *scene {
	t.Helper()
	s := open(t, servers{}, endtoend.Options{})
	w := s.ready()
	s.feed(logins("c", 20, 0)...)
	s.feed(raw("c1", "a dead letter, so that there is a publication"), raw("c2", "another"), raw("c3", "a third"), raw("c4", "and a fourth"))
	s.rest()
	s.counters()
	s.end(w)
	return s
}

// TestChangedPartitionCount: customers would change shards.
func TestChangedPartitionCount(t *testing.T) {
	s := settled(t)
	_, err := s.admin().UpdatePartitions(s.ctx, 3, s.Inputs()...)
	s.must(err)
	s.refuses("partitions", "redis.namespace")
}

// TestRecreatedTopic: the stored offsets mean other messages.
func TestRecreatedTopic(t *testing.T) {
	s := settled(t)
	topic := s.Inputs()[0]
	_, err := s.admin().DeleteTopics(s.ctx, topic)
	s.must(err)
	s.must(endtoend.Eventually(s.ctx, func() error { return s.CreateTopics(s.ctx, 2, topic) }))
	s.must(s.Reconnect())
	s.feed(logins("c", 20, 0)...)
	s.feed(logins("d", 20, 0)...)
	s.stops(topic, "created again")
}

// TestOffsetOutsideTheLog: messages were deleted before they were read.
func TestOffsetOutsideTheLog(t *testing.T) {
	s := settled(t)
	s.feed(logins("d", 20, 1)...)
	ends, err := s.Ends(s.ctx)
	s.must(err)
	before := kadm.Offsets{}
	for topic, partitions := range ends {
		for p, end := range partitions {
			before.AddOffset(topic, int32(p), end, -1)
		}
	}
	deleted, err := s.admin().DeleteRecords(s.ctx, before)
	s.must(err)
	s.must(deleted.Error())
	s.stops("outside the log", s.Inputs()[0])
}

// TestEmptiedRedis: what was told to readers cannot be taken back.
func TestEmptiedRedis(t *testing.T) {
	s := settled(t)
	empty := testserver.StartRedis(t)
	s.useRedis(empty.Addr)
	s.stops("Redis was emptied")
}

// useRedis has the next worker use another server.
func (s *scene) useRedis(addr string) {
	s.t.Helper()
	b, err := os.ReadFile(s.Config)
	s.must(err)
	s.must(os.WriteFile(s.Config, []byte(strings.ReplaceAll(string(b), s.redis.Addr, addr)), 0o644))
}

// TestEvictingRedis: state must not be thrown away.
func TestEvictingRedis(t *testing.T) {
	s := open(t, servers{}, endtoend.Options{})
	evicting := testserver.StartRedis(t, "--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru")
	s.useRedis(evicting.Addr)
	s.refuses("allkeys-lru", "noeviction")
}

// TestUnknownKey: a configuration with a mistake is refused with file, key and
// the nearest valid one.
func TestUnknownKey(t *testing.T) {
	s := open(t, servers{}, endtoend.Options{})
	b, err := os.ReadFile(s.Config)
	s.must(err)
	s.must(os.WriteFile(s.Config, append([]byte("horizont: 20d\n"), b...), 0o644))
	w := s.start()
	code, err := w.Wait(context.Background())
	s.must(err)
	if said := w.Log.Tail(1); code != 2 || !strings.Contains(said, s.Config+":1") || !strings.Contains(said, `"horizon"`) {
		t.Errorf("code %d: %s", code, said)
	}
}
