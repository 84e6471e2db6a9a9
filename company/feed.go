package company

import (
	"context"
	"fmt"
	"slices"

	"github.com/tidemark-io/tidemark/alert"
	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/kpi"
	names "github.com/tidemark-io/tidemark/segment"
	"github.com/tidemark-io/tidemark/store"
)

const (
	// pastInterval is how often past days are said, ms: corrections of late
	// events come in bursts.
	pastInterval = 60_000
	// feedBatch bounds what one commit stores and one produce sends: not much
	// more, since what is left of a day is not put off.
	feedBatch = 2000
	// feedDays bounds the days of segments that one call looks at, so that it
	// takes some milliseconds whatever there is to say.
	feedDays = 40
)

// Feed decides which KPI changes are due: the running day at most every
// interval, past days once a minute (every sixty intervals where that is less),
// and after a take-over, once the reader is ready, every day that is not frozen.
// One goroutine owns it.
type Feed struct {
	reader   *Reader
	calendar *civil.Calendar
	interval int64 // ms
	retain   int32 // days
	said     *sayings
	running  []segmentDay // due: the running day, and what has ended since it was last due
	past     []segmentDay // due: days before
	calls    uint64

	whole       bool // everything that is not frozen is still to be said
	nextRunning int64
	nextPast    int64
	day         int32    // running day when it was last due
	listed      []string // at that time
	first       int32    // first day that is not frozen, when past days were last due
	pastListed  []string // what was listed at that time
	expire      bool     // days have been frozen since old was last listed
	old         []place  // days before oldFirst that are to be thinned out, or dropped
	oldFirst    int32

	// Causes up to these have been told: of the running day, and of days before.
	toldRunning, toldPast uint64
}

// FeedOptions say where a feed goes on.
type FeedOptions struct {
	Interval int64    // ms between two sayings of the running day
	Retain   int32    // days for which revised figures of frozen days are kept
	Stored   []string // fields of what was said, as they were at the take-over
	Read     ReadSaid // what this tenure has committed of them
}

// segmentDay is all figures of a segment for one day.
type segmentDay struct {
	segment string
	day     int32
	since   uint64 // causes after it are news
	again   bool   // what has not changed is said once more
}

// Batch is what one commit stores and what is sent after it.
type Batch struct {
	Changes []Change
	Fields  []store.Field // what was said, packed: with the changes, and without what is forgotten
}

// NewFeed returns a feed that goes on where what is stored ends.
func NewFeed(r *Reader, o FeedOptions) (*Feed, error) {
	said, err := newSayings(o.Stored, o.Read)
	if err != nil {
		return nil, err
	}
	return &Feed{reader: r, calendar: civil.NewCalendar(r.opts.Location), interval: o.Interval, retain: o.Retain, said: said, whole: true}, nil
}

// Next returns what is due at now, Unix ms of a clock that may be set back: nothing
// while the reader is not ready. Whoever calls it commits what it
// returns, then sends it; if either fails, the feed is dropped with the shard's
// memory. After an error nothing has changed, and it may be called again. Where
// there is much, a part is returned and the rest with the next call.
func (f *Feed) Next(ctx context.Context, now int64) (Batch, error) {
	if ok, _ := f.reader.Ready(); !ok {
		return Batch{}, nil
	}
	if err := f.said.begin(ctx); err != nil {
		return Batch{}, err
	}
	f.fill(now)
	changes, err := f.say(ctx)
	if err == nil {
		err = f.forget(ctx)
	}
	fields := f.said.take()
	if err != nil && len(fields) == 0 && len(changes) == 0 {
		return Batch{}, err
	}
	return Batch{changes, fields}, nil // an error is met again, with nothing in hand
}

// pastTurn: every fourth call begins with past days. With very many segments the
// running day is due again before it was said of all.
const pastTurn = 4

