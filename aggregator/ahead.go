package aggregator

import (
	"github.com/cespare/xxhash/v2"

	"github.com/tidemark-io/tidemark/event"
)

// Records lie scattered over more memory than any cache holds, and finding one
// is a chain of a dozen addresses, each read from memory before the next is
// known: an event would wait a dozen times for some 100 to 300 ns. The chains of
// different events don't depend on each other, and a processor waits for ten or
// more reads at a time when it meets them in one loop. So what the next few
// events of a batch will touch is read ahead, link by link. Nothing here changes
// anything.

const (
	// aheadEvents is how many events are read ahead together: more than a
	// processor has reads under way, few enough that all of what they touch
	// stays in its nearest caches.
	aheadEvents = 32
	aheadBlocks = 8  // the same of buckets that are written
	aheadUsers  = 4  // of a customer; those of large ones are not found by reading a few
	cacheLine   = 64 // bytes
)

// ahead is what reading ahead has found so far.
type ahead struct {
	hashes    [aheadEvents]uint64
	buckets   [aheadEvents]*bucket
	customers []*customer // of the blocks that are written next
	sum       uint64      // of what was read, so that the reads are not left out
}

// warmBuckets hashes the customers of the events and reads their buckets.
func (s *Shard) warmBuckets(events []event.Event) {
	a := &s.ahead
	sum := uint64(0)
	for i := range events {
		a.hashes[i] = xxhash.Sum64(events[i].Customer)
		a.buckets[i] = s.buckets[slotOf(a.hashes[i], len(s.buckets))]
	}
	for _, b := range a.buckets[:len(events)] {
		if b != nil {
			sum += uint64(len(b.hashes) + len(b.key))
		}
	}
	for _, b := range a.buckets[:len(events)] {
		if b != nil && len(b.hashes) > 0 {
			sum += b.hashes[0] + b.customers[0].hash
		}
	}
	a.sum += sum
}

// warmRecords reads the records of customers that events are about to be
// applied to.
func (s *Shard) warmRecords(of []found) {
	sum := uint64(0)
	for i := range of {
		if c := of[i].c; c != nil {
			sum += c.glance()
		}
	}
	for i := range of {
		c := of[i].c
		if c == nil {
			continue
		}
		if len(c.days.w) > 0 {
			sum += c.days.w[0]
		}
		if len(c.health.runs) > 0 {
			sum += uint64(c.health.runs[0].day)
		}
		if len(c.line.paying) > 0 {
			sum += uint64(c.line.paying[0].from)
		}
		for k := range c.users[:min(len(c.users), aheadUsers)] {
			sum += uint64(c.users[k].first)
		}
	}
	for i := range of {
		if c := of[i].c; c != nil {
			for k := range c.users[:min(len(c.users), aheadUsers)] {
				sum += c.users[k].glance()
			}
		}
	}
	s.ahead.sum += sum
}

// warmBlocks reads what writing the blocks will touch: the stored form of the
// customers that have not changed, the records of those that have.
func (s *Shard) warmBlocks(blocks []*block) {
	a := &s.ahead
	sum := uint64(0)
	for _, b := range blocks {
		if b.bucket != nil {
			sum += uint64(len(b.bucket.customers))
		}
	}
	a.customers = a.customers[:0]
	for _, b := range blocks {
		if b.bucket != nil {
			a.customers = append(a.customers, b.bucket.customers...)
		}
	}
	for _, c := range a.customers {
		sum += c.glance()
	}
	for _, c := range a.customers {
		if !c.changed {
			for k := 0; k < len(c.stored); k += cacheLine {
				sum += uint64(c.stored[k])
			}
			continue
		}
		for k := range c.users[:min(len(c.users), aheadUsers)] {
			sum += uint64(c.users[k].first)
		}
	}
	for _, c := range a.customers {
		if c.changed {
			for k := range c.users[:min(len(c.users), aheadUsers)] {
				sum += c.users[k].glance()
			}
		}
	}
	a.sum += sum
}

// glance reads a field of each cache line of the record that most events use.
func (c *customer) glance() uint64 {
	return c.hash + uint64(c.latest) + uint64(c.due) + uint64(len(c.line.paying)+len(c.line.tickets)+len(c.users)+len(c.stored)) +
		uint64(c.health.check.day) + uint64(c.health.now) + uint64(c.health.tail.day) + uint64(c.base.walk.day) + uint64(c.firstPaidDay)
}

// glance reads what a user's record points at.
func (u *user) glance() uint64 {
	sum := uint64(0)
	if len(u.id) > 0 {
		sum = uint64(u.id[0])
	}
	if len(u.days.w) > 0 {
		sum += u.days.w[0]
	}
	return sum
}
