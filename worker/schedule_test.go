package worker_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

const (
	historyDays = 14 // in the log when the shard is born
	chunkDays   = 4
	chunks      = 12
)

// act is what a schedule does besides feeding events.
type act int

const (
	feed     act = iota // nothing besides
	arm                 // a fault
	handOver            // the shard goes to a new process, in order
	rollBack            // Redis loses its last commits
	acts
)

// schedule is one run, drawn from its seed.
type schedule struct {
	seed    uint64
	brokers int
	batch   int
	plan    [chunks]act
	faults  []fault // one for each arm in plan
	lag     bool    // a process that stood still hears late that it has lost the shard
}

func (s schedule) String() string {
	return fmt.Sprintf("seed %d, %d brokers, %d messages a commit, plan %v, faults %v, assignment lags %v", s.seed, s.brokers, s.batch, s.plan, s.faults, s.lag)
}

// drawFault draws what is left open of a fault.
func drawFault(r *rand.Rand, e effect, o outcome) fault {
	f := fault{e: e, o: o}
	if e == load || e == compareCommit || e == execCommit {
		f.skip = r.IntN(4)
	}
	ends := []moment{{claim, 1}, {initProducer, 1}, {endTxn, 1}, {execCommit, 1 + r.IntN(5)}, {lookKafka, 1}}
	f.until = ends[r.IntN(len(ends))]
	return f
}

// run plays a schedule and checks what is left.
func (s schedule) run(t *testing.T) {
	t.Log(s)
	r := rand.New(rand.NewPCG(s.seed, 1))
	w := newWorld(t, s.brokers)
	w.batch = s.batch
	var a author
	w.send(a.days(r, 0, historyDays)...)
	d := driver{world: w, r: r, lag: s.lag, owner: w.start()}
	for i := range chunks {
		d.follow()
		w.untilRead(0) // what lies behind by more than a chunk would be late
		if s.plan[i] == arm {
			d.logf("armed: %v", s.faults[0])
			d.arm(s.faults[0])
		}
		w.send(a.days(r, historyDays+i*chunkDays, historyDays+(i+1)*chunkDays)...)
		switch s.plan[i] {
		case arm:
			d.struck(s.faults[0])
			s.faults = s.faults[1:]
		case handOver:
			d.handOver()
		case rollBack:
			d.rollBack()
		}
	}
	d.settle()
	alerts := w.check()
	if alerts.Firing < 5 || alerts.Resolved < 5 {
		t.Errorf("%d firing, %d resolved: this history shows nothing", alerts.Firing, alerts.Resolved)
	}
}

// lagClaims is when the group has told a process that stood still that it has
// lost the shard: at this claim of its successor's or its own, when each has taken
// the shard from the other twice. It is told, sooner or later: two that both take
// themselves for the owner for good keep each other from reading, and the slower
// the machine, the less of the log is read between two claims.
const lagClaims = 5

// driver plays the group: it assigns the shard.
type driver struct {
	*world
	r      *rand.Rand
	lag    bool
	owner  *process   // newest to be assigned
	former []*process // may not know yet that they are not
	seen   int        // hits that were followed
}

// follow does what the group does about the faults that have struck.
func (d *driver) follow() {
	for _, h := range d.hits(d.seen) {
		d.seen++
		d.logf("struck process %s: %v", h.p.name, h.fault)
		switch h.o {
		case killed, killedAfter:
			if h.p == d.owner {
				d.owner = d.start()
			}
		case paused, pausedAfter:
			if h.p != d.owner {
				continue
			}
			d.former = append(d.former, d.owner)
			if d.lag {
				d.at(moment{claim, lagClaims}, d.owner.unassign)
			} else {
				d.owner.unassign()
			}
			d.owner = d.start()
		}
	}
}

// struck waits until a fault has struck.
func (d *driver) struck(f fault) {
	if f.e <= readTopics { // nothing but a take-over does these
		d.handOver()
	}
	d.eventually(fmt.Sprintf("struck: %v", f), func() error {
		if d.unmet() > 0 {
			return fmt.Errorf("not met; read topics %d, claim %d, InitProducerId %d, commit %d, EndTxn %d", d.count(readTopics),
				d.count(claim), d.count(initProducer), d.count(execCommit), d.count(endTxn))
		}
		return nil
	})
	d.follow()
}

// handOver gives the shard to a new process, once the one before has let go of it.
func (d *driver) handOver() {
	d.follow()
	before := d.owner
	before.unassign()
	if d.r.IntN(2) == 0 {
		<-before.ended
	}
	d.owner = d.start()
}

func (d *driver) rollBack() {
	n := d.world.rollBack(1+d.r.IntN(6), d.r.IntN(2) == 0)
	d.logf("Redis has lost %d claims and commits", n)
}

// settle lets everything that is late arrive and everybody go on, and leaves
// the shard to one process.
func (d *driver) settle() {
	d.follow()
	d.heal()
	for _, p := range d.former {
		p.unassign()
	}
	d.follow()
}

// TestEveryEffect strikes each effect with each outcome, one in each schedule,
// followed by faults that were drawn. A fault that never strikes fails.
func TestEveryEffect(t *testing.T) {
	seed := seedOf(t)
	for e := none + 1; e < effects; e++ {
		for o := lost; o < outcomes; o++ {
			if o == late && !e.writes() {
				continue
			}
			seed++
			r := rand.New(rand.NewPCG(seed, 0))
			s := schedule{seed: seed, brokers: 1 + 2*r.IntN(2), batch: 6 + r.IntN(20), lag: r.IntN(2) == 0}
			s.faults = append(s.faults, drawFault(r, e, o))
			s.plan[2], s.plan[5+r.IntN(5)] = arm, rollBack
			t.Run(fmt.Sprintf("%v %v", e, o), func(t *testing.T) {
				t.Parallel()
				s.run(t)
			})
		}
	}
}

var (
	schedules = flag.Int("schedules", 12, "random schedules that TestSchedules plays")
	seedFlag  = flag.Uint64("seed", 0, "seed of the first schedule; 0: by the clock")
)

func seedOf(t *testing.T) uint64 {
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(time.Now().UnixNano() / 1_000_000)
	}
	t.Logf("-seed %d", seed)
	return seed
}

// TestSchedules plays schedules of several faults, rollbacks and hand-overs.
func TestSchedules(t *testing.T) {
	seed := seedOf(t)
	for i := range *schedules {
		r := rand.New(rand.NewPCG(seed+uint64(i), 0))
		s := schedule{seed: seed + uint64(i), brokers: 1 + 2*r.IntN(2), batch: 4 + r.IntN(30), lag: r.IntN(2) == 0}
		for i := range s.plan {
			s.plan[i] = act(r.IntN(int(acts)))
			if s.plan[i] == arm {
				s.faults = append(s.faults, drawFault(r, 1+effect(r.IntN(int(effects)-1)), lost+outcome(r.IntN(int(outcomes-lost)))))
			}
		}
		t.Run(fmt.Sprint(s.seed), func(t *testing.T) {
			t.Parallel()
			s.run(t)
		})
	}
}
