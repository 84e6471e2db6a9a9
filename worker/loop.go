package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/alert"
	"github.com/tidemark-io/tidemark/company"
	"github.com/tidemark-io/tidemark/consumer"
	"github.com/tidemark-io/tidemark/event"
)

// The path of an event, in this order: choose the input whose time is lowest,
// take its batch, decode each message, load the records that are not in memory,
// apply each event, advance the watermark, commit, publish what is due.

const (
	chunk        = 1000        // messages decoded and loaded for together at most
	catchUpTime  = time.Second // what a commit collects at most while catching up
	catchingUp   = 20_000      // messages behind from which on a shard is catching up
	tick         = 50 * time.Millisecond
	stepLimit    = 10 * time.Second // of one commit or publication
	maxNoteBytes = 8 << 20          // of copies held for the next publication
)

// loop goes round until the shard is given up (nil) or in doubt.
func (t *tenure) loop(ctx context.Context) error {
	timer := time.NewTimer(tick)
	defer timer.Stop()
	for {
		if ctx.Err() != nil {
			return t.leave(ctx)
		}
		if err := t.look(ctx); err != nil {
			return err
		}
		next, err := t.choose()
		if err != nil {
			return t.inputError(err)
		}
		if next == nil {
			if err := t.idle(ctx, timer); err != nil {
				return err
			}
			continue
		}
		if err := t.collect(ctx, next); err != nil {
			return err
		}
		if err := t.finish(ctx); err != nil {
			return err
		}
		// There may always be another message. While catching up nothing is due.
		if !t.history() {
			if err := t.duties(ctx); err != nil {
				return err
			}
		}
	}
}

// leave ends a tenure in order. All that was applied is committed and published; of
// what was published last, the list of episodes does not know yet.
func (t *tenure) leave(ctx context.Context) error {
	if len(t.told) == 0 {
		return nil
	}
	return t.commitAndPublish(ctx, nil)
}

// collect applies what is there, up to the size of one commit. While history is
// read that is counted in records, since events of one customer then share a write.
func (t *tenure) collect(ctx context.Context, next *input) error {
	limit, until := t.opts.LiveBatch, time.Now().Add(tick)
	behind := t.lag() > catchingUp || t.history()
	if behind {
		limit, until = t.opts.CatchUp, time.Now().Add(catchUpTime)
	}
	for n, room := 0, limit; ; {
		read, err := t.take(ctx, next, room)
		if err != nil {
			return err
		}
		n += read
		if room = limit - n; behind {
			n, room = t.state.Changed(), limit // and so by a chunk more at the most
		}
		if n >= limit || time.Now().After(until) || t.noteBytes() > maxNoteBytes || ctx.Err() != nil {
			return nil
		}
		if t.state.Memory() > t.opts.CacheBytes-chunkBytes(t.opts.CacheBytes) {
			return nil // no room for another chunk: records are dropped from memory by a commit alone
		}
		if next, err = t.choose(); err != nil || next == nil {
			return nil // an error is met again, with nothing in hand
		}
	}
}

// history says whether what is read is no news to anybody: a shard that is unborn or
// catching up says nothing that is only true for now. A commit is worth the more
// then the larger it is, since many events change the same rows.
func (t *tenure) history() bool { return !t.head.Born || t.head.CatchingUp }

// What a chunk touches has to be in memory at once. A small cache takes smaller
// chunks, of which each message may bring a bucket of eight customers with two
// users each, so that a chunk takes an eighth of the cache.
const (
	smallestChunk = 64
	bucketBytes   = 10 << 10
)

func chunkFor(cacheBytes int) int {
	return min(chunk, max(smallestChunk, chunkBytes(cacheBytes)/bucketBytes))
}

// chunkBytes is what a chunk may need of a shard's cache.
func chunkBytes(cacheBytes int) int { return cacheBytes / 8 }

// keptBytes is what a commit leaves in the cache: there is room for two chunks
// then, and none begins where there is none for one.
func keptBytes(cacheBytes int) int { return cacheBytes - 2*chunkBytes(cacheBytes) }

// SharedBatch is how many messages several record batches may have together in
// one consumer.Batch, given the bytes of one shard's cache. Such a Batch is
// applied as a whole: what is stored beside the next offset is the CRC of its
// last record batch, and a take-over would find another one at an offset in the
// midst of it.
func SharedBatch(liveBatch, cacheBytes int) int { return min(chunkFor(cacheBytes), liveBatch) }

