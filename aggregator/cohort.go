package aggregator

import (
	"slices"

	"github.com/tidemark-io/tidemark/civil"
)

// Cohorts: users by the week and the month of their first activity.
//
// How many of a cohort were active exactly k periods later is a level in the rows
// of that later period, by k alone: the row says which period it is, so k says
// which cohort. It can still be written when somebody returns after the horizon.
// How many were active k periods later or at any time since is read from a
// standing count by cohort and last active period; it has no past.

// maxPeriods bounds the number of periods since the first activity that are told
// apart: 20 years of weeks. What lies beyond counts as the last.
const maxPeriods = 1040

// cohortPeriods are the kinds of cohorts.
var cohortPeriods = [2]civil.Period{civil.Week, civil.Month}

// cohort is one kind of cohort.
type cohort struct {
	period civil.Period
	slots  *cohortSlots
}

func (e *emitter) cohortKinds() [2]cohort {
	return [2]cohort{{cohortPeriods[0], &e.cells.known.week}, {cohortPeriods[1], &e.cells.known.month}}
}

// cohortPlaces says of each place among a record's segments, the whole first,
// whether it takes cohorts.
func cohortPlaces(o *Options) []bool {
	out := make([]bool, 1+len(o.Dimensions))
	for i, d := range o.Dimensions {
		out[i+1] = slices.Contains(o.Cohorts, d)
	}
	return out
}

// contributeCohorts is what a user's days contribute, from the beginning of the
// look-back. ever is its first active day.
func (e *emitter) contributeCohorts(s *dayset, ever, from int32) {
	if ever == noDay {
		return
	}
	for _, c := range e.cohortKinds() {
		for d := s.next(from - 1); d != farFuture; {
			_, next := e.periods.bounds(c.period, d)
			e.scoped(toCohort, e.cells.since(c.slots, e.apart(c.period, ever, d)), d, next, 1)
			d = s.next(next - 1)
		}
		e.lastOf(c, ever, s.last(), 1)
	}
}

// addToCohorts is the change that a new active day makes to a user whose first
// one ever it is not, nor the last. The day is in the set already.
func (e *emitter) addToCohorts(s *dayset, ever, d int32) {
	p, q := s.prev(d), s.next(d)
	for _, c := range e.cohortKinds() {
		if first, next := e.periods.bounds(c.period, d); p < first {
			e.scoped(toCohort, e.cells.since(c.slots, e.apart(c.period, ever, d)), d, min(q, next), 1)
		}
	}
}

func (e *emitter) lastOf(c cohort, ever, last int32, v int64) {
	first, _ := e.periods.number(c.period, ever)
	e.stand(toCohort, e.cells.lastSince(c.slots, e.apart(c.period, ever, last)), first, v)
}

// apart is how many periods later than the first active day ever a day lies.
func (e *emitter) apart(kind civil.Period, ever, d int32) int32 {
	_, from := e.periods.number(kind, ever)
	_, to := e.periods.number(kind, d)
	return min(to-from, maxPeriods)
}

// rebaseCohorts is the change that a new active day makes to a user whose first
// one ever it is: everything counts under another cohort. The day is in the set
// already; ever is the first one before it came.
func (e *emitter) rebaseCohorts(s *dayset, ever, d, from int32) {
	sign := e.sign
	e.sign = -sign
	e.contributeCohorts(s, ever, max(from, d+1)) // the others are all later
	e.sign = sign
	e.contributeCohorts(s, d, from)
}
