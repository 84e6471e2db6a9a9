package main

import (
	"fmt"
	"reflect"
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

// TestNothingComesTooLate: whatever counts comes before its day can be frozen,
// with the watermark a chunk ahead, and what is too old is so at any time.
func TestNothingComesTooLate(t *testing.T) {
	dead, late := 0, 0
	for seed := uint64(1); seed < 30; seed++ {
		s := draw(seed)
		cfg := s.config()
		h := newHistory(s, cfg, partition(s.partitions))
		highest := int64(0)
		for i, chunk := range h.chunks {
			for _, m := range chunk {
				var e event.Event
				d := event.NewDecoder(event.Options{Currency: dollar, Currencies: map[event.Currency]bool{euro: true}})
				if m.to != "" {
					if m.to == "dead_letter" {
						dead++
					} else if m.to == "late" {
						late++
					}
					continue
				}
				if reason := d.Decode(&e, m.value, nil); reason != "" {
					t.Fatalf("%s is refused as %s", m.value, reason)
				}
				if first := cfg.FirstDay(max(highest, e.Time)); cfg.Day(e.Time) < first {
					t.Fatalf("seed %d: in chunk %d an event of %s comes when %s is the first day", seed, i,
						time.UnixMilli(e.Time).UTC(), time.Unix(int64(first)*86400, 0).UTC().Format(time.DateOnly))
				}
			}
			// All of a chunk may be read before any of it.
			for _, m := range chunk {
				var e event.Event
				d := event.NewDecoder(event.Options{Currency: dollar, Currencies: map[event.Currency]bool{euro: true}})
				if m.to == "" && d.Decode(&e, m.value, nil) == "" {
					highest = max(highest, e.Time)
				}
			}
			for _, m := range chunk {
				var e event.Event
				d := event.NewDecoder(event.Options{Currency: dollar, Currencies: map[event.Currency]bool{euro: true}})
				if m.to == "" && d.Decode(&e, m.value, nil) == "" && cfg.Day(e.Time) < cfg.FirstDay(highest) {
					t.Fatalf("seed %d: an event of chunk %d may be late within it", seed, i)
				}
			}
		}
		if highest > h.highest {
			t.Fatalf("seed %d: the highest time is %d, not %d", seed, highest, h.highest)
		}
	}
	if dead == 0 || late == 0 {
		t.Errorf("%d dead letters, %d late", dead, late)
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
