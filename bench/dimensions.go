package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tidemark-io/tidemark/event"
)

const (
	dimensionsDrawn = 10
	valuesEach      = 100
	cacheMiB        = 256 // serve's default, of all shards
	queueMiB        = 32  // likewise
	mib             = 1 << 20
	// scrapeEvery is how often the service is asked for its metrics, as Prometheus
	// does by default. A thousand segments have some 200,000 figures in them, so
	// that asking more often would be what is measured.
	scrapeEvery = 15 * time.Second
	// dimensionsPoll is how often its offsets are read, with all rows that have
	// changed.
	dimensionsPoll = 2 * time.Second
)

// mayTake is what the process may take in all: internal/bounded has the reasons.
const mayTake = (64 + 2*(cacheMiB+2*queueMiB)) * mib

// runDimensions reads a stream of 60 days whose customers are in a hundred values
// of ten dimensions each, and samples what tidemark serve takes.
func runDimensions(ctx context.Context, b *bench) error {
	if err := b.startServers(ctx); err != nil {
		return err
	}
	topic, err := b.newTopic(ctx, "dimensions", partitions)
	if err != nil {
		return err
	}
	events, size := b.events/4, 0
	g := newGenerator(b.seed, events, 60)
	placed := map[string]bool{}
	err = b.fill(ctx, topic, events, func(ev *event.Event) {
		g.next(ev)
		if name := string(ev.Customer); !placed[name] {
			placed[name] = true
			ev.Attrs = attributesOf(len(placed))
		}
	}, &size)
	if err != nil {
		return err
	}
	fmt.Printf("%d events over 60 days, %d customers in %d values of each of %d dimensions, cache %d MiB, queue %d MiB:\n",
		events, len(placed), valuesEach, dimensionsDrawn, cacheMiB, queueMiB)
	var t table
	for range b.rounds {
		if err := b.startServers(ctx); err != nil {
			return err
		}
		if err := b.dimensionsRound(ctx, topic, events, &t); err != nil {
			return err
		}
	}
	t.print()
	return nil
}

// attributesOf spreads customers over the values, each dimension in its own way.
func attributesOf(customer int) []event.Attr {
	out := make([]event.Attr, dimensionsDrawn)
	for i := range out {
		out[i] = event.Attr{Name: fmt.Appendf(nil, "dim%d", i), Value: fmt.Appendf(nil, "v%02d", (customer+customer/valuesEach*i)%valuesEach)}
	}
	return out
}

func (b *bench) dimensionsRound(ctx context.Context, topic string, events int, t *table) (err error) {
	if _, err := b.tidemarkBinary(ctx); err != nil { // not in the time that counts
		return err
	}
	var names []string
	for i := range dimensionsDrawn {
		names = append(names, fmt.Sprint("dim", i))
	}
	ns := namespace{name: b.unique("dimensions"), topic: topic, clock: "log",
		more: fmt.Sprintf("dimensions: [%s]\ncache: %dMiB\nqueue: %dMiB\n", strings.Join(names, ", "), cacheMiB, queueMiB)}
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
	sampling, stop := context.WithCancel(ctx)
	most := make(chan sampled, 1)
	go func() { most <- p.sample(sampling) }()
	_, err = w.until(ctx, p, int64(events), dimensionsPoll)
	took := time.Since(start)
	stop()
	m := <-most
	if err != nil {
		return err
	}
	if err := m.look(ctx, p); err != nil {
		return err
	}
	resident, err := p.resident()
	if err != nil {
		return err
	}
	t.add("records and rows in memory, MiB at the most", m.cache/mib)
	t.add("the same / cache", m.cache/(cacheMiB*mib))
	t.add("looks at it", float64(m.looks))
	t.add("resident MiB at the most", float64(resident)/mib)
	t.add("the same / what the process may take", float64(resident)/mayTake)
	t.add("events/s, start included", float64(events)/took.Seconds())
	return w.balanced(int64(events))
}

// sampled is what a process said of its memory at the most.
type sampled struct {
	cache float64 // bytes of all shards at one look
	looks int
}

// sample asks a process for its metrics until the context ends; what it does not
// answer in time is passed over.
func (p *serveProcess) sample(ctx context.Context) (most sampled) {
	tick := time.NewTicker(scrapeEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return most
		case <-tick.C:
			_ = most.look(ctx, p) // the look at the end must succeed
		}
	}
}

// look asks a process once.
func (m *sampled) look(ctx context.Context, p *serveProcess) error {
	n, err := p.cacheBytes(ctx)
	if err == nil && n == 0 {
		err = errors.New("the metrics have no tidemark_cache_bytes")
	}
	if err != nil {
		return fmt.Errorf("ask tidemark serve for its memory: %w", err)
	}
	m.cache = max(m.cache, n)
	m.looks++
	return nil
}

// cacheBytes is the sum of tidemark_cache_bytes over the shards.
func (p *serveProcess) cacheBytes(ctx context.Context) (sum float64, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.http+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, mib)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if !strings.HasPrefix(name, "tidemark_cache_bytes{") {
			continue
		}
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, lines.Err()
}
