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
	Rules     []string // on bands, as BandRule.String writes them, in the order in which records number them
	Epoch     uint8    // how often Rules have changed, modulo 256; each record has that of its writing
}

const tableVersion = 3

// Append writes the table as ParseTable reads it.
func (t *Table) Append(dst []byte) []byte {
	dst = append(dst, tableVersion)
	dst = binary.AppendUvarint(dst, uint64(t.Buckets))
	dst = binary.AppendUvarint(dst, uint64(t.Customers))
	for _, list := range [][]string{t.Off, t.Jobs, t.Sources, t.Reasons, t.Questions, t.Rules} {
		dst = binary.AppendUvarint(dst, uint64(len(list)))
		for _, s := range list {
			dst = appendString(dst, s)
		}
	}
	return append(dst, t.Epoch)
}

// ParseTable reads what Append writes.
func ParseTable(b []byte) (Table, error) {
	r := reader{b: b}
	if v := r.byte(); r.err != nil || v != tableVersion {
		return Table{}, fmt.Errorf("stored table has version %d, this program reads %d", v, tableVersion)
	}
	t := Table{Buckets: int(r.uvarint()), Customers: int(r.uvarint())}
	for _, list := range []*[]string{&t.Off, &t.Jobs, &t.Sources, &t.Reasons, &t.Questions, &t.Rules} {
		for n := r.count(); n > 0; n-- {
			*list = append(*list, r.string())
		}
	}
	t.Epoch = r.byte()
	if t.Buckets < firstBuckets {
		r.fail()
	}
	return t, r.err
}
