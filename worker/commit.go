package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	"go.uber.org/zap"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/alert"
	"github.com/tidemark-io/tidemark/store"
)

// Company is what the owner of shard 0 does for the whole company.
type Company interface {
	// Next returns what is due: nothing while the company cannot be read whole.
	Next(ctx context.Context, now time.Time) (Duties, error)
	// Alert describes a rule on a KPI that began or ceased to fire.
	Alert(ctx context.Context, p aggregator.Pair, firing bool) (alert.Alert, error)
	// Send says what Next returned, once it is committed.
	Send(ctx context.Context, d Duties) error
	// Close ends the tenure: when it returns, nothing more is sent.
	Close()
}

// ErrUnsent: figures that are committed as said did not reach their topic. In
// doubt: the next tenure says them again.
var ErrUnsent = errors.New("figures could not be sent")

// Duties are what one commit of shard 0 stores beside, and what is sent after it.
type Duties struct {
	Fired        map[aggregator.Pair]*aggregator.Firing // nil: no longer firing
	Sent, Public []store.Field
	Scores       []byte // of all customers, added up; nil: as they are stored
	Messages     []Message
	Judged       bool // the rules on KPIs were evaluated for this
}

// Message is one message for the topic of KPIs.
type Message struct{ Key, Value []byte }

func (d *Duties) empty() bool {
	return len(d.Fired) == 0 && len(d.Sent) == 0 && len(d.Public) == 0 && len(d.Messages) == 0 && d.Scores == nil
}

// commitAndPublish is C2, C3 and P0 to P4.
func (t *tenure) commitAndPublish(ctx context.Context, d *Duties) error {
	c, err := t.build(d)
	if err != nil {
		return stopped{err}
	}
	if c != nil {
		if err := t.commit(ctx, c); err != nil {
			return err
		}
	}
	step, cancel := t.step(ctx)
	defer cancel()
	if err := t.publish(step); err != nil {
		return err
	}
	t.report()
	return nil
}

// build is the write of C2, nil where nothing has changed.
func (t *tenure) build(d *Duties) (*store.Commit, error) {
	ch := t.state.Changes()
	t.addTally()
	for _, w := range ch.Warnings {
		t.log.Warn(w)
	}
	for list, n := range ch.Capped {
		t.count("capped/"+list, n)
	}
	atEnd := t.atEnd()
	born := t.head.Born || t.isBorn()
	behind := t.lag() > catchingUp || !atEnd && t.head.CatchingUp
	if !t.touched && ch.Empty() && born == t.head.Born && behind == t.head.CatchingUp && !t.endMoved() && len(t.said)+len(t.told) == 0 && ch.Watermark == t.head.Watermark {
		return nil, nil
	}
	for _, in := range t.inputs {
		t.head.Offsets[in.topic] = in.at
	}
	t.head.Watermark, t.head.FirstDay, t.head.Table = ch.Watermark, ch.FirstDay, ch.Table
	t.head.Born, t.head.CatchingUp, t.head.AtEnd = born, behind, atEnd
	c := &store.Commit{Records: fields(ch.Records), Cells: fields(ch.Cells), Frozen: fields(ch.Frozen), Due: fields(ch.Due),
		Bands: members(ch.Moves), Episodes: t.told, Causes: t.causesOf()}
	for _, n := range ch.Notes {
		t.count("expired", 1)
		x := &note{Topic: n.Origin.Topic, Offset: n.Origin.Offset, Due: n.Due, To: "late", Reason: n.Reason}
		t.notes[x.name()] = x
	}
	// P2: what is read again after a loss of commits was said before it, and need
	// not be kept until the header is reached.
	t.dropSaid()
	if err := t.addFiring(c, ch.Fired, d); err != nil {
		return nil, err
	}
	for name, n := range t.notes {
		if n.stored {
			continue
		}
		b, err := n.encode()
		if err != nil {
			return nil, fmt.Errorf("encode note: %w", err)
		}
		c.Notes = append(c.Notes, store.Field{Name: name, Value: b})
	}
	for _, name := range t.said {
		c.Notes = append(c.Notes, store.Field{Name: name})
	}
	if d != nil {
		c.Sent, c.Public, c.Scores = d.Sent, d.Public, d.Scores
	}
	c.Head = t.head
	c.Head.Counters, c.Head.Offsets = maps.Clone(t.head.Counters), maps.Clone(t.head.Offsets)
	return c, nil
}

