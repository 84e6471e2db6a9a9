package worker_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/consumer"
	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/internal/endtoend"
	"github.com/tidemark-io/tidemark/internal/oracle"
	"github.com/tidemark-io/tidemark/publisher"
	"github.com/tidemark-io/tidemark/store"
	"github.com/tidemark-io/tidemark/worker"
)

const (
	horizon = 20 // days
	rule    = "at_risk"
)

// severity is what is configured of the tests' rules.
var severity = map[string]string{rule: "warning", "kpi/" + manyRed.Rule: "info"}

// patient is how long a condition is waited for, on a machine with other work.
// Where a mistake is made on purpose, no more than the tests without it need.
var patient = 90 * time.Second

// world is one shard's brokers and Redis, the processes that own it one after
// another or at once, and what happens to them.
type world struct {
	faults
	t     *testing.T
	ws    *endtoend.Workspace
	kfake *kfake.Cluster
	admin *kadm.Client
	mini  *miniredis.Miniredis
	log   *zap.Logger
	lines *lines
	truth truth

	redis     sync.Mutex // one thing at a time happens in Redis
	past      []contents // after each claim and commit
	processes []*process
	batch     int                                                               // LiveBatch of processes to come
	cache     int                                                               // their CacheBytes
	company   func(firing map[aggregator.Pair]aggregator.Firing) worker.Company // nil: none
	purchases int32                                                             // days a purchase makes a customer for; 0: subscriptions do
	rule      string                                                            // on the red band, of processes to come
	severity  map[string]string                                                 // of their rules
	limit     time.Duration                                                     // their StepLimit; 0: the default
	others    atomic.Bool                                                       // whether the other shards are not at their end
	forgotten atomic.Int32                                                      // how often yet brokers do not know the first topic
}

// lines are what was logged, shown where a test fails.
type lines struct {
	mu  sync.Mutex
	all []byte
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, b...)
	return len(b), nil
}

func (l *lines) Sync() error { return nil }

const shownLines = 40_000 // bytes

func (w *world) logf(format string, args ...any) { w.log.Info("=== " + fmt.Sprintf(format, args...)) }

var worlds atomic.Int64

func newWorld(t *testing.T, brokers int) *world {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(brokers))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	w := &world{t: t, kfake: cluster, mini: miniredis.RunT(t), lines: &lines{}, batch: 8, cache: 2000,
		rule: rule, severity: severity}
	encoder := zap.NewDevelopmentEncoderConfig()
	w.log = zap.New(zapcore.NewCore(zapcore.NewConsoleEncoder(encoder), w.lines, zapcore.InfoLevel))
	t.Cleanup(func() {
		if t.Failed() {
			w.lines.mu.Lock()
			defer w.lines.mu.Unlock()
			t.Logf("%s", w.lines.all[max(0, len(w.lines.all)-shownLines):])
		}
	})
	// The namespace has no upper case and no slash.
	w.ws, err = endtoend.New(t.Context(), endtoend.Options{Name: fmt.Sprintf("w%d", worlds.Add(1)), Dir: t.TempDir(),
		Brokers: strings.Join(cluster.ListenAddrs()[:1], ","), Redis: w.mini.Addr(), Partitions: 1})
	if err != nil {
		t.Fatal(err)
	}
	w.admin = kadm.NewClient(w.ws.Kafka)
	t.Cleanup(w.close)
	set, err := consumer.ReadTopics(t.Context(), w.admin, w.ws.Inputs()...)
	if err == nil {
		err = consumer.EnsureOutputs(t.Context(), w.admin, set, w.ws.Inputs(), w.outputs())
	}
	if err != nil {
		t.Fatal(err)
	}
	w.truth.init()
	return w
}

func (w *world) outputs() consumer.Outputs {
	o := w.ws.Settings.Kafka.Outputs
	return consumer.Outputs{Alerts: o.Alerts, Cursors: o.Cursors, KPIs: o.KPIs, DeadLetter: o.DeadLetter, Late: o.Late}
}

// close ends all processes and waits for them: none may outlive its test.
func (w *world) close() {
	w.heal()
	for _, p := range w.processes {
		p.die()
	}
	for _, p := range w.processes {
		select {
		case <-p.ended:
		case <-time.After(patient):
			w.t.Errorf("process %s does not end", p.name)
		}
	}
	if err := w.ws.Close(); err != nil {
		w.t.Errorf("close: %v", err)
	}
}

// What a process is doing, as far as its reads of the cursor depend on it.
const (
	running int32 = iota
	takingOver
)

// process is one worker with connections of its own.
type process struct {
	w      *world
	name   string
	redis  *redisTap
	kafka  *kafkaTap
	worker *worker.Worker
	phase  atomic.Int32
	dead   atomic.Bool
	life   context.Context // until it is killed
	kill   context.CancelFunc
	ended  chan struct{} // Run has returned and everything is closed

	unassign context.CancelFunc // what the group tells it: the shard is given up
}

