package ingest

import (
	"errors"
	"runtime"

	"github.com/tidemark-io/tidemark/event"
)

const (
	maxDecoders = 8   // goroutines that decode the lines of a file
	batchLines  = 256 // of a batch on its way to the sorter
)

// line is one line of a batch, and what it was decoded to.
type line struct {
	number     int // in its file, from 1
	begin, end int // in the bytes of its batch

	Message
	eventType []byte // where it is none of ours
	reason    event.Reason
	err       error
}

// linesAhead reads the lines of a file and decodes them, a bounded number of
// batches ahead of who takes them, who sees them in the order of the file: ids,
// ties and what is said about wrong lines depend on it. One goroutine reads,
// several decode, each a batch at a time.
type linesAhead struct {
	order   chan *Batch // as they stand in the file, decoded or not yet
	work    chan *Batch // the same, for whichever goroutine decodes next
	free    chan *Batch
	done    chan struct{} // closed when nobody takes lines any more
	err     error         // after order was closed
	filling *Batch
}

// errNotTaken ends the reading of lines that nobody takes any more.
var errNotTaken = errors.New("the lines are not taken any more")

func decoders() int { return min(maxDecoders, runtime.GOMAXPROCS(0)) }

// freeBatches returns what is given to linesAhead for each file: room for the
// batches, which are made when needed. Each goroutine has one and one waits for
// each that decodes, so that no other queue needs a bound.
func freeBatches() chan *Batch {
	n := 2*decoders() + 2
	free := make(chan *Batch, n)
	for range n {
		free <- nil
	}
	return free
}

// newLinesAhead begins to read. Who takes the lines closes done.
func newLinesAhead(in *input, name string, free chan *Batch, o event.Options) *linesAhead {
	a := &linesAhead{order: make(chan *Batch, cap(free)), work: make(chan *Batch, cap(free)), free: free, done: make(chan struct{})}
	go a.run(in, name, o)
	for range decoders() {
		go a.decode()
	}
	return a
}

// run fills batches until the file is at its end. What was read before an error
// is handed over before it.
func (a *linesAhead) run(in *input, name string, o event.Options) {
	defer close(a.order)
	defer close(a.work)
	a.err = eachLine(in, name, func(number int, text []byte) error { return a.add(number, text, o) })
	if a.filling != nil {
		a.send()
	}
}

func (a *linesAhead) add(number int, text []byte, o event.Options) error {
	if b := a.filling; b != nil && (len(b.lines) == batchLines || len(b.bytes)+len(text) > batchLines*eventBytes) {
		a.send()
	}
	if a.filling == nil {
		select {
		case a.filling = <-a.free:
		case <-a.done:
			return errNotTaken
		}
		if a.filling == nil {
			a.filling = &Batch{decoder: event.NewDecoder(o), free: a.free, decoded: make(chan struct{}, 1)}
		}
	}
	b := a.filling
	begin := len(b.bytes)
	b.bytes = append(b.bytes, text...)
	b.lines = append(b.lines, line{number: number, begin: begin, end: len(b.bytes)})
	return nil
}

// send hands a batch over; both queues have room for all of them.
func (a *linesAhead) send() {
	a.order <- a.filling
	a.work <- a.filling
	a.filling = nil
}

// decode decodes batches until there are no more.
func (a *linesAhead) decode() {
	var ev event.Event // its memory is used again; what a line keeps lies in the batch
	for b := range a.work {
		for i := range b.lines {
			l := &b.lines[i]
			l.decode(b.decoder, &ev, b.bytes[l.begin:l.end:l.end])
		}
		b.decoded <- struct{}{}
	}
}

// decode decodes a line, and gives a signal a ref where it needs one.
func (l *line) decode(decoder *event.Decoder, ev *event.Event, text []byte) {
	l.read(decoder, ev, text)
	if l.reason != "" || ev.Kind != event.Signal {
		return
	}
	ref := appendRef(nil, &ev.Signal, ev.Source, ev.ID)
	if ref == nil {
		return
	}
	var value []byte
	if value, l.err = withRef(text, string(ref)); l.err == nil {
		l.read(decoder, ev, value)
	}
}

func (l *line) read(decoder *event.Decoder, ev *event.Event, value []byte) {
	l.Message, l.eventType, l.reason = Message{Value: value}, nil, event.TooLong
	if len(value) > maxValue {
		return
	}
	l.reason = decoder.Decode(ev, value, nil)
	l.Time, l.Kind, l.Customer, l.eventType = ev.Time, ev.Kind, ev.Customer, ev.Type
}

// sortLines gives the lines of a file to the sorter. It does not wait for the
// goroutines where it fails: the next bytes of standard input may never come.
func (r *reader) sortLines(in *input, name string, t *sorting) error {
	a := newLinesAhead(in, name, t.free, r.options.Decoder)
	defer close(a.done)
	for b := range a.order {
		<-b.decoded
		for i := range b.lines {
			if err := r.sortLine(name, &b.lines[i], t); err != nil {
				return err
			}
		}
		b.Free()
	}
	return a.err
}

func (r *reader) sortLine(name string, l *line, t *sorting) error {
	if err := r.row(); err != nil {
		return err
	}
	if l.err != nil {
		return l.err
	}
	reason, wanted := l.reason, false
	if reason == "" {
		reason, wanted = r.count(l.Kind, l.eventType, l.Time)
	}
	switch {
	case reason != "":
		return r.refusedLine(name, l.number, reason)
	case wanted:
		return t.sorter.add(l.Message)
	}
	return nil
}
