package aggregator

import (
	"fmt"
	"maps"
	"slices"

	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/event"
)

// Shard is the state of one shard in memory: the records that are loaded, all
// cells that are not frozen, the timer index and the set of firing alerts. One
// goroutine owns it.
//
// Its user goes round: Need and Load until nothing is missing, Apply each event
// of the batch, Advance the watermark, Changes, and Committed once the store
// has them. A Shard whose changes could not be stored is thrown away.
type Shard struct {
	opts        Options
	cal         *civil.Calendar
	scorer      *scorer
	ticketSteps []int64 // hours
	cells       *cells
	e           emitter
	watermark   int64
	cause       Cause // of what is being applied
	scheduled   bool  // the last event applied was a cancellation that takes effect later

	buckets   []*bucket // nil: not in memory
	index     index     // of their customers
	absent    int       // how many are nil
	paged     int       // loaded customers whose users are in pages
	customers int
	dueAt     []int64 // by bucket: no later than the first due time of its customers
	dueStored []int64 // what the store has of it; a later time is left alone
	minDue    int64
	dueDirty  map[int]bool
	want      map[string]bool  // records to load for timers, splits and jobs
	room      int              // money events that a customer's list holds
	capped    map[string]int64 // what full lists have let go since the last commit, by list
	dirty     []*block
	loaded    []*block
	hand      int
	memory    int

	behind    []behind
	beginners map[beginner]int64
	changed   []*customer // since the last commit; their buckets are not marked yet
	ahead     ahead
	sources   *sources
	reasons   *labels // of cancellations
	questions *labels // of CLI surveys
	off       []bool  // dimensions that are switched off
	sweepAt   int     // segments at which those that nobody is in are given up
	jobs      []string
	firing    map[Pair]Firing
	fired     map[Pair]bool // changed since the last commit
	notes     []Note
	moves     []Move
	warnings  []string

	dayBuf []dayspan
	cutBuf []int64
	runBuf []bandRun

	amountBuf []dayAmount
	ownBuf    []dayStep
	paysBuf   []dayStep
	lifeBuf   []orderLife
	firstBuf  []int
	refundBuf []uint32
	changeBuf []dayChange

	found  []found // of the events that Need was called with last
	encBuf []byte
	recBuf []byte
}

// found is a look-up made ahead, for a whole batch: one after the other they
// wait for memory together, while applying waits for each by itself.
type found struct {
	hash  uint64
	c     *customer // nil: not known when it was looked up
	day   int32     // of the event
	tag   uint32    // of the user's id
	login bool
}

// Pair is a rule and the customer it is about.
type Pair struct{ Rule, Customer string }

// Firing is one alert that should be firing. Since is the moment its episode
// began by the record as it is now; Cause is what raised it first.
type Firing struct {
	Since int64 `json:"since"` // Unix ms
	Cause Cause `json:"cause"`
}

// Cause is the message or the timer that brought something about.
type Cause struct {
	Topic     string `json:"topic,omitempty"`
	Partition int    `json:"partition"`
	Offset    int64  `json:"offset"`
	Timer     bool   `json:"timer,omitempty"`
}

// Note is a message that goes to the late topic because of a timer.
type Note struct {
	Origin Origin
	Due    int64 // Unix ms
	Reason event.Reason
}

// Move is a customer's change of place in the sorted sets by band.
type Move struct {
	Customer string
	Was, Is  Band
	MRR      float64 // minor units of the reporting currency a month
}

