package ingest

import (
	"bufio"
	"container/heap"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/tidemark-io/tidemark/event"
)

func eventKind(k uint8) event.Kind { return event.Kind(k) }

// writeRecord writes a message of a run: time, kind, number, the lengths of
// customer and value, and these.
func writeRecord(w *bufio.Writer, e entry, customer, value []byte) error {
	var head [2*binary.MaxVarintLen64 + 1 + 2*binary.MaxVarintLen32]byte
	b := binary.AppendVarint(head[:0], e.time)
	b = append(b, e.kind)
	b = binary.AppendUvarint(b, e.number)
	b = binary.AppendUvarint(b, uint64(len(customer)))
	b = binary.AppendUvarint(b, uint64(len(value)))
	for _, part := range [][]byte{b, customer, value} {
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return nil
}

// stream reads one run, or what is in memory.
type stream struct {
	file *os.File // nil: memory
	in   *bufio.Reader
	rest []entry
	mem  []byte

	head            entry
	buffer          []byte
	customer, value []byte
}

// next moves to the next message; false at the end.
func (s *stream) next() (bool, error) {
	if s.file == nil {
		if len(s.rest) == 0 {
			return false, nil
		}
		s.head, s.rest = s.rest[0], s.rest[1:]
		s.customer, s.value = s.mem[s.head.begin:s.head.middle], s.mem[s.head.middle:s.head.end]
		return true, nil
	}
	at, err := binary.ReadVarint(s.in)
	if errors.Is(err, io.EOF) {
		return false, nil
	}
	var kind byte
	var numbers [3]uint64
	if err == nil {
		kind, err = s.in.ReadByte()
	}
	for i := range numbers {
		if err == nil {
			numbers[i], err = binary.ReadUvarint(s.in)
		}
	}
	if err == nil && (numbers[1] > maxLine || numbers[2] > 2*maxLine) {
		err = errors.New("its records are damaged")
	}
	if err == nil {
		size := int(numbers[1] + numbers[2])
		if cap(s.buffer) < size {
			s.buffer = make([]byte, size)
		}
		s.buffer = s.buffer[:size]
		_, err = io.ReadFull(s.in, s.buffer)
	}
	if err != nil {
		return false, fmt.Errorf("read the temporary file %s: %w", s.file.Name(), err)
	}
	s.head = entry{time: at, kind: kind, number: numbers[0]}
	s.customer, s.value = s.buffer[:numbers[1]], s.buffer[numbers[1]:]
	return true, nil
}

// streams is a heap, the stream with the least message on top.
type streams []*stream

func (s streams) Len() int           { return len(s) }
func (s streams) Less(i, j int) bool { return s[i].head.compare(s[j].head) < 0 }
func (s streams) Swap(i, j int)      { s[i], s[j] = s[j], s[i] }
func (s *streams) Push(x any)        { *s = append(*s, x.(*stream)) }
func (s *streams) Pop() any {
	last := (*s)[len(*s)-1]
	*s = (*s)[:len(*s)-1]
	return last
}

// eachOf visits the messages of runs and of memory in order.
func eachOf(runs []*run, entries []entry, arena []byte, visit func(e entry, customer, value []byte) error) (err error) {
	all := []*stream{{rest: entries, mem: arena}}
	defer func() {
		for _, s := range all[1:] {
			err = errors.Join(err, s.file.Close())
		}
	}()
	for _, r := range runs {
		f, err := os.Open(r.path)
		if err != nil {
			return fmt.Errorf("open a temporary file: %w", err)
		}
		all = append(all, &stream{file: f, in: bufio.NewReaderSize(f, 64<<10)})
	}
	var open streams
	for _, s := range all {
		more, err := s.next()
		if err != nil {
			return err
		}
		if more {
			open = append(open, s)
		}
	}
	heap.Init(&open)
	for len(open) > 0 {
		s := open[0]
		if err := visit(s.head, s.customer, s.value); err != nil {
			return err
		}
		more, err := s.next()
		if err != nil {
			return err
		}
		if more {
			heap.Fix(&open, 0)
		} else {
			heap.Pop(&open)
		}
	}
	return nil
}
