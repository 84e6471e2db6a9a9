package consumer

import (
	"errors"
	"fmt"

	"github.com/segmentio/kafka-go"
)

// errClosed: the Fetcher or the Stream was closed.
var errClosed = errors.New("fetcher is closed")

// errOpen: the topic-partition is being read by another Stream of this Fetcher.
var errOpen = errors.New("topic-partition is open already")

// OffsetOutOfRange: the log has no message at the offset that is to be read
// next, and will not have one: it was cut off at its beginning (retention) or
// at its end (a broker lost acknowledged messages, the topic was recreated).
type OffsetOutOfRange struct {
	Topic     string
	Partition int
	Offset    int64 // asked for
	Start     int64 // first offset of the log
	End       int64 // offset after its last
}

func (e *OffsetOutOfRange) Error() string {
	if e.Offset < e.Start {
		return fmt.Sprintf("offset %d of %s/%d is gone: the log begins at %d (retention is shorter than the time that was not read)",
			e.Offset, e.Topic, e.Partition, e.Start)
	}
	return fmt.Sprintf("offset %d of %s/%d lies behind the log's end, %d: the topic was recreated or the broker has lost messages",
		e.Offset, e.Topic, e.Partition, e.End)
}

// InDoubt: the log under the topic-partition's name may be another one than that
// which was read up to the stream's offset. Whoever goes on has to compare it first.
type InDoubt struct {
	Topic     string
	Partition int
	Why       string // what a broker has said of it
}

func (e *InDoubt) Error() string {
	return fmt.Sprintf("%s/%d may be another log than the one that was read: a broker has said that %s", e.Topic, e.Partition, e.Why)
}

// TopicGone: brokers that answer know no such topic or partition.
type TopicGone struct {
	Topic     string
	Partition int
}

func (e *TopicGone) Error() string {
	return fmt.Sprintf("topic %s has no partition %d any more: it was deleted, or this client may not see it", e.Topic, e.Partition)
}

// Corrupt: the bytes of the log from Offset on are not what a producer wrote.
// Err says why: a CRC that does not match, a message format before Kafka 0.11
// (ErrOldFormat), a record that can't be parsed.
type Corrupt struct {
	Topic     string
	Partition int
	Offset    int64
	Err       error
}

func (e *Corrupt) Error() string {
	return fmt.Sprintf("read %s/%d at offset %d: %v", e.Topic, e.Partition, e.Offset, e.Err)
}

func (e *Corrupt) Unwrap() error { return e.Err }

// Refused: the broker does not let this client read.
type Refused struct {
	Topic     string
	Partition int
	Err       error
}

func (e *Refused) Error() string {
	return fmt.Sprintf("read %s/%d: %v", e.Topic, e.Partition, e.Err)
}

func (e *Refused) Unwrap() error { return e.Err }

// codeError is the error of a Kafka error code.
func codeError(code int16) error { return kafka.Error(code) }
