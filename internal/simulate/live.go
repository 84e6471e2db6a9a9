package simulate

import "time"

// begin starts the live stream, with trouble: people who watch for seconds want
// to see an alert.
func (c *Company) begin() {
	c.stayed = c.staying()
	c.next = float64(c.now)
	c.live()
	for at := time.Second; at < 12*time.Second; at += 3 * time.Second {
		c.after(at, c.scene)
	}
}

// eventful is how many events a second are of all kinds; more are logins. A
// company that changes faster is none.
const eventful = 20

// live is one step of the live stream, and plans the next. It comes on top of
// what the company does by itself, which is an event a minute: people who watch
// want to see something. What it does it takes back within minutes (tickets are
// resolved, invoices paid), so that a company that is watched for hours is still
// the same.
func (c *Company) live() {
	c.next += c.exp(1000 / c.opts.Rate)
	c.at(int64(c.next), c.live)
	if c.opts.Rate > eventful && !c.chance(eventful/c.opts.Rate) {
		c.someLogin()
		return
	}
	switch x := c.rng.Float64(); {
	case x < 0.80:
		c.someLogin()
	case x < 0.85:
		c.someNPS()
	case x < 0.88:
		if a := c.some((*account).pays); a != nil && a.tickets == 0 {
			c.ticket(a, c.seconds(15, 90))
		}
	case x < 0.92:
		if a := c.some((*account).pays); a != nil {
			c.addOn(a)
		}
	case x < 0.945:
		c.somePlan()
	case x < 0.95:
		c.comeOrGo()
	default:
		c.scene()
	}
}

// someLogin is a login of somebody who works today: however long one watches,
// a day has no more active people than a day has.
func (c *Company) someLogin() {
	if len(c.crowd) == 0 {
		return
	}
	p := c.crowd[c.rng.IntN(len(c.crowd))]
	c.login(p.account, p.user, dayNumber(c.today()))
}

func (c *Company) someNPS() {
	if a := c.some((*account).pays); a != nil && !a.busy {
		c.nps(a, a.mood)
	}
}

// somePlan moves an account up or down, back towards where most are.
func (c *Company) somePlan() {
	a := c.some(func(a *account) bool { return a.stage == paying })
	if a == nil {
		return
	}
	if a.plan == starter || a.plan == pro && c.chance(0.4) {
		c.changeIfPaying(a, a.plan+1)
	} else {
		c.changeIfPaying(a, a.plan-1)
	}
}

// comeOrGo is a new account or a cancellation, so that as many stay as there
// were when the live stream began.
func (c *Company) comeOrGo() {
	if c.staying() < c.stayed {
		c.join()
		return
	}
	if a := c.some(func(a *account) bool { return a.stage == paying && a.mood < 0.6 }); a != nil {
		c.cancel(a, c.chance(0.3))
	}
}

// staying counts the paying accounts that have not cancelled.
func (c *Company) staying() int {
	n := 0
	for _, a := range c.accounts {
		if a.stage == paying {
			n++
		}
	}
	return n
}

// some draws an account of those that are meant; nil where a good many tries
// found none.
func (c *Company) some(meant func(*account) bool) *account {
	for range 50 {
		if a := c.accounts[c.rng.IntN(len(c.accounts))]; meant(a) {
			return a
		}
	}
	return nil
}

func (c *Company) seconds(from, to int) time.Duration {
	return time.Duration(1000*from+c.rng.IntN(1000*(to-from))) * time.Millisecond
}

// A scene begins with an account above the border of red, and has gone far
// enough where it is safely below it.
const (
	border    = 50
	safelyRed = 47
	maxScenes = 4
)

// scene is trouble with one account near the border of red: within seconds its
// health is red, and within half a minute it has recovered.
func (c *Company) scene() {
	if c.scenes >= maxScenes {
		return
	}
	var found []*account
	for _, a := range c.accounts {
		if a.stage == paying && !a.busy && a.calm <= c.now && c.health(a) > border+2 && c.atWorst(a) < safelyRed {
			found = append(found, a)
		}
	}
	if len(found) == 0 {
		return
	}
	a := found[c.rng.IntN(len(found))]
	a.busy = true
	c.scenes++
	c.trouble(a, c.seconds(5, 20), 0)
}

// atWorst is an account's health after all the trouble that a scene has.
func (c *Company) atWorst(a *account) float64 {
	worst := *a
	worst.tickets, worst.overdue, worst.lastScore = 1, 2, 0
	return c.health(&worst)
}

// trouble is one step of a scene: what an account has to say gets worse until
// it is red. The invoices and the ticket last as long as the scene.
func (c *Company) trouble(a *account, lasts time.Duration, step int) {
	if a.stage == departed || step > 0 && c.health(a) < safelyRed || step == 4 {
		c.after(lasts, func() { c.recover(a) })
		return
	}
	pause := c.seconds(0, 1)
	rest := lasts + time.Duration(3-step)*time.Second
	switch step {
	case 0:
		c.ticket(a, rest)
	case 1:
		c.nps(a, 0)
	case 2, 3:
		c.overdue(a, rest)
	}
	c.after(pause, func() { c.trouble(a, lasts, step+1) })
}

// recover ends a scene: somebody has taken care.
func (c *Company) recover(a *account) {
	a.busy, a.calm = false, c.now+(2*time.Minute).Milliseconds()
	c.scenes--
	if a.stage == departed {
		return
	}
	day := dayNumber(c.today())
	for _, u := range a.users[:min(2, len(a.users))] {
		c.login(a, u, day)
	}
	c.nps(a, 1)
}
