package aggregator

import (
	"encoding/binary"
	"slices"

	"github.com/tidemark-io/tidemark/event"
)

// Sections of a record's rare part: a bit each.
const (
	hasAttrs = 1 << iota
	hasMoney
	hasSignals
	hasAnswers
	hasBase
	hasEpisodes
	hasMoved
)

// append writes the rare part; nothing where there is nothing of it to store. old
// is what was last written.
func (c *rare) append(dst []byte, src *sources, old []byte) []byte {
	at := len(dst)
	dst = append(dst, 0)
	bits := byte(0)
	put := func(bit byte, has bool) bool {
		if has {
			bits |= bit
		}
		return has
	}
	if put(hasAttrs, len(c.attrs) > 0) {
		dst = c.appendAttrs(dst, src)
	}
	if put(hasBase, c.base.stored()) {
		dst = c.base.append(dst)
	}
	if put(hasMoney, len(c.money) > 0) {
		dst = c.appendMoney(dst, src, at, old)
	}
	if put(hasSignals, len(c.signals) > 0) {
		dst = c.appendSignals(dst)
	}
	if put(hasAnswers, len(c.answers) > 0) {
		dst = c.appendAnswers(dst, src)
	}
	if put(hasEpisodes, c.episodes.base != chains{}) {
		dst = c.episodes.base.append(dst)
	}
	if put(hasMoved, c.moved != nil) {
		dst = c.moved.append(dst)
	}
	if bits == 0 {
		return dst[:at]
	}
	dst[at] = bits
	return dst
}

func (r *reader) rare(c *rare) {
	bits := r.byte()
	if bits&hasAttrs != 0 {
		c.attrs = r.attrs()
	}
	if bits&hasBase != 0 {
		b := r.base()
		c.base = &b
	}
	if bits&hasMoney != 0 {
		c.money = r.money(c.base)
	}
	if bits&hasSignals != 0 {
		c.signals = r.references()
	}
	if bits&hasAnswers != 0 {
		c.answers = r.dayAnswers()
	}
	if bits&hasEpisodes != 0 {
		c.episodes.base = r.chains()
	}
	if bits&hasMoved != 0 {
		c.moved = r.moved()
	}
}

func (c *rare) appendAttrs(dst []byte, src *sources) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(c.attrs)))
	for i := range c.attrs {
		a := &c.attrs[i]
		dst = appendString(dst, a.name)
		dst = append(dst, a.kind|byte(b2u(a.null))<<7)
		if !a.null {
			dst = appendString(dst, a.value)
		}
		dst = binary.AppendVarint(dst, a.time)
		dst = src.append(dst, a.source)
		dst = appendString(dst, a.id)
	}
	return dst
}

func (r *reader) attrs() []attribute {
	out := make([]attribute, r.count())
	for i := range out {
		a := &out[i]
		a.name = r.string()
		k := r.byte()
		a.kind, a.null = k&127, k>>7 == 1
		if !a.null {
			a.value = r.string()
		}
		a.time, a.source, a.id = r.varint(), r.source(), r.string()
	}
	return out
}

func (c *rare) appendSignals(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(c.signals)))
	for i := range c.signals {
		x := &c.signals[i]
		dst = append(dst, byte(x.kind))
		dst = appendString(dst, x.ref)
		dst = binary.AppendVarint(dst, x.since)
		dst = binary.AppendUvarint(dst, uint64(len(x.events)))
		for _, e := range x.events {
			dst = binary.AppendVarint(dst, e.time<<1|int64(b2u(e.on)))
		}
	}
	return dst
}

func (r *reader) references() []reference {
	out := make([]reference, r.count())
	for i := range out {
		x := &out[i]
		x.kind, x.ref, x.since = refKind(r.byte()), r.string(), r.varint()
		x.events = make([]refEvent, r.count())
		for k := range x.events {
			v := r.varint()
			x.events[k] = refEvent{v >> 1, v&1 == 1}
		}
	}
	return out
}

