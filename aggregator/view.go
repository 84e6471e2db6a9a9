package aggregator

import (
	"math/big"

	"github.com/tidemark-io/tidemark/event"
	names "github.com/tidemark-io/tidemark/segment"
)

// View is what a customer's record says at its now: for people and for alerts.
type View struct {
	Customer      string
	Now           int64 // Unix ms: the later of the watermark and its latest event
	Band          Band
	Score         *big.Rat // 0 to 100; nil where it is not rated
	Contributions []Contribution
	MRR           map[event.Currency]int64 // 1/332,640 of a minor unit a month
	FirstPaidDay  int32                    // civil day; meaningless unless EverPaid
	EverPaid      bool
	LastActiveDay int32 // civil day; meaningless unless Active
	Active        bool
	ActiveDays    int   // that the record remembers: horizon and look-back
	FirstDay      int32 // of its first event
	Users         int
	Attributes    map[string]string
	Segments      []string         // "plan=pro"
	Firing        map[string]int64 // rule -> since, Unix ms
}

// Contribution is one signal's part of a score. The shares add up to the score.
type Contribution struct {
	Signal    string
	Read      Read
	Value     int64            // in the unit of Read; meaningless where None
	None      bool             // there is nothing to read, and that has points
	Survey    event.SurveyKind // LastSurvey: the kind of the answer
	Points    int64
	MaxPoints int64
	Weight    int64
	Share     *big.Rat // 100 × Weight × Points / MaxPoints / Σ weight of the signals with a value
}

// View describes a customer; nil where there is none. Its record must be in
// memory. The record and the cells are left as they are.
func (s *Shard) View(id string) *View {
	c := s.find(id)
	if c == nil {
		return nil
	}
	now := max(s.watermark, c.latest)
	v := &View{Customer: id, Now: now, MRR: map[event.Currency]int64{}, Attributes: map[string]string{},
		Users: len(c.users), Firing: map[string]int64{}}
	if c.pages != nil {
		v.Users = c.pages.users
	}
	v.LastActiveDay = c.days.last()
	if v.Active = v.LastActiveDay != noDay; v.Active {
		v.ActiveDays = c.days.count(c.days.base-1, v.LastActiveDay)
	}
	v.FirstDay = c.born
	v.FirstPaidDay, v.EverPaid = c.firstPaidDay, c.firstPaidDay != noDay
	for i := range c.attrs {
		if !c.attrs[i].null {
			v.Attributes[c.attrs[i].name] = c.attrs[i].value
		}
	}
	for i, d := range s.opts.Dimensions {
		if !s.off[i] {
			v.Segments = append(v.Segments, names.Name(d, c.attr))
		}
	}
	for _, x := range c.line.mrr {
		if x.at <= now {
			v.MRR[x.currency] = x.monthly
		}
	}
	if now == 0 || c.health.base.day >= s.cal.Day(now) {
		return v
	}
	kept, others, own := c.health, c.rare, *c.rare
	c.health.runs, c.rare = nil, &own
	s.walkTo(c, now, noDay)
	v.Band = c.health.live
	for r := range s.opts.BandRules {
		if since, ok := c.fires(r, &s.opts.BandRules[r]); ok {
			v.Firing[s.opts.BandRules[r].Name] = since
		}
	}
	c.health, c.rare = kept, others
	if v.Band != Gone {
		s.explain(v, c, now)
	}
	return v
}

func (s *Shard) explain(v *View, c *customer, now int64) {
	day := s.cal.Day(now)
	total := s.momentScore(c, s.dailyScore(c, day), now)
	if total.weight == 0 {
		return
	}
	v.Score = big.NewRat(100*total.num, s.scorer.unit*total.weight)
	for _, signal := range s.opts.Profile.Signals {
		g := newScored(signal, s.scorer.unit)
		p, ok := c.momentPoints(&g, now)
		if a := c.lastAnswer(day, g.Window); g.Read == LastSurvey && a != nil {
			p, ok = g.surveyPoints(a), true
		} else if !ok && g.Read != LastSurvey {
			p, ok = g.points(c.dailyValue(&g.Signal, day)), true
		}
		if !ok {
			continue
		}
		x := Contribution{Signal: g.Name, Read: g.Read, Points: p, MaxPoints: g.MaxPoints, Weight: g.Weight,
			Share: big.NewRat(100*g.scale*p, s.scorer.unit*total.weight)}
		x.Value, x.None = s.value(c, &g.Signal, day, now)
		if g.Read == LastSurvey {
			x.Survey = c.lastAnswer(day, g.Window).kind
		}
		v.Contributions = append(v.Contributions, x)
	}
}

// value is what a signal reads.
func (s *Shard) value(c *customer, g *Signal, day int32, now int64) (v int64, none bool) {
	switch g.Read {
	case ActiveDays, RecencyDays, TenureDays:
		return c.dailyValue(g, day), false
	case LastSurvey:
		return int64(c.lastAnswer(day, g.Window).score), false
	case TicketHours:
		for _, t := range c.line.tickets {
			if t.from <= now && now < t.to {
				return (now - t.from) / msHour, false
			}
		}
		return 0, true
	}
	for _, t := range c.line.invoices {
		if t.from <= now && now < t.to {
			v++
		}
	}
	return v, false
}
