package publisher

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"go.uber.org/zap"
)

// A transaction hangs where a partition holds it open and the transaction
// coordinator believes that it is over: nobody will ever write its marker, the
// last stable offset stands still, and T3 and every read_committed reader wait
// for ever. Kafka 4 makes such: a coordinator that finds a partition without a
// leader, as all of them are for a moment after the only broker was killed,
// takes the partition for deleted and leaves its marker out (KAFKA-20734). What
// it had decided may well have been "commit".

// hanging is one partition's part of a transaction of ours that hangs.
type hanging struct {
	topic            string
	partition        int32
	start            int64 // offset of its first record
	producer         int64
	epoch            int16
	coordinatorEpoch int32 // of the last marker that the partition has of this producer
}

// command is what an operator would type to end it.
func (h hanging) command(brokers []string) string {
	return fmt.Sprintf("kafka-transactions.sh --bootstrap-server %s abort --topic %s --partition %d --start-offset %d",
		strings.Join(brokers, ","), h.topic, h.partition, h.start)
}

// outcome is what the coordinator knows of our transactional id before T2: how
// its last transaction was decided. InitProducerId makes it forget that.
type outcome struct {
	state    string // "" where it knows nothing
	producer int64
	epoch    int16
}

// of says whether a transaction that hangs is the one that was decided, and
// whether it was to be committed. Since Kafka 4 the epoch rises as a
// transaction is decided; before, it stays.
func (o outcome) of(h hanging) (commit, known bool) {
	if o.producer != h.producer || o.epoch != h.epoch && o.epoch != h.epoch+1 {
		return false, false
	}
	switch o.state {
	case "PrepareCommit", "CompleteCommit":
		return true, true
	case "PrepareAbort", "CompleteAbort":
		return false, true
	}
	return false, false
}

// endDecided is T2a: what hangs is ended as the coordinator has decided it,
// before T2 makes it forget the decision. A predecessor may be alive: its next
// transaction has a newer epoch, and what it has written fences our marker. On
// brokers before Kafka 4 it has the same epoch, so that there nothing is ended
// before T2. Where our question or our marker fails now and may not later, the
// take-over ends here, with the decision still known.
func (p *Publisher) endDecided(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, p.options.CursorLimit)
	defer cancel()
	var err error
	if p.outcome, err = p.askOutcome(ctx); err != nil {
		return p.unlessLasting(err)
	}
	if !strings.HasPrefix(p.outcome.state, "Complete") {
		return nil
	}
	found, err := p.findHanging(ctx, p.outcome.producer)
	if err != nil {
		return p.unlessLasting(err)
	}
	for _, h := range found {
		if commit, known := p.outcome.of(h); known && h.epoch < p.outcome.epoch {
			if err := p.end(ctx, h, commit); err != nil {
				return p.unlessLasting(err)
			}
		}
	}
	return nil
}

// unlessLasting lets a take-over go on where asking again would not help, for
// want of a right or with brokers that do not know the question (before 3.0):
// T3 tells whether anything hangs.
func (p *Publisher) unlessLasting(err error) error {
	if mayPass(err) {
		return err
	}
	p.options.Log.Info("cannot look for transactions of this shard that hang", zap.Error(err))
	return nil
}

// endForgotten is T2b: what still hangs was begun before T2, whose answer came
// after everything that the coordinator knew of, and has to be over. It is ended
// as it was decided where that is known, else aborted. Those that could not be
// ended are returned.
func (p *Publisher) endForgotten(ctx context.Context) (left []hanging) {
	ctx, cancel := context.WithTimeout(ctx, p.options.LookLimit)
	defer cancel()
	found, err := p.findHanging(ctx, p.producer)
	if err != nil {
		p.options.Log.Info("cannot look for transactions of this shard that hang", zap.Error(err))
	}
	for _, h := range found {
		if h.epoch >= p.epoch {
			continue // begun after T2
		}
		now, err := p.askOutcome(ctx)
		if err == nil && (now.state != "Empty" || now.producer != p.producer || now.epoch != p.epoch) {
			err = fmt.Errorf("transaction %s is %s, producer %d epoch %d; ours are %d and %d: %w", p.options.transactionalID(),
				now.state, now.producer, now.epoch, p.producer, p.epoch, ErrFenced)
		}
		if err != nil {
			p.options.Log.Warn("a transaction of this shard seems to hang, and may not", zap.Error(err))
			return append(left, h)
		}
		commit, known := p.outcome.of(h)
		if p.epoch != p.outcome.epoch+1 { // something happened between the question and T2
			commit, known = false, false
		}
		if !known {
			p.options.Log.Warn("how a hanging transaction was to end is not known any more; it will be aborted")
		}
		if p.end(ctx, h, commit) != nil {
			left = append(left, h)
		}
	}
	return left
}

