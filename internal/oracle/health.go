package oracle

import (
	"math/big"
	"sort"

	"github.com/tidemark-io/tidemark/event"
)

// spell is a time for which a ticket was open, or an invoice late.
type spell struct {
	from int64
	to   int64 // only where over
	over bool
}

// spells are the times between one event that opens and the next that closes,
// for each ref by itself: what the latest event on a ref says holds. Of two at
// the same millisecond the one that opens comes first.
func spells(facts []fact, opens, closes string) []spell {
	var list []spell
	done := map[string]bool{}
	for _, f := range facts {
		if !f.signal(opens) && !f.signal(closes) || done[f.ref()] {
			continue
		}
		done[f.ref()] = true
		var mine []fact
		for _, g := range facts {
			if (g.signal(opens) || g.signal(closes)) && g.ref() == f.ref() {
				mine = append(mine, g)
			}
		}
		sort.SliceStable(mine, func(i, k int) bool {
			if mine[i].Time != mine[k].Time {
				return mine[i].Time < mine[k].Time
			}
			return mine[i].signal(opens) && !mine[k].signal(opens)
		})
		isOpen := false
		for _, g := range mine {
			switch {
			case g.signal(opens) && !isOpen:
				list = append(list, spell{from: g.Time})
				isOpen = true
			case g.signal(closes) && isOpen:
				list[len(list)-1].to, list[len(list)-1].over = g.Time, true
				isOpen = false
			}
		}
	}
	return list
}

// open says whether the spell holds at moment t.
func (k spell) open(t int64) bool { return k.from <= t && !(k.over && k.to <= t) }

// measure is what a signal reads: a value num/den, points for it, or nothing.
type measure struct {
	counts   bool // has points
	read     bool // has a value
	num, den int64
	points   int64
}

// read measures a signal at moment t of day d, by the record as it is now. The
// customer is paying at t.
func (r *record) read(s *Signal, t int64, d int32) measure {
	steps, m := s.Steps, measure{read: true, den: 1}
	switch s.Reads {
	case ActiveDays:
		m.num = within(r.activeDays, s.Window, d)
	case Recency:
		m.num = int64(r.sinceActive(d))
	case Tenure:
		m.num = int64(d - r.firstPaidDay)
	case LateInvoices:
		for _, v := range r.invoices {
			if v.open(t) {
				m.num++
			}
		}
	case TicketWait:
		m.read, m.den = false, msPerHour
		for _, k := range r.tickets {
			if k.open(t) {
				m.read, m.num = true, max(m.num, t-k.from)
			}
		}
	case LastAnswer:
		m, steps = r.lastAnswer(s, d)
	}
	if m.read {
		m.counts, m.points = true, points(steps, m.num, m.den)
	} else if s.Absent != nil {
		m.counts, m.points = true, *s.Absent
	}
	return m
}

// lastAnswer is the latest NPS answer of anybody in the window ending with d,
// else the latest CSAT answer, with the steps for it. An answer counts from the
// start of its day.
func (r *record) lastAnswer(s *Signal, d int32) (measure, []Step) {
	for _, kind := range []event.SurveyKind{event.NPS, event.CSAT} {
		for i := len(r.answers) - 1; i >= 0; i-- {
			a := r.answers[i]
			if a.Survey.Kind != kind || a.day > d || a.day <= d-int32(s.Window) {
				continue
			}
			if kind == event.NPS {
				num, den := onTen(a.Survey)
				return measure{read: true, num: num, den: den}, s.Steps
			}
			num, den := onFive(a.Survey)
			return measure{read: true, num: num, den: den}, s.CSAT
		}
	}
	return measure{}, nil
}

// score is the score at moment t of day d as num/den, and whether the signals
// that have points are enough of the weight for a band. The customer is paying
// at t. den is 0 where no signal has points.
func (r *record) score(t int64, d int32) (num, den int64, covered bool) {
	p := &r.cfg.Profile
	var total, weight, sum int64
	for i := range p.Signals {
		s := &p.Signals[i]
		total += s.Weight
		if m := r.read(s, t, d); m.counts {
			weight += s.Weight
			sum += s.Weight * m.points
		}
	}
	return 100 * sum, p.MaxPoints * weight, weight > 0 && 1000*weight >= p.MinCoverage*total
}

// bandAfter is the band at moment t of day d, coming from a band of the day
// before.
func (r *record) bandAfter(before Band, t int64, d int32) Band {
	if !r.paying(t, d) {
		return None
	}
	num, den, covered := r.score(t, d)
	if !covered {
		return Unknown
	}
	return r.cfg.Profile.step(before, num, den)
}

// walk fills the bands at the end of each day before now.
func (r *record) walk() {
	r.bands = map[int32]Band{}
	if !r.everPaid {
		return
	}
	band := None
	for d := r.firstPaidDay; d < r.today; d++ {
		band = r.bandAfter(band, r.cal.end(d), d)
		r.bands[d] = band
	}
}

// live is the live band at a moment up to now.
func (r *record) live(t int64) Band {
	d := r.cal.day(t)
	return r.bandAfter(r.bands[d-1], t, d)
}

// explain gives the score at moment t of day d and what it is made of; nil
// where no signal has points.
func (r *record) explain(t int64, d int32) (*big.Rat, []Contribution) {
	num, den, _ := r.score(t, d)
	if den == 0 {
		return nil, nil
	}
	var list []Contribution
	for i := range r.cfg.Profile.Signals {
		s := &r.cfg.Profile.Signals[i]
		m := r.read(s, t, d)
		if !m.counts {
			continue
		}
		c := Contribution{Signal: s.Name, Points: m.points, Weight: s.Weight,
			Share: big.NewRat(100*s.Weight*m.points, den)}
		if m.read {
			c.Value = big.NewRat(m.num, m.den)
		}
		list = append(list, c)
	}
	return big.NewRat(num, den), list
}