// start begins a process that is assigned the shard.
func (w *world) start() *process {
	w.t.Helper()
	p := &process{w: w, name: fmt.Sprintf("%c", 'A'+len(w.processes)), ended: make(chan struct{})}
	p.life, p.kill = context.WithCancel(context.Background())
	p.redis, p.kafka = newRedisTap(p), newKafkaTap(p)
	assigned, unassign := context.WithCancel(context.Background())
	p.unassign = unassign
	st, err := store.Open(w.t.Context(), store.Options{Addrs: []string{w.mini.Addr()}, Namespace: w.ws.Name,
		ReadTimeout: patient, Hooks: []redis.Hook{p.redis}})
	if err != nil {
		w.t.Fatal(err)
	}
	transport := consumer.Security{}.Transport(w.ws.Inputs()...)
	fetcher := consumer.NewFetcher(consumer.FetcherOptions{Transport: transport, Addr: kafka.TCP(w.ws.Brokers),
		Log: w.log, MaxWait: 50 * time.Millisecond, BatchMessages: worker.SharedBatch(w.batch, w.cache)})
	p.worker = worker.New(p.options(st, fetcher), 0)
	w.processes = append(w.processes, p)
	w.logf("process %s starts", p.name)
	go func() {
		defer close(p.ended)
		p.worker.Run(assigned)
		fetcher.Close()
		transport.CloseIdleConnections()
		st.Close()
		w.logf("process %s has ended", p.name)
	}()
	return p
}

func (p *process) options(st *store.Store, fetcher *consumer.Fetcher) worker.Options {
	w := p.w
	usd, bandRule := event.Currency{'U', 'S', 'D'}, w.rule
	shard := func() (aggregator.Options, error) {
		o := aggregator.Options{Calendar: civil.NewCalendar(time.UTC), Horizon: horizon, Currency: usd, ActiveDays: 90, SilentDays: 14,
			LapseGrace: -1, WeekStart: time.Monday, Dimensions: []string{"plan"}, Profile: aggregator.DefaultProfile(), MaxUsersInline: 4,
			BandRules: []aggregator.BandRule{{Name: bandRule, Band: aggregator.Red, ResolveAfter: (24 * time.Hour).Milliseconds()}}}
		o.ActivityKinds[event.Login] = true
		if w.purchases > 0 {
			o.ByPurchases, o.ActiveDays = true, w.purchases
		}
		return o, nil
	}
	out := w.outputs()
	var company func([]string, map[aggregator.Pair]aggregator.Firing) (worker.Company, error)
	if w.company != nil {
		company = func(_ []string, firing map[aggregator.Pair]aggregator.Firing) (worker.Company, error) {
			return w.company(firing), nil
		}
	}
	return worker.Options{
		Company: company,
		Store:   st, Fetcher: fetcher, Inputs: w.ws.Inputs(), Log: w.log.Named(p.name),
		Publisher: publisher.Options{Brokers: []string{w.ws.Brokers}, Namespace: w.ws.Name,
			Topics:  publisher.Topics{Alerts: out.Alerts, Cursors: out.Cursors},
			Timeout: 4 * time.Second, LookLimit: 5 * time.Second, CursorLimit: 20 * time.Second,
			Log: w.log.Named(p.name), Hooks: []kgo.Opt{kgo.Dialer(p.kafka.dial)}},
		Topics: func(ctx context.Context) (set consumer.TopicSet, err error) {
			return set, p.through(readTopics, func() error {
				known := w.ws.Inputs()
				if w.forgotten.Add(-1) >= 0 {
					known = known[1:]
				}
				set, err = consumer.ReadTopics(ctx, w.admin, known...)
				return err
			}, nil)
		},
		Shard: shard, Partition: func(key []byte, n int) (int, error) { return consumer.Partition("murmur2", key, n) },
		Partitioner: "murmur2", Decoder: event.Options{Currency: usd}, Outputs: out,
		Others: func() (int64, bool) { return 0, !w.others.Load() },
		Zone:   time.UTC, Profile: aggregator.DefaultProfile(), Source: "tidemark/test", Currency: usd,
		Disorder: 10 * time.Second, FutureSkew: time.Hour, RetainRows: 1000, LiveBatch: w.batch, CatchUp: w.batch,
		CacheBytes: w.cache, StepLimit: w.limit, Severity: w.severity,
		Settings: "as ever", Changed: func(string) string { return "" },
	}
}

// die is what SIGKILL does: nothing is sent any more.
func (p *process) die() {
	if p.dead.Swap(true) {
		return
	}
	p.kill()
	p.unassign()
	p.redis.cutAll()
	p.kafka.cutAll()
}

// until waits for a condition.
func (w *world) until(what string, holds func() bool) {
	w.t.Helper()
	w.eventually(what, func() error {
		if holds() {
			return nil
		}
		return fmt.Errorf("not yet")
	})
}

func (w *world) eventually(what string, ask func() error) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patient)
	defer cancel()
	if err := endtoend.Eventually(ctx, func() error {
		if w.t.Failed() {
			return endtoend.Stop(fmt.Errorf("failed already"))
		}
		return ask()
	}); err != nil {
		w.t.Fatalf("wait until %s: %v", what, err)
	}
}

// untilFetched waits until the one process that still runs has fetched all of an
// input topic, which a worker that stands still does not keep its fetcher from:
// what it asks for then is what comes after.
func (w *world) untilFetched(topic string) {
	w.t.Helper()
	topic = w.ws.Name + "." + topic
	ends, err := w.admin.ListEndOffsets(w.t.Context(), topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		w.t.Fatal(err)
	}
	end, _ := ends.Lookup(topic, 0)
	var asked atomic.Int64
	w.kfake.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
		for _, x := range req.(*kmsg.FetchRequest).Topics {
			if x.Topic == topic {
				asked.Store(x.Partitions[0].FetchOffset)
			}
		}
		return nil, nil, false
	})
	w.until(topic+" is fetched", func() bool { return asked.Load() >= end.Offset })
}

// oracleConfig is what the batch oracle is told of the options above.
func oracleConfig() oracle.Config {
	cfg := oracle.DefaultConfig()
	cfg.Horizon, cfg.Dimensions = horizon, []string{"plan"}
	return cfg
}
