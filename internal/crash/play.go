package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/internal/endtoend"
	"github.com/tidemark-io/tidemark/internal/oracle"
	"github.com/tidemark-io/tidemark/internal/testserver"
)

// limits of time. Sessions are as short as the configuration allows.
const (
	session     = time.Second
	playLimit   = 8 * time.Minute // of a whole schedule
	faultLimit  = 2 * time.Minute // of one fault
	restLimit   = 2 * time.Minute // from the last event to the end of all work
	chunkPace   = 30 * time.Millisecond
	readyWithin = 2 * time.Minute
)

// outcome is how a schedule ended.
type outcome struct {
	schedule schedule
	story    []string // what was done to whom
	numbers  string   // how much there was of what
	held     bool     // a shard was seen to hold its publications
	fenced   bool     // a zombie was refused by Redis or Kafka
	hung     bool     // a transaction that Kafka had left hanging was ended
	took     time.Duration
	err      error
}

func (o outcome) String() string {
	return fmt.Sprintf("%s\n     %s\n     %s, %v", o.schedule, strings.Join(o.story, "\n     "), o.numbers, o.took.Round(time.Second/10))
}

// play is one schedule being played.
type play struct {
	schedule
	kafka   *testserver.Kafka
	redis   *testserver.Redis
	space   *endtoend.Workspace
	workers []*endtoend.Worker // two, and those that join for a while
	cfg     oracle.Config
	history *history
	truth   *endtoend.Truth

	floor     int64          // of the append-only file: nothing before it is cut off
	positions map[string]fed // by "topic/partition@offset"
	began     time.Time
	fenced    bool // written by faults, one after the other
	mu        sync.Mutex
	story     []string
}

// fed is a message with the record that it became.
type fed struct {
	message
	record *kgo.Record
}

// tell notes what is being done.
func (p *play) tell(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.story = append(p.story, fmt.Sprintf("%6.2fs ", time.Since(p.began).Seconds())+fmt.Sprintf(format, args...))
}

// run plays a schedule on a shared Kafka and a Redis of its own. The logs stay
// in dir where it fails.
func run(ctx context.Context, kafka *testserver.Kafka, s schedule, dir string) (o outcome) {
	ctx, cancel := context.WithTimeout(ctx, playLimit)
	defer cancel()
	p := &play{schedule: s, kafka: kafka, positions: map[string]fed{}, began: time.Now()}
	o.schedule = s
	defer func() { o.story, o.took = p.story, time.Since(p.began) }()
	if o.err = os.MkdirAll(filepath.Join(dir, "redis"), 0o755); o.err != nil {
		return o
	}
	p.redis, o.err = testserver.RunRedis(testserver.RedisOptions{Dir: filepath.Join(dir, "redis"),
		Args: []string{"--auto-aof-rewrite-percentage", "0"}})
	if o.err != nil {
		return o
	}
	defer func() { o.err = errors.Join(o.err, p.redis.Stop()) }()
	p.space, o.err = endtoend.New(ctx, endtoend.Options{Name: fmt.Sprintf("crash%d", s.seed), Dir: dir, Brokers: kafka.Addr,
		Redis: p.redis.Addr, Partitions: s.partitions, Lines: s.lines(), Session: session, Topics: s.topics()})
	if o.err != nil {
		return o
	}
	defer func() { o.err = errors.Join(o.err, p.space.Close()) }()
	defer p.killAll()
	if o.err = p.play(ctx); o.err == nil {
		o.numbers, o.err = p.verify(ctx)
	}
	o.held, o.fenced, o.hung = p.saw("shard is held"), p.fenced, p.saw("ended a transaction of this shard that hung")
	if o.err == nil {
		o.err = errors.Join(p.space.DeleteTopics(ctx), os.RemoveAll(dir))
		return o
	}
	for _, line := range p.space.Transactions(ctx) {
		p.tell("%s", line)
	}
	return o
}

// saw says whether any worker has logged a text.
func (p *play) saw(text string) bool {
	for _, w := range p.workers {
		if _, ok, err := w.Log.Find(0, text); ok && err == nil {
			return true
		}
	}
	return false
}

// killAll leaves no process behind, however the schedule ended. What is still
// there has not done its work: SIGQUIT has it write down where it stands.
func (p *play) killAll() {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	for _, w := range p.workers {
		if w.Running() {
			_ = w.Signal(syscall.SIGCONT)
			_ = w.Signal(syscall.SIGQUIT)
			if _, err := w.Wait(ctx); err != nil {
				_ = w.Signal(syscall.SIGKILL)
			}
		}
	}
}

