package endtoend

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// ReadTopic reads a topic from its beginning up to where it ends now, as a
// read_committed reader sees it: nothing of what was aborted. Records come in
// the order of their partitions' logs. A topic that does not exist is empty.
func (w *Workspace) ReadTopic(ctx context.Context, topic string) ([]*kgo.Record, error) {
	cl, err := kgo.NewClient(kgo.SeedBrokers(w.Brokers), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.FetchMaxWait(50*time.Millisecond), kgo.KeepControlRecords())
	if err != nil {
		return nil, fmt.Errorf("set up a reader: %w", err)
	}
	defer cl.Close()
	listed, err := w.admin.ListEndOffsets(ctx, topic)
	if err != nil {
		return nil, fmt.Errorf("ask for the end of %s: %w", topic, err)
	}
	// Control records are kept above, since the last offsets may be markers.
	ends, start := map[int32]int64{}, map[int32]kgo.Offset{}
	for p, o := range listed[topic] {
		if o.Err != nil {
			return nil, fmt.Errorf("ask for the end of %s/%d: %w", topic, p, o.Err)
		}
		if o.Offset > 0 {
			ends[p], start[p] = o.Offset, kgo.NewOffset().AtStart()
		}
	}
	cl.AddConsumePartitions(map[string]map[int32]kgo.Offset{topic: start})
	var out []*kgo.Record
	for len(ends) > 0 {
		fetches := cl.PollFetches(ctx)
		if err := errors.Join(fetches.Err(), ctx.Err()); err != nil {
			return nil, fmt.Errorf("read %s: %w", topic, err)
		}
		for it := fetches.RecordIter(); !it.Done(); {
			r := it.Next()
			if !r.Attrs.IsControl() {
				out = append(out, r)
			}
			if end, ok := ends[r.Partition]; ok && r.Offset+1 >= end {
				delete(ends, r.Partition)
			}
		}
	}
	return out, nil
}

// Header returns the value of a record's header, "" where it has none.
func Header(r *kgo.Record, key string) string {
	for _, h := range r.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}
