package consumer

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/fetch"
	"github.com/segmentio/kafka-go/protocol/metadata"
)

// ErrNothingThere: the log has no record batch at an offset or behind it, below
// the last stable offset.
var ErrNothingThere = errors.New("no message at the offset")

// ReadAt reads the one record batch that holds an offset (or, where compaction
// has removed it, the next), apart from all streams. Messages below the offset
// are left out; so are those of aborted transactions, and then the Batch is
// empty. Its CRC and LastTimestamp tell whether the log still is the one that an
// offset was stored for. Nothing is tried twice. The caller releases the batch.
func (f *Fetcher) ReadAt(ctx context.Context, topic string, partition int, offset int64) (*Batch, error) {
	b, err := f.readAt(ctx, topic, partition, offset)
	if err != nil {
		return nil, fmt.Errorf("read %s/%d at offset %d: %w", topic, partition, offset, err)
	}
	return b, nil
}

func (f *Fetcher) readAt(ctx context.Context, topic string, partition int, offset int64) (*Batch, error) {
	m, err := f.metadata(ctx, []string{topic})
	if err != nil {
		return nil, fmt.Errorf("ask for its leader: %w", err)
	}
	r, err := f.fetchOne(ctx, m, topic, partition, offset)
	if err != nil {
		return nil, err
	}
	defer r.drop()
	if r.code != 0 {
		if errors.Is(kafka.Error(r.code), kafka.OffsetOutOfRange) {
			return nil, f.outOfRange(ctx, topic, partition, offset)
		}
		return nil, kafka.Error(r.code)
	}
	if r.block == nil {
		return nil, ErrNothingThere
	}
	n, _, err := measure(r.block.buf, offset, r.stable)
	if n == 0 {
		if err == nil {
			err = ErrNothingThere
		}
		return nil, err
	}
	c := &chunk{block: r.block, left: r.block.buf[:n], from: offset, high: r.high, aborted: r.aborted}
	b := newBatch(topic, partition)
	if err := c.fill(b, limits{expanded: f.opt.ExpandedBytes}); err != nil {
		b.Release()
		return nil, err
	}
	return b, nil
}

// fetchOne asks the leader that m names for one topic-partition.
func (f *Fetcher) fetchOne(ctx context.Context, m *metadata.Response, topic string, partition int, offset int64) (*partReply, error) {
	leader, err := leaderOf(m, topic, partition)
	if err != nil {
		return nil, err
	}
	req := &fetchRequest{broker: leader, Request: fetch.Request{
		ReplicaID: -1, SessionEpoch: -1, IsolationLevel: int8(kafka.ReadCommitted),
		MinBytes: 1, MaxBytes: math.MaxInt32, MaxWaitTime: int32(f.opt.MaxWait / time.Millisecond),
		Topics: []fetch.RequestTopic{{Topic: topic, Partitions: []fetch.RequestPartition{{
			Partition: int32(partition), CurrentLeaderEpoch: -1, FetchOffset: offset,
			LogStartOffset: -1, PartitionMaxBytes: reserveBytes,
		}}}},
	}}
	ctx, cancel := context.WithTimeout(ctx, f.opt.MaxWait+f.opt.Timeout)
	defer cancel()
	if _, err := f.opt.Transport.RoundTrip(ctx, f.opt.Addr, req); err != nil {
		return nil, err
	}
	if len(req.reply) != 1 {
		return nil, errAnswer
	}
	return &req.reply[0], nil
}

// outOfRange returns the error that says where the log begins and ends.
func (f *Fetcher) outOfRange(ctx context.Context, topic string, partition int, offset int64) error {
	start, end, err := f.logEnds(ctx, topic, partition)
	if err != nil {
		return fmt.Errorf("offset is out of range; ask where the log begins: %w", err)
	}
	return &OffsetOutOfRange{Topic: topic, Partition: partition, Offset: offset, Start: start, End: end}
}
