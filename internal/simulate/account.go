package simulate

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/tidemark-io/tidemark/event"
)

// stage is where an account is in its life.
type stage uint8

const (
	trying   stage = iota // on the free plan
	paying                // has a subscription
	leaving               // has cancelled, the period is not over
	departed              // its last period is over
)

// account is one customer.
type account struct {
	id, name, owner, country string
	hours                    int // by which its working day is shifted
	stage                    stage
	plan                     plan
	yearly                   bool
	users                    []*user
	renewal                  time.Time // end of the paid period
	order                    []byte    // the last charge

	base, mood float64 // how content it is in the long run, and now; 0 to 1
	// An account that will leave uses less and less from decline on, over fade
	// days. It cancels at the end, unless it is saved on the way.
	decline int64 // Unix ms; 0: it does not
	fade    int   // days

	active    []int32 // days on which anybody was active, rising
	lastScore int     // points of the last survey answer; -1: none
	tickets   int     // open
	overdue   int     // late invoices
	paidSince int64   // Unix ms of the first charge; 0: never
	busy      bool    // in a scene
	calm      int64   // Unix ms until which it has no other scene
}

// user is a person of an account.
type user struct {
	id     []byte
	habit  float64 // chance of being active on a working day
	active int32   // the last day planned
}

// plan is what an account pays for.
type plan uint8

const (
	free plan = iota
	starter
	pro
	enterprise
)

var planNames = [...]string{"free", "starter", "pro", "enterprise"}

// price is what so many seats cost a month, in cents.
func (p plan) price(seats int) int64 {
	n := int64(seats)
	switch p {
	case starter:
		return 2900 + 500*max(0, n-3)
	case pro:
		return 9900 + 1500*max(0, n-5)
	case enterprise:
		return 49_000 + 4500*max(0, n-10)
	}
	return 0
}

var dollars = event.Currency{'U', 'S', 'D'}

var (
	firstWords  = strings.Fields("Amber Blue Bright Cedar Clear Copper Coral Crimson Eastern Ember Evergreen Fair Falcon First Golden Grand Granite Green Harbor Hazel High Indigo Iron Ivory Juniper Laurel Lumen Maple Marble Meadow Misty Nordic North Oak Olive Orchid Pacific Pearl Pine Polar Prairie Quiet Raven Red River Royal Ruby Sage Scarlet Silver Solar South Spring Sterling Stone Summit Swift Terra Union Velvet Violet Western Wild Willow Winter")
	secondWords = strings.Fields("Analytics Apparel Bakery Books Brewing Capital Care Clinics Coffee Design Digital Dynamics Energy Farms Fitness Foods Freight Games Gardens Health Homes Hotels Insurance Interiors Labs Learning Legal Logistics Marine Media Motors Music Networks Optics Outdoors Payments Pharma Pictures Power Press Rail Realty Retail Robotics Security Software Sports Studios Supply Systems Textiles Tools Toys Travel Ventures Wines Works")
	owners      = strings.Fields("ana ben chloe dev emma finn grace hugo")
)

// countries are where accounts are, with their weights and the shift of their
// working day against the company's own.
var countries = []struct {
	name   string
	weight float64
	hours  int
}{
	{"US", 0.36, -6}, {"DE", 0.14, 1}, {"GB", 0.13, 0}, {"FR", 0.09, 1}, {"BR", 0.08, -3}, {"IN", 0.11, 5}, {"JP", 0.09, 9},
}

// found makes an account that was there when the history begins: most pay.
func (c *Company) found(first time.Time) {
	a := c.newAccount()
	switch x := c.rng.Float64(); {
	case x < 0.22:
		a.plan = free
	case x < 0.58:
		a.plan = starter
	case x < 0.89:
		a.plan = pro
	default:
		a.plan = enterprise
	}
	c.hire(a)
	// Somewhere in the first hour its profile is sent, and what it pays.
	c.at(first.UnixMilli()+int64(c.rng.IntN(3_600_000)), func() {
		c.profile(a)
		if a.plan != free {
			a.yearly = c.chance(map[plan]float64{starter: 0.15, pro: 0.3, enterprise: 0.7}[a.plan])
			c.restate(a, first)
		}
	})
	// Some are on their way out already.
	if a.plan != free && c.chance(0.035) {
		a.fade = c.fadeDays()
		a.decline = first.AddDate(0, 0, -c.rng.IntN(a.fade)).UnixMilli()
	}
}

func (c *Company) newAccount() *account {
	a := &account{lastScore: -1, owner: owners[c.rng.IntN(len(owners))]}
	for n := 1; a.id == "" || c.taken[a.id]; n++ {
		a.name = firstWords[c.rng.IntN(len(firstWords))] + " " + secondWords[c.rng.IntN(len(secondWords))]
		if n > 8 { // a large company has run out of names
			a.name += " " + strconv.Itoa(len(c.accounts)+1)
		}
		a.id = strings.ToLower(strings.ReplaceAll(a.name, " ", "-"))
	}
	c.taken[a.id] = true
	x := c.rng.Float64()
	for i := range countries {
		a.country, a.hours = countries[i].name, countries[i].hours
		if x -= countries[i].weight; x < 0 {
			break
		}
	}
	// Most are content, some lukewarm for good.
	a.base = clamp(0.74+0.13*c.rng.NormFloat64(), 0.25, 0.97)
	a.mood = a.base
	c.accounts = append(c.accounts, a)
	return a
}

// hire gives an account the users that its plan goes with.
func (c *Company) hire(a *account) {
	n := 1
	switch a.plan {
	case free:
		n = 1 + c.rng.IntN(3)
	case starter:
		n = 1 + c.rng.IntN(5)
	case pro:
		n = 2 + int(math.Min(14, c.exp(5)))
	case enterprise:
		n = 10 + c.rng.IntN(21)
	}
	// Some accounts never made it a habit.
	keen := 1.0
	if c.chance(0.2) {
		keen = 0.35
	}
	for range n {
		c.addUser(a, keen)
	}
}

func (c *Company) addUser(a *account, keen float64) {
	u := &user{id: fmt.Appendf(nil, "u%02d", len(a.users)+1), active: -1}
	switch x := c.rng.Float64(); {
	case x < 0.25: // every day
		u.habit = 0.55 + 0.3*c.rng.Float64()
	case x < 0.65: // every now and then
		u.habit = 0.15 + 0.25*c.rng.Float64()
	default: // once or twice a month
		u.habit = 0.03 + 0.06*c.rng.Float64()
	}
	u.habit *= keen
	a.users = append(a.users, u)
}

// profile sends an account's attributes.
func (c *Company) profile(a *account) {
	c.emit(a, event.Event{
		Kind: event.Signal, Source: []byte("crm"), Signal: event.SignalData{Name: []byte("account_updated"), Value: 1000}, Attrs: c.attributes(a),
	})
}

func (c *Company) attributes(a *account) []event.Attr {
	c.attrs = c.attrs[:0]
	for _, x := range [...][2]string{{"name", a.name}, {"owner", a.owner}, {"plan", planNames[a.plan]}, {"country", a.country}} {
		c.attrs = append(c.attrs, event.Attr{Name: []byte(x[0]), Value: []byte(x[1])})
	}
	return c.attrs
}

func (a *account) pays() bool { return a.stage == paying || a.stage == leaving }

func (c *Company) chance(p float64) bool { return c.rng.Float64() < p }

// exp is exponentially distributed with that mean.
func (c *Company) exp(mean float64) float64 { return c.rng.ExpFloat64() * mean }

func clamp(x, lo, hi float64) float64 { return math.Min(hi, math.Max(lo, x)) }
