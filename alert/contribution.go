package alert

import (
	"encoding/json"
	"math/big"
	"slices"
	"strconv"
)

// Reads says what a health signal reads of a customer's record, in the words of
// the configuration.
type Reads string

// What a signal can read.
const (
	ActiveDays      Reads = "active_days"       // days of the window with any user active
	RecencyDays     Reads = "recency_days"      // days since the later of last active and first paying day
	SurveyAnswer    Reads = "survey"            // thousandths of a score
	OpenTicketHours Reads = "open_ticket_hours" // hours that the oldest open ticket has waited
	LateInvoices    Reads = "late_invoices"     // a count
	TenureDays      Reads = "tenure_days"       // days since first paying
)

// Contribution is what one signal adds to a health score. Weighted of all
// contributions add up to the score, Most to 100.
type Contribution struct {
	Signal string
	Reads  Reads
	Window int // days; active_days and survey
	// Value is what was read, in the unit of Reads; nil where nothing is there
	// (no open ticket). A signal without a value in the score is left out.
	Value             *int64
	Survey            string // "NPS" or "CSAT", where Reads is survey; "" where it is not known
	Points, MaxPoints int64
	Weighted          *big.Rat // points of the score
	Most              *big.Rat // what Weighted is with MaxPoints
	Change            *big.Rat // of Weighted since the band last changed; nil where it has not
}

// Printed is a contribution as people read it: whole points of the score.
type Printed struct {
	Signal    string      `json:"signal"`
	Value     json.Number `json:"value,omitempty"` // days, hours, count or score; absent where nothing is there
	Points    int64       `json:"points"`
	MaxPoints int64       `json:"max_points"`
	Weighted  int64       `json:"weighted"`
	Most      int64       `json:"most"`
	Change    int64       `json:"change"`

	of *Contribution // for the sentence
}

// Health is a score and what it is made of, in whole points.
type Health struct {
	Score int64
	Parts []Printed
}

// Print rounds a score and its contributions to whole points: the score down,
// since bands begin at their edge and 49.6 is not 50, the contributions by
// largest remainder, so that they add up to it. What is lost is rounded in the same way to what the score lacks of 100, so
// that a signal with all its points never seems to lack one.
func Print(cs []Contribution) Health {
	weighted, lost, change := make([]*big.Rat, len(cs)), make([]*big.Rat, len(cs)), make([]*big.Rat, len(cs))
	sum, most := new(big.Rat), new(big.Rat)
	for i, c := range cs {
		weighted[i], lost[i], change[i] = c.Weighted, new(big.Rat).Sub(c.Most, c.Weighted), c.Change
		sum.Add(sum, c.Weighted)
		most.Add(most, c.Most)
	}
	score := floor(sum)
	w, l, ch := roundTo(weighted, score), roundTo(lost, nearest(most)-score), Round(change)
	printed := make([]Printed, len(cs))
	for i := range cs {
		c := &cs[i]
		printed[i] = Printed{
			Signal: c.Signal, Value: c.value(), Points: c.Points, MaxPoints: c.MaxPoints,
			Weighted: w[i], Most: w[i] + l[i], Change: ch[i], of: c,
		}
	}
	return Health{score, printed}
}

// value writes what was read; scores are thousandths.
func (c *Contribution) value() json.Number {
	if c.Value == nil {
		return ""
	}
	if c.Reads == SurveyAnswer {
		return json.Number(strconv.FormatFloat(float64(*c.Value)/1000, 'f', -1, 64))
	}
	return json.Number(strconv.FormatInt(*c.Value, 10))
}

// Round rounds numbers to integers that add up to their rounded sum (half away
// from zero). Nil counts as 0.
func Round(parts []*big.Rat) []int64 {
	sum := new(big.Rat)
	for _, p := range parts {
		if p != nil {
			sum.Add(sum, p)
		}
	}
	return roundTo(parts, nearest(sum))
}

// roundTo rounds by largest remainder: each number is rounded down, and what is
// missing to the total is given to those that lost most, the first of equals.
// The total lies within one of the sum, so that there are enough of them; an
// integer loses nothing and gets nothing.
func roundTo(parts []*big.Rat, total int64) []int64 {
	type loss struct {
		index int
		rest  *big.Rat
	}
	whole := make([]int64, len(parts))
	var losses []loss
	for i, p := range parts {
		if p == nil {
			continue
		}
		whole[i] = floor(p)
		total -= whole[i]
		if rest := new(big.Rat).Sub(p, new(big.Rat).SetInt64(whole[i])); rest.Sign() > 0 {
			losses = append(losses, loss{i, rest})
		}
	}
	slices.SortStableFunc(losses, func(a, b loss) int { return b.rest.Cmp(a.rest) })
	for _, l := range losses[:min(max(total, 0), int64(len(losses)))] {
		whole[l.index]++
	}
	return whole
}

func floor(r *big.Rat) int64 {
	return new(big.Int).Div(r.Num(), r.Denom()).Int64() // Euclidean: down, since the divisor is positive
}

// nearest rounds half away from zero.
func nearest(r *big.Rat) int64 {
	half := big.NewRat(1, 2)
	if r.Sign() < 0 {
		return -floor(half.Sub(half, r))
	}
	return floor(half.Add(half, r))
}
