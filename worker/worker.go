// Package worker owns shards: it takes one over, applies its events, commits
// and publishes, step by step as docs/protocol.md numbers them. One goroutine
// runs one shard; whatever is in doubt ends in forgetting the shard and taking
// it over again.
package worker

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/consumer"
	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/publisher"
	"github.com/tidemark-io/tidemark/store"
)

// Options are what the shards of one process share.
type Options struct {
	Store     *store.Store
	Fetcher   *consumer.Fetcher
	Publisher publisher.Options // Shard is set by the worker
	Inputs    []string          // input topics
	// Topics describes the input topics as they are now.
	Topics func(ctx context.Context) (consumer.TopicSet, error)
	// Shard gives the options of a shard; each call with a calendar of its own.
	Shard func() (aggregator.Options, error)
	// Partition is the partitioner that keys must have been placed by.
	Partition   func(key []byte, n int) (int, error)
	Partitioner string // its name
	Decoder     event.Options
	Outputs     consumer.Outputs
	// Company is what the owner of shard 0 does beside; nil where there is nothing.
	Company func(sent []string, firing map[aggregator.Pair]aggregator.Firing) (Company, error)
	// Others tells, once every shard is at the end of its log, the highest event
	// time of any; ok is false before. Only read where Live is false.
	Others func() (highest int64, ok bool)

	Zone       *time.Location
	Profile    aggregator.Profile
	Source     string // of the events that are published
	Currency   event.Currency
	Live       bool          // the clock may move the watermark of a silent log
	Disorder   time.Duration // taken off the highest event time
	FutureSkew time.Duration
	RetainRows int32                      // days that frozen rows are kept
	LiveBatch  int                        // messages a commit at most, at the end of the log
	CatchUp    int                        // records that a commit changes at most while catching up
	CacheBytes int                        // of this shard's records
	StepLimit  time.Duration              // of one commit or publication; 0: 10 s
	Severity   map[string]string          // of band rules by name, of KPI rules by "kpi/" and name
	Settings   string                     // fingerprint of what needs a replay when it changes
	Changed    func(stored string) string // a sentence where the stored fingerprint does not fit; "" where it does

	Log *zap.Logger
}

// Stopped is the state of a shard that stays as it is until somebody has acted.
const Stopped = "stopped"

// Status is what a worker says of its shard.
type Status struct {
	Shard    int
	State    string // taking over, catching up, live, held, waiting, or Stopped
	Reason   string // why it is not live, in a sentence
	Lag      int64  // messages behind the ends of the logs
	Cache    int    // bytes that loaded records took when the last commit was made, before any was dropped
	Progress time.Time
	Commits  uint64
	Counters map[string]int64
	Next     map[string]int64 // committed offsets by topic
}

// Ready says whether the shard moves: it is about at the end of its log, or it has
// committed something within the last half minute, and all its inputs answer.
func (s Status) Ready() bool {
	switch s.State {
	case "live":
		return true
	case "catching up":
		return time.Since(s.Progress) < 30*time.Second
	}
	return false
}

// Worker runs one shard for as long as it is assigned.
type Worker struct {
	opts  Options
	shard int
	log   *zap.Logger

	mu     sync.Mutex
	status Status
}

// New returns the worker of a shard.
func New(o Options, shard int) *Worker {
	if o.StepLimit == 0 {
		o.StepLimit = stepLimit
	}
	return &Worker{opts: o, shard: shard, log: o.Log.With(zap.Int("shard", shard)),
		status: Status{Shard: shard, State: "taking over", Progress: time.Now()}}
}

// Status is safe to call from anywhere.
func (w *Worker) Status() Status {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.status
}

func (w *Worker) say(set func(*Status)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	set(&w.status)
}

// stopped is an error that another take-over would meet again: the shard stays
// stopped until somebody has done what the sentence says.
type stopped struct{ error }

func (s stopped) Unwrap() error { return s.error }

func stop(format string, args ...any) error { return stopped{fmt.Errorf(format, args...)} }

// maxPause is the longest pause between two take-overs.
const maxPause = 10 * time.Second

// A tenure that ends sooner has done nothing, one that lasts longer was in order.
const (
	shortTenure = time.Second
	longTenure  = time.Minute
)

// Run owns the shard until ctx ends. In doubt it starts over, and from the third time
// in a row on waits longer each time: where the error is the same, or the tenure was
// short, whatever has ended it, since errors of one cause may differ in a port or an
// offset. A shard that must not go on stays stopped until ctx ends.
func (w *Worker) Run(ctx context.Context) {
	var last string
	times := 0
	for ctx.Err() == nil {
		began := time.Now()
		err := w.own(ctx)
		if err == nil || ctx.Err() != nil && !errors.As(err, new(stopped)) {
			return
		}
		if errors.As(err, new(stopped)) {
			w.log.Error("shard is stopped", zap.Error(err))
			w.say(func(s *Status) { s.State, s.Reason = Stopped, err.Error() })
			<-ctx.Done()
			return
		}
		took := time.Since(began)
		if times++; took > longTenure || took > shortTenure && err.Error() != last {
			times = 1
		}
		last = err.Error()
		pause := time.Duration(0)
		if times >= 3 {
			pause = min(maxPause, 100*time.Millisecond<<min(times, 8))
			pause += rand.N(pause / 4)
		}
		w.log.Warn("in doubt: start over", zap.Error(err), zap.Int("times", times), zap.Duration("pause", pause))
		w.say(func(s *Status) { s.State, s.Reason = "waiting", err.Error() })
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// own is one tenure: take over, then go round until the shard is lost or in
// doubt. nil means that the shard was given up in order.
func (w *Worker) own(ctx context.Context) error {
	t := &tenure{Worker: w, wake: make(chan struct{}, 1)}
	defer t.release()
	w.say(func(s *Status) { s.State, s.Reason = "taking over", "" })
	if err := t.takeOver(ctx); err != nil {
		return fmt.Errorf("take over shard %d: %w", w.shard, err)
	}
	t.report() // there may be nothing to commit for a long time
	return t.loop(ctx)
}
