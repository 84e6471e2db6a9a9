package endtoend

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tidemark-io/tidemark/store"
)

// Ends are the offsets behind the last records, by topic and partition.
type Ends map[string][]int64

// Ends asks Kafka where the input topics end. They hold no transactions, so
// that each offset is a message.
func (w *Workspace) Ends(ctx context.Context) (Ends, error) {
	listed, err := w.admin.ListEndOffsets(ctx, w.Inputs()...)
	if err == nil {
		err = listed.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("ask for the ends of the input topics: %w", err)
	}
	ends := Ends{}
	for _, topic := range w.Inputs() {
		ends[topic] = make([]int64, w.Partitions)
		for p := range ends[topic] {
			o, ok := listed.Lookup(topic, int32(p))
			if !ok {
				return nil, fmt.Errorf("ask for the end of %s/%d: the broker did not answer for it", topic, p)
			}
			ends[topic][p] = o.Offset
		}
	}
	return ends, nil
}

// Total is the number of messages below the ends.
func (e Ends) Total() int64 {
	var n int64
	for _, partitions := range e {
		for _, end := range partitions {
			n += end
		}
	}
	return n
}

// Heads reads the head of every shard as it was last committed. Who waits asks
// many times a second: nothing has changed since the commit that is the last one
// now, so that no rows come along.
func (w *Workspace) Heads(ctx context.Context) ([]store.Head, error) {
	heads := make([]store.Head, w.Partitions)
	shards := make([]int, w.Partitions)
	for shard := range shards {
		shards[shard] = shard
	}
	last, err := w.Store.Peek(ctx, shards)
	if err != nil {
		return nil, err
	}
	for shard := range heads {
		v, err := w.Store.ReadView(ctx, shard, last[shard])
		if err != nil {
			return nil, err
		}
		heads[shard] = v.Head
	}
	return heads, nil
}

// behind says which partitions have messages that are not in the state, "" for
// none. A position behind the end is wrong at once.
func behind(heads []store.Head, ends Ends) (string, error) {
	var out []string
	for _, topic := range slices.Sorted(maps.Keys(ends)) {
		for p, end := range ends[topic] {
			switch next := heads[p].Offsets[topic].Next; {
			case next > end:
				return "", fmt.Errorf("the state of shard %d has read %s up to %d, but it ends at %d", p, topic, next, end)
			case next < end:
				out = append(out, fmt.Sprintf("%s/%d at %d of %d", topic, p, next, end))
			}
		}
	}
	return strings.Join(out, ", "), nil
}

// AtRest waits until the state has everything that is in the input topics now,
// and every shard's watermark is at the given moment (Unix ms), with clock: log
// the highest event time of all. 0 stands for whatever it is. It returns the
// heads of that moment.
func (w *Workspace) AtRest(ctx context.Context, watermark int64) (heads []store.Head, err error) {
	return w.AtRestWithin(ctx, watermark, 1)
}

// AtRestWithin is AtRest where the moment is known to so many milliseconds only.
func (w *Workspace) AtRestWithin(ctx context.Context, watermark, within int64) (heads []store.Head, err error) {
	var ends Ends
	err = Eventually(ctx, func() error {
		if ends == nil {
			if ends, err = w.Ends(ctx); err != nil {
				return err
			}
		}
		if heads, err = w.Heads(ctx); err != nil {
			return err
		}
		left, err := behind(heads, ends)
		if err != nil {
			return Stop(err)
		}
		if left != "" {
			return fmt.Errorf("not read yet: %s", left)
		}
		for shard, h := range heads {
			if watermark != 0 && (h.Watermark < watermark || h.Watermark >= watermark+within) {
				return fmt.Errorf("the watermark of shard %d is %d, and should come to %d", shard, h.Watermark, watermark)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("wait until %s is at rest: %w", w.Name, err)
	}
	return heads, nil
}
