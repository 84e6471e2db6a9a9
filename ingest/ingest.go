// Package ingest reads events from files (CloudEvents as JSON Lines, or tables
// through a mapping), sorts them by event time in bounded memory, and puts them
// onto Kafka topics.
//
// Reading is apart from sending: every row of every file is read and checked
// before the first message goes out, so that nothing is half imported.
package ingest

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tidemark-io/tidemark/event"
)

// Message is one event on its way to a topic.
type Message struct {
	Time     int64 // event time, Unix milliseconds
	Kind     event.Kind
	Customer []byte // the record's key
	Value    []byte // a structured CloudEvent in JSON
}

// Options says how files are read.
type Options struct {
	Mappings []*Mapping     // of tables; none is needed for JSON Lines
	Decoder  event.Options  // what the events will be read with; its prefix is put before types
	Location *time.Location // the workspace's time zone: where a date without a time begins
	Latest   int64          // events after this moment (Unix ms) are refused; 0: none are
	Memory   int            // bytes to sort in; 0: 64 MiB. What doesn't fit goes to temporary files
	TempDir  string         // for these files; "": the system's
	Stdin    io.Reader      // what "-" reads
	// Progress is told how many bytes of how many have been read, now and then.
	Progress func(read, total int64)
	// DeadLetters: JSON Lines that the service would refuse are counted in the
	// summary, as it does, instead of being wrong rows. Rows of tables are wrong
	// in any case: with them it is the mapping that is to be corrected.
	DeadLetters bool
}

const (
	defaultMemory = 64 << 20
	// maxLine is the longest line or row, in bytes.
	maxLine = 1 << 20
	// maxValue is the longest event: a little less than Kafka takes unless told
	// otherwise, with the record around it.
	maxValue = 1_000_000
)

// FileSummary is what one file had.
type FileSummary struct {
	Name        string // as it was given
	Rows        int64
	Events      int64 // a row can give several, or none
	First, Last int64 // event times, Unix milliseconds; 0 without events
}

// Summary is what all files had.
type Summary struct {
	Files   []FileSummary
	Kinds   map[event.Kind]int64
	Ignored map[string]int64       // events of types that are none of ours, left out, by type
	Refused map[event.Reason]int64 // Options.DeadLetters: what the service would refuse
	Notes   []*RowError            // the first of these
}

func newSummary() Summary {
	return Summary{Kinds: map[event.Kind]int64{}, Ignored: map[string]int64{}, Refused: map[event.Reason]int64{}}
}

// merge adds what other files had.
func (s *Summary) merge(o *Summary) {
	s.Files = append(s.Files, o.Files...)
	for k, n := range o.Kinds {
		s.Kinds[k] += n
	}
	for name, n := range o.Ignored {
		s.Ignored[name] += n
	}
	for reason, n := range o.Refused {
		s.Refused[reason] += n
	}
	s.Notes = append(s.Notes, o.Notes[:min(len(o.Notes), shownRows-min(len(s.Notes), shownRows))]...)
}

// DeadLetters returns how many events the service would refuse.
func (s *Summary) DeadLetters() int64 {
	var n int64
	for _, c := range s.Refused {
		n += c
	}
	return n
}

// Events returns the number of events.
func (s *Summary) Events() int64 {
	var n int64
	for _, f := range s.Files {
		n += f.Events
	}
	return n
}

// Read reads, checks and sorts all files, "-" being standard input. The error
// is a *BadRows where rows are wrong. The caller closes what it gets.
func Read(ctx context.Context, files []string, o Options) (*Sorted, error) {
	if o.Location == nil {
		o.Location = time.UTC
	}
	if o.Memory == 0 {
		o.Memory = defaultMemory
	}
	if err := distinctNames(files); err != nil {
		return nil, err
	}
	t := &sorting{decoder: event.NewDecoder(o.Decoder), free: freeBatches(), sorter: &sorter{memory: o.Memory, dir: o.TempDir}}
	r := &reader{ctx: ctx, options: o, sink: t, bad: &BadRows{}, summary: newSummary(), read: new(atomic.Int64), total: totalSize(files)}
	for _, name := range files {
		if err := r.file(name); err != nil {
			t.sorter.discard()
			return nil, err
		}
	}
	if r.bad.Count > 0 {
		t.sorter.discard()
		return nil, r.bad
	}
	return t.sorter.finish(r.summary)
}

// sink is where a reader's events go.
type sink interface {
	// slot says where the next event is decoded to, by which decoder, from which
	// memory: value, or a copy of it.
	slot(value []byte) (*event.Decoder, *event.Event, []byte, error)
	// keep keeps the event that was decoded into the slot.
	keep(ev *event.Event, value []byte) error
}

