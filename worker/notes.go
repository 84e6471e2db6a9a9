package worker

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/tidemark-io/tidemark/consumer"
	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/publisher"
)

// note is what is said once: a copy of a message that is due on the late or the
// dead-letter topic, or a one-shot alert. Of a copy the store keeps where it lies;
// its bytes come from memory, or from the log after a crash.
type note struct {
	Topic  string       `json:"topic"`
	Offset int64        `json:"offset"`
	Due    int64        `json:"due,omitempty"`    // Unix ms, where time raised it
	To     string       `json:"to"`               // late, dead_letter or alerts
	Reason event.Reason `json:"reason,omitempty"` // of a copy
	Cancel *scheduled   `json:"cancel,omitempty"` // of an alert

	stored     bool
	message    bool // the three below are known
	key, value []byte
	headers    []publisher.RecordHeader
}

func (n *note) name() string {
	return n.Topic + "/" + strconv.FormatInt(n.Offset, 10) + "/" + n.To
}

// refuse takes a note of a message that is not applied, and counts it.
func (t *tenure) refuse(in *input, m *consumer.Message, to string, reason event.Reason) error {
	t.count(to+"/"+string(reason), 1)
	if to == "late" {
		t.late++
	}
	n := &note{Topic: in.topic, Offset: m.Offset, To: to, Reason: reason}
	n.fill(m)
	t.notes[n.name()] = n
	return nil
}

// lateEvery is the least time between two warnings of one shard.
const lateEvery = time.Minute

// warnLate says that messages come too late to count: somebody who produces
// history in another order than that of time would not notice otherwise.
func (t *tenure) warnLate() {
	if t.late == 0 || time.Since(t.lateSaid) < lateEvery {
		return
	}
	t.log.Warn("messages older than the horizon went to the late topic and count nowhere: "+
		"send history in the order of time (tidemark import sorts it), or begin anew with a longer horizon", zap.Int64("messages", t.late))
	t.late, t.lateSaid = 0, time.Now()
}

// fill copies the message: its memory is used again once it is applied.
func (n *note) fill(m *consumer.Message) {
	n.message = true
	n.key, n.value = slices.Clone(m.Key), slices.Clone(m.Value)
	for _, h := range m.Headers {
		n.headers = append(n.headers, publisher.RecordHeader{Key: h.Key, Value: slices.Clone(h.Value)})
	}
}

func (t *tenure) noteBytes() (n int) {
	for _, x := range t.notes {
		n += len(x.key) + len(x.value) + 256
	}
	return n
}

// isSaid: the event's offset is below the header's and its due time, where it
// has one, at or before the header's watermark.
func (n *note) isSaid(h publisher.Header) bool {
	return n.Offset < h.Offsets[n.Topic] && n.Due <= h.Watermark
}

// dropSaid forgets the notes that the header covers; the next commit deletes them.
func (t *tenure) dropSaid() {
	h := t.pub.Header()
	for name, n := range t.notes {
		if n.isSaid(h) {
			delete(t.notes, name)
			if n.stored {
				t.said = append(t.said, name)
			}
		}
	}
}

// message is what goes out. Of a copy key, value and headers are untouched, with
// the reason and the origin in headers of their own.
func (t *tenure) message(n *note) (publisher.Note, error) {
	if n.Cancel != nil {
		return t.alertNote(n)
	}
	out := publisher.Note{Topic: t.opts.Outputs.DeadLetter, Key: n.key, Value: n.value}
	if n.To == "late" {
		out.Topic = t.opts.Outputs.Late
	}
	out.Headers = append(slices.Clone(n.headers),
		publisher.RecordHeader{Key: "tidemark_reason", Value: []byte(n.Reason)},
		publisher.RecordHeader{Key: "tidemark_topic", Value: []byte(n.Topic)},
		publisher.RecordHeader{Key: "tidemark_partition", Value: strconv.AppendInt(nil, int64(t.shard), 10)},
		publisher.RecordHeader{Key: "tidemark_offset", Value: strconv.AppendInt(nil, n.Offset, 10)})
	return out, nil
}