// take applies a chunk of an input's batch and returns how many messages it was.
func (t *tenure) take(ctx context.Context, in *input, limit int) (int, error) {
	if in.batch == nil {
		if in.batch = in.stream.Take(); in.batch == nil {
			return 0, nil
		}
		in.pos = 0
	}
	b := in.batch
	size := min(chunkFor(t.opts.CacheBytes), max(limit, 1))
	if len(b.Messages) <= SharedBatch(t.opts.LiveBatch, t.opts.CacheBytes) {
		size = len(b.Messages) // perhaps of several record batches: not to be split
	}
	part := b.Messages[in.pos:min(len(b.Messages), in.pos+size)]
	if err := t.applyAll(ctx, in, part); err != nil {
		return 0, err
	}
	in.pos += len(part)
	in.at.CRC, in.at.Timestamp = b.CRC, b.LastTimestamp
	if in.pos < len(b.Messages) {
		in.at.Next = part[len(part)-1].Offset + 1
		return len(part), nil
	}
	in.at.Next, in.end = b.Next, max(in.end, b.HighWatermark)
	in.batch = nil
	b.Release()
	t.touched = true
	return len(part), nil
}

// applyAll decodes messages, loads what they touch and applies them.
func (t *tenure) applyAll(ctx context.Context, in *input, messages []consumer.Message) error {
	if len(messages) == 0 {
		return nil
	}
	t.touched = true
	t.decoder.Reset()
	now := time.Now().UnixMilli()
	if len(t.events) < len(messages) {
		t.events = make([]event.Event, chunk)
	}
	good := t.events[:0]
	origin := make([]int, 0, len(messages))
	for i := range messages {
		ev := &t.events[len(good)]
		if reason := t.decode(ev, &messages[i], now); reason != "" {
			if err := t.refuse(in, &messages[i], "dead_letter", reason); err != nil {
				return err
			}
			continue
		}
		good = t.events[:len(good)+1]
		origin = append(origin, i)
	}
	if err := t.need(ctx, good); err != nil {
		return err
	}
	for i := range good {
		if err := t.apply(in, i, &messages[origin[i]], &good[i]); err != nil {
			return err
		}
	}
	return nil
}

// decode reads a message and checks what only the log knows: that its key is
// its customer and lies where the partitioner puts it, and that its time is
// not ahead.
func (t *tenure) decode(ev *event.Event, m *consumer.Message, now int64) event.Reason {
	t.tally.read++
	if m.Value == nil {
		return event.NotJSON // a tombstone says nothing
	}
	if reason := t.decoder.Decode(ev, m.Value, m.Headers); reason != "" {
		return reason
	}
	if ev.Kind == event.Unknown {
		return ""
	}
	reason := event.CheckKey(ev, m.Key)
	if reason == "" {
		if at, err := t.opts.Partition(m.Key, t.head.Partitions); err != nil || at != t.shard {
			reason = event.KeyMismatch
		}
	}
	t.keys.add(reason != "")
	if reason != "" {
		return reason
	}
	if m.AppendTime {
		now = m.Timestamp
	}
	if ev.Time > now+t.opts.FutureSkew.Milliseconds() {
		return event.TooFarAhead
	}
	return ""
}

// need loads records until everything that the events touch is in memory.
func (t *tenure) need(ctx context.Context, events []event.Event) error {
	for {
		keys := t.state.Need(events)
		if len(keys) == 0 {
			return nil
		}
		values, err := t.opts.Store.Load(ctx, t.shard, t.id, keys)
		if err != nil {
			return err
		}
		for i, k := range keys {
			if err := t.state.Load(k, values[i]); err != nil {
				return stop("BUG: load: %w", err)
			}
		}
	}
}

// apply applies one event and counts what became of its message.
func (t *tenure) apply(in *input, i int, m *consumer.Message, ev *event.Event) error {
	if ev.Kind != event.Unknown {
		at := ev.Time
		if m.AppendTime {
			at = min(at, m.Timestamp)
		}
		in.at.Watermark = max(in.at.Watermark, at)
	}
	cause := aggregator.Cause{Topic: in.topic, Partition: t.shard, Offset: m.Offset}
	status, err := t.state.Apply(i, ev, cause)
	if err != nil {
		return stop("BUG: %w", err)
	}
	switch status {
	case aggregator.Applied:
		t.tally.applied++
		t.causes.add(in.topic, m.Offset, ev, t.state.IsActivity(ev))
		if t.state.Scheduled() {
			t.schedule(in, m, ev)
		}
	case aggregator.Duplicate:
		t.tally.duplicate++
	case aggregator.Ignored:
		t.countIgnored(ev)
	case aggregator.Late:
		return t.refuse(in, m, "late", event.BeyondHorizon)
	}
	return nil
}

