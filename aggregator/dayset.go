package aggregator

import (
	"encoding/binary"
	"math/bits"
)

const noDay = int32(-1 << 30)

// dayset is a set of civil days: bit i of w is day base+i. base is a multiple
// of 64, so that days can be dropped a word at a time.
type dayset struct {
	base int32
	w    []uint64
}

func (s *dayset) has(d int32) bool {
	i := d - s.base
	return i >= 0 && int(i>>6) < len(s.w) && s.w[i>>6]>>(uint(i)&63)&1 == 1
}

// set adds a day and says whether it is new.
func (s *dayset) set(d int32) bool {
	if len(s.w) == 0 {
		s.base, s.w = d&^63, make([]uint64, 1, 2)
	}
	if d < s.base {
		grow := int(s.base-d+63) >> 6
		s.w = append(make([]uint64, grow, grow+len(s.w)), s.w...)
		s.base -= int32(grow) << 6
	}
	i := int(d - s.base)
	for i>>6 >= len(s.w) {
		s.w = append(s.w, 0)
	}
	bit := uint64(1) << (uint(i) & 63)
	fresh := s.w[i>>6]&bit == 0
	s.w[i>>6] |= bit
	return fresh
}

// prev is the latest day before d, noDay where there is none.
func (s *dayset) prev(d int32) int32 {
	i := min(int(d-s.base), len(s.w)<<6)
	if i <= 0 {
		return noDay
	}
	k := (i - 1) >> 6
	x := s.w[k] & (^uint64(0) >> (63 - uint(i-1)&63))
	for x == 0 {
		if k--; k < 0 {
			return noDay
		}
		x = s.w[k]
	}
	return s.base + int32(k<<6+63-bits.LeadingZeros64(x))
}

// next is the earliest day after d, farFuture where there is none.
func (s *dayset) next(d int32) int32 {
	i := max(int(d-s.base)+1, 0)
	k := i >> 6
	if k >= len(s.w) {
		return farFuture
	}
	x := s.w[k] & (^uint64(0) << (uint(i) & 63))
	for x == 0 {
		if k++; k >= len(s.w) {
			return farFuture
		}
		x = s.w[k]
	}
	return s.base + int32(k<<6+bits.TrailingZeros64(x))
}

// last is the latest day, noDay where there is none.
func (s *dayset) last() int32 { return s.prev(s.base + int32(len(s.w)<<6)) }

// count is the number of days in (after, upTo].
func (s *dayset) count(after, upTo int32) int {
	lo, hi := max(int(after-s.base)+1, 0), min(int(upTo-s.base)+1, len(s.w)<<6)
	n := 0
	for lo < hi {
		k := lo >> 6
		x := s.w[k] & (^uint64(0) << (uint(lo) & 63))
		if end := (k + 1) << 6; end > hi {
			x &= ^uint64(0) >> uint(end-hi)
		}
		n += bits.OnesCount64(x)
		lo = (k + 1) << 6
	}
	return n
}

// trim forgets days before d, as far as whole words of them go; the latest day stays.
func (s *dayset) trim(d int32) {
	n := min(int(max(d-s.base, 0)>>6), int(max(s.last()-s.base, 0)>>6))
	if n > 0 {
		s.w = append([]uint64(nil), s.w[n:]...)
		s.base += int32(n) << 6
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
	for d := s.prev(last); d >= from && d != noDay; d = s.prev(d) {
		j := int(last - 1 - d)
		for len(dst)-at-1 <= j>>3 {
			dst = append(dst, 0)
		}
		dst[at+1+j>>3] |= 1 << (uint(j) & 7)
	}
	dst[at] = byte(len(dst) - at - 1) // 255 bytes are 2,040 days; config refuses longer horizons
	return dst
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
	s.base = first &^ 63
	s.w = make([]uint64, (last-s.base)>>6+1)
	s.set(last)
	for i, x := range b {
		for ; x != 0; x &= x - 1 {
			s.set(last - 1 - int32(i*8+bits.TrailingZeros8(x)))
		}
	}
	for len(s.w) > 1 && s.w[0] == 0 {
		s.w, s.base = s.w[1:], s.base+64
	}
	return s
}
