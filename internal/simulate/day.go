package simulate

import (
	"math"
	"time"

	"github.com/tidemark-io/tidemark/event"
)

// workday is the share of a working day's logins in each of its hours.
var workday = [24]float64{
	0.2, 0.1, 0.1, 0.1, 0.2, 0.5, 1.5, 3.5, 7.5, 10.5, 10.5, 8.5, 6.0, 7.5, 9.5, 9.5, 8.0, 5.5, 3.0, 2.2, 2.0, 1.6, 1.0, 0.5,
}

// today is the present moment in the company's zone.
func (c *Company) today() time.Time { return time.UnixMilli(c.now).In(c.opts.Zone) }

// day plans a day of everybody, and the next one.
func (c *Company) day(midnight time.Time) {
	next := midnight.AddDate(0, 0, 1)
	c.at(next.UnixMilli(), func() { c.day(next) })
	c.crowd = c.crowd[:0]
	pace := season(midnight)
	for _, a := range c.accounts {
		c.feel(a)
		c.use(a, midnight, pace)
		c.decide(a, midnight)
	}
	// New accounts: about 5 % of the company's first size a month.
	for n := c.poisson(float64(c.opts.Customers) * 0.0017); n > 0; n-- {
		c.sometime(midnight, c.join)
	}
}

// season is the pace of a day: weekends, the holidays, and a quiet summer.
func season(day time.Time) float64 {
	pace := 1 + 0.06*math.Cos(2*math.Pi*float64(day.YearDay()-45)/365)
	switch day.Weekday() {
	case time.Saturday, time.Sunday:
		pace *= 0.27
	case time.Friday:
		pace *= 0.9
	}
	if _, m, d := day.Date(); m == time.December && d >= 24 || m == time.January && d == 1 {
		pace *= 0.45
	}
	return pace
}

// feel moves an account's mood by a day: back to where it is in the long run,
// with good and bad days, and down while it is on its way out.
func (c *Company) feel(a *account) {
	goal := a.base
	if a.decline != 0 || a.stage == leaving {
		goal = 0.15
	}
	goal -= 0.08*float64(min(a.tickets, 3)) + 0.05*float64(min(a.overdue, 2))
	a.mood = clamp(a.mood+0.07*(goal-a.mood)+0.025*c.rng.NormFloat64(), 0.02, 1)
}

// intensity is how much of its habits an account still has.
func (c *Company) intensity(a *account) float64 {
	x := clamp(0.4+0.8*a.mood, 0, 1.1)
	switch {
	case a.stage == departed:
		return 0
	case a.stage == leaving:
		return 0.12 * x
	case a.decline != 0:
		past := float64(c.now-a.decline) / (24 * 60 * 60 * 1000) / float64(a.fade)
		return x * clamp(1-0.88*past, 0.12, 1)
	}
	return x
}

// use plans the logins of an account's users.
func (c *Company) use(a *account, midnight time.Time, pace float64) {
	level := c.intensity(a) * pace
	if level == 0 {
		return
	}
	day := dayNumber(midnight)
	for _, u := range a.users {
		if !c.chance(u.habit * level) {
			continue
		}
		c.crowd = append(c.crowd, person{a, u})
		for n := 1 + min(5, int(c.exp(0.8))); n > 0; n-- {
			hour := (c.hour() - a.hours + 24) % 24
			at := midnight.Add(time.Duration(hour)*time.Hour + time.Duration(c.rng.IntN(3_600_000))*time.Millisecond)
			c.at(at.UnixMilli(), func() { c.login(a, u, day) })
		}
	}
}

func (c *Company) login(a *account, u *user, day int32) {
	if a.stage == departed {
		return
	}
	if n := len(a.active); n == 0 || a.active[n-1] < day {
		a.active = append(a.active, day)
	}
	c.emit(a, event.Event{Kind: event.Login, User: u.id})
}

