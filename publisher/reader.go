package publisher

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// reader reads the records of one partition with fetches of its own: those that
// are committed, unless it is told otherwise.
// Those of a consumer would hide how far it has come where a log ends with
// markers, or with batches that compaction has emptied.
type reader struct {
	client    *kgo.Client
	topic     string
	partition int32

	everything bool // also what is not committed, and markers

	leader int32 // -1: not known
	id     [16]byte
	next   int64 // offset to read next

	decompress kgo.Decompressor
}

const fetchBytes = 8 << 20

// Offsets that ListOffsets knows by number.
const (
	logStart = -2
	logEnd   = -1 // with read_uncommitted: the high watermark
)

func newReader(client *kgo.Client, topic string, partition int32) *reader {
	return &reader{client: client, topic: topic, partition: partition, leader: -1, decompress: kgo.DefaultDecompressor()}
}

func (r *reader) String() string { return fmt.Sprintf("%s/%d", r.topic, r.partition) }

// locate finds the partition's leader.
func (r *reader) locate(ctx context.Context) error {
	partitions, id, err := lookUp(ctx, r.client, r.topic)
	if err != nil {
		return err
	}
	for _, p := range partitions {
		if p.Partition == r.partition {
			r.leader, r.id = p.Leader, id
			return kerr.ErrorForCode(p.ErrorCode)
		}
	}
	return fmt.Errorf("%w: %s has %d partitions, none of them number %d", errNoPartition, r.topic, len(partitions), r.partition)
}

// lookUp returns the partitions of a topic and its id.
func lookUp(ctx context.Context, client *kgo.Client, topic string) ([]kmsg.MetadataResponseTopicPartition, [16]byte, error) {
	req := kmsg.NewPtrMetadataRequest()
	t := kmsg.NewMetadataRequestTopic()
	t.Topic = kmsg.StringPtr(topic)
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return nil, [16]byte{}, fmt.Errorf("look up topic %s: %w", topic, err)
	}
	if len(resp.Topics) != 1 {
		return nil, [16]byte{}, fmt.Errorf("look up topic %s: the broker answered with %d topics", topic, len(resp.Topics))
	}
	if err := kerr.ErrorForCode(resp.Topics[0].ErrorCode); err != nil {
		return nil, [16]byte{}, fmt.Errorf("look up topic %s: %w", topic, err)
	}
	return resp.Topics[0].Partitions, resp.Topics[0].TopicID, nil
}

// offset asks the leader where the log starts or ends. The leader of a new
// term answers only once its high watermark is known to be right, which the
// one that comes with a fetch need not be.
func (r *reader) offset(ctx context.Context, which int64) (int64, error) {
	req := kmsg.NewPtrListOffsetsRequest()
	req.ReplicaID = -1
	req.IsolationLevel = 0 // logEnd is the high watermark, not the last stable offset
	p := kmsg.NewListOffsetsRequestTopicPartition()
	p.Partition, p.Timestamp = r.partition, which
	t := kmsg.NewListOffsetsRequestTopic()
	t.Topic = r.topic
	t.Partitions = append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, r.client)
	if err != nil {
		return 0, fmt.Errorf("ask for offsets of %s: %w", r, err)
	}
	if len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 {
		return 0, fmt.Errorf("ask for offsets of %s: the broker did not answer for it", r)
	}
	answer := resp.Topics[0].Partitions[0]
	if err := kerr.ErrorForCode(answer.ErrorCode); err != nil {
		return 0, fmt.Errorf("ask for offsets of %s: %w", r, err)
	}
	return answer.Offset, nil
}

// read fetches once, waiting up to wait for something to come, and moves on. It
// returns the committed records and the last stable offset: when r.next has
// reached it, nothing committed is left. Where the leader has moved or cannot
// be reached it looks for it again, as long as ctx lasts.
func (r *reader) read(ctx context.Context, wait time.Duration) (records []*kgo.Record, stable int64, err error) {
	err = retry(ctx, func() error {
		if records, stable, err = r.fetch(ctx, wait); err != nil {
			r.leader = -1
		}
		return err
	})
	return records, stable, err
}