func (c *rare) appendAnswers(dst []byte, src *sources) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(c.answers)))
	for i := range c.answers {
		a := &c.answers[i]
		dst = appendDay(dst, a.day)
		dst = append(dst, byte(a.kind))
		dst = binary.AppendVarint(dst, a.time)
		dst = src.append(dst, a.source)
		dst = appendString(dst, a.id)
		for _, v := range [...]int32{a.score, a.min, a.max} {
			dst = binary.AppendVarint(dst, int64(v))
		}
	}
	return dst
}

func (r *reader) dayAnswers() []dayAnswer {
	out := make([]dayAnswer, r.count())
	for i := range out {
		a := &out[i]
		a.day, a.kind, a.time, a.source, a.id = r.day(), event.SurveyKind(r.byte()), r.varint(), r.source(), r.string()
		a.score, a.min, a.max = int32(r.varint()), int32(r.varint()), int32(r.varint())
	}
	return out
}

func (b *base) stored() bool {
	return b.at != 0 || b.firstPaid != 0 || b.buysUntil != 0 || b.money.past.any() || b.capped != 0
}

func (b *base) append(dst []byte) []byte {
	dst = binary.AppendVarint(dst, b.at)
	dst = appendDay(dst, b.buysUntil)
	dst = binary.AppendVarint(dst, b.firstPaid)
	dst = b.money.appendSubs(dst)
	dst = binary.AppendUvarint(dst, uint64(len(b.money.endings)))
	for _, e := range b.money.endings {
		dst = binary.AppendVarint(dst, e.at)
		dst = binary.AppendUvarint(dst, e.targets)
		dst = appendString(dst, e.reason)
	}
	p := &b.money.past
	dst = append(dst, byte(b2u(b.money.paid))|byte(b2u(p.receipt))<<1|p.orders<<2|byte(b2u(b.capped != 0))<<4)
	dst = binary.AppendUvarint(dst, uint64(len(p.received)))
	for _, x := range p.received {
		dst = append(dst, x.currency[:]...)
		dst = binary.AppendVarint(dst, x.minor)
	}
	if b.capped != 0 {
		dst = b.appendLumps(dst)
	}
	return dst
}

// Bits of a subscription: most are active, don't lapse, are in one currency and
// pay whole minor units a month.
const (
	isActive = 1 << iota
	lapses
	inLastCurrency
	wholeUnits
)

func (s *moneyState) appendSubs(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s.subs)))
	for i := range s.subs {
		x := &s.subs[i]
		dst = appendString(dst, x.name)
		at := len(dst)
		dst = append(dst, byte(b2u(x.active)))
		if i > 0 && x.currency == s.subs[i-1].currency {
			dst[at] |= inLastCurrency
		} else {
			dst = append(dst, x.currency[:]...)
		}
		if x.monthly%event.MonthlyUnit == 0 {
			dst[at] |= wholeUnits
			dst = binary.AppendVarint(dst, x.monthly/event.MonthlyUnit)
		} else {
			dst = binary.AppendVarint(dst, x.monthly)
		}
		if x.lapse != 0 {
			dst[at] |= lapses
			dst = binary.AppendVarint(dst, x.lapse)
		}
	}
	return dst
}

// subs reads subscriptions and adds up what the active ones pay.
func (r *reader) subs(s *moneyState) {
	s.subs = make([]subscription, min(r.count(), maxSubscriptions))
	for i := range s.subs {
		x := &s.subs[i]
		x.name = r.string()
		bits := r.byte()
		if x.active = bits&isActive != 0; bits&inLastCurrency == 0 {
			x.currency = r.currency()
		} else if i > 0 {
			x.currency = s.subs[i-1].currency
		}
		if x.monthly = r.varint(); bits&wholeUnits != 0 {
			x.monthly *= event.MonthlyUnit
		}
		if bits&lapses != 0 {
			x.lapse = r.varint()
		}
		if !x.active {
			continue
		}
		k := slices.IndexFunc(s.totals, func(t total) bool { return t.currency == x.currency })
		if k < 0 {
			k = len(s.totals)
			s.totals = append(s.totals, total{currency: x.currency})
		}
		s.totals[k].monthly += x.monthly
	}
}

