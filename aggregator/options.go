// Package aggregator is the pure core: records, what each contributes to the
// cells, time, timers, health and the set of alerts that should be firing. It
// has no clock, does no I/O and starts no goroutine; time reaches it as an
// argument. One goroutine owns a Shard.
//
// The invariant behind everything: the cells are the sum over all records of
// contribution(record, W, F).
package aggregator

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/event"
	names "github.com/tidemark-io/tidemark/segment"
)

// Lookback is how many days before the first unfrozen day a record still knows:
// the longest window, 90 days, and what its folding needs.
const Lookback = 100

// maxBandRules bounds the alert rules on bands; each costs a few bytes a record.
const maxBandRules = 2

// MaxDimensionValues is how many values of a dimension one shard keeps. A
// dimension with more is switched off.
const MaxDimensionValues = 1000

// Options are what a shard's figures depend on.
type Options struct {
	Calendar     *civil.Calendar // of the workspace's zone; one of its own for each shard
	Horizon      int32           // days; an event before day(W)-Horizon is late
	Currency     event.Currency  // reporting currency, for the order of customers by MRR
	ByPurchases  bool            // customer_basis: purchases
	ActiveDays   int32           // active_purchase_days
	SilentDays   int32
	LapseGrace   int64 // ms after an interval's end; -1: a subscription never lapses
	CancelAtOnce bool  // a cancellation takes effect at its own time, whatever its effective date
	Uncancel     bool  // a purchase withdraws a pending cancellation
	// SubscriptionsApart: charges of subscriptions are no orders.
	SubscriptionsApart bool

	ActivityKinds  [event.Signal + 1]bool
	ActivitySignal map[string]bool // names of signals that are activity
	Dimensions     []string        // attributes that are segment dimensions, or two of those as "plan*country"
	Cohorts        []string        // dimensions for whose segments cohorts are kept; the whole's always are
	WeekStart      time.Weekday    // first day of a calendar week
	ValueKind      event.Kind      // what is a value event; 0 and no ValueSignal: a purchase
	ValueSignal    string          // name of the signal that is one
	Satisfied      int32           // least score of a satisfied CSAT answer on 1–5, thousandths; 0: 4000
	Profile        Profile
	BandRules      []BandRule // at most maxBandRules
	MaxUsersInline int        // users kept beside their customer; more go to pages of their own
}

// BandRule is an alert rule on a customer's health band.
type BandRule struct {
	Name         string
	Band         Band
	ResolveAfter int64 // ms
}

// String is all that episodes depend on.
func (r BandRule) String() string {
	return fmt.Sprintf("%s on %s, resolves after %d ms", r.Name, r.Band, r.ResolveAfter)
}

func (o *Options) rules() (out []string) {
	for _, r := range o.BandRules {
		out = append(out, r.String())
	}
	return out
}

func (o *Options) check() error {
	switch {
	case o.Calendar == nil:
		return errors.New("no calendar")
	case o.Horizon < 1 || o.Horizon > 1500:
		return fmt.Errorf("a horizon of %d days: 1 to 1500 are possible", o.Horizon)
	case len(o.BandRules) > maxBandRules:
		return fmt.Errorf("%d rules on bands: at most %d are possible", len(o.BandRules), maxBandRules)
	case len(o.Dimensions) > 32:
		return fmt.Errorf("%d dimensions: at most 32 are possible", len(o.Dimensions))
	}
	for _, d := range o.Dimensions {
		for _, a := range names.Attributes(d) {
			if !slices.Contains(o.Dimensions, a) {
				return fmt.Errorf("the dimension %s needs %s as one too", d, a)
			}
		}
	}
	return o.Profile.check()
}
