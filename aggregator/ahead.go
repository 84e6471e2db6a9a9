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

// ahead is what reading ahead needs to remember.
type ahead struct {
	likely    [aheadEvents]*customer
	which     [aheadEvents]*found // the look-ups that brought these
	customers []*customer         // of the blocks that are written next
	sum       uint64              // of what was read, so that the reads are not left out
}

// lookUp finds the customers of the events, step by step for all of them.
func (s *Shard) lookUp(events []event.Event, all []found) {
	a := &s.ahead
	sum := uint64(0)
	for i := range events {
		ev := &events[i]
		id := ev.User
		if id == nil {
			id = ev.Customer
		}
		all[i] = found{hash: xxhash.Sum64(ev.Customer), day: s.cal.Day(ev.Time), tag: tagOf(id), login: ev.Kind == event.Login}
	}
	for i := range all {
		sum += s.index.slots[s.index.at(all[i].hash)].hash
	}
	for i := range all {
		c := s.index.likely(all[i].hash)
		if a.likely[i] = c; c != nil {
			sum += uint64(len(c.id))
		}
	}
	for _, c := range a.likely[:len(events)] {
		if c != nil && len(c.id) > 0 {
			sum += uint64(c.id[0])
		}
	}
	for i, c := range a.likely[:len(events)] {
		if c != nil && c.id != string(events[i].Customer) {
			c = s.index.find(all[i].hash, events[i].Customer)
		}
		all[i].c = c
	}
	a.sum += sum
}

// warmRecords reads the records of customers that events are about to be
// applied to, and of the users that they name. Of the rare part a login touches
// only when somebody pays, on the first active day of the customer.
func (s *Shard) warmRecords(of []found) {
	a := &s.ahead
	sum, n := uint64(0), 0
	for i := range of {
		if c := of[i].c; c != nil {
			sum += uint64(len(c.users))
			a.likely[n], a.which[n] = c, &of[i]
			n++
		}
	}
	for i, c := range a.likely[:n] {
		for k := range c.users[:min(len(c.users), aheadUsers)] {
			sum += uint64(c.users[k].first)
		}
		if c.behind > 0 {
			sum += uint64(s.behind[c.behind-1].day)
		}
		if c.firstPaidDay == noDay || c.days.has(a.which[i].day) {
			continue
		}
		sum += uint64(c.health.live) + uint64(len(c.line.paying))
	}
	for i, c := range a.likely[:n] {
		for k := range c.users[:min(len(c.users), aheadUsers)] {
			if u := &c.users[k]; u.tag() == a.which[i].tag {
				sum += u.glance()
			}
		}
		if c.firstPaidDay != noDay && !c.days.has(a.which[i].day) && len(c.line.paying) > 0 {
			sum += uint64(c.line.paying[0].from)
		}
	}
	n = 0
	for i := range of {
		if c := of[i].c; c != nil && !of[i].login {
			a.likely[n] = c
			n++
		}
	}
	a.sum += sum
	s.warmRare(a.likely[:n])
}

// warmBehind reads what bringing the cells up to the records will touch.
func (s *Shard) warmBehind(of []behind) {
	a := &s.ahead
	for i := range of {
		a.likely[i] = of[i].c
	}
	s.warmRare(a.likely[:len(of)])
	s.warmPlaces(a.likely[:len(of)])
}

// warmRare reads records with their rare parts; some may be nil.
func (s *Shard) warmRare(of []*customer) {
	sum := uint64(0)
	for _, c := range of {
		if c != nil {
			sum += c.glance()
		}
	}
	for _, c := range of {
		if c == nil {
			continue
		}
		if c.rare != &noRare {
			sum += c.rare.glance()
		}
		if len(c.health.runs) > 0 {
			sum += uint64(c.health.runs[0].day)
		}
	}
	for _, c := range of {
		if c == nil {
			continue
		}
		if len(c.line.mrr) > 0 {
			sum += uint64(c.line.mrr[0].day)
		}
		if len(c.line.paying) > 0 {
			sum += uint64(c.line.paying[0].from)
		}
	}
	s.ahead.sum += sum
}

// warmPlaces reads what the buckets of customers know of them; some may be nil.
func (s *Shard) warmPlaces(of []*customer) {
	sum := uint64(0)
	for _, c := range of {
		if c != nil {
			sum += uint64(len(c.bucket.places))
		}
	}
	for _, c := range of {
		if c != nil {
			sum += uint64(c.bucket.places[c.pos].due)
		}
	}
	s.ahead.sum += sum
}

// warmBlocks reads what writing the blocks will touch: the stored form before,
// and the records that have changed.
func (s *Shard) warmBlocks(blocks []*block) {
	a := &s.ahead
	sum := uint64(0)
	for _, b := range blocks {
		if b.bucket != nil {
			sum += uint64(len(b.bucket.customers) + len(b.bucket.stored))
		}
	}
	a.customers = a.customers[:0]
	for _, b := range blocks {
		if b.bucket == nil {
			continue
		}
		for k := 0; k < len(b.bucket.stored); k += cacheLine {
			sum += uint64(b.bucket.stored[k])
		}
		for k := range b.bucket.places {
			if b.bucket.places[k].changed {
				a.customers = append(a.customers, b.bucket.customers[k])
			}
		}
	}
	for _, c := range a.customers {
		sum += c.glance()
	}
	for _, c := range a.customers {
		for k := range c.users[:min(len(c.users), aheadUsers)] {
			sum += uint64(c.users[k].first)
		}
		if len(c.health.runs) > 0 {
			sum += uint64(c.health.runs[0].day)
		}
	}
	for _, c := range a.customers {
		for k := range c.users[:min(len(c.users), aheadUsers)] {
			sum += c.users[k].glance()
		}
	}
	a.sum += sum
}

// glance reads a field of each cache line of the record.
func (c *customer) glance() uint64 {
	return uint64(c.latest) + uint64(len(c.users)) + uint64(c.health.live)
}

// glance reads a field of each cache line of the rare part that most events use.
func (c *rare) glance() uint64 {
	return uint64(len(c.line.paying)+len(c.line.invoices)+len(c.answers)) + uint64(c.episodes.base[0].since) + uint64(c.episodes.now[0].since)
}

// glance reads what a user's record points at.
func (u *user) glance() uint64 {
	if len(u.id) > 0 {
		return uint64(u.id[0])
	}
	return 0
}
