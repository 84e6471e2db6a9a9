package aggregator

import "github.com/tidemark-io/tidemark/event"

// Most customers who begin to pay do nothing but that between two commits, and
// pay what others do. What they contribute of money is the same for all who begin
// on a day with an amount, so that they are counted, and the cells change once for
// all of them. It is so for the whole; segments have few of each.

// beginner is the day on which customers begin to pay, and how much a month.
type beginner struct {
	day      int32
	currency event.Currency
	monthly  int64
}

// countBeginner counts a customer who has never paid, by the timeline before, and
// whose own says that it pays an amount from a day on for ever. It says whether that
// is so; then nothing is left to contribute of its money but silent days.
func (s *Shard) countBeginner(c *customer, old *timeline) bool {
	t := &c.line
	if c.in != &wholeOnly || len(old.mrr)+len(old.paying)+len(old.cancels) > 0 ||
		len(t.mrr) != 1 || len(t.paying) != 1 || len(t.cancels) > 0 || t.paying[0].to != never {
		return false
	}
	x := &t.mrr[0]
	if x.monthly <= 0 || x.at != t.paying[0].from || x.day != t.since || x.day != c.firstPaidDay {
		return false
	}
	if s.beginners == nil {
		s.beginners = map[beginner]int64{}
	}
	s.beginners[beginner{x.day, x.currency, x.monthly}]++
	return true
}

// spendBeginners adds to the cells what has been counted.
func (s *Shard) spendBeginners() {
	for b, n := range s.beginners {
		at := s.cal.Start(b.day)
		one := customer{firstPaidDay: b.day, rare: &rare{base: &noBase, line: timeline{since: b.day,
			mrr:    []mrrStep{{at: at, day: b.day, currency: b.currency, monthly: b.monthly}},
			paying: []span{{from: at, to: never}}}}}
		s.e.sign, s.e.straight = n, true
		s.contributeMoney(&s.e, &one)
		s.e.flush(wholeOnly)
	}
	clear(s.beginners)
}