// finish advances the watermark, commits and publishes, until nothing is left to do
// or to say of what was applied.
func (t *tenure) finish(ctx context.Context) error {
	for more := true; more; {
		w := t.time(time.Now())
		if w < t.state.Watermark() {
			w = t.state.Watermark()
		}
		more = t.state.Advance(w, t.opts.RetainRows)
		if w != t.head.Watermark {
			t.touched = true
		}
		if err := t.commitAndPublish(ctx, nil); err != nil {
			return err
		}
		if more {
			if err := t.need(ctx, nil); err != nil {
				return err
			}
		}
		more = more || t.left
	}
	if w := t.state.Watermark(); w != 0 && !t.state.Settled() { // nothing would ever be published, and nobody would see it
		return stop("BUG: a timer of shard %d that is due by %s did not fire", t.shard, alert.Moment(w))
	}
	if t.keys.bad() {
		return stop("more than 0.1 %% of the last messages of shard %d had a key that is not their customer, or lay on a partition where the partitioner %q would not put them: their producers partition otherwise; set partitioner accordingly, or run tidemark repartition", t.shard, t.opts.Partitioner)
	}
	return nil
}

// step is a context for work that is to be finished although the shard is given up.
func (t *tenure) step(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), t.opts.StepLimit)
}

// idle lets time pass: the watermark of a log at its end, the company's duties. It
// says when an input does not answer, or does again: nothing may be committed for long.
func (t *tenure) idle(ctx context.Context, timer *time.Timer) error {
	timer.Reset(tick)
	select {
	case <-ctx.Done():
		return nil
	case <-t.wake:
		return nil
	case <-timer.C:
	}
	if t.unanswered() != t.silent {
		t.report()
	}
	if w := t.time(time.Now()); w > t.state.Watermark() && (w-t.state.Watermark() >= tickTime || !t.opts.Live) {
		return t.finish(ctx)
	}
	if t.atEnd() && (!t.head.Born || t.head.CatchingUp) || t.endMoved() || t.touched || t.left || len(t.told)+len(t.said) > 0 {
		return t.finish(ctx)
	}
	return t.duties(ctx)
}

// tickTime is how far the clock moves a watermark at a time, ms: each move is a commit.
const tickTime = 1000

// look is L1 and L2, once a second: is the shard still ours in both stores?
func (t *tenure) look(ctx context.Context) error {
	if time.Since(t.lastLook) < time.Second {
		return nil
	}
	if err := t.opts.Store.Look(ctx, t.shard, t.id); err != nil {
		return err
	}
	if err := t.pub.Look(ctx); err != nil {
		return err
	}
	t.lastLook = time.Now()
	return nil
}

// inputError tells what cannot pass by itself from what may.
func (t *tenure) inputError(err error) error {
	var outside *consumer.OffsetOutOfRange
	var gone *consumer.TopicGone
	var corrupt *consumer.Corrupt
	switch {
	case asError(err, &outside), asError(err, &gone), asError(err, &corrupt):
		return stopped{fmt.Errorf("input of shard %d: %w", t.shard, err)}
	}
	return fmt.Errorf("input of shard %d: %w", t.shard, err)
}

// duties are shard 0's: rules on KPIs and what is due on the topic of KPIs.
func (t *tenure) duties(ctx context.Context) error {
	if t.company == nil || time.Since(t.lastWork) < tick {
		return nil
	}
	t.lastWork = time.Now()
	d, err := t.company.Next(ctx, time.Now())
	if errors.Is(err, ErrUnsent) || errors.Is(err, company.ErrDamaged) {
		return err
	}
	if err != nil {
		t.log.Warn("figures of the company cannot be read; trying again", zap.Error(err))
		return nil
	}
	first := d.Judged && !t.judged
	if d.empty() && !first {
		return nil
	}
	t.judged, t.due = t.judged || d.Judged, t.due || first
	for p, f := range d.Fired {
		if f == nil {
			delete(t.kpis, p)
		} else {
			t.kpis[p] = *f
		}
		t.due = true
	}
	t.touched = t.touched || !d.empty()
	if err := t.commitAndPublish(ctx, &d); err != nil {
		return err
	}
	return t.company.Send(ctx, d)
}