// mayPass says whether asking again may help.
func mayPass(err error) bool {
	var network net.Error
	return kerr.IsRetriable(err) || errors.As(err, &network) || errors.Is(err, io.EOF) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// askOutcome asks the coordinator for the state of our transactional id.
func (p *Publisher) askOutcome(ctx context.Context) (outcome, error) {
	id := p.options.transactionalID()
	described, err := kadm.NewClient(p.client).DescribeTransactions(ctx, id)
	if err != nil {
		return outcome{}, fmt.Errorf("describe transaction %s: %w", id, err)
	}
	t, ok := described[id]
	switch {
	case errors.Is(t.Err, kerr.TransactionalIDNotFound):
		return outcome{}, nil
	case t.Err != nil:
		return outcome{}, fmt.Errorf("describe transaction %s: %w", id, t.Err)
	case !ok:
		return outcome{}, fmt.Errorf("describe transaction %s: the coordinator did not answer for it", id)
	}
	return outcome{state: t.State, producer: t.ProducerID, epoch: t.ProducerEpoch}, nil
}

// findHanging returns what a producer id of ours has open in the partitions that
// this shard writes. Nothing waits for the topics of notes: where they cannot be
// asked about, the others are all the same.
func (p *Publisher) findHanging(ctx context.Context, producer int64) (found []hanging, err error) {
	for _, topic := range append([]string{p.options.Topics.Cursors, p.options.Topics.Alerts}, p.options.Topics.Notes...) {
		at, failed := p.openIn(ctx, topic, producer)
		if failed != nil && slices.Contains(p.options.Topics.Notes, topic) {
			p.options.Log.Info("cannot look for transactions of this shard that hang", zap.Error(failed))
			continue
		}
		if failed != nil {
			err = errors.Join(err, failed)
			continue
		}
		found = append(found, at...)
	}
	return found, err
}

// openIn returns what a producer has open in this shard's partition of a topic.
func (p *Publisher) openIn(ctx context.Context, topic string, producer int64) (found []hanging, err error) {
	partitions, _, err := lookUp(ctx, p.client, topic)
	if err != nil {
		return nil, err
	}
	partition := int32(p.options.Shard % max(1, len(partitions))) // as records are placed
	set := kadm.TopicsSet{}
	set.Add(topic, partition)
	described, err := kadm.NewClient(p.client).DescribeProducers(ctx, set)
	if err == nil {
		err = described[topic].Partitions[partition].Err
	}
	if err != nil {
		return nil, fmt.Errorf("describe the producers of %s/%d: %w", topic, partition, err)
	}
	for _, x := range described[topic].Partitions[partition].ActiveProducers {
		if x.ProducerID == producer && x.CurrentTxnStartOffset >= 0 {
			found = append(found, hanging{topic: topic, partition: partition, start: x.CurrentTxnStartOffset,
				producer: x.ProducerID, epoch: x.ProducerEpoch, coordinatorEpoch: x.CoordinatorEpoch})
		}
	}
	return found, nil
}

// end writes the marker, as `kafka-transactions.sh abort` does: with the
// coordinator epoch that the partition knows for the producer, 0 where it has
// never had a marker of it, so that a coordinator that has moved on fences ours.
func (p *Publisher) end(ctx context.Context, h hanging, commit bool) error {
	log := p.options.Log.With(zap.String("topic", h.topic), zap.Int32("partition", h.partition), zap.Int64("offset", h.start),
		zap.Int64("producer", h.producer), zap.Int16("epoch", h.epoch), zap.Bool("commit", commit))
	set := kadm.TopicsSet{}
	set.Add(h.topic, h.partition)
	written, err := kadm.NewClient(p.client).WriteTxnMarkers(ctx, kadm.TxnMarkers{ProducerID: h.producer, ProducerEpoch: h.epoch,
		Commit: commit, CoordinatorEpoch: max(0, h.coordinatorEpoch), Topics: set})
	if err == nil {
		answer, ok := written[h.producer].Topics[h.topic].Partitions[h.partition]
		if err = answer.Err; !ok {
			err = fmt.Errorf("the broker did not answer for the partition: %w", errCorrupt)
		}
	}
	if err == nil {
		log.Warn("ended a transaction of this shard that hung: the coordinator had left its marker out")
		p.options.HangingEnded()
		return nil
	}
	if !mayPass(err) {
		log.Error("cannot end a transaction of this shard that hangs: the readers of this partition stand still until somebody ends it",
			zap.String("abort", h.command(p.options.Brokers)), zap.Error(err))
	}
	return fmt.Errorf("write a marker to %s/%d: %w", h.topic, h.partition, err)
}

// wayOut says what ends what T3 waits for.
func (p *Publisher) wayOut(left []hanging) string {
	for _, h := range left {
		if h.topic == p.options.Topics.Cursors {
			return fmt.Sprintf("it is our own and the coordinator has forgotten it; with ClusterAction on the cluster Tidemark ends it itself, otherwise: `%s`",
				h.command(p.options.Brokers))
		}
	}
	return "find it with `kafka-transactions.sh find-hanging` and end it with `abort`, and let only Tidemark write to this topic"
}

// stillHidden is a part of L2: our newest publication is committed, and a
// read_committed reader does not get to see it. Markers are written within
// milliseconds; where ours is missing, the take-over (T2a) is what mends it.
func (p *Publisher) stillHidden(ctx context.Context, stable int64) error {
	if stable > p.headerAt || p.headerAt != p.hidden.at {
		p.hidden.at, p.hidden.since = p.headerAt, time.Now()
		return nil
	}
	if time.Since(p.hidden.since) < waitHanging {
		return nil
	}
	p.hidden.since = time.Now()
	found, err := p.findHanging(ctx, p.producer)
	if err != nil || len(found) == 0 {
		return nil // another's transaction: it hides us, and costs us nothing
	}
	h := found[0]
	return fmt.Errorf("publication %d was committed, and its transaction hangs in %s/%d from offset %d", p.known.header.P, h.topic, h.partition, h.start)
}

// waitHanging is for how long T3 and L2 wait for a marker before they ask
// whether it is missing.
const waitHanging = 2 * time.Second
