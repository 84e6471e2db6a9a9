package ingest

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
)

// entry is one message in the memory of the sorter.
type entry struct {
	time   int64
	number uint64 // of the message among all; ties fall in the order of reading
	begin  int    // in the arena: the customer, then the value
	middle int
	end    int
	kind   uint8
}

const entrySize = 48

// sorter sorts messages in bounded memory: what doesn't fit is written to
// sorted runs, and runs are merged when there are many. That is done on a
// goroutine of its own while the next messages come, which get half of the memory.
type sorter struct {
	memory int
	dir    string

	messages
	count    uint64
	spare    messages   // memory to use again; the spill's while there is one
	spilling chan error // how the spill under way ends; nil: there is none
	runs     []*run     // belong to the spill while there is one
}

// messages are some messages in memory.
type messages struct {
	entries []entry
	arena   []byte
}

// run is a file of sorted messages. A run of level n+1 is made of fanIn runs
// of level n, so that each message is written once a level.
type run struct {
	path  string
	level int
}

// fanIn is how many runs are merged, and so open, at once.
const fanIn = 16

// add takes a copy of a message.
func (s *sorter) add(m Message) error {
	size := len(m.Customer) + len(m.Value)
	if len(s.entries) > 0 && len(s.arena)+size+(len(s.entries)+1)*entrySize > s.memory/2 {
		if err := s.wait(); err != nil {
			return err
		}
		s.messages, s.spare = s.spare, s.messages
		s.spilling = make(chan error, 1)
		go func() { s.spilling <- s.spill(&s.spare) }()
	}
	e := entry{time: m.Time, kind: uint8(m.Kind), number: s.count, begin: len(s.arena)}
	s.arena = append(s.arena, m.Customer...)
	e.middle = len(s.arena)
	s.arena = append(s.arena, m.Value...)
	e.end = len(s.arena)
	s.entries = append(s.entries, e)
	s.count++
	return nil
}

// wait waits until no spill is under way.
func (s *sorter) wait() (err error) {
	if s.spilling != nil {
		err = <-s.spilling
		s.spilling = nil
	}
	return err
}

// compare orders by event time, then kind, then the order of reading.
func (a entry) compare(b entry) int {
	if a.time != b.time { // nearly always
		return cmp.Compare(a.time, b.time)
	}
	return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.number, b.number))
}

// spill writes messages to a run of level 0, and merges what there is enough of.
func (s *sorter) spill(m *messages) error {
	slices.SortFunc(m.entries, entry.compare)
	err := s.write(0, func(w *bufio.Writer) error {
		for _, e := range m.entries {
			if err := writeRecord(w, e, m.arena[e.begin:e.middle], m.arena[e.middle:e.end]); err != nil {
				return err
			}
		}
		return nil
	})
	m.entries, m.arena = m.entries[:0], m.arena[:0]
	for level := 0; err == nil; level++ {
		var same, others []*run
		for _, r := range s.runs {
			if r.level == level {
				same = append(same, r)
			} else {
				others = append(others, r)
			}
		}
		if len(same) < fanIn {
			return nil
		}
		if err = s.merge(same, level+1); err == nil {
			s.runs = append(others, s.runs[len(s.runs)-1])
			err = removeRuns(same)
		}
	}
	return err
}

// merge makes one run of several, and appends it to runs.
func (s *sorter) merge(runs []*run, level int) error {
	return s.write(level, func(w *bufio.Writer) error {
		return eachOf(runs, nil, nil, func(e entry, customer, value []byte) error {
			return writeRecord(w, e, customer, value)
		})
	})
}

// write makes a run of a file that fill fills.
func (s *sorter) write(level int, fill func(w *bufio.Writer) error) error {
	f, err := os.CreateTemp(s.dir, "tidemark-import-*")
	if err != nil {
		return fmt.Errorf("make a temporary file to sort in: %w", err)
	}
	s.runs = append(s.runs, &run{path: f.Name(), level: level})
	w := bufio.NewWriterSize(f, 256<<10)
	if err = fill(w); err == nil {
		err = w.Flush()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write a temporary file to sort in: %w", err)
	}
	return nil
}

// finish ends the reading. The sorter's files belong to what it returns.
func (s *sorter) finish(summary Summary) (*Sorted, error) {
	if err := s.wait(); err != nil {
		s.discard()
		return nil, err
	}
	slices.SortFunc(s.entries, entry.compare)
	return &Sorted{Summary: summary, runs: s.runs, entries: s.entries, arena: s.arena}, nil
}

// discard removes what was written, when reading has failed already: what
// cannot be removed lies in the folder for temporary files.
func (s *sorter) discard() {
	_ = s.wait() // whatever it ends with
	_ = removeRuns(s.runs)
	s.runs = nil
}

func removeRuns(runs []*run) error {
	var errs []error
	for _, r := range runs {
		if err := os.Remove(r.path); err != nil {
			errs = append(errs, fmt.Errorf("remove a temporary file: %w", err))
		}
	}
	return errors.Join(errs...)
}

// Sorted is all events in the order of event time.
type Sorted struct {
	Summary
	runs    []*run
	entries []entry
	arena   []byte
}

// Each visits the messages in order. A message is valid until visit returns.
// It can be called again.
func (s *Sorted) Each(visit func(m *Message) error) error {
	var m Message
	return eachOf(s.runs, s.entries, s.arena, func(e entry, customer, value []byte) error {
		m = Message{Time: e.time, Kind: eventKind(e.kind), Customer: customer, Value: value}
		return visit(&m)
	})
}

// Close removes the temporary files.
func (s *Sorted) Close() error {
	err := removeRuns(s.runs)
	s.runs, s.entries, s.arena = nil, nil, nil
	return err
}
