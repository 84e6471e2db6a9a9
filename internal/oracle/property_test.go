package oracle_test

import (
	"maps"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/internal/oracle"
	"github.com/tidemark-io/tidemark/internal/oracle/generate"
	"pgregory.net/rapid"
)

// drawCase draws a configuration, a history and a watermark at or after its end.
func drawCase(t *rapid.T) (oracle.Config, oracle.Input) {
	cfg := oracle.DefaultConfig()
	place := generate.DrawPlace(t)
	cfg.Zone = place.Zone
	cfg.Basis = rapid.SampledFrom([]string{oracle.BasisSubscription, oracle.BasisPurchases}).Draw(t, "basis")
	cfg.ActivePurchaseDays = rapid.SampledFrom([]int{90, 5}).Draw(t, "active_purchase_days")
	cfg.LapseGrace = rapid.SampledFrom([]time.Duration{oracle.Never, 0, 36 * time.Hour}).Draw(t, "lapse_grace")
	cfg.UncancelByPurchase = rapid.Bool().Draw(t, "uncancel")
	cfg.Profile.MinCoverage = rapid.SampledFrom([]int64{500, 860}).Draw(t, "min_coverage")
	cfg.Activity = append(cfg.Activity, "signal:feature_used")
	events := generate.History(t, generate.Options{Place: place, Days: 45, Horizon: 15, MaxEvents: 150, MaxCustomers: 6})
	end := cfg.Start(place.FirstDay + 45)
	after := rapid.SampledFrom([]int64{0, 20, 120}).Draw(t, "days after") // the last: windows of 90 days see the events leave
	return cfg, oracle.Input{Events: events, Watermark: end + after*24*3_600_000 + rapid.Int64Range(0, 24*3_600_000).Draw(t, "after")}
}

func TestOrderAndDuplicatesDoNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg, in := drawCase(t)
		day := cfg.Day(in.Watermark)
		want := oracle.Compute(cfg, in, day-60, day+10)
		shuffled := in
		shuffled.Events = generate.Shuffle(t, in.Events, cfg.Zone, 10)
		got := oracle.Compute(cfg, shuffled, day-60, day+10)
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	})
}

// What follows from the definitions, whatever happened.
func TestIdentities(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg, in := drawCase(t)
		today := cfg.Day(in.Watermark)
		from := today - 80
		r := oracle.Compute(cfg, in, from-90, today)
		at := func(counter string, d int32) int64 { return r.Levels[oracle.Key{Counter: counter, Day: d}] }
		for d := from; d <= today; d++ {
			var active int64
			for i := range int32(30) {
				active += at("UsersActive1", d-i)
			}
			equal(t, d, "sum of DAU", active, at("UserDays30", d))
			for n, w := range map[int32]string{7: "7", 30: "30", 90: "90"} {
				equal(t, d, "Start"+w, at("Start"+w, d), at("Customers", d-n))
				if lost := at("Lost"+w, d); lost > at("Start"+w, d) || at("Start"+w, d)-lost > at("Customers", d) {
					t.Fatalf("day %d: Lost%s %d", d, w, lost)
				}
			}
			if d < today {
				bands := at("HealthRed", d) + at("HealthAmber", d) + at("HealthGreen", d) + at("HealthUnknown", d)
				equal(t, d, "sum of bands", bands, at("Customers", d))
			}
			if at("Silent", d) > at("Customers", d) || at("UsersActive7", d) > at("UsersActive30", d) ||
				at("CustomersActive30", d) > at("UsersActive30", d) || at("CSATSatisfied90", d) > at("CSATAnswers90", d) {
				t.Fatalf("day %d: a part is more than the whole", d)
			}
		}
		for _, c := range r.Customers {
			sum := new(big.Rat)
			for _, part := range c.Contributions {
				sum.Add(sum, part.Share)
			}
			if c.Score != nil && sum.Cmp(c.Score) != 0 {
				t.Fatalf("contributions are %v, the score is %v", sum, c.Score)
			}
		}
	})
}

// Levels do not depend on which days are asked for.
func TestDaysStandAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg, in := drawCase(t)
		day := cfg.Day(in.Watermark) + rapid.Int32Range(-100, 50).Draw(t, "day")
		alone := oracle.Compute(cfg, in, day, day).Levels
		among := oracle.Compute(cfg, in, day-100, day+20).Levels
		maps.DeleteFunc(among, func(key oracle.Key, _ int64) bool { return key.Day != day })
		if !maps.Equal(alone, among) {
			t.Fatalf("day %d: alone %v, among others %v", day, alone, among)
		}
	})
}

func equal(t *rapid.T, day int32, what string, got, want int64) {
	t.Helper()
	if got != want {
		t.Fatalf("day %d: %s: got %d, want %d", day, what, got, want)
	}
}

