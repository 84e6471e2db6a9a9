package sqloracle_test

import (
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/internal/oracle"
	"github.com/tidemark-io/tidemark/internal/oracle/generate"
	"github.com/tidemark-io/tidemark/internal/sqloracle"
)

// counted says which of the counters of the oracle in Go a figure is made of: the
// sum of those above the line, and of those below it times a factor. "Counter/5" is
// that with the label 5.
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
	{KPI: "mau_28", Window: "28d"}:                               {above: []string{"UsersActive28"}},
	{KPI: "mau_calendar", Window: "month"}:                       {above: []string{"DaysAtLeastMonth/1"}},
	{KPI: "lifecycle_new", Window: "1d"}:                         {above: []string{"NewDay"}},
	{KPI: "lifecycle_new", Window: "week"}:                       {above: []string{"NewWeek"}},
	{KPI: "lifecycle_new", Window: "month"}:                      {above: []string{"NewMonth"}},
	{KPI: "lifecycle_returning", Window: "1d"}:                   {above: []string{"ReturningDay"}},
	{KPI: "lifecycle_returning", Window: "week"}:                 {above: []string{"ReturningWeek"}},
	{KPI: "lifecycle_returning", Window: "month"}:                {above: []string{"ReturningMonth"}},
	{KPI: "lifecycle_resurrecting", Window: "1d"}:                {above: []string{"UsersActive1"}, minus: []string{"NewDay", "ReturningDay"}},
	{KPI: "lifecycle_resurrecting", Window: "week"}:              {above: []string{"ResurrectingWeek"}},
	{KPI: "lifecycle_resurrecting", Window: "month"}:             {above: []string{"DaysAtLeastMonth/1"}, minus: []string{"NewMonth", "ReturningMonth"}},
	{KPI: "lifecycle_dormant", Window: "1d"}:                     {above: []string{"ReturningDay"}, minus: []string{"WasDay"}},
	{KPI: "lifecycle_dormant", Window: "week"}:                   {above: []string{"ReturningWeek"}, minus: []string{"WasWeek"}},
	{KPI: "lifecycle_dormant", Window: "month"}:                  {above: []string{"ReturningMonth"}, minus: []string{"WasMonth"}},
	{KPI: "customer_churn_rate", Window: "month"}:                {above: []string{"LostMonth"}, below: []string{"StartMonth"}},
	{KPI: "customer_churn_rate", Window: "quarter"}:              {above: []string{"LostQuarter"}, below: []string{"StartQuarter"}},
	{KPI: "repeat_purchase_rate", Window: "30d"}:                 {above: []string{"Repeaters30"}, below: []string{"Buyers30"}},
	{KPI: "repeat_purchase_rate", Window: "90d"}:                 {above: []string{"Repeaters90"}, below: []string{"Buyers90"}},
	{KPI: "repeat_purchase_rate_lifetime"}:                       {above: []string{"RepeatersEver"}, below: []string{"BuyersEver"}},
	{KPI: "orders", Window: "1d"}:                                {above: []string{"Orders"}},
	{KPI: "ces", Window: "30d"}:                                  {above: []string{"CESEasy30"}, below: []string{"CESAnswers30"}},
	{KPI: "ces", Window: "90d"}:                                  {above: []string{"CESEasy90"}, below: []string{"CESAnswers90"}},
	{KPI: "response_rate", Window: "90d"}:                        {above: []string{"CSATAnswers90"}, below: []string{"CSATInvited90"}},
	{KPI: "churn_reasons", Window: "1d", Bucket: "none"}:         {above: []string{"CancelReasons/"}},
	{KPI: "churn_reasons", Window: "1d", Bucket: "price"}:        {above: []string{"CancelReasons/price"}},
	{KPI: "active_days_histogram", Window: "month", Bucket: "1"}: {above: []string{"DaysAtLeastMonth/1"}, minus: []string{"DaysAtLeastMonth/2"}},
	{KPI: "active_days_histogram", Window: "month", Bucket: "3"}: {above: []string{"DaysAtLeastMonth/3"}, minus: []string{"DaysAtLeastMonth/4"}},
	{KPI: "csat", Window: "30d"}:                                 {above: []string{"CSATSatisfied30"}, below: []string{"CSATAnswers30"}},
	{KPI: "csat", Window: "90d"}:                                 {above: []string{"CSATSatisfied90"}, below: []string{"CSATAnswers90"}},
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
		cfg.SubscriptionsApart, cfg.CohortDimensions = !o.OrdersIncludeSubscription, cfg.Dimensions
		if o.WeekStart == "sunday" {
			cfg.WeekStart = time.Sunday
		}
		first := place.FirstDay + rapid.Int32Range(-2, 100).Draw(t, "first day")
		last := first + rapid.Int32Range(0, 30).Draw(t, "days")
		o.From, o.To = civil.Format(first), civil.Format(last)
		o.Watermark = cfg.Start(max(last, place.FirstDay+60)) + 3_600_000

		want := oracle.Compute(cfg, oracle.Input{Events: events, Watermark: o.Watermark}, first, last+92)
		got, err := sqloracle.Compute(t.Context(), sqloracle.Facts{Lines: lines(events)}, o)
		if err != nil {
			t.Fatal(err)
		}
		found := map[sqloracle.Key]sqloracle.Figure{}
		for _, f := range got {
			found[f.Key] = f
		}
		agree(t, o, want, found, first, last)
		agreeOnStanding(t, cfg, o.Watermark, want, found)
		agreeOnReturns(t, o, want, found, first, last)
	})
}

