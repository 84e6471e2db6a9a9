package publisher

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// transaction is a publication, ready to be sent.
type transaction struct {
	records []*kgo.Record // the header is the last one
	header  Header
	changes map[Pair]uint64 // n of what fires, 0 for what is resolved
}

// Publish says a publication in one transaction (P3) and returns nil only where
// the broker has said that it is committed (P4). After any error, whether it
// was committed is not known; the publisher is closed, and the caller starts
// over with T1. ErrFenced is one of the errors. A ctx that ends makes a doubt:
// finish a transaction in hand before stopping.
func (p *Publisher) Publish(ctx context.Context, publication Publication) error {
	if p.closed.Load() {
		return ErrClosed
	}
	t, err := p.prepare(publication)
	if err == nil {
		err = p.commit(ctx, t)
	}
	if err != nil {
		p.Close() // in doubt: nothing is retried, and the library is given no chance to
		return fmt.Errorf("publish for shard %d: %w", p.options.Shard, asFence(err))
	}
	p.known.header, p.headerAt = t.header, t.records[len(t.records)-1].Offset
	for pair, n := range t.changes {
		if n == 0 {
			delete(p.known.announced, pair)
		} else {
			p.known.announced[pair] = n
		}
	}
	return nil
}

// prepare makes the records of a publication: one transaction's alerts, notes,
// changed cursor records and header.
func (p *Publisher) prepare(publication Publication) (*transaction, error) {
	t := &transaction{changes: make(map[Pair]uint64, len(publication.Alerts))}
	t.header = Header{
		P:         p.known.header.P + 1,
		Offsets:   maps.Clone(publication.Header.Offsets),
		Watermark: publication.Header.Watermark,
	}
	for _, a := range publication.Alerts {
		if err := p.addAlert(t, a); err != nil {
			return nil, fmt.Errorf("alert %s of %s: %w", a.Pair.Rule, a.Pair.Subject, err)
		}
	}
	for _, n := range publication.Notes {
		t.records = append(t.records, n.record(p.options.MaxMessageBytes))
	}
	header, err := json.Marshal(t.header)
	if err != nil {
		return nil, fmt.Errorf("encode header: %w", err)
	}
	t.records = append(t.records, &kgo.Record{Topic: p.options.Topics.Cursors, Key: []byte(headerKey), Value: header})
	return t, nil
}

// addAlert adds an alert and the change of its cursor record.
func (p *Publisher) addAlert(t *transaction, a Alert) error {
	key, err := a.Pair.key()
	if err != nil {
		return err
	}
	if _, twice := t.changes[a.Pair]; twice {
		return errors.New("BUG: twice in one publication")
	}
	n, announced := p.known.announced[a.Pair]
	if announced == a.Firing {
		return fmt.Errorf("BUG: firing=%v is announced already, n %d", a.Firing, n)
	}
	// n is the publication number: it rises from episode to episode of a pair
	// without a memory of those that are over.
	if a.Firing {
		n = t.header.P
	}
	value, err := a.Encode(n)
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	cursor := &kgo.Record{Topic: p.options.Topics.Cursors, Key: key} // a tombstone
	t.changes[a.Pair] = 0
	if a.Firing {
		if cursor.Value, err = json.Marshal(firing{N: n}); err != nil {
			return fmt.Errorf("encode cursor: %w", err)
		}
		t.changes[a.Pair] = n
	}
	t.records = append(t.records, &kgo.Record{Topic: p.options.Topics.Alerts, Key: key, Value: value}, cursor)
	return nil
}

// commit sends a transaction. Only nil means that it is committed.
func (p *Publisher) commit(ctx context.Context, t *transaction) error {
	ctx, cancel := context.WithTimeout(ctx, p.options.Timeout)
	defer cancel()
	if err := p.onFirmGround(ctx); err != nil {
		return err
	}
	ends := p.requests.end.Load()
	if err := p.client.BeginTransaction(); err != nil {
		return fmt.Errorf("begin the transaction: %w", err)
	}
	if err := p.produce(ctx, t.records); err != nil {
		return err
	}
	if err := p.settle(ctx, t.records); err != nil {
		return err
	}
	// Not half of it: a new InitProducerId has aborted what went before.
	if err := p.sameProducer(); err != nil {
		return err
	}
	if err := p.client.EndTransaction(ctx, kgo.TryCommit); err != nil {
		return fmt.Errorf("end the transaction: %w", err)
	}
	// "Committed" is one request and its answer. The library also says nil where
	// it finds nothing to end, and where the answer is to a second request.
	if sent := p.requests.end.Load() - ends; sent != 1 {
		return fmt.Errorf("end the transaction: EndTxn was sent %d times", sent)
	}
	return nil
}

// produce sends records and waits until the broker has all of them.
func (p *Publisher) produce(ctx context.Context, records []*kgo.Record) error {
	var (
		mu    sync.Mutex
		first error
	)
	for _, r := range records {
		p.client.Produce(ctx, r, func(r *kgo.Record, err error) {
			mu.Lock()
			defer mu.Unlock()
			if err != nil && first == nil {
				first = fmt.Errorf("produce to %s: %w", r.Topic, err)
			}
		})
	}
	flushed := p.client.Flush(ctx)
	mu.Lock()
	defer mu.Unlock()
	if first != nil {
		return first
	}
	if flushed != nil {
		return fmt.Errorf("produce %d records: %w", len(records), flushed)
	}
	return nil
}

// settle waits until EndTransaction can see what was produced. On meeting a
// topic the library hands its records to the broker before it stores the
// topic's partitions; where their acknowledgements are quicker than the store,
// EndTransaction finds nothing that it should end, aborts, and says nil.
func (p *Publisher) settle(ctx context.Context, records []*kgo.Record) error {
	stored := make(map[string]bool)
	for _, r := range records {
		if stored[r.Topic] {
			continue
		}
		err := retry(ctx, func() error {
			if leader, _, err := p.client.PartitionLeader(r.Topic, r.Partition); err != nil || leader < 0 {
				return fmt.Errorf("partition %s/%d is not known yet: %w", r.Topic, r.Partition, errors.Join(err, kerr.LeaderNotAvailable))
			}
			return nil
		})
		if err != nil {
			return err
		}
		stored[r.Topic] = true
	}
	return nil
}

// sameProducer fails where the library has helped itself to a new producer
// epoch. It does so after some errors, and after one (a partition whose start
// has moved) without telling. What this publisher knows is then not what its
// new epoch guards. The epoch itself is no sign: since Kafka 4 it rises with
// every EndTxn. InitProducerId is sent by T2 and never again.
func (p *Publisher) sameProducer() error {
	if sent := p.requests.init.Load(); sent != p.inits {
		return fmt.Errorf("the producer was initialised again, %d requests after the take-over", sent-p.inits)
	}
	return nil
}
