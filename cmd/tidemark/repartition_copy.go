package main

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/consumer"
	"github.com/tidemark-io/tidemark/event"
)

// topicCopy copies one topic.
type topicCopy struct {
	*repartition
	source  source
	before  int64 // messages of other topics that are copied
	total   int64 // of all topics
	decoder *event.Decoder
	event   event.Event
	copied  copiedTopic

	producer *kgo.Client
	failed   chan error // the first message that was not acknowledged
}

// run copies what the source holds below its ends. One reader a partition
// keeps the order of each, and only what is next of each in memory.
func (c *topicCopy) run(ctx context.Context) (err error) {
	// A record may grow by its new key, and by the batch around it.
	batch := int32(c.source.maxMessage + 64<<10)
	c.failed = make(chan error, 1)
	if c.producer, err = c.client(kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.ProducerBatchMaxBytes(batch), kgo.MaxBufferedBytes(32<<20), kgo.ProducerBatchCompression(kgo.SnappyCompression())); err != nil {
		return err
	}
	defer c.producer.Close()
	var open readers
	for p, end := range c.source.end {
		r := &partitionReader{topic: c.source.name, partition: int32(p), next: c.source.start[p], end: end}
		if r.client, err = c.client(r.options()...); err != nil {
			return err
		}
		defer r.client.Close()
		more, err := r.fill(ctx)
		if err != nil {
			return err
		}
		if more {
			open = append(open, r)
		}
	}
	heap.Init(&open)
	for len(open) > 0 {
		r := open[0]
		if err := c.produce(ctx, r.queue[0]); err != nil {
			return err
		}
		r.queue = r.queue[1:]
		more, err := r.fill(ctx)
		if err != nil {
			return err
		}
		if more {
			heap.Fix(&open, 0)
		} else {
			heap.Pop(&open)
		}
	}
	if err := c.producer.Flush(ctx); err != nil {
		return err
	}
	return c.failure()
}

func (c *topicCopy) client(more ...kgo.Opt) (*kgo.Client, error) {
	client, err := kgo.NewClient(append(c.base[:len(c.base):len(c.base)], more...)...)
	if err != nil {
		return nil, fmt.Errorf("connect to the brokers: %w", err)
	}
	return client, nil
}

// produce hands a copy of a record to the producer.
func (c *topicCopy) produce(ctx context.Context, r *kgo.Record) error {
	key := r.Key
	if subject, ok := c.subject(r); !ok {
		c.copied.unreadable++
	} else if string(subject) != string(key) {
		c.copied.rekeyed++
		key = append([]byte(nil), subject...) // it lies in the decoder's memory
	}
	partition, err := consumer.Partition(c.partitioner, key, c.source.partitions)
	if err != nil {
		return err
	}
	c.producer.Produce(ctx, &kgo.Record{
		Topic: c.source.target, Partition: int32(partition), Key: key, Value: r.Value, Headers: r.Headers, Timestamp: r.Timestamp,
	}, func(_ *kgo.Record, err error) {
		if err != nil {
			select {
			case c.failed <- err:
			default: // one is enough
			}
		}
	})
	if c.copied.messages++; c.copied.messages%1000 == 0 {
		c.meter.show(c.before+c.copied.messages, c.total)
	}
	return c.failure()
}

// subject returns the customer of an event; false for what is none.
func (c *topicCopy) subject(r *kgo.Record) ([]byte, bool) {
	headers := make([]event.Header, len(r.Headers))
	for i, h := range r.Headers {
		headers[i] = event.Header{Key: h.Key, Value: h.Value}
	}
	c.decoder.Reset()
	reason := c.decoder.Decode(&c.event, r.Value, headers)
	return c.event.Customer, reason == "" && len(c.event.Customer) > 0
}

// failure returns the error of a message that was not acknowledged.
func (c *topicCopy) failure() error {
	select {
	case err := <-c.failed:
		return err
	default:
		return nil
	}
}

// partitionReader reads one partition up to an offset.
type partitionReader struct {
	topic     string
	partition int32
	client    *kgo.Client
	next, end int64         // offset of what is read next, and of the first that is not
	queue     []*kgo.Record // read and not yet copied
}

// options asks for committed records, and for control records too: a
// transaction's marker may be the last before the end.
func (r *partitionReader) options() []kgo.Opt {
	from := map[string]map[int32]kgo.Offset{r.topic: {r.partition: kgo.NewOffset().At(r.next)}}
	return []kgo.Opt{
		kgo.ConsumePartitions(from), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()), kgo.FetchMaxBytes(1 << 20), kgo.FetchMaxPartitionBytes(1 << 20),
	}
}

// idle is how long a partition may be silent before its end.
const idle = time.Minute

// fill makes sure that the queue has a record; false at the end.
func (r *partitionReader) fill(ctx context.Context) (bool, error) {
	for len(r.queue) == 0 && r.next < r.end {
		waiting, cancel := context.WithTimeout(ctx, idle)
		fetches := r.client.PollFetches(waiting)
		cancel()
		if err := fetches.Err(); err != nil && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
			return false, fmt.Errorf("read %s/%d: nothing came for %s at offset %d, before the end at %d", r.topic, r.partition, idle, r.next, r.end)
		} else if err != nil {
			return false, fmt.Errorf("read %s/%d@%d: %w", r.topic, r.partition, r.next, err)
		}
		fetches.EachRecord(func(record *kgo.Record) {
			if record.Offset < r.end && !record.Attrs.IsControl() {
				r.queue = append(r.queue, record)
			}
			r.next = max(r.next, record.Offset+1)
		})
	}
	return len(r.queue) > 0, nil
}

// readers is a heap, the partition with the oldest record on top; of equals
// the one with the lower number.
type readers []*partitionReader

func (r readers) Len() int { return len(r) }
func (r readers) Less(i, j int) bool {
	a, b := r[i].queue[0].Timestamp, r[j].queue[0].Timestamp
	return a.Before(b) || a.Equal(b) && r[i].partition < r[j].partition
}
func (r readers) Swap(i, j int) { r[i], r[j] = r[j], r[i] }
func (r *readers) Push(x any)   { *r = append(*r, x.(*partitionReader)) }
func (r *readers) Pop() any {
	last := (*r)[len(*r)-1]
	*r = (*r)[:len(*r)-1]
	return last
}
