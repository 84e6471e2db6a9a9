package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"syscall"
	"time"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/consumer"
	"github.com/tidemark-io/tidemark/event"
)

// coreOptions are what serve makes of the default configuration.
func coreOptions() aggregator.Options {
	o := aggregator.Options{Calendar: civil.NewCalendar(time.UTC), Horizon: 100, Currency: currencyUSD,
		ActiveDays: 90, SilentDays: 14, LapseGrace: -1, Profile: aggregator.DefaultProfile(),
		BandRules: []aggregator.BandRule{{Name: "at_risk", Band: aggregator.Red, ResolveAfter: 24 * msHour}}}
	o.ActivityKinds[event.Login] = true
	return o
}

// As in serve while it catches up on this stream with two cores: in its second of
// collecting a shard applies some batchEvents, applyEvents at a time, as they
// come from the fetcher.
const (
	batchEvents = 200_000
	applyEvents = 1_000
)

// messages are some messages of one partition as bytes, and as many of them
// decoded as are applied at a time. The memory is used again for the next ones.
type messages struct {
	bytes   []byte
	ends    []int
	events  []event.Event
	decoder *event.Decoder
}

func newMessages() *messages {
	return &messages{bytes: make([]byte, 0, 200*batchEvents), ends: make([]int, 0, batchEvents),
		events: make([]event.Event, applyEvents), decoder: event.NewDecoder(event.Options{Currency: currencyUSD})}
}

func (m *messages) add(ev *event.Event) {
	m.bytes = ev.Append(m.bytes)
	m.ends = append(m.ends, len(m.bytes))
}

func (m *messages) clear() { m.bytes, m.ends = m.bytes[:0], m.ends[:0] }

// decode decodes the messages [from, to).
func (m *messages) decode(from, to int) error {
	m.decoder.Reset()
	m.events = m.events[:to-from]
	at := 0
	if from > 0 {
		at = m.ends[from-1]
	}
	for i, end := range m.ends[from:to] {
		if reason := m.decoder.Decode(&m.events[i], m.bytes[at:end], nil); reason != "" {
			return fmt.Errorf("the stream's event %s is refused: %s", m.bytes[at:end], reason)
		}
		at = end
	}
	return nil
}

// coreRun is one run over the whole stream without I/O.
type coreRun struct {
	events              int
	bytes               int
	decode, apply       time.Duration
	decodeCPU, applyCPU time.Duration // of the whole process, garbage collection included
	decodeAllocs        uint64        // of some messages of each batch
	records             int           // written by Changes
	heap                uint64        // bytes in use at the end, after a garbage collection
}

// coreShard is one shard without store and log.
type coreShard struct {
	state  *aggregator.Shard
	in     *messages
	latest int64 // highest event time so far
}

