package aggregator

// What an event changes of money and health reaches the cells later than the
// event reaches the record: once for each customer before time moves on or the
// changes are handed over, however many events came. Until then the timeline, the
// walk and the due time are those that the cells hold, and the customer is behind.

// behind is a customer whose cells don't hold yet what its record says.
type behind struct {
	c     *customer
	day   int32 // the first one on which something changed
	money bool  // the timeline does not know all money events
	cause Cause // of the last change
}

// later notes that a change on a day has to reach the cells.
func (s *Shard) later(c *customer, day int32, ch change, cause Cause) {
	if c.behind == 0 {
		s.behind = append(s.behind, behind{c: c, day: day})
		c.behind = int32(len(s.behind))
	}
	b := &s.behind[c.behind-1]
	b.day = min(b.day, day)
	b.money = b.money || ch.money
	b.cause = cause
}

// catchUp brings the cells up to all records.
func (s *Shard) catchUp() {
	s.e.spend()
	for i := range s.behind {
		if i%aheadEvents == 0 {
			s.warmBehind(s.behind[i:min(i+aheadEvents, len(s.behind))])
		}
		s.catchUpWith(&s.behind[i])
	}
	clear(s.behind)
	s.behind = s.behind[:0]
	s.spendBeginners()
}

// catchUpWith brings the cells up to one record. Its entry stays, and says that
// there is nothing more.
func (s *Shard) catchUpWith(b *behind) {
	c := b.c
	if c == nil {
		return
	}
	c.behind, b.c = 0, nil
	s.cause = b.cause
	if !b.money {
		s.evaluate(c, b.day)
		return
	}
	old, oldFirst := c.line, c.firstPaidDay
	c.deriveMoney(&s.opts)
	s.replace(c, &old, oldFirst, b.day, b.day)
}
