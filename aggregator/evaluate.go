package aggregator

import "slices"

// replace writes the difference that another timeline makes, and brings the
// customer's health up to now. Something has changed on a day; from is that day,
// or noDay where any may be another.
func (s *Shard) replace(c *customer, old *timeline, oldFirst int32, day, from int32) {
	switch same := c.firstPaidDay == oldFirst; {
	case same && c.line.same(old):
		s.evaluate(c, day)
	case same && slices.Equal(c.line.paying, old.paying) && slices.Equal(c.line.cancels, old.cancels) && !c.health.redFrom(from):
		s.replaceMRR(c, old, day)
	default:
		s.replaceMoney(c, old, oldFirst, day, from)
	}
}

// replaceMoney writes the difference that another timeline makes from a day on,
// and walks the customer's health anew from there. What an event of a day says
// of the days before is what was said before it.
func (s *Shard) replaceMoney(c *customer, old *timeline, oldFirst int32, day, from int32) {
	line, first := c.line, c.firstPaidDay
	health := min(from, c.health.day) // amounts at risk were held from that day on
	if oldFirst == noDay && s.countBeginner(c, old) {
		s.e.straight, s.e.from = true, from
		s.contributeSilent(&s.e, c)
	} else {
		c.line, c.firstPaidDay = *old, oldFirst
		s.e.alone, s.e.sign = len(c.segs()) == 1, -1
		s.contributeLine(c, from)
		s.e.from = health
		s.contributeHealth(&s.e, c)
		s.e.sign = 1
		s.e.straight = len(s.e.deltas) == 0 && len(c.segs()) == 1
		c.line, c.firstPaidDay = line, first
		s.contributeLine(c, from)
	}
	s.walkTo(c, max(s.watermark, c.latest), day)
	s.e.from = health
	s.contributeHealth(&s.e, c)
	s.e.net()
	s.e.flush(c.segs())
	s.settle(c, day)
}

func (s *Shard) contributeLine(c *customer, from int32) {
	s.e.from = from
	s.contributeMoney(&s.e, c)
	s.contributeSilent(&s.e, c)
}

// replaceMRR writes the difference that other amounts make to a customer who
// pays on the same days as before and is red on none from the event's on, and then
// brings its health up to now.
func (s *Shard) replaceMRR(c *customer, old *timeline, day int32) {
	line, same := c.line, 0
	for same < len(line.mrr) && same < len(old.mrr) && line.mrr[same] == old.mrr[same] {
		same++
	}
	from := max(same-1, 0) // the last equal step ends elsewhere now
	if slices.ContainsFunc(line.mrr[:same], func(x mrrStep) bool { return x.currency != line.mrr[0].currency }) {
		from = 0 // and so does the last one of each other currency
	}
	changed := farFuture // the first day that ends otherwise
	if same < len(line.mrr) {
		changed = line.mrr[same].day
	}
	if same < len(old.mrr) {
		changed = min(changed, old.mrr[same].day)
	}
	if line.since != old.since {
		changed = noDay
	}
	s.e.alone = len(c.segs()) == 1
	s.e.sign, c.line = -1, *old
	s.contributeAmounts(c, from, changed)
	s.e.sign, c.line = 1, line
	s.contributeAmounts(c, from, changed)
	c.line = line
	s.e.net()
	s.e.flush(c.segs())
	s.evaluate(c, day)
}

// contributeAmounts collects MRR from one of the steps on, and its movements and
// what is retained of it from a day on.
func (s *Shard) contributeAmounts(c *customer, step int, day int32) {
	s.contributeMovements(&s.e, c, day)
	s.contributeRetained(&s.e, c, day)
	c.line.mrr = c.line.mrr[min(step, len(c.line.mrr)):]
	s.contributeMRR(&s.e, c, MRR, noDay, farFuture, farFuture)
}

// redFrom says whether the customer was or is red on any day from the given one on.
func (h *health) redFrom(day int32) bool {
	for i := len(h.runs) - 1; i >= 0; i-- {
		if h.runs[i].band == Red {
			return true
		}
		if h.runs[i].day <= day {
			break
		}
	}
	return false
}

