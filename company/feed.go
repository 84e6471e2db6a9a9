package company

import (
	"context"
	"fmt"
	"slices"

	"github.com/tidemark-io/tidemark/alert"
	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/kpi"
	names "github.com/tidemark-io/tidemark/segment"
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
	sent     map[string]Sent
	said     index // what sent has, by segment and by bucket
	queue    []segmentDay
	again    bool     // the queue holds what is to be said once more
	drop     []string // stored figures that are to be deleted

	whole       bool // everything that is not frozen is still to be said
	nextRunning int64
	nextPast    int64
	day         int32 // running day when it was last said
	first       int32 // first day that is not frozen, at that time
	expire      bool  // days have been frozen since the queue was last empty
	listed      []string

	// Causes up to these have been told: of the running day, and of days before.
	toldRunning, toldPast uint64
}

// segmentDay is all figures of a segment for one day.
type segmentDay struct {
	segment string
	day     int32
	since   uint64 // causes after it are news
}

// Batch is what one commit stores and what is sent after it.
type Batch struct {
	Changes []Change
	Drop    []string // keys whose stored Sent is deleted
}

// NewFeed returns a feed that goes on where what is stored ends. Interval is in
// ms; revisions of frozen days are kept for retain days.
func NewFeed(r *Reader, interval int64, retain int32, stored map[string][]byte) (*Feed, error) {
	f := &Feed{
		reader: r, calendar: civil.NewCalendar(r.opts.Location), interval: interval, retain: retain,
		sent: make(map[string]Sent, len(stored)), whole: true,
	}
	for key, b := range stored {
		s, err := ParseSent(b)
		if err != nil {
			return nil, fmt.Errorf("figure %s: %w", key, err)
		}
		f.sent[key] = s
	}
	f.said = newIndex(f.sent)
	return f, nil
}

// Next returns what is due at now, Unix ms of any clock that does not run back:
// nothing while the reader is not ready. Whoever calls it commits what it
// returns, then sends it; if either fails, the feed is dropped with the shard's
// memory. Where there is much, a part is returned and the rest with the next
// call.
func (f *Feed) Next(ctx context.Context, now int64) (Batch, error) {
	if ok, _ := f.reader.Ready(); !ok {
		return Batch{}, nil
	}
	if len(f.queue) == 0 {
		f.fill(now)
	}
	var b Batch
	for range feedDays {
		if len(f.queue) == 0 || len(b.Changes) >= feedBatch {
			break
		}
		figures, err := f.figures(ctx, f.queue[0])
		if err != nil {
			return Batch{}, err
		}
		changes := Changes(f.sent, figures, f.again, f.why(f.queue[0]))
		f.queue = f.queue[1:]
		for _, c := range changes {
			f.sent[c.Key] = c.Sent
			f.said.add(c.Key)
		}
		b.Changes = append(b.Changes, changes...)
	}
	if f.expire && len(f.queue) == 0 { // not before: the day that froze may have changed last
		f.drop, f.expire = append(f.drop, f.expired(f.first)...), false
	}
	n := min(len(f.drop), feedBatch)
	b.Drop, f.drop = f.drop[:n], f.drop[n:]
	return b, nil
}

// figures are all that are due of a segment and day, and those of buckets that
// have none any more. Of a segment that is not listed any more only those that
// readers know.
func (f *Feed) figures(ctx context.Context, q segmentDay) (out []kpi.Figure, err error) {
	err = f.reader.with(ctx, []string{q.segment}, q.day, q.day, func(s *kpi.Source) {
		out = f.said.withEmptied(appendDay(nil, s, q.segment, q.day), s, q)
	})
	if err != nil {
		return nil, fmt.Errorf("figures of segment %q: %w", q.segment, err)
	}
	if q.segment != "" && !slices.Contains(f.listed, q.segment) {
		out = slices.DeleteFunc(out, func(x kpi.Figure) bool { _, known := f.sent[Key(x)]; return !known })
	}
	return out, nil
}

