package main

// due is P0, P1 and P2: the shard is born (or it is a copy that is due), the
// state is at or beyond the header, and there is something to say.
func (m *model) due(w *Worker) bool {
	if m.AsWritten {
		return w.Due == 1
	}
	if m.SilentAtTake && w.Due == 0 {
		return false
	}
	if !m.NoHold && !w.At.reaches(w.Header) { // P1
		return false
	}
	if m.speaks(w) {
		for p := range m.Want {
			if m.wants(p, w.At) != (w.Fire[p] != 0) {
				return true
			}
		}
	}
	return m.dueNotes(w) != 0
}

// speaks is P0 for alerts: an unborn shard announces nothing that fires.
func (m *model) speaks(w *Worker) bool { return w.Unborn == born || m.PublishUnborn }

// content is what P3 puts into the transaction.
func (m *model) content(w *Worker, i int) Txn {
	x := Txn{Stage: open, Who: uint8(i + 1), Header: w.At, P: w.P + 1, Notes: m.dueNotes(w)}
	if m.AsWritten {
		x.Alerts[0], x.Number, x.Notes, x.P = w.Out, w.Number, 0, 0
		return x
	}
	if !m.speaks(w) {
		return x
	}
	for p := range m.Want {
		switch want := m.wants(p, w.At); {
		case want && w.Fire[p] == 0:
			x.Alerts[p] = Said{firing, w.P + 1}
			if m.PairCounter {
				x.Alerts[p].N = w.CaughtLast[p] + 1
			}
		case !want && w.Fire[p] != 0:
			x.Alerts[p] = Said{resolved, w.Fire[p]}
		}
		if m.InParts && x.Alerts[p].Act != 0 {
			break
		}
	}
	return x
}

// publish is P3 where something is due, P4 where a transaction is open.
func (m *model) publish(s *State, i int) {
	w := &s.W[i]
	if w.Pub == 1 || w.Pub == 3 {
		m.endTxn(s, i)
		return
	}
	if w.Pub == 0 && !m.due(w) {
		return
	}
	t := *s
	switch {
	case m.NoFence:
		if s.now().Owner != w.Owner {
			m.startOver(s, i, aProduceFenced)
			return
		}
	case s.Producer != uint8(i+1):
		if !m.Reinit {
			m.startOver(s, i, aProduceFenced)
			return
		}
		if s.Txn.Stage == prepared {
			return
		}
		t.Producer, t.Txn = uint8(i+1), Txn{}
	}
	if t.Txn.Stage != none {
		return // the last transaction of this id is being completed
	}
	t.Txn = m.content(w, i)
	if m.SplitTxn {
		t.Txn.Markers = 2 // alerts alone
		if w.Pub == 2 {
			t.Txn.Markers = 1 // header and cursor alone
		}
	}
	t.W[i].Pub++
	if !m.SkipS4 && !m.AsWritten && (s.Cursor.Header != w.Header || s.Cursor.P != w.P || s.Cursor.Fire != w.Fire) {
		t.Broken = writerHolds
	}
	m.emit(&t, Act{aProduce, uint8(i), 0}, false)
}

// ended is what a worker knows after its transaction was committed (P4).
func (m *model) ended(w *Worker, x *Txn) {
	if m.SplitTxn && w.Pub == 1 {
		w.Pub = 2
		return
	}
	w.Pub = 0
	w.Header, w.P = x.Header, x.P
	w.HeaderNumber = x.Number
	if m.AsWritten {
		w.Due, w.Out = 0, Said{}
		return
	}
	for p, a := range x.Alerts {
		switch a.Act {
		case firing:
			w.Fire[p] = a.N
			if m.PairCounter {
				w.CaughtLast[p] = a.N
			}
		case resolved:
			w.Fire[p] = 0
		}
	}
	if m.NoHold {
		w.Notes = 0
	}
}

// endTxn is P4.
func (m *model) endTxn(s *State, i int) {
	if s.Txn.Who != uint8(i+1) || s.Txn.Stage != open || !m.NoFence && s.Producer != uint8(i+1) {
		if m.Reinit { // "aborted; produce again"
			t := *s
			t.W[i].Pub--
			m.emit(&t, Act{aEndFenced, uint8(i), 0}, false)
			return
		}
		m.startOver(s, i, aEndFenced)
		return
	}
	t := *s
	t.Txn.Stage = prepared
	m.ended(&t.W[i], &s.Txn)
	m.emit(&t, Act{aEnd, uint8(i), 0}, false)

	t = *s
	if m.may(&t, kafkaLoss) { // committed, reply lost
		t.Txn.Stage = prepared
		m.endInDoubt(&t, s, i)
		m.emit(&t, Act{aEndReplyLost, uint8(i), 0}, true)
	}
	t = *s
	if m.may(&t, kafkaLoss) { // request lost
		if m.AssumeAborted || m.AssumeCommitted {
			t.Txn = Txn{}
		}
		m.endInDoubt(&t, s, i)
		m.emit(&t, Act{aEndLost, uint8(i), 0}, true)
	}
	t = *s
	if m.may(&t, kafkaLoss) { // request delayed
		t.Txn.Stage = ending
		t.W[i] = Worker{}
		m.emit(&t, Act{aEndLate, uint8(i), 0}, true)
	}
}

// endInDoubt is P4 where no reply came: start over, or by mistake take it for
// what it may not have been.
func (m *model) endInDoubt(t, s *State, i int) {
	t.W[i] = Worker{}
	if !m.AssumeAborted && !m.AssumeCommitted {
		return
	}
	t.W[i] = s.W[i]
	t.W[i].Pub = 0
	if m.AssumeCommitted {
		m.ended(&t.W[i], &s.Txn)
	}
}
