package simulate

import (
	"math"
	"time"

	"github.com/tidemark-io/tidemark/event"
)

var support, survey = []byte("support"), []byte("survey")

// ticketWait is how long a ticket stays open: hours for the content, days for
// those who are not (or the other way round: who can tell).
func (c *Company) ticketWait(a *account) time.Duration {
	hours := c.exp(5) * (1 + 6*math.Pow(1-a.mood, 2))
	return time.Duration(clamp(hours, 0.2, 150) * float64(time.Hour))
}

// ticket opens one, and resolves it after a time; half of them are asked how it
// went.
func (c *Company) ticket(a *account, wait time.Duration) {
	if a.stage == departed {
		return
	}
	ref := c.name("t")
	a.tickets++
	c.signal(a, "ticket_opened", ref)
	c.after(wait, func() {
		a.tickets--
		c.signal(a, "ticket_resolved", ref)
		if c.chance(0.5) && a.stage != departed {
			c.csat(a, ref, wait)
		}
	})
}

// csat is an answer on 1 to 5; a long wait costs up to two.
func (c *Company) csat(a *account, ref []byte, wait time.Duration) {
	score := 2.2 + 3.2*a.mood - clamp(wait.Hours()/48, 0, 1) + 0.6*c.rng.NormFloat64()
	n := int(clamp(math.Round(score), 1, 5))
	if a.lastScore < 0 {
		a.lastScore = [...]int{0, 0, 0, 4, 8, 10}[n]
	}
	c.answer(a, event.SurveyData{Kind: event.CSAT, Score: int32(n) * 1000, Min: 1000, Max: 5000, Campaign: support, Ref: ref})
}

// nps is an answer on 0 to 10 that goes with a mood.
func (c *Company) nps(a *account, mood float64) {
	n := int(clamp(math.Round(1.6+9*mood+1.2*c.rng.NormFloat64()), 0, 10))
	switch {
	case a.stage == departed:
		return
	case n >= 9:
		a.lastScore = 10
	case n >= 7:
		a.lastScore = 6
	default:
		a.lastScore = 0
	}
	c.answer(a, event.SurveyData{Kind: event.NPS, Score: int32(n) * 1000, Max: 10_000, Campaign: []byte("relationship")})
}

// answer sends a survey answer of one of an account's users.
func (c *Company) answer(a *account, s event.SurveyData) {
	s.Respondent = a.users[c.rng.IntN(len(a.users))].id
	c.emit(a, event.Event{Kind: event.Survey, Source: survey, Survey: s})
}

// health is about what Tidemark's default profile makes of an account: 0 to
// 100. The live scenes use it to find accounts that are near the border.
func (c *Company) health(a *account) float64 {
	day := dayNumber(c.today())
	days, last := 0, dayNumber(time.UnixMilli(a.paidSince).In(c.opts.Zone))
	for i := len(a.active) - 1; i >= 0 && a.active[i] > day-30; i-- {
		days++
	}
	if n := len(a.active); n > 0 {
		last = max(last, a.active[n-1])
	}
	score := 30*points(days, [][2]int{{0, 0}, {1, 2}, {2, 4}, {4, 6}, {8, 8}, {15, 10}}) +
		25*points(int(day-last), [][2]int{{0, 10}, {2, 8}, {4, 6}, {8, 3}, {15, 1}, {31, 0}}) +
		10*points(a.overdue, [][2]int{{0, 10}, {1, 3}, {2, 0}}) +
		5*points(int((c.now-a.paidSince)/(24*60*60*1000)), [][2]int{{0, 4}, {30, 6}, {90, 8}})
	if a.tickets == 0 {
		score += 15
	} else {
		score += 15 * 0.7
	}
	if a.lastScore < 0 {
		return 100 * score / 85
	}
	return score + 1.5*float64(a.lastScore)
}

// points is what a table of steps gives to a value, as a share of 10.
func points(value int, table [][2]int) float64 {
	got := 0
	for _, step := range table {
		if value >= step[0] {
			got = step[1]
		}
	}
	return float64(got) / 10
}
