package kpi

import (
	"encoding/json"
	"math/big"
)

// MarshalJSON writes a figure without a value as "value": null. (An empty
// json.Number would be written as 0: a churn of nothing is not a churn of zero.)
func (f Figure) MarshalJSON() ([]byte, error) {
	type plain Figure // without this method
	var value *json.Number
	if f.Value != "" {
		value = &f.Value
	}
	// What stands beside the embedded figure takes the place of its field of the
	// same name; the first five only keep their place before the value.
	return json.Marshal(struct {
		KPI     string       `json:"kpi"`
		Window  string       `json:"window"`
		Segment string       `json:"segment"`
		Bucket  string       `json:"bucket,omitempty"`
		Day     string       `json:"day"`
		Value   *json.Number `json:"value"`
		plain
	}{f.KPI, f.Window, f.Segment, f.Bucket, f.Day, value, plain(f)})
}

// UnmarshalJSON reads what MarshalJSON writes; null gives the Value "".
func (f *Figure) UnmarshalJSON(b []byte) error {
	type plain Figure
	*f = Figure{}
	return json.Unmarshal(b, (*plain)(f))
}

// Exact returns the value before it is written as a decimal: the exact quotient
// of a ratio or of points, the rounded amount of money, a count. A ratio of two
// amounts is what is written. It is nil where
// the value is null. Thresholds are compared with it.
func (f Figure) Exact() *big.Rat {
	switch {
	case f.Value == "":
		return nil
	case f.Unit == Ratio && f.Currency == "": // else its parts are rounded
		return big.NewRat(f.Numerator, f.Denominator)
	case f.Unit == Points:
		return big.NewRat(100*f.Numerator, f.Denominator)
	}
	r, ok := new(big.Rat).SetString(f.Value.String())
	if !ok {
		return nil
	}
	return r
}