// turn is what one call looks at: the running day before past ones, or the other way
// round, and the queues that it is at the heads of.
func (f *Feed) turn() (some [2][]segmentDay, queues [2]*[]segmentDay) {
	queues = [2]*[]segmentDay{&f.running, &f.past}
	if f.calls++; f.calls%pastTurn == 0 {
		queues = [2]*[]segmentDay{&f.past, &f.running}
	}
	left := feedDays
	for i, queue := range queues {
		some[i] = (*queue)[:min(left, len(*queue))]
		left -= len(some[i])
	}
	return some, queues
}

// say returns what is to be said of the first segments and days of the queues.
func (f *Feed) say(ctx context.Context) (changes []Change, err error) {
	some, queues := f.turn()
	if err := f.look(ctx, slices.Concat(some[:]...)); err != nil {
		return nil, err
	}
	for i, queue := range queues {
		for _, q := range some[i] {
			if len(changes) >= feedBatch {
				return changes, nil
			}
			more, err := f.changes(ctx, q)
			if err != nil {
				return changes, err
			}
			*queue = (*queue)[1:]
			for _, c := range more {
				f.said.say(c.Figure, c.Sent)
			}
			changes = append(changes, more...)
		}
	}
	return changes, nil
}

// changes are what is to be said of a segment and day: nothing where the segment was
// switched off since it was queued.
func (f *Feed) changes(ctx context.Context, q segmentDay) ([]Change, error) {
	if f.reader.SwitchedOff(q.segment) {
		return nil, nil
	}
	figures, err := f.figures(ctx, q)
	if err != nil {
		return nil, err
	}
	return Changes(f.said.last, figures, q.again, f.why(q)), nil
}

// look brings into memory what was said of segments and days, and of the days that
// figures of the running day are keyed by, in one round trip.
func (f *Feed) look(ctx context.Context, queue []segmentDay) error {
	if len(queue) == 0 {
		return nil
	}
	var places []place
	err := f.reader.with(ctx, nil, 0, 0, func(s *kpi.Source) {
		running := s.RunningDay()
		days := []int32{running - 1} // of scores that were read before midnight
		for _, k := range kpi.All() {
			for _, w := range k.Windows {
				days = append(days, s.Days(w, running, running)...)
			}
		}
		slices.Sort(days)
		days = slices.Compact(days)
		for _, q := range queue {
			places = append(places, place{q.segment, q.day})
			if q.day != running {
				continue
			}
			for _, d := range days {
				places = append(places, place{q.segment, d})
			}
		}
	})
	if err != nil {
		return err
	}
	return f.said.look(ctx, places)
}

// figures are all that are due of a segment and day, and those of buckets that
// have none any more. Of a segment that is not listed any more only those that
// readers know. What was said of them is in memory then.
func (f *Feed) figures(ctx context.Context, q segmentDay) (out []kpi.Figure, err error) {
	places := []place{{q.segment, q.day}}
	for range withAttempts {
		if err := f.said.look(ctx, places); err != nil {
			return nil, err
		}
		known := false
		err := f.reader.with(ctx, []string{q.segment}, q.day, q.day, func(s *kpi.Source) {
			out = appendDay(nil, s, q.segment, q.day)
			bucketed := bucketed(s, q)
			places = f.said.places(out, bucketed)
			if known = f.said.opened(places); known {
				out = f.said.withEmptied(out, s, q, bucketed)
			}
		})
		if err != nil {
			return nil, fmt.Errorf("figures of segment %q: %w", q.segment, err)
		}
		if !known {
			continue // a calendar window's, keyed by another day
		}
		if q.segment != "" && !slices.Contains(f.listed, q.segment) {
			out = slices.DeleteFunc(out, func(x kpi.Figure) bool { _, known := f.said.last(x); return !known })
		}
		return out, nil
	}
	return nil, fmt.Errorf("figures of segment %q: the day ended while they were computed; try again", q.segment)
}

