package main

// The protocol as first written, kept because it breaks: announced and an
// outbox in Redis, a header in Kafka that is compared by commit number. It
// shows why announced lives in the cursor alone.

func (m *model) draftLoad(w *Worker, c *Commit) {
	w.Out = c.Out
	behind := c.Number < w.HeaderNumber
	if m.ByOffsets {
		behind = !c.At.reaches(w.Header)
	}
	switch {
	case behind:
		w.Hold, w.Out = 1, Said{}
		if c.At.reaches(w.Header) {
			w.Hold = 0
		}
	default:
		w.Announce = c.Announce
		if c.Number > w.HeaderNumber {
			w.Due = 1
		} else {
			w.Out = Said{}
		}
	}
	w.Number = max(c.Number, w.HeaderNumber)
}

func (m *model) draftBuild(w *Worker, t At, c *Commit) {
	c.Number, c.Announce = w.Number+1, w.Announce
	if w.Hold == 1 && !t.reaches(w.Header) {
		return
	}
	switch want := m.wants(0, t); {
	case want && w.Announce.Firing == 0:
		c.Out = Said{firing, w.Announce.N + 1}
		c.Announce = Word{w.Announce.N + 1, 1}
	case !want && w.Announce.Firing == 1:
		c.Out = Said{resolved, w.Announce.N}
		c.Announce = Word{w.Announce.N, 0}
	}
}

func (m *model) draftRemember(w *Worker, c *Commit) {
	w.Announce, w.Out = c.Announce, c.Out
	if w.At.reaches(w.Header) {
		w.Hold = 0
	}
	if w.Hold == 0 {
		w.Due = 1
	}
}

func draftRecord(c *Cursor, x *Txn) {
	switch x.Alerts[0].Act {
	case firing:
		c.Last = Word{x.Alerts[0].N, 1}
	case resolved:
		c.Last = Word{x.Alerts[0].N, 0}
	}
}
