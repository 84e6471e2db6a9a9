package store

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// The list of changes lets a reader fetch only the rows that moved since it
// last looked. One entry a commit:
//
//	uvarint commit number,
//	a byte: bit 0 set where anything may have changed, bit 1 where causes follow,
//	with bit 1 the number of causes as uvarint, and of each the topic, the offset
//	as uvarint, the kind as a byte, the day as varint, the number of segments as uvarint and these,
//	without bit 0 the names of the rows
//
// Texts are a uvarint length and bytes.
const (
	changesKept = 256  // entries of the list; a reader further behind takes everything
	changesRows = 4096 // rows an entry may name
)

var errChange = errors.New("malformed entry in the list of changes")

const (
	changeEverything = 1 << iota
	changeCauses
)

// change is one entry, or several in one.
type change struct {
	number     uint64
	everything bool
	rows       []string
	causes     []Cause
}

func encodeChange(number uint64, cells []Field, causes []Cause) []byte {
	size := binary.MaxVarintLen64 + 1
	if len(cells) <= changesRows {
		for i := range cells {
			size += 2 + len(cells[i].Name)
		}
	}
	b := binary.AppendUvarint(make([]byte, 0, size), number)
	flags := len(b)
	b = append(b, 0)
	if len(causes) > 0 {
		b[flags] |= changeCauses
		b = binary.AppendUvarint(b, uint64(len(causes)))
		for _, c := range causes {
			b = append(binary.AppendUvarint(appendText(b, c.Topic), uint64(c.Offset)), c.Kind)
			b = binary.AppendVarint(b, int64(c.Day))
			b = binary.AppendUvarint(b, uint64(len(c.Segments)))
			for _, s := range c.Segments {
				b = appendText(b, s)
			}
		}
	}
	if len(cells) > changesRows {
		b[flags] |= changeEverything
		return b
	}
	for i := range cells {
		b = appendText(b, cells[i].Name)
	}
	return b
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func decodeChange(entry string) (change, error) {
	r := changeReader{b: []byte(entry)}
	c := change{number: r.uvarint()}
	flags := r.byte()
	if flags > changeEverything|changeCauses {
		r.bad = true
	}
	c.everything = flags&changeEverything != 0
	if flags&changeCauses != 0 {
		for n := r.uvarint(); n > 0 && !r.bad; n-- {
			x := Cause{Topic: r.text(), Offset: int64(r.uvarint()), Kind: r.byte(), Day: int32(r.varint())}
			for m := r.uvarint(); m > 0 && !r.bad; m-- {
				x.Segments = append(x.Segments, r.text())
			}
			c.causes = append(c.causes, x)
		}
	}
	for len(r.b) > 0 && !r.bad {
		c.rows = append(c.rows, r.text())
	}
	if r.bad {
		return change{}, fmt.Errorf("%w: %q", errChange, entry)
	}
	return c, nil
}

// changeReader reads an entry from its beginning; bad stays set once something
// was not there.
type changeReader struct {
	b   []byte
	bad bool
}

func (r *changeReader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	r.skip(n)
	return v
}

func (r *changeReader) varint() int64 {
	v, n := binary.Varint(r.b)
	r.skip(n)
	return v
}

func (r *changeReader) skip(n int) {
	if n <= 0 || r.bad {
		r.b, r.bad = nil, true
		return
	}
	r.b = r.b[n:]
}

func (r *changeReader) byte() byte {
	if len(r.b) == 0 {
		r.bad = true
		return 0
	}
	b := r.b[0]
	r.b = r.b[1:]
	return b
}

func (r *changeReader) text() string {
	l := r.uvarint()
	if r.bad || l > uint64(len(r.b)) {
		r.b, r.bad = nil, true
		return ""
	}
	s := string(r.b[:l])
	r.b = r.b[l:]
	return s
}

// changesSince returns the rows changed by the commits after and up to the
// given numbers, each once, and their causes; ok is false where the entries
// don't tell.
func changesSince(entries []string, after, upTo uint64) (since change, ok bool, err error) {
	seen := map[string]bool{}
	next := after + 1
	for _, e := range entries {
		c, err := decodeChange(e)
		if err != nil {
			return change{}, false, err
		}
		if c.number < next {
			continue
		}
		if c.number != next || c.everything {
			return change{}, false, nil
		}
		next++
		since.causes = append(since.causes, c.causes...)
		for _, r := range c.rows {
			if !seen[r] {
				seen[r] = true
				since.rows = append(since.rows, r)
			}
		}
	}
	return since, next == upTo+1, nil
}
