package aggregator

import (
	"fmt"
	"math/big"
)

// Scores of customers added up. A score changes with time and not only with
// events, so no cell holds it: the records are read through once in a while, in
// the order of their buckets.

// ScoreScan adds up the scores of one shard's customers, a part of its buckets at
// a time, while their owner goes on. Each customer counts once, although
// buckets are split meanwhile; one that comes meanwhile may be missing.
type ScoreScan struct {
	unit int64
	sums map[string]map[int64]scoreSum // by segment, then by the weight of the signals with a value
	seen []int32                       // by bucket: how many there were when it was read
}

type scoreSum struct{ customers, num int64 }

// Keys are those of the n buckets that are to be read next; of some of them there
// may be no record, and not even a bucket.
func (x *ScoreScan) Keys(n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = bucketKey(len(x.seen) + i)
	}
	return keys
}

// Add adds the buckets that were read by Keys, all of one commit. Of st the
// watermark, the first day and the table are needed. A customer's score is that
// of its now, the later of at (Unix ms) and its latest event. More says that
// there are buckets left.
func (x *ScoreScan) Add(o Options, st Stored, at int64, values [][]byte) (more bool, err error) {
	s, err := Open(o, st)
	if err != nil {
		return false, err
	}
	x.unit = s.scorer.unit
	first := len(x.seen)
	n := min(len(values), len(s.buckets)-first)
	for range n {
		x.seen = append(x.seen, int32(len(s.buckets)))
	}
	for i := range max(n, 0) {
		if err := s.loadBucket(first+i, values[i]); err != nil {
			return false, fmt.Errorf("record %s: %w", bucketKey(first+i), err)
		}
		x.addBucket(s, s.buckets[first+i], at)
	}
	return len(x.seen) < len(s.buckets), nil
}

func (x *ScoreScan) addBucket(s *Shard, b *bucket, at int64) {
	for _, c := range b.customers {
		now := max(at, c.latest)
		if now == 0 || !c.line.pays(now) || x.counted(b.index, b.places[c.pos].hash) {
			continue
		}
		total := s.momentScore(c, s.dailyScore(c, s.cal.Day(now)), now)
		if total.weight == 0 {
			continue
		}
		for _, seg := range c.segs() {
			if seg >= 0 {
				x.add(s.cells.segments[seg].name, total)
			}
		}
	}
}

func (x *ScoreScan) add(segment string, total score) {
	if x.sums == nil {
		x.sums = map[string]map[int64]scoreSum{}
	}
	sums := x.sums[segment]
	if sums == nil {
		sums = map[int64]scoreSum{}
		x.sums[segment] = sums
	}
	sum := sums[total.weight]
	sums[total.weight] = scoreSum{sum.customers + 1, sum.num + total.num}
}

// counted says whether a customer was met before its bucket was split off from
// the one that it lay in.
func (x *ScoreScan) counted(bucket int, hash uint64) bool {
	for bucket >= firstBuckets {
		if bucket = splitOf(bucket); slotOf(hash, int(x.seen[bucket])) == bucket {
			return true
		}
	}
	return false
}

// Each visits the segments that have customers with a score, "" the whole, in no
// order: how many these are, and the sum of their scores, exactly.
func (x *ScoreScan) Each(visit func(segment string, customers int64, sum *big.Rat)) {
	for segment, sums := range x.sums {
		total, n := new(big.Rat), int64(0)
		for weight, sum := range sums {
			n += sum.customers
			total.Add(total, big.NewRat(100*sum.num, x.unit*weight))
		}
		visit(segment, n, total)
	}
}
