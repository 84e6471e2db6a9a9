package company

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/kpi"
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
// interval, past days once a minute, and after a take-over, once the reader is
// ready, every day that is not frozen. One goroutine owns it.
type Feed struct {
	reader   *Reader
	interval int64 // ms
	retain   int32 // days
	sent     map[string]Sent
	said     map[string]map[string]bool // buckets by the key of their figures without it
	queue    []segmentDay
	again    bool     // the queue holds what is to be said once more
	drop     []string // stored figures that are to be deleted

	whole       bool // everything that is not frozen is still to be said
	nextRunning int64
	nextPast    int64
	day         int32 // running day when it was last said
	first       int32 // first day that is not frozen, at that time
	listed      []string
}

// segmentDay is all figures of a segment for one day.
type segmentDay struct {
	segment string
	day     int32
}

// Batch is what one commit stores and what is sent after it.
type Batch struct {
	Changes []Change
	Drop    []string // keys whose stored Sent is deleted
}

// NewFeed returns a feed that goes on where what is stored ends. Interval is in
// ms; revisions of frozen days are kept for retain days.
func NewFeed(r *Reader, interval int64, retain int32, stored map[string][]byte) (*Feed, error) {
	f := &Feed{reader: r, interval: interval, retain: retain, sent: make(map[string]Sent, len(stored)), said: map[string]map[string]bool{}, whole: true}
	for key, b := range stored {
		s, err := ParseSent(b)
		if err != nil {
			return nil, fmt.Errorf("figure %s: %w", key, err)
		}
		f.sent[key] = s
		if base, bucket, ok := splitBucket(key); ok {
			f.say(base, bucket)
		}
	}
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
		f.queue = f.queue[1:]
		changes := Changes(f.sent, figures, f.again)
		for _, c := range changes {
			f.sent[c.Key] = c.Sent
			if base, bucket, ok := splitBucket(c.Key); ok {
				f.say(base, bucket)
			}
		}
		b.Changes = append(b.Changes, changes...)
	}
	n := min(len(f.drop), feedBatch)
	b.Drop, f.drop = f.drop[:n], f.drop[n:]
	return b, nil
}

func (f *Feed) figures(ctx context.Context, q segmentDay) (out []kpi.Figure, err error) {
	err = f.reader.with(ctx, []string{q.segment}, q.day, q.day, func(s *kpi.Source) {
		out = f.withEmptied(appendDay(nil, s, q.segment, q.day), s, q)
	})
	if err != nil {
		return nil, fmt.Errorf("figures of segment %q: %w", q.segment, err)
	}
	return out, nil
}

// withEmptied adds the figures of buckets that were said once and are empty now:
// readers would keep the old value.
func (f *Feed) withEmptied(figures []kpi.Figure, s *kpi.Source, q segmentDay) []kpi.Figure {
	there := map[string]bool{}
	for _, x := range figures {
		if x.Bucket != "" {
			there[Key(x)] = true
		}
	}
	for _, k := range kpi.All() {
		if !k.Bucketed() {
			continue
		}
		for _, w := range k.Windows {
			if !due(s, k, w, q.segment, q.day) {
				continue
			}
			x := s.Bucket(k, w, q.segment, "", q.day)
			for _, bucket := range slices.Sorted(maps.Keys(f.said[Key(x)])) {
				if x = s.Bucket(k, w, q.segment, bucket, q.day); !there[Key(x)] {
					figures = append(figures, x)
				}
			}
		}
	}
	return figures
}

func (f *Feed) say(base, bucket string) {
	if f.said[base] == nil {
		f.said[base] = map[string]bool{}
	}
	f.said[base][bucket] = true
}

// fill queues the days whose turn it is.
func (f *Feed) fill(now int64) {
	f.again = false
	day, ok := f.reader.RunningDay()
	if !ok || now < f.nextRunning {
		return
	}
	segments := append([]string{""}, f.reader.Segments()...)
	first := f.reader.FirstDay()
	from := map[string]int32{}
	switch {
	case f.whole:
		for _, s := range segments {
			from[s] = first
		}
		f.reader.TakeChanged()
		f.whole, f.again, f.nextPast = false, true, now+pastInterval
	case now >= f.nextPast:
		from = f.past(segments, day, first)
		f.nextPast = now + pastInterval
	default:
		for _, s := range segments {
			from[s] = min(day, f.day) // a day that has ended has become complete
		}
	}
	for _, s := range segments {
		for d := from[s]; d <= day; d++ {
			f.queue = append(f.queue, segmentDay{s, d})
		}
	}
	if first != f.first {
		f.drop = f.expired(first)
	}
	f.nextRunning, f.day, f.first, f.listed = now+f.interval, day, first, segments
}

// past says from which day on each segment is to be said: the first that has
// changed, or that the running day was when it was last said.
func (f *Feed) past(segments []string, day, first int32) map[string]int32 {
	changed := map[string]int32{}
	for segment, d := range f.reader.TakeChanged() {
		name := listedName(segments, segment)
		if earliest, ok := changed[name]; !ok || d < earliest {
			changed[name] = d
		}
	}
	regrouped := !slices.Equal(segments, f.listed)
	out := map[string]int32{}
	for _, s := range segments {
		from := min(day, f.day)
		if d, ok := changed[s]; ok {
			from = min(from, d)
		}
		if regrouped && (strings.HasSuffix(s, "="+Other) || !slices.Contains(f.listed, s)) {
			from = first
		}
		out[s] = max(from, first)
	}
	return out
}

// listedName is the name under which a stored segment is listed: its own, or
// "other" of its dimension.
func listedName(listed []string, segment string) string {
	if segment == "" || slices.Contains(listed, segment) {
		return segment
	}
	dimension, _, _ := strings.Cut(segment, "=")
	return dimension + "=" + Other
}

// expired lists stored figures of frozen days: those never revised, and those
// older than what is kept. They are forgotten here.
func (f *Feed) expired(first int32) []string {
	var out []string
	for key, s := range f.sent {
		day, err := civil.Parse(key[strings.LastIndexByte(key, '|')+1:])
		if err == nil && (day >= first || s.Revision > 0 && day >= first-f.retain) {
			continue
		}
		out = append(out, key)
		delete(f.sent, key)
		if base, _, ok := splitBucket(key); ok {
			delete(f.said, base)
		}
	}
	slices.Sort(out)
	return out
}
