package aggregator

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidemark-io/tidemark/event"
)

// Status is what became of an event.
type Status uint8

// The outcomes. Duplicate: it changed nothing, since what it says was known.
const (
	Applied Status = iota + 1
	Duplicate
	Ignored // nothing reads events of its type
	Late    // beyond the horizon: to the late topic
)

// maxReferences bounds the tickets and invoices of a customer's record. Past it
// the oldest that is closed is forgotten, or, where none is, the oldest.
const maxReferences = 512

// change is what applying an event has done to a record.
type change struct {
	any    bool // anything at all
	money  bool // money events that the timeline is replayed from
	health bool // something that health reads
}

// Apply applies one event to its records and their contributions. The records
// must be in memory, and i is the event's index among those that Need was last
// called with.
func (s *Shard) Apply(i int, ev *event.Event, cause Cause) (Status, error) {
	if i%aheadEvents == 0 {
		s.warmRecords(s.found[i:min(i+aheadEvents, len(s.found))])
	}
	s.scheduled = false
	if !s.reads(ev) {
		return Ignored, nil
	}
	day, hash, c := s.found[i].day, s.found[i].hash, s.found[i].c
	if s.cells.started && day < s.cells.first {
		return Late, nil
	}
	if c == nil { // perhaps an event before this one has brought it
		if c = s.index.find(hash, ev.Customer); c == nil {
			b := s.buckets[slotOf(hash, len(s.buckets))]
			if b == nil {
				return 0, fmt.Errorf("apply %s of %s: %w", ev.ID, ev.Customer, errNotLoaded)
			}
			c = s.newCustomer(b, hash, string(ev.Customer))
		}
	}
	if ev.Kind != event.Login && c.tooOld(ev) {
		return Late, nil
	}
	if (c.born == noDay || day < c.born) && day <= c.health.base.day {
		c.health.base = bandRun{day: day - 1} // nothing is folded before the first watermark's horizon
	}
	var ch change
	if len(ev.Attrs) > 0 {
		ch.any = s.applyAttrs(c, ev)
	}
	if c.born == noDay || day < c.born || (c.valued == noDay || day < c.valued) && s.isValue(ev) {
		ch.any = s.applyValue(c, ev, day) || ch.any
	}
	switch ev.Kind {
	case event.Purchase, event.Cancellation:
		m := s.moneyOf(ev, cause)
		ch.add(s.applyMoney(c, &m, cause, day))
	case event.Survey:
		ch.add(s.applyAnswer(c, ev, day))
	case event.Signal:
		ch.add(s.applySignal(c, ev, cause, day))
	}
	if s.IsActivity(ev) {
		ch.add(s.applyActivity(c, ev, day))
	}
	if !ch.any {
		return Duplicate, nil
	}
	c.latest = max(c.latest, ev.Time)
	s.change(c)
	if ch.money || ch.health && !c.idle() || c.due <= max(s.watermark, c.latest) {
		s.later(c, day, ch, cause)
	}
	return Applied, nil
}

func (c *change) add(x change) {
	c.any, c.money, c.health = c.any || x.any, c.money || x.money, c.health || x.health
}

func (s *Shard) newCustomer(b *bucket, hash uint64, id string) *customer {
	c := &customer{id: id, rare: &noRare, firstPaidDay: noDay, due: never, born: noDay, valued: noDay}
	c.health.base.day = farFuture // lowered by its first event
	c.in = s.segments(c)
	b.add(c, place{hash: hash, due: never})
	s.index.add(hash, c)
	s.grown(&b.block, customerBytes+len(id))
	s.customers++
	s.grow()
	return c
}

// IsActivity says whether an event counts as activity.
func (s *Shard) IsActivity(ev *event.Event) bool {
	return s.opts.ActivityKinds[ev.Kind] || ev.Kind == event.Signal && s.opts.ActivitySignal[string(ev.Signal.Name)]
}