// The values of one dimension add up to the whole.
func TestSegmentsAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg, in := drawCase(t)
		day := cfg.Day(in.Watermark)
		cfg.Dimensions = []string{"plan"}
		r := oracle.Compute(cfg, in, day-60, day)
		for _, figures := range []map[oracle.Key]int64{r.Levels, r.Standing} {
			whole, sum := map[oracle.Key]int64{}, map[oracle.Key]int64{}
			for key, v := range figures {
				if key.Counter == "DaysAtLeast30" || strings.HasPrefix(key.Counter, "Cohort") {
					continue // of the whole only
				}
				into := sum
				if key.Segment == "" {
					into = whole
				}
				key.Segment = ""
				into[key] += v
			}
			for _, figures := range []map[oracle.Key]int64{whole, sum} {
				for key := range figures {
					if whole[key] != sum[key] {
						t.Fatalf("%+v: the whole has %d, its segments come to %d", key, whole[key], sum[key])
					}
				}
			}
		}
	})
}

// Customers do not bear on each other: the figures of all are the sum of each one's.
func TestCustomersAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg, in := drawCase(t)
		day := cfg.Day(in.Watermark)
		whole := oracle.Compute(cfg, in, day-60, day)
		apart := map[string][]event.Event{}
		for _, e := range in.Events {
			apart[string(e.Customer)] = append(apart[string(e.Customer)], e)
		}
		sum := map[oracle.Key]int64{}
		for _, events := range apart {
			r := oracle.Compute(cfg, oracle.Input{Events: events, Watermark: in.Watermark}, day-60, day)
			for key, v := range r.Levels {
				sum[key] += v
			}
		}
		for key, v := range sum { // where amounts of different signs come to nothing the whole has no key
			if whole.Levels[key] != v {
				t.Fatalf("%+v: the whole has %d, its customers come to %d", key, whole.Levels[key], v)
			}
		}
		for key := range whole.Levels {
			if _, ok := sum[key]; !ok {
				t.Fatalf("%+v: no customer has it", key)
			}
		}
	})
}

// The cases that the properties are tried on reach every counter.
func TestCasesReachEveryCounter(t *testing.T) {
	truth := rapid.Custom(func(t *rapid.T) *oracle.Result {
		cfg, in := drawCase(t)
		day := cfg.Day(in.Watermark)
		return oracle.Compute(cfg, in, day-60, day)
	})
	count := map[string]int{}
	for seed := range 100 {
		r := truth.Example(seed)
		for _, figures := range []map[oracle.Key]int64{r.Levels, r.Standing} {
			for key := range figures {
				count[key.Counter+key.Currency]++
			}
		}
		count["at risk"] += len(r.Firing)
	}
	for _, counter := range []string{
		"UsersActive1", "UsersActive7", "UsersActive30", "UserDays30", "CustomersActive1", "CustomersActive7",
		"CustomersActive30", "UsersEver", "CustomersEver", "Customers", "Start7", "Start30", "Start90", "Lost7", "Lost30",
		"Lost90", "Cancellations", "Silent", "HealthRed", "HealthAmber", "HealthGreen", "HealthUnknown",
		"NPSPromoters30", "NPSPassives30", "NPSDetractors30", "NPSPromoters90", "NPSPassives90", "NPSDetractors90",
		"CSATSatisfied30", "CSATAnswers30", "CSATSatisfied90", "CSATAnswers90", "CSATInvited30", "CSATInvited90",
		"CESEasy30", "CESAnswers30", "CESEasy90", "CESAnswers90", "CLISum30", "CLIAnswers30", "CLISum90", "CLIAnswers90", "CLIRest30", "CLIRest90",
		"UsersActive28", "UsersActiveQuarter", "NewDay", "ReturningDay", "WasDay", "NewWeek", "ReturningWeek", "ResurrectingWeek",
		"WasWeek", "NewMonth", "ReturningMonth", "WasMonth", "DaysAtLeast30", "DaysAtLeastMonth", "CohortWeek", "CohortMonth",
		"CohortWeekLast", "CohortMonthLast", "LastHour", "TimeToValue", "MRRUSD", "MRREUR", "MRRAtRiskUSD",
		"MRRAtRiskEUR", "at risk",
	} {
		if count[counter] == 0 {
			t.Errorf("never reached: %s", counter)
		}
	}
}

func BenchmarkCompute(b *testing.B) {
	example := rapid.Custom(func(t *rapid.T) []event.Event {
		return generate.History(t, generate.Options{MaxCustomers: 30, MaxEvents: 400})
	})
	var events []event.Event
	for seed := 0; len(events) < 300; seed++ {
		events = example.Example(seed)
	}
	cfg := oracle.DefaultConfig()
	customers := map[string]bool{}
	for _, e := range events {
		customers[string(e.Customer)] = true
	}
	first := int32(19765)
	for b.Loop() {
		oracle.Compute(cfg, oracle.Input{Events: events, Watermark: cfg.Start(first + 40)}, first, first+40)
	}
	b.ReportMetric(float64(len(events)), "events")
	b.ReportMetric(float64(len(customers)), "customers")
}
