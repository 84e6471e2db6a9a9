package publisher

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/zap"
)

// Publisher speaks for one shard. It belongs to one goroutine; only Close may
// be called from another one. After any error of Publish or Look it is closed
// and everything known of the shard is in doubt: start over with a new one.
type Publisher struct {
	options  Options
	client   *kgo.Client
	requests requestCount
	inits    int64 // InitProducerId requests sent by the end of T2
	producer int64 // producer id and epoch that T2 was answered with
	epoch    int16
	outcome  outcome // of the transaction before T2
	reader   *reader

	known    cursor    // what is announced; moved on by Open and P4 alone
	headerAt int64     // offset of its header, -1 where not known
	seen     Header    // newest header that the reader has come by
	stable   int64     // last stable offset of the cursor partition, as last read
	suspects []hanging // that the last look has found
	asked    time.Time // when it did

	closing sync.Once
	closed  atomic.Bool
}

// ErrClosed: the publisher was closed, by Close or by an earlier error.
var ErrClosed = errors.New("the publisher is closed")

// requestCount counts the requests whose repetition the library decides about.
type requestCount struct{ init, end atomic.Int64 }

// OnBrokerWrite implements kgo.HookBrokerWrite: it is called after a request
// was written, and before its answer is looked at. What was not written at all,
// on a connection that is found dead, the library sends again; it does no harm.
func (c *requestCount) OnBrokerWrite(_ kgo.BrokerMetadata, key int16, written int, _, _ time.Duration, _ error) {
	if written == 0 {
		return
	}
	switch key {
	case int16(kmsg.InitProducerID):
		c.init.Add(1)
	case int16(kmsg.EndTxn):
		c.end.Add(1)
	}
}

// Open takes the right to publish for a shard from whoever had it (T2), and
// reads what is announced (T3). An open transaction of the predecessor is ended
// by it, one whose commit is decided is waited for.
func Open(ctx context.Context, o Options) (*Publisher, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	p := &Publisher{options: o, headerAt: -1}
	p.known.announced = make(map[Pair]uint64)
	var err error
	if p.client, err = o.client(&p.requests); err != nil {
		return nil, err
	}
	if err = p.takeOver(ctx); err != nil {
		p.Close()
		return nil, fmt.Errorf("take over publishing for shard %d: %w", o.Shard, err)
	}
	o.Log.Info("publishing for shard", zap.Int("shard", o.Shard),
		zap.Uint64("publication", p.known.header.P), zap.Int("announced", len(p.known.announced)))
	return p, nil
}

func (p *Publisher) takeOver(ctx context.Context) error {
	if err := p.checkTopics(ctx); err != nil {
		return err
	}
	// T2a before T2, which makes the coordinator forget how the last one ended.
	if err := p.endDecided(ctx); err != nil {
		return err
	}
	// T2 before T3: what is read before the predecessor is fenced can change.
	if err := p.fence(ctx); err != nil {
		return err
	}
	return p.readCursor(ctx)
}

// fence is T2. The library would put InitProducerId off to the first record.
// The answer waits until a transaction whose commit is decided is complete.
func (p *Publisher) fence(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, p.options.CursorLimit)
	defer cancel()
	var err error
	if p.producer, p.epoch, err = p.client.ProducerID(ctx); err != nil {
		return fmt.Errorf("send InitProducerId for %s: %w", p.options.transactionalID(), err)
	}
	p.inits = p.requests.init.Load()
	return nil
}

