package report

import (
	"context"
	"math"
	"sync"
	"sync/atomic"

	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/ingest"
)

const (
	roundEvents   = 2048 // over all shards
	roundsOfShard = 4    // being filled, waiting, being applied
)

// round is some events of one shard, in the order of time.
type round struct {
	events []event.Event
	upTo   int64         // no later round has an event before this by more than the disorder
	spent  *ingest.Batch // what the shards' rounds up to this one used and later ones don't
	left   *atomic.Int32 // shards that have not applied their round of the same number
}

// runner feeds the shards of an engine.
type runner struct {
	engine   *Engine
	rounds   []chan round
	free     []chan []event.Event
	filling  [][]event.Event
	failed   chan error
	stop     context.CancelFunc
	until    int64
	first    int64 // event times of this run
	latest   int64
	any      bool
	later    int64
	progress func(read, total int64)
}

// Run applies a flow's events whose time is before until (Unix ms; 0: all).
// Progress may be nil.
func (e *Engine) Run(ctx context.Context, f *ingest.Flow, until int64, progress func(read, total int64)) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if until == 0 {
		until = math.MaxInt64
	}
	r := &runner{engine: e, failed: make(chan error, len(e.shards)), stop: stop, until: until, progress: progress}
	for i := range e.shards {
		r.rounds = append(r.rounds, make(chan round, roundsOfShard))
		r.free = append(r.free, make(chan []event.Event, roundsOfShard))
		for range roundsOfShard {
			r.free[i] <- nil
		}
	}
	var wait sync.WaitGroup
	for i, s := range e.shards {
		wait.Go(func() { r.apply(i, s) })
	}
	err := r.feed(ctx, f)
	for _, c := range r.rounds {
		close(c)
	}
	wait.Wait()
	if len(r.failed) > 0 {
		return <-r.failed // the cause of whatever feed ended with
	}
	if r.any {
		e.seen(r.first, r.latest)
	}
	e.events.Later += r.later
	return err
}

// feed deals the events out, a round to each shard at a time.
func (r *runner) feed(ctx context.Context, f *ingest.Flow) error {
	n := len(r.rounds)
	r.filling = make([][]event.Event, n)
	visit := func(ev *event.Event) {
		if ev.Time >= r.until {
			r.later++
			return
		}
		if !r.any {
			r.any, r.first, r.latest = true, ev.Time, ev.Time
		}
		r.first, r.latest = min(r.first, ev.Time), max(r.latest, ev.Time)
		i := shardOf(ev.Customer, n)
		r.filling[i] = append(r.filling[i], *ev)
	}
	for more := true; more; {
		for i := range r.filling {
			select {
			case r.filling[i] = <-r.free[i]:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		var spent *ingest.Batch
		var err error
		if spent, more, err = f.Step(roundEvents, visit); err != nil {
			return err
		}
		left := &atomic.Int32{}
		left.Store(int32(n))
		for i := range r.filling {
			r.rounds[i] <- round{r.filling[i], r.latest, spent, left} // has room for all there are
		}
		if r.progress != nil {
			r.progress(f.Progress())
		}
	}
	return nil
}

// apply is the goroutine of one shard. After an error it only hands back.
func (r *runner) apply(i int, s *shard) {
	failed := false
	for round := range r.rounds[i] {
		if !failed {
			err := s.apply(round.events)
			if err == nil {
				err = s.pass(round.upTo - r.engine.options.Disorder)
			}
			if err != nil {
				failed = true
				r.failed <- err
				r.stop()
			}
		}
		if round.left.Add(-1) == 0 && round.spent != nil {
			round.spent.Free()
		}
		r.free[i] <- round.events[:0]
	}
}