// runCore applies the stream to as many shards as the topic has partitions, a
// commit of each every batchEvents of its own, on one core. What is timed apart:
// decoding, and Need to Committed. Both happen as in serve, a few events at a time.
func runCore(b *bench, days int) (coreRun, error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	runtime.GC()
	var shards [partitions]coreShard
	for i := range shards {
		state, err := aggregator.New(coreOptions())
		if err != nil {
			return coreRun{}, err
		}
		shards[i] = coreShard{state: state, in: newMessages()}
	}
	var r coreRun
	var ev event.Event
	g := newGenerator(b.seed, b.events, days)
	for range b.events {
		g.next(&ev)
		p, err := consumer.Partition(consumer.Murmur2, ev.Customer, partitions)
		if err != nil {
			return coreRun{}, err
		}
		s := &shards[p]
		if s.in.add(&ev); len(s.in.ends) == batchEvents {
			if err := s.batch(&r); err != nil {
				return coreRun{}, err
			}
		}
	}
	for i := range shards {
		if err := shards[i].batch(&r); err != nil {
			return coreRun{}, err
		}
		shards[i].in = nil
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	r.heap = m.HeapAlloc
	runtime.KeepAlive(&shards)
	return r, nil
}

// batch decodes and applies what was collected, applyEvents at a time, commits
// it, and times both apart.
func (s *coreShard) batch(r *coreRun) error {
	r.bytes += len(s.in.bytes)
	for at := 0; at < len(s.in.ends); at += applyEvents {
		to := min(at+applyEvents, len(s.in.ends))
		if err := timed("decode", &r.decode, &r.decodeCPU, func() error { return s.in.decode(at, to) }); err != nil {
			return err
		}
		if err := timed("core", &r.apply, &r.applyCPU, s.apply); err != nil {
			return err
		}
		r.events += to - at
	}
	allocs := mallocs()
	if err := s.in.decode(0, min(applyEvents, len(s.in.ends))); err != nil { // once more, with the memory that it has by now
		return err
	}
	r.decodeAllocs += mallocs() - allocs
	s.in.clear()
	return timed("core", &r.apply, &r.applyCPU, func() error { s.commit(r); return nil })
}

// timed adds what do takes to wall and used, under a label in CPU profiles.
func timed(part string, wall, used *time.Duration, do func() error) (err error) {
	start, before := time.Now(), cpuTime()
	pprof.Do(context.Background(), pprof.Labels("part", part), func(context.Context) { err = do() })
	*wall += time.Since(start)
	*used += cpuTime() - before
	return err
}

func (s *coreShard) apply() error {
	events := s.in.events
	if need := s.state.Need(events); len(need) > 0 {
		return fmt.Errorf("%d records are missing in a shard that was never stored", len(need))
	}
	for i := range events {
		s.latest = max(s.latest, events[i].Time)
		if _, err := s.state.Apply(i, &events[i], aggregator.Cause{Topic: "events"}); err != nil {
			return err
		}
	}
	return nil
}

func (s *coreShard) commit(r *coreRun) {
	for s.state.Advance(s.latest-10_000, 1095) {
		s.state.Need(nil)
	}
	r.records += len(s.state.Changes().Records)
	s.state.Committed(1 << 40)
}

func mallocs() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs
}

// cpuTime is the processor time that this process has used, which a busy
// machine changes less than the clock.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0 // cannot fail for RUSAGE_SELF
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// runCores is the part core.
func runCores(_ context.Context, b *bench) error {
	for _, days := range []int{60, 7} {
		var t table
		for range b.rounds {
			r, err := b.profiled(fmt.Sprintf("core-%dd", days), func() (coreRun, error) { return runCore(b, days) })
			if err != nil {
				return err
			}
			n := float64(r.events)
			t.add("core, events/s on one core", n/r.apply.Seconds())
			t.add("core, events per second of processor time", n/r.applyCPU.Seconds())
			t.add("core, ns an event of processor time", float64(r.applyCPU)/n)
			t.add("decode, ns an event", float64(r.decode)/n)
			t.add("decode, ns an event of processor time", float64(r.decodeCPU)/n)
			t.add("decode, allocations an event in the steady state", float64(r.decodeAllocs)/n)
			t.add("heap MB at the end, all records in memory", float64(r.heap)/1e6)
			t.add("bytes of an event", float64(r.bytes)/n)
			t.add("stored values written, for 1,000 events", 1000*float64(r.records)/n)
		}
		fmt.Printf("%d events over %d days, %d shards one after the other, a commit of a shard each %d:\n", b.events, days, partitions, batchEvents)
		t.print()
	}
	return nil
}

// profiled writes a CPU profile of do where they are asked for.
func (b *bench) profiled(name string, do func() (coreRun, error)) (r coreRun, err error) {
	if !b.profile {
		return do()
	}
	f, err := os.Create(filepath.Join(b.logs, name+".prof"))
	if err != nil {
		return coreRun{}, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := pprof.StartCPUProfile(f); err != nil {
		return coreRun{}, err
	}
	defer pprof.StopCPUProfile()
	return do()
}
