//go:build servers

package endtoend_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/internal/endtoend"
	"github.com/tidemark-io/tidemark/internal/testserver"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := endtoend.RemoveBinary(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// limit is the longest that one of these tests may take.
const limit = 2 * time.Minute

// started counts workspaces, so that each has names of its own.
var started atomic.Int64

// scene is a workspace of a test's own, on the shared Kafka and a Redis of its
// own unless o says otherwise.
type scene struct {
	*endtoend.Workspace
	t     *testing.T
	ctx   context.Context
	kafka *testserver.Kafka
	redis *testserver.Redis
}

// servers are those of a scene; nil fields are started.
type servers struct {
	kafka *testserver.Kafka
	redis *testserver.Redis
}

// open makes a scene. Two partitions, all events on one topic and clock: log
// unless o says otherwise.
func open(t *testing.T, on servers, o endtoend.Options) *scene {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	if _, err := endtoend.Binary(); err != nil {
		t.Fatal(err)
	}
	if on.kafka == nil {
		on.kafka = testserver.StartKafka(t)
	}
	if on.redis == nil {
		on.redis = testserver.StartRedis(t)
	}
	o.Name = fmt.Sprintf("scene%d", started.Add(1))
	o.Dir, o.Brokers, o.Redis, o.Session = t.TempDir(), on.kafka.Addr, on.redis.Addr, time.Second
	if o.Partitions == 0 {
		o.Partitions = 2
	}
	if o.Topics == nil {
		o.Topics = map[string]string{"events": "events"}
	}
	o.Lines = "clock: log\n" + o.Lines
	w, err := endtoend.New(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return &scene{Workspace: w, t: t, ctx: ctx, kafka: on.kafka, redis: on.redis}
}

// start starts a worker, which is killed at the test's end unless it has ended.
func (s *scene) start() *endtoend.Worker {
	s.t.Helper()
	w, err := s.Worker("worker")
	if err != nil {
		s.t.Fatal(err)
	}
	if err := w.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if w.Running() {
			if err := w.Signal(syscall.SIGKILL); err != nil {
				s.t.Error(err)
			}
		}
		if s.t.Failed() {
			s.t.Logf("the worker's log:\n%s", w.Log.Tail(30))
		}
	})
	return w
}

// must fails the test at once.
func (s *scene) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// ready starts a worker and waits until it is ready.
func (s *scene) ready() *endtoend.Worker {
	s.t.Helper()
	w := s.start()
	s.must(w.Ready(s.ctx))
	return w
}

// end asks a worker to end.
func (s *scene) end(w *endtoend.Worker) {
	s.t.Helper()
	s.must(w.End(s.ctx, syscall.SIGTERM))
}

// day0 is the first day of events here.
var day0 = time.Date(2024, time.March, 4, 0, 0, 0, 0, time.UTC)

// on is a moment of the n-th day.
func on(n int) string { return day0.AddDate(0, 0, n).Add(12 * time.Hour).Format(time.RFC3339) }

// ids counts events, so that each has an id of its own.
var ids atomic.Int64

// login is a login of a customer on the n-th day.
func login(customer string, n int) *kgo.Record {
	return cloud("login", customer, on(n), "")
}

// cloud is a CloudEvent with data as JSON, "" for none, on the topic of events.
func cloud(kind, customer, moment, data string) *kgo.Record {
	if data != "" {
		data = `,"data":` + data
	}
	return raw(customer, fmt.Sprintf(`{"specversion":"1.0","type":%q,"source":"test","id":"e%d","time":%q,"subject":%q%s}`,
		kind, ids.Add(1), moment, customer, data))
}

// raw is a message on the topic of events, where its key belongs.
func raw(key, value string) *kgo.Record {
	return &kgo.Record{Key: []byte(key), Value: []byte(value), Partition: endtoend.Anywhere,
		Headers: []kgo.RecordHeader{{Key: "trace", Value: []byte("t" + key)}}}
}

// feed produces records on the only input topic.
func (s *scene) feed(records ...*kgo.Record) {
	s.t.Helper()
	for _, r := range records {
		r.Topic = s.Inputs()[0]
	}
	s.must(s.Produce(s.ctx, records...))
}

// logins are one login of each of n customers on a day.
func logins(prefix string, n, day int) (out []*kgo.Record) {
	for i := range n {
		out = append(out, login(fmt.Sprintf("%s%d", prefix, i), day))
	}
	return out
}

// rest waits until everything is read.
func (s *scene) rest() {
	s.t.Helper()
	_, err := s.AtRest(s.ctx, 0)
	s.must(err)
}

// counters checks that they add up and returns their sum over the shards.
func (s *scene) counters() endtoend.Counters {
	s.t.Helper()
	c, err := s.CheckCounters(s.ctx)
	s.must(err)
	return c
}

// usersEver is the KPI as `tidemark kpi` gives it.
func (s *scene) usersEver() string {
	s.t.Helper()
	figures, err := s.KPIs(s.ctx, "users_ever")
	s.must(err)
	if len(figures) != 1 {
		s.t.Fatalf("figures of users_ever: %+v", figures)
	}
	return figures[0].Value.String()
}

// says waits for a line of a worker's log and fails where words are missing.
func (s *scene) says(w *endtoend.Worker, mark int64, line string, words ...string) endtoend.Line {
	s.t.Helper()
	l, err := w.Log.Await(s.ctx, mark, line)
	s.must(err)
	for _, word := range words {
		if !strings.Contains(l.Text, word) {
			s.t.Errorf("%q is not said in %s", word, l.Text)
		}
	}
	return l
}
