package main

import "math/bits"

// unlimited: no limit on a kind of fault.
const unlimited = 255

// Limits are the most faults of each kind: crashes, rollbacks of Redis,
// rebalances, Redis requests lost or late, Kafka faults (EndTxn lost, late or
// without reply, transaction time-out of a living worker).
type Limits [5]uint8

// Config is one system to explore: sizes, what is desired, which faults, and
// the rules of the protocol. The zero value of every rule is the protocol of
// docs/protocol.md; a rule that is set changes it, by mistake or on purpose.
type Config struct {
	Name    string
	Breaks  int // the property a mistake must break, 0: none
	A, B, T uint8
	Want    []wish // desired, for each pair, from the set of applied events
	Notes   []note
	Birth   At // offsets that the shard's partitions ended at when it was born
	Limit   Limits
	Window  uint8

	// Rules of the take-over.
	Steps        []step // nil: T1, T2, T3
	Conditional  bool   // claim only where the owner is the one seen before InitProducerId
	NotAssigned  bool   // take over although not assigned
	SilentAtTake bool   // no T5: publish only after a commit of one's own
	Shared       bool   // neighbours write to the same cursor partition
	PlainRead    bool   // T3: read_committed without waiting for the high watermark

	// Rules of the commit.
	NoCAS, NoOwner, NoNumber, OwnerOnly bool // what the compare-and-set of C2 leaves out
	Recognise                           bool // C3: after a lost reply read the commit's identity instead of starting over
	RetryOther                          bool // ... and take the same number with another batch for one's own
	NotesInMemory                       bool
	TimeRunsAhead                       bool // C1: the clock moves although an offset stands behind the header's
	NoRedisLook, NoKafkaLook            bool // without L1, without L2

	// Rules of the publication.
	PublishUnborn   bool // no P0
	BornInMemory    bool // P0: who finds a state takes the shard for born
	BirthAnew       bool // P0: the ends of the birth are taken anew with each take-over
	KeepUnborn      bool // P0: one-shot alerts of history are only held back
	UnbornNone      bool // P0: ... and by whether the shard is born, not by where their events lie
	NoFence         bool // owner token in Redis guards the publication
	NoHold          bool // no P1
	OffsetOnly      bool // P2: a note is known to be said when its event's offset is below the header's
	DueOnly         bool // P2: ... when its due time is at or before the header's watermark
	PairCounter     bool // n counted for each pair, lost with its tombstone
	SplitTxn        bool // P3: alerts and header in two transactions
	AssumeCommitted bool // P4: on an unknown EndTxn
	AssumeAborted   bool
	Reinit          bool // the client library re-inits after a fence, memory kept
	Pipelined       bool // commits go on while a transaction is open
	PublishFirst    bool // transaction before the commit
	InParts         bool // P3: one alert a transaction, commits between

	// The protocol as first written: outbox and announced in Redis, header
	// compared by commit number (or by offsets).
	AsWritten bool
	ByOffsets bool

	SkipS4, SkipS6 bool
	Ghost          bool // count fenced commits that no rollback explains
	Mirror         bool // treat mirror images as one state

	want   [pairs][256]bool
	raised [256]uint8 // by the set of applied events: notes raised so far
	said   [256]uint8 // by the header's set of events: notes known to be said
	kinds  kinds
	full   At
}

// prepare fills the tables and the defaults.
func (c *Config) prepare() {
	c.full = At{c.A, c.B, c.T}
	for a := uint8(0); a <= c.A; a++ {
		for b := uint8(0); b <= c.B; b++ {
			for t := uint8(0); t <= c.T; t++ {
				x := At{a, b, t}
				for p, f := range c.Want {
					c.want[p][x.events()] = f(x)
				}
				c.raised[x.events()] = c.raisedBy(x)
				c.said[x.events()] = c.saidBy(x)
			}
		}
	}
	c.kinds = c.sortNotes()
	if c.Steps == nil {
		c.Steps = []step{t1, t2, t3}
	}
	if c.Window == 0 {
		c.Window = 4
	}
}

func (c *Config) wants(p int, x At) bool { return c.want[p][x.events()] }

func ones(x uint8) uint8 { return uint8(bits.OnesCount8(x)) }

// wish is desired: a function of the set of applied events. In each of them the
// intermediate states depend on the interleaving and the last one does not.
type wish = func(At) bool

// latest: a1 raises, b1 clears, a2 raises, b2 clears, in this order of event
// time; what happened last by event time holds. b3 and a3 raise once more.
func latest(x At) bool { return x.A >= 3 || x.B < 2 && (x.A >= 2 || x.A >= 1 && x.B < 1) }

// parity: every event and every tick turns it over.
func parity(x At) bool { return (x.A+x.B+x.W)%2 == 1 }

// retracted: a1 raises; the late b1 shows that a1's cause was none; b2 and the
// clock together raise again.
func retracted(x At) bool { return x.A >= 1 && x.B == 0 || x.B >= 2 && (x.W >= 1 || x.A >= 2) }

// silence: the clock raises, any second event of A takes it back.
func silence(x At) bool { return x.W >= 1 && x.A < 2 }
