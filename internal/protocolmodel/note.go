package main

// note is what is said once and never taken back. It is raised by the commit
// that has applied the last of the events and ticks that it needs: a dead
// letter needs its event, an orphan or a ticket's time an event and a tick.
type note struct {
	needs   uint8 // set of events and ticks
	oneShot bool  // an alert; else a copy for the late or the dead-letter topic
	// spared says of the commit that brings the last of what it needs whether it
	// is not raised after all: the event came in time and counts, the orphan has
	// its target. It depends on the interleaving. nil: never.
	spared func(from, to At) bool
}

// kinds are sets of notes, one bit for each.
type kinds struct {
	copies  uint8 // for the late and the dead-letter topic
	history uint8 // one-shot alerts of events that lie below the birth's ends
	must    uint8 // seen at rest: all notes but those of history
}

// raisedBy is the set of notes that a state at x has raised.
func (c *Config) raisedBy(x At) uint8 {
	var set uint8
	for i, n := range c.Notes {
		if n.needs&^x.events() == 0 {
			set |= 1 << i
		}
	}
	return set
}

// saidBy is P2's comparison: the notes that a header at x shows to be said. A
// position has two parts, the event's offset and the due time, and both must be
// covered: a header that another publication has moved past the event may still
// stand before the tick that raises the note.
func (c *Config) saidBy(x At) uint8 {
	var set uint8
	for i, n := range c.Notes {
		position := n.needs
		switch {
		case c.OffsetOnly:
			position &= offsetBits
		case c.DueOnly && position&tickBits != 0:
			position &= tickBits
		}
		if position&^x.events() == 0 {
			set |= 1 << i
		}
	}
	return set
}

func (c *Config) sortNotes() kinds {
	var k kinds
	for i, n := range c.Notes {
		bit := uint8(1) << i
		switch {
		case !n.oneShot:
			k.copies |= bit
		case n.needs&^c.Birth.events() == 0:
			k.history |= bit
		}
	}
	k.must = (1<<len(c.Notes) - 1) &^ k.history
	return k
}

// ripe are the notes that a commit from w to x brings the last of what they need.
func (c *Config) ripe(w *Worker, x At) uint8 {
	return c.raised[x.events()] &^ c.raised[w.At.events()]
}

// spared are those of them that it does not raise.
func (c *Config) spared(w *Worker, x At) uint8 {
	set := c.ripe(w, x)
	for i, n := range c.Notes {
		if n.spared == nil || !n.spared(w.At, x) {
			set &^= 1 << i
		}
	}
	return set
}

// newNotes are the notes that a commit from w to x raises: of what lies below the
// birth's ends copies alone. Held back, the one-shot alerts of history would all
// be said at the birth. Those of events beyond the ends are raised by an unborn
// shard too: one topic may be read beyond its end before another has come to its
// own, and after a rollback so is what was read by a born one.
func (c *Config) newNotes(w *Worker, x At) uint8 {
	n := c.ripe(w, x) &^ c.spared(w, x)
	switch {
	case c.KeepUnborn || c.PublishUnborn:
	case c.UnbornNone && w.Unborn != born, w.Unborn == unbornAnew:
		n &= c.kinds.copies
	default:
		n &^= c.kinds.history
	}
	return n
}

// headerNotes are the notes that the header in memory shows to be said (P2).
func (m *model) headerNotes(w *Worker) uint8 {
	if m.NoHold { // without header comparison only one's own memory tells
		return 0
	}
	return m.said[w.Header.events()]
}

// dueNotes are the notes that P2 finds due. Whatever was raised is, unborn or not:
// the header that goes with copies would say that it was said.
func (m *model) dueNotes(w *Worker) uint8 {
	n := w.Notes &^ m.headerNotes(w)
	if w.Unborn != born && (m.KeepUnborn || m.UnbornNone) {
		n &= m.kinds.copies
	}
	return n
}

// unbornAt is what a worker takes its shard for (P0) after loading, or
// committing, a state at x. The birth's ends are part of the state, so that
// they survive whoever took them and go back with a rollback.
func (m *model) unbornAt(w *Worker, x At, loading bool) uint8 {
	if loading {
		w.Unborn = unborn
		switch {
		case x == At{}: // nothing stored yet: the birth itself
		case m.BornInMemory:
			w.Unborn = born
		case m.BirthAnew:
			w.Unborn = unbornAnew
		}
	}
	switch {
	case w.Unborn == unborn && x.reaches(m.Birth):
		return born
	case w.Unborn == unbornAnew && x.reaches(At{m.A, m.B, 0}): // the log has grown since
		return born
	}
	return w.Unborn
}