func appendTotals(dst []byte, all []total) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(all)))
	for _, t := range all {
		dst = append(dst, t.currency[:]...)
		dst = binary.AppendVarint(dst, t.monthly)
	}
	return dst
}

func (r *reader) totals() []total {
	out := make([]total, r.count())
	for i := range out {
		out[i] = total{r.currency(), r.varint()}
	}
	return out
}

func (r *reader) base() base {
	b := base{at: r.varint(), buysUntil: r.day(), firstPaid: r.varint()}
	r.subs(&b.money)
	b.money.endings = make([]ending, r.count())
	for i := range b.money.endings {
		at, targets := r.varint(), r.uvarint()
		if targets>>len(b.money.subs) != 0 && len(b.money.subs) < maxSubscriptions {
			r.fail()
			return b
		}
		b.money.endings[i] = ending{at, targets, r.string()}
	}
	bits := r.byte()
	p := &b.money.past
	b.money.paid, p.receipt, p.orders = bits&1 != 0, bits>>1&1 != 0, bits>>2&3
	p.received = make([]cash, r.count())
	for i := range p.received {
		p.received[i] = cash{r.currency(), r.varint()}
	}
	if bits>>4&1 != 0 {
		r.lumps(&b)
	}
	return b
}

// append writes the chains; those of rules that were never in their band are zeros.
func (x *chains) append(dst []byte) []byte {
	n := 0
	for i := range x {
		if x[i] != (chain{}) {
			n = i + 1
		}
	}
	dst = append(dst, byte(n))
	for _, c := range x[:n] {
		dst = binary.AppendVarint(dst, c.since)
		dst = binary.AppendVarint(dst, c.end)
	}
	return dst
}

func (r *reader) chains() (x chains) {
	n := int(r.byte())
	if n > maxBandRules {
		r.fail()
		return x
	}
	for i := range x[:n] {
		x[i] = chain{r.varint(), r.varint()}
	}
	return x
}

func (r *reader) band() Band {
	b := Band(r.byte())
	if b >= bandEnd {
		r.fail()
	}
	return b
}

// append writes what lets a loaded record go on without walking its horizon.
func (h *health) append(dst []byte) []byte {
	dst = appendDay(dst, h.check.day)
	dst = append(dst, byte(h.check.band))
	dst = binary.AppendVarint(dst, h.now)
	dst = binary.AppendUvarint(dst, uint64(len(h.runs)))
	for _, x := range h.runs {
		dst = appendDay(dst, x.day)
		dst = append(dst, byte(x.band))
	}
	return dst
}

func (r *reader) health(h *health) {
	h.check = bandRun{r.day(), r.band()}
	h.now = r.varint()
	h.runs = make([]bandRun, r.count())
	for i := range h.runs {
		h.runs[i] = bandRun{r.day(), r.band()}
	}
}

// appendValue writes the day of the first event, from the first active day of the
// first user, which it mostly is, and how many days later the first value event
// was: 0 for never, else one more.
func (c *customer) appendValue(dst []byte) []byte {
	dst = appendDay(dst, c.born-c.firstActive())
	if c.valued == noDay {
		return append(dst, 0)
	}
	return binary.AppendUvarint(dst, uint64(c.valued-c.born)+1)
}

func (r *reader) value(c *customer) {
	c.born, c.valued = r.day()+c.firstActive(), noDay
	if n := r.uvarint(); n > 0 {
		c.valued = c.born + int32(n-1)
	}
}

// firstActive is the first active day of the first of the inline users, 0 where
// there is none.
func (c *customer) firstActive() int32 {
	if len(c.users) == 0 || c.users[0].first == noDay {
		return 0
	}
	return c.users[0].first
}

func (a *answer) appendQuestions(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(a.questions)))
	for _, q := range a.questions {
		dst = appendString(dst, q.name)
		dst = binary.AppendVarint(dst, int64(q.score))
	}
	return dst
}

func (r *reader) questions() []named {
	n := r.count()
	if n == 0 {
		return nil
	}
	out := make([]named, n)
	for i := range out {
		out[i] = named{r.string(), int32(r.varint())}
	}
	return out
}
