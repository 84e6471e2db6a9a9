package oracle

import (
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/internal/oracle/generate"
	"pgregory.net/rapid"
)

// atRisk works on breakpoints only. Here its answer is held against the
// definition at moments drawn at will.
func TestNothingHappensBetweenBreakpoints(t *testing.T) {
	seen := map[bool]int{}
	rapid.Check(t, func(t *rapid.T) {
		r := drawRecord(t)
		if !r.everPaid {
			return
		}
		points := r.breakpoints()
		for i, from := range points {
			to := r.now
			if i+1 < len(points) {
				to = points[i+1] - 1
			}
			s := rapid.Int64Range(from, max(from, to)).Draw(t, "moment")
			if r.live(s) != r.live(from) || r.paying(s, r.cal.day(s)) != r.paying(from, r.cal.day(from)) {
				t.Fatalf("between breakpoints: %q at %d, %q at %d", r.live(from), from, r.live(s), s)
			}
		}
		since, firing := r.atRisk()
		seen[firing]++
		if firing != r.firingAt(points, r.now) {
			t.Fatalf("firing now: %v", firing)
		}
		if !firing {
			return
		}
		if r.firingAt(points, since-1) {
			t.Fatalf("fires before %d", since)
		}
		for range 20 {
			if s := rapid.Int64Range(since, r.now).Draw(t, "since"); !r.firingAt(points, s) {
				t.Fatalf("does not fire at %d, since %d", s, since)
			}
		}
	})
	if seen[true] == 0 || seen[false] == 0 {
		t.Errorf("one side was never seen: %v", seen)
	}
}

// firingAt is the definition: paying at t, and red at some moment of the
// resolve time up to t. Bands are constant between breakpoints.
func (r *record) firingAt(breakpoints []int64, t int64) bool {
	first := t - r.cfg.ResolveAfter.Milliseconds() + 1
	red := r.live(first) == Red
	for _, s := range breakpoints {
		red = red || s >= first && s <= t && r.live(s) == Red
	}
	return red && r.paying(t, r.cal.day(t))
}

// drawRecord draws one customer's record, under a profile that is soon red.
func drawRecord(t *rapid.T) *record {
	place := generate.DrawPlace(t)
	cfg := DefaultConfig()
	cfg.Zone = place.Zone
	cfg.Basis = rapid.SampledFrom([]string{BasisSubscription, BasisPurchases}).Draw(t, "basis")
	cfg.ActivePurchaseDays = rapid.IntRange(1, 20).Draw(t, "active_purchase_days")
	cfg.LapseGrace = rapid.SampledFrom([]time.Duration{Never, 0, time.Hour}).Draw(t, "lapse_grace")
	cfg.Profile.Amber = rapid.Int64Range(50, 70).Draw(t, "amber")
	cfg.Profile.MinCoverage = rapid.SampledFrom([]int64{500, 860}).Draw(t, "min_coverage")
	cfg.ResolveAfter = time.Duration(rapid.Int64Range(1, 72*msPerHour).Draw(t, "resolve_after")) * time.Millisecond
	events := generate.History(t, generate.Options{Place: place, MaxCustomers: 1, MaxEvents: 60})
	cal := newCalendar(cfg.Zone)
	watermark := cal.start(place.FirstDay) + rapid.Int64Range(0, 60*msPerDay).Draw(t, "watermark")
	return newRecord(&cfg, cal, "c1", byCustomer(cal, events)["c1"], watermark)
}