// evaluate brings the customer's health up to the record's now, the later of
// the watermark and its latest event, after a change on a day or because time
// went on (from is farFuture then), and writes what that changes. It says
// whether the record has to be stored for it: that it was looked at and found as
// before need not be, unless it is red and amounts are at risk.
func (s *Shard) evaluate(c *customer, from int32) (changed bool) {
	h := &c.health
	now := max(s.watermark, c.latest)
	if len(c.line.paying) == 0 && h.live == Gone || h.gone(&c.line, s.cal.Start(min(from, farFuture-1))) {
		return s.settle(c, from)
	}
	s.runBuf = append(s.runBuf[:0], h.runs...)
	oldDay := h.day
	s.walkTo(c, now, from)
	moved := !slices.Equal(s.runBuf, h.runs)
	if moved || h.live == Red && c.line.steps(oldDay, h.day) {
		runs, day := h.runs, h.day
		h.runs, h.day = s.runBuf, oldDay
		s.e.from = min(from, oldDay)
		s.e.alone, s.e.sign = len(c.segs()) == 1, -1
		s.contributeHealth(&s.e, c)
		s.e.sign = 1
		h.runs, h.day = runs, day
		s.contributeHealth(&s.e, c)
		s.e.net()
		s.e.flush(c.segs())
	}
	return s.settle(c, from) || moved || h.live == Red
}

// idle says whether the customer's health reads nothing: it doesn't pay, and did
// not when it was last evaluated.
func (c *customer) idle() bool {
	if c.behind != 0 || c.due != never {
		return false
	}
	return c.firstPaidDay == noDay || c.health.live == Gone && len(c.line.paying) == 0
}

// gone says whether the customer had left for good when it was last evaluated,
// and nothing before has changed: then there is nothing to walk.
func (h *health) gone(t *timeline, changed int64) bool {
	return h.live == Gone && len(t.paying) > 0 && t.paying[len(t.paying)-1].to <= min(h.now, changed)
}

// steps says whether an amount changes on the days (from, to].
func (t *timeline) steps(from, to int32) bool {
	return slices.ContainsFunc(t.mrr, func(x mrrStep) bool { return x.day > from && x.day <= to })
}

// settle makes the firing set, the people's lists and the due time agree with
// the customer's health, after a change on the day from, and says whether they
// did not.
func (s *Shard) settle(c *customer, from int32) (changed bool) {
	firing, listed, scored := c.firing, c.listed, c.scored
	for r := range s.opts.BandRules {
		since, ok := c.fires(r, &s.opts.BandRules[r])
		was := c.firing>>r&1 == 1
		if !ok && !was {
			continue
		}
		if ok && was && c.since[r] == since {
			continue
		}
		pair, cause := Pair{s.opts.BandRules[r].Name, c.id}, s.cause
		s.fired[pair] = true
		if !ok {
			delete(s.firing, pair)
			c.firing &^= 1 << r
			continue
		}
		if was {
			cause = s.firing[pair].Cause
		}
		s.firing[pair] = Firing{since, cause}
		c.firing |= 1 << r
		c.since[r] = since
	}
	rank := c.scored
	if len(c.line.mrr) > 0 {
		rank = s.rank(c)
	}
	if c.listed != c.health.live || rank != c.scored && c.health.live != Gone {
		s.moves = append(s.moves, Move{c.id, c.listed, c.health.live, rank})
		c.listed = c.health.live
	}
	if rank != c.scored { // then it pays, and has a rare part of its own
		c.scored = rank
	}
	c.due = s.dueOf(c, from == farFuture)
	c.bucket.places[c.pos].due = c.due
	s.arm(c.bucket.index, c.due)
	return c.firing != firing || c.listed != listed || c.scored != scored
}

