package main

// model produces the successors of a state.
type model struct {
	*Config
	out func(t *State, a Act, fault bool)
	// Strict: a fenced worker's commit was applied after its successor had
	// loaded; StrictAlone: and no rollback had undone the successor's claim.
	Strict, StrictAlone uint64
}

func (m *model) initial() State {
	var s State
	c := Commit{Owner: dead}
	if m.Conditional {
		c.Owner = fresh
	}
	s.Log[0], s.Len, s.Assigned = c, 1, 1
	s.rename(m.Conditional)
	return s
}

func (m *model) emit(t *State, a Act, fault bool) {
	if !m.NoHold && !m.AsWritten {
		for i := range t.W { // what the header covers is never looked at again
			t.W[i].Notes &^= m.said[t.W[i].Header.events()]
		}
	}
	if m.Mirror {
		t.turn()
	}
	t.rename(m.Conditional)
	m.out(t, a, fault)
}

// may counts a fault and says whether it is within the limit.
func (m *model) may(t *State, kind int) bool {
	if m.Limit[kind] == unlimited {
		return true
	}
	t.Faults[kind]++
	return t.Faults[kind] <= m.Limit[kind]
}

func (m *model) successors(s *State) {
	for i := range s.W {
		m.worker(s, i)
	}
	m.kafka(s)
	m.network(s)
	m.faults(s)
}

// worker takes one worker's next steps, whichever are possible. None is ever
// forced: a worker may stand still for as long as it likes.
func (m *model) worker(s *State, i int) {
	w := &s.W[i]
	mine := s.Assigned == uint8(i+1)
	switch {
	case w.PC == off:
		if mine || m.NotAssigned {
			t := *s
			t.W[i].PC = 1
			if m.Conditional {
				t.W[i].Before = s.now().Owner
			}
			m.emit(&t, Act{aStart, uint8(i), 0}, false)
		}
		return
	case w.PC < loop:
		m.takeOver(s, i)
	case w.PC == wait:
		m.resolve(s, i)
	default:
		m.look(s, i)
		m.publish(s, i)
		if m.PublishFirst {
			m.applyThenCommit(s, i)
		} else if m.Pipelined || w.Pub == 0 && (m.InParts || !m.due(w)) {
			m.commits(s, i)
		}
	}
	if !mine {
		m.startOver(s, i, aNotice) // it learns that the shard is gone
	}
}

// startOver loses the worker's memory. Every doubt ends here.
func (m *model) startOver(s *State, i int, kind uint8) {
	t := *s
	t.W[i] = Worker{}
	m.emit(&t, Act{kind, uint8(i), 0}, false)
}

// look is L1 and L2: once a second an owner compares both stores with its
// memory. The last commit in Redis must be its own, and the end of its cursor
// partition must be what it knows. Neither a refused commit nor a fenced
// transaction can replace this, since a worker with nothing to do makes neither.
func (m *model) look(s *State, i int) {
	w := &s.W[i]
	at := w.At
	if m.PublishFirst && w.Hold == 1 {
		at = w.Next
	}
	redis := s.now().Owner == w.Owner && s.now().At == at
	kafka := s.Cursor.Header == w.Header && s.Cursor.P == w.P && s.Cursor.Fire == w.Fire ||
		s.Txn.Stage == prepared && s.Txn.Who == uint8(i+1) // its own, not visible yet
	switch {
	case !redis && !m.NoRedisLook:
		m.startOver(s, i, aLookRedis)
	case !kafka && !m.NoKafkaLook:
		m.startOver(s, i, aLookKafka)
	}
}
