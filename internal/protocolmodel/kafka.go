package main

// kafka takes the steps of the brokers, and of a neighbour in a shared cursor
// partition.
func (m *model) kafka(s *State) {
	if s.Neighbor == 1 {
		t := *s
		t.Neighbor, t.Stale = 0, Cursor{}
		m.emit(&t, Act{aNeighborEnds, 0, 0}, false)
	} else if m.Shared {
		t := *s
		if m.may(&t, kafkaLoss) {
			t.Neighbor, t.Stale = 1, s.Cursor
			m.emit(&t, Act{aNeighborOpens, 0, 0}, true)
		}
	}
	switch s.Txn.Stage {
	case ending:
		t := *s
		t.Txn.Stage = prepared
		m.emit(&t, Act{aEndArrives, 0, 0}, false)
		m.timeOut(s)
	case open:
		m.timeOut(s)
	case prepared:
		if s.Txn.Markers&1 == 0 {
			t := *s
			m.deliver(&t)
			t.Txn.Markers |= 1
			m.complete(&t, aMarkerAlerts)
		}
		if s.Txn.Markers&2 == 0 {
			t := *s
			m.record(&t)
			t.Txn.Markers |= 2
			m.complete(&t, aMarkerCursor)
		}
	}
}

// timeOut is transaction.timeout.ms: the coordinator aborts and raises the
// epoch. Where the worker is gone this is bound to happen, else it is a fault.
func (m *model) timeOut(s *State) {
	t := *s
	gone := s.W[s.Txn.Who-1].Pub == 0
	if !gone && !m.may(&t, kafkaLoss) {
		return
	}
	t.Txn = Txn{}
	if !m.NoFence {
		t.Producer = 0
	}
	m.emit(&t, Act{aTimeout, 0, 0}, !gone)
}

func (m *model) complete(t *State, kind uint8) {
	if t.Txn.Markers == 3 {
		t.Txn = Txn{}
	}
	m.emit(t, Act{kind, 0, 0}, false)
}

// deliver: the reader sees the alerts of the transaction. S2, S6 and S7.
func (m *model) deliver(t *State) {
	x, r := &t.Txn, &t.Reader
	for p, a := range x.Alerts {
		w := &r.Word[p]
		if a.Act != nothing && !x.Header.reaches(m.Birth) {
			t.Broken = historySilent
		}
		switch a.Act {
		case firing:
			if w.Firing == 1 || a.N <= w.N {
				t.Broken = readerOnce
			}
			*w = Word{a.N, 1}
		case resolved:
			if w.Firing == 0 || a.N != w.N {
				t.Broken = readerOnce
			}
			w.Firing = 0
		}
		if a.N > 14 && t.Broken == fine {
			t.Broken = tooManyEpisodes
		}
	}
	if x.Notes&m.kinds.history != 0 {
		t.Broken = historySilent
	}
	if r.Notes&x.Notes != 0 {
		t.Broken = readerOnce
	}
	r.Notes |= x.Notes
	if !m.SkipS6 && t.Broken == fine && !x.Header.reaches(r.Seen) {
		t.Broken = noStepBack
	}
	r.Seen = x.Header
}

// record: header and cursor records become visible.
func (m *model) record(t *State) {
	x, c := &t.Txn, &t.Cursor
	c.Header, c.P, c.Number = x.Header, x.P, x.Number
	if m.AsWritten {
		draftRecord(c, x)
		return
	}
	for p, a := range x.Alerts {
		switch a.Act {
		case firing:
			c.Fire[p] = a.N
		case resolved:
			c.Fire[p] = 0 // tombstone
		}
	}
}