// hour draws an hour of a working day.
func (c *Company) hour() int {
	x := c.rng.Float64() * 100
	for h, share := range workday {
		if x -= share; x < 0 {
			return h
		}
	}
	return 12
}

// decide lets an account open tickets, answer surveys, buy, grow, leave.
func (c *Company) decide(a *account, midnight time.Time) {
	const month = 1.0 / 30
	if a.stage == departed {
		return
	}
	busy := float64(len(a.users))
	if c.chance(0.0045 * busy * (1.5 - a.mood)) {
		c.sometime(midnight, func() { c.ticket(a, c.ticketWait(a)) })
	}
	if c.chance(1.0 / 50) {
		c.sometime(midnight, func() { c.nps(a, a.mood) })
	}
	if a.stage == trying {
		switch {
		case c.chance(0.05 * month * 2 * a.mood):
			c.sometime(midnight, func() { c.convert(a) })
		case c.chance(0.04 * month):
			a.stage = departed // quietly
		}
		return
	}
	if a.stage == leaving {
		return
	}
	if c.chance(0.12 * month) {
		c.sometime(midnight, func() { c.addOn(a) })
	}
	if c.chance(0.06 * month * a.mood) {
		c.addUser(a, 1)
	}
	c.consider(a, midnight, month)
}

// consider lets a paying account change its plan, or begin to leave.
func (c *Company) consider(a *account, midnight time.Time, month float64) {
	switch {
	case a.decline != 0:
		days := float64(midnight.UnixMilli()-a.decline) / (24 * 60 * 60 * 1000)
		if days >= float64(a.fade) {
			c.sometime(midnight, func() {
				if a.stage == paying {
					c.cancel(a, false)
				}
			})
		} else if c.chance(0.25 / float64(a.fade)) {
			a.decline = 0 // saved
		}
	case c.chance(0.04 * month * (1.9 - 1.2*a.mood)):
		a.decline, a.fade = midnight.UnixMilli(), c.fadeDays()
	case a.plan < enterprise && a.mood > 0.6 && c.chance(0.022*month):
		c.sometime(midnight, func() { c.changeIfPaying(a, a.plan+1) })
	case a.plan > starter && a.mood < 0.55 && c.chance(0.03*month):
		c.sometime(midnight, func() { c.changeIfPaying(a, a.plan-1) })
	}
}

func (c *Company) changeIfPaying(a *account, to plan) {
	if a.stage == paying && to > free && to <= enterprise {
		c.change(a, to)
	}
}

// fadeDays is how long an account uses less before it cancels.
func (c *Company) fadeDays() int { return 21 + c.rng.IntN(25) }

// join is a new account: most try first.
func (c *Company) join() {
	a := c.newAccount()
	to := starter
	switch x := c.rng.Float64(); {
	case x < 0.5:
		to = free
	case x > 0.95:
		to = enterprise
	case x > 0.8:
		to = pro
	}
	a.plan = to
	c.hire(a)
	if to == free {
		c.profile(a)
		return
	}
	c.subscribe(a, to)
}

// convert makes a customer of somebody who tried.
func (c *Company) convert(a *account) {
	if a.stage != trying {
		return
	}
	to := starter
	if c.chance(0.3) {
		to = pro
	}
	c.subscribe(a, to)
}

// sometime puts something into the working hours of a day.
func (c *Company) sometime(midnight time.Time, do func()) {
	c.at(midnight.Add(time.Duration(7+c.rng.IntN(12))*time.Hour+time.Duration(c.rng.IntN(3_600_000))*time.Millisecond).UnixMilli(), do)
}

// poisson draws a count of that mean, which is small.
func (c *Company) poisson(mean float64) int {
	n := 0
	for limit, p := math.Exp(-mean), c.rng.Float64(); p > limit; p *= c.rng.Float64() {
		n++
	}
	return n
}

// dayNumber is the civil day since 1970-01-01.
func dayNumber(t time.Time) int32 {
	y, m, d := t.Date()
	return int32(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86_400)
}
