package config

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Health is the profile that scores customers:
//
//	score = 100 × Σ weight × points/max points / Σ weight
//
// over the signals that have a value.
type Health struct {
	MinCoverage Decimal // share of the weight under which the band is unknown, 0 to 1
	Bands       Bands
	Hysteresis  int // points by which a score must pass a band's edge to leave the band upwards or green downwards
	Signals     []Signal
}

// Bands are the scores from which on a band begins: red [0, Amber), amber
// [Amber, Green), green [Green, 100].
type Bands struct {
	Amber, Green int
}

// Read names what a signal reads of a customer's record.
type Read string

// What signals can read.
const (
	ActiveDays      Read = "active_days"       // days of the window with any user active
	RecencyDays     Read = "recency_days"      // days since the later of last active and first paying day
	SurveyAnswer    Read = "survey"            // the last NPS answer of the window, else the last CSAT answer
	OpenTicketHours Read = "open_ticket_hours" // hours that the oldest open ticket has waited
	LateInvoices    Read = "late_invoices"     // late invoices not paid
	TenureDays      Read = "tenure_days"       // days since first paying
)

// Signal is one line of the health profile. Its tables are sorted by From and
// begin at the least value there is, so that every value has points.
type Signal struct {
	Name      string
	Weight    int // > 0
	Read      Read
	Window    int    // days, of active_days and survey; else 0
	MaxPoints int    // points that are the best; every table stays within 0..MaxPoints
	Steps     []Step // by the value read; nil for surveys
	NPS, CSAT []Step // by the score on 0–10 and on 1–5; surveys only
	None      int    // points where there is nothing open (open_ticket_hours); NoPoints elsewhere
}

// NoPoints is the None of a signal that has no value where there is nothing.
const NoPoints = -1

// Step gives Points to values from From on, until the next step.
type Step struct {
	From   int64
	Points int
}

// maxSteps is how many steps a linear range is cut into at the most, so that
// there always is a next moment of change.
const maxSteps = 20

// readings says of each Read the default window in days (0: it has none) and
// whether nothing being there can be worth points.
var readings = map[Read]struct {
	window int
	none   bool
}{
	ActiveDays: {window: 30}, RecencyDays: {}, SurveyAnswer: {window: 90},
	OpenTicketHours: {none: true}, LateInvoices: {}, TenureDays: {},
}

// readNames lists the names of readings for sentences.
var readNames = []string{
	string(ActiveDays), string(RecencyDays), string(SurveyAnswer),
	string(OpenTicketHours), string(LateInvoices), string(TenureDays),
}

// linear is a range of values over which points go evenly from one number to
// another; outside of it they stay.
type linear struct {
	From, To             int
	FromPoints, ToPoints int
}

// steps cuts the range. The first step begins at 0: what lies below the range
// has the points of its beginning.
func (l linear) steps() []Step {
	rise := l.ToPoints - l.FromPoints
	n := min(max(rise, -rise), l.To-l.From, maxSteps-1)
	out := []Step{{0, l.FromPoints}}
	for i := 1; i <= n; i++ {
		from := l.From + ((l.To-l.From)*i+n-1)/n
		out = append(out, Step{int64(from), l.FromPoints + rise*i/n})
	}
	return out
}

// signalValue decodes one entry of health.signals.
func signalValue(d *decoder, key string, n *yaml.Node) (Signal, bool) {
	s := Signal{MaxPoints: 10, None: NoPoints}
	var read string
	var steps, nps, csat *table
	var lin *linear
	window := 0
	got := d.fields(key, n, []option{
		{key: "name", val: text(&s.Name, 1, noBar)},
		{key: "weight", val: whole(&s.Weight, 1, 1000)},
		{key: "read", val: choice(&read, readNames...)},
		{key: "window", val: days(&window, 1, 90)},
		{key: "max_points", val: whole(&s.MaxPoints, 1, 1000)},
		{key: "steps", val: &tableValue{p: &steps}},
		{key: "nps", val: &tableValue{p: &nps}},
		{key: "csat", val: &tableValue{p: &csat}},
		{key: "linear", val: &linearValue{p: &lin}},
	})
	if got == nil || !d.require(key, n, got, "name", "weight", "read") {
		return s, false
	}
	s.Read = Read(read)
	s.Window = readings[s.Read].window
	if got["window"] != nil {
		if s.Window == 0 {
			d.fail(got["window"], key+".window", "%s has no window; leave it out", read)
			return s, false
		}
		s.Window = window
	}
	return s, s.tables(d, key, n, got, steps, nps, csat, lin)
}

