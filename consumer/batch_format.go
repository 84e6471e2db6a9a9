package consumer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
)

// A record batch, version 2 (magic 2), big endian:
//
//	 0 base offset    int64
//	 8 length         int32, of what follows this field
//	12 leader epoch   int32
//	16 magic          int8
//	17 CRC            uint32, Castagnoli, of what follows this field
//	21 attributes     int16
//	23 last offset    int32, less the base offset
//	27 base timestamp int64
//	35 max timestamp  int64
//	43 producer id    int64
//	51 producer epoch int16
//	53 base sequence  int32
//	57 record count   int32
//	61 records, compressed as the attributes say
const (
	recordsAt   = 61
	attrsAt     = 21
	magicAt     = 16
	minRecord   = 7 // bytes of the smallest record: seven varints of one byte
	logOverhead = 12
)

// Bits of a record batch's attributes.
const (
	codecMask     = 0x07
	appendTimeBit = 0x08
	txnBit        = 0x10
	controlBit    = 0x20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errShort: the bytes end before the record batch does. A fetch's last record
// batch may be cut off; it is read again from its beginning.
var errShort = errors.New("record batch is cut off")

// errFormat: the bytes are no record batch as they should be.
var errFormat = errors.New("malformed record batch")

// ErrOldFormat: a record batch was written in message format 0 or 1, before
// Kafka 0.11. Kafka 4 neither writes nor reads it.
var ErrOldFormat = errors.New("message format before Kafka 0.11: rewrite the topic with a producer of today, or with tidemark repartition")

// frame is the head of one record batch.
type frame struct {
	size     int   // bytes, the base offset and length fields included
	base     int64 // first offset
	last     int64 // last offset
	crc      uint32
	attrs    int16
	baseTime int64 // Unix ms
	maxTime  int64 // Unix ms
	producer int64 // -1: none
	count    int   // records
}

func (f frame) control() bool       { return f.attrs&controlBit != 0 }
func (f frame) transactional() bool { return f.attrs&txnBit != 0 }

// readFrame reads the head of the record batch that b begins with.
func readFrame(b []byte) (frame, error) {
	if len(b) < magicAt+1 {
		return frame{}, errShort
	}
	length := int32(binary.BigEndian.Uint32(b[8:]))
	if magic := b[magicAt]; magic != 2 {
		if magic < 2 && length >= 0 {
			return frame{}, ErrOldFormat
		}
		return frame{}, fmt.Errorf("%w: magic %d", errFormat, magic)
	}
	size := int(length) + logOverhead
	if size < recordsAt {
		return frame{}, fmt.Errorf("%w: length %d", errFormat, length)
	}
	if len(b) < size {
		return frame{}, errShort
	}
	f := frame{
		size:     size,
		base:     int64(binary.BigEndian.Uint64(b)),
		crc:      binary.BigEndian.Uint32(b[17:]),
		attrs:    int16(binary.BigEndian.Uint16(b[attrsAt:])),
		baseTime: int64(binary.BigEndian.Uint64(b[27:])),
		maxTime:  int64(binary.BigEndian.Uint64(b[35:])),
		producer: int64(binary.BigEndian.Uint64(b[43:])),
		count:    int(int32(binary.BigEndian.Uint32(b[57:]))),
	}
	delta := int32(binary.BigEndian.Uint32(b[23:]))
	f.last = f.base + int64(delta)
	if f.base < 0 || delta < 0 || f.last < f.base {
		return frame{}, fmt.Errorf("%w: offsets %d and %d more", errFormat, f.base, delta)
	}
	if f.count < 0 || f.count > int(delta)+1 {
		return frame{}, fmt.Errorf("%w: %d records in %d offsets", errFormat, f.count, int64(delta)+1)
	}
	return f, nil
}

// measure walks the heads of a fetched record set that was asked for from
// offset from on. It returns how many of its bytes are whole record batches
// below the last stable offset, and the offset after them. What an error is
// about begins at byte n and offset next. Nothing behind the last stable offset
// is counted, whatever the broker sends: its fate isn't decided.
func measure(b []byte, from, stable int64) (n int, next int64, err error) {
	next = from
	last := int64(-1)
	for n < len(b) {
		f, err := readFrame(b[n:])
		switch {
		case errors.Is(err, errShort):
			return n, next, nil
		case err != nil:
			return n, next, err
		case f.base <= last:
			return n, next, fmt.Errorf("%w: offset %d after offset %d", errFormat, f.base, last)
		case f.base >= stable:
			return n, next, nil
		}
		n += f.size
		last = f.last
		next = max(next, last+1)
	}
	return n, next, nil
}

// abortedTxn is one transaction that a fetch's answer lists as aborted.
type abortedTxn struct{ producer, first int64 }

// chunk is what one fetch brought of one topic-partition: whole record batches
// below the last stable offset.
type chunk struct {
	block   *block
	left    []byte // not taken yet
	from    int64  // messages below this offset were not asked for
	high    int64  // high watermark
	aborted []abortedTxn
	// aborting holds the producers whose transaction, at this point of the
	// log, is one that was aborted.
	aborting []int64
}

// limits of one Batch.
type limits struct {
	messages int // of several record batches together
	bytes    int // after decompression; no further record batch is begun beyond it
	expanded int // one record batch may decompress to this
}

// fill moves record batches from the chunk into b: the first, and those after
// it that fit into the limits. It returns an error only where b received
// nothing; otherwise what is wrong is met again by the next fill.
func (c *chunk) fill(b *Batch, lim limits) error {
	b.First, b.Next, b.HighWatermark = c.from, c.from, c.high
	for n := 0; len(c.left) > 0; n++ {
		f, err := readFrame(c.left)
		if err == nil && n > 0 && (len(b.Messages)+f.count > lim.messages || b.Bytes >= lim.bytes) {
			return nil
		}
		if err == nil {
			err = c.take(b, f, lim.expanded)
		}
		if err != nil {
			if n > 0 {
				return nil
			}
			return err
		}
		c.left = c.left[f.size:]
		c.from = max(c.from, f.last+1)
		b.Next, b.CRC, b.LastTimestamp = c.from, f.crc, f.maxTime
	}
	return nil
}

// take reads one record batch into b, or passes over it.
func (c *chunk) take(b *Batch, f frame, expanded int) error {
	raw := c.left[:f.size]
	if sum := crc32.Checksum(raw[attrsAt:], castagnoli); sum != f.crc {
		return fmt.Errorf("%w at offset %d: CRC is %08x, should be %08x", errFormat, f.base, sum, f.crc)
	}
	for len(c.aborted) > 0 && c.aborted[0].first <= f.last {
		c.aborting = append(c.aborting, c.aborted[0].producer)
		c.aborted = c.aborted[1:]
	}
	if f.control() {
		return c.marker(f, raw[recordsAt:])
	}
	if f.transactional() && slices.Contains(c.aborting, f.producer) {
		return nil
	}
	if f.last < c.from {
		return nil
	}
	records, err := c.records(b, f, raw[recordsAt:], expanded)
	if err != nil {
		return err
	}
	b.Bytes += len(records)
	return b.add(f, records, c.from)
}

// records returns the records of a record batch, decompressed where they are
// compressed, in memory that b holds.
func (c *chunk) records(b *Batch, f frame, raw []byte, expanded int) ([]byte, error) {
	codec := f.attrs & codecMask
	if codec == 0 {
		b.borrow(c.block)
		return raw, nil
	}
	out, err := decompress(codec, b.arena.room(guess(codec, raw)), raw, expanded)
	if err != nil {
		return nil, fmt.Errorf("%w at offset %d: %w", errFormat, f.base, err)
	}
	return b.arena.keep(out), nil
}

// marker reads the marker that ends a transaction.
func (c *chunk) marker(f frame, records []byte) error {
	if f.count == 0 {
		return nil // compaction has removed it
	}
	var r reader
	r.b = records
	r.varint()      // length
	r.i++           // attributes
	r.varint()      // timestamp
	r.varint()      // offset
	n := r.varint() // key length
	if r.bad || n < 4 || n > int64(len(records)-r.i) {
		return fmt.Errorf("%w at offset %d: control record", errFormat, f.base)
	}
	const abort = 0
	if binary.BigEndian.Uint16(records[r.i+2:]) != abort {
		return nil
	}
	if i := slices.Index(c.aborting, f.producer); i >= 0 {
		c.aborting = slices.Delete(c.aborting, i, i+1)
	}
	return nil
}
