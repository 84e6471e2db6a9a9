package store

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// The list of changes lets a reader fetch only the rows that moved since it
// last looked. One entry a commit:
//
//	uvarint commit number, then
//	byte 1: anything may have changed, or
//	byte 0 and the names of the rows, each uvarint length and bytes
const (
	changesKept = 256  // entries of the list; a reader further behind takes everything
	changesRows = 4096 // rows an entry may name
)

var errChange = errors.New("malformed entry in the list of changes")

// change is one entry.
type change struct {
	number     uint64
	everything bool
	rows       []string
}

func encodeChange(number uint64, cells []Field) []byte {
	size := binary.MaxVarintLen64 + 1
	if len(cells) <= changesRows {
		for i := range cells {
			size += 2 + len(cells[i].Name)
		}
	}
	b := binary.AppendUvarint(make([]byte, 0, size), number)
	if len(cells) > changesRows {
		return append(b, 1)
	}
	b = append(b, 0)
	for i := range cells {
		b = binary.AppendUvarint(b, uint64(len(cells[i].Name)))
		b = append(b, cells[i].Name...)
	}
	return b
}

func decodeChange(entry string) (change, error) {
	b := []byte(entry)
	number, n := binary.Uvarint(b)
	if n <= 0 || n == len(b) || b[n] > 1 {
		return change{}, fmt.Errorf("%w: %q", errChange, entry)
	}
	c := change{number: number, everything: b[n] == 1}
	for b = b[n+1:]; len(b) > 0; {
		l, n := binary.Uvarint(b)
		if n <= 0 || l > uint64(len(b)-n) {
			return change{}, fmt.Errorf("%w: %q", errChange, entry)
		}
		c.rows = append(c.rows, string(b[n:n+int(l)]))
		b = b[n+int(l):]
	}
	return c, nil
}

// rowsSince returns the rows changed by the commits after and up to the
// given numbers; ok is false where the entries don't tell.
func rowsSince(entries []string, after, upTo uint64) (rows []string, ok bool, err error) {
	seen := map[string]bool{}
	next := after + 1
	for _, e := range entries {
		c, err := decodeChange(e)
		if err != nil {
			return nil, false, err
		}
		if c.number < next {
			continue
		}
		if c.number != next || c.everything {
			return nil, false, nil
		}
		next++
		for _, r := range c.rows {
			if !seen[r] {
				seen[r] = true
				rows = append(rows, r)
			}
		}
	}
	return rows, next == upTo+1, nil
}
