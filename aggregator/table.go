package aggregator

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
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
	perPage      = 24
)

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

type page struct {
	block
	owner *customer
	index int
	users []user
	segs  []string // segments that its users are counted under
}

// pages are the users of a customer who has many.
type pages struct {
	list  []*page // nil: not in memory
	users int
	moved int // pages below are counted under the customer's present segments; len(list): all
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

func pageKey(customer string, i int) string { return "u/" + customer + "/" + strconv.Itoa(i) }

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

// Table is what a shard has to know to find its records; a part of its head.
type Table struct {
	Buckets   int
	Customers int
	Off       []string // dimensions that are switched off
	Jobs      []string // customers whose users are being moved to another segment
	Sources   []string // names of the sources that records refer to by number
	Reasons   []string // reasons of cancellations that are kept apart
	Questions []string // of CLI surveys, that are kept apart
}

const tableVersion = 2

// Append writes the table as ParseTable reads it.
func (t *Table) Append(dst []byte) []byte {
	dst = append(dst, tableVersion)
	dst = binary.AppendUvarint(dst, uint64(t.Buckets))
	dst = binary.AppendUvarint(dst, uint64(t.Customers))
	for _, list := range [][]string{t.Off, t.Jobs, t.Sources, t.Reasons, t.Questions} {
		dst = binary.AppendUvarint(dst, uint64(len(list)))
		for _, s := range list {
			dst = appendString(dst, s)
		}
	}
	return dst
}

// ParseTable reads what Append writes.
func ParseTable(b []byte) (Table, error) {
	r := reader{b: b}
	if v := r.byte(); r.err != nil || v != tableVersion {
		return Table{}, fmt.Errorf("stored table has version %d, this program reads %d", v, tableVersion)
	}
	t := Table{Buckets: int(r.uvarint()), Customers: int(r.uvarint())}
	for _, list := range []*[]string{&t.Off, &t.Jobs, &t.Sources, &t.Reasons, &t.Questions} {
		for n := r.count(); n > 0; n-- {
			*list = append(*list, r.string())
		}
	}
	if t.Buckets < firstBuckets {
		r.fail()
	}
	return t, r.err
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
// of nothing but new records does not go unseen until it is committed.
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
)

func (u *user) memory() int {
	n := userBytes + len(u.id) + u.days.memory()
	if u.answers != nil {
		n += 24 + 120*cap(*u.answers)
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
	n += rareBytes + 128*cap(c.money) + 80*cap(c.signals) + 72*cap(c.answers) + 96*cap(c.attrs) + 32*(cap(c.line.paying)+cap(c.line.mrr))
	for i := range c.signals {
		n += 16 * cap(c.signals[i].events)
	}
	return n
}

// findUser returns the record of a user, a new one where there is none.
func (s *Shard) findUser(c *customer, id []byte) (*user, *page) {
	if c.pages == nil {
		for i := range c.users {
			if c.users[i].id == string(id) {
				return &c.users[i], nil
			}
		}
		if len(c.users) < s.opts.MaxUsersInline {
			if c.users == nil && string(id) != c.id {
				c.users = make([]user, 0, 2) // who names one mostly has another
			}
			c.users = append(c.users, user{id: string(id), first: noDay})
			u := &c.users[len(c.users)-1]
			s.grown(&c.bucket.block, u.memory())
			return u, nil
		}
		s.spill(c)
	}
	p := c.pages.list[slotOf(xxhash.Sum64(id), len(c.pages.list))]
	for i := range p.users {
		if p.users[i].id == string(id) {
			return &p.users[i], p
		}
	}
	c.pages.users++
	s.change(c)
	if s.growPages(c) {
		p = c.pages.list[slotOf(xxhash.Sum64(id), len(c.pages.list))]
	}
	p.users = append(p.users, user{id: string(id), first: noDay})
	u := &p.users[len(p.users)-1]
	s.grown(&p.block, u.memory())
	return u, p
}

// spill moves a customer's users from its record into pages.
func (s *Shard) spill(c *customer) {
	n := 1
	for n*perPage < len(c.users) {
		n *= 2
	}
	c.own()
	c.pages = &pages{list: make([]*page, n), users: len(c.users), moved: n}
	s.change(c)
	s.paged++
	for i := range c.pages.list {
		c.pages.list[i] = s.newPage(c, i)
	}
	for _, u := range c.users {
		p := c.pages.list[slotOf(xxhash.Sum64String(u.id), n)]
		p.users = append(p.users, u)
	}
	c.users = nil
}

func (s *Shard) newPage(c *customer, i int) *page {
	p := &page{owner: c, index: i, segs: s.segmentNames(c)}
	p.block = block{key: pageKey(c.id, i), page: p, memory: blockBytes}
	s.admit(&p.block)
	s.touch(&p.block)
	return p
}

// growPages splits a page where the customer has too many users for their
// number; where that page is not in memory it is asked for and split later.
func (s *Shard) growPages(c *customer) bool {
	n := len(c.pages.list)
	if c.pages.users <= perPage*n {
		return false
	}
	from := c.pages.list[splitOf(n)]
	if from == nil {
		s.want[pageKey(c.id, splitOf(n))] = true
		return false
	}
	to := s.newPage(c, n)
	to.segs = slices.Clone(from.segs)
	if c.pages.moved == n {
		c.pages.moved++
	}
	c.pages.list = append(c.pages.list, to)
	keep := from.users[:0]
	for _, u := range from.users {
		if slotOf(xxhash.Sum64String(u.id), n+1) == n {
			to.users = append(to.users, u)
		} else {
			keep = append(keep, u)
		}
	}
	clear(from.users[len(keep):])
	from.users = keep
	s.touch(&from.block)
	return true
}
