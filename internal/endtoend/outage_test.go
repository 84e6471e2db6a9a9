//go:build servers

package endtoend_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tidemark-io/tidemark/internal/endtoend"
	"github.com/tidemark-io/tidemark/internal/testserver"
)

// maxLines is more than a worker says in an outage of a test's length, unless
// it goes round and round.
const maxLines = 200

// quiet fails where a log has more lines since the mark.
func (s *scene) quiet(w *endtoend.Worker, mark int64) {
	s.t.Helper()
	lines, err := w.Log.Lines(mark)
	s.must(err)
	if len(lines) > maxLines {
		s.t.Errorf("%d lines in an outage, the last are:\n%s", len(lines), w.Log.Tail(5))
	}
}

// stopped is a server that can be stopped and started.
type stoppable interface {
	Start() error
	Stop() error
}

// later stops a server under a worker at work: it says so, is not ready, and
// nothing that is fed before, meanwhile (where Kafka is there) and afterwards is
// lost.
func (s *scene) later(w *endtoend.Worker, server stoppable, feedMeanwhile bool, words ...string) {
	s.t.Helper()
	s.feed(logins("before", 20, 0)...)
	s.rest()
	mark := w.Log.Size()
	s.must(server.Stop())
	users := 40
	if feedMeanwhile {
		users += 20
		s.feed(logins("meanwhile", 20, 1)...)
	}
	s.must(w.NotReady(s.ctx))
	s.must(endtoend.Eventually(s.ctx, func() error {
		_, ok, err := w.Log.Find(mark, words...)
		if err == nil && !ok {
			err = fmt.Errorf("none of %q is said; the log says:\n%s", words, w.Log.Tail(10))
		}
		return err
	}))
	s.quiet(w, mark)
	s.must(server.Start())
	s.feed(logins("after", 20, 2)...)
	s.must(w.Ready(s.ctx))
	s.rest()
	if c := s.counters(); c["applied"] != int64(users) || c["duplicate"] != 0 {
		s.t.Errorf("counters are %s", c)
	}
	if got := s.usersEver(); got != fmt.Sprint(users) {
		s.t.Errorf("%s users ever, want %d", got, users)
	}
	s.must(s.Audit(s.ctx))
	s.end(w)
}

// TestRedisGoesLater: the shards wait for it.
func TestRedisGoesLater(t *testing.T) {
	s := open(t, servers{}, endtoend.Options{})
	s.later(s.ready(), s.redis, true, "connection refused")
}

// TestKafkaGoesLater: the shards wait for it.
func TestKafkaGoesLater(t *testing.T) {
	s := open(t, servers{kafka: testserver.StartOwnKafka(t, testserver.KafkaOptions{})}, endtoend.Options{})
	s.later(s.ready(), s.kafka, false, "connection refused")
}

// atStart starts a worker while a server is away: it says what it cannot reach
// and where, is not ready, and begins by itself when the server is there.
func (s *scene) atStart(server stoppable, what, addr string) {
	s.t.Helper()
	s.must(server.Stop())
	w := s.start()
	s.says(w, 0, what+" cannot be reached; trying again", addr)
	s.must(w.NotReady(s.ctx))
	_, body, err := w.Get(s.ctx, "/readyz")
	s.must(err)
	if !strings.Contains(body, what) {
		s.t.Errorf("/readyz says %s", body)
	}
	s.quiet(w, 0)
	s.must(server.Start())
	s.must(w.Ready(s.ctx))
	s.feed(logins("c", 20, 0)...)
	s.rest()
	if c := s.counters(); c["applied"] != 20 {
		s.t.Errorf("counters are %s", c)
	}
	s.end(w)
}

// TestRedisAwayAtStart: it is waited for.
func TestRedisAwayAtStart(t *testing.T) {
	s := open(t, servers{}, endtoend.Options{})
	s.atStart(s.redis, "Redis", s.redis.Addr)
}

// TestKafkaAwayAtStart: it is waited for.
func TestKafkaAwayAtStart(t *testing.T) {
	s := open(t, servers{kafka: testserver.StartOwnKafka(t, testserver.KafkaOptions{})}, endtoend.Options{})
	s.atStart(s.kafka, "Kafka", s.kafka.Addr)
}
