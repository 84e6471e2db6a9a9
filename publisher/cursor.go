package publisher

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
)

// The records of the cursor topic:
//
//	"rule|subject" -> {"n":17}   announced as firing, in publication 17
//	"rule|subject" -> tombstone  announced as resolved
//	"header"       -> Header     position of the newest publication
//
// No rule has a '|' in its name, so that the first one splits and no pair can
// be taken for the header.
const headerKey = "header"

type firing struct {
	N uint64 `json:"n"`
}

var errPipe = errors.New("the name of a rule must not be empty nor contain '|'")

// key is the record key of a pair, on the alert topic and on the cursor topic.
func (p Pair) key() ([]byte, error) {
	if p.Rule == "" || strings.Contains(p.Rule, "|") {
		return nil, fmt.Errorf("rule %q: %w", p.Rule, errPipe)
	}
	return []byte(p.Rule + "|" + p.Subject), nil
}

// cursor is the content of a cursor partition.
type cursor struct {
	header    Header
	announced map[Pair]uint64 // n of each pair that is announced as firing
}

// apply adds a committed record of the cursor partition.
func (c *cursor) apply(r *kgo.Record) error {
	if string(r.Key) == headerKey {
		c.header = Header{}
		if err := json.Unmarshal(r.Value, &c.header); err != nil {
			return fmt.Errorf("header at offset %d of %s/%d: %w", r.Offset, r.Topic, r.Partition, err)
		}
		return nil
	}
	rule, subject, found := strings.Cut(string(r.Key), "|")
	if !found {
		return fmt.Errorf("key %q at offset %d of %s/%d is no cursor record: the topic must have no other writer",
			r.Key, r.Offset, r.Topic, r.Partition)
	}
	pair := Pair{Rule: rule, Subject: subject}
	if r.Value == nil {
		delete(c.announced, pair)
		return nil
	}
	var f firing
	if err := json.Unmarshal(r.Value, &f); err != nil {
		return fmt.Errorf("cursor of %s at offset %d of %s/%d: %w", r.Key, r.Offset, r.Topic, r.Partition, err)
	}
	c.announced[pair] = f.N
	return nil
}

// foreign says whether a header of the partition was published by another: its
// p is above ours, or it is at our p and says something else.
func (h Header) foreign(seen Header) bool {
	if seen.P == h.P {
		return seen.Watermark != h.Watermark || !maps.Equal(seen.Offsets, h.Offsets)
	}
	return seen.P > h.P
}