// dueOf is a moment no later than the next one at which time alone changes what
// the record contributes or fires. It need not be the very moment of a change:
// an early timer finds nothing to do and is armed again. Idle: looks for the
// change of band, not only of the score, which takes longer and is worth it for
// a customer whose timer has fired, since no event came before it.
func (s *Shard) dueOf(c *customer, idle bool) int64 {
	due := never
	soonest := func(t int64) {
		if t > c.health.now {
			due = min(due, t)
		}
	}
	for _, i := range c.line.orphans {
		due = min(due, s.orphanDue(&c.money[i]))
	}
	if len(c.line.paying) == 0 {
		return due
	}
	for i := len(c.line.paying) - 1; i >= 0 && c.line.paying[i].to > c.health.now; i-- {
		soonest(c.line.paying[i].from)
		soonest(c.line.paying[i].to)
	}
	// Who has left for good is not walked (gone), so that its health.now stands
	// still: a moment after that may be over, and would be due for ever.
	if c.health.live == Gone {
		return due
	}
	for i := len(c.line.mrr) - 1; i >= 0; i-- {
		x := &c.line.mrr[i]
		if x.at <= c.health.now && x.day <= c.health.day {
			break
		}
		soonest(s.cal.Start(x.day)) // MRR at risk is that of the day's end
		soonest(x.at)
	}
	for r := range s.opts.BandRules {
		if x := c.episodes.now[r]; x.end != 0 && s.opts.BandRules[r].Band != c.health.live {
			soonest(x.end + s.opts.BandRules[r].ResolveAfter)
		}
	}
	for i := range s.opts.Profile.Signals {
		if g := &s.opts.Profile.Signals[i]; g.Read == TicketHours {
			soonest(s.ticketDue(c, g))
		}
	}
	day := s.nextDay(c, c.health.day)
	if idle {
		day = s.bandDay(c, day)
	}
	if day != farFuture {
		soonest(s.cal.Start(day))
	}
	return due
}

// bandDaySteps bounds the changes of the score that bandDay looks at.
const bandDaySteps = 32

// bandDay is a day no later than the first one on which the band changes by
// itself. Day is the first one on which the score does.
func (s *Shard) bandDay(c *customer, day int32) int32 {
	for range bandDaySteps {
		if day == farFuture {
			break
		}
		start := s.cal.Start(day)
		if s.scorer.band(c.health.live, s.momentScore(c, s.dailyScore(c, day), start)) != c.health.live {
			break
		}
		day = s.nextDay(c, day)
	}
	return day
}

// orphanDue is when a cancellation or refund without a target goes to the late
// topic: when its day freezes, so that no target can come any more.
func (s *Shard) orphanDue(m *moneyEvent) int64 {
	return s.cal.Start(s.cal.Day(m.time) + s.opts.Horizon + 1)
}

// nextDay is the next day after today on which a signal's points may change by
// themselves.
func (s *Shard) nextDay(c *customer, today int32) int32 {
	next := farFuture
	for i := range s.opts.Profile.Signals {
		if d := c.signalDay(&s.opts.Profile.Signals[i], today); d > today {
			next = min(next, d)
		}
	}
	return next
}

// signalDay is the same for one signal.
func (c *customer) signalDay(g *Signal, today int32) int32 {
	switch g.Read {
	case ActiveDays:
		n := int64(c.days.count(today-g.Window, today))
		keep := int64(0) // the least count with the same points
		for _, x := range g.Steps {
			if x.From <= n {
				keep = x.From
			}
		}
		if keep <= 0 {
			return farFuture
		}
		d := today - g.Window
		for ; n >= keep; n-- {
			d = c.days.next(d)
		}
		return d + g.Window
	case RecencyDays:
		ref := c.reference(today)
		if x, ok := nextStep(g.Steps, int64(today-ref)); ok {
			return ref + int32(x)
		}
	case TenureDays:
		if x, ok := nextStep(g.Steps, int64(today-c.firstPaidDay)); ok {
			return c.firstPaidDay + int32(x)
		}
	case LastSurvey:
		if a := c.lastAnswer(today, g.Window); a != nil {
			return a.day + g.Window
		}
	}
	return farFuture
}

// ticketDue is the next moment at which the oldest open ticket has waited longer.
func (s *Shard) ticketDue(c *customer, g *Signal) int64 {
	now := c.health.now
	for _, t := range c.line.tickets {
		if t.from <= now && now < t.to {
			if x, ok := nextStep(g.Steps, (now-t.from)/msHour); ok {
				return t.from + x*msHour
			}
			return 0
		}
	}
	return 0
}
