// Package goal decides about goals: a target for a KPI by a date, how far it is
// reached, and whether it is met or missed. It is pure.
package goal

import (
	"encoding/json"
	"fmt"
	"math/big"

	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/kpi"
	"github.com/tidemark-io/tidemark/segment"
)

// Goal is what is to be reached by a day. It is about a KPI, or, where KPI is "",
// a yes or no that people answer in the settings.
type Goal struct {
	Name    string
	KPI     string
	Window  string // one of the KPI's windows
	Segment string // "" for the whole
	// Least and Most bound the value that is wanted, both included, in the unit of
	// the KPI's value; nil: no bound on that side. One of them is set, or both.
	Least, Most *big.Rat
	Start       *big.Rat // the value that one started from
	From, By    int32    // days since 1970-01-01; From is before By
	Done        bool     // the answer, where there is no KPI
}

// State is what has become of a goal.
type State string

// The states. Met and missed change only where figures are corrected, or, before
// the day, where the value leaves what is wanted again.
const (
	OnTrack State = "on_track"
	Behind  State = "behind"
	Met     State = "met"    // the last complete day has what is wanted
	Missed  State = "missed" // the day is over, and had not
	// Resting: the segment is of a dimension that is switched off, so that nothing
	// is known. It neither begins nor ends that the goal is met or missed.
	Resting State = "resting"
)

// Status is a goal as it stands, in the shape that the command line and HTTP share.
type Status struct {
	Goal     string      `json:"goal"`
	KPI      string      `json:"kpi"` // "" for a yes or no
	Window   string      `json:"window"`
	Segment  string      `json:"segment"`
	State    State       `json:"state" enum:"on_track,behind,met,missed,resting"`
	Value    json.Number `json:"value" nullable:"true"`    // the newest one; of a yes or no 1 or 0
	AtLeast  json.Number `json:"at_least" nullable:"true"` // of what is wanted
	AtMost   json.Number `json:"at_most" nullable:"true"`
	Start    json.Number `json:"start" nullable:"true"`
	Progress json.Number `json:"progress" nullable:"true"` // 0 at the start, 1 where it is reached; below 0 and over 1 too
	Expected json.Number `json:"expected"`                 // what progress is on track now: the share of the time that has passed
	Day      string      `json:"day"`                      // of the value
	From     string      `json:"from"`
	By       string      `json:"by"`
	Unit     kpi.Unit    `json:"unit"` // "" for a yes or no
	Currency string      `json:"currency"`
}

// Point is a KPI's value on a day.
type Point struct {
	Day   int32
	Value *big.Rat // exact; nil where the figure is null
}

// Evaluate says how a goal stands. Now is the newest figure up to its day, Last that
// of the last complete one up to it, which decides; over says that the goal's day
// is complete. Both have a nil Value where there is none.
func Evaluate(g *Goal, now, last Point, over bool) Status {
	s := Status{
		Goal: g.Name, KPI: g.KPI, Window: g.Window, Segment: g.Segment,
		AtLeast: number(g.Least), AtMost: number(g.Most), Start: number(g.Start), Value: number(now.Value),
		Day: civil.Format(now.Day), From: civil.Format(g.From), By: civil.Format(g.By),
	}
	expected := big.NewRat(int64(min(max(now.Day, g.From), g.By)-g.From), int64(g.By-g.From))
	s.Expected = number(expected)
	progress := g.progress(now.Value)
	s.Progress = number(progress)
	switch {
	case g.reached(last.Value):
		s.State = Met
	case over:
		s.State = Missed
	case progress != nil && progress.Cmp(expected) >= 0:
		s.State = OnTrack
	default:
		s.State = Behind
	}
	return s
}

// Rest says how a goal stands of which nothing is known.
func Rest(g *Goal, day int32) Status {
	s := Evaluate(g, Point{Day: day}, Point{}, false)
	s.State = Resting
	return s
}

// Answer says how a yes or no stands.
func Answer(g *Goal, day int32, over bool) Status {
	one := Goal{Name: g.Name, Least: big.NewRat(1, 1), Start: new(big.Rat), From: g.From, By: g.By}
	v := Point{Day: min(day, g.By), Value: new(big.Rat)}
	if g.Done {
		v.Value = big.NewRat(1, 1)
	}
	s := Evaluate(&one, v, v, over)
	if s.State == Behind { // there is no half way
		s.State = OnTrack
	}
	return s
}

