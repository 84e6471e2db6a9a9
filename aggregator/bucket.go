package aggregator

import (
	"bytes"
	"fmt"
	"math/bits"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"
)

// Records lie in buckets of about eight customers each, one stored value a
// bucket, found by linear hashing: the number of buckets grows by one at a time,
// each time splitting one bucket, so that no commit ever moves more than that.
// (A value for each record would cost the store several times the work and
// memory: docs/adr/0002.) A customer with many users has them in pages of its
// own, found the same way by the user's hash.

const (
	perBucket    = 8
	firstBuckets = 16
)

type bucket struct {
	block
	index     int
	customers []*customer
	places    []place // of the customers, in the same order
	stored    []byte  // as it was last written
}

// place is what a bucket knows of a customer without touching its record, so
// that writing a bucket reads only the records that have changed.
type place struct {
	hash            uint64
	due             int64
	from, rare, end uint32 // where the record lies in stored, its length before it included, and its rare part; end 0: nowhere
	memory          uint32 // bytes, estimated when it was written
	changed         bool
}

// slotOf is linear hashing: the bucket of a hash among n.
func slotOf(hash uint64, n int) int {
	level := 1 << (bits.Len(uint(n)) - 1)
	if i := int(hash & uint64(2*level-1)); i < n {
		return i
	}
	return int(hash & uint64(level-1))
}

// splitOf is the bucket that gives some of its records to the n-th.
func splitOf(n int) int { return n - 1<<(bits.Len(uint(n))-1) }

// BucketKey is the key of the record that holds a customer, given the number of
// buckets that the shard's Table states.
func BucketKey(customer string, buckets int) string {
	return bucketKey(slotOf(xxhash.Sum64String(customer), buckets))
}

// BucketName is the key of a bucket's record.
func BucketName(i int) string { return bucketKey(i) }

func bucketKey(i int) string { return "b/" + strconv.Itoa(i) }

// parseKey is the reverse of bucketKey and pageKey; customer is "" for a bucket.
func parseKey(key string) (customer string, index int, err error) {
	rest, isPage := strings.CutPrefix(key, "u/")
	if isPage {
		i := strings.LastIndexByte(rest, '/')
		if i < 0 {
			return "", 0, fmt.Errorf("record key %q: unknown form", key)
		}
		customer, rest = rest[:i], rest[i+1:]
	} else {
		rest = strings.TrimPrefix(rest, "b/")
	}
	index, err = strconv.Atoi(rest)
	if err != nil {
		return "", 0, fmt.Errorf("record key %q: %w", key, err)
	}
	return customer, index, nil
}

// add gives a customer its place in the bucket, which p describes.
func (b *bucket) add(c *customer, p place) {
	c.bucket, c.pos = b, int32(len(b.customers))
	b.customers, b.places = append(b.customers, c), append(b.places, p)
}

// grow splits buckets as long as there are too many customers for their number.
// Where the next one to split is not in memory, the next Need asks for it.
func (s *Shard) grow() {
	for s.customers > perBucket*len(s.buckets) {
		n := len(s.buckets)
		from := s.buckets[splitOf(n)]
		if from == nil {
			return
		}
		to := s.newBucket(n)
		s.buckets, s.dueAt, s.dueStored = append(s.buckets, to), append(s.dueAt, never), append(s.dueStored, never)
		s.absent++ // newBucket took it for one that was absent
		all, places := from.customers, from.places
		from.customers, from.places = all[:0], places[:0] // filled no faster than read
		to.customers, to.places = make([]*customer, 0, perBucket), make([]place, 0, perBucket)
		to.stored = bytes.Clone(from.stored) // read from until it is written, as from is
		for i, c := range all {
			if slotOf(places[i].hash, n+1) == n {
				to.add(c, places[i])
				s.arm(n, c.due)
			} else {
				from.add(c, places[i])
			}
		}
		clear(all[len(from.customers):])
		s.touch(&from.block)
		s.touch(&to.block)
	}
}

// splitsAhead is how many buckets that wait to be split are asked for at a time.
const splitsAhead = 256

// wantSplits asks for the buckets that are to be split next, also for those that
// another one is waited for in front of.
func (s *Shard) wantSplits() {
	n := len(s.buckets)
	for i := n; i < min(n+splitsAhead, s.customers/perBucket+1); i++ {
		if from := splitOf(i); from < len(s.buckets) && s.buckets[from] == nil {
			s.want[bucketKey(from)] = true
		}
	}
}

// newBucket makes an empty bucket that counts as loaded.
func (s *Shard) newBucket(i int) *bucket {
	b := &bucket{index: i}
	b.block = block{key: bucketKey(i), bucket: b, memory: blockBytes}
	s.admit(&b.block)
	s.absent--
	return b
}

// change notes that a customer's record has changed.
func (s *Shard) change(c *customer) {
	if !c.changed {
		c.changed = true
		s.changed = append(s.changed, c)
	}
}

// touchChanged marks the buckets of the changed customers as changed, and where in them.
func (s *Shard) touchChanged() {
	for i, c := range s.changed {
		if i%aheadEvents == 0 {
			s.warmPlaces(s.changed[i:min(i+aheadEvents, len(s.changed))])
		}
		c.bucket.places[c.pos].changed = true
		s.touch(&c.bucket.block)
	}
	clear(s.changed)
	s.changed = s.changed[:0]
}
