package aggregator

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

const noDay = int32(-1 << 30)

// dayset is a set of civil days: bit i of its words is day base+i. base is a
// multiple of 64, so that days can be dropped a word at a time. Two words, some
// three months, lie in the set itself: they are read with it.
type dayset struct {
	base  int32
	few   [2]uint64
	words *[]uint64 // nil: few
}

func (s *dayset) w() []uint64 {
	if s.words != nil {
		return *s.words
	}
	return s.few[:]
}

func (s *dayset) has(d int32) bool {
	i, w := d-s.base, s.w()
	return i >= 0 && int(i>>6) < len(w) && w[i>>6]>>(uint(i)&63)&1 == 1
}

// set adds a day and says whether it is new.
func (s *dayset) set(d int32) bool {
	if i := uint32(d - s.base); s.words == nil && i < 128 && s.few[0]|s.few[1] != 0 { // nearly always
		w, bit := &s.few[i>>6], uint64(1)<<(i&63)
		fresh := *w&bit == 0
		*w |= bit
		return fresh
	}
	if s.words == nil && s.few == [2]uint64{} {
		s.base = d &^ 63
	}
	if d < s.base {
		s.grow(int(s.base-d+63)>>6, 0)
	}
	if i := int(d-s.base) >> 6; i >= len(s.w()) {
		s.grow(0, i+1-len(s.w()))
	}
	i, w := int(d-s.base), s.w()
	bit := uint64(1) << (uint(i) & 63)
	fresh := w[i>>6]&bit == 0
	w[i>>6] |= bit
	return fresh
}

// grow makes room for words in front and behind.
func (s *dayset) grow(front, behind int) {
	old := s.w()
	if behind == 0 && old[len(old)-1] == 0 {
		old = old[:len(old)-1]
	}
	w := make([]uint64, front+len(old)+behind)
	copy(w[front:], old)
	s.replace(w, s.base-int32(front)<<6)
}

// replace makes w the words of the set.
func (s *dayset) replace(w []uint64, base int32) {
	s.base, s.words, s.few = base, nil, [2]uint64{}
	if len(w) > len(s.few) {
		s.words = &w
		return
	}
	copy(s.few[:], w)
}

// clone is a set of the same days that shares no memory with this one.
func (s *dayset) clone() dayset {
	c := *s
	if s.words != nil {
		w := slices.Clone(*s.words)
		c.words = &w
	}
	return c
}

// memory is what the set takes beside itself, bytes.
func (s *dayset) memory() int {
	if s.words == nil {
		return 0
	}
	return 24 + 8*cap(*s.words)
}

// prev is the latest day before d, noDay where there is none.
func (s *dayset) prev(d int32) int32 {
	if s.words == nil {
		if x := s.upTo(d - 1); x != 0 {
			return d - 1 - int32(bits.LeadingZeros64(x))
		}
	}
	w := s.w()
	i := min(int(d-s.base), len(w)<<6)
	if i <= 0 {
		return noDay
	}
	k := (i - 1) >> 6
	x := w[k] & (^uint64(0) >> (63 - uint(i-1)&63))
	for x == 0 {
		if k--; k < 0 {
			return noDay
		}
		x = w[k]
	}
	return s.base + int32(k<<6+63-bits.LeadingZeros64(x))
}

// next is the earliest day after d, farFuture where there is none.
func (s *dayset) next(d int32) int32 {
	i := max(int(d-s.base)+1, 0)
	w := s.w()
	k := i >> 6
	if k >= len(w) {
		return farFuture
	}
	x := w[k] & (^uint64(0) << (uint(i) & 63))
	for x == 0 {
		if k++; k >= len(w) {
			return farFuture
		}
		x = w[k]
	}
	return s.base + int32(k<<6+bits.TrailingZeros64(x))
}

// last is the latest day, noDay where there is none.
func (s *dayset) last() int32 {
	switch {
	case s.words != nil:
		return s.prev(s.base + int32(len(*s.words)<<6))
	case s.few[1] != 0:
		return s.base + 127 - int32(bits.LeadingZeros64(s.few[1]))
	case s.few[0] != 0:
		return s.base + 63 - int32(bits.LeadingZeros64(s.few[0]))
	}
	return noDay
}

