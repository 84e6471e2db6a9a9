package ingest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"github.com/tidemark-io/tidemark/event"
)

// Batch is the memory of some decoded events, which is used again once it is
// freed.
type Batch struct {
	events  []event.Event
	lines   []line // instead of events, on the way to the sorter
	bytes   []byte // what events or lines point into
	decoder *event.Decoder
	free    chan<- *Batch
	decoded chan struct{} // with lines: says once that they are decoded
}

// Free gives the memory back. Events that lie in it must not be used any more.
func (b *Batch) Free() {
	b.events, b.lines, b.bytes = b.events[:0], b.lines[:0], b.bytes[:0]
	b.decoder.Reset()
	b.free <- b // has room for all batches of its stream
}

const (
	batchEvents    = 1024
	eventBytes     = 256 // room for each in a batch
	manyFiles      = 8   // from so many on each has smaller batches
	fewEvents      = 256 // of these
	batchesOfAFile = 4   // being filled, being read, and with those who apply them
	maxStreams     = 64  // files that are read at once
)

// ErrDisorder says that the events of a file are not in the order of time, or
// that there are more files than can be read at once: Read sorts them.
var ErrDisorder = errors.New("the events are not in the order of time")

// Flow reads files whose events are in the order of time, all at once, and
// gives their events decoded and merged by time. Reading, unpacking and decoding
// go ahead of who takes them, by a bounded number of batches.
type Flow struct {
	cancel  context.CancelFunc
	streams []*fileStream
	done    atomic.Int64 // bytes read
	total   int64
	current *fileStream // whose event is the next, nil: to be found
	limit   int64       // event time up to which it stays so
}

// fileStream is one file on its way.
type fileStream struct {
	name     string
	reader   *reader
	batches  chan *Batch
	free     chan *Batch
	err      error // after batches was closed
	batch    *Batch
	pos      int
	size     int // events of a batch
	disorder int64
	filling  *Batch
	latest   int64
}

// Open begins to read files. Events may lie behind the latest of their file by
// the disorder, in ms. The caller closes the flow, and sees its summary once it
// is at its end.
func Open(ctx context.Context, files []string, o Options, disorder int64) (*Flow, error) {
	if o.Location == nil {
		o.Location = time.UTC
	}
	if err := distinctNames(files); err != nil {
		return nil, err
	}
	if len(files) > maxStreams {
		return nil, ErrDisorder
	}
	ctx, cancel := context.WithCancel(ctx)
	f := &Flow{cancel: cancel, total: totalSize(files)}
	o.Progress = nil
	for _, name := range files {
		s := newStream(len(files))
		s.disorder = disorder
		s.reader = &reader{ctx: ctx, options: o, sink: s, bad: &BadRows{}, summary: newSummary(), read: &f.done}
		s.name = name
		f.streams = append(f.streams, s)
		go s.run(func() error { return s.reader.file(name) })
	}
	return f, nil
}

func newStream(files int) *fileStream {
	s := &fileStream{batches: make(chan *Batch, batchesOfAFile), free: make(chan *Batch, batchesOfAFile), size: batchEvents, latest: math.MinInt64 / 2}
	if files >= manyFiles {
		s.size = fewEvents
	}
	return s
}

// run fills batches until its file is at its end.
func (s *fileStream) run(read func() error) {
	defer close(s.batches)
	for range batchesOfAFile {
		s.free <- nil // made when needed
	}
	if s.err = read(); s.err == nil && s.filling != nil && len(s.filling.events) > 0 {
		s.err = s.send()
	}
	if s.err == nil && s.reader.bad.Count > 0 {
		s.err = s.reader.bad
	}
}

// slot is sink's.
func (s *fileStream) slot(value []byte) (*event.Decoder, *event.Event, []byte, error) {
	if b := s.filling; b != nil && (len(b.events) == s.size || len(b.bytes)+len(value) > s.size*eventBytes && len(b.events) > 0) {
		if err := s.send(); err != nil {
			return nil, nil, nil, err
		}
	}
	if s.filling == nil {
		if err := s.begin(); err != nil {
			return nil, nil, nil, err
		}
	}
	b := s.filling
	if len(b.events) == 0 { // and so nothing points into what unwanted lines have left
		b.bytes = b.bytes[:0]
		b.decoder.Reset()
	}
	// Should this move the memory, earlier events keep what they point into.
	at := len(b.bytes)
	b.bytes = append(b.bytes, value...)
	n := len(b.events)
	return b.decoder, &b.events[:n+1][0:][n], b.bytes[at:len(b.bytes):len(b.bytes)], nil
}