// reached says whether the value is one that is wanted.
func (g *Goal) reached(v *big.Rat) bool {
	return v != nil && (g.Least == nil || v.Cmp(g.Least) >= 0) && (g.Most == nil || v.Cmp(g.Most) <= 0)
}

// progress is how much of the way from the start to what is wanted has been gone,
// nil where the value is null.
func (g *Goal) progress(v *big.Rat) *big.Rat {
	if v == nil {
		return nil
	}
	whole, left := g.distance(g.Start), g.distance(v)
	if whole.Sign() == 0 { // it started where it should end
		if left.Sign() == 0 {
			return big.NewRat(1, 1)
		}
		return new(big.Rat)
	}
	if g.Least == nil || g.Most == nil { // beyond the target is over 1
		target := g.Least
		if target == nil {
			target = g.Most
		}
		way := new(big.Rat).Sub(v, g.Start)
		return way.Quo(way, new(big.Rat).Sub(target, g.Start))
	}
	gone := new(big.Rat).Sub(whole, left)
	return gone.Quo(gone, whole)
}

// distance is how far a value is from what is wanted, 0 within it.
func (g *Goal) distance(v *big.Rat) *big.Rat {
	switch {
	case g.Least != nil && v.Cmp(g.Least) < 0:
		return new(big.Rat).Sub(g.Least, v)
	case g.Most != nil && v.Cmp(g.Most) > 0:
		return new(big.Rat).Sub(v, g.Most)
	}
	return new(big.Rat)
}

// number writes a value as the shortest decimal of the nearest float64; "" is null.
func number(r *big.Rat) json.Number {
	if r == nil {
		return ""
	}
	f, _ := r.Float64()
	b, err := json.Marshal(f)
	if err != nil { // too large for a float64
		return ""
	}
	return json.Number(b)
}

// MarshalJSON writes "" as null.
func (s Status) MarshalJSON() ([]byte, error) {
	type plain Status // without this method
	null := func(n *json.Number) *json.Number {
		if *n == "" {
			return nil
		}
		return n
	}
	// What stands beside the embedded status takes the place of its fields of the
	// same name.
	return json.Marshal(struct {
		plain
		Value    *json.Number `json:"value"`
		AtLeast  *json.Number `json:"at_least"`
		AtMost   *json.Number `json:"at_most"`
		Start    *json.Number `json:"start"`
		Progress *json.Number `json:"progress"`
	}{plain(s), null(&s.Value), null(&s.AtLeast), null(&s.AtMost), null(&s.Start), null(&s.Progress)})
}

// Wanted says in words what is wanted: "at least 0.95", "30 to 50".
func (s *Status) Wanted() string {
	switch {
	case s.KPI == "":
		return "yes"
	case s.AtMost == "":
		return "at least " + s.AtLeast.String()
	case s.AtLeast == "":
		return "at most " + s.AtMost.String()
	}
	return s.AtLeast.String() + " to " + s.AtMost.String()
}

// Sentence says why an alert about a goal that is met or missed fires, or ceases to.
//
//	retention_rate (90d) is 0.952 on 2026-11-22: at least 0.95 by 2026-12-31 is met
//	soc2 is not done: yes by 2026-06-30 is missed
//	mrr (plan=pro) has no value on 2026-11-22: at least 5000 by 2026-12-31 rests, since figures by plan are switched off
func (s *Status) Sentence() string {
	if s.State == Resting {
		return fmt.Sprintf("%s: %s by %s rests, since figures by %s are switched off", s.reading(), s.Wanted(), s.By, segment.Dimension(s.Segment))
	}
	return fmt.Sprintf("%s: %s by %s is %s", s.reading(), s.Wanted(), s.By,
		map[State]string{Met: "met", Missed: "missed", OnTrack: "not met yet, on track", Behind: "not met yet, behind"}[s.State])
}

func (s *Status) reading() string {
	if s.KPI == "" {
		if s.Value == "1" {
			return s.Goal + " is done"
		}
		return s.Goal + " is not done"
	}
	name := s.KPI
	switch {
	case s.Window != "" && s.Segment != "":
		name += " (" + s.Window + ", " + s.Segment + ")"
	case s.Window+s.Segment != "":
		name += " (" + s.Window + s.Segment + ")"
	}
	if s.Value == "" {
		return name + " has no value on " + s.Day
	}
	return name + " is " + s.Value.String() + " on " + s.Day
}
