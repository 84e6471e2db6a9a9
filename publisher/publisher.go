// Package publisher says on Kafka what is due: alerts, late and dead-letter
// notes and the shard's cursor, in one transaction (steps T2, T3, P3, P4 and L2
// of docs/protocol.md).
package publisher

import "errors"

// Pair is what an alert is about: a rule, and a customer or a KPI.
type Pair struct{ Rule, Subject string }

// Header is the position of the newest publication.
type Header struct {
	P         uint64           `json:"p"`         // publication number
	Offsets   map[string]int64 `json:"offsets"`   // next offset by input topic
	Watermark int64            `json:"watermark"` // Unix ms
}

// Alert is one transition to announce.
type Alert struct {
	Pair   Pair
	Firing bool // false: resolved
	// Encode returns the CloudEvent of the alert, given n, the publication
	// number of its firing: P+1 for a firing, the cursor's n for a resolution.
	Encode func(n uint64) ([]byte, error)
}

// Note is a copy of a message for the late or the dead-letter topic.
type Note struct {
	Topic      string // output topic
	Key, Value []byte // of the original, untouched
	Headers    []RecordHeader
}

// RecordHeader is one header of a Kafka record.
type RecordHeader struct {
	Key   string
	Value []byte
}

// Publication is what one transaction says. The publication number is the
// publisher's affair: the header's P is ignored and set to the cursor's + 1.
type Publication struct {
	Header Header
	Alerts []Alert
	Notes  []Note
}

// ErrFenced: another producer has taken the shard's transactional id, or the
// cursor holds a publication that is not ours. In doubt: start over.
var ErrFenced = errors.New("another publisher owns the shard")
