package oracle

// Reading says what a signal of a health profile reads at a moment of a day d.
type Reading string

// What can be read.
const (
	ActiveDays   Reading = "active_days"   // the customer's active days in the Window days ending with d
	Recency      Reading = "recency"       // days from the later of last active and first paying day to d
	LastAnswer   Reading = "last_answer"   // latest NPS answer of the Window days ending with d, on 0-10; else CSAT, on 1-5
	TicketWait   Reading = "ticket_wait"   // hours since the oldest open ticket was opened
	LateInvoices Reading = "late_invoices" // late invoices not paid
	Tenure       Reading = "tenure"        // days since the first paying day
)

// Step gives points from a value on, until the next step's.
type Step struct{ From, Points int64 }

// Signal is one line of a health profile.
type Signal struct {
	Name   string
	Weight int64
	Reads  Reading
	Window int    // days; ActiveDays and LastAnswer
	Steps  []Step // ascending; below the first: 0 points
	CSAT   []Step // LastAnswer: those for CSAT
	Absent *int64 // points where there is nothing to read; nil: the signal is left out then
}

// Profile is a health profile. Bands are half-open: red from 0, amber from
// Amber, green from Green. Red is left at Amber+Hysteresis, green is lost
// below Green-Hysteresis.
type Profile struct {
	Signals                  []Signal
	MaxPoints                int64 // of every signal
	Amber, Green, Hysteresis int64
	MinCoverage              int64 // per mille of the weight; below: the band is Unknown
}

// Band is a health band.
type Band string

// The bands; None is that of customers who are not paying.
const (
	None    Band = ""
	Red     Band = "red"
	Amber   Band = "amber"
	Green   Band = "green"
	Unknown Band = "unknown"
)

// DefaultProfile is the default profile of kpis.md.
func DefaultProfile() Profile {
	noTicket := int64(10)
	return Profile{
		MaxPoints: 10, Amber: 50, Green: 75, Hysteresis: 3, MinCoverage: 500,
		Signals: []Signal{
			{Name: "activity", Weight: 30, Reads: ActiveDays, Window: 30,
				Steps: []Step{{0, 0}, {1, 2}, {2, 4}, {4, 6}, {8, 8}, {15, 10}}},
			{Name: "recency", Weight: 25, Reads: Recency,
				Steps: []Step{{0, 10}, {2, 8}, {4, 6}, {8, 3}, {15, 1}, {31, 0}}},
			{Name: "survey", Weight: 15, Reads: LastAnswer, Window: 90,
				Steps: []Step{{0, 0}, {7, 6}, {9, 10}}, CSAT: []Step{{0, 0}, {3, 4}, {4, 8}, {5, 10}}},
			{Name: "tickets", Weight: 15, Reads: TicketWait, Absent: &noTicket,
				Steps: []Step{{0, 7}, {24, 4}, {48, 0}}},
			{Name: "invoices", Weight: 10, Reads: LateInvoices,
				Steps: []Step{{0, 10}, {1, 3}, {2, 0}}},
			{Name: "tenure", Weight: 5, Reads: Tenure,
				Steps: []Step{{0, 4}, {30, 6}, {90, 8}, {365, 10}}},
		},
	}
}

// points of a value num/den by a table of steps.
func points(steps []Step, num, den int64) int64 {
	p := int64(0)
	for _, s := range steps {
		if num >= s.From*den {
			p = s.Points
		}
	}
	return p
}

// step is the band after one more score num/den (of at least the coverage that
// a band needs), coming from a band.
func (p *Profile) step(from Band, num, den int64) Band {
	amber, green := p.Amber, p.Green
	switch from {
	case Red:
		amber += p.Hysteresis
	case Green:
		green -= p.Hysteresis
	}
	switch {
	case num >= green*den:
		return Green
	case num >= amber*den:
		return Amber
	}
	return Red
}