// readNotes reads the messages again whose notes have no bytes: those that the
// predecessor has left, and those that time has raised. A record batch of the log is
// read once for all that lie in it.
func (t *tenure) readNotes(ctx context.Context) error {
	var left []*note
	for _, n := range t.notes {
		if !n.message && n.Cancel == nil {
			left = append(left, n)
		}
	}
	slices.SortFunc(left, func(a, b *note) int {
		return cmp.Or(strings.Compare(a.Topic, b.Topic), cmp.Compare(a.Offset, b.Offset))
	})
	for len(left) > 0 {
		n, err := t.readBatchOf(ctx, left)
		if err != nil {
			return fmt.Errorf("read a message again for the %s topic: %w", left[0].To, err)
		}
		left = left[n:]
	}
	return nil
}

// readBatchOf reads the record batch of the first of notes that are sorted, and
// returns how many lie in it. Where the log has dropped a message, what is left is
// where it lay and why it was refused.
func (t *tenure) readBatchOf(ctx context.Context, notes []*note) (int, error) {
	first := notes[0]
	first.message = true
	b, err := t.opts.Fetcher.ReadAt(ctx, first.Topic, t.shard, first.Offset)
	var outside *consumer.OffsetOutOfRange
	switch {
	case errors.Is(err, consumer.ErrNothingThere), asError(err, &outside):
		return 1, nil
	case err != nil:
		return 0, err
	}
	defer b.Release()
	messages := b.Messages
	for i, n := range notes {
		if n.Topic != first.Topic || i > 0 && n.Offset >= b.Next {
			return i, nil
		}
		for len(messages) > 0 && messages[0].Offset < n.Offset {
			messages = messages[1:]
		}
		if n.message = true; len(messages) > 0 && messages[0].Offset == n.Offset {
			n.fill(&messages[0])
		}
	}
	return len(notes), nil
}

func (n *note) encode() ([]byte, error) { return json.Marshal(n) }

func asError[T error](err error, target *T) bool { return errors.As(err, target) }

// keyCheck watches how many of the last messages lay under a wrong key.
type keyCheck struct{ messages, wrong int }

const (
	keyWindow  = 100_000
	wrongAtAll = 100
)

func (k *keyCheck) add(wrong bool) {
	if k.messages == keyWindow {
		*k = keyCheck{}
	}
	k.messages++
	if wrong {
		k.wrong++
	}
}

// bad: more than 0.1 % of the window, and at least 100.
func (k *keyCheck) bad() bool { return k.wrong >= wrongAtAll && k.wrong*1000 > keyWindow }

// ignoredTypes bounds the labels of ignored types; the rest are other.
const ignoredTypes = 50

// tally counts what nearly every message is; it goes into the counters with the
// commit.
type tally struct{ read, applied, duplicate int64 }

func (t *tenure) addTally() {
	for label, n := range map[string]int64{"read": t.tally.read, "applied": t.tally.applied, "duplicate": t.tally.duplicate} {
		if n != 0 {
			t.count(label, n)
		}
	}
	t.tally = tally{}
}

func (t *tenure) count(label string, n int64) { t.head.Counters[label] += n }

func (t *tenure) countIgnored(ev *event.Event) {
	label := "ignored/" + string(ev.Type)
	if ev.Kind == event.Signal {
		label = "ignored/signal:" + string(ev.Signal.Name)
	}
	if _, known := t.head.Counters[label]; !known {
		n := 0
		for l := range t.head.Counters {
			if len(l) > 8 && l[:8] == "ignored/" {
				n++
			}
		}
		if n >= ignoredTypes || len(label) > 80 {
			label = "ignored/other"
		}
	}
	t.head.Counters[label]++
}
