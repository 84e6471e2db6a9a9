package worker_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// effect is something a worker does to, or learns from, the world outside its
// memory. Between two of them nothing can be seen from outside, so that a crash
// before or after each of them is a crash between any two steps.
type effect int

// The effects, with the step of docs/protocol.md that each belongs to. none is
// traffic that no step knows of.
const (
	none          effect = iota
	claim                // T1
	initProducer         // T2
	cursorEnd            // T3: the high watermark
	cursorRead           // T3
	readTopics           // T4: how far do the logs reach?
	load                 // C1: records that are not in memory
	compareCommit        // C2: owner and number, and a hold
	execCommit           // C2: the atomic step
	produce              // P3
	endTxn               // P4
	lookRedis            // L1
	lookKafka            // L2
	effects
)

func (e effect) String() string {
	return [effects]string{"none", "claim (T1)", "InitProducerId (T2)", "end of the cursor (T3)", "cursor (T3)",
		"read topics (T4)", "load", "compare (C2)", "commit (C2)", "produce (P3)", "EndTxn (P4)", "look at Redis (L1)", "look at Kafka (L2)"}[e]
}

// writes says whether the effect changes a store, so that it makes a difference
// whether and when it arrives.
func (e effect) writes() bool {
	return e == claim || e == initProducer || e == execCommit || e == produce || e == endTxn
}

// outcome is what happens to an effect.
type outcome int

// The outcomes.
const (
	pass        outcome = iota
	lost                // it never arrives; its sender sees an error
	replyLost           // it is applied; its sender sees an error
	late                // its sender sees an error; it arrives later
	killed              // the process is killed before it
	killedAfter         // the process is killed after it, before the reply
	paused              // the process stands still before it, and goes on later
	pausedAfter         // the process stands still after it, before the reply, and goes on later
	outcomes
)

func (o outcome) String() string {
	return [outcomes]string{"pass", "lost", "reply lost", "late", "killed before", "killed after", "paused before", "paused after"}[o]
}

var (
	errCut  = errors.New("test: the connection is cut")
	errDead = errors.New("test: the process is dead")
)

// moment is the n-th time from now that an effect is applied, by whomever.
type moment struct {
	e effect
	n int
}

func (m moment) String() string { return fmt.Sprintf("%v × %d", m.e, m.n) }

// fault strikes an effect, the skip-th from now on, of whatever process comes
// to it. What is paused or late ends at the moment until.
type fault struct {
	e     effect
	o     outcome
	skip  int
	until moment
}

func (f fault) String() string {
	s := fmt.Sprintf("%v %v (after %d)", f.e, f.o, f.skip)
	if f.o == late || f.o == paused || f.o == pausedAfter {
		s += fmt.Sprintf(" until %v", f.until)
	}
	return s
}

// hit is a fault that has struck.
type hit struct {
	fault
	p *process
}

// faults strike a world's processes.
type faults struct {
	mu      sync.Mutex
	armed   []*fault
	struck  []hit
	applied [effects]int
	waiting []*waiting
}

// waiting is what goes on at a moment.
type waiting struct {
	e    effect
	at   int // of faults.applied
	wake func()
}

func (f *faults) arm(x fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.armed = append(f.armed, &x)
}

// meet gives what happens to an effect that a process comes to.
func (f *faults) meet(p *process, e effect) (outcome, moment) {
	if e == none {
		return pass, moment{}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, x := range f.armed {
		if x.e != e {
			continue
		}
		if x.skip > 0 {
			x.skip--
			continue
		}
		f.armed = append(f.armed[:i], f.armed[i+1:]...)
		f.struck = append(f.struck, hit{*x, p})
		return x.o, x.until
	}
	return pass, moment{}
}

// hits returns the faults that have struck since the first n.
func (f *faults) hits(n int) []hit {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]hit(nil), f.struck[n:]...)
}

// unmet are the faults that are armed and have not struck.
func (f *faults) unmet() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.armed)
}

// count is how often an effect was applied.
func (f *faults) count(e effect) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.applied[e]
}

// at calls wake once, at a moment or when everything is healed.
func (f *faults) at(m moment, wake func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waiting = append(f.waiting, &waiting{m.e, f.applied[m.e] + max(m.n, 1), wake})
}

// done says that an effect was applied.
func (f *faults) done(e effect) {
	if e == none {
		return
	}
	f.mu.Lock()
	f.applied[e]++
	f.mu.Unlock()
	f.release(func(w *waiting) bool { return w.e == e && f.applied[e] >= w.at })
}

// heal lets everything go on that is paused or late, and disarms what has not struck.
func (f *faults) heal() {
	f.mu.Lock()
	f.armed = nil
	f.mu.Unlock()
	f.release(func(*waiting) bool { return true })
}

func (f *faults) release(which func(*waiting) bool) {
	f.mu.Lock()
	var now, later []*waiting
	for _, w := range f.waiting {
		if which(w) {
			now = append(now, w)
		} else {
			later = append(later, w)
		}
	}
	f.waiting = later
	f.mu.Unlock()
	for _, w := range now {
		w.wake()
	}
}

// through lets an effect of a process pass, or does to it what is armed. do
// applies it. hold, where an effect can be late, keeps it from arriving and
// returns what delivers it.
func (p *process) through(e effect, do func() error, hold func() (deliver func(), err error)) error {
	if p.dead.Load() {
		return errDead
	}
	o, until := p.w.meet(p, e)
	if o == late && (hold == nil || !e.writes()) {
		o = lost
	}
	switch o {
	case lost:
		return errCut
	case late:
		deliver, err := hold()
		p.w.at(until, deliver)
		return errors.Join(errCut, err)
	case killed:
		p.die()
		return errDead
	case paused:
		p.standStill(until)
	}
	if p.dead.Load() {
		return errDead
	}
	err := do()
	if err == nil {
		p.w.done(e)
	}
	switch o {
	case replyLost:
		return errors.Join(errCut, err)
	case killedAfter:
		p.die()
		return errDead
	case pausedAfter:
		p.standStill(until)
	}
	if p.dead.Load() {
		return errDead
	}
	return err
}

// standStill returns at a moment, as a process does that is stopped and let go
// on, or when it is killed.
func (p *process) standStill(until moment) {
	ctx, cancel := context.WithCancel(p.life)
	defer cancel()
	p.w.at(until, cancel)
	<-ctx.Done()
}