// sorting is the sink of Read: of the rows of tables; lines come decoded (sortLines).
type sorting struct {
	decoder *event.Decoder
	event   event.Event
	free    chan *Batch // of lines, for one file after the other
	sorter  *sorter
}

func (t *sorting) slot(value []byte) (*event.Decoder, *event.Event, []byte, error) {
	t.decoder.Reset()
	return t.decoder, &t.event, value, nil
}

func (t *sorting) keep(ev *event.Event, value []byte) error {
	return t.sorter.add(Message{Time: ev.Time, Kind: ev.Kind, Customer: ev.Customer, Value: value})
}

// distinctNames refuses two files of the same base name: the ids of their rows
// would be the same.
func distinctNames(files []string) error {
	seen := map[string]string{}
	for _, f := range files {
		base := baseName(f)
		if other, ok := seen[base]; ok {
			return fmt.Errorf("%s and %s have the same name, and rows get their ids from it; rename one of them", other, f)
		}
		seen[base] = f
	}
	return nil
}

// baseName is a file's name in the ids of its rows: without its folder, and
// without .gz, so that packing a file does not double it.
func baseName(path string) string {
	return strings.TrimSuffix(filepath.Base(path), ".gz")
}

// reader reads files one after the other into its sink.
type reader struct {
	ctx     context.Context
	options Options
	sink    sink
	bad     *BadRows
	summary Summary
	current *FileSummary

	read        *atomic.Int64 // bytes of the files as they lie on the disk
	total       int64         // of these, as far as it is known
	sinceReport int
}

// file reads one file, whichever it is.
func (r *reader) file(name string) error {
	in, err := open(name, r.options.Stdin, func(n int) { r.read.Add(int64(n)) })
	if err != nil {
		return err
	}
	defer in.Close()
	r.summary.Files = append(r.summary.Files, FileSummary{Name: name})
	r.current = &r.summary.Files[len(r.summary.Files)-1]
	m, err := r.mappingOf(name)
	if err != nil {
		return err
	}
	isJSON, err := in.startsWith('{')
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	switch {
	case m != nil && (len(m.Files) > 0 || !isJSON):
		return r.table(in, name, m)
	case isJSON, in.empty():
		return r.jsonLines(in, name)
	}
	if isArray, err := in.startsWith('['); err == nil && isArray {
		return fmt.Errorf("%s begins with a list, and is no JSON Lines file; write one CloudEvent a line, without brackets and commas around them", name)
	}
	return fmt.Errorf("%s is no JSON Lines file, and no mapping says what its columns are; give one with --mapping", name)
}

// mappingOf finds the one mapping that is for a file, nil where there is none.
func (r *reader) mappingOf(name string) (*Mapping, error) {
	var found *Mapping
	for _, m := range r.options.Mappings {
		if !m.matches(baseName(name)) {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("%s: both %s and %s are mappings for it; let their files name others", name, found.Name, m.Name)
		}
		found = m
	}
	return found, nil
}

// add checks one event as the service will, and gives it to the sink. It
// returns "" or the reason to refuse the row.
func (r *reader) add(value []byte) (event.Reason, error) {
	if len(value) > maxValue {
		return event.TooLong, nil
	}
	decoder, ev, value, err := r.sink.slot(value)
	if err != nil {
		return "", err
	}
	reason, wanted := decoder.Decode(ev, value, nil), false
	if reason == "" {
		reason, wanted = r.count(ev.Kind, ev.Type, ev.Time)
	}
	if !wanted {
		return reason, nil
	}
	return "", r.sink.keep(ev, value)
}

// count counts an event that was decoded. It returns whether it is to be kept,
// or the reason to refuse it.
func (r *reader) count(kind event.Kind, eventType []byte, at int64) (reason event.Reason, wanted bool) {
	switch {
	case kind == event.Unknown:
		r.ignored(string(eventType))
		return "", false
	case r.options.Latest != 0 && at > r.options.Latest:
		return event.TooFarAhead, false
	}
	f := r.current
	if f.Events == 0 || at < f.First {
		f.First = at
	}
	if f.Events == 0 || at > f.Last {
		f.Last = at
	}
	f.Events++
	r.summary.Kinds[kind]++
	return "", true
}

// ignored counts an event of a type that is none of ours. The types come from
// the input, so that their number is bounded.
func (r *reader) ignored(name string) {
	if _, known := r.summary.Ignored[name]; !known && len(r.summary.Ignored) >= 100 {
		name = "other"
	}
	r.summary.Ignored[name]++
}

// row counts a row and now and then reports and looks whether to go on.
func (r *reader) row() error {
	r.current.Rows++
	if r.sinceReport++; r.sinceReport < 1000 {
		return nil
	}
	r.sinceReport = 0
	if r.options.Progress != nil {
		r.options.Progress(r.read.Load(), r.total)
	}
	return r.ctx.Err()
}
