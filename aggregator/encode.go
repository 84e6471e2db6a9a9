package aggregator

import (
	"encoding/binary"
	"errors"

	"github.com/tidemark-io/tidemark/event"
)

// The stored form of records: varints, and strings with their length before
// them. A bucket is its customers one after another, each with its length
// before it; a page is the users of one customer. The first byte is the version.

const recordVersion = 3

var errRecord = errors.New("stored record is damaged")

// reader reads what the append functions write; the first error sticks.
type reader struct {
	b       []byte
	sources []string
	epoch   uint8 // of the rules on bands, when the customer was written
	err     error
}

func (r *reader) fail() {
	r.err, r.b = errRecord, nil
}

func (r *reader) uvarint() uint64 {
	u, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return u
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.fail()
		return 0
	}
	x := r.b[0]
	r.b = r.b[1:]
	return x
}

func (r *reader) bytes(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.fail()
		return nil
	}
	x := r.b[:n]
	r.b = r.b[n:]
	return x
}

func (r *reader) string() string { return string(r.bytes(int(min(r.uvarint(), 1<<20)))) }

// count is the length of a list of entries of at least one byte each.
func (r *reader) count() int {
	n := r.uvarint()
	if n > uint64(len(r.b)) {
		r.fail()
		return 0
	}
	return int(n)
}

func (r *reader) currency() (c event.Currency) {
	copy(c[:], r.bytes(3))
	return c
}

func (r *reader) day() int32 { return unzigzag(r.uvarint()) }