// New returns a shard with nothing in it.
func New(o Options) (*Shard, error) {
	if o.MaxUsersInline == 0 {
		o.MaxUsersInline = 32
	}
	if o.ValueKind == event.Unknown && o.ValueSignal == "" {
		o.ValueKind = event.Purchase
	}
	if o.Satisfied == 0 {
		o.Satisfied = defaultSatisfied
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	s := &Shard{opts: o, cal: o.Calendar, scorer: newScorer(&o.Profile), minDue: never,
		dueDirty: map[int]bool{}, want: map[string]bool{}, off: make([]bool, len(o.Dimensions)), sources: newSources(nil), reasons: newLabels(nil), questions: newLabels(nil),
		firing: map[Pair]Firing{}, fired: map[Pair]bool{}, capped: map[string]int64{}, room: maxMoney}
	s.cells = newCells(o.Horizon, []Cell{{Counter: MRR, Currency: o.Currency}, {Counter: MRRAtRisk, Currency: o.Currency}})
	s.e = *newEmitter(s.cells, &s.opts)
	for _, g := range o.Profile.Signals {
		if g.Read == TicketHours {
			for _, x := range g.Steps[1:] {
				s.ticketSteps = append(s.ticketSteps, x.From)
			}
		}
	}
	s.resize(firstBuckets)
	for i := range s.buckets {
		s.buckets[i] = s.newBucket(i)
	}
	return s, nil
}

func (s *Shard) resize(n int) {
	s.buckets, s.absent, s.index = make([]*bucket, n), n, newIndex()
	s.dueAt, s.dueStored = make([]int64, n), make([]int64, n)
	for i := range n {
		s.dueAt[i], s.dueStored[i] = never, never
	}
}

// Stored is what a shard is opened from.
type Stored struct {
	Watermark int64
	FirstDay  int32
	Table     []byte
	Cells     map[string][]byte
	Due       map[string][]byte
	Firing    map[Pair]Firing
}

// Open returns the shard as it was stored; its records are loaded as they are needed.
func Open(o Options, st Stored) (*Shard, error) {
	s, err := New(o)
	if err != nil {
		return nil, err
	}
	table, err := ParseTable(st.Table)
	if err != nil {
		return nil, err
	}
	s.loaded, s.memory = nil, 0
	s.resize(table.Buckets)
	s.customers, s.jobs, s.sources = table.Customers, table.Jobs, newSources(table.Sources)
	s.sources.epoch = table.Epoch
	s.reasons, s.questions = newLabels(table.Reasons), newLabels(table.Questions)
	for _, name := range table.Off {
		if i := slices.Index(o.Dimensions, name); i >= 0 {
			s.off[i] = true
		}
	}
	s.watermark = st.Watermark
	if s.watermark != 0 {
		s.cells.started, s.cells.first = true, st.FirstDay
		s.cells.hours = s.cal.Day(s.watermark) - hoursKept
	}
	for name, value := range st.Cells {
		if err := s.cells.load(name, value, o.Horizon); err != nil {
			return nil, fmt.Errorf("cells row %s: %w", name, err)
		}
	}
	s.cells.clean()
	for name, value := range st.Due {
		if err := s.loadDue(name, value); err != nil {
			return nil, err
		}
	}
	maps.Copy(s.firing, st.Firing)
	if !slices.Equal(table.Rules, s.opts.rules()) {
		s.changeRules()
	}
	return s, nil
}

// changeRules has every customer evaluated under other rules on bands than those
// that the stored episodes are of.
func (s *Shard) changeRules() {
	s.sources.epoch++
	for i := range s.dueAt {
		s.arm(i, s.watermark) // is stored, so that a successor goes on with it
	}
}

// Watermark is the shard's, Unix ms; 0 before the first.
func (s *Shard) Watermark() int64 { return s.watermark }

// FirstDay is the first day that is not frozen. It means nothing before the
// first watermark.
func (s *Shard) FirstDay() int32 { return s.cells.first }

// Firing is the set of customers' alerts that should be firing. It belongs to the shard.
func (s *Shard) Firing() map[Pair]Firing { return s.firing }

// Settled says whether all timers up to the watermark have fired, so that what
// time raises up to there has been raised. Advance may leave it for later steps.
func (s *Shard) Settled() bool { return s.minDue > s.watermark }

// Scheduled says whether the event that Apply was last called with was a
// cancellation, and none that was known, that takes effect later than both its
// own time and the watermark.
func (s *Shard) Scheduled() bool { return s.scheduled }

// Busy says whether users of a customer are still being moved to another
// segment, so that figures of segments are not complete.
func (s *Shard) Busy() bool { return len(s.jobs) > 0 }

// Memory is an estimate of the bytes that loaded records and rows take.
func (s *Shard) Memory() int { return s.memory + s.cells.memory }

// Changed is how many records the next Changes will write at the least: customers,
// and pages of users of large ones.
func (s *Shard) Changed() int { return len(s.changed) + len(s.dirty) }

// rank is the customer's MRR by which people's lists are sorted.
func (s *Shard) rank(c *customer) float64 {
	now := max(c.health.now, c.latest)
	for i := len(c.line.mrr) - 1; i >= 0; i-- {
		if x := &c.line.mrr[i]; x.currency == s.opts.Currency && x.at <= now {
			return float64(x.monthly) / event.MonthlyUnit
		}
	}
	return 0
}
