package aggregator

import (
	"errors"
	"fmt"
	"math/big"

	"github.com/tidemark-io/tidemark/event"
)

// Band is a customer's health band.
type Band uint8

// The bands. Gone is a customer who does not pay.
const (
	Gone Band = iota
	Unrated
	Red
	Amber
	Green
	bandEnd
)

var bandNames = [bandEnd]string{"gone", "unknown", "red", "amber", "green"}

func (b Band) String() string {
	if b >= bandEnd {
		return "damaged"
	}
	return bandNames[b]
}

// ParseBand reads what String writes.
func ParseBand(s string) (Band, bool) {
	for i, n := range bandNames {
		if n == s {
			return Band(i), true
		}
	}
	return Gone, false
}

// Read is what a health signal reads of a record.
type Read uint8

// What a signal can read. Days count from their start, tickets and invoices
// from their moments.
const (
	ActiveDays   Read = iota + 1 // days of the window with any user active
	RecencyDays                  // days since the later of last active day and first paying day
	LastSurvey                   // last NPS answer of the window, else the last CSAT answer
	TicketHours                  // hours that the oldest open ticket has waited
	LateInvoices                 // late invoices that are not paid
	TenureDays                   // days since first paying
)

// Step gives points to values from From on.
type Step struct {
	From   int64 // days, hours, a count, or thousandths of a score
	Points int64
}

// Signal is one line of a health profile.
type Signal struct {
	Name      string
	Weight    int64
	Read      Read
	Window    int32  // days; ActiveDays and LastSurvey
	Steps     []Step // ascending; a value below the first has the first one's points
	CSAT      []Step // LastSurvey: for a CSAT answer on 1–5; Steps are for NPS on 0–10
	None      int64  // TicketHours: points where no ticket is open
	MaxPoints int64
}

// Profile is how a customer's health is scored: 100 × Σ weight × points / max
// points over Σ weight of the signals that have a value.
type Profile struct {
	Signals     []Signal
	MinCoverage int64 // thousandths of the weight that must have a value
	Amber       int64 // score from which a customer is amber, points of 100
	Green       int64
	Hysteresis  int64 // points by which a better band must be reached, and green be lost
}

// DefaultProfile is the profile of docs/kpis: six signals of 0 to 10 points.
func DefaultProfile() Profile {
	return Profile{
		MinCoverage: 500, Amber: 50, Green: 75, Hysteresis: 3,
		Signals: []Signal{
			{Name: "activity", Weight: 30, Read: ActiveDays, Window: 30, MaxPoints: 10,
				Steps: []Step{{0, 0}, {1, 2}, {2, 4}, {4, 6}, {8, 8}, {15, 10}}},
			{Name: "recency", Weight: 25, Read: RecencyDays, MaxPoints: 10,
				Steps: []Step{{0, 10}, {2, 8}, {4, 6}, {8, 3}, {15, 1}, {31, 0}}},
			{Name: "survey", Weight: 15, Read: LastSurvey, Window: 90, MaxPoints: 10,
				Steps: []Step{{0, 0}, {7000, 6}, {9000, 10}}, CSAT: []Step{{0, 0}, {3000, 4}, {4000, 8}, {5000, 10}}},
			{Name: "tickets", Weight: 15, Read: TicketHours, MaxPoints: 10, None: 10,
				Steps: []Step{{0, 7}, {24, 4}, {48, 0}}},
			{Name: "invoices", Weight: 10, Read: LateInvoices, MaxPoints: 10,
				Steps: []Step{{0, 10}, {1, 3}, {2, 0}}},
			{Name: "tenure", Weight: 5, Read: TenureDays, MaxPoints: 10,
				Steps: []Step{{0, 4}, {30, 6}, {90, 8}, {365, 10}}},
		},
	}
}

func (p *Profile) check() error {
	if p.Amber <= 0 || p.Green <= p.Amber || p.Green > 100 {
		return fmt.Errorf("bands that begin at amber %d and green %d: they must rise from 0 to 100", p.Amber, p.Green)
	}
	if len(p.Signals) == 0 || len(p.Signals) > 16 {
		return errors.New("a health profile has 1 to 16 signals")
	}
	for _, s := range p.Signals {
		if s.Weight <= 0 || s.MaxPoints <= 0 || len(s.Steps) == 0 {
			return fmt.Errorf("health signal %s: weight, points and steps must be given", s.Name)
		}
		if s.Window > Lookback-10 {
			return fmt.Errorf("health signal %s: a window of %d days, at most %d are kept", s.Name, s.Window, Lookback-10)
		}
	}
	return nil
}

