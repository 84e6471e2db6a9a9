package aggregator

import (
	"slices"

	"github.com/tidemark-io/tidemark/event"
)

// Health is a walk over days: the band at the end of a day is a step from the
// band of the day before and the score at the end of the day. The live band is
// a step from yesterday's band and the score now. So the same facts give the
// same bands in any order of arrival.

// chain is the episode of one rule on bands: firing at t means that the live
// band was the rule's at some moment of the ResolveAfter up to t.
type chain struct {
	since int64 // when the episode began; ms
	end   int64 // when the band was last left, exclusive; 0: never in it
}

type chains [maxBandRules]chain

// walk is the state of the walk at the end of a day.
type walk struct {
	day  int32
	band Band
	chains
}

// bandRun says that from a day on, up to the next run, the band is so.
type bandRun struct {
	day  int32
	band Band
}

// health is what a customer's walk came to: derived, but for the base. The
// chains that belong to it are in the customer's episodes.
type health struct {
	runs  []bandRun // from base.day+1 on; the last one holds on
	now   int64     // ms at which the last run was evaluated
	base  bandRun   // the walk at the end of the last folded day
	check bandRun   // at the end of the last whole day that was walked
	day   int32     // of now
	live  Band
}

// episodes are the chains of a customer's walk: at its base, at the end of the
// last whole day, and now.
type episodes struct{ base, check, now chains }

func (c *customer) walkBase() walk {
	return walk{c.health.base.day, c.health.base.band, c.episodes.base}
}

func (c *customer) setWalkBase(w walk) {
	c.health.base = bandRun{w.day, w.band}
	if c.episodes.base != w.chains {
		c.own()
		c.episodes.base = w.chains
	}
}

// forgetEpisodes has the customer walked from its base again, where episodes of
// rules begin anew.
func (c *customer) forgetEpisodes() {
	if c.rare != &noRare {
		c.episodes, c.rewrite = episodes{}, true
	}
	c.health.check = bandRun{day: c.health.base.day - 1}
}

func (c *customer) walkCheck() walk {
	return walk{c.health.check.day, c.health.check.band, c.episodes.check}
}

func (c *customer) setWalkCheck(w walk) {
	c.health.check = bandRun{w.day, w.band}
	if c.episodes.check != w.chains {
		c.own()
		c.episodes.check = w.chains
	}
}

// walkTo walks from the customer's last whole day, or from its base where
// something changed on day from or before, up to now.
func (s *Shard) walkTo(c *customer, now int64, from int32) {
	h := &c.health
	today := s.cal.Day(now)
	if from <= h.check.day || h.check.day >= today || h.check.day < h.base.day {
		c.setWalkCheck(c.walkBase())
		h.runs = h.runs[:0]
	} else {
		s.skipCalm(c, min(today, from))
	}
	h.runs = slices.DeleteFunc(h.runs, func(r bandRun) bool { return r.day > h.check.day })
	w := c.walkCheck()
	for w.day+1 < today {
		if !s.walkSteadily(c, &w, today) {
			day := w.day + 1
			s.walkOn(c, &w, today)
			h.run(day, w.band)
		}
	}
	c.setWalkCheck(w)
	s.walkDay(c, &w, now)
	h.run(today, w.band)
	h.live, h.now, h.day = w.band, now, today
	if c.episodes.now != w.chains {
		c.own()
		c.episodes.now = w.chains
	}
}

// walkSteadily walks on to the day before the given one, as far as the customer
// pays all the while and no ticket is open and no invoice late: each of these days
// has one piece. It says whether there was such a day.
func (s *Shard) walkSteadily(c *customer, w *walk, before int32) (walked bool) {
	start := s.cal.Start(w.day + 1)
	until := c.line.steadyUntil(start)
	for day := w.day + 1; day < before; day++ {
		end := s.cal.Start(day + 1)
		if end > until || start == end { // a date that the zone skips has no piece
			break
		}
		x := s.dailyScore(c, day)
		w.day, w.band = day, s.scorer.band(w.band, score{x.num + s.scorer.calm.num, x.weight + s.scorer.calm.weight})
		for r := range s.opts.BandRules {
			if s.opts.BandRules[r].Band == w.band {
				w.chains[r].extend(start, end, s.opts.BandRules[r].ResolveAfter)
			}
		}
		c.health.run(day, w.band)
		start, walked = end, true
	}
	return walked
}

