//go:build servers

package publisher_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/internal/testserver"
	"github.com/tidemark-io/tidemark/publisher"
)

// speaker fires and resolves an alert in turn, and starts over after errors.
type speaker struct {
	options publisher.Options
	pair    publisher.Pair
	count   atomic.Int64
	told    []string // alerts of publications that the broker has called committed
}

func (s *speaker) run(ctx context.Context) {
	for i := int64(1); ctx.Err() == nil; {
		o := s.options
		o.Timeout = time.Second + rand.N(6*time.Second) // some live through an outage, some end in it
		p, err := publisher.Open(ctx, o)
		for ; err == nil && ctx.Err() == nil; i++ {
			n, firing := p.Announced()[s.pair]
			what := alert(!firing, s.pair.Rule, s.pair.Subject)
			if !firing {
				n = p.Header().P + 1
			}
			if err = p.Publish(ctx, at(i, what)); err == nil {
				s.told = append(s.told, said(what, n))
				s.count.Add(1)
			}
		}
		if p != nil {
			p.Close()
		}
	}
}

func said(a publisher.Alert, n uint64) string {
	b, err := a.Encode(n)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// A broker that is killed in the midst of many shards' transactions: with Kafka
// 4 some of them hang (KAFKA-20734). Every shard goes on by itself, readers see
// each alert once, firing and resolved in turn, and what was called committed
// is there.
func TestKafkaKilledAmidTransactions(t *testing.T) {
	const kills, shards, more = 4, 12, 5
	k := testserver.StartOwnKafka(t, testserver.KafkaOptions{})
	w := newTopics(t, k.Addr)
	w.namespace += "many"
	w.alerts, w.cursors = w.namespace+".alerts", w.namespace+".cursors"
	k.CreateTopic(t, w.alerts, shards, nil)
	k.CreateTopic(t, w.cursors, shards, map[string]string{"cleanup.policy": "compact"})
	var hung atomic.Int64
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var wg sync.WaitGroup
	speakers := make([]*speaker, shards)
	for i := range speakers {
		o := w.options()
		o.Shard, o.HangingEnded, o.CursorLimit = i, func() { hung.Add(1) }, 30*time.Second
		speakers[i] = &speaker{options: o, pair: publisher.Pair{Rule: "r", Subject: fmt.Sprint(i)}}
		wg.Go(func() { speakers[i].run(ctx) })
	}
	goOn := func() {
		poll := time.NewTicker(20 * time.Millisecond)
		defer poll.Stop()
		for i, s := range speakers {
			deadline := time.After(limit)
			for until := s.count.Load() + more; s.count.Load() < until; {
				select {
				case <-poll.C:
				case <-deadline:
					t.Fatalf("shard %d says nothing any more", i)
				}
			}
		}
	}
	for range kills {
		goOn()
		if err := k.Stop(); err != nil {
			t.Fatal(err)
		}
		if err := k.Start(); err != nil {
			t.Fatal(err)
		}
	}
	goOn()
	cancel()
	wg.Wait()
	t.Logf("%d parts of transactions hung", hung.Load())
	heard := map[int32][]string{}
	for i := range speakers {
		o := speakers[i].options
		p, err := publisher.Open(t.Context(), o) // ends what the last stop has left open
		if err != nil {
			t.Fatal(err)
		}
		p.Close()
	}
	for _, r := range w.committed(t, w.alerts) {
		heard[r.Partition] = append(heard[r.Partition], string(r.Value))
	}
	for i, s := range speakers {
		inTurn(t, heard[int32(i)])
		for _, a := range s.told {
			if !slices.Contains(heard[int32(i)], a) {
				t.Errorf("%q was called committed, and no reader has seen it", a)
			}
		}
	}
}

// inTurn fails unless firing and resolved alternate, and n rises.
func inTurn(t *testing.T, heard []string) {
	t.Helper()
	last := 0
	for i, a := range heard {
		var n int
		id, what, _ := strings.Cut(a, " ")
		if _, err := fmt.Sscan(id[strings.LastIndex(id, "#")+1:], &n); err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 && (what != "firing" || n <= last) || i%2 == 1 && (what != "resolved" || n != last) {
			t.Fatalf("readers see %q after %q", heard[max(0, i-3):i+1], heard[max(0, i-4):i])
		}
		last = n
	}
}