// reads says whether anything reads events of this kind.
func (s *Shard) reads(ev *event.Event) bool {
	if s.opts.ActivityKinds[ev.Kind] {
		return true
	}
	switch ev.Kind {
	case event.Unknown:
		return false
	case event.Purchase, event.Cancellation, event.Survey:
		return true
	case event.Signal:
		switch string(ev.Signal.Name) {
		case "ticket_opened", "ticket_resolved", "invoice_late", "invoice_paid", "cancellation_withdrawn", "survey_sent":
			return true
		}
	}
	return s.IsActivity(ev) || s.keepsAttr(ev) || s.isValue(ev)
}

func (s *Shard) keepsAttr(ev *event.Event) bool {
	return slices.ContainsFunc(ev.Attrs, func(a event.Attr) bool { return s.kept(string(a.Name)) })
}

// kept: attributes that are dimensions, and what people know a customer by.
func (s *Shard) kept(name string) bool {
	return name == "name" || name == "owner" || slices.Contains(s.opts.Dimensions, name)
}

func (s *Shard) applyActivity(c *customer, ev *event.Event, day int32) change {
	id := ev.User
	if id == nil {
		id = ev.Customer
	}
	if len(s.e.shapes.list) >= maxShapes {
		s.e.spend()
	}
	u, p := s.findUser(c, id)
	segs := s.userSegs(c, p)
	s.e.straight = len(segs) == 1
	hour := uint32(1) << s.cal.HourOf(day, ev.Time)
	last, hours := u.days.last(), u.hours()
	switch {
	case day == last && hours&hour != 0, day < last && u.days.has(day):
		s.e.straight = false
		return change{}
	case day == last:
		u.setHours(hours | hour)
		s.e.moveHour(segs, u, last, hours)
		s.e.straight = false
		s.touchPage(p)
		return change{any: true}
	case day > last:
		u.setHours(hour)
	}
	s.touchPage(p)
	u.days.set(day)
	ever := u.first
	if ever == noDay || day < ever {
		u.first = day
	}
	s.e.addUserDay(segs, u, day, ever, last, hours, s.lookback())
	if c.days.has(day) {
		s.e.flush(segs)
		return change{any: true}
	}
	s.silence(c, day)
	before := c.days.last()
	c.days.set(day)
	if day > before {
		s.e.shapes.countCustomer(c.segs(), day, before)
	} else {
		s.e.addDay(&c.days, day, customerWindows[:])
	}
	s.e.flush(c.segs())
	return change{any: true, health: true}
}

func (s *Shard) touchPage(p *page) {
	if p != nil {
		s.touch(&p.block)
	}
}

// silence takes back the silent days that a new active day of the customer ends.
func (s *Shard) silence(c *customer, day int32) {
	if c.firstPaidDay == noDay {
		return
	}
	before, n := c.reference(day), s.opts.SilentDays
	if day <= before {
		return
	}
	from, to := max(before+n, day), min(day+n, c.days.next(day))
	if from >= to {
		return
	}
	for _, d := range s.payingDays(c) {
		s.e.level(int(Silent), max(from, d.from), min(to, d.to), -1)
	}
}

func (s *Shard) applyAnswer(c *customer, ev *event.Event, day int32) change {
	v := &ev.Survey
	a := answer{time: ev.Time, day: day, kind: v.Kind, score: v.Score, min: v.Min, max: v.Max,
		source: s.sources.intern(ev.Source), id: string(ev.ID), campaign: string(v.Campaign), ref: string(v.Ref)}
	if v.Kind == event.CLI {
		a.questions = s.questionsOf(v.Answers)
	}
	if !s.putAnswer(c, v.Respondent, ev.Customer, a) {
		return change{}
	}
	ch := change{any: true}
	if v.Kind == event.NPS || v.Kind == event.CSAT {
		c.own()
		c.answers, ch.health = addDayAnswer(c.answers, dayAnswer{day: day, kind: v.Kind, time: ev.Time,
			source: a.source, id: a.id, score: v.Score, min: v.Min, max: v.Max})
		c.rewrite = true
	}
	return ch
}