// count is the number of days in (after, upTo].
func (s *dayset) count(after, upTo int32) int {
	if n := upTo - after; s.words == nil && uint32(n-1) < 64 {
		return bits.OnesCount64(s.upTo(upTo) >> (64 - uint(n)))
	}
	w := s.w()
	lo, hi := max(int(after-s.base)+1, 0), min(int(upTo-s.base)+1, len(w)<<6)
	n := 0
	for lo < hi {
		k := lo >> 6
		x := w[k] & (^uint64(0) << (uint(lo) & 63))
		if end := (k + 1) << 6; end > hi {
			x &= ^uint64(0) >> uint(end-hi)
		}
		n += bits.OnesCount64(x)
		lo = (k + 1) << 6
	}
	return n
}

// upTo is the 64 days that end with d, of a set without words: the highest bit is d.
func (s *dayset) upTo(d int32) uint64 {
	switch i := uint32(d - s.base); { // as unsigned numbers days before base lie far behind it
	case i < 64:
		return s.few[0] << (63 - i)
	case i < 128:
		return s.few[0]>>(i-63) | s.few[1]<<(127-i)
	case i < 191:
		return s.few[1] >> (i - 127)
	}
	return 0
}

// trim forgets days before d, as far as whole words of them go; the latest day stays.
func (s *dayset) trim(d int32) {
	last := s.last()
	n := min(int(max(d-s.base, 0)>>6), int(max(last-s.base, 0)>>6))
	if n > 0 {
		used := int(last-s.base)>>6 + 1
		s.replace(append([]uint64(nil), s.w()[n:used]...), s.base+int32(n)<<6)
	}
}

// append writes the latest day and the others from from on: a uvarint of the latest day plus one (0:
// none), the number of bytes, and these bytes,
// whose bit j is the day j+1 days before the latest.
func (s *dayset) append(dst []byte, from int32) []byte {
	last := s.last()
	if last == noDay {
		return append(dst, 0)
	}
	dst = binary.AppendUvarint(dst, zigzag(last)+1)
	at := len(dst)
	dst = append(dst, 0)
	first := max(s.next(noDay), from)
	for d := last; d > first; d -= 64 {
		x := s.before(d)
		if d-64 < first {
			x &= ^uint64(0) >> (64 - uint(d-first))
		}
		dst = binary.LittleEndian.AppendUint64(dst, x)
	}
	for len(dst) > at+1 && dst[len(dst)-1] == 0 {
		dst = dst[:len(dst)-1]
	}
	dst[at] = byte(len(dst) - at - 1) // 255 bytes are 2,040 days; config refuses longer horizons
	return dst
}

// before is the 64 days before d: bit j is day d-1-j.
func (s *dayset) before(d int32) uint64 {
	w := s.w()
	word := func(k int) uint64 {
		if k < 0 || k >= len(w) {
			return 0
		}
		return w[k]
	}
	i := int(d - s.base) // the bit after those that are wanted
	k, r := i>>6, uint(i)&63
	x := word(k-1) >> r
	if r > 0 {
		x |= word(k) << (64 - r)
	}
	return bits.Reverse64(x)
}

func zigzag(d int32) uint64   { return uint64(uint32(d<<1) ^ uint32(d>>31)) }
func unzigzag(u uint64) int32 { return int32(uint32(u)>>1) ^ -int32(u&1) }

func (r *reader) dayset() dayset {
	var s dayset
	u := r.uvarint()
	if u == 0 {
		return s
	}
	last := unzigzag(u - 1)
	b := r.bytes(int(r.byte()))
	if r.err != nil {
		return s
	}
	first := last - int32(len(b))*8
	base := first &^ 63
	w := make([]uint64, (last-base)>>6+1)
	set := func(d int32) { w[(d-base)>>6] |= 1 << (uint(d-base) & 63) }
	set(last)
	for i, x := range b {
		for ; x != 0; x &= x - 1 {
			set(last - 1 - int32(i*8+bits.TrailingZeros8(x)))
		}
	}
	for len(w) > 1 && w[0] == 0 {
		w, base = w[1:], base+64
	}
	s.replace(w, base)
	return s
}