// retry repeats a request that changes nothing.
func retry(ctx context.Context, request func() error) error { return repeat(ctx, request, again) }

// repeat repeats a request while its error is one of those that may pass.
func repeat(ctx context.Context, request func() error, passes func(error) bool) error {
	for tries := 1; ; tries++ {
		err := request()
		if err == nil || !passes(err) {
			return err
		}
		pause := time.NewTimer(backoff(tries))
		select {
		case <-ctx.Done():
			pause.Stop()
			return errors.Join(err, ctx.Err())
		case <-pause.C:
		}
	}
}

// again says whether it may pass: all but what the broker calls lasting, and
// the end of the context or the client.
func again(err error) bool {
	if e := (*kerr.Error)(nil); errors.As(err, &e) {
		return e.Retriable
	}
	return !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) &&
		!errors.Is(err, kgo.ErrClientClosed) && !errors.Is(err, errCorrupt) && !errors.Is(err, errNoPartition)
}

var (
	errCorrupt     = errors.New("cannot decode what the broker sent")
	errNoPartition = errors.New("an output topic needs a partition for each shard")
)

func (r *reader) fetch(ctx context.Context, wait time.Duration) ([]*kgo.Record, int64, error) {
	if r.leader < 0 {
		if err := r.locate(ctx); err != nil {
			return nil, 0, err
		}
	}
	resp, err := r.client.Broker(int(r.leader)).Request(ctx, r.request(wait))
	if err != nil {
		return nil, 0, fmt.Errorf("read %s: %w", r, err)
	}
	answer := resp.(*kmsg.FetchResponse)
	if err := kerr.ErrorForCode(answer.ErrorCode); err != nil {
		return nil, 0, fmt.Errorf("read %s: %w", r, err)
	}
	if len(answer.Topics) != 1 || len(answer.Topics[0].Partitions) != 1 {
		return nil, 0, fmt.Errorf("read %s: the broker did not answer for it: %w", r, errCorrupt)
	}
	got := &answer.Topics[0].Partitions[0]
	if err := kerr.ErrorForCode(got.ErrorCode); err != nil {
		return nil, 0, fmt.Errorf("read %s at offset %d: %w", r, r.next, err)
	}
	level := kgo.ReadCommitted()
	if r.everything {
		level = kgo.ReadUncommitted()
	}
	page, next := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{
		Offset:         r.next,
		IsolationLevel: level,
		Topic:          r.topic,
		Partition:      r.partition,

		KeepControlRecords: r.everything,
	}, got, r.decompress, nil)
	if page.Err != nil {
		return nil, 0, fmt.Errorf("read %s at offset %d: %w: %w", r, r.next, errCorrupt, page.Err)
	}
	r.next = next
	return page.Records, got.LastStableOffset, nil
}

func (r *reader) request(wait time.Duration) *kmsg.FetchRequest {
	req := kmsg.NewPtrFetchRequest()
	req.ReplicaID = -1
	req.MaxWaitMillis = int32(wait.Milliseconds())
	req.MinBytes = 1
	req.MaxBytes = fetchBytes
	if !r.everything {
		req.IsolationLevel = 1 // read_committed
	}
	req.SessionEpoch = -1 // no fetch session
	p := kmsg.NewFetchRequestTopicPartition()
	p.Partition, p.FetchOffset, p.PartitionMaxBytes = r.partition, r.next, fetchBytes
	p.CurrentLeaderEpoch, p.LastFetchedEpoch, p.LogStartOffset = -1, -1, -1
	t := kmsg.NewFetchRequestTopic()
	t.Topic, t.TopicID = r.topic, r.id
	t.Partitions = append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	return req
}