// steadyUntil is the moment up to which the customer pays from a moment on without
// a ticket that is open or an invoice that is late; the moment itself where not.
func (t *timeline) steadyUntil(at int64) int64 {
	n := len(t.paying)
	if n == 0 || at < t.paying[n-1].from {
		return at
	}
	until := t.paying[n-1].to
	for _, spans := range [...][]span{t.tickets, t.invoices} {
		for i := range spans {
			if x := &spans[i]; x.to > at {
				until = min(until, max(x.from, at))
			}
		}
	}
	return until
}

// skipCalm moves the walk's last whole day on to the day before the given one,
// as far as nothing has changed since it was last evaluated: up to the
// customer's due time its band stays what it was, day after day.
func (s *Shard) skipCalm(c *customer, before int32) {
	h := &c.health
	if h.live == Gone || c.due <= h.now || len(h.runs) == 0 {
		return
	}
	last := before - 1
	if c.due != never {
		last = min(last, s.cal.Day(c.due)-1)
	}
	for last >= h.day && s.cal.Start(last) == s.cal.Start(last+1) {
		last-- // a date that the zone skips may end otherwise than the day before
	}
	if last < h.day {
		return
	}
	w := walk{last, h.live, c.episodes.now}
	for r := range s.opts.BandRules {
		if s.opts.BandRules[r].Band == h.live {
			w.chains[r].extend(h.now, s.cal.Start(last+1), s.opts.BandRules[r].ResolveAfter)
		}
	}
	c.setWalkCheck(w)
}

func (h *health) run(day int32, b Band) {
	if n := len(h.runs); n > 0 && h.runs[n-1].band == b {
		return
	}
	h.runs = append(h.runs, bandRun{day, b})
}

// walkOn goes on by a day, or by all days before the given one on which the
// customer does not pay and that no episode reaches into.
func (s *Shard) walkOn(c *customer, w *walk, before int32) {
	start := s.cal.Start(w.day + 1)
	if c.line.pays(start) {
		s.walkDay(c, w, never)
		return
	}
	pays := farFuture
	for i := len(c.line.paying) - 1; i >= 0 && c.line.paying[i].to >= start; i-- {
		pays = s.cal.Day(c.line.paying[i].from)
	}
	for r := range s.opts.BandRules {
		if x := &w.chains[r]; x.end != 0 && x.end+s.opts.BandRules[r].ResolveAfter >= start {
			pays = w.day
		}
	}
	if pays <= w.day+1 {
		s.walkDay(c, w, never)
		return
	}
	*w = walk{day: min(pays, before) - 1} // gone, and every episode is over
}

// walkDay goes on by one day, or up to the moment now within it. A day has one
// piece unless a ticket, an invoice or the money changes within it.
func (s *Shard) walkDay(c *customer, w *walk, now int64) {
	day := w.day + 1
	from, to := s.cal.Start(day), s.cal.Start(day+1)
	before := w.band
	w.day, w.band = day, before
	if from == to { // a civil date that the zone skips: it has an end, and no moment of its own
		if w.band = Gone; c.line.paysOnEmpty(day, to) {
			w.band = s.scorer.band(before, s.momentScore(c, s.dailyScore(c, day), to-1))
		}
		return
	}
	var daily score
	scored := false
	cuts := s.cuts(c, from, to)
	for i := 0; i <= len(cuts); i++ {
		a, b := from, to
		if i > 0 {
			a = cuts[i-1]
		}
		if i < len(cuts) {
			b = cuts[i]
		}
		if a > now {
			break
		}
		b = min(b, max(now, a))
		if !c.line.pays(a) {
			w.band = Gone
			for r := range s.opts.BandRules {
				x := &w.chains[r]
				if x.end+s.opts.BandRules[r].ResolveAfter >= b {
					x.since = b
				}
			}
			continue
		}
		if !scored {
			daily, scored = s.dailyScore(c, day), true
		}
		w.band = s.scorer.band(before, s.momentScore(c, daily, a))
		for r := range s.opts.BandRules {
			if s.opts.BandRules[r].Band == w.band {
				w.chains[r].extend(a, b, s.opts.BandRules[r].ResolveAfter)
			}
		}
	}
}

// extend adds a stretch in the rule's band to its episode, or begins a new one.
func (x *chain) extend(a, b, resolveAfter int64) {
	if x.end == 0 || a > x.end+resolveAfter {
		x.since = a
	}
	x.end = b
}

