package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Names of figures that others are divided by or into.
const (
	figReader   = "bare Reader, events/s"
	figByHand   = "hand-written, a command each, events/s"
	figMulti    = "hand-written, MGET and MSET, events/s"
	figTidemark = "tidemark serve, events/s from its first claim on"
)

// runThroughput reads the same topic in every way, each round anew.
func runThroughput(ctx context.Context, b *bench) error {
	if err := b.startServers(ctx); err != nil {
		return err
	}
	fmt.Printf("bare Reader: %s, every message thrown away\n%s\n", readerSettings, byHandSettings)
	for _, days := range []int{60, 7} {
		topic, err := b.stream(ctx, days)
		if err != nil {
			return err
		}
		var t table
		for range b.rounds {
			if err := b.throughputRound(ctx, topic, &t); err != nil {
				return err
			}
		}
		t.print()
		v := t.values
		ratios := table{names: []string{"tidemark / bare Reader", "tidemark / hand-written, a command each",
			"tidemark / hand-written, MGET and MSET", "hand-written, a command each / bare Reader"}}
		ratios.values = map[string]series{
			ratios.names[0]: v[figTidemark].ratio(v[figReader]), ratios.names[1]: v[figTidemark].ratio(v[figByHand]),
			ratios.names[2]: v[figTidemark].ratio(v[figMulti]), ratios.names[3]: v[figByHand].ratio(v[figReader]),
		}
		ratios.print()
	}
	return nil
}

func (b *bench) throughputRound(ctx context.Context, topic string, t *table) error {
	r, err := b.readAll(ctx, topic, b.events)
	if err != nil {
		return err
	}
	t.add(figReader, r.steady)
	n := min(b.byHand, b.events)
	for _, multi := range []bool{false, true} {
		if err := b.startServers(ctx); err != nil { // empties Redis
			return err
		}
		r, err := b.handRate(ctx, topic, n, multi)
		if err != nil {
			return err
		}
		t.add(map[bool]string{false: figByHand, true: figMulti}[multi], r.steady)
	}
	if err := b.startServers(ctx); err != nil {
		return err
	}
	return b.serveRate(ctx, topic, t)
}

// serveRate runs tidemark serve over the topic, from nothing to the log's end.
func (b *bench) serveRate(ctx context.Context, topic string, t *table) (err error) {
	if _, err := b.tidemarkBinary(ctx); err != nil { // not in the time that counts
		return err
	}
	ns := namespace{name: b.unique("throughput"), topic: topic, clock: "log"}
	w, err := b.watch(ctx, ns, partitions)
	if err != nil {
		return err
	}
	defer w.store.Close()
	start := time.Now()
	p, err := b.serve(ctx, ns)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	at, err := w.until(ctx, p, int64(b.events), 20*time.Millisecond)
	if err != nil {
		return err
	}
	took := time.Since(at)
	resident, err := p.resident()
	if err != nil {
		return err
	}
	t.add(figTidemark, float64(b.events)/took.Seconds())
	t.add("tidemark serve, events/s, its start included", float64(b.events)/time.Since(start).Seconds())
	t.add("tidemark serve, events a commit", float64(b.events)/float64(w.commits()))
	t.add("tidemark serve, resident MB at the most", float64(resident)/1e6)
	return w.balanced(int64(b.events))
}

// balanced makes sure that what was measured was done: every message has
// exactly one outcome.
func (w *watch) balanced(events int64) error {
	c, sum := w.counters(), int64(0)
	var said []string
	for _, name := range slices.Sorted(maps.Keys(c)) {
		said = append(said, fmt.Sprintf("%s %d", name, c[name]))
		if name != "read" && name != "expired" {
			sum += c[name]
		}
	}
	if c["read"] != events || sum != events || c["applied"]+c["duplicate"] != events {
		return fmt.Errorf("of %d events tidemark says: %s", events, strings.Join(said, ", "))
	}
	return nil
}
