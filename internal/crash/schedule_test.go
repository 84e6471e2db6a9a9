package main

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/event"
)

// partition stands in for Kafka's.
func partition(n int) func([]byte) int {
	return func(key []byte) int { return len(key) * int(key[len(key)-1]) % n }
}

func TestSeedDecidesEverything(t *testing.T) {
	for seed := uint64(1); seed < 20; seed++ {
		a, b := draw(seed), draw(seed)
		if a.String() != b.String() {
			t.Fatalf("%s, then %s", a, b)
		}
		x, y := newHistory(a, a.config(), partition(a.partitions)), newHistory(b, b.config(), partition(b.partitions))
		if !reflect.DeepEqual(x.chunks, y.chunks) || x.highest != y.highest {
			t.Fatalf("seed %d fed two different histories", seed)
		}
		if draw(seed+1).String() == a.String() {
			t.Errorf("seeds %d and %d are the same", seed, seed+1)
		}
	}
}

// decoded are the events of messages that count.
func decoded(t *testing.T, messages []message) (out []event.Event) {
	t.Helper()
	for _, m := range messages {
		if m.to != "" {
			continue
		}
		var e event.Event
		d := event.NewDecoder(event.Options{Currency: dollar, Currencies: map[event.Currency]bool{euro: true}})
		if reason := d.Decode(&e, m.value, nil); reason != "" {
			t.Fatalf("%s is refused as %s", m.value, reason)
		}
		out = append(out, e)
	}
	return out
}

// TestNothingComesTooLate: whatever counts comes before its day can be frozen,
// although all of its chunk may be read before it.
func TestNothingComesTooLate(t *testing.T) {
	for seed := uint64(1); seed < 30; seed++ {
		s := draw(seed)
		cfg := s.config()
		h := newHistory(s, cfg, partition(s.partitions))
		highest := int64(0)
		for i, chunk := range h.chunks {
			events := decoded(t, chunk)
			for _, e := range events {
				highest = max(highest, e.Time)
			}
			for _, e := range events {
				if cfg.Day(e.Time) < cfg.FirstDay(highest) {
					t.Fatalf("seed %d: in chunk %d an event of %s may be late at %s", seed, i,
						time.UnixMilli(e.Time).UTC(), time.UnixMilli(highest).UTC())
				}
			}
		}
		if highest != h.highest {
			t.Fatalf("seed %d: the highest time is %d, not %d", seed, highest, h.highest)
		}
	}
}

// TestRefusedMessagesAreRefused: garbage is refused for the reason that it is
// expected to be, and what should be late is older than the horizon at any time.
func TestRefusedMessagesAreRefused(t *testing.T) {
	seen := map[event.Reason]int{}
	for seed := uint64(1); seed < 10; seed++ {
		s := draw(seed)
		cfg := s.config()
		h := newHistory(s, cfg, partition(s.partitions))
		first := cfg.FirstDay(h.first[0].at)
		for _, m := range slices.Concat(h.chunks...) {
			if m.to == "" || m.to == "ignored" {
				continue
			}
			var e event.Event
			d := event.NewDecoder(event.Options{Currency: dollar, Currencies: map[event.Currency]bool{euro: true}})
			got := d.Decode(&e, m.value, nil)
			if got == "" {
				got = event.CheckKey(&e, m.key)
			}
			if got == "" && e.Time > time.Now().UnixMilli() {
				got = event.TooFarAhead
			}
			if got == "" && cfg.Day(e.Time) < first {
				got = event.BeyondHorizon
			}
			if got != m.why {
				t.Errorf("seed %d: %s is refused as %q, not as %q", seed, m.value, got, m.why)
			}
			seen[got]++
		}
	}
	if len(seen) < 8 {
		t.Errorf("only %v", seen)
	}
}

func TestSeedsInARowPlayEveryFault(t *testing.T) {
	sum := &summary{faults: map[kind]int{}}
	for _, s := range schedules(5, len(kinds)) {
		sum.add(outcome{schedule: s})
	}
	if missing := sum.missing(); len(missing) > 0 {
		t.Error(fmt.Sprint(missing))
	}
}
