package simulate

import (
	"time"

	"github.com/tidemark-io/tidemark/event"
)

var billing = []byte("billing")

// mainSubscription is the id of an account's subscription.
var mainSubscription = []byte("main")

// restate sends what an account has been paying for long: nothing is charged,
// the amount stands for the running period.
func (c *Company) restate(a *account, first time.Time) {
	days := 30
	if a.yearly {
		days = 365
	}
	a.stage, a.paidSince = paying, c.now
	c.charge(a, 0)
	c.renewAt(a, first.AddDate(0, 0, 1+c.rng.IntN(days)).Add(time.Duration(c.rng.IntN(86_400))*time.Second))
}

// subscribe starts a subscription today.
func (c *Company) subscribe(a *account, p plan) {
	a.plan, a.stage, a.decline = p, paying, 0
	a.yearly = p == enterprise && c.chance(0.7) || c.chance(0.2)
	if a.paidSince == 0 {
		a.paidSince = c.now
	}
	c.charge(a, a.cost())
	c.renewAt(a, a.periodEnd(c.today()))
}

// cost is what a period costs, in cents: ten months for a year.
func (a *account) cost() int64 {
	monthly := a.plan.price(len(a.users))
	if a.yearly {
		return 10 * monthly
	}
	return monthly
}

func (a *account) periodEnd(from time.Time) time.Time {
	if a.yearly {
		return from.AddDate(1, 0, 0)
	}
	return from.AddDate(0, 1, 0)
}

// charge sends a purchase of the subscription at its present price; amount is
// what is charged now, in cents.
func (c *Company) charge(a *account, amount int64) {
	interval := event.Month
	if a.yearly {
		interval = event.Year
	}
	// A price is far from the bounds of what is exact: there is no reason.
	monthly, _ := event.Monthly(a.cost(), interval, 1)
	a.order = c.name("o")
	c.emit(a, event.Event{
		Kind: event.Purchase, Source: billing, Attrs: c.attributes(a),
		Purchase: event.PurchaseData{
			Order: a.order, Subscription: mainSubscription, Plan: []byte(planNames[a.plan]), Amount: amount, Currency: dollars,
			Interval: interval, Count: 1, Monthly: monthly,
		},
	})
}

// renewAt plans the end of the period that is paid for. A period that was
// replaced by another does nothing when it ends.
func (c *Company) renewAt(a *account, end time.Time) {
	a.renewal = end
	c.at(end.UnixMilli(), func() {
		if !a.renewal.Equal(end) {
			return
		}
		switch a.stage {
		case leaving:
			c.depart(a)
		case paying:
			c.charge(a, a.cost())
			c.invoice(a)
			c.renewAt(a, a.periodEnd(end))
		}
	})
}

// invoice lets some charges be paid late, those of unhappy accounts more often.
func (c *Company) invoice(a *account) {
	if !c.chance(0.02 + 0.4*max(0, 0.55-a.mood)) {
		return
	}
	c.after(time.Duration(5+c.rng.IntN(6))*24*time.Hour, func() {
		if a.pays() {
			c.overdue(a, time.Duration(2+c.exp(9)*(1.6-a.mood))*24*time.Hour)
		}
	})
}

// overdue makes the last invoice late for some time.
func (c *Company) overdue(a *account, wait time.Duration) {
	ref := c.name("i")
	a.overdue++
	c.signal(a, "invoice_late", ref)
	c.after(wait, func() {
		a.overdue--
		c.signal(a, "invoice_paid", ref)
	})
}

func (c *Company) signal(a *account, name string, ref []byte) {
	source := billing
	if name == "ticket_opened" || name == "ticket_resolved" {
		source = support
	}
	c.emit(a, event.Event{Kind: event.Signal, Source: source, Signal: event.SignalData{Name: []byte(name), Value: 1000, Ref: ref}})
}

var reasons = [...]string{"price", "missing_feature", "support", "switched", "closed_down"}

// cancel sends a cancellation: as of the end of the period, or at once.
func (c *Company) cancel(a *account, atOnce bool) {
	effective := a.renewal.UnixMilli()
	if atOnce {
		effective = c.now
	}
	a.stage = leaving
	c.emit(a, event.Event{
		Kind: event.Cancellation, Source: billing,
		Cancellation: event.CancellationData{
			Subscription: mainSubscription, Effective: effective, Reason: []byte(reasons[c.rng.IntN(len(reasons))]),
		},
	})
	if atOnce {
		a.renewal = time.Time{}
		c.depart(a)
	}
}

// depart ends a customer, and lets some come back.
func (c *Company) depart(a *account) {
	a.stage, a.decline = departed, 0
	if !c.chance(0.25) {
		return
	}
	c.after(time.Duration(8+c.rng.IntN(40))*24*time.Hour, func() {
		if a.stage != departed {
			return
		}
		a.base = clamp(a.base+0.2, 0.55, 0.95)
		a.mood = a.base
		c.subscribe(a, max(a.plan, starter))
	})
}

// change moves an account to another plan in the middle of a period: the rest
// of the period is charged at the difference, the new price holds from now on.
func (c *Company) change(a *account, to plan) {
	before := a.cost()
	a.plan = to
	if to > starter && len(a.users) < 4 {
		c.addUser(a, 1)
	}
	length := a.renewal.Sub(a.renewal.AddDate(0, -1, 0))
	if a.yearly {
		length = a.renewal.Sub(a.renewal.AddDate(-1, 0, 0))
	}
	left := time.Duration(a.renewal.UnixMilli()-c.now) * time.Millisecond
	c.charge(a, max(0, a.cost()-before)*int64(left/time.Hour)/int64(length/time.Hour))
}

// addOn is a purchase beside the subscription; some are taken back.
func (c *Company) addOn(a *account) {
	order, amount := c.name("o"), int64(50+10*c.rng.IntN(46))*100
	one := event.PurchaseData{Order: order, Amount: amount, Currency: dollars, Count: 1}
	c.emit(a, event.Event{Kind: event.Purchase, Source: billing, Purchase: one})
	if !c.chance(0.06) {
		return
	}
	c.after(time.Duration(c.exp(4*24)*float64(time.Hour)), func() {
		back := event.PurchaseData{RefundOf: order, Amount: amount, Currency: dollars, Count: 1}
		c.emit(a, event.Event{Kind: event.Purchase, Source: billing, Purchase: back})
	})
}
