package sqloracle

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strconv"
)

// Shown is a figure as the command line, HTTP and tidemark.kpis show it. What it
// is made of stands in the JSON members of the same names.
type Shown struct {
	KPI         string       `json:"kpi"`
	Window      string       `json:"window"`
	Segment     string       `json:"segment"`
	Bucket      string       `json:"bucket"`
	Day         string       `json:"day"`
	Value       *json.Number `json:"value"` // nil: null
	Unit        string       `json:"unit"`
	Currency    string       `json:"currency"`
	Numerator   int64        `json:"numerator"`
	Denominator int64        `json:"denominator"`
	Complete    bool         `json:"complete"`
}

// Key names the figure.
func (s Shown) Key() Key { return Key{s.KPI, s.Window, s.Segment, s.Day, s.Bucket} }

// Difference is one thing in which a shown figure isn't the oracle's.
type Difference struct {
	Key
	What   string // "value", "numerator", "unit" …
	Ours   string // "null" where there is no value, "nothing" where there is no figure
	Oracle string
}

func (d Difference) String() string {
	return fmt.Sprintf("%s: %s: ours %s, the oracle's %s", d.Key, d.What, d.Ours, d.Oracle)
}

// valueOnly are KPIs whose definition doesn't say what stands above and below
// the line.
var valueOnly = map[string]bool{
	"clv_churn": true, "clv_purchase": true, "clv_net": true, "clv_observed": true, "ltv_cac": true,
	"cli": true, "cli_norm": true, "health_mean": true, "time_to_value": true, "time_to_value_p90": true,
}

// Compare lists every difference between the figures that are shown and the
// oracle's of the same keys, in the order of their keys.
//
// A figure that the oracle doesn't have is compared with nothing: of a segment
// that nobody is in any more, or of an empty bucket, with 0 or null; of a KPI or
// window that the oracle never gives, it is a difference. A figure of the oracle
// other than 0 or null must be shown where expected says so.
func Compare(ours []Shown, oracle []Figure, expected func(Key) bool) []Difference {
	var list []Difference
	type series struct{ kpi, window string }
	known, figures, shown := map[series]Figure{}, map[Key]Figure{}, map[Key]bool{}
	for _, f := range oracle {
		known[series{f.KPI, f.Window}] = f
		figures[f.Key] = f
	}
	for _, s := range ours {
		shown[s.Key()] = true
		f, found := figures[s.Key()]
		like, anywhere := known[series{s.KPI, s.Window}]
		switch {
		case !anywhere:
			list = append(list, Difference{s.Key(), "figure", written(s.Value), "nothing: it has no such KPI and window"})
			continue
		case !found:
			f = Figure{Key: s.Key(), Unit: like.Unit, Currency: like.Currency, Numerator: new(big.Rat), Denominator: new(big.Rat), Complete: s.Complete}
			if s.Value != nil {
				f.Denominator.SetInt64(1)
			}
		}
		list = append(list, s.differences(f, found)...)
	}
	for _, f := range oracle {
		if v := f.Value(); !shown[f.Key] && v != nil && v.Sign() != 0 && expected(f.Key) {
			list = append(list, Difference{f.Key, "figure", "nothing", f.Published()})
		}
	}
	slices.SortStableFunc(list, func(a, b Difference) int { return compareKeys(a.Key, b.Key) })
	return list
}

// differences compares a figure with the oracle's; parts says whether the parts
// count too.
func (s Shown) differences(f Figure, parts bool) (list []Difference) {
	hold := func(what, ours, oracle string) {
		if ours != oracle {
			list = append(list, Difference{s.Key(), what, ours, oracle})
		}
	}
	value := "null"
	if v := f.Published(); v != "" {
		value = v
	}
	hold("value", written(s.Value), value)
	hold("unit", s.Unit, f.Unit)
	if f.Unit == "money" { // of ratios it says what the numbers above and below the line are in
		hold("currency", s.Currency, f.Currency)
	}
	hold("complete", strconv.FormatBool(s.Complete), strconv.FormatBool(f.Complete))
	if parts && !valueOnly[s.KPI] && f.Numerator != nil && f.Denominator != nil {
		hold("numerator", strconv.FormatInt(s.Numerator, 10), rounded(f.Numerator).String())
		hold("denominator", strconv.FormatInt(s.Denominator, 10), rounded(f.Denominator).String())
	}
	return list
}

func written(v *json.Number) string {
	if v == nil {
		return "null"
	}
	return v.String()
}
