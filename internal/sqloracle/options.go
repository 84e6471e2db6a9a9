package sqloracle

import (
	"errors"
	"fmt"
	"time"
)

// The values of Options.Basis.
const (
	BasisSubscription = "subscription"
	BasisPurchases    = "purchases"
)

// Never as Options.LapseGrace: subscriptions do not lapse by themselves.
const Never time.Duration = -1

// Options is what of a workspace's configuration bears on the figures, and for
// which days they are wanted.
type Options struct {
	From, To  string // civil days, both included: "2024-02-12"; To at the most the watermark's
	Watermark int64  // Unix ms

	Zone      string // IANA name; its offsets are multiples of 15 minutes
	WeekStart string // "monday" or "sunday"
	Currency  string // reporting currency, and that of purchases that name none
	Rates     []Rate

	Basis                     string // BasisSubscription or BasisPurchases
	ActivePurchaseDays        int    // days a purchase makes its customer paying, its own included
	SilentDays                int
	LapseGrace                time.Duration // whole milliseconds; below 0: Never
	CancelAtOnce              bool          // a cancellation takes effect at its own time
	UncancelByPurchase        bool          // a purchase withdraws a pending cancellation of its subscription
	OrdersIncludeSubscription bool

	Activity   []string // event types ("login"), or "signal:NAME"
	Value      []string // those that time_to_value waits for
	Dimensions []string // attributes that are segments

	MinSample       int64
	Margin          float64 // of clv_churn, to six decimals
	LifetimeYears   float64 // of clv_purchase and clv_net, to six decimals
	AcquisitionCost int64   // minor units of Currency, for each customer

	Threads int // of DuckDB; 0: one, since most tables are small and other tests run beside
}

// Rate says what one unit of a currency is worth in the reporting currency from
// a day on.
type Rate struct {
	Currency string // "EUR"
	Day      string // "2024-02-12"
	Rate     string // a decimal with at most nine digits behind the point
}

// DefaultOptions are the defaults of kpis.md in UTC, without days or watermark.
func DefaultOptions() Options {
	return Options{
		Zone: "UTC", WeekStart: "monday", Currency: "USD",
		Basis: BasisSubscription, ActivePurchaseDays: 90, SilentDays: 14, LapseGrace: Never,
		OrdersIncludeSubscription: true,
		Activity:                  []string{"login"}, Value: []string{"purchase"}, Dimensions: []string{"plan", "country"},
		MinSample: 30, Margin: 1, LifetimeYears: 1,
	}
}

// check refuses what SQL would take for something else.
func (o *Options) check() error {
	for _, day := range []string{o.From, o.To} {
		if _, err := time.Parse(time.DateOnly, day); err != nil {
			return fmt.Errorf("read a day of the options: %w", err)
		}
	}
	if _, err := time.LoadLocation(o.Zone); err != nil {
		return fmt.Errorf("find the zone of the options: %w", err)
	}
	switch {
	case o.To < o.From:
		return fmt.Errorf("the days end on %s, before they begin on %s", o.To, o.From)
	case o.WeekStart != "monday" && o.WeekStart != "sunday":
		return fmt.Errorf("no week starts on %q", o.WeekStart)
	case o.Basis != BasisSubscription && o.Basis != BasisPurchases:
		return fmt.Errorf("there is no customer basis %q", o.Basis)
	case o.Currency == "":
		return errors.New("there is no reporting currency")
	}
	return nil
}
