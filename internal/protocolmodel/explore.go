package main

import "fmt"

// Result is what an exploration found.
type Result struct {
	States, Steps uint64
	Rests         uint64 // states at rest
	Depth         int
	Broken        int
	Why           string
	Trace         []string
	Strict        uint64 // commits of a fenced worker that were applied
	StrictAlone   uint64 // ... and that no rollback explains
	Full          bool   // the whole space was explored
}

// search walks breadth first through every reachable state. It keeps of each
// state a fingerprint, and the states themselves of two levels alone.
type search struct {
	m      *model
	r      Result
	seen   *set
	parent []uint32
	act    []Act
	edge   []uint32 // steps without a fault, by state
	first  []uint32 // where a state's edges begin
	next   []State
	from   uint32 // the state whose successors are taken
	calm   int    // its steps without a fault
	bad    int64  // the state that broke a property, -1: none
}

// explore visits at most limit states.
func explore(c Config, limit uint64) Result {
	c.prepare()
	e := &search{m: &model{Config: &c}, seen: newSet(), bad: -1}
	e.m.out = e.visit
	s0 := e.m.initial()
	e.seen.add(fingerprint(&s0))
	e.parent, e.act = append(e.parent, 0), append(e.act, Act{})
	e.r.Full = e.walk(s0, limit)
	e.r.States = uint64(e.seen.n)
	e.r.Strict, e.r.StrictAlone = e.m.Strict, e.m.StrictAlone
	if e.r.Broken == fine && e.r.Full {
		e.first = append(e.first, uint32(len(e.edge)))
		if !acyclic(e.first, e.edge) {
			e.r.Broken, e.r.Why = progress, "rest can be put off for ever without a fault"
		}
	}
	if e.bad >= 0 {
		e.r.Trace = e.trace(s0, uint32(e.bad))
	}
	return e.r
}

// visit takes down one step from the present state.
func (e *search) visit(t *State, a Act, fault bool) {
	e.r.Steps++
	id, isNew := e.seen.add(fingerprint(t))
	if isNew {
		e.parent = append(e.parent, e.from)
		e.act = append(e.act, a)
		if t.Broken == fine {
			e.next = append(e.next, *t)
		} else if e.r.Broken == fine {
			e.r.Broken, e.bad = int(t.Broken), int64(id)
		}
	}
	if !fault && id != e.from {
		e.calm++
		e.edge = append(e.edge, id)
	}
}

// walk goes level by level and says whether it came to the end.
func (e *search) walk(s0 State, limit uint64) bool {
	level := []State{s0}
	for len(level) > 0 {
		e.r.Depth++
		for i := range level {
			s := &level[i]
			e.first = append(e.first, uint32(len(e.edge)))
			e.calm = 0
			e.m.successors(s)
			if e.calm == 0 && e.r.Broken == fine {
				if e.r.Broken = e.m.atRest(s); e.r.Broken != fine {
					e.bad = int64(e.from)
				}
				e.r.Rests++
			}
			e.from++
			if e.r.Broken != fine {
				return true
			}
			if uint64(e.seen.n) > limit {
				return false
			}
		}
		level, e.next = e.next, level[:0]
		if cap(e.next) > 4*len(level)+1024 {
			e.next = nil
		}
	}
	return true
}

// atRest checks a state that has no step left but faults.
func (m *model) atRest(s *State) int {
	if s.now().At != m.full || s.W[s.Assigned-1].PC != loop {
		return progress
	}
	for p := range m.Want {
		if m.wants(p, m.full) != (s.Reader.Word[p].Firing == 1) {
			return atRest
		}
	}
	if (s.Reader.Notes|s.now().Spared)&m.kinds.must != m.kinds.must {
		return atRest
	}
	return fine
}

// acyclic says whether the steps without faults have no cycle. Then every run
// without further faults ends, and it ends at rest, since states without a step
// are checked to be at rest: rest is not only reachable but inevitable.
func acyclic(first, edge []uint32) bool {
	n := len(first) - 1
	in := make([]uint16, n)
	for _, e := range edge {
		in[e]++
	}
	var todo []uint32
	for i := range n {
		if in[i] == 0 {
			todo = append(todo, uint32(i))
		}
	}
	done := 0
	for len(todo) > 0 {
		i := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		done++
		for _, e := range edge[first[i]:first[i+1]] {
			if in[e]--; in[e] == 0 {
				todo = append(todo, e)
			}
		}
	}
	return done == n
}

// trace repeats the steps that led to a state and puts them into words.
func (e *search) trace(s State, to uint32) []string {
	var path []uint32
	for id := to; id != 0; id = e.parent[id] {
		path = append(path, id)
	}
	lines := []string{"      start: " + s.String()}
	for k := len(path) - 1; k >= 0; k-- {
		var hit *State
		e.m.out = func(t *State, a Act, _ bool) {
			if hit != nil || a != e.act[path[k]] {
				return
			}
			if id, isNew := e.seen.add(fingerprint(t)); !isNew && id == path[k] {
				u := *t
				hit = &u
			}
		}
		e.m.successors(&s)
		if hit == nil {
			return append(lines, "BUG: lost the path")
		}
		s = *hit
		lines = append(lines, fmt.Sprintf("%4d  %-34s %s", len(lines), e.act[path[k]], s.String()))
	}
	return lines
}
