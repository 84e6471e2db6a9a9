package company

import (
	"cmp"
	"math/bits"
	"slices"
)

// lastDay is beyond all civil days there are: up to the year 9999.
const lastDay = 3_000_000

// daySet is a set of days, a bit each: there is one of each segment, and revised
// figures are kept for years.
type daySet struct {
	word  int32 // number of the first word, which is day / 64 rounded down
	words []uint64
}

// at is where a day is; it may lie outside.
func (d *daySet) at(day int32) (word int, bit uint64) {
	return int(day>>6 - d.word), 1 << (day & 63)
}

func (d *daySet) add(day int32) {
	if len(d.words) == 0 {
		d.word = day >> 6
	}
	if before := d.word - day>>6; before > 0 {
		d.words = slices.Insert(d.words, 0, make([]uint64, before)...)
		d.word -= before
	}
	word, bit := d.at(day)
	if more := word + 1 - len(d.words); more > 0 {
		d.words = append(d.words, make([]uint64, more)...)
	}
	d.words[word] |= bit
}

func (d *daySet) has(day int32) bool {
	word, bit := d.at(day)
	return word >= 0 && word < len(d.words) && d.words[word]&bit != 0
}

// remove takes a day out, and gives up what holds no day any more.
func (d *daySet) remove(day int32) {
	if !d.has(day) {
		return
	}
	word, bit := d.at(day)
	d.words[word] &^= bit
	first := slices.IndexFunc(d.words, func(w uint64) bool { return w != 0 })
	if first < 0 {
		d.words = nil
		return
	}
	d.words = slices.Delete(d.words, 0, first)
	d.word += int32(first)
}

// each visits the days before one, rising.
func (d *daySet) each(before int32, visit func(day int32)) {
	for i, w := range d.words {
		for ; w != 0; w &= w - 1 {
			day := (d.word+int32(i))<<6 + int32(bits.TrailingZeros64(w))
			if day >= before {
				return
			}
			visit(day)
		}
	}
}

func (s *sayings) add(p place) {
	d := s.stored[p.segment]
	if d == nil {
		d = &daySet{}
		s.stored[p.segment] = d
	}
	d.add(p.day)
}

func (s *sayings) remove(p place) {
	if d := s.stored[p.segment]; d != nil {
		if d.remove(p.day); len(d.words) == 0 {
			delete(s.stored, p.segment)
		}
	}
}

func (s *sayings) has(p place) bool {
	d := s.stored[p.segment]
	return d != nil && d.has(p.day)
}

// with is the segments listed and those that readers know, sorted.
func (s *sayings) with(listed []string) []string {
	all := slices.Clone(listed)
	for segment := range s.stored {
		all = append(all, segment)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// unthinned is the first stored day before one that may have figures that were
// never revised; the one where there is none.
func (s *sayings) unthinned(before int32) int32 {
	for _, d := range s.stored {
		d.each(before, func(day int32) {
			if day >= s.head.thinned {
				before = min(before, day)
			}
		})
	}
	return before
}

// old lists the stored days before one that are to be thinned out, and those that
// are to go, by segment.
func (s *sayings) old(first, retain int32) []place {
	var out []place
	for segment, d := range s.stored {
		d.each(first, func(day int32) {
			if day >= s.head.thinned || day < retain {
				out = append(out, place{segment, day})
			}
		})
	}
	slices.SortFunc(out, comparePlaces)
	return out
}

func comparePlaces(a, b place) int {
	return cmp.Or(cmp.Compare(a.segment, b.segment), cmp.Compare(a.day, b.day))
}
