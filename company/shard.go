package company

import (
	"fmt"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/store"
)

// shard is what the reader has seen of one shard.
type shard struct {
	tenure store.Tenure
	empty  bool
	head   store.Head
	rows   map[string][]byte // as stored, by row name
	off    []string          // dimensions that it has switched off
	// moving: users of a customer still count under its former segment, a durable
	// job of several commits, during which segments don't add up to the whole.
	moving bool

	// The highest that was ever seen here, to tell that the store has lost
	// commits: until it is reached again the shard's figures are old ones.
	topWatermark int64
	topOffsets   map[string]store.Offset
}

// apply takes over what was read, and moves the table by the difference.
// Touched is told of each day from which on a segment's levels may have changed.
// After an error, which only damaged rows give, shard and table don't fit
// together any more and the reader has to start anew.
func (s *shard) apply(v store.View, t *table, touched func(segment string, day int32)) error {
	m := move{table: t, from: s.head.FirstDay, to: v.Head.FirstDay, touched: touched}
	s.head, s.tenure, s.empty = v.Head, v.Tenure, v.Empty
	s.off, s.moving = nil, false
	if len(v.Head.Table) > 0 {
		stored, err := aggregator.ParseTable(v.Head.Table)
		if err != nil {
			return fmt.Errorf("read the table of records: %w", err)
		}
		s.off, s.moving = stored.Off, len(stored.Jobs) > 0
	}
	if s.rows == nil {
		s.rows = make(map[string][]byte, len(v.Cells))
	}
	for name, b := range v.Cells {
		if err := s.put(name, b, &m); err != nil {
			return err
		}
	}
	if v.Full || m.from != m.to {
		if err := s.others(v, &m); err != nil {
			return err
		}
	}
	s.seen()
	return nil
}

// others moves the rows that are not among those read: they are gone where all
// were read, and else the openings among them count on another day now.
func (s *shard) others(v store.View, m *move) error {
	for name, b := range s.rows {
		if _, read := v.Cells[name]; read {
			continue
		}
		if v.Full {
			b = nil
		}
		if err := s.put(name, b, m); err != nil {
			return err
		}
	}
	return nil
}

// put replaces one row; nil deletes it.
func (s *shard) put(name string, b []byte, m *move) error {
	if err := m.row(name, s.rows[name], b); err != nil {
		return err
	}
	if b == nil {
		delete(s.rows, name)
	} else {
		s.rows[name] = b
	}
	return nil
}

// seen raises the marks.
func (s *shard) seen() {
	s.topWatermark = max(s.topWatermark, s.head.Watermark)
	if s.topOffsets == nil {
		s.topOffsets = map[string]store.Offset{}
	}
	for topic, o := range s.head.Offsets {
		if top, ok := s.topOffsets[topic]; !ok || top.TopicID != o.TopicID || top.Next < o.Next {
			s.topOffsets[topic] = o
		}
	}
}

// behind says whether the store holds less than it once held.
func (s *shard) behind() bool {
	return s.unread() || s.head.Watermark < s.topWatermark
}

// unread says whether fewer messages are in the state than once were.
func (s *shard) unread() bool {
	for topic, top := range s.topOffsets {
		if o, ok := s.head.Offsets[topic]; (ok || s.empty) && o.Next < top.Next {
			return true
		}
	}
	return false
}

// reading says whether the shard still has to read what its log held before. A
// watermark that has fallen back is none of its reasons: with clock: log it is
// Highest that raises it again, and each would wait for the other.
func (s *shard) reading() bool {
	return s.unread() || s.tenure.Owner == "" || s.empty || !s.head.Born || s.head.CatchingUp
}

// unready says in words why the shard cannot count yet, "" where it can.
func (s *shard) unready() string {
	switch {
	case s.behind():
		return "was rolled back and is reading the log again"
	case s.tenure.Owner == "" || s.empty:
		return "has no state yet"
	case !s.head.Born:
		return "is reading its history for the first time"
	case s.head.CatchingUp:
		return "is catching up"
	case s.moving:
		return "is moving a customer's users to another segment"
	}
	return ""
}
