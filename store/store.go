// Package store keeps the state of shards in Redis. It knows keys and bytes:
// what a record or a row means is the aggregator's affair.
//
// Every key of a shard carries the hash tag {namespace:shard}, so that one
// transaction covers the shard and it lives in one cluster slot. docs/redis.md
// lists the keys.
package store

import "errors"

// Tenure is what a worker holds of a shard: the token of its take-over and the
// number of the shard's last commit. Both are compared for equality only.
type Tenure struct {
	Owner  string // 128 random bits, hexadecimal; new for every take-over
	Number uint64 // rises by one with every commit and every claim
}

// ErrFenced: the stored (owner, number) is not the worker's. Step C3, L1: in doubt.
var ErrFenced = errors.New("another owner or commit number is stored")

// ErrHeld: an audit asked the owner to hold its commits; try again shortly.
var ErrHeld = errors.New("commits are held by an audit")

// Offset is what is stored of one input topic's partition.
type Offset struct {
	Next      int64  `json:"next"`      // offset of the first message not yet applied
	Timestamp int64  `json:"timestamp"` // of the last record read, Unix ms; -1: none
	CRC       uint32 `json:"crc"`       // of the last record's batch
	Watermark int64  `json:"watermark"` // highest event time seen, Unix ms; 0: none
	Birth     int64  `json:"birth"`     // the log's end when the shard first saw the topic
	TopicID   string `json:"topic_id"`
}

// Head is the part of a shard's state that every commit writes as a whole, as JSON.
type Head struct {
	Version    int               `json:"version"`
	Watermark  int64             `json:"watermark"` // Unix ms; 0: none yet
	Offsets    map[string]Offset `json:"offsets"`   // by topic
	Partitions int               `json:"partitions"`
	ClusterID  string            `json:"cluster_id"`
	Settings   string            `json:"settings"` // fingerprint of what needs a replay when it changes
	Born       bool              `json:"born"`     // has reached the ends of its birth
	CatchingUp bool              `json:"catching_up"`
	AtEnd      bool              `json:"at_end"`    // every input partition was at its end
	FirstDay   int32             `json:"first_day"` // F: the first day that is not frozen, days since 1970-01-01
	Table      []byte            `json:"table"`     // the aggregator's: size of its tables, open jobs
	Counters   map[string]int64  `json:"counters"`  // messages by outcome: read, applied, duplicate, ignored/TYPE, late/REASON, dead_letter/REASON, expired
}

// Field is a named value of a hash. A nil Value deletes it.
type Field struct {
	Name  string
	Value []byte
}

// Cause is a message that changed figures. Its partition is the shard's number.
type Cause struct {
	Topic    string
	Offset   int64
	Kind     uint8    // of the event, and whether it is activity: the writer's affair
	Day      int32    // local day of the event, days since 1970-01-01
	Segments []string // that its customer counts under, such as plan=pro
}

// Member is a member of one of the sorted sets by band. Band "" removes it.
type Member struct {
	Customer  string
	Was, Band string  // names of the sets it leaves and enters
	Score     float64 // MRR in minor units of the reporting currency
}

// Commit is what one atomic step C2 writes. A nil value of a record or field
// deletes it; order does not matter, since all of it becomes visible at once.
type Commit struct {
	Head    Head
	Records []Field  // string keys of their own: buckets and pages
	Cells   []Field  // rows not frozen: opening, day and standing
	Frozen  []Field  // rows of frozen days
	Due     []Field  // pages of the timer index
	Firing  []Field  // "rule|subject" -> JSON
	Notes   []Field  // "topic/partition/offset" -> JSON
	Bands   []Member // sorted sets for people
	Public  []Field  // shard 0 only: current KPIs as plain numbers, for people
	Sent    []Field  // shard 0 only: what was last published of figures, many in a field
	Scores  []byte   // shard 0 only: what the scores of all customers come to; nil: as it is

	// Causes are the messages that readers may name where a figure has changed,
	// the oldest first: a part of what was applied, bounded by the worker.
	Causes []Cause

	// Episodes are announced alerts as JSON, the oldest first. The newest 1,000
	// of a shard are kept for people; nothing is decided by them.
	Episodes [][]byte
}

// Claimed is what a take-over loads in the same atomic step as its claim (T1).
type Claimed struct {
	Tenure Tenure
	Empty  bool // nothing was stored
	Head   Head
	Cells  map[string][]byte
	Due    map[string][]byte
	Firing map[string][]byte
	Notes  map[string][]byte
	Sent   []string // shard 0 only: the fields of what was published, without values
}
