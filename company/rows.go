package company

import (
	"cmp"
	"slices"

	"github.com/tidemark-io/tidemark/aggregator"
)

// rows are a segment's rows in one shard as they are stored, sorted by kind and
// day. A company of many segments has very many, and nearly all of them change
// between two questions about their segment: so they are kept as they came, and
// looked into when somebody asks.
type rows struct {
	list []storedRow
	size levelOn // of paying customers, by which segments are ranked
}

type storedRow struct {
	kind  byte  // as in aggregator.RowName
	day   int32 // likewise
	value []byte
}

// levelOn is a level that was worked out once.
type levelOn struct {
	known         bool
	day, firstDay int32
	level         int64
}

func (r storedRow) compare(kind byte, day int32) int {
	return cmp.Or(cmp.Compare(r.kind, kind), cmp.Compare(r.day, day))
}

func (r *rows) find(n aggregator.RowName) (int, bool) {
	return slices.BinarySearchFunc(r.list, n, func(x storedRow, n aggregator.RowName) int { return x.compare(n.Kind, n.Day) })
}

// get is what is stored of a row, nil where there is none.
func (r *rows) get(n aggregator.RowName) []byte {
	if r == nil {
		return nil
	}
	if i, ok := r.find(n); ok {
		return r.list[i].value
	}
	return nil
}

// rowsRoom is by which part lists grow at once: twice as much each time would
// leave a third of them empty.
const rowsRoom = 8

// put replaces a row; nil deletes it.
func (r *rows) put(n aggregator.RowName, value []byte) {
	r.size.known = false
	i, there := r.find(n)
	switch {
	case there && value == nil:
		r.list = slices.Delete(r.list, i, i+1)
	case there:
		r.list[i].value = value
	case value != nil:
		if len(r.list) == cap(r.list) {
			r.list = append(make([]storedRow, 0, len(r.list)+len(r.list)/rowsRoom+1), r.list...)
		}
		r.list = slices.Insert(r.list, i, storedRow{n.Kind, n.Day, value})
	}
}

// customers is the level of paying customers on a day that is not frozen.
func (r *rows) customers(day, firstDay int32) int64 {
	if r == nil {
		return 0
	}
	if r.size.known && r.size.day == day && r.size.firstDay == firstDay {
		return r.size.level
	}
	var level int64
	for _, x := range r.list {
		if on, counts := countsOn(x.kind, x.day, firstDay); !counts || on > day || x.kind != 'o' && x.kind != 'd' {
			continue
		}
		level += customersIn(x.value)
	}
	r.size = levelOn{true, day, firstDay, level}
	return level
}

// customersIn reads that one counter. Those without currency and label stand in
// order, so that it need not look far.
func customersIn(row []byte) int64 {
	for len(row) > 0 {
		c, n, rest, err := aggregator.NextCell(row)
		if err != nil || c.Counter > aggregator.Customers {
			return 0
		}
		if c.Counter == aggregator.Customers {
			return n
		}
		row = rest
	}
	return 0
}

// countsOn is the day on which a row of days counts in a shard with this first
// day. A day row of the first day or before does not: the opening has it.
func countsOn(kind byte, day, firstDay int32) (on int32, ok bool) {
	switch kind {
	case 'o':
		return firstDay, true
	case 'd':
		return day, day > firstDay
	}
	return day, true
}
