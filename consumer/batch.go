package consumer

import (
	"sync"

	"github.com/tidemark-io/tidemark/event"
)

// Message is one message of a Batch. Its slices point into the Batch's memory
// and are valid until the Batch is released. A nil Value is a tombstone, an
// empty one is not nil; the same goes for Key.
type Message struct {
	Offset     int64
	Timestamp  int64 // Unix milliseconds
	AppendTime bool  // Timestamp is the broker's clock (LogAppendTime), not the producer's
	Key, Value []byte
	Headers    []event.Header
}

// Batch is a run of messages of one topic-partition, in the order of their
// offsets. It consists of whole record batches as they lie in the log: either
// of several with 2,000 messages together at the most
// (FetcherOptions.BatchMessages), or of a single one, however large.
//
// Messages may be empty: transaction markers, aborted messages and what
// compaction left of a record batch still move the offset.
//
// Whoever commits after only some of the Messages stores the offset after the
// last of them, and the same CRC and LastTimestamp. That is right for a Batch
// of a single record batch; the larger ones are.
type Batch struct {
	Topic     string
	Partition int
	First     int64 // offset at which it was read; Messages[0].Offset may be higher
	Next      int64 // the offset to store after it
	Messages  []Message

	// CRC and LastTimestamp identify the record batch that holds offset Next-1,
	// whatever kind it is of. LastTimestamp is its highest, in Unix milliseconds.
	CRC           uint32
	LastTimestamp int64

	HighWatermark int64 // of the partition, when this was fetched
	Bytes         int   // of the messages' memory, after decompression

	headers  []event.Header
	names    map[string]string // of headers, so that each is allocated once
	arena    arena
	borrowed []*block // blocks of fetched bytes that Messages point into
	released bool
}

// maxKeptMessages is the largest Messages array that a released Batch keeps,
// about 3 MiB.
const maxKeptMessages = 32 << 10

var batchPool = sync.Pool{New: func() any { return new(Batch) }}

func newBatch(topic string, partition int) *Batch {
	b := batchPool.Get().(*Batch)
	b.released = false
	b.Topic, b.Partition = topic, partition
	return b
}

// Release gives the Batch and its memory back. Neither it nor anything of its
// Messages may be touched afterwards.
func (b *Batch) Release() {
	if b.released {
		return
	}
	b.arena.release()
	for _, block := range b.borrowed {
		block.release()
	}
	clear(b.borrowed)
	clear(b.Messages) // else they would pin blocks that no pool takes back
	clear(b.headers)
	if cap(b.Messages) > maxKeptMessages {
		b.Messages = nil
	}
	*b = Batch{
		Messages: b.Messages[:0], headers: b.headers[:0], names: b.names,
		arena: b.arena, borrowed: b.borrowed[:0], released: true,
	}
	batchPool.Put(b)
}

// borrow makes the Batch a holder of a block of fetched bytes.
func (b *Batch) borrow(block *block) {
	if n := len(b.borrowed); n > 0 && b.borrowed[n-1] == block {
		return
	}
	block.retain()
	b.borrowed = append(b.borrowed, block)
}
