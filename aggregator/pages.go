package aggregator

import (
	"slices"
	"strconv"

	"github.com/cespare/xxhash/v2"
)

// perPage is how many users a page has on average at the most.
const perPage = 24

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

func pageKey(customer string, i int) string { return "u/" + customer + "/" + strconv.Itoa(i) }

// findUser returns the record of a user, a new one where there is none.
func (s *Shard) findUser(c *customer, id []byte) (*user, *page) {
	tag := tagOf(id)
	for i := range c.users {
		if c.users[i].tag() == tag && c.users[i].id == string(id) {
			return &c.users[i], nil
		}
	}
	if c.pages == nil {
		if len(c.users) < s.opts.MaxUsersInline {
			if c.users == nil && string(id) != c.id {
				c.users = make([]user, 0, 2) // who names one mostly has another
			}
			c.users = append(c.users, newUser(string(id)))
			u := &c.users[len(c.users)-1]
			s.grown(&c.bucket.block, u.memory())
			return u, nil
		}
		s.spill(c)
	}
	p := c.pages.list[slotOf(xxhash.Sum64(id), len(c.pages.list))]
	for i := range p.users {
		if p.users[i].tag() == tag && p.users[i].id == string(id) {
			return &p.users[i], p
		}
	}
	c.pages.users++
	s.change(c)
	if s.growPages(c) {
		p = c.pages.list[slotOf(xxhash.Sum64(id), len(c.pages.list))]
	}
	p.users = append(p.users, newUser(string(id)))
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