func agree(t *rapid.T, o sqloracle.Options, want *oracle.Result, got map[sqloracle.Key]sqloracle.Figure, first, last int32) {
	for _, segment := range segmentsOf(want) {
		sum := func(names []string, day int32) (n int64) {
			for _, name := range names {
				counter, label, _ := strings.Cut(name, "/")
				n += want.Levels[oracle.Key{Counter: counter, Label: label, Segment: segment, Day: day}]
			}
			return n
		}
		for day := first; day <= last; day++ {
			for k, c := range counted {
				end := periodEnd(k.Window, day, o.WeekStart)
				row := min(end, want.Day) // to date
				below := int64(1)
				if c.below != nil {
					below = sum(c.below, row) * max(1, c.times)
				}
				k.Segment, k.Day = segment, civil.Format(end)
				hold(t, got, k, big.NewRat(sum(c.above, row)-sum(c.minus, row), 1), big.NewRat(below, 1))
			}
			for name, counter := range map[string]string{"mrr": "MRR", "mrr_at_risk": "MRRAtRisk"} {
				hold(t, got, sqloracle.Key{KPI: name, Segment: segment, Day: civil.Format(day)}, inGo(t, o, want, counter, segment, day), big.NewRat(1, 1))
			}
		}
	}
}

// hold holds a figure against a numerator and a denominator. One that is not there
// is that of an empty bucket.
func hold(t *rapid.T, got map[sqloracle.Key]sqloracle.Figure, k sqloracle.Key, above, below *big.Rat) {
	f, there := got[k]
	if !there && k.Bucket != "" {
		f.Numerator, f.Denominator, there = new(big.Rat), below, true
	}
	if !there || (f.Numerator == nil) != (above == nil) || above != nil && f.Numerator.Cmp(above) != 0 || f.Denominator.Cmp(below) != 0 {
		t.Errorf("%s: SQL %v / %v, Go %v / %v", k, f.Numerator, f.Denominator, above, below)
	}
}

func segmentsOf(want *oracle.Result) []string {
	segments := map[string]bool{"": true}
	for key := range want.Levels {
		segments[key.Segment] = true
	}
	return slices.Sorted(maps.Keys(segments))
}

// periodEnd is the last day of a calendar window, and the day itself otherwise.
func periodEnd(window string, day int32, weekStart string) int32 {
	date := time.Unix(int64(day)*86400, 0).UTC()
	switch window {
	case "week":
		past := int32(date.Weekday())
		if weekStart == "monday" {
			past = (past + 6) % 7
		}
		return day - past + 6
	case "month":
		return int32(time.Date(date.Year(), date.Month()+1, 0, 0, 0, 0, 0, time.UTC).Unix() / 86400)
	case "quarter":
		return int32(time.Date(date.Year(), (date.Month()-1)/3*3+4, 0, 0, 0, 0, 0, time.UTC).Unix() / 86400)
	}
	return day
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
