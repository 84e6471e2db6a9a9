package alert

import (
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// series reads days from day 100 on: "-" is null, "_" a day that is not there, a
// trailing "?" a day that is not complete.
func series(t *testing.T, text string) []Point {
	t.Helper()
	var out []Point
	for i, word := range strings.Fields(text) {
		value, running := strings.CutSuffix(word, "?")
		if value == "_" {
			continue
		}
		p := Point{Day: int32(100 + i), Complete: !running}
		if value != "-" {
			v, ok := new(big.Rat).SetString(value)
			if !ok {
				t.Fatalf("%q is no number", value)
			}
			p.Value = v
		}
		out = append(out, p)
	}
	return out
}

func churnHigh(days int) KPIRule {
	return KPIRule{Name: "churn_high", KPI: "customer_churn_rate", Window: "30d", Severity: "warning",
		Above: true, Threshold: big.NewRat(8, 100), Clear: big.NewRat(7, 100), For: days}
}

func stickinessLow(days int) KPIRule {
	return KPIRule{Name: "stickiness_low", KPI: "stickiness", Window: "30d", Severity: "info",
		Threshold: big.NewRat(15, 100), Clear: big.NewRat(17, 100), For: days}
}

func TestWalks(t *testing.T) {
	for _, tc := range []struct {
		what        string
		rule        KPIRule
		series      string
		firing      bool
		provisional bool
		since       int32
		resolved    int32
		value       string // "" is null
	}{
		{"nothing at all", churnHigh(2), "", false, false, 0, 0, ""},
		{"one day is not two", churnHigh(2), "0.05 0.09", false, false, 0, 0, "0.09"},
		{"two days in a row", churnHigh(2), "0.05 0.09 0.1", true, false, 101, 0, "0.1"},
		{"two days, not in a row", churnHigh(2), "0.09 0.05 0.09", false, false, 0, 0, "0.09"},
		{"the threshold itself is not above it", churnHigh(1), "0.08", false, false, 0, 0, "0.08"},
		{"one day is enough for one", churnHigh(1), "0.09", true, false, 100, 0, "0.09"},
		{"stays between clear and threshold", churnHigh(2), "0.09 0.09 0.075 0.075", true, false, 100, 0, "0.075"},
		{"clears at clear", churnHigh(2), "0.09 0.09 0.07", false, false, 0, 102, "0.07"},
		{"clears beyond clear", churnHigh(2), "0.09 0.09 0.01", false, false, 0, 102, "0.01"},
		{"between them it does not fire again", churnHigh(2), "0.09 0.09 0.07 0.075 0.075", false, false, 0, 102, "0.075"},
		{"a second episode", churnHigh(2), "0.09 0.09 0.07 0.09 0.09", true, false, 103, 102, "0.09"},
		{"null breaks the row", churnHigh(2), "0.09 - 0.09", false, false, 0, 0, "0.09"},
		{"null resolves nothing", churnHigh(2), "0.09 0.09 - -", true, false, 100, 0, "0.09"},
		{"only null", churnHigh(1), "- - -?", false, false, 0, 0, ""},
		{"a day that is not there breaks the row", churnHigh(2), "0.09 _ 0.09", false, false, 0, 0, "0.09"},
		{"a day that is not there resolves nothing", churnHigh(2), "0.09 0.09 _ 0.075", true, false, 100, 0, "0.075"},

		{"the running day completes the row", churnHigh(2), "0.05 0.09 0.09?", true, true, 101, 0, "0.09"},
		{"the running day alone for one day", churnHigh(1), "0.09?", true, true, 100, 0, "0.09"},
		{"the running day is one of two", churnHigh(2), "0.05 0.09?", false, false, 0, 0, "0.09"},
		{"the running day goes on with an episode", churnHigh(2), "0.09 0.09 0.09?", true, false, 100, 0, "0.09"},
		{"the running day resolves nothing", churnHigh(2), "0.09 0.09 0.01?", true, false, 100, 0, "0.01"},
		{"confirmed at its end", churnHigh(2), "0.05 0.09 0.09 0.05?", true, false, 101, 0, "0.05"},
		{"not confirmed at its end", churnHigh(2), "0.05 0.09 0.075 0.05?", false, false, 0, 0, "0.05"},
		{"what comes after the running day is not looked at", churnHigh(2), "0.09 0.05? 0.09? 0.09?", false, false, 0, 0, "0.05"},
		{"no provisional after a gap", churnHigh(2), "0.09 _ 0.09?", false, false, 0, 0, "0.09"},

		{"below", stickinessLow(3), "0.14 0.14 0.14", true, false, 100, 0, "0.14"},
		{"below clears at clear", stickinessLow(3), "0.14 0.14 0.14 0.17", false, false, 0, 103, "0.17"},
		{"below stays under clear", stickinessLow(3), "0.14 0.14 0.14 0.1699", true, false, 100, 0, "0.1699"},
		{"the threshold itself is not below it", stickinessLow(1), "0.15", false, false, 0, 0, "0.15"},
		{"null is not below", stickinessLow(1), "-", false, false, 0, 0, ""},
	} {
		got := Evaluate(tc.rule, series(t, tc.series))
		value := ""
		if got.Value != nil {
			value, _ = strings.CutSuffix(strings.TrimRight(got.Value.FloatString(6), "0"), ".")
		}
		if got.Firing != tc.firing || got.Provisional != tc.provisional || got.Since != tc.since || got.Resolved != tc.resolved || value != tc.value {
			t.Errorf("%s: %q gives %+v (%s)", tc.what, tc.series, got, value)
		}
	}
}

// The same without a walk: it is firing where, after the last complete day that
// clears, there are For complete days in a row on which the condition held.
func TestEvaluateIsWhatItSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := churnHigh(rapid.IntRange(1, 4).Draw(t, "for"))
		values := rapid.SliceOfN(rapid.SampledFrom([]int64{9, 9, 9, 8, 7, 0}), 0, 25).Draw(t, "percent, 0 is null")
		var points []Point
		lastClear := -1
		for i, percent := range values {
			p := Point{Day: int32(i), Complete: true}
			if percent > 0 {
				p.Value = big.NewRat(percent, 100)
			}
			if percent == 7 {
				lastClear = i
			}
			points = append(points, p)
		}
		firing, since := false, 0
		for i := lastClear + 1; i+r.For <= len(values) && !firing; i++ {
			firing, since = true, i
			for _, percent := range values[i : i+r.For] {
				firing = firing && percent == 9
			}
		}
		got := Evaluate(r, points)
		if got.Firing != firing || firing && int(got.Since) != since {
			t.Fatalf("got %+v, want firing %v since %d", got, firing, since)
		}
		// A complete series and its last day made the running one differ in
		// nothing but whether what begins there is provisional.
		if n := len(points); n > 0 && !firing {
			points[n-1].Complete = false
			if got := Evaluate(r, points); got.Firing && lastClear != n-1 {
				t.Fatalf("a day that fires nothing when complete fires when running: %+v", got)
			}
		}
	})
}