// play starts both processes, feeds the history and commits the faults.
func (p *play) play(ctx context.Context) error {
	p.cfg = p.config()
	p.history = newHistory(p.schedule, p.cfg, p.space.PartitionOf)
	for _, name := range []string{"w0", "w1"} {
		w, err := p.space.Worker(name)
		if err != nil {
			return err
		}
		p.workers = append(p.workers, w)
		if err := w.Start(); err != nil {
			return err
		}
		p.tell("%s started, pid %d", w.Name, w.Pid())
	}
	first, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	for _, w := range p.workers {
		if err := w.Ready(first); err != nil {
			return err
		}
	}
	if err := p.feed(first, p.history.first); err != nil {
		return err
	}
	if _, err := p.space.AtRest(first, p.history.first[0].at); err != nil {
		return fmt.Errorf("the first events: %w; the logs say:\n%s\n%s", err, p.workers[0].Log.Tail(10), p.workers[1].Log.Tail(10))
	}
	file, err := aofFile(p.redis.AOFDir())
	if err != nil {
		return err
	}
	if _, p.floor, err = readSteps(file); err != nil {
		return err
	}
	return p.feedAndFault(ctx)
}

// feedAndFault feeds chunk by chunk. A fault begins before its chunk, and once
// the fault before it is over; meanwhile feeding goes on.
func (p *play) feedAndFault(ctx context.Context) error {
	pace := time.NewTicker(chunkPace)
	defer pace.Stop()
	faults, done := p.faults, make(chan error, 1)
	done <- nil
	for i, chunk := range p.history.chunks {
		if len(faults) > 0 && faults[0].chunk <= i {
			if err := <-done; err != nil {
				return err
			}
			f := faults[0]
			faults = faults[1:]
			go func() { done <- p.commit(ctx, f) }()
		}
		if err := p.feed(ctx, chunk); err != nil {
			return errors.Join(err, <-done)
		}
		select {
		case <-pace.C:
		case <-ctx.Done():
			return errors.Join(ctx.Err(), <-done)
		}
	}
	return <-done
}

// feed produces messages in order and remembers where they came to lie.
func (p *play) feed(ctx context.Context, messages []message) error {
	records := make([]*kgo.Record, len(messages))
	for i, m := range messages {
		records[i] = &kgo.Record{Topic: p.space.Settings.Kafka.Topics.For(m.kind), Partition: endtoend.Anywhere, Key: m.key, Value: m.value,
			Headers: []kgo.RecordHeader{{Key: "trace", Value: fmt.Append(nil, i)}}}
	}
	if err := p.space.Produce(ctx, records...); err != nil {
		return err
	}
	for i, r := range records {
		p.positions[endtoend.Position(r.Topic, r.Partition, r.Offset)] = fed{messages[i], r}
	}
	return nil
}

// playAll plays schedules, jobs of them at a time, and tells of each as it
// ends. Those that restart Kafka play alone, since all share it. It returns
// what was seen in all of them.
func playAll(ctx context.Context, kafka *testserver.Kafka, list []schedule, jobs int, dir string, tell func(outcome)) *summary {
	var alone sync.RWMutex
	var mu sync.Mutex
	sum := &summary{faults: map[kind]int{}}
	slots := make(chan struct{}, max(1, jobs))
	var wg sync.WaitGroup
	for _, s := range list {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			if s.has(kafkaRestart) {
				alone.Lock()
				defer alone.Unlock()
			} else {
				alone.RLock()
				defer alone.RUnlock()
			}
			if ctx.Err() != nil {
				return
			}
			o := run(ctx, kafka, s, filepath.Join(dir, fmt.Sprint(s.seed)))
			mu.Lock()
			defer mu.Unlock()
			sum.add(o)
			tell(o)
		})
	}
	wg.Wait()
	return sum
}

// summary is what was seen in a run of schedules.
type summary struct {
	faults map[kind]int
	held   int // schedules in which publications were held
	fenced int // schedules in which a zombie was refused
	hung   int // schedules in which a transaction hung and was ended
}

func (s *summary) add(o outcome) {
	for _, f := range o.schedule.faults {
		s.faults[f.kind]++
	}
	if o.held {
		s.held++
	}
	if o.fenced {
		s.fenced++
	}
	if o.hung {
		s.hung++
	}
}

// missing are the kinds of faults that were never played.
func (s *summary) missing() (out []kind) {
	for _, k := range kinds {
		if s.faults[k] == 0 {
			out = append(out, k)
		}
	}
	return out
}

func (s *summary) String() string {
	var parts []string
	for _, k := range kinds {
		parts = append(parts, fmt.Sprintf("%s %d", k, s.faults[k]))
	}
	return fmt.Sprintf("faults: %s; publications held in %d schedules, zombies fenced in %d, hanging transactions ended in %d", strings.Join(parts, ", "),
		s.held, s.fenced, s.hung)
}
