package sqloracle_test

import (
	"encoding/json"
	"math/big"
	"slices"
	"testing"

	"github.com/tidemark-io/tidemark/internal/sqloracle"
)

func TestCompareNamesEveryDifference(t *testing.T) {
	figure := func(name, window, day, unit string, num, den int64) sqloracle.Figure {
		return sqloracle.Figure{Key: sqloracle.Key{KPI: name, Window: window, Day: day}, Unit: unit,
			Numerator: big.NewRat(num, 1), Denominator: big.NewRat(den, 1), Complete: true}
	}
	oracle := []sqloracle.Figure{
		figure("dau", "1d", "2024-03-01", "count", 5, 1),
		figure("dau", "1d", "2024-03-02", "count", 6, 1),
		figure("dau", "1d", "2024-03-03", "count", 7, 1),
		figure("stickiness", "30d", "2024-03-01", "ratio", 0, 0),
		figure("mau", "30d", "2024-03-01", "count", 3, 1),
		figure("cli", "30d", "2024-03-01", "count", 200, 3),
		figure("cli", "30d", "2024-03-02", "count", 200, 3),
	}
	shown := func(name, window, segment, day, value string, num, den int64) sqloracle.Shown {
		s := sqloracle.Shown{KPI: name, Window: window, Segment: segment, Day: day, Unit: "count", Numerator: num, Denominator: den, Complete: true}
		if value != "null" {
			n := json.Number(value)
			s.Value = &n
		}
		return s
	}
	ours := []sqloracle.Shown{
		shown("dau", "1d", "", "2024-03-01", "5", 5, 1), // the same
		shown("dau", "1d", "", "2024-03-02", "7", 7, 1),
		shown("dau", "1d", "plan=gone", "2024-03-01", "0", 0, 1), // nobody is in it any more
		shown("dau", "1d", "plan=odd", "2024-03-01", "1", 1, 1),
		shown("stickiness", "30d", "", "2024-03-01", "0", 0, 0),
		shown("cli", "30d", "", "2024-03-01", "66.66666666666667", 0, 0), // whatever its parts
		shown("cli", "30d", "", "2024-03-02", "66.66667", 0, 0),
		shown("invented", "1d", "", "2024-03-01", "1", 1, 1),
	}
	var got []string
	for _, d := range sqloracle.Compare(ours, oracle, func(k sqloracle.Key) bool { return k.KPI == "dau" }) {
		got = append(got, d.String())
	}
	want := []string{
		"cli 30d on 2024-03-02: value: ours 66.66667, the oracle's 66.66666666666667",
		"dau 1d on 2024-03-02: value: ours 7, the oracle's 6",
		"dau 1d on 2024-03-02: numerator: ours 7, the oracle's 6",
		"dau 1d on 2024-03-03: figure: ours nothing, the oracle's 7",
		"dau 1d plan=odd on 2024-03-01: value: ours 1, the oracle's 0",
		"invented 1d on 2024-03-01: figure: ours 1, the oracle's nothing: it has no such KPI and window",
		"stickiness 30d on 2024-03-01: value: ours 0, the oracle's null",
		"stickiness 30d on 2024-03-01: unit: ours count, the oracle's ratio",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}

func TestPublished(t *testing.T) {
	for _, tc := range []struct {
		unit     string
		num, den int64
		want     string
	}{
		{"money", 5, 2, "3"}, {"money", -5, 2, "-3"}, {"money", 7, 3, "2"}, {"money", -1, 3, "0"}, {"money", 1, 0, ""},
		{"ratio", 1, 3, "0.3333333333333333"}, {"points", 1, 4, "25"}, {"count", 3, 1, "3"},
	} {
		f := sqloracle.Figure{Unit: tc.unit, Numerator: big.NewRat(tc.num, 1), Denominator: big.NewRat(tc.den, 1)}
		if got := f.Published(); got != tc.want {
			t.Errorf("%d/%d %s: %s, want %s", tc.num, tc.den, tc.unit, got, tc.want)
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for what, change := range map[string]func(*sqloracle.Options){
		"no day":         func(o *sqloracle.Options) { o.From = "2024-02-30" },
		"days backwards": func(o *sqloracle.Options) { o.From = "2024-03-02" },
		"no zone":        func(o *sqloracle.Options) { o.Zone = "Atlantis/North" },
		"no week":        func(o *sqloracle.Options) { o.WeekStart = "friday" },
		"no basis":       func(o *sqloracle.Options) { o.Basis = "hope" },
		"no currency":    func(o *sqloracle.Options) { o.Currency = "" },
	} {
		o := newFacts(t).days("2024-03-01", "2024-03-01")
		change(&o)
		if _, err := sqloracle.Compute(t.Context(), sqloracle.Facts{}, o); err == nil {
			t.Errorf("%s: accepted", what)
		}
	}
	o := newFacts(t).days("2024-03-01", "2024-03-01")
	if _, err := sqloracle.Compute(t.Context(), sqloracle.Facts{Lines: []byte(`{"type":`)}, o); err == nil {
		t.Error("a line that is no JSON was accepted")
	}
}
