// Package alert decides about alerts on KPIs, and writes alerts down: the
// sentence that is the reason, and the event. It is pure.
package alert

import "math/big"

// KPIRule is an alert rule on a KPI's day series.
type KPIRule struct {
	Name     string
	KPI      string
	Window   string // one of the KPI's windows
	Segment  string // "" for the whole
	Severity string // info, warning or critical

	Above     bool     // fires above Threshold; false: below
	Threshold *big.Rat // in the unit of the KPI's value
	Clear     *big.Rat // resolves at it or beyond, on Threshold's good side or equal to it
	For       int      // complete days in a row, at least 1
}

// Point is one day of a series.
type Point struct {
	Day      int32    // days since 1970-01-01
	Value    *big.Rat // exact; nil where the figure is null
	Complete bool
}

// Verdict is what a rule says of a series.
type Verdict struct {
	Firing      bool
	Provisional bool     // firing because of the running day alone: its end confirms or resolves
	Since       int32    // first of the days in a row that made it fire; only while firing
	Resolved    int32    // day that cleared the last episode; 0 where there was none
	Day         int32    // day of Value
	Value       *big.Rat // the newest value that was looked at; nil where all were null
}

// Evaluate walks over a series of rising days and says whether the rule is
// firing at its end. It is a pure function of the series:
//
//   - It fires when the condition held on For complete days in a row. A null
//     value or a day that is not there breaks the row, but resolves nothing.
//   - Once firing it stays so until a complete day reaches Clear.
//   - The first day that is not complete is the running day, and the last that
//     counts: it fires as provisional where the condition holds on it and held
//     on the For − 1 complete days right before it. It resolves nothing.
//
// So the series should begin as far back as days are kept: what fired before its
// beginning and has moved between Clear and Threshold since is not seen.
func Evaluate(r KPIRule, series []Point) Verdict {
	w := walk{rule: r}
	for _, p := range series {
		if w.Value == nil || p.Value != nil {
			w.Day, w.Value = p.Day, p.Value
		}
		if !p.Complete {
			w.running(p)
			break
		}
		w.complete(p)
	}
	return w.Verdict
}

// walk is the state of Evaluate between two days.
type walk struct {
	Verdict
	rule KPIRule
	row  int   // complete days in a row on which the condition held, up to last
	last int32 // day before the next one
}

// complete takes a complete day.
func (w *walk) complete(p Point) {
	w.extend(p)
	switch {
	case !w.Firing && w.row >= w.rule.For:
		w.Firing, w.Since = true, p.Day-int32(w.row)+1
	case w.Firing && w.rule.clears(p.Value):
		w.Firing, w.Since, w.Resolved = false, 0, p.Day
	}
}

// running takes the running day.
func (w *walk) running(p Point) {
	w.extend(p)
	if !w.Firing && w.row >= w.rule.For {
		w.Firing, w.Provisional, w.Since = true, true, p.Day-int32(w.row)+1
	}
}

// extend adds a day to the row, or breaks it.
func (w *walk) extend(p Point) {
	if w.row > 0 && p.Day != w.last+1 {
		w.row = 0
	}
	w.last = p.Day
	if w.rule.holds(p.Value) {
		w.row++
	} else {
		w.row = 0
	}
}

// holds says whether the value is beyond the threshold; null is not.
func (r *KPIRule) holds(v *big.Rat) bool {
	if v == nil {
		return false
	}
	if r.Above {
		return v.Cmp(r.Threshold) > 0
	}
	return v.Cmp(r.Threshold) < 0
}

// clears says whether the value is back; null is not.
func (r *KPIRule) clears(v *big.Rat) bool {
	if v == nil {
		return false
	}
	if r.Above {
		return v.Cmp(r.Clear) <= 0
	}
	return v.Cmp(r.Clear) >= 0
}
