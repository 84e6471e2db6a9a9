package endtoend

import (
	"bytes"
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
)

// The headers of a copy on the late or the dead-letter topic.
const (
	headerReason    = "tidemark_reason"
	headerTopic     = "tidemark_topic"
	headerPartition = "tidemark_partition"
	headerOffset    = "tidemark_offset"
)

// Note is a copy of a message on the late or the dead-letter topic.
type Note struct {
	Origin string // "topic/partition@offset" of the message
	Reason string
	Record *kgo.Record // the copy
}

// Position names a message the way that Note.Origin does.
func Position(topic string, partition int32, offset int64) string {
	return fmt.Sprintf("%s/%d@%d", topic, partition, offset)
}

// ReadNotes reads the late or the dead-letter topic as a read_committed reader
// sees it, by origin. A message that was copied twice is an error.
func (w *Workspace) ReadNotes(ctx context.Context, topic string) (map[string]Note, error) {
	records, err := w.ReadTopic(ctx, topic)
	if err != nil {
		return nil, err
	}
	out := map[string]Note{}
	for _, r := range records {
		n := Note{
			Origin: Header(r, headerTopic) + "/" + Header(r, headerPartition) + "@" + Header(r, headerOffset),
			Reason: Header(r, headerReason), Record: r,
		}
		if before, ok := out[n.Origin]; ok {
			return nil, fmt.Errorf("%s stands on %s twice: as %s at %d, as %s at %d", n.Origin, topic, before.Reason, before.Record.Offset, n.Reason, r.Offset)
		}
		out[n.Origin] = n
	}
	return out, nil
}

// CopyOf says how a copy differs from its message: key, value and headers must
// be untouched, its own headers stand behind them.
func (n Note) CopyOf(m *kgo.Record) error {
	switch {
	case !bytes.Equal(n.Record.Key, m.Key):
		return fmt.Errorf("the key of the copy of %s is %q, it was %q", n.Origin, n.Record.Key, m.Key)
	case !bytes.Equal(n.Record.Value, m.Value):
		return fmt.Errorf("the value of the copy of %s is %q, it was %q", n.Origin, n.Record.Value, m.Value)
	case len(n.Record.Headers) < len(m.Headers):
		return fmt.Errorf("the copy of %s has %d headers, it had %d", n.Origin, len(n.Record.Headers), len(m.Headers))
	}
	for i, h := range m.Headers {
		if c := n.Record.Headers[i]; c.Key != h.Key || !bytes.Equal(c.Value, h.Value) {
			return fmt.Errorf("header %d of the copy of %s is %s=%q, it was %s=%q", i, n.Origin, c.Key, c.Value, h.Key, h.Value)
		}
	}
	return nil
}
