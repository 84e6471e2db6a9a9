package aggregator

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/cespare/xxhash/v2"

	"github.com/tidemark-io/tidemark/event"
)

// Need returns the keys of the records that the events touch and that are not
// in memory, and of those that timers, splits and jobs wait for. Load them and
// call it again until it returns none; then Apply takes the events by their index.
func (s *Shard) Need(events []event.Event) []string {
	s.wantSplits()
	asked := s.want
	s.want = map[string]bool{}
	s.found = slices.Grow(s.found[:0], len(events))[:len(events)]
	for i := 0; i < len(events); i += aheadEvents {
		n := min(i+aheadEvents, len(events))
		s.lookUp(events[i:n], s.found[i:n])
	}
	if s.absent > 0 || s.paged > 0 {
		s.needFor(events, asked)
	}
	for key := range asked {
		if s.inMemory(key) {
			delete(asked, key)
		}
	}
	return slices.Sorted(maps.Keys(asked))
}

// needFor asks for the records that the events touch and that are not in memory.
func (s *Shard) needFor(events []event.Event, asked map[string]bool) {
	for i := range events {
		ev, f := &events[i], s.found[i]
		if ev.Kind == event.Unknown {
			continue
		}
		if f.c != nil {
			f.c.bucket.used = true
			if f.c.pages != nil {
				s.needUser(f.c, ev, asked)
			}
			continue
		}
		if slot := slotOf(f.hash, len(s.buckets)); s.buckets[slot] == nil {
			asked[bucketKey(slot)] = true
		}
	}
}

func (s *Shard) needUser(c *customer, ev *event.Event, asked map[string]bool) {
	id := ev.User
	if ev.Kind == event.Survey {
		id = ev.Survey.Respondent
	}
	if id == nil {
		id = ev.Customer
	}
	i := slotOf(xxhash.Sum64(id), len(c.pages.list))
	if c.pages.list[i] == nil {
		asked[pageKey(c.id, i)] = true
	} else {
		c.pages.list[i].used = true
	}
}

// inMemory says whether a record is there, or cannot be: a page of a customer
// whose bucket has to be loaded first is.
func (s *Shard) inMemory(key string) bool {
	id, i, err := parseKey(key)
	if err != nil {
		return true
	}
	if id == "" {
		return i >= len(s.buckets) || s.buckets[i] != nil
	}
	c := s.find(id)
	return c == nil || c.pages == nil || i >= len(c.pages.list) || c.pages.list[i] != nil
}

func (s *Shard) find(id string) *customer {
	return s.index.find(xxhash.Sum64String(id), []byte(id))
}

// Load takes a stored record into memory; a nil value is one that does not exist.
func (s *Shard) Load(key string, value []byte) error {
	id, i, err := parseKey(key)
	if err != nil {
		return err
	}
	if s.inMemory(key) {
		return nil
	}
	if id != "" {
		err = s.loadPage(s.find(id), i, value)
	} else {
		err = s.loadBucket(i, value)
	}
	if err != nil {
		return fmt.Errorf("record %s: %w", key, err)
	}
	return nil
}

func (s *Shard) loadBucket(i int, value []byte) error {
	b := s.newBucket(i)
	s.buckets[i] = b
	if len(value) == 0 {
		return nil
	}
	r := reader{b: value}
	if v := r.byte(); v != recordVersion {
		return fmt.Errorf("version %d, this program reads %d", v, recordVersion)
	}
	b.stored = bytes.Clone(value)
	for len(r.b) > 0 {
		from := len(value) - len(r.b)
		whole := r.bytes(int(min(r.uvarint(), 1<<30)))
		body := reader{b: whole, sources: s.sources.list}
		if r.err != nil {
			break
		}
		c, rareAt := body.customer()
		if body.err != nil {
			return body.err
		}
		end := len(value) - len(r.b)
		hash := xxhash.Sum64String(c.id)
		b.add(c, place{hash: hash, from: uint32(from), rare: uint32(end - len(whole) + rareAt), end: uint32(end)})
		s.index.add(hash, c)
		known := body.epoch == s.sources.epoch
		if !known {
			c.forgetEpisodes()
		}
		s.revive(c)
		if !known && s.dueAt[i] <= s.watermark { // else it has been evaluated, and found as before
			c.due = s.dueAt[i]
			b.places[c.pos].due = c.due
		}
		if c.pages != nil {
			s.paged++
		}
		b.places[c.pos].memory = uint32(c.memory())
	}
	s.measure(&b.block)
	return r.err
}

// revive computes what a loaded record does not store. Its health is walked to
// the moment at which it was last evaluated, so that it equals what the cells
// hold; what has fallen due since is the timers' affair.
func (s *Shard) revive(c *customer) {
	c.derive(&s.opts)
	c.in = s.segments(c)
	if len(c.health.runs) > 0 {
		s.walkTo(c, c.health.now, farFuture)
	}
	if len(c.line.mrr) > 0 {
		c.scored = s.rank(c)
	}
	for r := range s.opts.BandRules {
		if f, ok := s.firing[Pair{s.opts.BandRules[r].Name, c.id}]; ok {
			c.own()
			c.firing |= 1 << r
			c.since[r] = f.Since
		}
	}
	// Nothing was due before the bucket's entry: a timer that has fired may have put
	// it off for longer than the record alone says.
	c.due = max(s.dueOf(c, false), s.dueAt[c.bucket.index])
	c.bucket.places[c.pos].due = c.due
}

func (s *Shard) loadPage(c *customer, i int, value []byte) error {
	p := &page{owner: c, index: i}
	p.block = block{key: pageKey(c.id, i), page: p, memory: 128}
	r := reader{b: value, sources: s.sources.list}
	if v := r.byte(); v != recordVersion {
		return fmt.Errorf("version %d, this program reads %d", v, recordVersion)
	}
	for n := r.count(); n > 0; n-- {
		p.segs = append(p.segs, r.string())
	}
	p.users = make([]user, r.count())
	for k := range p.users {
		p.users[k] = r.user()
	}
	if r.err != nil {
		return r.err
	}
	c.pages.list[i] = p
	s.admit(&p.block)
	s.measure(&p.block)
	return nil
}

var errNotLoaded = errors.New("record is not in memory")
