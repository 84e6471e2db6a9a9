package company

import (
	"bytes"
	"fmt"

	"github.com/tidemark-io/tidemark/aggregator"
)

// move takes a table from the rows of a shard whose first day was from to those of
// one whose first day is to.
type move struct {
	table    *table
	from, to int32
	touched  func(segment string, day int32)
}

// row replaces a row by another, nil where there is none. A row that is as it was
// and counts where it did costs nothing: while history is read the first day moves
// with each commit, and a company of many segments has very many rows.
func (m *move) row(name string, old, b []byte) error {
	if old == nil && b == nil {
		return nil
	}
	n, err := aggregator.ParseRowName(name)
	if err != nil {
		return err
	}
	was, counted := countsOn(n, m.from)
	is, counts := countsOn(n, m.to)
	stays := old != nil && b != nil && was == is && counted == counts
	if stays && bytes.Equal(old, b) {
		return nil
	}
	oldRow, err := aggregator.ParseRow(old)
	if err != nil {
		return fmt.Errorf("row %s: %w", name, err)
	}
	row, err := aggregator.ParseRow(b)
	if err != nil {
		return fmt.Errorf("row %s: %w", name, err)
	}
	switch n.Kind {
	case 'd':
		m.touched(n.Segment, n.Day)
	case 'o':
		m.touched(n.Segment, min(was, is))
	}
	if stays {
		subtract(row, oldRow)
		if counts {
			m.table.add(n, row, is, +1)
		}
		return nil
	}
	// The new one first: a segment without rows is forgotten.
	if b != nil {
		m.table.place(n, row, m.to, +1)
	}
	if old != nil {
		m.table.place(n, oldRow, m.from, -1)
	}
	return nil
}

// subtract leaves the difference, without zeros.
func subtract(row, old aggregator.Row) {
	for c, v := range old {
		if row[c] -= v; row[c] == 0 {
			delete(row, c)
		}
	}
}

// countsOn is the day on which a row of days counts in a shard with this first
// day. A day row of the first day or before does not: the opening has it.
func countsOn(n aggregator.RowName, firstDay int32) (day int32, ok bool) {
	switch n.Kind {
	case 'o':
		return firstDay, true
	case 'd':
		return n.Day, n.Day > firstDay
	}
	return n.Day, true
}