// why names the latest message since the figures of q were last looked at, or
// the due time where time alone has changed them. When everything is said after
// a take-over, what cannot be told is left out.
func (f *Feed) why(q segmentDay) Why {
	return func(x kpi.Figure, last Sent) alert.Cause {
		var message alert.Cause
		if known := last.Seq > 0; known || !f.again {
			k, _ := kpi.Lookup(x.KPI)
			message = f.reader.latestCause(k, q.segment, q.day, q.since)
		}
		day, err := civil.Parse(x.Day)
		switch known := last.Seq > 0; {
		case err == nil && known && last.same(x) && x.Complete:
			return alert.Cause{Timer: alert.Moment(f.calendar.Start(day + 1))}
		case f.again && !known:
			return alert.Cause{} // a history
		case message != alert.Cause{} || f.again:
			return message
		case err == nil && !known && day == q.day:
			return alert.Cause{Timer: alert.Moment(f.calendar.Start(day))}
		}
		return alert.Cause{Timer: x.Watermark}
	}
}

// fill queues the days whose turn it is.
func (f *Feed) fill(now int64) {
	f.again = false
	day, ok := f.reader.RunningDay()
	if !ok || now < f.nextRunning {
		return
	}
	listed := append([]string{""}, f.reader.Segments()...)
	segments := f.said.with(listed)
	first := f.reader.FirstDay()
	from := map[string]int32{}
	told := f.reader.causesSoFar()
	past := false
	switch {
	case f.whole:
		earliest := f.unchecked(first)
		for _, s := range segments {
			from[s] = earliest
		}
		f.reader.TakeChanged()
		f.whole, f.again, past = false, true, true
	case now >= f.nextPast || first != f.first: // a day that froze must not take a change with it
		from = f.past(segments, listed, day, first)
		past = true
	default:
		for _, s := range segments {
			from[s] = min(day, f.day) // a day that has ended has become complete
		}
	}
	for _, s := range segments {
		for d := from[s]; d <= day; d++ {
			q := segmentDay{s, d, f.toldPast}
			if d >= min(day, f.day) {
				q.since = f.toldRunning
			}
			f.queue = append(f.queue, q)
		}
	}
	if past {
		f.nextPast, f.toldPast = now+min(pastInterval, 60*f.interval), told
	}
	f.expire = f.expire || first != f.first
	f.toldRunning = told
	f.nextRunning, f.day, f.first, f.listed = now+f.interval, day, first, listed
}

// unchecked is the first day whose figures a feed before may not have said as
// they are now: it deletes what is stored of a frozen day once it has.
func (f *Feed) unchecked(first int32) int32 {
	for key, s := range f.sent {
		if day, ok := dayOf(key); ok && s.Revision == 0 {
			first = min(first, day)
		}
	}
	return first
}

// past says from which day on each segment is to be said: the first that has
// changed, or that the running day was when it was last said.
func (f *Feed) past(segments, listed []string, day, first int32) map[string]int32 {
	changed := map[string]int32{}
	for segment, d := range f.reader.TakeChanged() {
		for _, name := range []string{segment, listedName(listed, segment)} {
			if earliest, ok := changed[name]; !ok || d < earliest {
				changed[name] = d
			}
		}
	}
	regrouped := !slices.Equal(listed, f.listed)
	out := map[string]int32{}
	for _, s := range segments {
		from := min(day, f.day)
		if d, ok := changed[s]; ok {
			from = min(from, d)
		}
		if regrouped && (isOther(s) || !slices.Contains(f.listed, s)) {
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

// expired lists stored figures of frozen days: those never revised, and those
// older than what is kept. They are forgotten here.
func (f *Feed) expired(first int32) []string {
	var out []string
	for key, s := range f.sent {
		day, ok := dayOf(key)
		if ok && (day >= first || s.Revision > 0 && day >= first-f.retain) {
			continue
		}
		out = append(out, key)
		delete(f.sent, key)
	}
	f.said = newIndex(f.sent)
	slices.Sort(out)
	return out
}
