package company

import (
	"fmt"
	"strings"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/store"
)

// shard is what the reader has read of one shard.
type shard struct {
	seen              // as of its rows
	newest   seen     // which may be later
	marks    marks    // of both
	off      []string // dimensions that it has switched off
	segments map[string]*rows
	// moving: users of a customer still count under its former segment, a durable
	// job of several commits, during which segments don't add up to the whole.
	moving bool
}

func newShard() *shard {
	return &shard{seen: seen{empty: true}, newest: seen{empty: true}, segments: map[string]*rows{}}
}

// apply takes over what was read, and moves the view's sums along. Touched is told
// of each day from which on a segment's levels may have changed. After an error,
// which only damaged rows give, shard and sums don't fit together any more and the
// reader has to start anew.
func (s *shard) apply(v store.View, to *view, touched func(segment string, day int32)) error {
	m := move{view: to, shard: s, touched: touched, sums: map[string][]*sum{}}
	from := s.head.FirstDay
	s.seen = s.marks.see(v)
	s.newest = s.seen
	if err := m.firstDay(from, s.head.FirstDay); err != nil {
		return err
	}
	if err := s.parseTable(v.Head.Table); err != nil {
		return err
	}
	if v.Full {
		return s.replace(v.Cells, &m)
	}
	return s.put(v.Cells, &m)
}

// parseTable reads what figures depend on of a shard's table.
func (s *shard) parseTable(b []byte) error {
	s.off, s.moving = nil, false
	if len(b) == 0 {
		return nil
	}
	stored, err := aggregator.ParseTable(b)
	if err != nil {
		return fmt.Errorf("read the table of records: %w", err)
	}
	s.off, s.moving = stored.Off, len(stored.Jobs) > 0
	return nil
}

// put replaces the rows that were read; nil deletes one.
func (s *shard) put(read map[string][]byte, m *move) error {
	for name, b := range read {
		n, err := aggregator.ParseRowName(name)
		if err != nil {
			return err
		}
		if err := s.set(n, b, m); err != nil {
			return err
		}
	}
	return nil
}

// replace puts what was read in the place of all rows.
func (s *shard) replace(read map[string][]byte, m *move) error {
	for _, n := range s.missing(read) {
		if err := s.set(n, nil, m); err != nil {
			return err
		}
	}
	return s.put(read, m)
}

// missing are the rows that are not among those read.
func (s *shard) missing(read map[string][]byte) (gone []aggregator.RowName) {
	for segment, of := range s.segments {
		for _, x := range of.list {
			n := aggregator.RowName{Kind: x.kind, Day: x.day, Segment: segment}
			if _, there := read[n.String()]; !there {
				gone = append(gone, n)
			}
		}
	}
	return gone
}

// set replaces one row; nil deletes it.
func (s *shard) set(n aggregator.RowName, b []byte, m *move) error {
	if err := aggregator.CheckRow(b); err != nil {
		return fmt.Errorf("row %s: %w", n, err)
	}
	of := s.segments[n.Segment]
	if err := m.row(n, of.get(n), b); err != nil {
		return err
	}
	if of == nil {
		if b == nil {
			return nil
		}
		of = &rows{}
		s.segments[strings.Clone(n.Segment)] = of // not the whole name that it was cut from
	}
	if of.put(n, b); len(of.list) == 0 {
		delete(s.segments, n.Segment)
	}
	return nil
}

// unready says in words why the shard cannot count yet, "" where it can.
func (s *shard) unready() string {
	if why := s.seen.unready(); why != "" {
		return why
	}
	if s.moving {
		return "is moving a customer's users to another segment"
	}
	return ""
}
