package main

// targets is C1: the ends of the next batch, which is one event, one of each
// topic, or a tick of the clock. The clock stands still while an offset is behind
// the header's: what is read again is given no less time than it had before.
func (m *model) targets(w *Worker, f func(At)) {
	x := w.At
	if x.A < m.A {
		f(At{x.A + 1, x.B, x.W})
	}
	if x.B < m.B {
		f(At{x.A, x.B + 1, x.W})
	}
	if x.A < m.A && x.B < m.B {
		f(At{x.A + 1, x.B + 1, x.W})
	}
	again := x.A < w.Header.A || x.B < w.Header.B
	if x.W < m.T && (!again || m.TimeRunsAhead) {
		f(At{x.A, x.B, x.W + 1})
	}
	if m.AsWritten && w.Hold == 0 && w.Due == 0 && m.wants(0, x) != (w.Announce.Firing == 1) {
		f(x)
	}
}

// build is the write of a commit that goes on from w to position t: Records
// are the changed records alone, Cell is the value from w's memory.
func (m *model) build(w *Worker, t At) Commit {
	d := t.events() &^ w.At.events()
	c := Commit{Owner: w.Owner, At: t, Records: d, Cell: w.Cell + ones(d), Spared: w.Spared | m.spared(w, t)}
	if !m.NotesInMemory {
		c.Notes = (w.Notes | m.newNotes(w, t)) &^ m.said[w.Header.events()]
	}
	if m.AsWritten {
		m.draftBuild(w, t, &c)
	}
	return c
}

// same says whether the compare-and-set of C2 succeeds.
func (m *model) same(now *Commit, owner uint8, at At) bool {
	if m.NoCAS {
		return true
	}
	if m.OwnerOnly {
		return now.Owner == owner
	}
	if m.RetryOther { // commit numbers alone
		return now.Owner == owner && ones(now.At.events()) == ones(at.events())
	}
	if m.NoNumber {
		return now.Owner == owner && now.At.A == at.A && now.At.B == at.B
	}
	return (m.NoOwner || now.Owner == owner) && now.At == at
}

// store is C2 at the side of Redis: it applies a commit and checks S1 and S4.
func (m *model) store(t *State, mem *Commit, c Commit, who int) {
	now := *t.now()
	if !m.SkipS4 && (now.At != mem.At || now.Records != mem.Records || now.Cell != mem.Cell) {
		t.Broken = writerHolds
	}
	d := c.Records
	c.Records |= now.Records
	if m.NoCAS {
		c.Cell = now.Cell + ones(d)
	}
	if c.Records != c.At.events() || c.Cell != ones(c.Records) {
		t.Broken = stateOnce
	}
	if v := int(t.Producer) - 1; v >= 0 && v != who && t.W[v].PC == loop {
		m.Strict++
		if t.W[v].Undone == 0 {
			m.StrictAlone++
		}
	}
	t.push(c, m.Window)
}

// remember is what a worker knows after its commit (C3, "done").
func (m *model) remember(w *Worker, c *Commit) {
	notes := c.Notes
	if m.NotesInMemory {
		notes = (w.Notes | m.newNotes(w, c.At)) &^ m.said[w.Header.events()]
	}
	w.Notes, w.Spared = notes, c.Spared
	w.Records |= c.Records
	w.Cell, w.At, w.Number = c.Cell, c.At, c.Number
	w.Unborn = m.unbornAt(w, c.At, false)
	if m.SilentAtTake {
		w.Due = 1
	}
	if m.AsWritten {
		m.draftRemember(w, c)
	}
}

// commits is C2 and C3 for each batch that may come next.
func (m *model) commits(s *State, i int) {
	w := &s.W[i]
	mem := Commit{At: w.At, Records: w.Records, Cell: w.Cell, Owner: w.Owner}
	ok := m.same(s.now(), w.Owner, w.At)
	m.targets(w, func(x At) {
		c := m.build(w, x)
		t := *s
		switch {
		case ok:
			m.store(&t, &mem, c, i)
			m.remember(&t.W[i], &c)
			m.emit(&t, Act{aCommit, uint8(i), x.events()}, false)
		case m.RetryOther && s.now().Owner == w.Owner && ones(s.now().At.events()) == ones(x.events()):
			m.remember(&t.W[i], &c) // "my number is there, so it was applied"
			m.emit(&t, Act{aCommitRefused, uint8(i), 1}, false)
		default:
			t.W[i] = Worker{}
			m.emit(&t, Act{aCommitRefused, uint8(i), 0}, false)
		}
		t = *s
		if ok && m.may(&t, redisLoss) { // applied, reply lost
			m.store(&t, &mem, c, i)
			m.inDoubt(&t.W[i], x)
			m.emit(&t, Act{aCommitReplyLost, uint8(i), x.events()}, true)
		}
		t = *s
		if s.Late.Kind == 0 && m.may(&t, redisLoss) {
			t.Late = Late{Kind: lateCommit, Who: uint8(i + 1), Expect: mem, Write: c}
			m.inDoubt(&t.W[i], x)
			m.emit(&t, Act{aCommitLate, uint8(i), x.events()}, true)
		}
	})
}

// inDoubt is C3 where no reply came.
func (m *model) inDoubt(w *Worker, x At) {
	switch {
	case m.NoCAS: // the library retries by itself
	case m.Recognise:
		w.PC, w.Next = wait, x
	default:
		*w = Worker{}
	}
}

// resolve looks up the fate of a commit by its identity (a variant).
func (m *model) resolve(s *State, i int) {
	w := &s.W[i]
	t := *s
	v := &t.W[i]
	now := s.now()
	switch {
	case now.Owner == w.Owner && now.At == w.Next:
		c := m.build(w, w.Next)
		m.remember(v, &c)
		v.PC, v.Next = loop, At{}
	case now.Owner == w.Owner && now.At == w.At:
		v.PC, v.Next = loop, At{}
	default:
		*v = Worker{}
	}
	m.emit(&t, Act{aResolve, uint8(i), 0}, false)
}

// applyThenCommit: the variant in which the transaction does not wait for the
// commit. Hold marks memory that is not committed yet, Next is its base.
func (m *model) applyThenCommit(s *State, i int) {
	w := &s.W[i]
	if w.Hold == 0 {
		if w.Pub == 0 && !m.due(w) {
			m.targets(w, func(x At) {
				c := m.build(w, x)
				t := *s
				v := &t.W[i]
				m.remember(v, &c)
				v.Hold, v.Next = 1, w.At
				m.emit(&t, Act{aApply, uint8(i), x.events()}, false)
			})
		}
		return
	}
	if !m.same(s.now(), w.Owner, w.Next) {
		m.startOver(s, i, aCommitRefused)
		return
	}
	d := w.At.events() &^ w.Next.events()
	t := *s
	c := Commit{Owner: w.Owner, At: w.At, Records: d, Cell: w.Cell, Notes: w.Notes}
	m.store(&t, &Commit{At: w.Next, Records: w.Records &^ d, Cell: w.Cell - ones(d)}, c, i)
	t.W[i].Hold, t.W[i].Next = 0, At{}
	m.emit(&t, Act{aCommit, uint8(i), w.At.events()}, false)
}
