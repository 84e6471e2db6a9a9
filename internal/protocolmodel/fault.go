package main

// network: a late request to Redis arrives.
func (m *model) network(s *State) {
	if s.Late.Kind == 0 {
		return
	}
	l := s.Late
	t := *s
	t.Late = Late{}
	switch l.Kind {
	case lateCommit:
		if m.same(s.now(), l.Expect.Owner, l.Expect.At) {
			m.store(&t, &l.Expect, l.Write, int(l.Who)-1)
		}
	case lateClaim:
		if !m.Conditional || s.now().Owner == l.Expect.Owner {
			c := *s.now()
			c.Owner = l.Write.Owner
			t.push(c, m.Window)
		}
	}
	m.emit(&t, Act{aLateArrives, l.Who - 1, 0}, false)
}

func (m *model) faults(s *State) {
	for i := range s.W {
		if s.W[i].PC != off {
			t := *s
			if m.may(&t, crash) {
				t.W[i] = Worker{}
				m.emit(&t, Act{aCrash, uint8(i), 0}, true)
			}
		}
	}
	t := *s
	if m.may(&t, rebalance) {
		t.Assigned = 3 - s.Assigned
		m.emit(&t, Act{aRebalance, 0, 0}, true)
	}
	for k := uint8(1); k < s.Len; k++ {
		t := *s
		if !m.may(&t, rollback) {
			break
		}
		m.rollback(&t, k)
		m.emit(&t, Act{aRollback, 0, s.Len - k}, true)
	}
}

// rollback keeps the k oldest commits of the window.
func (m *model) rollback(t *State, k uint8) {
	t.Len = k
	if !m.Ghost {
		return
	}
	for i := range t.W {
		w := &t.W[i]
		if w.PC < loop {
			continue
		}
		found := false
		for j := uint8(0); j < k; j++ {
			found = found || t.Log[j].Owner == w.Owner
		}
		if !found {
			w.Undone = 1
		}
	}
}