// keep is sink's.
func (s *fileStream) keep(ev *event.Event, _ []byte) error {
	if ev.Time < s.latest-s.disorder {
		return ErrDisorder
	}
	s.latest = max(s.latest, ev.Time)
	if ev.Kind == event.Signal {
		b := s.filling
		at := len(b.bytes)
		if b.bytes = appendRef(b.bytes, &ev.Signal, ev.Source, ev.ID); len(b.bytes) > at {
			ev.Signal.Ref = b.bytes[at:len(b.bytes):len(b.bytes)]
		}
	}
	s.filling.events = s.filling.events[:len(s.filling.events)+1]
	return nil
}

func (s *fileStream) begin() error {
	select {
	case s.filling = <-s.free:
	case <-s.reader.ctx.Done():
		return s.reader.ctx.Err()
	}
	if s.filling == nil {
		s.filling = &Batch{events: make([]event.Event, 0, s.size), bytes: make([]byte, 0, s.size*eventBytes),
			decoder: event.NewDecoder(s.reader.options.Decoder), free: s.free}
	}
	return nil
}

func (s *fileStream) send() error {
	select {
	case s.batches <- s.filling:
		s.filling = nil
		return nil
	case <-s.reader.ctx.Done():
		return s.reader.ctx.Err()
	}
}

// Step visits the next events in the order of time, at most so many, and stops
// where a batch is used up. It returns that one, nil where none is, for the
// caller to free when nothing uses its events any more: those of this step or
// an earlier one. more is false at the end.
func (f *Flow) Step(most int, visit func(ev *event.Event)) (spent *Batch, more bool, err error) {
	for ; most > 0; most-- {
		if f.current == nil {
			if err := f.choose(); err != nil || f.current == nil {
				return nil, false, err
			}
		}
		s := f.current
		ev := &s.batch.events[s.pos]
		visit(ev)
		s.pos++
		if s.pos == len(s.batch.events) {
			spent, s.batch, f.current = s.batch, nil, nil
			return spent, true, nil
		}
		if s.batch.events[s.pos].Time > f.limit {
			f.current = nil
		}
	}
	return nil, true, nil
}

// choose finds the stream whose next event is the earliest, the first file's
// where several are; none at the end.
func (f *Flow) choose() error {
	f.current, f.limit = nil, math.MaxInt64
	for _, s := range f.streams {
		if s.batch == nil {
			var ok bool
			if s.batch, ok = <-s.batches; !ok {
				if s.err != nil {
					return s.err
				}
				continue
			}
			s.pos = 0
		}
		at := s.batch.events[s.pos].Time
		switch {
		case f.current == nil:
			f.current = s
		case at < f.current.batch.events[f.current.pos].Time:
			f.limit = min(f.limit, f.current.batch.events[f.current.pos].Time)
			f.current = s
		default:
			f.limit = min(f.limit, at)
		}
	}
	return nil
}

// Progress returns how many bytes of how many have been read; the total is 0
// where it is not known.
func (f *Flow) Progress() (read, total int64) { return f.done.Load(), f.total }

// Summary is what the files had. It may be called once Step has reached the end.
func (f *Flow) Summary() *Summary {
	all := newSummary()
	for _, s := range f.streams {
		all.merge(&s.reader.summary)
	}
	return &all
}

// Close ends the reading and waits until it has ended, but for standard input,
// whose next bytes may never come.
func (f *Flow) Close() {
	f.cancel()
	for _, s := range f.streams {
		if s.name == "-" {
			continue
		}
		for range s.batches { // until run closes it
		}
	}
}

// Flow gives the sorted events decoded, as Open does for files that are in order.
func (s *Sorted) Flow(ctx context.Context, o Options) *Flow {
	ctx, cancel := context.WithCancel(ctx)
	to := newStream(1)
	to.disorder = math.MaxInt64 / 4
	to.reader = &reader{ctx: ctx, options: o, sink: to, bad: &BadRows{}, summary: newSummary()}
	f := &Flow{cancel: cancel, streams: []*fileStream{to}}
	go to.run(func() error {
		return s.Each(func(m *Message) error {
			decoder, ev, value, err := to.slot(m.Value)
			if err != nil {
				return err
			}
			if reason := decoder.Decode(ev, value, nil); reason != "" {
				return fmt.Errorf("BUG: an event that was read is refused the second time: %s", reason)
			}
			if len(to.filling.events)%batchEvents == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			return to.keep(ev, value)
		})
	})
	return f
}
