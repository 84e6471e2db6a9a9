package kpi

import "encoding/json"

// MarshalJSON writes a figure without a value as "value": null. (An empty
// json.Number would be written as 0: a churn of nothing is not a churn of zero.)
func (f Figure) MarshalJSON() ([]byte, error) {
	type plain Figure // without this method
	var value *json.Number
	if f.Value != "" {
		value = &f.Value
	}
	// What stands beside the embedded figure takes the place of its field of the
	// same name; the first four only keep their place before the value.
	return json.Marshal(struct {
		KPI     string       `json:"kpi"`
		Window  string       `json:"window"`
		Segment string       `json:"segment"`
		Day     string       `json:"day"`
		Value   *json.Number `json:"value"`
		plain
	}{f.KPI, f.Window, f.Segment, f.Day, value, plain(f)})
}

// UnmarshalJSON reads what MarshalJSON writes; null gives the Value "".
func (f *Figure) UnmarshalJSON(b []byte) error {
	type plain Figure
	*f = Figure{}
	return json.Unmarshal(b, (*plain)(f))
}
