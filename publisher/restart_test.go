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

// speaker fires and resolves an alert in turn, with notes alone in between, and
// starts over after errors.
type speaker struct {
	options publisher.Options
	late    string // topic of the notes
	pair    publisher.Pair
	count   atomic.Int64
	told    []string // alerts and notes of publications that the broker has called committed
}

func (s *speaker) run(ctx context.Context) {
	for i := int64(1); ctx.Err() == nil; {
		o := s.options
		o.Timeout = time.Second + rand.N(6*time.Second) // some live through an outage, some end in it
		p, err := publisher.Open(ctx, o)
		for ; err == nil && ctx.Err() == nil; i++ {
			what, words := s.next(p, i)
			if err = p.Publish(ctx, what); err == nil {
				s.told = append(s.told, words)
				s.count.Add(1)
			}
		}
		if p != nil {
			p.Close()
		}
	}
}

// next is the i-th publication, and what its readers see.
func (s *speaker) next(p *publisher.Publisher, i int64) (publisher.Publication, string) {
	if i%2 == 0 {
		words := fmt.Sprintf("note %d of %s", i, s.pair.Subject)
		what := at(i)
		what.Notes = []publisher.Note{{Topic: s.late, Value: []byte(words)}}
		return what, words
	}
	n, firing := p.Announced()[s.pair]
	if firing {
		return at(i, alert(false, s.pair.Rule, s.pair.Subject)), fmt.Sprintf("r|%s#%d resolved", s.pair.Subject, n)
	}
	return at(i, alert(true, s.pair.Rule, s.pair.Subject)), fmt.Sprintf("r|%s#%d firing", s.pair.Subject, p.Header().P+1)
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
		speakers[i] = &speaker{options: o, late: w.late, pair: publisher.Pair{Rule: "r", Subject: fmt.Sprint(i)}}
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
	notes := map[string]int{}
	for _, r := range w.committed(t, w.late) {
		notes[string(r.Value)]++
	}
	for i, s := range speakers {
		inTurn(t, heard[int32(i)])
		for _, x := range s.told {
			if notes[x] != 1 && !slices.Contains(heard[int32(i)], x) {
				t.Errorf("%q was called committed, and is there %d times", x, notes[x])
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
