// Package company reads the rows of all shards from the store and adds them up:
// the figures of the whole company, for HTTP, the command line, KPI rules and
// the tidemark.kpis topic.
package company

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/kpi"
	"github.com/tidemark-io/tidemark/store"
)

// Store is what a reader needs of the store.
type Store interface {
	Partitions(ctx context.Context) (int, error) // 0: nothing stored yet
	Peek(ctx context.Context, shards []int) ([]store.Tenure, error)
	ReadView(ctx context.Context, shard int, after store.Tenure) (store.View, error)
	ReadHead(ctx context.Context, shard int) (store.View, error) // without rows
	Frozen(ctx context.Context, shard int, fields []string) (map[string][]byte, error)
	// Scores are what Scores.Encode wrote, nil where nobody has.
	Scores(ctx context.Context) ([]byte, error)
}

// Options are what figures depend on beside the rows.
type Options struct {
	Location   *time.Location // of the workspace's zone
	Currency   event.Currency // reporting currency
	Rates      kpi.Rates      // nil: no other currency has a worth
	WeekStart  time.Weekday   // first day of a calendar week
	MinSample  int64
	Lifetime   kpi.Lifetime
	SegmentCap int // segments a dimension keeps apart from "other"; 0: 100
	// Said reads what was said on the topic of KPIs, as a feed has stored it; nil:
	// figures carry revision 0.
	Said ReadSaid
	// Scores, where set, takes the place of what is stored of scores: it is called
	// for each figure that is made of them, and must not call the reader.
	Scores func() (*Scores, error)
}

// Reader keeps what the shards have stored in memory, and adds it up for whoever
// asks. One reader serves a whole process: everything may be called from any
// goroutine.
type Reader struct {
	store Store
	opts  Options

	polling chan struct{} // holds one token: whoever has it reads the store, or keeps others from it
	pace    pace          // the holder's

	mostFrozen int // maxFrozen
	mostSums   int // maxSums

	scoresDue    bool      // the holder's: scores may have been stored since they were last read
	scoresRead   time.Time // likewise: when they were
	scoresStored string    // likewise: as they were stored

	mu       sync.Mutex
	shards   []*shard // written by the holder of the token, who reads without mu
	view     *view
	calendar *civil.Calendar
	version  uint64           // how often anything has changed
	polls    polls            // that have begun and that have ended
	dirty    map[string]int32 // by segment: first day that changed since TakeChanged
	causes   causes
	scores   *Scores // nil: nobody has stored any
}

const defaultSegmentCap = 100

// NewReader returns a reader that has read nothing yet.
func NewReader(s Store, o Options) *Reader {
	if o.SegmentCap == 0 {
		o.SegmentCap = defaultSegmentCap
	}
	r := &Reader{store: s, opts: o, polling: make(chan struct{}, 1), calendar: civil.NewCalendar(o.Location), dirty: map[string]int32{}, causes: newCauses(), mostFrozen: maxFrozen, mostSums: maxSums}
	r.view = r.newView(nil)
	return r
}

func (r *Reader) newView(shards []*shard) *view {
	return &view{sums: map[string]*sum{}, shards: shards, cap: r.opts.SegmentCap, most: r.mostSums, frozen: map[frozenDay]*frozenSum{}}
}

// take applies what was read of a shard.
func (r *Reader) take(i int, v store.View) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.shards[i]
	if v.Tenure.Owner != s.tenure.Owner || v.Head.FirstDay < s.head.FirstDay {
		// Another owner may have taken over after a loss of commits, and what was
		// frozen then may be frozen anew.
		clear(r.view.frozen)
	}
	r.view.groups = nil
	r.version++
	if err := s.apply(v, r.view, r.touched); err != nil {
		r.start()
		return fmt.Errorf("add up shard %d: %w", i, err)
	}
	r.causes.take(i, v)
	return nil
}

// reset starts with n shards of which nothing is known.
func (r *Reader) reset(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.shards = make([]*shard, n)
	for i := range r.shards {
		r.shards[i] = newShard()
	}
	r.view = r.newView(r.shards)
}

// start forgets all rows; the marks that show a loss of commits stay.
func (r *Reader) start() {
	for i, s := range r.shards {
		r.shards[i] = newShard()
		r.shards[i].marks = s.marks
	}
	r.view = r.newView(r.shards)
}

func (r *Reader) touched(segment string, day int32) {
	if first, ok := r.dirty[segment]; !ok || day < first {
		r.dirty[segment] = day
	}
}

// Ready says whether the figures are those of the whole company. While any shard
// is catching up, rolled back or unborn they are not: a company that is half
// read must never look like churn. The reason is a sentence.
func (r *Reader) Ready() (ok bool, reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.shards) == 0 {
		return false, "nothing is stored yet: no tidemark serve has read the input topics with this namespace"
	}
	var waiting []string
	for i, s := range r.shards {
		if why := s.unready(); why != "" {
			waiting = append(waiting, fmt.Sprintf("shard %d %s", i, why))
		}
	}
	switch len(waiting) {
	case 0:
		return true, ""
	case 1:
		return false, waiting[0]
	}
	return false, fmt.Sprintf("%s, and %d more shards of %d are not ready", waiting[0], len(waiting)-1, len(r.shards))
}

// Watermark is the lowest watermark of any shard, Unix ms; 0 where there is
// none. A shard that is at the end of its log and never had an event has none
// and holds nobody up.
func (r *Reader) Watermark() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.watermark()
}

func (r *Reader) watermark() int64 {
	var lowest int64
	for _, s := range r.shards {
		if s.head.Watermark == 0 && s.unready() == "" {
			continue
		}
		if s.head.Watermark == 0 {
			return 0
		}
		if lowest == 0 || s.head.Watermark < lowest {
			lowest = s.head.Watermark
		}
	}
	return lowest
}

// FirstDay is the first day that is not frozen in every shard: figures from it
// on may still be revised. It is 0 where nothing was read.
func (r *Reader) FirstDay() int32 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.firstDay()
}

func (r *Reader) firstDay() int32 {
	var first int32
	for _, s := range r.shards {
		if s.head.Watermark != 0 && (first == 0 || s.head.FirstDay < first) {
			first = s.head.FirstDay
		}
	}
	return first
}

// RunningDay is the day of the watermark; ok is false where there is none.
func (r *Reader) RunningDay() (day int32, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.watermark()
	return r.calendar.Day(w), w != 0
}

// Segments lists the segments there are, "other" of each dimension in place of
// those beyond the cap, sorted. The whole, "", is not among them.
func (r *Reader) Segments() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.group()
	return slices.Clone(r.view.listed)
}

// TakeChanged returns, for each segment whose rows have changed since the last
// call, the first day whose levels may be others now. A segment that is part of
// "other" stands for it as well.
func (r *Reader) TakeChanged() map[string]int32 {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.dirty
	r.dirty = map[string]int32{}
	return out
}

func (r *Reader) group() {
	if r.view.groups == nil {
		r.view.group(r.calendar.Day(r.watermark()))
	}
}

// Highest is the highest event time that any shard has seen, Unix ms. ok is
// false while any shard has anything left to read: where one is still behind, the
// events to come would be late by the time that the others have told it.
func (r *Reader) Highest() (ms int64, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.shards {
		if s.newest.reading() || !s.newest.head.AtEnd {
			return 0, false
		}
		for _, o := range s.newest.head.Offsets {
			ms = max(ms, o.Watermark)
		}
	}
	return ms, len(r.shards) > 0
}
