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
// before T2. Where our marker fails now and may not later, or a question has no
// answer within the limit, the take-over ends here, with the decision still known.
func (p *Publisher) endDecided(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, p.options.CursorLimit)
	defer cancel()
	err := ask(ctx, func() (err error) {
		p.outcome, err = p.askOutcome(ctx)
		return err
	})
	if err != nil {
		return p.unlessLasting(err)
	}
	if !strings.HasPrefix(p.outcome.state, "Complete") {
		return nil
	}
	var found []hanging
	err = ask(ctx, func() (err error) {
		found, err = p.findHanging(ctx, p.outcome.producer)
		return err
	})
	if err != nil {
		return p.unlessLasting(err)
	}
	for _, h := range found {
		if h.epoch >= p.outcome.epoch {
			continue
		}
		var commit, known bool
		err := ask(ctx, func() (err error) {
			commit, known, err = p.decided(ctx, h)
			return err
		})
		if err == nil && known {
			err = p.end(ctx, h, commit)
		}
		if err != nil {
			return p.unlessLasting(err)
		}
	}
	return nil
}

// ask asks a question again while asking again may help. It changes nothing, and
// T2 may not come before its answer: a coordinator that is only now being found
// or loaded, as each is on a broker that has just started, would end the take-over
// for nothing. T2b and the look need no patience, since they ask again anyway.
func ask(ctx context.Context, question func() error) error { return repeat(ctx, question, mayPass) }

// decided says how a transaction that hangs was to end. The cursor partition is
// part of each of ours and the first to be ended: where it has a marker, the
// others follow it, whatever has happened since. Otherwise it is the last one
// that the coordinator has decided, or nobody knows.
func (p *Publisher) decided(ctx context.Context, h hanging) (commit, known bool, err error) {
	if h.topic != p.options.Topics.Cursors {
		if commit, known, err = p.fate(ctx, h); known || err != nil {
			return commit, known, err
		}
	}
	commit, known = p.outcome.of(h)
	return commit, known, nil
}

// fate reads from the cursor partition what became of a transaction there: the
// first marker of its producer after its records is its own, or that of the next
// one, which Kafka has taken for the same. Before Kafka 4 transactions share an
// epoch; where more than one has it, they cannot be told apart.
func (p *Publisher) fate(ctx context.Context, h hanging) (commit, known bool, err error) {
	r := newReader(p.client, p.options.Topics.Cursors, int32(p.options.Shard))
	r.everything = true
	if r.next, err = r.offset(ctx, logStart); err != nil {
		return false, false, err
	}
	high, err := r.offset(ctx, logEnd)
	if err != nil {
		return false, false, err
	}
	begun := false
	for r.next < high {
		records, _, err := r.read(ctx, 0)
		if err != nil {
			return false, false, err
		}
		for _, x := range records {
			switch {
			case x.ProducerID != h.producer:
			case !x.Attrs.IsControl() && x.ProducerEpoch == h.epoch:
				if begun = true; known {
					return false, false, nil
				}
			case x.Attrs.IsControl() && !known && (begun || x.ProducerEpoch == h.epoch+1):
				// Key: version and type, 16 bits each; type 1 is a commit.
				commit, known = len(x.Key) >= 4 && x.Key[3] == 1, true
			}
		}
	}
	return commit, known, nil
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
		if p.epoch != p.outcome.epoch+1 { // something happened between the question and T2
			p.outcome = outcome{}
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
		commit, known, err := p.decided(ctx, h)
		if err != nil {
			p.options.Log.Info("cannot look for transactions of this shard that hang", zap.Error(err))
			left = append(left, h)
			continue
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

// onFirmGround comes before P3: a transaction on top of one that hangs is the
// same to Kafka, and would take it along if it were aborted. Markers are written
// within milliseconds; where ours is missing, the take-over (T2a) mends it.
func (p *Publisher) onFirmGround(ctx context.Context) error {
	for deadline := time.Now().Add(waitHanging); p.headerAt >= p.stable; {
		if err := p.readOn(ctx, 10*time.Millisecond); err != nil {
			return err
		}
		if time.Now().After(deadline) {
			found, err := p.findHanging(ctx, p.producer)
			if err != nil || len(found) == 0 {
				return err // another's transaction hides ours, and does it no harm
			}
			return found[0].doubt()
		}
	}
	return nil
}

// lookForHanging is a part of L2: the readers of a partition that nothing more
// is published to for a while would stand still until the next take-over.
func (p *Publisher) lookForHanging(ctx context.Context) error {
	if time.Since(p.asked) < p.options.HangingInterval {
		return nil
	}
	found, err := p.findHanging(ctx, p.producer)
	if err != nil {
		return nil // the next look asks again
	}
	p.asked = time.Now()
	for _, h := range found {
		// A marker may be on its way once, but not twice.
		if slices.Contains(p.suspects, h) {
			return h.doubt()
		}
	}
	p.suspects = found
	return nil
}

func (h hanging) doubt() error {
	return fmt.Errorf("a transaction of this shard that is over hangs in %s/%d from offset %d", h.topic, h.partition, h.start)
}

// waitHanging is for how long T3 and P3 wait for a marker before they ask whether
// it is missing.
const waitHanging = 2 * time.Second
