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

// As in serve while it catches up: a commit covers batchEvents, and they are
// applied applyEvents at a time, as they come from the fetcher.
const (
	batchEvents = 50_000
	applyEvents = 1_000
)

// messages holds one batch of the stream as bytes and decoded. Its memory is
// used again for the next batch.
type messages struct {
	bytes   []byte
	ends    []int
	events  []event.Event
	decoder *event.Decoder
	latest  int64 // highest event time so far
}

func newMessages() *messages {
	return &messages{decoder: event.NewDecoder(event.Options{Currency: currencyUSD})}
}

// fill writes the next n events of the stream.
func (m *messages) fill(g *generator, n int) {
	m.bytes, m.ends = m.bytes[:0], m.ends[:0]
	var ev event.Event
	for range n {
		g.next(&ev)
		m.bytes = ev.Append(m.bytes)
		m.ends = append(m.ends, len(m.bytes))
	}
}

func (m *messages) decode() error {
	m.decoder.Reset()
	if len(m.events) < len(m.ends) {
		m.events = make([]event.Event, len(m.ends))
	}
	m.events = m.events[:len(m.ends)]
	at := 0
	for i, end := range m.ends {
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
	decodeAllocs        uint64        // of all batches but the first
	records             int           // written by Changes
	customers           int
}

// runCore applies the stream to one shard, a commit every batchEvents, on one
// core. What is timed apart: decoding, and Need to Committed.
func runCore(b *bench, days int) (coreRun, error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	runtime.GC()
	g, m := newGenerator(b.seed, b.events, days), newMessages()
	s, err := aggregator.New(coreOptions())
	if err != nil {
		return coreRun{}, err
	}
	var r coreRun
	for first := true; r.events < b.events; first = false {
		m.fill(g, min(batchEvents, b.events-r.events))
		r.bytes += len(m.bytes)
		allocs := mallocs()
		start, used := time.Now(), cpuTime()
		pprof.Do(context.Background(), pprof.Labels("part", "decode"), func(context.Context) { err = m.decode() })
		r.decode += time.Since(start)
		r.decodeCPU += cpuTime() - used
		if err != nil {
			return coreRun{}, err
		}
		if !first {
			r.decodeAllocs += mallocs() - allocs
		}
		start, used = time.Now(), cpuTime()
		pprof.Do(context.Background(), pprof.Labels("part", "core"), func(context.Context) { err = applyBatch(s, m, &r) })
		r.apply += time.Since(start)
		r.applyCPU += cpuTime() - used
		if err != nil {
			return coreRun{}, err
		}
		r.events += len(m.events)
	}
	return r, nil
}

func applyBatch(s *aggregator.Shard, m *messages, r *coreRun) error {
	for events := m.events; len(events) > 0; {
		n := min(applyEvents, len(events))
		if need := s.Need(events[:n]); len(need) > 0 {
			return fmt.Errorf("%d records are missing in a shard that was never stored", len(need))
		}
		for i := range events[:n] {
			m.latest = max(m.latest, events[i].Time)
			if _, err := s.Apply(&events[i], aggregator.Cause{Topic: "events", Offset: int64(r.events + i)}); err != nil {
				return err
			}
		}
		for s.Advance(m.latest-10_000, 1095) {
			s.Need(nil)
		}
		events = events[n:]
	}
	ch := s.Changes()
	r.records += len(ch.Records)
	s.Committed(1 << 40)
	return nil
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
			t.add("bytes of an event", float64(r.bytes)/n)
			t.add("stored values written, for 1,000 events", 1000*float64(r.records)/n)
		}
		fmt.Printf("%d events over %d days, batches of %d, a commit each %d:\n", b.events, days, applyEvents, batchEvents)
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
