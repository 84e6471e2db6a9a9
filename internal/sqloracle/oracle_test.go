package sqloracle_test

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/internal/oracle"
	"github.com/tidemark-io/tidemark/internal/oracle/generate"
	"github.com/tidemark-io/tidemark/internal/sqloracle"
)

// counted says which of the counters of the oracle in Go a figure is made of: the
// sum of those above the line, and of those below it times a factor.
var counted = map[sqloracle.Key]struct {
	above, minus, below []string
	times               int64
}{
	{KPI: "dau", Window: "1d"}:                  {above: []string{"UsersActive1"}},
	{KPI: "wau", Window: "7d"}:                  {above: []string{"UsersActive7"}},
	{KPI: "mau", Window: "30d"}:                 {above: []string{"UsersActive30"}},
	{KPI: "active_customers", Window: "1d"}:     {above: []string{"CustomersActive1"}},
	{KPI: "active_customers", Window: "7d"}:     {above: []string{"CustomersActive7"}},
	{KPI: "active_customers", Window: "30d"}:    {above: []string{"CustomersActive30"}},
	{KPI: "stickiness", Window: "30d"}:          {above: []string{"UsersActive1"}, below: []string{"UsersActive30"}},
	{KPI: "stickiness_avg", Window: "30d"}:      {above: []string{"UserDays30"}, below: []string{"UsersActive30"}, times: 30},
	{KPI: "customers"}:                          {above: []string{"Customers"}},
	{KPI: "silent_customers"}:                   {above: []string{"Silent"}},
	{KPI: "health_red"}:                         {above: []string{"HealthRed"}},
	{KPI: "health_amber"}:                       {above: []string{"HealthAmber"}},
	{KPI: "health_green"}:                       {above: []string{"HealthGreen"}},
	{KPI: "health_unknown"}:                     {above: []string{"HealthUnknown"}},
	{KPI: "cancellations", Window: "1d"}:        {above: []string{"Cancellations"}},
	{KPI: "customer_churn_rate", Window: "7d"}:  {above: []string{"Lost7"}, below: []string{"Start7"}},
	{KPI: "customer_churn_rate", Window: "30d"}: {above: []string{"Lost30"}, below: []string{"Start30"}},
	{KPI: "customer_churn_rate", Window: "90d"}: {above: []string{"Lost90"}, below: []string{"Start90"}},
	{KPI: "promoters", Window: "30d"}:           {above: []string{"NPSPromoters30"}},
	{KPI: "passives", Window: "90d"}:            {above: []string{"NPSPassives90"}},
	{KPI: "nps", Window: "30d"}: {above: []string{"NPSPromoters30"}, minus: []string{"NPSDetractors30"},
		below: []string{"NPSPromoters30", "NPSPassives30", "NPSDetractors30"}},
	{KPI: "nps", Window: "90d"}: {above: []string{"NPSPromoters90"}, minus: []string{"NPSDetractors90"},
		below: []string{"NPSPromoters90", "NPSPassives90", "NPSDetractors90"}},
	{KPI: "csat", Window: "30d"}: {above: []string{"CSATSatisfied30"}, below: []string{"CSATAnswers30"}},
	{KPI: "csat", Window: "90d"}: {above: []string{"CSATSatisfied90"}, below: []string{"CSATAnswers90"}},
}

// TestTheOraclesAgree: what SQL computes is what the oracle in Go counts. They
// share nothing but the events.
func TestTheOraclesAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		place := generate.DrawPlace(t)
		events := generate.History(t, generate.Options{Place: place, Days: 60, MaxEvents: 250})
		o := drawOptions(t, place)
		o.CancelAtOnce = false // the oracle in Go has no such mode
		cfg := oracle.DefaultConfig()
		cfg.Zone, cfg.Basis, cfg.ActivePurchaseDays = place.Zone, o.Basis, o.ActivePurchaseDays
		cfg.LapseGrace, cfg.UncancelByPurchase, cfg.Activity = o.LapseGrace, o.UncancelByPurchase, o.Activity
		first := place.FirstDay + rapid.Int32Range(-2, 100).Draw(t, "first day")
		last := first + rapid.Int32Range(0, 30).Draw(t, "days")
		o.From, o.To = civil.Format(first), civil.Format(last)
		o.Watermark = cfg.Start(max(last, place.FirstDay+60)) + 3_600_000

		want := oracle.Compute(cfg, oracle.Input{Events: events, Watermark: o.Watermark}, first, last)
		got, err := sqloracle.Compute(t.Context(), sqloracle.Facts{Lines: lines(events)}, o)
		if err != nil {
			t.Fatal(err)
		}
		found := map[sqloracle.Key]sqloracle.Figure{}
		for _, f := range got {
			found[f.Key] = f
		}
		agree(t, o, want, found, first, last)
	})
}

func agree(t *rapid.T, o sqloracle.Options, want *oracle.Result, got map[sqloracle.Key]sqloracle.Figure, first, last int32) {
	segments := map[string]bool{"": true}
	for key := range want.Levels {
		segments[key.Segment] = true
	}
	for segment := range segments {
		hold := func(k sqloracle.Key, day int32, above, below *big.Rat) {
			k.Segment, k.Day = segment, civil.Format(day)
			f, there := got[k]
			if !there || (f.Numerator == nil) != (above == nil) || above != nil && f.Numerator.Cmp(above) != 0 || f.Denominator.Cmp(below) != 0 {
				t.Errorf("%s: SQL %v / %v, Go %v / %v", k, f.Numerator, f.Denominator, above, below)
			}
		}
		for day := first; day <= last; day++ {
			sum := func(names []string) int64 {
				var n int64
				for _, name := range names {
					n += want.Levels[oracle.Key{Counter: name, Segment: segment, Day: day}]
				}
				return n
			}
			for k, c := range counted {
				below := int64(1)
				if c.below != nil {
					below = sum(c.below) * max(1, c.times)
				}
				hold(k, day, big.NewRat(sum(c.above)-sum(c.minus), 1), big.NewRat(below, 1))
			}
			hold(sqloracle.Key{KPI: "mrr"}, day, inGo(t, o, want, "MRR", segment, day), big.NewRat(1, 1))
			hold(sqloracle.Key{KPI: "mrr_at_risk"}, day, inGo(t, o, want, "MRRAtRisk", segment, day), big.NewRat(1, 1))
		}
		today := want.Day
		for k, counter := range map[string]string{"users_ever": "UsersEver", "customers_ever": "CustomersEver"} {
			hold(sqloracle.Key{KPI: k}, today, big.NewRat(want.Standing[oracle.Key{Counter: counter, Segment: segment}], 1), big.NewRat(1, 1))
		}
	}
}

// inGo is a counter of recurring amounts on a day in minor units of USD, exactly;
// nil where a rate is missing.
func inGo(t *rapid.T, o sqloracle.Options, want *oracle.Result, counter, segment string, day int32) *big.Rat {
	rates := ratesOf(t, o.Rates)
	total := new(big.Rat)
	for _, currency := range []string{"EUR", "JPY", "USD"} {
		units := want.Levels[oracle.Key{Counter: counter, Currency: currency, Segment: segment, Day: day}]
		worth := big.NewRat(units, event.MonthlyUnit)
		if currency != "USD" {
			rate := rates(event.Currency([]byte(currency)), day)
			if rate == nil && units != 0 {
				return nil
			} else if rate != nil {
				worth.Mul(worth, rate)
			}
		}
		total.Add(total, worth)
	}
	return total
}
