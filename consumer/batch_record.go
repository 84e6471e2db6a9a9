package consumer

import (
	"fmt"
	"slices"

	"github.com/tidemark-io/tidemark/event"
)

// reader reads varints from b at i. After the first that isn't one, bad is set.
type reader struct {
	b   []byte
	i   int
	bad bool
}

// varint reads a zigzag varint. Most are of one byte.
func (r *reader) varint() int64 {
	if i := r.i; uint(i) < uint(len(r.b)) && r.b[i] < 0x80 {
		r.i++
		return int64(r.b[i]>>1) ^ -int64(r.b[i]&1)
	}
	return r.long()
}

func (r *reader) long() int64 {
	var u uint64
	for shift := uint(0); shift < 64; shift += 7 {
		if uint(r.i) >= uint(len(r.b)) {
			break
		}
		c := r.b[r.i]
		r.i++
		u |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return int64(u>>1) ^ -int64(u&1)
		}
	}
	r.bad = true
	return 0
}

// bytes reads a length and as many bytes; nil where the length is negative.
// The slice's capacity ends with it, so that an append can't reach into what
// follows.
func (r *reader) bytes() []byte {
	n := r.varint()
	if n < 0 {
		return nil
	}
	if n > int64(len(r.b)-r.i) || r.bad {
		r.bad = true
		return nil
	}
	v := r.b[r.i : r.i+int(n) : r.i+int(n)]
	r.i += int(n)
	return v
}

// add slices the records of a record batch into messages, those from offset
// from on. Where it returns an error, b is as it was before.
func (b *Batch) add(f frame, records []byte, from int64) (err error) {
	if f.count > len(records)/minRecord {
		return fmt.Errorf("%w at offset %d: %d records in %d bytes", errFormat, f.base, f.count, len(records))
	}
	messages, headers := len(b.Messages), len(b.headers)
	b.Messages = slices.Grow(b.Messages, f.count)
	appendTime := f.attrs&appendTimeBit != 0
	r := reader{b: records}
	previous := int64(-1)
	for range f.count {
		n := r.varint()
		end := r.i + int(n)
		if r.bad || n < minRecord-1 || n > int64(len(records)-r.i) {
			r.bad = true
			break
		}
		r.i++ // attributes: none are in use
		timestamp := f.baseTime + r.varint()
		if appendTime {
			timestamp = f.maxTime
		}
		delta := r.varint()
		m := Message{
			Offset: f.base + delta, Timestamp: timestamp, AppendTime: appendTime,
			Key: r.bytes(), Value: r.bytes(),
		}
		if n := r.varint(); n != 0 {
			m.Headers = b.readHeaders(&r, n)
		}
		if r.bad || r.i != end || delta <= previous || delta > f.last-f.base {
			r.bad = true
			break
		}
		previous = delta
		if m.Offset >= from {
			b.Messages = append(b.Messages, m)
		}
	}
	if r.bad || r.i != len(records) {
		clear(b.Messages[messages:])
		b.Messages, b.headers = b.Messages[:messages], b.headers[:headers]
		return fmt.Errorf("%w at offset %d: record after offset %d", errFormat, f.base, f.base+previous)
	}
	return nil
}

// readHeaders reads n headers.
func (b *Batch) readHeaders(r *reader, n int64) []event.Header {
	if n < 0 || n > int64(len(r.b)-r.i)/2 { // a header takes two bytes at the least
		r.bad = true
		return nil
	}
	first := len(b.headers)
	for range n {
		b.headers = append(b.headers, event.Header{Key: b.name(r.bytes()), Value: r.bytes()})
	}
	return b.headers[first:len(b.headers):len(b.headers)]
}

// maxNames is how many names of headers a Batch remembers. A producer that
// invents a new one each time costs an allocation each time.
const maxNames = 64

// name returns a header's name as a string.
func (b *Batch) name(key []byte) string {
	if name, ok := b.names[string(key)]; ok {
		return name
	}
	name := string(key)
	if b.names == nil {
		b.names = make(map[string]string)
	}
	if len(b.names) < maxNames {
		b.names[name] = name
	}
	return name
}
