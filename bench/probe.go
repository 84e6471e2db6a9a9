package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

const probeEvery = 50 * time.Millisecond

// probe sends records through the broker, past Tidemark, while something else is
// measured: what the broker and the machine took by themselves. A slow round in
// which the probe is as slow says nothing about Tidemark.
type probe struct {
	mu    sync.Mutex
	taken []float64 // ms, of what has been read
}

// take returns what has been measured since it was last called.
func (p *probe) take() []float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := p.taken
	p.taken = nil
	return out
}

// run sends and reads until the context ends.
func (p *probe) run(ctx context.Context, b *bench) error {
	topic, err := b.newTopic(ctx, "probe", 1)
	if err != nil {
		return err
	}
	cl, err := b.producer(kgo.DefaultProduceTopic(topic), kgo.ConsumeTopics(topic), kgo.ProducerLinger(0))
	if err != nil {
		return err
	}
	defer cl.Close()
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { p.read(ctx, cl) })
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		sent := binary.BigEndian.AppendUint64(nil, uint64(time.Now().UnixMicro()))
		if err := cl.ProduceSync(ctx, &kgo.Record{Value: sent}).FirstErr(); err != nil && ctx.Err() == nil {
			return fmt.Errorf("probe: %w", err)
		}
	}
}

func (p *probe) read(ctx context.Context, cl *kgo.Client) {
	for ctx.Err() == nil {
		fetches := cl.PollFetches(ctx)
		now := time.Now().UnixMicro()
		p.mu.Lock()
		fetches.EachRecord(func(r *kgo.Record) {
			p.taken = append(p.taken, float64(now-int64(binary.BigEndian.Uint64(r.Value)))/1000)
		})
		p.mu.Unlock()
	}
}