// points is the step function.
func points(steps []Step, v int64) int64 {
	p := steps[0].Points
	for _, s := range steps[1:] {
		if v < s.From {
			break
		}
		p = s.Points
	}
	return p
}

// nextStep is the smallest step above v; ok is false where there is none.
func nextStep(steps []Step, v int64) (int64, bool) {
	for _, s := range steps {
		if s.From > v {
			return s.From, true
		}
	}
	return 0, false
}

// scorer is a profile made ready for exact integers: points are scaled so that
// every signal's maximum is its weight times unit.
type scorer struct {
	p      *Profile
	unit   int64    // least common multiple of the maxima
	weight int64    // of all signals
	daily  []scored // signals that are constant within a day
	moment []scored // the others
	calm   score    // of the others where no ticket is open and no invoice late
}

// scored is a signal made ready.
type scored struct {
	Signal
	scale int64   // weight × unit / max points
	table []int64 // the points of 0, 1 and so on; the last step's where they end
}

// longestTable bounds the values whose points are looked up: two years of days.
const longestTable = 732

func newScored(g Signal, unit int64) scored {
	s := scored{Signal: g, scale: g.Weight * (unit / g.MaxPoints)}
	if last := g.Steps[len(g.Steps)-1].From; g.Read != LastSurvey && last >= 0 && last < longestTable {
		for v := range last + 1 {
			s.table = append(s.table, points(g.Steps, v))
		}
	}
	return s
}

// points is the step function.
func (g *scored) points(v int64) int64 {
	if v < 0 || len(g.table) == 0 {
		return points(g.Steps, v)
	}
	return g.table[min(v, int64(len(g.table)-1))]
}

func newScorer(p *Profile) *scorer {
	s := &scorer{p: p, unit: 1}
	for _, x := range p.Signals {
		a, b := big.NewInt(s.unit), big.NewInt(x.MaxPoints)
		g := new(big.Int).GCD(nil, nil, a, b).Int64()
		s.unit = s.unit / g * x.MaxPoints
		s.weight += x.Weight
	}
	nobody := customer{rare: &noRare}
	for _, g := range p.Signals {
		x := newScored(g, s.unit)
		if points, ok := nobody.momentPoints(&x, 0); ok {
			s.moment = append(s.moment, x)
			s.calm.num += points * x.scale
			s.calm.weight += x.Weight
		} else {
			s.daily = append(s.daily, x)
		}
	}
	return s
}

// score is an exact rational: 100 × num / (unit × weight).
type score struct {
	num    int64 // Σ weight × points × unit / max points
	weight int64 // Σ weight of the signals with a value
}

// band is one step of the walk over days: the band after a score, given the
// band before. Out of gone and unknown there is no hysteresis; the step is
// idempotent, so that nothing changes at a midnight at which no score does.
func (s *scorer) band(before Band, x score) Band {
	if x.weight*1000 < s.p.MinCoverage*s.weight || x.weight == 0 {
		return Unrated
	}
	amber, green := s.p.Amber, s.p.Green
	switch before {
	case Red:
		amber += s.p.Hysteresis
	case Green:
		green -= s.p.Hysteresis
	}
	reaches := func(b int64) bool { return 100*x.num >= b*s.unit*x.weight }
	switch {
	case reaches(green):
		return Green
	case reaches(amber):
		return Amber
	}
	return Red
}

// surveyPoints are the points of an answer: NPS answers on 0–10 (or 1–10),
// CSAT answers on 1–5; other scales are stretched to these.
func (x *Signal) surveyPoints(a *dayAnswer) int64 {
	lo, hi, steps := int64(0), int64(10_000), x.Steps
	if a.kind == event.CSAT {
		lo, hi, steps = 1000, 5000, x.CSAT
	}
	v := int64(a.score)
	if int64(a.max) != hi || int64(a.min) > 1000 {
		v = lo + (hi-lo)*int64(a.score-a.min)/int64(a.max-a.min)
	}
	return points(steps, v)
}
