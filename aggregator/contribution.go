package aggregator

import "github.com/tidemark-io/tidemark/civil"

// The definition of truth: what a record contributes to the cells, given the
// watermark. The hot path computes differences directly; a property test and
// the audit hold the two equal.

// churnWindows are the windows of churn: of the customers at a window's start,
// those that are none at its end.
var churnWindows = [...]struct {
	window
	start, lost int
}{
	{window{days: 7}, int(Start7), int(Lost7)},
	{window{days: 30}, int(Start30), int(Lost30)},
	{window{days: 90}, int(Start90), int(Lost90)},
	{window{period: civil.Month}, int(StartMonth), int(LostMonth)},
	{window{period: civil.Quarter}, int(StartQuarter), int(LostQuarter)},
}

// dayspan is a stretch of days, half-open; to is farFuture for an open end.
type dayspan struct{ from, to int32 }

// contribute is the contribution of a customer's record, its users apart.
// health must have been walked to now.
func (s *Shard) contribute(e *emitter, c *customer) {
	from := s.lookback()
	e.contributeValue(c.born, c.valued)
	e.contributeDays(&c.days, from, customerWindows[:])
	s.contributeMoney(e, c)
	s.contributeCash(e, c)
	s.contributeSilent(e, c)
	s.contributeHealth(e, c)
}

// lookback is the first day that records still know.
func (s *Shard) lookback() int32 {
	if !s.cells.started {
		return noDay + Lookback
	}
	return s.cells.first - Lookback
}

// payingDays are the days at whose end the customer pays: one that begins at t0
// and ceases at t1 pays at the ends of day(t0) to day(t1)-1.
func (s *Shard) payingDays(c *customer) []dayspan {
	out := s.dayBuf[:0]
	for _, p := range c.line.paying {
		d := dayspan{s.cal.Day(p.from), farFuture}
		if p.to != never {
			if d.to = p.day; p.day == 0 {
				d.to = s.cal.Day(p.to)
			}
		}
		if n := len(out); n > 0 && out[n-1].to >= d.from {
			out[n-1].to = max(out[n-1].to, d.to)
			continue
		}
		if d.from < d.to {
			out = append(out, d)
		}
	}
	s.dayBuf = out
	return out
}

// contributeMoney: customers, churn, cancellations, and MRR with its movements.
func (s *Shard) contributeMoney(e *emitter, c *customer) {
	days := s.payingDays(c)
	for _, d := range days {
		e.level(int(Customers), d.from, d.to, 1)
	}
	for _, w := range churnWindows {
		for _, d := range days {
			was := dayspan{e.after(w.window, d.from), e.after(w.window, d.to)}
			if was.from >= was.to || was.to <= e.from {
				continue // not there at any window's start, or of none that is asked for
			}
			e.level(w.start, was.from, was.to, 1)
			// Lost: was there, and is in none of the spans now.
			at := was.from
			for _, now := range days {
				if now.to <= at {
					continue
				}
				if now.from >= was.to {
					break
				}
				e.level(w.lost, at, now.from, 1)
				at = now.to
			}
			if at < was.to {
				e.level(w.lost, at, was.to, 1)
			}
		}
	}
	for _, x := range c.line.cancels {
		e.level(int(Cancellations), x.day, x.day+1, 1)
	}
	e.contributeReasons(&c.line)
	if c.firstPaidDay != noDay {
		e.standing(CustomersEver, 1)
	}
	s.contributeMRR(e, c, MRR, noDay, farFuture, farFuture)
	s.contributeMovements(e, c, e.from)
	s.contributeRetained(e, c, e.from)
}

// contributeMRR emits the customer's MRR on the days [from, to) under a money
// counter. From day hold on it stays what it is at the end of the day before.
func (s *Shard) contributeMRR(e *emitter, c *customer, k Counter, from, to, hold int32) {
	steps := c.line.mrr
	for i := range steps {
		x := &steps[i]
		end := farFuture
		for _, y := range steps[i+1:] {
			if y.currency == x.currency {
				end = y.day
				break
			}
		}
		if x.day >= hold {
			continue
		}
		if end >= hold {
			end = farFuture
		}
		if end > e.from {
			e.level(e.cells.slot(k, x.currency), max(x.day, from), min(end, to), x.monthly)
		}
	}
}

// contributeSilent: paying customers without activity for SilentDays, counted
// from the later of the last active day and the first paying day.
func (s *Shard) contributeSilent(e *emitter, c *customer) {
	if c.firstPaidDay == noDay {
		return
	}
	n := s.opts.SilentDays
	for _, p := range s.payingDays(c) {
		if p.to <= e.from {
			continue
		}
		ref := c.reference(max(p.from, e.from))
		for ref < p.to {
			next := min(max(c.days.next(max(ref, p.from)), c.firstPaidDay), p.to)
			e.level(int(Silent), max(ref+n, p.from), min(next, p.to), 1)
			if next >= p.to {
				break
			}
			ref = next
		}
	}
}

var bandSlots = [bandEnd]int{Unrated: int(HealthUnknown), Red: int(HealthRed), Amber: int(HealthAmber), Green: int(HealthGreen)}

// contributeHealth: paying customers by band, and the MRR of red ones.
func (s *Shard) contributeHealth(e *emitter, c *customer) {
	// What was red when it was evaluated stays so until a timer: its amount too.
	// A fold may have put the amounts' beginning behind that day; no amount
	// changed between it and the first unfrozen day.
	hold := c.health.day + 1
	if s.cells.started {
		hold = max(hold, s.cells.first+1)
	}
	for i, r := range c.health.runs {
		to := farFuture
		if i+1 < len(c.health.runs) {
			to = c.health.runs[i+1].day
		}
		if r.band == Gone {
			continue
		}
		e.level(bandSlots[r.band], r.day, to, 1)
		if r.band == Red {
			s.contributeMRR(e, c, MRRAtRisk, r.day, to, hold)
		}
	}
}
