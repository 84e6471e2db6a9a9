package endtoend

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Anywhere as a record's partition lets its key decide, as Java's producers do.
const Anywhere = -1

// partitioner takes the partition that a record names, if any.
type partitioner struct{ byKey kgo.Partitioner }

type topicPartitioner struct{ byKey kgo.TopicPartitioner }

// ForTopic is of kgo.Partitioner.
func (p partitioner) ForTopic(topic string) kgo.TopicPartitioner {
	return topicPartitioner{p.byKey.ForTopic(topic)}
}

// RequiresConsistency is of kgo.TopicPartitioner: a partition must not depend on
// which of them can be written to.
func (topicPartitioner) RequiresConsistency(*kgo.Record) bool { return true }

// Partition is of kgo.TopicPartitioner.
func (p topicPartitioner) Partition(r *kgo.Record, n int) int {
	if r.Partition != Anywhere {
		return int(r.Partition)
	}
	return p.byKey.Partition(r, n)
}

// Produce sends records, in this order within each partition, and returns once
// all are acknowledged. They carry their partition or Anywhere. After it each
// record has its partition and offset.
func (w *Workspace) Produce(ctx context.Context, records ...*kgo.Record) error {
	if err := w.Kafka.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return fmt.Errorf("produce to %s: %w", w.Name, err)
	}
	return nil
}

// PartitionOf is the partition, 0 to Partitions-1, that the Java client would
// put a key on.
func (w *Workspace) PartitionOf(key []byte) int {
	return kgo.StickyKeyPartitioner(nil).ForTopic("").Partition(&kgo.Record{Key: key}, w.Partitions)
}
