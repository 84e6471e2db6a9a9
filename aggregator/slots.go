package aggregator

import "strconv"

// knownSlots are the slots of labelled cells that the hot path asks for by
// number: looking one up by its label would hash the label each time.
type knownSlots struct {
	atLeast30    []int // by least number of active days; index 0 is not used
	atLeastMonth []int
	hours        []int // by hour of the last activity
	week, month  cohortSlots
}

// cohortSlots are those of one kind of cohort, by number of periods.
type cohortSlots struct {
	active, last Counter
	activeAt     []int
	lastAt       []int
}

// know gives the labelled cells that every user has theirs, so that they lie
// side by side, whatever labels come later.
func (c *cells) know() {
	c.known.atLeast30 = c.numbered(DaysAtLeast30, 31)
	c.known.atLeastMonth = c.numbered(DaysAtLeastMonth, 32)
	c.known.hours = c.numbered(LastHour, hoursADay)
	c.known.week = cohortSlots{active: CohortWeek, last: CohortWeekLast}
	c.known.month = cohortSlots{active: CohortMonth, last: CohortMonthLast}
}

// numbered are the slots of a counter for the labels "0" to n-1.
func (c *cells) numbered(k Counter, n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = c.slotOf(Cell{Counter: k, Label: strconv.Itoa(i)})
	}
	return out
}

// since is the slot of users active a number of periods after their first.
func (c *cells) since(s *cohortSlots, periods int32) int {
	for len(s.activeAt) <= int(periods) {
		s.activeAt = append(s.activeAt, c.slotOf(Cell{Counter: s.active, Label: strconv.Itoa(len(s.activeAt))}))
	}
	return s.activeAt[periods]
}

// lastSince is the slot of users last active a number of periods after their first.
func (c *cells) lastSince(s *cohortSlots, periods int32) int {
	for len(s.lastAt) <= int(periods) {
		s.lastAt = append(s.lastAt, c.slotOf(Cell{Counter: s.last, Label: strconv.Itoa(len(s.lastAt))}))
	}
	return s.lastAt[periods]
}
