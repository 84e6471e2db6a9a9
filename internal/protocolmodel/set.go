package main

import "unsafe"

// set maps a state's fingerprint (64 bits) to its number. The odds that two of
// 5 million states share one are below one in a million.
type set struct {
	key  []uint64
	id   []uint32
	n    uint32
	mask uint64
}

func newSet() *set {
	const size = 1 << 16
	return &set{key: make([]uint64, size), id: make([]uint32, size), mask: size - 1}
}

// add returns the number of the state and whether it is new.
func (t *set) add(fp uint64) (uint32, bool) {
	if fp == 0 {
		fp = 1
	}
	i := fp & t.mask
	for t.key[i] != 0 {
		if t.key[i] == fp {
			return t.id[i], false
		}
		i = (i + 1) & t.mask
	}
	t.key[i], t.id[i] = fp, t.n
	t.n++
	if uint64(t.n)*10 > (t.mask+1)*7 {
		t.grow()
	}
	return t.n - 1, true
}

func (t *set) grow() {
	key, id := t.key, t.id
	size := 2 * (t.mask + 1)
	t.key, t.id, t.mask = make([]uint64, size), make([]uint32, size), size-1
	for k, fp := range key {
		if fp == 0 {
			continue
		}
		i := fp & t.mask
		for t.key[i] != 0 {
			i = (i + 1) & t.mask
		}
		t.key[i], t.id[i] = fp, id[k]
	}
}

// fingerprint hashes all bytes of a state, which has no padding and no pointer.
func fingerprint(s *State) uint64 {
	b := unsafe.Slice((*byte)(unsafe.Pointer(s)), unsafe.Sizeof(*s))
	h := uint64(0x9E3779B97F4A7C15)
	for len(b) >= 8 {
		h = (h ^ *(*uint64)(unsafe.Pointer(&b[0]))) * 0xD6E8FEB86659FD93
		h ^= h >> 32
		b = b[8:]
	}
	for _, x := range b {
		h = (h ^ uint64(x)) * 0xD6E8FEB86659FD93
		h ^= h >> 29
	}
	h ^= h >> 32
	h *= 0xD6E8FEB86659FD93
	return h ^ h>>31
}
