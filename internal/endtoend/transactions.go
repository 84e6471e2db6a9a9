package endtoend

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
)

// Transactions says in lines how Kafka sees each shard's transactions and the
// producers of its cursor partition: what to look at where a shard waits for a
// transaction's end.
func (w *Workspace) Transactions(ctx context.Context) (out []string) {
	cursors := w.Settings.Kafka.Outputs.Cursors
	partitions := kadm.TopicsSet{}
	for shard := range w.Partitions {
		partitions.Add(cursors, int32(shard))
		id := fmt.Sprintf("%s-shard-%d", w.Settings.Kafka.Group, shard)
		described, err := w.admin.DescribeTransactions(ctx, id)
		if err != nil {
			return append(out, fmt.Sprintf("transactions of %s cannot be described: %v", id, err))
		}
		for _, t := range described {
			out = append(out, fmt.Sprintf("transaction %s: %s, producer %d/%d, waits for %v, %v", id, t.State, t.ProducerID, t.ProducerEpoch, t.Topics, t.Err))
		}
	}
	described, err := w.admin.DescribeProducers(ctx, partitions)
	if err != nil {
		return append(out, fmt.Sprintf("producers of %s cannot be described: %v", cursors, err))
	}
	for _, p := range described.SortedProducers() {
		out = append(out, fmt.Sprintf("producer %d/%d on %s/%d: transaction since offset %d", p.ProducerID, p.ProducerEpoch, p.Topic, p.Partition, p.CurrentTxnStartOffset))
	}
	return out
}
