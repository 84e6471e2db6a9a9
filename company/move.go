package company

import (
	"bytes"
	"fmt"

	"github.com/tidemark-io/tidemark/aggregator"
)

// move takes the sums that are kept from the rows of a shard to those of a later
// commit.
type move struct {
	view    *view
	shard   *shard
	touched func(segment string, day int32)
	sums    map[string][]*sum // by stored segment: what it is part of, as far as it was asked for
}

// of are the sums that a stored segment is part of.
func (m *move) of(segment string) []*sum {
	sums, known := m.sums[segment]
	if !known {
		sums = m.view.containing(segment)
		m.sums[segment] = sums
	}
	return sums
}

// firstDay moves the shard's first day: openings count on another day then, and
// rows up to it no more.
func (m *move) firstDay(from, to int32) error {
	if from == to {
		return nil
	}
	for segment, rows := range m.shard.segments {
		m.touched(segment, min(from, to))
		for _, s := range m.of(segment) {
			for _, x := range rows.list {
				was, counted := countsOn(x.kind, x.day, from)
				is, counts := countsOn(x.kind, x.day, to)
				if was == is && counted == counts {
					continue
				}
				if err := replace(s, x.kind, x.day, from, x.value, to, x.value); err != nil {
					return rowError(segment, x, err)
				}
			}
		}
	}
	return nil
}

// row replaces a row by another, nil where there is none. The first day is the
// new one.
func (m *move) row(n aggregator.RowName, old, b []byte) error {
	if bytes.Equal(old, b) {
		return nil
	}
	first := m.shard.head.FirstDay
	switch n.Kind {
	case 'd':
		m.touched(n.Segment, n.Day)
	case 'o':
		m.touched(n.Segment, first)
	}
	for _, s := range m.of(n.Segment) {
		if err := replace(s, n.Kind, n.Day, first, old, first, b); err != nil {
			return fmt.Errorf("row %s: %w", n, err)
		}
	}
	return nil
}

// replace adds a row as of one first day and takes another away as of another.
func replace(s *sum, kind byte, day, from int32, old []byte, to int32, b []byte) error {
	if err := s.add(kind, day, b, to, +1); err != nil {
		return err
	}
	return s.add(kind, day, old, from, -1)
}

func rowError(segment string, x storedRow, err error) error {
	return fmt.Errorf("row %s: %w", aggregator.RowName{Kind: x.kind, Day: x.day, Segment: segment}, err)
}