// readCursor is T3: the cursor partition is read until the last stable offset
// has reached the high watermark that it has now, after T2. Before that, a
// transaction of anybody could hide our predecessor's last publication.
func (p *Publisher) readCursor(parent context.Context) error {
	ctx, cancel := context.WithTimeout(parent, p.options.CursorLimit)
	defer cancel()
	left, looked := p.endForgotten(ctx), time.Now()
	p.reader = newReader(p.client, p.options.Topics.Cursors, int32(p.options.Shard))
	var err error
	if p.reader.next, err = p.reader.offset(ctx, logStart); err != nil {
		return err
	}
	high, err := p.reader.offset(ctx, logEnd)
	if err != nil {
		return err
	}
	held := false // the newest answer showed nothing more below the high watermark
	for p.reader.next < high {
		records, stable, err := p.reader.read(ctx, 100*time.Millisecond)
		if err != nil && held && parent.Err() == nil && ctx.Err() != nil {
			return fmt.Errorf("cursor partition %s: a transaction that nobody ends hides what lies from offset %d to %d, for %v now; %s",
				p.reader, p.reader.next, high, p.options.CursorLimit, p.wayOut(left))
		}
		if err != nil {
			return err
		}
		if held = p.reader.next >= stable; held && time.Since(looked) > waitHanging {
			left, looked = p.endForgotten(ctx), time.Now()
		}
		for _, r := range records {
			if err := p.known.apply(r); err != nil {
				return err
			}
		}
	}
	p.seen = p.known.header
	return nil
}

// checkTopics fails with a sentence where the shard has no partition. It is
// patient for a moment: a topic just created is not known everywhere at once.
func (p *Publisher) checkTopics(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, p.options.LookLimit)
	defer cancel()
	for _, topic := range []string{p.options.Topics.Alerts, p.options.Topics.Cursors} {
		r := newReader(p.client, topic, int32(p.options.Shard))
		if err := retry(ctx, func() error { return r.locate(ctx) }); err != nil {
			return err
		}
	}
	return nil
}

// Header is the position of the newest publication. Before the first one P is
// 0 and there are no offsets.
func (p *Publisher) Header() Header {
	h := p.known.header
	h.Offsets = maps.Clone(h.Offsets)
	return h
}

// Announced gives n, the publication number of its firing, for each pair that
// readers have been told is firing. The map is the publisher's own: to be read
// only, and not beyond the next Publish.
func (p *Publisher) Announced() map[Pair]uint64 { return p.known.announced }

// Look is L2: does the cursor partition hold what we know, and nothing above?
// It reads on from T3 to the partition's present end, which is one short
// request where nothing has come. ErrFenced means that another's publication
// was found. After any error the publisher is closed.
func (p *Publisher) Look(ctx context.Context) error {
	if p.closed.Load() {
		return ErrClosed
	}
	ctx, cancel := context.WithTimeout(ctx, p.options.LookLimit)
	defer cancel()
	if err := p.look(ctx); err != nil {
		p.Close()
		return fmt.Errorf("look at the cursor of shard %d: %w", p.options.Shard, err)
	}
	return nil
}

func (p *Publisher) look(ctx context.Context) error {
	if err := p.readOn(ctx, 0); err != nil {
		return err
	}
	// Our own newest may still be hidden, but not be passed by.
	if p.headerAt >= 0 && p.reader.next > p.headerAt && p.seen.P < p.known.header.P {
		return fmt.Errorf("publication %d was committed, and is not at offset %d of %s", p.known.header.P, p.headerAt, p.reader)
	}
	return p.lookForHanging(ctx)
}

// readOn reads the cursor partition to its last stable offset and fails where
// another's publication is found.
func (p *Publisher) readOn(ctx context.Context, wait time.Duration) error {
	for {
		records, stable, err := p.reader.read(ctx, wait)
		if err != nil {
			return err
		}
		p.stable = stable
		for _, r := range records {
			if string(r.Key) != headerKey {
				continue
			}
			var seen cursor
			if err := seen.apply(r); err != nil {
				return err
			}
			if p.known.header.foreign(seen.header) {
				return fmt.Errorf("publication %d at offset %d of %s, ours is %d: %w",
					seen.header.P, r.Offset, p.reader, p.known.header.P, ErrFenced)
			}
			p.seen = seen.header
		}
		if p.reader.next >= stable {
			return nil
		}
	}
}

// Close gives up publishing. An open transaction is left to the successor's
// InitProducerId or to its time-out.
func (p *Publisher) Close() {
	p.closed.Store(true)
	p.closing.Do(p.client.Close)
}

// asFence adds ErrFenced to the broker's ways of saying so.
func asFence(err error) error {
	for _, e := range []error{kerr.ProducerFenced, kerr.InvalidProducerEpoch, kerr.InvalidProducerIDMapping} {
		if errors.Is(err, e) {
			return fmt.Errorf("%w: %w", ErrFenced, err)
		}
	}
	return err
}
