package company

import "github.com/tidemark-io/tidemark/store"

// seen is a shard as one commit or claim left it.
type seen struct {
	tenure store.Tenure
	empty  bool // nothing was committed yet
	head   store.Head
	unread bool // fewer messages are in the state than once were
	behind bool // unread, or the watermark is lower than it once was
}

// marks are the highest that was ever seen of a shard, to tell that the store has
// lost commits: until they are reached again the shard's figures are old ones.
type marks struct {
	watermark int64
	offsets   map[string]store.Offset
}

// see compares a shard with the marks, and raises them.
func (m *marks) see(v store.View) seen {
	s := seen{tenure: v.Tenure, empty: v.Empty, head: v.Head}
	for topic, top := range m.offsets {
		if o, ok := s.head.Offsets[topic]; (ok || s.empty) && o.Next < top.Next {
			s.unread = true
		}
	}
	s.behind = s.unread || s.head.Watermark < m.watermark
	m.watermark = max(m.watermark, s.head.Watermark)
	if m.offsets == nil {
		m.offsets = map[string]store.Offset{}
	}
	for topic, o := range s.head.Offsets {
		if top, ok := m.offsets[topic]; !ok || top.TopicID != o.TopicID || top.Next < o.Next {
			m.offsets[topic] = o
		}
	}
	return s
}

// reading says whether the shard still has to read what its log held before. A
// watermark that has fallen back is none of its reasons: with clock: log it is
// Highest that raises it again, and each would wait for the other.
func (s *seen) reading() bool {
	return s.unread || s.tenure.Owner == "" || s.empty || !s.head.Born || s.head.CatchingUp
}

// unready says in words why the shard cannot count yet, "" where it can.
func (s *seen) unready() string {
	switch {
	case s.behind:
		return "was rolled back and is reading the log again"
	case s.tenure.Owner == "" || s.empty:
		return "has no state yet"
	case !s.head.Born:
		return "is reading its history for the first time"
	case s.head.CatchingUp:
		return "is catching up"
	}
	return ""
}
