package endtoend

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tidemark-io/tidemark/store"
)

// outcomes are the counters of messages by what became of them; each may be
// followed by "/" and a type or a reason. What a timer does later (an orphan
// that expires) stands apart, since its message was counted when it was read.
var outcomes = []string{"applied", "duplicate", "ignored", "late", "dead_letter"}

// Counters are the counters of all shards, summed.
type Counters map[string]int64

// SumCounters adds the counters of heads.
func SumCounters(heads []store.Head) Counters {
	sum := Counters{}
	for _, h := range heads {
		for name, n := range h.Counters {
			sum[name] += n
		}
	}
	return sum
}

// Of is the sum of an outcome over its types or reasons.
func (c Counters) Of(outcome string) int64 {
	n := c[outcome]
	for name, k := range c {
		if strings.HasPrefix(name, outcome+"/") {
			n += k
		}
	}
	return n
}

// String lists the counters by name.
func (c Counters) String() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(c)) {
		fmt.Fprintf(&b, "%s %d, ", name, c[name])
	}
	return strings.TrimSuffix(b.String(), ", ")
}

// CheckCounters holds the counters of every shard against the offsets that its
// state has read, and those against Kafka: every message is applied, on the
// dead-letter or the late topic, ignored by its type, or counted as duplicate.
// Every end-to-end test calls it at its end.
func (w *Workspace) CheckCounters(ctx context.Context) (Counters, error) {
	heads, err := w.Heads(ctx)
	if err != nil {
		return nil, err
	}
	ends, err := w.Ends(ctx)
	if err != nil {
		return nil, err
	}
	if left, err := behind(heads, ends); err != nil || left != "" {
		return nil, fmt.Errorf("counters are checked at rest, but %s (%w)", left, err)
	}
	for shard, h := range heads {
		counters := SumCounters([]store.Head{h})
		var read, become int64
		for _, topic := range w.Inputs() {
			read += h.Offsets[topic].Next
		}
		for _, o := range outcomes {
			become += counters.Of(o)
		}
		if become != read {
			return nil, fmt.Errorf("shard %d has read %d messages, but the counters add up to %d: %s", shard, read, become, counters)
		}
		if n, ok := counters["read"]; ok && n != read {
			return nil, fmt.Errorf("shard %d has read %d messages by its offsets, %d by its counter", shard, read, n)
		}
	}
	return SumCounters(heads), nil
}
