// Package oracle computes the figures at rest from the complete list of
// events, by definition: sets of events, day by day, moment by moment. It is
// slow and has no state to get wrong; property tests hold the aggregator equal
// to it. It shares no code with the aggregator and imports nothing of ours but
// the raw events, so that one mistake cannot stand on both sides.
//
// Nothing folds here: the oracle sees all of history. What is late (on a day
// before Config.FirstDay when it was read) must be left out by the caller.
//
// Moments are Unix milliseconds and days are civil days since 1970-01-01 in
// Config.Zone. Everything that changes with time is constant between whole
// milliseconds and belongs, at a moment of change, to what comes after it; so
// "the end of day d", a limit from below, is the last millisecond before the
// start of day d+1.
package oracle

import (
	"math/big"
	"time"

	"github.com/tidemark-io/tidemark/event"
)

// The values of Config.Basis.
const (
	BasisSubscription = "subscription"
	BasisPurchases    = "purchases"
)

// Never as Config.LapseGrace: subscriptions do not lapse by themselves.
const Never time.Duration = -1

// Config is what of a workspace's configuration bears on the figures.
type Config struct {
	Zone    *time.Location
	Horizon int // days; only FirstDay reads it

	Basis              string // BasisSubscription or BasisPurchases
	ActivePurchaseDays int    // days a purchase makes its customer paying, its own included
	SilentDays         int
	LapseGrace         time.Duration // whole milliseconds; below 0: Never
	SubscriptionsApart bool          // purchases that are recurring are no orders
	UncancelByPurchase bool          // a purchase before the effective moment removes the pending end

	Activity   []string // event types ("login"), or "signal:NAME"
	Value      string   // what is a value event, in the same words
	Dimensions []string // attributes that are segments, or two of those as "a*b"
	// CohortDimensions are those of them for whose segments cohorts are kept.
	CohortDimensions []string
	Satisfied        int32 // least score of a satisfied CSAT answer on 1-5, thousandths
	WeekStart        time.Weekday
	Currency         string // of purchases that name none

	Profile      Profile
	ResolveAfter time.Duration // how long at_risk outlasts red; > 0
}

// DefaultConfig is the configuration of kpis.md in UTC.
func DefaultConfig() Config {
	return Config{
		Zone: time.UTC, Horizon: 100,
		Basis: BasisSubscription, ActivePurchaseDays: 90, SilentDays: 14, LapseGrace: Never,
		Activity: []string{"login"}, Value: "purchase", Satisfied: 4000, WeekStart: time.Monday, Dimensions: []string{"plan", "country"}, Currency: "USD",
		Profile: DefaultProfile(), ResolveAfter: 24 * time.Hour,
	}
}

// FirstDay is the first day that is not frozen at a watermark (Unix ms): an
// event of an earlier day that is read then is late and counts nowhere.
func (c Config) FirstDay(watermark int64) int32 {
	return newCalendar(c.Zone).day(watermark) - int32(c.Horizon)
}

// Day is the civil day of a moment (Unix ms), and Start the first moment of a day.
func (c Config) Day(moment int64) int32 { return newCalendar(c.Zone).day(moment) }

// Start is the first moment of a civil day, Unix ms; a day that the zone skips
// starts where the next one does.
func (c Config) Start(day int32) int64 { return newCalendar(c.Zone).start(day) }

// Input is everything that was applied, in any order, with duplicates or
// without, and the watermark at rest (Unix ms).
type Input struct {
	Events    []event.Event
	Watermark int64
}

// Key names one integer of the figures. Counter has the aggregator's names
// ("UsersActive30"); Currency is "" unless the counter is of money; Segment is
// "" for the whole, else "dimension=value"; Day is 0 for standing counters that
// have none.
type Key struct {
	Counter  string
	Currency string
	Label    string // "" unless the counter is kept by a label
	Segment  string
	Day      int32
}

// Result is the truth at rest.
type Result struct {
	Day       int32               // day of the watermark
	Levels    map[Key]int64       // by day; values of 0 are absent; money in 1/event.MonthlyUnit of a minor unit
	Standing  map[Key]int64       // what has no day, or stands on one; values of 0 are absent
	Customers map[string]Customer // every customer of whom there is an event
	Firing    map[string]int64    // at_risk: customer -> start of the episode, Unix ms
}

// Customer is what holds for one customer at its own now: the watermark, or
// its latest event where that is later.
type Customer struct {
	Now           int64 // Unix ms
	Paying        bool
	Band          Band             // None unless paying
	Score         *big.Rat         // 0 to 100; nil unless paying with at least one signal
	Contributions []Contribution   // one for each signal that has points; they add up to Score
	MRR           map[string]int64 // by currency, 1/event.MonthlyUnit of a minor unit a month; no zeros
	Segments      []string         // "" first, then one for each dimension
	Active        bool             // whether there is any activity; the next two are 0 where not
	LastSeen      int64            // time of the latest activity, Unix ms
	LastActiveDay int32
	EverPaid      bool
	FirstPaidDay  int32 // 0 unless EverPaid
}

// Contribution is one signal's part of a score.
type Contribution struct {
	Signal string
	Value  *big.Rat // what was read; nil where it was read that there is none (no open ticket)
	Points int64
	Weight int64
	Share  *big.Rat // 100 * Weight * Points / MaxPoints / (sum of the weights that count)
}

// Compute gives the levels of the days from..to (both included), and what
// stands at the watermark.
//
// Health levels of a customer are its bands at the end of each day before its
// now, and its live band from the day of its now on.
func Compute(cfg Config, in Input, from, to int32) *Result {
	cal := newCalendar(cfg.Zone)
	cal.weekStart = cfg.WeekStart
	res := &Result{
		Day:       cal.day(in.Watermark),
		Standing:  map[Key]int64{},
		Customers: map[string]Customer{},
		Firing:    map[string]int64{},
	}
	sums := newSums(from, to)
	for id, facts := range byCustomer(cal, in.Events) {
		r := newRecord(&cfg, cal, id, facts, in.Watermark)
		r.addLevels(sums)
		r.addStanding(res.Standing)
		res.Customers[id] = r.customer()
		if since, firing := r.atRisk(); firing {
			res.Firing[id] = since
		}
	}
	res.Levels = sums.levels()
	return res
}
