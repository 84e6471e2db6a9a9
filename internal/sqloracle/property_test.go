package sqloracle_test

import (
	"flag"
	"math"
	"math/big"
	"os"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/internal/oracle/generate"
	"github.com/tidemark-io/tidemark/internal/sqloracle"
	"github.com/tidemark-io/tidemark/kpi"
)

// Each case computes every KPI of some days, which takes part of a second: fewer
// are tried here than of the oracle in Go. -rapid.checks takes another number.
const cases = "20"

func TestMain(m *testing.M) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "rapid.checks" })
	if !given {
		if err := flag.Set("rapid.checks", cases); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// flows are KPIs that add up rows of several days. Segments of frozen rows are
// those of their time, so for a segment such a sum is only what the definition
// says when none of the days is frozen.
var flows = map[string]bool{
	"cancellations": true, "churn_reasons": true, "revenue": true, "revenue_net": true, "orders": true, "aov": true,
	"mrr_new": true, "mrr_expansion": true, "mrr_contraction": true, "mrr_churn": true, "mrr_reactivation": true, "mrr_fx": true, "mrr_moved": true,
	"gross_revenue_churn": true, "net_revenue_churn": true, "mrr_decline_rate": true, "expansion_rate": true,
	"expansion_growth_rate": true, "quick_ratio": true, "quick_ratio_strict": true, "clv_purchase": true, "clv_net": true,
}

// TestEqualsSQL: any order within the horizon, duplicates, any batches and a crash
// at any commit end in the figures that SQL computes from the events.
func TestEqualsSQL(t *testing.T) {
	rapid.Check(t, checkAgainstSQL)
}

func checkAgainstSQL(t *rapid.T) {
	place := generate.DrawPlace(t)
	horizon := rapid.SampledFrom([]int{100, 5, 12, 20}).Draw(t, "horizon")
	days := 40
	if horizon < 100 {
		days = rapid.SampledFrom([]int{3 * horizon, 150}).Draw(t, "days")
	}
	events := generate.History(t, generate.Options{Place: place, Days: days, MaxEvents: 200})
	arrivals := generate.Shuffle(t, events, place.Zone, rapid.IntRange(0, horizon).Draw(t, "lateness"))
	o := drawOptions(t, place)
	so := shardOptions(t, o, place, horizon)

	d := newDisk(t)
	seen := d.run(so, arrivals)
	if seen == 0 {
		return
	}
	o.Watermark = seen + rapid.Int64Range(0, int64(horizon)*43_200_000).Draw(t, "rest")
	d.rest(so, o.Watermark)

	cal := so.Calendar
	today := cal.Day(o.Watermark)
	to := today - rapid.Int32Range(0, int32(horizon)+10).Draw(t, "to")
	from := to - rapid.Int32Range(0, 10).Draw(t, "from")
	o.From, o.To = civil.Format(from), civil.Format(to)
	source := &kpi.Source{Levels: d, Currency: event.Currency{'U', 'S', 'D'}, Calendar: cal, WeekStart: time.Monday,
		Watermark: o.Watermark, MinSample: o.MinSample, Rates: ratesOf(t, o.Rates),
		Lifetime: kpi.Lifetime{Margin: decimal(o.Margin), Years: decimal(o.LifetimeYears), Cost: big.NewRat(o.AcquisitionCost, 1)}}
	if o.WeekStart == "sunday" {
		source.WeekStart = time.Sunday
	}
	source.Scores = d.scores(so, o.Watermark)
	ours, expected := shown(source, d, from, to)
	theirs, err := sqloracle.Compute(t.Context(), sqloracle.Facts{Lines: lines(events)}, o)
	if err != nil {
		t.Fatal(err)
	}
	if wrong := sqloracle.Compare(ours, theirs, func(k sqloracle.Key) bool {
		k.Bucket = ""
		return expected[k]
	}); len(wrong) > 0 {
		t.Errorf("%d of %d figures differ, first not frozen day %s, watermark %s", len(wrong), len(ours), civil.Format(d.first), time.UnixMilli(o.Watermark).In(place.Zone))
		for _, w := range wrong[:min(len(wrong), 20)] {
			t.Error(w)
		}
	}
}

func drawOptions(t *rapid.T, place generate.Place) sqloracle.Options {
	o := sqloracle.DefaultOptions()
	o.Zone = place.Zone.String()
	o.WeekStart = rapid.SampledFrom([]string{"monday", "sunday"}).Draw(t, "week start")
	if rapid.Bool().Draw(t, "by purchases") {
		o.Basis, o.ActivePurchaseDays = sqloracle.BasisPurchases, rapid.SampledFrom([]int{90, 7}).Draw(t, "active days")
	}
	if rapid.Bool().Draw(t, "lapse") {
		o.LapseGrace = time.Duration(rapid.IntRange(0, 5).Draw(t, "grace")) * 24 * time.Hour
	}
	o.UncancelByPurchase = rapid.Bool().Draw(t, "uncancel")
	o.CancelAtOnce = rapid.IntRange(0, 4).Draw(t, "at once") == 4
	if rapid.Bool().Draw(t, "signal activity") {
		o.Activity = append(o.Activity, "signal:feature_used")
	}
	o.OrdersIncludeSubscription = rapid.IntRange(0, 3).Draw(t, "subscriptions apart") < 3
	if rapid.Bool().Draw(t, "lifetime") {
		o.Margin, o.LifetimeYears, o.AcquisitionCost, o.MinSample = 0.8, 2.5, 12345, 3
	}
	changes := place.FirstDay + rapid.Int32Range(0, 60).Draw(t, "rate changes")
	o.Rates = []sqloracle.Rate{{Currency: "EUR", Day: "2000-01-01", Rate: "1.0825"}, {Currency: "EUR", Day: civil.Format(changes), Rate: "1.0794"}}
	// Without a rate, what has yen in it is null. (Not with subscriptions apart: the
	// registry makes aov null then where only their charges are in yen.)
	if !o.OrdersIncludeSubscription || rapid.IntRange(0, 4).Draw(t, "no rate") < 4 {
		o.Rates = append(o.Rates, sqloracle.Rate{Currency: "JPY", Day: "2000-01-01", Rate: "0.0067"})
	}
	return o
}

// ratesOf is what the oracle is given, for the registry: minor units of USD. The
// yen has no smaller unit.
func ratesOf(t *rapid.T, table []sqloracle.Rate) kpi.Rates {
	return func(cur event.Currency, day int32) *big.Rat {
		written := ""
		for _, r := range table { // rising by day
			if r.Currency == string(cur[:]) && r.Day <= civil.Format(day) {
				written = r.Rate
			}
		}
		if written == "" {
			return nil
		}
		worth, ok := new(big.Rat).SetString(written)
		if !ok {
			t.Fatalf("no rate: %s", written)
		}
		if string(cur[:]) == "JPY" {
			worth.Mul(worth, big.NewRat(100, 1))
		}
		return worth
	}
}

// decimal is a number with at most one digit behind the point, exactly.
func decimal(x float64) *big.Rat { return big.NewRat(int64(math.Round(10*x)), 10) }

func lines(events []event.Event) (out []byte) {
	for i := range events {
		out = append(events[i].Append(out), '\n')
	}
	return out
}

// shown are the aggregator's figures of some days, and the keys that the oracle
// must not have beside them; these without buckets.
func shown(source *kpi.Source, d *disk, from, to int32) ([]sqloracle.Shown, map[sqloracle.Key]bool) {
	var list []sqloracle.Shown
	expected := map[sqloracle.Key]bool{}
	for _, k := range kpi.All() {
		for _, window := range k.Windows {
			days := source.Days(window, from, to)
			if k.NowOnly {
				days = []int32{source.RunningDay()}
			}
			for _, day := range days {
				for _, segment := range d.segments() {
					if !k.Kept(window, segment) || segment != "" && frozen(k.Name, window, day, d.first) {
						continue
					}
					// A period to date is asked for on the running day, as company.Now does.
					for _, f := range source.Figures(k, window, segment, min(day, source.RunningDay())) {
						list = append(list, asShown(f))
					}
					expected[sqloracle.Key{KPI: k.Name, Window: window, Segment: segment, Day: civil.Format(day)}] = true
				}
			}
		}
	}
	return list, expected
}

// frozen says whether a figure of a segment is made of frozen rows.
func frozen(name, window string, day, first int32) bool {
	if !flows[name] {
		return day < first
	}
	n := map[string]int32{"": 1, "1d": 1, "7d": 7, "28d": 28, "30d": 30, "90d": 90, "week": 7, "month": 31, "quarter": 92}[window]
	if name == "expansion_growth_rate" {
		n *= 2
	}
	return day-n < first
}

func asShown(f kpi.Figure) sqloracle.Shown {
	s := sqloracle.Shown{KPI: f.KPI, Window: f.Window, Segment: f.Segment, Bucket: f.Bucket, Day: f.Day, Unit: string(f.Unit),
		Currency: f.Currency, Numerator: f.Numerator, Denominator: f.Denominator, Complete: f.Complete}
	if f.Value != "" {
		s.Value = &f.Value
	}
	return s
}
