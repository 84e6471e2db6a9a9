package company

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/kpi"
)

// headField is the field of what is stored of what was said that all days share.
const headField = "head"

// place is a segment's day: where figures are stored together, by the day of their
// key.
type place struct {
	segment string
	day     int32
}

func (p place) field() string { return strconv.Itoa(int(p.day)) + "|" + p.segment }

// parsePlace reads what field wrote.
func parsePlace(field string) (p place, err error) {
	day, segment, ok := strings.Cut(field, "|")
	n, err := strconv.ParseInt(day, 10, 32)
	if !ok || err != nil || n < -lastDay || n > lastDay {
		return p, fmt.Errorf("%w: field %q is not of this release; use the one that wrote it, or another redis.namespace and the log from its beginning", ErrDamaged, field)
	}
	return place{segment, int32(n)}, nil
}

// dayOf is the day of a figure's key.
func dayOf(f kpi.Figure) int32 {
	day, err := civil.Parse(f.Day)
	if err != nil {
		return lastDay // past the year 9999, which is written otherwise
	}
	return day
}

// figureKind is a KPI in one of its windows.
type figureKind struct{ kpi, window string }

// saidHead is what all days share: the numbers of kinds, and up to where days have
// been thinned out.
type saidHead struct {
	kinds   []figureKind
	numbers map[figureKind]int
	thinned int32 // stored days before it have revised figures only
}

func newHead() saidHead { return saidHead{numbers: map[figureKind]int{}, thinned: math.MinInt32} }

func (h *saidHead) append(b []byte) []byte {
	b = binary.AppendVarint(append(b, saidVersion), int64(h.thinned))
	for _, s := range h.kinds {
		b = appendText(appendText(b, s.kpi), s.window)
	}
	return b
}

// parseHead reads what saidHead.append wrote; nothing is that of a store where
// nothing was said.
func parseHead(b []byte) (saidHead, error) {
	h := newHead()
	if b == nil {
		return h, nil
	}
	r, err := newSaidReader(b)
	if err != nil {
		return h, err
	}
	h.thinned = int32(r.varint())
	for len(r.b) > 0 {
		h.add(figureKind{r.text(), r.text()})
	}
	if r.bad || len(h.numbers) != len(h.kinds) {
		return h, fmt.Errorf("%w: its head is damaged", ErrDamaged)
	}
	return h, nil
}

func (h *saidHead) add(k figureKind) int {
	h.numbers[k] = len(h.kinds)
	h.kinds = append(h.kinds, k)
	return len(h.kinds) - 1
}