// why names the latest message since the figures of q were last looked at, or
// the due time where time alone has changed them. When everything is said after
// a take-over, what cannot be told is left out.
func (f *Feed) why(q segmentDay) Why {
	return func(x kpi.Figure, last Sent) alert.Cause {
		var message alert.Cause
		if known := last.Seq > 0; known || !q.again {
			k, _ := kpi.Lookup(x.KPI)
			message = f.reader.latestCause(k, q.segment, q.day, q.since)
		}
		day, err := civil.Parse(x.Day)
		switch known := last.Seq > 0; {
		case err == nil && known && last.same(x) && x.Complete:
			return alert.Cause{Timer: alert.Moment(f.calendar.Start(day + 1))}
		case q.again && !known:
			return alert.Cause{} // a history
		case message != alert.Cause{} || q.again:
			return message
		case err == nil && !known && day == q.day:
			return alert.Cause{Timer: alert.Moment(f.calendar.Start(day))}
		}
		return alert.Cause{Timer: x.Watermark}
	}
}

// fill queues the days whose turn it is: the running one as soon as it is due, and
// past ones once those that were due before have been said.
func (f *Feed) fill(now int64) {
	running, past := now+f.interval, now+min(pastInterval, 60*f.interval)
	f.nextRunning, f.nextPast = min(f.nextRunning, running), min(f.nextPast, past) // the clock was set back
	day, ok := f.reader.RunningDay()
	if !ok || now < f.nextRunning || len(f.running) > 0 {
		return
	}
	if f.whole {
		f.day = day
	}
	listed := append([]string{""}, f.reader.Segments()...)
	segments := slices.DeleteFunc(f.said.with(listed), f.reader.SwitchedOff) // of which the last values said remain
	first := f.reader.FirstDay()
	told := f.reader.causesSoFar()
	ended := min(day, f.day) // what has ended since has become complete
	for _, s := range segments {
		for d := ended; d <= day; d++ {
			f.running = append(f.running, segmentDay{s, d, f.toldRunning, f.whole})
		}
	}
	// A day that froze must not take a change with it.
	if f.whole || len(f.past) == 0 && (now >= f.nextPast || first != f.first) {
		from := f.from(segments, listed, ended, first)
		for _, s := range segments {
			for d := from[s]; d < ended; d++ {
				f.past = append(f.past, segmentDay{s, d, f.toldPast, f.whole})
			}
		}
		f.expire = f.expire || first != f.first
		f.nextPast, f.toldPast, f.first, f.pastListed = past, told, first, listed
	}
	f.nextRunning, f.toldRunning, f.day, f.listed, f.whole = running, told, day, listed, false
}

// from says from which day on each segment is to be said: at first all that is not
// frozen, then the first that has changed since past days were last due.
func (f *Feed) from(segments, listed []string, ended, first int32) map[string]int32 {
	out, changed := map[string]int32{}, map[string]int32{}
	dirty := f.reader.TakeChanged()
	if f.whole {
		// A feed before may not have said as they are now the figures of frozen days
		// that it did not get to forget.
		earliest := f.said.unthinned(first)
		for _, s := range segments {
			out[s] = earliest
		}
		return out
	}
	for segment, d := range dirty {
		for _, name := range []string{segment, listedName(listed, segment)} {
			if earliest, ok := changed[name]; !ok || d < earliest {
				changed[name] = d
			}
		}
	}
	regrouped := !slices.Equal(listed, f.pastListed)
	for _, s := range segments {
		from := ended
		if d, ok := changed[s]; ok {
			from = min(from, d)
		}
		if regrouped && (isOther(s) || !slices.Contains(f.pastListed, s)) {
			from = first
		}
		out[s] = max(from, min(first, f.first))
	}
	return out
}

// listedName is the name under which a stored segment is listed: its own, or
// "other" of its dimension.
func listedName(listed []string, segment string) string {
	if segment == "" || slices.Contains(listed, segment) {
		return segment
	}
	return names.OtherOf(names.Dimension(segment))
}
