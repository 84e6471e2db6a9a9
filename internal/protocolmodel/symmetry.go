package main

// Only equality of tokens matters, so states that differ in names alone are
// one. A token that nobody holds any more can never match again: it is dead.
const (
	dead  = 255
	fresh = 200
)

// rename gives the tokens canonical names.
func (s *State) rename(keepDead bool) {
	var m [256]uint8
	next := uint8(1)
	name := func(t *uint8, may bool) {
		if *t == 0 || *t == dead {
			return
		}
		if m[*t] == 0 {
			if !may {
				*t = dead
				return
			}
			m[*t] = next
			next++
		}
		*t = m[*t]
	}
	for i := range s.W {
		name(&s.W[i].Owner, true)
		name(&s.W[i].Before, true)
	}
	if s.Late.Kind != 0 {
		name(&s.Late.Expect.Owner, true)
		name(&s.Late.Write.Owner, s.Late.Kind == lateCommit || keepDead)
	}
	n := uint8(0)
	for i := uint8(0); i < s.Len; i++ {
		c := s.Log[i]
		name(&c.Owner, keepDead)
		if n > 0 && s.Log[n-1] == c {
			continue
		}
		s.Log[n] = c
		n++
	}
	for i := n; i < window; i++ {
		s.Log[i] = Commit{}
	}
	s.Len = n
}

// turn swaps the two workers where the second one's key is the greater: the
// workers are alike, so that a state and its mirror image are one.
func (s *State) turn() {
	if s.key(0) >= s.key(1) {
		return
	}
	s.W[0], s.W[1] = s.W[1], s.W[0]
	for _, who := range []*uint8{&s.Assigned, &s.Producer, &s.Txn.Who, &s.Late.Who} {
		if *who != 0 {
			*who = 3 - *who
		}
	}
}

func (s *State) key(i int) uint64 {
	w := &s.W[i]
	k := uint64(w.PC)<<2 | uint64(w.Pub)
	for _, x := range [...]uint8{w.At.A, w.At.B, w.At.W, w.Header.A, w.Header.B, w.Header.W} {
		k = k<<3 | uint64(x)
	}
	k = k<<4 | uint64(w.P)
	k = k<<4 | uint64(w.Fire[0])
	k = k<<4 | uint64(w.Fire[1])
	k = k<<8 | uint64(w.Notes)
	k <<= 2
	if int(s.Assigned) == i+1 {
		k |= 1
	}
	if int(s.Producer) == i+1 {
		k |= 2
	}
	return k
}