// cuts are the moments within a day at which the score or the population may
// change, ascending.
func (s *Shard) cuts(c *customer, from, to int64) []int64 {
	if len(c.line.tickets) == 0 && len(c.line.invoices) == 0 && !c.line.turns(from, to) {
		return nil
	}
	cuts := s.cutBuf[:0]
	add := func(t int64) {
		if t > from && t < to {
			cuts = append(cuts, t)
		}
	}
	for _, x := range c.line.tickets {
		add(x.from)
		add(x.to)
		if x.from < to && x.to > from {
			for _, hours := range s.ticketSteps {
				if t := x.from + hours*msHour; t < x.to {
					add(t)
				}
			}
		}
	}
	for _, x := range c.line.invoices {
		add(x.from)
		add(x.to)
	}
	for _, x := range c.line.paying {
		add(x.from)
		add(x.to)
	}
	slices.Sort(cuts)
	s.cutBuf = cuts
	return slices.Compact(cuts)
}

const msHour = 3_600_000

// pays says whether the customer pays at the moment.
func (t *timeline) pays(at int64) bool {
	for i := len(t.paying) - 1; i >= 0; i-- {
		if t.paying[i].from <= at {
			return at < t.paying[i].to
		}
	}
	return false
}

// paysOnEmpty is the same for the end of a day without moments, which the next
// day's start ends.
func (t *timeline) paysOnEmpty(day int32, end int64) bool {
	for _, p := range t.paying {
		if p.from < end && (p.to > end || p.to == end && (p.day == 0 || p.day > day)) {
			return true
		}
	}
	return false
}

// turns says whether the customer begins or ceases to pay within (from, to).
func (t *timeline) turns(from, to int64) bool {
	for i := len(t.paying) - 1; i >= 0; i-- {
		x := &t.paying[i]
		if x.from > from && x.from < to || x.to > from && x.to < to {
			return true
		}
		if x.to <= from {
			break
		}
	}
	return false
}

// reference is the later of the last active day up to d and the first paying day.
func (c *customer) reference(d int32) int32 { return max(c.days.prev(d+1), c.firstPaidDay) }

// dailyScore is the part of the score that is constant within a day.
func (s *Shard) dailyScore(c *customer, d int32) score {
	var x score
	for i := range s.scorer.daily {
		g := &s.scorer.daily[i]
		if g.Read != LastSurvey {
			x.num += g.points(c.dailyValue(&g.Signal, d)) * g.scale
			x.weight += g.Weight
		} else if a := c.lastAnswer(d, g.Window); a != nil {
			x.num += g.surveyPoints(a) * g.scale
			x.weight += g.Weight
		}
	}
	return x
}

// dailyValue is what a signal reads that always has a value, the same all day.
func (c *customer) dailyValue(g *Signal, d int32) int64 {
	switch g.Read {
	case ActiveDays:
		return int64(c.days.count(d-g.Window, d))
	case RecencyDays:
		return int64(d - c.reference(d))
	}
	return int64(d - c.firstPaidDay) // TenureDays
}

// lastAnswer is the last NPS answer of the window that ends with day d, else
// the last CSAT answer.
func (c *customer) lastAnswer(d, window int32) *dayAnswer {
	var csat *dayAnswer
	for i := len(c.answers) - 1; i >= 0; i-- {
		a := &c.answers[i]
		switch {
		case a.day > d:
		case a.day <= d-window:
			return csat
		case a.kind == event.NPS:
			return a
		case a.kind == event.CSAT && csat == nil:
			csat = a
		}
	}
	return csat
}

// momentScore adds what tickets and invoices are worth at a moment.
func (s *Shard) momentScore(c *customer, x score, at int64) score {
	if len(c.line.tickets) == 0 && len(c.line.invoices) == 0 {
		return score{x.num + s.scorer.calm.num, x.weight + s.scorer.calm.weight}
	}
	for i := range s.scorer.moment {
		g := &s.scorer.moment[i]
		if p, ok := c.momentPoints(g, at); ok {
			x.num += p * g.scale
			x.weight += g.Weight
		}
	}
	return x
}

func (c *customer) momentPoints(g *scored, at int64) (int64, bool) {
	switch g.Read {
	case TicketHours:
		for _, t := range c.line.tickets { // by their beginning: the first open one is the oldest
			if t.from <= at && at < t.to {
				return g.points((at - t.from) / msHour), true
			}
		}
		return g.None, true
	case LateInvoices:
		n := int64(0)
		for _, t := range c.line.invoices {
			if t.from <= at && at < t.to {
				n++
			}
		}
		return g.points(n), true
	}
	return 0, false
}

// fires says whether a rule on bands is firing at the last evaluation, and
// since when.
func (c *customer) fires(r int, rule *BandRule) (since int64, ok bool) {
	x := c.episodes.now[r]
	if c.health.live == Gone || x.end == 0 {
		return 0, false
	}
	return x.since, c.health.live == rule.Band || x.end+rule.ResolveAfter > c.health.now
}
