package main

// step is a step of the take-over. T4, that the header can be reached, has no
// counterpart here, since the model loses no log; T5 is the publication that is
// due when the last step is done.
type step uint8

const (
	t1 step = iota + 1 // claim and load
	t2                 // InitProducerId
	t3                 // read the cursor partition

	// T1 in two parts, for the mistake of separating them.
	loadAlone
	claimAlone
)

func (m *model) takeOver(s *State, i int) {
	now := m.Steps[s.W[i].PC-1]
	t := *s
	w := &t.W[i]
	w.PC++
	if int(w.PC) > len(m.Steps) {
		w.PC = loop
	}
	switch now {
	case t1, claimAlone:
		m.claim(s, &t, i, now == t1)
	case t2:
		m.initProducer(s, &t, i)
	case t3:
		m.readCursor(s, &t, i)
	case loadAlone:
		m.load(w, s.now())
		m.emit(&t, Act{aLoad, uint8(i), 0}, false)
	}
}

// claim is T1: from here the previous owner's commits are refused.
func (m *model) claim(s, t *State, i int, load bool) {
	w := &t.W[i]
	if m.Conditional && s.now().Owner != w.Before {
		m.startOver(s, i, aClaim)
		return
	}
	c := *s.now()
	c.Owner = fresh
	if load {
		m.load(w, &c)
	}
	w.Owner, w.Before = fresh, 0
	t.push(c, m.Window)
	m.emit(t, Act{aClaim, uint8(i), 0}, false)
	// The claim is applied, its reply is lost: start over.
	u := *s
	if m.may(&u, redisLoss) {
		u.push(c, m.Window)
		u.W[i] = Worker{}
		m.emit(&u, Act{aClaimLost, uint8(i), 0}, true)
	}
	// The claim is late: start over, it may arrive any time.
	u = *s
	if s.Late.Kind == 0 && m.may(&u, redisLoss) {
		u.Late = Late{Kind: lateClaim, Who: uint8(i + 1), Write: Commit{Owner: fresh}}
		u.Late.Expect.Owner = s.W[i].Before
		u.W[i] = Worker{}
		m.emit(&u, Act{aClaimLate, uint8(i), 0}, true)
	}
}

func (m *model) load(w *Worker, c *Commit) {
	w.At, w.Records, w.Cell, w.Notes, w.Spared = c.At, c.Records, c.Cell, c.Notes, c.Spared
	w.Number = c.Number
	w.Unborn = m.unbornAt(w, c.At, true)
	if m.NotesInMemory {
		w.Notes = 0
	}
	if m.AsWritten {
		m.draftLoad(w, c)
	}
}

// initProducer is T2: it fences and ends the old transaction, and waits where
// its commit is decided.
func (m *model) initProducer(s, t *State, i int) {
	if s.Txn.Stage == prepared {
		return
	}
	t.Txn, t.Producer = Txn{}, uint8(i+1)
	m.emit(t, Act{aInit, uint8(i), 0}, false)
}

// readCursor is T3, to the high watermark of the cursor partition.
func (m *model) readCursor(s, t *State, i int) {
	w := &t.W[i]
	c := s.Cursor
	if m.Shared && s.Neighbor == 1 {
		if !m.PlainRead {
			return // the last stable offset has not reached the high watermark
		}
		c = s.Stale
	}
	w.Header, w.P, w.Fire, w.CaughtLast = c.Header, c.P, c.Fire, c.Fire
	w.HeaderNumber, w.Announce = c.Number, c.Last
	if !m.PairCounter {
		w.CaughtLast = [pairs]uint8{}
	}
	m.emit(t, Act{aRead, uint8(i), 0}, false)
}
