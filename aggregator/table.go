package aggregator

import (
	"encoding/binary"
	"fmt"
)

// Table is what a shard has to know to find its records; a part of its head.
type Table struct {
	Buckets   int
	Customers int
	Off       []string // dimensions that are switched off
	Jobs      []string // customers whose users are being moved to another segment
	Sources   []string // names of the sources that records refer to by number
	Reasons   []string // reasons of cancellations that are kept apart
	Questions []string // of CLI surveys, that are kept apart
}

const tableVersion = 2

// Append writes the table as ParseTable reads it.
func (t *Table) Append(dst []byte) []byte {
	dst = append(dst, tableVersion)
	dst = binary.AppendUvarint(dst, uint64(t.Buckets))
	dst = binary.AppendUvarint(dst, uint64(t.Customers))
	for _, list := range [][]string{t.Off, t.Jobs, t.Sources, t.Reasons, t.Questions} {
		dst = binary.AppendUvarint(dst, uint64(len(list)))
		for _, s := range list {
			dst = appendString(dst, s)
		}
	}
	return dst
}

// ParseTable reads what Append writes.
func ParseTable(b []byte) (Table, error) {
	r := reader{b: b}
	if v := r.byte(); r.err != nil || v != tableVersion {
		return Table{}, fmt.Errorf("stored table has version %d, this program reads %d", v, tableVersion)
	}
	t := Table{Buckets: int(r.uvarint()), Customers: int(r.uvarint())}
	for _, list := range []*[]string{&t.Off, &t.Jobs, &t.Sources, &t.Reasons, &t.Questions} {
		for n := r.count(); n > 0; n-- {
			*list = append(*list, r.string())
		}
	}
	if t.Buckets < firstBuckets {
		r.fail()
	}
	return t, r.err
}