// applyInvitation takes the signal survey_sent for an invitation of the user to a
// CSAT survey; ref names the campaign.
func (s *Shard) applyInvitation(c *customer, ev *event.Event, day int32) change {
	return change{any: s.putAnswer(c, ev.User, ev.Customer, answer{time: ev.Time, day: day, kind: invited, max: 1,
		source: s.sources.intern(ev.Source), id: string(ev.ID), campaign: string(ev.Signal.Ref)})}
}

// putAnswer puts an answer into its respondent's record, the customer itself where
// none is named; false: it is there.
func (s *Shard) putAnswer(c *customer, id, customer []byte, a answer) bool {
	if id == nil {
		id = customer
	}
	u, p := s.findUser(c, id)
	segs := s.userSegs(c, p)
	answers := u.surveyed()
	i, found := placeOf(answers, &a)
	if found {
		return false
	}
	s.touchPage(p)
	s.e.alone, s.e.sign = len(segs) == 1, -1
	s.e.contributeAnswer(answers, i-1) // ends sooner, perhaps
	s.e.sign = 1
	answers = slices.Insert(answers, i, a)
	u.setAnswers(answers)
	if p != nil {
		s.grown(&p.block, answerBytes)
	} else {
		s.grown(&c.bucket.block, answerBytes)
	}
	s.e.contributeAnswer(answers, i-1)
	s.e.contributeAnswer(answers, i)
	s.e.net()
	s.e.flush(segs)
	return true
}

func (s *Shard) applySignal(c *customer, ev *event.Event, cause Cause, day int32) change {
	ref := ev.Signal.Ref
	if ref == nil {
		ref = ev.ID
	}
	kind, on := ticket, true
	switch string(ev.Signal.Name) {
	case "ticket_opened":
	case "ticket_resolved":
		on = false
	case "invoice_late":
		kind = invoice
	case "invoice_paid":
		kind, on = invoice, false
	case "survey_sent":
		return s.applyInvitation(c, ev, day)
	case "cancellation_withdrawn":
		return s.applyMoney(c, &moneyEvent{time: ev.Time, kind: withdraw, all: len(ev.Signal.Ref) == 0, sub: string(ev.Signal.Ref),
			source: s.sources.intern(ev.Source), id: string(ev.ID), moneyRare: &moneyRare{origin: &Origin{cause.Topic, cause.Offset}}}, cause, day)
	default:
		return change{}
	}
	c.own()
	c.rewrite = true
	if len(c.signals) >= maxReferences {
		c.forgetReference()
		s.capped["references"]++
	}
	if !c.addRefEvent(kind, ref, refEvent{ev.Time, on}) {
		return change{}
	}
	c.deriveReferences()
	return change{any: true, health: true}
}

// forgetReference drops the oldest ticket or invoice that is closed, or, where
// all are open, the oldest.
func (c *customer) forgetReference() {
	oldest := -1
	for i := range c.signals {
		r := &c.signals[i]
		n := len(r.events)
		if n > 0 && !r.events[n-1].on && (oldest < 0 || r.events[n-1].time < c.signals[oldest].events[len(c.signals[oldest].events)-1].time) {
			oldest = i
		}
	}
	c.signals = slices.Delete(c.signals, max(oldest, 0), max(oldest, 0)+1)
}

// applyAttrs keeps the latest of each attribute and moves the customer's
// contribution where a dimension's value changed.
func (s *Shard) applyAttrs(c *customer, ev *event.Event) bool {
	changed, moved := false, false
	for _, a := range ev.Attrs {
		name := string(a.Name)
		if !s.kept(name) {
			continue
		}
		was := c.attr(name)
		c.own()
		c.rewrite = true
		if c.setAttr(attribute{name: strings.Clone(name), value: string(a.Value), null: a.Null,
			time: ev.Time, kind: uint8(ev.Kind), source: s.sources.intern(ev.Source), id: string(ev.ID)}) {
			changed = true
			moved = moved || c.attr(name) != was && slices.Contains(s.opts.Dimensions, name)
		}
	}
	if moved {
		s.moveSegments(c)
	}
	return changed
}
