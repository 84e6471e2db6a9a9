package main

// One state of the whole system: one shard, two workers, two input topics, one
// Redis, one Kafka partition for alerts, one for cursors, one reader. All
// fields are bytes, so that a State is comparable, cheap to copy and cheap to hash.

const (
	window = 6 // commits kept in a state at most; a rollback goes to any of the last Config.Window
	pairs  = 2 // (rule, subject) pairs at most
)

// At is a position in the input: how many events of topics A and B were
// applied, and how far the watermark has been moved by the clock alone.
type At struct{ A, B, W uint8 }

// reaches is the comparison of P1: offsets and watermark, each by itself.
func (x At) reaches(y At) bool { return x.A >= y.A && x.B >= y.B && x.W >= y.W }

// events is the set of events below a position, one bit for each event or tick.
func (x At) events() uint8 {
	return (1<<x.A - 1) | (1<<x.B-1)<<3 | (1<<x.W-1)<<6
}

// Bits of events and ticks in a set of events.
const (
	a1 = 1 << iota
	a2
	a3
	b1
	b2
	b3
	tick1
	tick2

	offsetBits = a1 | a2 | a3 | b1 | b2 | b3
	tickBits   = tick1 | tick2
)

// Commit is what one atomic commit (C2) leaves in Redis. Owner and At together
// are the commit's identity: within one tenure At only grows, so At stands for
// the commit number.
type Commit struct {
	Owner   uint8 // token of the take-over that wrote it
	At      At    // next offsets and watermark
	Records uint8 // the records: one bit for each applied event
	Cell    uint8 // a counter, written as a value from the writer's memory
	Notes   uint8 // notes that are not known to be said, one bit for each
	Spared  uint8 // notes that were not raised when they could have been: their events count
	// Only used by the protocol as first written:
	Number   uint8
	Announce Word // announced, kept in Redis
	Out      Said // outbox: alerts of this commit
}

// Word is the last thing said about a pair: episode n, firing or not.
type Word struct{ N, Firing uint8 }

// Said is one alert: nothing, firing or resolved, with its n.
type Said struct{ Act, N uint8 }

const (
	nothing = iota
	firing
	resolved
)

// Txn is the Kafka transaction of the shard's transactional id (P3).
type Txn struct {
	Stage   uint8 // none, open, ending (EndTxn under way), prepared (commit decided)
	Who     uint8 // 1 or 2
	Alerts  [pairs]Said
	Notes   uint8
	Header  At
	P       uint8 // publication number
	Number  uint8 // as first written: commit number in the header
	Markers uint8 // bit 0: alert partition has its marker, bit 1: cursor partition
}

const (
	none = iota
	open
	ending
	prepared
)

// Cursor is the committed content of the cursor partition.
type Cursor struct {
	Header At
	P      uint8
	Number uint8
	Fire   [pairs]uint8 // n of what is announced as firing, 0: none
	Last   Word         // as first written: resolved pairs keep their n
}

// Worker is one worker's memory. All of it is lost when the worker stops.
type Worker struct {
	PC      uint8
	Pub     uint8 // 1: has a transaction open
	Unborn  uint8 // whether the ends of the shard's birth are reached (P0)
	Owner   uint8 // its token
	Before  uint8 // owner seen before InitProducerId (conditional claim only)
	At      At
	Records uint8
	Cell    uint8
	Notes   uint8
	Spared  uint8
	Next    At // target of a commit whose reply was lost (recognising variant)
	Header  At
	P       uint8
	Fire    [pairs]uint8
	Undone  uint8 // ghost: a rollback has undone its claim
	// Only used by the protocol as first written, and by some variants:
	Number, HeaderNumber uint8
	Announce             Word
	Out                  Said
	Due                  uint8 // a publication is due
	Hold                 uint8
	CaughtLast           [pairs]uint8 // mistake: n counted per pair
}

// A worker's PC: off, the next step of the take-over (1, 2, 3), in the loop, or
// looking up the fate of a commit (a variant).
const (
	off  = 0
	loop = 20
	wait = 21
)

// A worker's Unborn.
const (
	born       = iota
	unborn     // below the ends that the partitions had at the shard's birth
	unbornAnew // by mistake: below the ends that they had at this take-over
)

// Late is a request to Redis that is delayed in the network.
type Late struct {
	Kind   uint8 // none, commit, claim
	Who    uint8
	Expect Commit // only Owner and At are compared
	Write  Commit
}

const (
	lateCommit = 1
	lateClaim  = 2
)

// Reader is a read_committed reader of the alert topic.
type Reader struct {
	Word  [pairs]Word
	Notes uint8 // notes seen
	Seen  At    // header of the newest publication
}

// State is everything.
type State struct {
	Log      [window]Commit // commits that Redis may roll back to, the last one is the present
	Len      uint8
	Producer uint8 // worker whose InitProducerId was the last; 0: nobody's
	Txn      Txn
	Cursor   Cursor
	Stale    Cursor // shared partition: what lies below a neighbour's open transaction
	Neighbor uint8
	W        [2]Worker
	Assigned uint8 // the worker that the group says owns the shard
	Late     Late
	Reader   Reader
	Faults   [5]uint8 // how many of each kind so far
	Broken   uint8    // the property that the last step broke
}

// Kinds of faults.
const (
	crash = iota
	rollback
	rebalance
	redisLoss
	kafkaLoss
)

// The properties. The first six have the numbers of docs/protocol.md.
const (
	fine = iota
	stateOnce
	readerOnce
	atRest
	writerHolds
	progress
	noStepBack
	historySilent
	tooManyEpisodes
)

var propertyName = [...]string{"-", "S1 state exactly once", "S2 reader's sequence", "S3 last word at rest",
	"S4 writer holds what the store holds", "S5 progress", "S6 reader never stepped back",
	"S7 history pages nobody", "bound of episodes"}

func (s *State) now() *Commit { return &s.Log[s.Len-1] }

// push appends a commit and forgets the oldest where the window is full.
func (s *State) push(c Commit, limit uint8) {
	if s.Len > 0 && *s.now() == c {
		return
	}
	if s.Len == limit {
		copy(s.Log[:], s.Log[1:limit])
		s.Len--
	}
	s.Log[s.Len] = c
	s.Len++
}