// tables checks that the signal has the tables that what it reads needs, and
// sets them.
func (s *Signal) tables(d *decoder, key string, n *yaml.Node, got map[string]*yaml.Node, steps, nps, csat *table, lin *linear) bool {
	if s.Read == SurveyAnswer {
		for _, k := range []string{"steps", "linear"} {
			if got[k] != nil {
				d.fail(got[k], key+"."+k, "a survey signal has a table nps and a table csat instead; write nps: {0: 0, 7: 6, 9: 10}")
				return false
			}
		}
		if !d.require(key, n, got, "nps", "csat") || nps == nil || csat == nil {
			return false
		}
		s.NPS, s.CSAT = nps.steps, csat.steps
		return s.table(d, key+".nps", got["nps"], nps, 0) && s.table(d, key+".csat", got["csat"], csat, 1)
	}
	for _, k := range []string{"nps", "csat"} {
		if got[k] != nil {
			d.fail(got[k], key+"."+k, "only a signal that reads survey has this table; write steps")
			return false
		}
	}
	if (got["steps"] == nil) == (got["linear"] == nil) {
		d.fail(n, key, "it needs either steps or linear, one of the two")
		return false
	}
	if got["linear"] != nil {
		if lin == nil {
			return false
		}
		steps = &table{steps: lin.steps(), none: NoPoints}
	}
	if steps == nil {
		return false
	}
	s.Steps, s.None = steps.steps, steps.none
	at := got["steps"]
	if at == nil {
		at = got["linear"]
	}
	return s.table(d, key+".steps", at, steps, 0)
}

// table checks one table of points against the signal.
func (s *Signal) table(d *decoder, key string, at *yaml.Node, t *table, first int64) bool {
	switch {
	case t.none != NoPoints && !readings[s.Read].none:
		d.fail(at, key, "none has a meaning for %s only; leave it out", OpenTicketHours)
	case len(t.steps) == 0 || t.steps[0].From != first:
		d.fail(at, key, "the steps do not begin at %d; add what %d is worth, as {%d: 0, …}", first, first, first)
	case t.worst() < 0 || t.best() > s.MaxPoints:
		d.fail(at, key, "the points must lie within 0 and max_points (%d)", s.MaxPoints)
	default:
		return true
	}
	return false
}

// table is a table of points as it is written.
type table struct {
	steps []Step
	none  int
}

func (t *table) best() int {
	best := t.none
	for _, s := range t.steps {
		best = max(best, s.Points)
	}
	return best
}

func (t *table) worst() int {
	worst := t.steps[0].Points
	for _, s := range t.steps {
		worst = min(worst, s.Points)
	}
	return worst
}

// String writes the table as YAML.
func (t *table) String() string {
	var parts []string
	if t.none != NoPoints {
		parts = append(parts, fmt.Sprintf("none: %d", t.none))
	}
	for _, s := range t.steps {
		parts = append(parts, fmt.Sprintf("%d: %d", s.From, s.Points))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// String writes the signal as YAML, a linear range as the steps it was cut into.
func (s Signal) String() string {
	parts := []string{"name: " + quote(s.Name), fmt.Sprintf("weight: %d", s.Weight), "read: " + string(s.Read)}
	if s.Window != 0 {
		parts = append(parts, fmt.Sprintf("window: %dd", s.Window))
	}
	if s.MaxPoints != 10 {
		parts = append(parts, fmt.Sprintf("max_points: %d", s.MaxPoints))
	}
	if s.Read == SurveyAnswer {
		parts = append(parts, "nps: "+(&table{s.NPS, NoPoints}).String(), "csat: "+(&table{s.CSAT, NoPoints}).String())
	} else {
		parts = append(parts, "steps: "+(&table{s.Steps, s.None}).String())
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// checkSignals refuses a profile whose names repeat.
func checkSignals(d *decoder, key string, nodes []*yaml.Node, signals []Signal) {
	seen := []string{}
	for i, s := range signals {
		if slices.Contains(seen, s.Name) {
			d.fail(nodes[i], key, "two signals are called %q; give one of them another name", s.Name)
		}
		seen = append(seen, s.Name)
	}
}