// addFiring writes the changes of what should be firing.
func (t *tenure) addFiring(c *store.Commit, customers map[aggregator.Pair]*aggregator.Firing, d *Duties) error {
	sets := []map[aggregator.Pair]*aggregator.Firing{customers}
	if d != nil {
		sets = append(sets, d.Fired)
	}
	for _, set := range sets {
		for p, f := range set {
			field := store.Field{Name: p.Rule + "|" + p.Customer}
			if f != nil {
				b, err := json.Marshal(f)
				if err != nil {
					return fmt.Errorf("encode alert: %w", err)
				}
				field.Value = b
			}
			c.Firing = append(c.Firing, field)
			t.due = true
		}
	}
	for _, name := range t.gone {
		c.Firing = append(c.Firing, store.Field{Name: name})
	}
	return nil
}

// commit is C2 and C3. A hold by an audit is waited for, unless the shard is given
// up; anything else than "done" leaves the outcome in doubt.
func (t *tenure) commit(ctx context.Context, c *store.Commit) error {
	for {
		id, err := t.commitOnce(ctx, c)
		if errors.Is(err, store.ErrHeld) {
			select {
			case <-ctx.Done():
				return fmt.Errorf("commit of shard %d: %w", t.shard, err)
			case <-time.After(tick):
				continue
			}
		}
		if err != nil {
			return err
		}
		t.id = id
		break
	}
	t.cached = t.state.Memory()
	t.state.Committed(keptBytes(t.opts.CacheBytes))
	for _, f := range c.Notes {
		if n := t.notes[f.Name]; n != nil {
			n.stored = true
		}
	}
	t.said, t.told, t.gone, t.touched = nil, nil, nil, false
	t.causes.reset(t.calendar.Start(t.calendar.Day(t.head.Watermark)))
	return nil
}

func (t *tenure) commitOnce(ctx context.Context, c *store.Commit) (store.Tenure, error) {
	step, cancel := t.step(ctx)
	defer cancel()
	return t.opts.Store.Commit(step, t.shard, t.id, c)
}

// endMoved says whether what is stored about the ends of the logs is out of date
// and somebody waits for it: with clock: log the shards' time depends on all of
// them being there, with the clock none does, and it is written along with other
// things.
func (t *tenure) endMoved() bool { return !t.opts.Live && t.atEnd() != t.head.AtEnd }

// isBorn: the shard has reached the ends that its partitions had when it first
// saw them.
func (t *tenure) isBorn() bool {
	for _, in := range t.inputs {
		if in.at.Next < in.at.Birth {
			return false
		}
	}
	return true
}

func fields(kvs []aggregator.KV) []store.Field {
	out := make([]store.Field, len(kvs))
	for i, kv := range kvs {
		out[i] = store.Field(kv)
	}
	return out
}

// members are the moves between sorted sets, the last one of each customer:
// from the set it was in at first to the one it is in at last.
func members(moves []aggregator.Move) []store.Member {
	at := map[string]int{}
	var out []store.Member
	for _, m := range moves {
		i, ok := at[m.Customer]
		if !ok {
			i = len(out)
			at[m.Customer] = i
			out = append(out, store.Member{Customer: m.Customer, Was: bandSet(m.Was)})
		}
		out[i].Band, out[i].Score = bandSet(m.Is), m.MRR
	}
	return out
}

func bandSet(b aggregator.Band) string {
	if b == aggregator.Gone {
		return ""
	}
	return b.String()
}

// report says how the shard is doing.
func (t *tenure) report() {
	t.warnLate()
	lag := t.lag()
	t.silent = t.unanswered()
	state, reason := "live", ""
	switch {
	case !t.reaches():
		state, reason = "held", "the store has lost commits: reading the log again before anything is published"
	case t.silent != "":
		state, reason = "waiting", t.silent+" does not answer"
	case !t.head.Born || t.head.CatchingUp:
		state, reason = "catching up", fmt.Sprintf("%d messages behind", lag)
	}
	counters := maps.Clone(t.head.Counters)
	number, next := t.id.Number, t.next()
	if t.Status().State != state {
		t.log.Info("shard is "+state, zap.String("reason", reason), zap.Int64("lag", lag))
	}
	t.say(func(s *Status) {
		s.State, s.Reason, s.Lag, s.Cache, s.Counters, s.Commits, s.Next = state, reason, lag, t.cached, counters, number, next
		s.Progress = time.Now()
	})
}
