package aggregator

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/cespare/xxhash/v2"

	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/event"
	names "github.com/tidemark-io/tidemark/segment"
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
	return s, nil
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

// Need returns the keys of the records that the events touch and that are not
// in memory, and of those that timers, splits and jobs wait for. Load them and
// call it again until it returns none; then Apply takes the events by their index.
func (s *Shard) Need(events []event.Event) []string {
	s.wantSplits()
	asked := s.want
	s.want = map[string]bool{}
	s.found = s.found[:0]
	for len(s.found) < len(events) {
		s.lookUp(events[len(s.found):min(len(s.found)+aheadEvents, len(events))])
	}
	if s.absent > 0 || s.paged > 0 {
		s.needFor(events, asked)
	}
	for key := range asked {
		if s.inMemory(key) {
			delete(asked, key)
		}
	}
	return slices.Sorted(maps.Keys(asked))
}

// needFor asks for the records that the events touch and that are not in memory.
func (s *Shard) needFor(events []event.Event, asked map[string]bool) {
	for i := range events {
		ev, f := &events[i], s.found[i]
		if ev.Kind == event.Unknown {
			continue
		}
		if f.c != nil {
			f.c.bucket.used = true
			if f.c.pages != nil {
				s.needUser(f.c, ev, asked)
			}
			continue
		}
		if slot := slotOf(f.hash, len(s.buckets)); s.buckets[slot] == nil {
			asked[bucketKey(slot)] = true
		}
	}
}

func (s *Shard) needUser(c *customer, ev *event.Event, asked map[string]bool) {
	id := ev.User
	if ev.Kind == event.Survey {
		id = ev.Survey.Respondent
	}
	if id == nil {
		id = ev.Customer
	}
	i := slotOf(xxhash.Sum64(id), len(c.pages.list))
	if c.pages.list[i] == nil {
		asked[pageKey(c.id, i)] = true
	} else {
		c.pages.list[i].used = true
	}
}

// inMemory says whether a record is there, or cannot be: a page of a customer
// whose bucket has to be loaded first is.
func (s *Shard) inMemory(key string) bool {
	id, i, err := parseKey(key)
	if err != nil {
		return true
	}
	if id == "" {
		return i >= len(s.buckets) || s.buckets[i] != nil
	}
	c := s.find(id)
	return c == nil || c.pages == nil || i >= len(c.pages.list) || c.pages.list[i] != nil
}

func (s *Shard) find(id string) *customer {
	return s.index.find(xxhash.Sum64String(id), []byte(id))
}

// Load takes a stored record into memory; a nil value is one that does not exist.
func (s *Shard) Load(key string, value []byte) error {
	id, i, err := parseKey(key)
	if err != nil {
		return err
	}
	if s.inMemory(key) {
		return nil
	}
	if id != "" {
		err = s.loadPage(s.find(id), i, value)
	} else {
		err = s.loadBucket(i, value)
	}
	if err != nil {
		return fmt.Errorf("record %s: %w", key, err)
	}
	return nil
}

func (s *Shard) loadBucket(i int, value []byte) error {
	b := s.newBucket(i)
	s.buckets[i] = b
	if len(value) == 0 {
		return nil
	}
	r := reader{b: value}
	if v := r.byte(); v != recordVersion {
		return fmt.Errorf("version %d, this program reads %d", v, recordVersion)
	}
	b.stored = bytes.Clone(value)
	for len(r.b) > 0 {
		from := len(value) - len(r.b)
		whole := r.bytes(int(min(r.uvarint(), 1<<30)))
		body := reader{b: whole, sources: s.sources.list}
		if r.err != nil {
			break
		}
		c, rareAt := body.customer()
		if body.err != nil {
			return body.err
		}
		end := len(value) - len(r.b)
		hash := xxhash.Sum64String(c.id)
		b.add(c, place{hash: hash, from: uint32(from), rare: uint32(end - len(whole) + rareAt), end: uint32(end)})
		s.index.add(hash, c)
		s.revive(c)
		if c.pages != nil {
			s.paged++
		}
		b.places[c.pos].memory = uint32(c.memory())
	}
	s.measure(&b.block)
	return r.err
}

// revive computes what a loaded record does not store. Its health is walked to
// the moment at which it was last evaluated, so that it equals what the cells
// hold; what has fallen due since is the timers' affair.
func (s *Shard) revive(c *customer) {
	c.derive(&s.opts)
	c.in = s.segments(c)
	if len(c.health.runs) > 0 {
		s.walkTo(c, c.health.now, farFuture)
	}
	if len(c.line.mrr) > 0 {
		c.scored = s.rank(c)
	}
	for r := range s.opts.BandRules {
		if c.firing>>r&1 == 1 && c.rare != &noRare {
			c.since[r] = s.firing[Pair{s.opts.BandRules[r].Name, c.id}].Since
		}
	}
	// Nothing was due before the bucket's entry: a timer that has fired may have put
	// it off for longer than the record alone says.
	c.due = max(s.dueOf(c, false), s.dueAt[c.bucket.index])
	c.bucket.places[c.pos].due = c.due
}

func (s *Shard) loadPage(c *customer, i int, value []byte) error {
	p := &page{owner: c, index: i}
	p.block = block{key: pageKey(c.id, i), page: p, memory: 128}
	r := reader{b: value, sources: s.sources.list}
	if v := r.byte(); v != recordVersion {
		return fmt.Errorf("version %d, this program reads %d", v, recordVersion)
	}
	for n := r.count(); n > 0; n-- {
		p.segs = append(p.segs, r.string())
	}
	p.users = make([]user, r.count())
	for k := range p.users {
		p.users[k] = r.user()
	}
	if r.err != nil {
		return r.err
	}
	c.pages.list[i] = p
	s.admit(&p.block)
	s.measure(&p.block)
	return nil
}

var wholeOnly = []int32{0}

// segments are the indexes of the segments that a customer counts under: the
// whole, then one for each dimension that is not switched off.
func (s *Shard) segments(c *customer) *[]int32 {
	if len(s.opts.Dimensions) == 0 {
		return &wholeOnly
	}
	out := append(make([]int32, 0, 1+len(s.opts.Dimensions)), 0)
	for i, d := range s.opts.Dimensions {
		if s.off[i] {
			out = append(out, -1)
			continue
		}
		out = append(out, s.cells.segment(names.Name(d, c.attr), s.opts.Horizon))
	}
	return &out
}

func (s *Shard) segmentNames(c *customer) []string {
	out := make([]string, len(c.segs()))
	for i, seg := range c.segs() {
		if seg > 0 {
			out[i] = s.cells.segments[seg].name
		}
	}
	return out
}

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

var errNotLoaded = errors.New("record is not in memory")
