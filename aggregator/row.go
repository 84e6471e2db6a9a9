package aggregator

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tidemark-io/tidemark/event"
)

// Cell names one integer of a row.
type Cell struct {
	Counter  Counter
	Currency event.Currency // zero unless Counter.Money()
	Label    string         // "" unless Counter.Labelled(): a reason, a cohort, a bucket
}

// Row is the integers of one day (or of the opening, or of no day) and segment.
type Row map[Cell]int64

var errRow = errors.New("stored row is damaged")

// ParseRow reads a row as it is stored: one cell after the other, as NextCell
// reads them.
func ParseRow(b []byte) (Row, error) {
	row := Row{}
	for len(b) > 0 {
		c, v, rest, err := NextCell(b)
		if err != nil {
			return nil, err
		}
		row[c], b = v, rest
	}
	return row, nil
}

// CheckRow says whether a stored row can be read.
func CheckRow(b []byte) error {
	for len(b) > 0 {
		var err error
		if _, _, _, b, err = cutCell(b); err != nil {
			return err
		}
	}
	return nil
}

// NextCell reads the first cell of a stored row, which must not be empty, and
// returns the rest: the counter as uvarint, the currency's three letters where the
// counter is one of money, the label with its length before it where it is
// labelled, and the value as a zigzag varint. Counters with neither stand in the
// order of their numbers, and before any other with a higher one.
func NextCell(b []byte) (c Cell, v int64, rest []byte, err error) {
	c, label, v, rest, err := cutCell(b)
	c.Label = string(label)
	return c, v, rest, err
}

// cutCell reads a cell and leaves its label where it lies.
func cutCell(b []byte) (c Cell, label []byte, v int64, rest []byte, err error) {
	counter, n := binary.Uvarint(b)
	if n <= 0 || counter == 0 || counter >= 256 {
		return c, nil, 0, nil, errRow
	}
	b = b[n:]
	c.Counter = Counter(counter)
	if c.Counter.Money() {
		if len(b) < 3 {
			return c, nil, 0, nil, errRow
		}
		copy(c.Currency[:], b)
		b = b[3:]
	}
	if c.Counter.Labelled() {
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) {
			return c, nil, 0, nil, errRow
		}
		label = b[n : n+int(size)]
		b = b[n+int(size):]
	}
	v, n = binary.Varint(b)
	if n <= 0 {
		return c, nil, 0, nil, errRow
	}
	return c, label, v, b[n:], nil
}

// Append writes the row as ParseRow reads it, in the order of counter,
// currency and label; zeros are left out.
func (r Row) Append(dst []byte) []byte {
	cells := make([]Cell, 0, len(r))
	for c, v := range r {
		if v != 0 {
			cells = append(cells, c)
		}
	}
	slices.SortFunc(cells, func(a, b Cell) int {
		return cmp.Or(cmp.Compare(a.Counter, b.Counter), strings.Compare(a.Currency.String(), b.Currency.String()),
			strings.Compare(a.Label, b.Label))
	})
	for _, c := range cells {
		dst = appendCell(dst, c, r[c])
	}
	return dst
}

func appendCell(dst []byte, c Cell, v int64) []byte {
	dst = binary.AppendUvarint(dst, uint64(c.Counter))
	if c.Counter.Money() {
		dst = append(dst, c.Currency[:]...)
	}
	if c.Counter.Labelled() {
		dst = appendString(dst, c.Label)
	}
	return binary.AppendVarint(dst, v)
}

// RowName names a row that is not frozen.
type RowName struct {
	Kind    byte   // 'o' opening, 'd' day, 's' standing, 'p' standing on a day
	Day     int32  // civil days since 1970-01-01; only of kinds 'd' and 'p'
	Segment string // "" for the whole, else "plan=pro"
}

func (n RowName) String() string {
	if n.Kind == 'd' || n.Kind == 'p' {
		return string(n.Kind) + strconv.Itoa(int(n.Day)) + "|" + n.Segment
	}
	return string(n.Kind) + "|" + n.Segment
}

// ParseRowName reads what String writes.
func ParseRowName(s string) (RowName, error) {
	head, segment, ok := strings.Cut(s, "|")
	if !ok || head == "" {
		return RowName{}, fmt.Errorf("row name %q: no segment", s)
	}
	n := RowName{Kind: head[0], Segment: segment}
	switch {
	case n.Kind == 'd' || n.Kind == 'p':
		day, err := strconv.ParseInt(head[1:], 10, 32)
		if err != nil {
			return RowName{}, fmt.Errorf("row name %q: %w", s, err)
		}
		n.Day = int32(day)
	case head != "o" && head != "s":
		return RowName{}, fmt.Errorf("row name %q: unknown kind", s)
	}
	return n, nil
}

// FrozenName is the field of a frozen row: plain levels of a day.
func FrozenName(day int32, segment string) string {
	return strconv.Itoa(int(day)) + "|" + segment
}