func appendString(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

func appendDay(dst []byte, d int32) []byte { return binary.AppendUvarint(dst, zigzag(d)) }

// Parts of a customer's record that not all have: a bit each.
const (
	hasHealth = 1 << iota
	hasChains
	hasPages
	hasRare
	sameDays // the only user has the customer's id and its days
)

// append writes a record. Days before from are left out. Rare is the rare part as
// it was last written, which is written anew only where rewrite says so; where it
// begins in dst comes back.
func (c *customer) append(dst []byte, from int32, src *sources, rare []byte) (_ []byte, rareAt int) {
	dst = appendString(dst, c.id)
	at := len(dst)
	dst = append(dst, 0)
	bits := byte(0)
	put := func(bit byte, has bool) bool {
		if has {
			bits |= bit
		}
		return has
	}
	dst = binary.AppendVarint(dst, c.latest)
	dst = append(dst, byte(c.listed), src.epoch, byte(c.health.base.band))
	dst = appendDay(dst, c.health.base.day)
	if !put(sameDays, c.pages == nil && len(c.users) == 1 && c.users[0].id == c.id) {
		dst = c.days.append(dst, from)
	}
	if put(hasHealth, len(c.health.runs) > 0) {
		dst = c.health.append(dst)
	}
	if put(hasChains, c.episodes.check != chains{}) {
		dst = c.episodes.check.append(dst)
	}
	if put(hasPages, c.pages != nil) {
		dst = binary.AppendUvarint(dst, uint64(len(c.pages.list)))
		dst = binary.AppendUvarint(dst, uint64(c.pages.users))
		dst = binary.AppendUvarint(dst, uint64(c.pages.moved))
	}
	dst = binary.AppendUvarint(dst, uint64(len(c.users)))
	for i := range c.users {
		dst = c.users[i].append(dst, from, src)
	}
	dst = c.appendValue(dst)
	rareAt = len(dst)
	switch {
	case c.rare == &noRare:
	case c.rewrite || rare == nil:
		dst = c.rare.append(dst, src, rare)
	default:
		dst = append(dst, rare...)
	}
	put(hasRare, len(dst) > rareAt)
	dst[at] = bits
	return dst, rareAt
}

func (r *reader) customer() (c *customer, rareAt int) {
	all := len(r.b)
	c = &customer{id: r.string(), rare: &noRare}
	bits := r.byte()
	c.latest = r.varint()
	c.listed, r.epoch = Band(r.byte()), r.byte()
	c.health.base.band = r.band()
	c.health.base.day = r.day()
	if bits&sameDays == 0 {
		c.days = r.dayset()
	}
	if bits&hasHealth != 0 {
		r.health(&c.health)
	}
	if bits&hasChains != 0 {
		c.own()
		c.episodes.check = r.chains()
	}
	if bits&hasPages != 0 {
		n := r.uvarint()
		if n > 1<<22 {
			r.fail()
			return c, 0
		}
		c.own()
		c.pages = &pages{list: make([]*page, n), users: int(r.uvarint()), moved: int(r.uvarint())}
	}
	c.users = make([]user, r.count())
	for i := range c.users {
		c.users[i] = r.user()
	}
	if bits&sameDays != 0 && len(c.users) == 1 {
		c.days = c.users[0].days.clone()
	}
	r.value(c)
	rareAt = all - len(r.b)
	if bits&hasRare != 0 {
		c.own()
		r.rare(c.rare)
	}
	return c, rareAt
}

func (u *user) append(dst []byte, from int32, src *sources) []byte {
	dst = appendString(dst, u.id)
	dst = appendDay(dst, u.first)
	dst = u.days.append(dst, from)
	answers := u.surveyed()
	dst = binary.AppendUvarint(dst, uint64(u.hours())<<1|b2u(len(answers) > 0))
	if len(answers) == 0 {
		return dst
	}
	dst = binary.AppendUvarint(dst, uint64(len(answers)))
	for i := range answers {
		a := &answers[i]
		dst = binary.AppendVarint(dst, a.time)
		dst = append(dst, byte(a.kind))
		dst = appendDay(dst, a.day)
		dst = src.append(dst, a.source)
		for _, v := range [...]int32{a.score, a.min, a.max} {
			dst = binary.AppendVarint(dst, int64(v))
		}
		for _, v := range [...]string{a.id, a.campaign, a.ref} {
			dst = appendString(dst, v)
		}
		if a.kind == event.CLI {
			dst = a.appendQuestions(dst)
		}
	}
	return dst
}

func (r *reader) user() user {
	u := newUser(r.string())
	u.first, u.days = r.day(), r.dayset()
	x := r.uvarint()
	if x>>1 > allHours {
		r.fail()
	}
	u.setHours(uint32(x>>1) & allHours)
	if x&1 == 0 {
		return u
	}
	answers := make([]answer, r.count())
	for i := range answers {
		a := &answers[i]
		a.time, a.kind, a.day, a.source = r.varint(), event.SurveyKind(r.byte()), r.day(), r.source()
		a.score, a.min, a.max = int32(r.varint()), int32(r.varint()), int32(r.varint())
		a.id, a.campaign, a.ref = r.string(), r.string(), r.string()
		if a.kind == event.CLI {
			a.questions = r.questions()
		}
	}
	u.setAnswers(answers)
	return u
}

func b2u(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// sources numbers the sources of a shard's events, so that a record names them
// in a byte. Past maxSources a record holds the name itself.
type sources struct {
	list  []string
	index map[string]int
	epoch uint8      // of the rules on bands, see Table
	codec moneyCodec // its memory is used again
}

const maxSources = 250

func newSources(list []string) *sources {
	s := &sources{list: list, index: map[string]int{}}
	for i, name := range list {
		s.index[name] = i
	}
	return s
}

// intern returns the name as a string that all records share.
func (s *sources) intern(name []byte) string {
	if i, ok := s.index[string(name)]; ok {
		return s.list[i]
	}
	if len(s.list) == maxSources {
		return string(name)
	}
	s.index[string(name)] = len(s.list)
	s.list = append(s.list, string(name))
	return s.list[len(s.list)-1]
}

func (s *sources) append(dst []byte, name string) []byte {
	if i, ok := s.index[name]; ok {
		return append(dst, byte(i+1))
	}
	return appendString(append(dst, 0), name)
}

func (r *reader) source() string {
	i := int(r.byte())
	switch {
	case i == 0:
		return r.string()
	case i > len(r.sources):
		r.fail()
		return ""
	}
	return r.sources[i-1]
}
