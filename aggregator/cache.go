package aggregator

import "slices"

// block is what buckets and pages have in common: a stored value that is in
// memory, and may be dropped when it is clean.
type block struct {
	key    string
	dirty  bool
	used   bool // since the clock's hand passed
	memory int  // bytes, estimated
	bucket *bucket
	page   *page
}

// touch marks a block as changed.
func (s *Shard) touch(b *block) {
	b.used = true
	if !b.dirty {
		b.dirty = true
		s.dirty = append(s.dirty, b)
	}
}

func (s *Shard) admit(b *block) {
	b.used = true
	s.loaded = append(s.loaded, b)
	s.memory += b.memory
}

// evict drops clean blocks until what is in memory is within the limit, those
// first that were not used since the hand last passed.
func (s *Shard) evict(limit int) {
	for turns := 2 * len(s.loaded); s.memory > limit && turns > 0; turns-- {
		if s.hand >= len(s.loaded) {
			s.hand = 0
		}
		b := s.loaded[s.hand]
		if b.used || b.dirty || !s.drop(b) {
			b.used = false
			s.hand++
			continue
		}
		s.memory -= b.memory
		last := len(s.loaded) - 1
		s.loaded[s.hand] = s.loaded[last]
		s.loaded[last] = nil
		s.loaded = s.loaded[:last]
	}
}

// drop takes a block out of its place; false where others hang on it.
func (s *Shard) drop(b *block) bool {
	if p := b.page; p != nil {
		p.owner.pages.list[p.index] = nil
		return true
	}
	for _, c := range b.bucket.customers {
		if c.pages != nil && slices.ContainsFunc(c.pages.list, func(p *page) bool { return p != nil }) {
			return false
		}
	}
	for i, c := range b.bucket.customers {
		if c.pages != nil {
			s.paged--
		}
		s.index.remove(b.bucket.places[i].hash, c)
	}
	s.buckets[b.bucket.index] = nil
	s.absent++
	return true
}

// measure brings a block's memory up to date. Of a bucket it takes what its
// customers were measured at when they were written.
func (s *Shard) measure(b *block) {
	n := blockBytes
	if p := b.page; p != nil {
		for i := range p.users {
			n += p.users[i].memory()
		}
	} else {
		n += cap(b.bucket.stored)
		for i := range b.bucket.places {
			n += int(b.bucket.places[i].memory)
		}
	}
	s.memory += n - b.memory
	b.memory = n
}

// grown counts what has come to a block since it was measured, so that a batch
// of nothing but new records, payments or answers does not go unseen until it is
// committed.
func (s *Shard) grown(b *block, bytes int) {
	b.memory += bytes
	s.memory += bytes
}

// What a block, a customer and the rare part of one take by themselves, their
// place and their entry in the index included.
const (
	blockBytes    = 200
	customerBytes = 192 + 48 + 32
	rareBytes     = 448
	baseBytes     = 168
	userBytes     = 64
	moneyBytes    = 128 // of a money event, its texts included
	answerBytes   = 120 // likewise of a survey answer
)

func (u *user) memory() int {
	n := userBytes + len(u.id) + u.days.memory()
	if u.answers != nil {
		n += 24 + answerBytes*cap(*u.answers)
	}
	return n
}

func (c *customer) memory() int {
	n := customerBytes + len(c.id) + c.days.memory() + 8*cap(c.health.runs)
	for i := range c.users {
		n += c.users[i].memory()
	}
	if c.pages != nil {
		n += 8 * len(c.pages.list)
	}
	if c.rare == &noRare {
		return n
	}
	if c.base != &noBase {
		n += baseBytes
	}
	n += rareBytes + moneyBytes*cap(c.money) + 80*cap(c.signals) + 72*cap(c.answers) + 96*cap(c.attrs) + 32*(cap(c.line.paying)+cap(c.line.mrr))
	for i := range c.signals {
		n += 16 * cap(c.signals[i].events)
	}
	return n
}
