package kpi

import (
	"encoding/json"
	"errors"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/event"
	"pgregory.net/rapid"
)

const today = 20_779 // 2026-11-22, a Sunday

var usd, eur, jpy = event.Currency{'U', 'S', 'D'}, event.Currency{'E', 'U', 'R'}, event.Currency{'J', 'P', 'Y'}

type key struct {
	counter aggregator.Counter
	cur     event.Currency
	segment string
	day     int32
	label   string
}

// rows is a source of levels written down by hand.
type rows map[key]int64

func (r rows) Level(c aggregator.Cell, segment string, day int32) int64 {
	return r[key{c.Counter, c.Currency, segment, day, c.Label}]
}

func (r rows) Standing(c aggregator.Cell, segment string, day int32) int64 {
	return r[key{counter: c.Counter, segment: segment, day: day, label: c.Label}]
}

func (r rows) Labels(c aggregator.Counter, segment string, day int32) []string {
	var found []string
	for k := range r {
		if k.counter == c && k.segment == segment && k.day == day {
			found = append(found, k.label)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

func (r rows) Days(c aggregator.Counter, segment string) []int32 {
	var found []int32
	for k := range r {
		if k.counter == c && k.segment == segment {
			found = append(found, k.day)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

func (r rows) Currencies() []event.Currency {
	var found []event.Currency
	for k := range r {
		if k.counter.Money() && !slices.Contains(found, k.cur) {
			found = append(found, k.cur)
		}
	}
	return found
}

// on sets counters of one day of the whole.
func on(day int32, levels map[aggregator.Counter]int64) rows {
	r := rows{}
	for c, n := range levels {
		k := key{counter: c, day: day}
		if c.Standing() {
			k.day = 0
		}
		r[k] = n
	}
	return r
}

// source is noon of today in UTC.
func source(r rows) *Source {
	return &Source{
		Levels: r, Currency: usd, Calendar: civil.NewCalendar(time.UTC),
		Watermark: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC).UnixMilli(), MinSample: 30,
	}
}

func figure(t *testing.T, s *Source, name, window string, day int32) Figure {
	t.Helper()
	k, err := Find(name)
	if err != nil {
		t.Fatal(err)
	}
	w, err := k.Window(window)
	if err != nil {
		t.Fatal(err)
	}
	return s.Figure(k, w, "", day)
}

// The worked examples of the doc comments, and the edge cases beside them.
func TestFormulas(t *testing.T) {
	type counters = map[aggregator.Counter]int64
	for _, tc := range []struct {
		what, kpi, window string
		levels            counters
		value             json.Number
		num, den          int64
	}{
		{"users of the day", "dau", "", counters{aggregator.UsersActive1: 2, aggregator.UsersActive7: 3}, "2", 2, 1},
		{"users of the week", "wau", "", counters{aggregator.UsersActive1: 2, aggregator.UsersActive7: 3}, "3", 3, 1},
		{"users of the month", "mau", "", counters{aggregator.UsersActive30: 1000}, "1000", 1000, 1},
		{"nobody at all", "mau", "", nil, "0", 0, 1},
		{"250 of 1,000", "stickiness", "", counters{aggregator.UsersActive1: 250, aggregator.UsersActive30: 1000}, "0.25", 250, 1000},
		{"1 of 3 unrounded", "stickiness", "", counters{aggregator.UsersActive1: 1, aggregator.UsersActive30: 3}, "0.3333333333333333", 1, 3},
		{"nobody in 30 days", "stickiness", "", nil, "", 0, 0},
		{"6,000 days of 1,000 users", "stickiness_avg", "", counters{aggregator.UserDays30: 6000, aggregator.UsersActive30: 1000}, "0.2", 6000, 30_000},
		{"customers of the day", "active_customers", "1d", counters{aggregator.CustomersActive1: 4, aggregator.CustomersActive30: 9}, "4", 4, 1},
		{"customers of the month by default", "active_customers", "", counters{aggregator.CustomersActive1: 4, aggregator.CustomersActive30: 9}, "9", 9, 1},
		{"users ever", "users_ever", "", counters{aggregator.UsersEver: 77}, "77", 77, 1},
		{"customers", "customers", "", counters{aggregator.Customers: 2}, "2", 2, 1},
		{"customers ever", "customers_ever", "", counters{aggregator.CustomersEver: 3}, "3", 3, 1},
		{"silent", "silent_customers", "", counters{aggregator.Silent: 5}, "5", 5, 1},
		{"1,000 and 50 lost", "customer_churn_rate", "30d", counters{aggregator.Start30: 1000, aggregator.Lost30: 50}, "0.05", 50, 1000},
		{"100 and 10 lost", "customer_churn_rate", "7d", counters{aggregator.Start7: 100, aggregator.Lost7: 10, aggregator.Start30: 3}, "0.1", 10, 100},
		{"their retention", "retention_rate", "90d", counters{aggregator.Start90: 1000, aggregator.Lost90: 50}, "0.95", 950, 1000},
		{"no customer at the start", "customer_churn_rate", "90d", nil, "", 0, 0},
		{"churn of none of some", "customer_churn_rate", "", counters{aggregator.Start30: 4}, "0", 0, 4},
		{"30, 60, 10", "nps", "30d", counters{aggregator.NPSPromoters30: 30, aggregator.NPSPassives30: 60, aggregator.NPSDetractors30: 10}, "20", 20, 100},
		{"60 and 30 of 100", "nps", "", counters{aggregator.NPSPromoters90: 60, aggregator.NPSPassives90: 10, aggregator.NPSDetractors90: 30}, "30", 30, 100},
		{"70 and 10 of 100", "nps", "90d", counters{aggregator.NPSPromoters90: 70, aggregator.NPSPassives90: 20, aggregator.NPSDetractors90: 10}, "60", 60, 100},
		{"only detractors", "nps", "", counters{aggregator.NPSDetractors90: 40}, "-100", -40, 40},
		{"1 of 3 answers", "nps", "", counters{aggregator.NPSPromoters90: 10, aggregator.NPSPassives90: 20}, "33.333333333333336", 10, 30},
		{"no answers", "nps", "", nil, "", 0, 0},
		{"400 of 500", "csat", "", counters{aggregator.CSATSatisfied90: 400, aggregator.CSATAnswers90: 500}, "0.8", 400, 500},
		{"red", "health_red", "", counters{aggregator.HealthRed: 1, aggregator.HealthAmber: 2}, "1", 1, 1},
		{"amber", "health_amber", "", counters{aggregator.HealthRed: 1, aggregator.HealthAmber: 2}, "2", 2, 1},
		{"green", "health_green", "", counters{aggregator.HealthGreen: 3}, "3", 3, 1},
		{"unknown", "health_unknown", "", counters{aggregator.HealthUnknown: 4}, "4", 4, 1},
	} {
		f := figure(t, source(on(today, tc.levels)), tc.kpi, tc.window, today)
		if f.Value != tc.value || f.Numerator != tc.num || f.Denominator != tc.den {
			t.Errorf("%s: %s = %q (%d of %d), want %q (%d of %d)", tc.what, tc.kpi, f.Value, f.Numerator, f.Denominator, tc.value, tc.num, tc.den)
		}
	}
}

func TestExactIsTheValueBeforeItIsWritten(t *testing.T) {
	for _, tc := range []struct {
		f    Figure
		want *big.Rat
	}{
		{Figure{Unit: Ratio, Value: "0.3333333333333333", Numerator: 1, Denominator: 3}, big.NewRat(1, 3)},
		{Figure{Unit: Points, Value: "33.333333333333336", Numerator: 10, Denominator: 30}, big.NewRat(100, 3)},
		{Figure{Unit: Money, Value: "417", Numerator: 833, Denominator: 2}, big.NewRat(417, 1)},
		{Figure{Unit: Count, Value: "7", Numerator: 7, Denominator: 1}, big.NewRat(7, 1)},
		{Figure{Unit: Ratio}, nil},
	} {
		got := tc.f.Exact()
		if (got == nil) != (tc.want == nil) || got != nil && got.Cmp(tc.want) != 0 {
			t.Errorf("%+v is exactly %v, want %v", tc.f, got, tc.want)
		}
	}
}

// The mean of scores comes from whoever has read them, as of that moment, and there
// is none before.
func TestHealthMean(t *testing.T) {
	k, err := Find("health_mean")
	if err != nil {
		t.Fatal(err)
	}
	s := source(nil)
	if got := s.Figures(k, "", "", today); got != nil {
		t.Errorf("without scores there is %+v", got)
	}
	read := s.Calendar.Start(today-1) + 1000
	s.Scores = func(segment string) ScoreSum {
		if segment == "" {
			return ScoreSum{Sum: big.NewRat(42+74+88, 1), Customers: 3, At: read}
		}
		return ScoreSum{Sum: new(big.Rat), At: read}
	}
	f := s.Figures(k, "", "", today)[0]
	if f.Value != "68" || f.Exact().Cmp(big.NewRat(68, 1)) != 0 || f.Numerator != 17 || f.Denominator != 25 || f.Complete {
		t.Errorf("of 42, 74 and 88 it is %+v", f)
	}
	if f.Day != civil.Format(today-1) || f.Watermark != time.UnixMilli(read).UTC().Format(time.RFC3339) {
		t.Errorf("it is of %s, %s", f.Day, f.Watermark)
	}
	if f = s.Figures(k, "", "plan=pro", today)[0]; f.Value != "" {
		t.Errorf("of nobody it is %+v", f)
	}
}

func TestCancellationsAddUpOverTheWindow(t *testing.T) {
	monday := int32(today - 6)
	r := rows{
		{counter: aggregator.Cancellations, day: monday}:      2,
		{counter: aggregator.Cancellations, day: monday + 2}:  1,
		{counter: aggregator.Cancellations, day: monday - 83}: 5, // 89 days before Sunday: just in
		{counter: aggregator.Cancellations, day: monday - 84}: 7, // just out
	}
	s := source(r)
	for _, tc := range []struct {
		window string
		day    int32
		want   json.Number
	}{
		{"1d", monday + 2, "1"}, {"1d", monday + 3, "0"}, {"7d", monday + 2, "3"},
		{"7d", monday + 6, "3"}, {"7d", monday + 7, "1"}, {"90d", today, "8"}, {"90d", today - 1, "15"},
	} {
		if f := figure(t, s, "cancellations", tc.window, tc.day); f.Value != tc.want {
			t.Errorf("cancellations %s on %s = %s, want %s", tc.window, f.Day, f.Value, tc.want)
		}
	}
}

// monthly is an amount of minor units a month as MRR stores it.
func monthly(minor int64) int64 { return minor * event.MonthlyUnit }

func TestMoney(t *testing.T) {
	mrrOf := func(n int64, customers int64) rows {
		return rows{{aggregator.MRR, usd, "", today, ""}: n, {aggregator.Customers, event.Currency{}, "", today, ""}: customers}
	}
	for _, tc := range []struct {
		what, kpi string
		rows      rows
		value     json.Number
		num, den  int64
	}{
		{"6,500 at 25.00", "mrr", mrrOf(monthly(16_250_000), 6500), "16250000", 16_250_000, 1},
		{"per customer", "arpa", mrrOf(monthly(16_250_000), 6500), "2500", 16_250_000, 6500},
		{"100.00 a year", "mrr", mrrOf(monthly(10_000)/12, 1), "833", 833, 1}, // 833.33
		{"three times 100.00 a year", "mrr", mrrOf(3*monthly(10_000)/12, 3), "2500", 2500, 1},
		{"half a cent", "mrr", mrrOf(event.MonthlyUnit/2, 1), "1", 1, 1},
		{"less than half a cent", "mrr", mrrOf(event.MonthlyUnit/2-1, 1), "0", 0, 1},
		// 0.5 / 2 = 0.25; from the mrr rounded to 1 it would be 0.5 and become 1.
		{"rounded once", "arpa", mrrOf(event.MonthlyUnit/2, 2), "0", 1, 2},
		{"half a cent each", "arpa", mrrOf(monthly(9)/2, 9), "1", 5, 9},
		{"no customers", "arpa", rows{}, "", 0, 0},
		{"nothing at all", "mrr", rows{}, "0", 0, 1},
		{"at risk", "mrr_at_risk", rows{{aggregator.MRRAtRisk, usd, "", today, ""}: monthly(2500), {aggregator.MRR, usd, "", today, ""}: monthly(7500)}, "2500", 2500, 1},
	} {
		f := figure(t, source(tc.rows), tc.kpi, "", today)
		if f.Value != tc.value || f.Numerator != tc.num || f.Denominator != tc.den || f.Currency != "USD" || f.Unit != Money {
			t.Errorf("%s: %s = %+v, want %s (%d of %d)", tc.what, tc.kpi, f, tc.value, tc.num, tc.den)
		}
	}
}

func TestCurrenciesAreConvertedAtTheDaysRate(t *testing.T) {
	s := source(rows{
		{aggregator.MRR, usd, "", today, ""}:                                 monthly(1000),
		{aggregator.MRR, eur, "", today, ""}:                                 monthly(1000),
		{aggregator.MRR, eur, "", today - 1, ""}:                             monthly(1000),
		{aggregator.MRR, jpy, "", today, ""}:                                 monthly(500), // 500 yen: the yen is its own minor unit
		{aggregator.Customers, event.Currency{}, "", today - 1, ""}:          3,
		{aggregator.Cancellations, event.Currency{}, "", today, ""}:          1,
		{aggregator.MRRAtRisk, event.Currency{'G', 'B', 'P'}, "", today, ""}: monthly(1),
	})
	s.Rates = func(cur event.Currency, day int32) *big.Rat {
		switch {
		case cur == eur && day == today:
			return big.NewRat(11, 10)
		case cur == eur:
			return big.NewRat(12, 10)
		case cur == jpy:
			return big.NewRat(2, 3) // cents a yen
		}
		return nil
	}
	// 1000 + 1000 × 1.1 + 500 × 2/3 = 2433.33
	if f := figure(t, s, "mrr", "", today); f.Value != "2433" {
		t.Errorf("mrr = %s, want 2433", f.Value)
	}
	// 1000 × 1.2 = 1200 of 3
	if f := figure(t, s, "arpa", "", today-1); f.Value != "400" || f.Numerator != 1200 {
		t.Errorf("arpa of yesterday = %s of %d, want 400 of 1200", f.Value, f.Numerator)
	}
	if f := figure(t, s, "mrr_at_risk", "", today); f.Value != "" {
		t.Errorf("a sum with a currency of unknown worth is %s, want null", f.Value)
	}
	s.Rates = nil
	if f := figure(t, s, "mrr", "", today); f.Value != "" {
		t.Errorf("without any rates euros are worth %s, want null", f.Value)
	}
}

func TestRoundIsHalfAwayFromZero(t *testing.T) {
	for _, tc := range []struct{ num, den, want int64 }{
		{1, 2, 1}, {-1, 2, -1}, {3, 2, 2}, {-3, 2, -2}, {5, 2, 3}, {49, 100, 0}, {-49, 100, 0}, {7, 1, 7}, {0, 5, 0}, {2, 3, 1}, {-2, 3, -1},
	} {
		if got := round(big.NewRat(tc.num, tc.den)); got != tc.want {
			t.Errorf("round(%d/%d) = %d, want %d", tc.num, tc.den, got, tc.want)
		}
	}
}

// A quotient's text is the shortest that is read back as the same float64, and
// that float64 lies within half a step of the exact quotient.
func TestQuotientIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		num, den := rapid.Int64Range(-1<<40, 1<<40).Draw(t, "num"), rapid.Int64Range(1, 1<<40).Draw(t, "den")
		f, err := quotient(num, den).Float64()
		if err != nil {
			t.Fatal(err)
		}
		if want := float64(num) / float64(den); f != want { // both exact below 2^53, so the division rounds once
			t.Fatalf("%d/%d is read back as %v, want %v", num, den, f, want)
		}
	})
}

func TestCompleteness(t *testing.T) {
	loc, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	s := source(on(today, map[aggregator.Counter]int64{aggregator.UsersActive1: 1}))
	s.Calendar = civil.NewCalendar(loc)
	midnight := time.Date(2026, 11, 23, 5, 0, 0, 0, time.UTC) // of New York, UTC−5
	for _, tc := range []struct {
		watermark time.Time
		complete  bool
	}{
		{midnight.Add(-time.Millisecond), false},
		{midnight, true},
		{midnight.Add(time.Hour), true},
	} {
		s.Watermark = tc.watermark.UnixMilli()
		f := figure(t, s, "dau", "", today)
		if f.Complete != tc.complete {
			t.Errorf("watermark %s: complete %v, want %v", tc.watermark, f.Complete, tc.complete)
		}
		if f.Day != "2026-11-22" || f.Watermark != tc.watermark.Format(time.RFC3339) {
			t.Errorf("day %s, watermark %s", f.Day, f.Watermark)
		}
	}
}

func TestWhatHasNoDayIsForTheRunningDayOnly(t *testing.T) {
	f := figure(t, source(on(today, map[aggregator.Counter]int64{aggregator.UsersEver: 3})), "users_ever", "", today-50)
	if f.Day != "2026-11-22" || f.Complete || f.Value != "3" {
		t.Errorf("users_ever asked for a past day gives %+v", f)
	}
}

func TestSegmentsAndLowSamples(t *testing.T) {
	s := source(rows{
		{counter: aggregator.CSATSatisfied90, segment: "plan=pro", day: today}: 15,
		{counter: aggregator.CSATAnswers90, segment: "plan=pro", day: today}:   29,
		{counter: aggregator.CSATAnswers90, segment: "plan=basic", day: today}: 30,
		{counter: aggregator.Customers, segment: "plan=pro", day: today}:       1,
	})
	k, _ := Lookup("csat")
	if f := s.Figure(k, "90d", "plan=pro", today); !f.LowSample || f.Denominator != 29 || f.Segment != "plan=pro" {
		t.Errorf("29 answers: %+v", f)
	}
	if f := s.Figure(k, "90d", "plan=basic", today); f.LowSample || f.Value != "0" {
		t.Errorf("30 answers: %+v", f)
	}
	if f := figure(t, s, "csat", "", today); f.Value != "" || !f.LowSample {
		t.Errorf("no answers: %+v", f)
	}
	k, _ = Lookup("customers")
	if f := s.Figure(k, "", "plan=pro", today); f.LowSample {
		t.Errorf("a count is no sample: %+v", f)
	}
}

func TestFigureAsJSON(t *testing.T) {
	s := source(on(today, map[aggregator.Counter]int64{aggregator.UsersActive1: 250, aggregator.UsersActive30: 1000}))
	f := figure(t, s, "stickiness", "", today)
	const want = `{"kpi":"stickiness","window":"30d","segment":"","day":"2026-11-22","value":0.25,"unit":"ratio","currency":"",` +
		`"numerator":250,"denominator":1000,"complete":false,"revision":0,"watermark":"2026-11-22T12:00:00Z","formula":"stickiness/1"}`
	b, err := json.Marshal(f)
	if err != nil || string(b) != want {
		t.Errorf("%v\n got %s\nwant %s", err, b, want)
	}
	for _, f := range []Figure{f, figure(t, source(rows{}), "stickiness", "", today), figure(t, source(rows{}), "nps", "", today)} {
		b, err := json.Marshal(&f)
		if err != nil {
			t.Fatal(err)
		}
		if null := strings.Contains(string(b), `"value":null`); null != (f.Value == "") {
			t.Errorf("value %q is written as %s", f.Value, b)
		}
		back := Figure{Value: "7", LowSample: true}
		if err := json.Unmarshal(b, &back); err != nil || !reflect.DeepEqual(back, f) {
			t.Errorf("read back %+v (%v), want %+v", back, err, f)
		}
	}
}

func TestRegistry(t *testing.T) {
	want := strings.Fields(`dau wau mau mau_28 mau_calendar active_24h active_7d active_30d stickiness stickiness_avg active_customers users_ever
		active_days_histogram lifecycle_new lifecycle_returning lifecycle_resurrecting lifecycle_dormant pulse cohort_retention
		time_to_value time_to_value_p90 customers customers_ever cancellations
		churn_reasons customer_churn_rate retention_rate mrr arpa
		mrr_new mrr_expansion mrr_contraction mrr_churn mrr_reactivation mrr_fx mrr_moved
		nrr grr gross_revenue_churn net_revenue_churn mrr_decline_rate expansion_rate quick_ratio quick_ratio_strict expansion_growth_rate
		revenue revenue_net orders aov repeat_purchase_rate repeat_purchase_rate_lifetime
		clv_churn clv_purchase clv_net clv_observed ltv_cac
		nps promoters passives detractors csat response_rate ces cli cli_norm silent_customers health_red health_amber health_green health_unknown health_mean mrr_at_risk`)
	if got := Names(); !slices.Equal(got, want) {
		t.Errorf("names are %v, want %v", got, want)
	}
	for _, k := range All() {
		if k.Description == "" || k.Definition == "" || k.Example == "" || k.Unit == "" {
			t.Errorf("%s is not described", k.Name)
		}
		if !strings.HasPrefix(k.Formula, k.Name+"/") {
			t.Errorf("the formula of %s is called %s", k.Name, k.Formula)
		}
		if !slices.Contains(k.Windows, k.Default) {
			t.Errorf("%s has no window %q", k.Name, k.Default)
		}
		for _, w := range k.Windows {
			if _, ok := calendar[w]; !ok && (windowDays[w] == 0 || windowDays[w] > LookBack+1) {
				t.Errorf("%s has a window %q of %d days", k.Name, w, windowDays[w])
			}
		}
	}
	if k, ok := Lookup("arpu"); !ok || k.Name != "arpa" {
		t.Errorf("arpu is %q", k.Name)
	}
	if _, ok := Lookup(""); ok {
		t.Error("a KPI without a name was found")
	}
}

func TestUnknownNamesGetTheNearest(t *testing.T) {
	for given, want := range map[string]string{
		"chrun": "churn_reasons", "retenton": "cohort_retention", "expantion": "mrr_expansion", "zzzzzz": "",
		"stickyness": "stickiness", "churn_rate": "customer_churn_rate", "health": "health_red", "customer_churn": "customer_churn_rate", "mrrr": "mrr",
		"DAU": "dau", "dua": "dau", "npps": "nps", "quantum_flux": "", "": "",
	} {
		if got := Nearest(given); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", given, got, want)
		}
	}
	_, err := Find("stickyness")
	var unknown *UnknownError
	if !errors.As(err, &unknown) || !strings.HasPrefix(err.Error(), `there is no KPI "stickyness", did you mean "stickiness"?`) {
		t.Errorf("Find says: %v", err)
	}
	k, _ := Lookup("customer_churn_rate")
	if _, err = k.Window("28d"); err == nil || err.Error() != `there is no window of customer_churn_rate "28d", did you mean "30d"? (there are: 7d, 30d, 90d, month, quarter)` {
		t.Errorf("Window says: %v", err)
	}
	k, _ = Lookup("mrr")
	if _, err = k.Window("30d"); err == nil || !strings.Contains(err.Error(), "has none") {
		t.Errorf("Window of a level says: %v", err)
	}
}

// TestUnknownKPI: the nearest name is not hidden among all the others, which are
// told where none is near.
func TestUnknownKPI(t *testing.T) {
	if _, err := Find("stickyness"); err == nil || err.Error() != `there is no KPI "stickyness", did you mean "stickiness"?` {
		t.Error(err)
	}
	if _, err := Find("zzz"); err == nil || !strings.HasPrefix(err.Error(), `there is no KPI "zzz" (there are: dau, wau, `) {
		t.Error(err)
	}
}
