package main

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"pgregory.net/rapid"

	"github.com/tidemark-io/tidemark/internal/oracle/generate"
)

// kind is a kind of fault. The list is complete: a run of schedules fails where
// one of them was never played.
type kind string

const (
	kill         kind = "kill"          // SIGKILL one process, start it again
	killBoth     kind = "kill both"     // SIGKILL both, start both again
	terminate    kind = "terminate"     // SIGTERM one, so that it leaves the group; start it again
	join         kind = "join"          // a third member joins, and leaves by a signal
	pause        kind = "pause"         // SIGSTOP one past its session, SIGCONT: it comes back as a zombie
	redisRestart kind = "redis restart" // SIGKILL Redis, start it
	redisCut     kind = "redis cut"     // the same with its append-only file cut back by some commits
	kafkaRestart kind = "kafka restart" // SIGKILL Kafka, start it
)

var kinds = []kind{redisCut, pause, kill, join, kafkaRestart, redisRestart, killBoth, terminate}

// weights are how often a kind is drawn.
var weights = map[kind]int{redisCut: 4, pause: 3, kill: 5, join: 2, kafkaRestart: 1, redisRestart: 2, killBoth: 2, terminate: 2}

// fault is one fault of a schedule.
type fault struct {
	kind  kind
	chunk int  // of the events, before which it begins
	on    int  // which of the two processes
	calm  bool // first wait until both are ready; else it may hit a recovery
	soon  bool // what was stopped starts at once; else when the others have taken over
	kill  bool // join: the third leaves by SIGKILL, not SIGTERM
	back  int  // redisCut: commits to cut back, at the least
}

func (f fault) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s@%d", f.kind, f.chunk)
	switch f.kind {
	case redisCut:
		fmt.Fprintf(&b, "(%d)", f.back)
	case kill, terminate, pause:
		fmt.Fprintf(&b, "(w%d)", f.on)
	}
	return b.String()
}

// schedule is everything that a seed decides.
type schedule struct {
	seed       uint64
	place      generate.Place
	days       int // of events
	horizon    int
	customers  int
	partitions int
	batch      int // messages a commit
	cache      string
	purchases  bool // customer_basis: purchases
	grace      int  // lapse_grace in days; -1: never
	uncancel   bool
	one        bool // all events on one topic
	faults     []fault
}

func (s schedule) String() string {
	names := make([]string, len(s.faults))
	for i, f := range s.faults {
		names[i] = f.String()
	}
	return fmt.Sprintf("seed %d: %s, %d days, horizon %dd, %d partitions, commits of %d: %s",
		s.seed, s.place.Zone, s.days, s.horizon, s.partitions, s.batch, strings.Join(names, ", "))
}

// has says whether a kind of fault is played.
func (s schedule) has(k kind) bool {
	for _, f := range s.faults {
		if f.kind == k {
			return true
		}
	}
	return false
}

// schedules are those of n seeds in a row.
func schedules(seed uint64, n int) []schedule {
	out := make([]schedule, n)
	for i := range out {
		out[i] = draw(seed + uint64(i))
	}
	return out
}

const (
	halfDay   = 2 // chunks a day
	firstHits = 12
)

// draw makes the schedule of a seed. Seeds in a row begin with each kind of
// fault in turn.
func draw(seed uint64) schedule {
	r := rand.New(rand.NewPCG(seed, 1))
	s := schedule{
		seed: seed, days: 60 + r.IntN(20), customers: 30 + r.IntN(20),
		horizon:    pick(r, 5, 9, 14, 20, 30, 100),
		partitions: 3 + r.IntN(2),
		batch:      pick(r, 2000, 100, 25, 7),
		cache:      pick(r, "256MiB", "1MiB"),
		purchases:  r.IntN(4) == 0,
		grace:      pick(r, -1, -1, 3, 0),
		uncancel:   r.IntN(3) == 0,
		one:        r.IntN(4) == 0,
		place:      rapid.Custom(generate.DrawPlace).Example(int(seed)),
	}
	last := s.days*halfDay - 10
	n := 3 + r.IntN(3)
	for i := range n {
		f := fault{
			kind: kinds[seed%uint64(len(kinds))], on: r.IntN(2), calm: r.IntN(3) > 0, soon: r.IntN(2) == 0,
			kill: r.IntN(2) == 0, back: 1 + r.IntN(30),
			chunk: firstHits + i*(last-firstHits)/n + r.IntN(max(1, (last-firstHits)/n)),
		}
		if i > 0 {
			f.kind = drawKind(r)
		}
		s.faults = append(s.faults, f)
	}
	return s
}

func drawKind(r *rand.Rand) kind {
	sum := 0
	for _, k := range kinds {
		sum += weights[k]
	}
	n := r.IntN(sum)
	for _, k := range kinds {
		if n -= weights[k]; n < 0 {
			return k
		}
	}
	return kinds[0]
}

func pick[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

// only leaves one kind of fault in schedules, in place of each of the others.
func only(list []schedule, k kind) []schedule {
	for i := range list {
		switch k {
		case "":
		case "none":
			list[i].faults = nil
		default:
			for j := range list[i].faults {
				list[i].faults[j].kind = k
			}
		}
	}
	return list
}
