// Package kpi turns rows of counters into figures: the registry of KPIs, their
// formulas, windows and units. It is pure: no clock, no I/O.
package kpi

import "encoding/json"

// Unit is the unit of a figure's value.
type Unit string

// The units. Money is an integer of minor units of Figure.Currency.
const (
	Count  Unit = "count"
	Ratio  Unit = "ratio"
	Money  Unit = "money"
	Points Unit = "points"
	Days   Unit = "days"
)

// Figure is one KPI for one window, segment and day, in the shape that the
// command line, HTTP and the tidemark.kpis topic share.
type Figure struct {
	KPI         string      `json:"kpi"`
	Window      string      `json:"window"`                // "" for levels, else "30d" or "month"
	Segment     string      `json:"segment"`               // "" for the whole, else "plan=pro"
	Bucket      string      `json:"bucket,omitempty"`      // of a histogram, "7"; of reasons and cohorts; "" where there are none
	Day         string      `json:"day"`                   // local civil day, "2026-11-22"; of a calendar window its last
	Value       json.Number `json:"value" nullable:"true"` // "" (null in JSON) where the denominator is zero
	Unit        Unit        `json:"unit"`
	Currency    string      `json:"currency"`
	Numerator   int64       `json:"numerator"`
	Denominator int64       `json:"denominator"` // 1 where the figure is no ratio
	Complete    bool        `json:"complete"`
	LowSample   bool        `json:"low_sample,omitempty"`
	Revision    int         `json:"revision"`
	Watermark   string      `json:"watermark"` // RFC 3339, UTC
	Formula     string      `json:"formula"`   // "stickiness/1"
	Targets     []Target    `json:"targets,omitempty"`
}

// Target is what a goal wants of a figure of now, and how far it is reached.
type Target struct {
	Goal     string      `json:"goal"`               // its name
	AtLeast  json.Number `json:"at_least,omitempty"` // in the unit of the value; "": no bound on that side
	AtMost   json.Number `json:"at_most,omitempty"`
	By       string      `json:"by"`                 // day
	Progress json.Number `json:"progress,omitempty"` // 0 at the start, 1 where it is reached; "": the figure has no value
	State    string      `json:"state"`              // on_track, behind, met, missed or resting
}
