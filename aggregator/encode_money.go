package aggregator

import (
	"encoding/binary"
	"slices"

	"github.com/tidemark-io/tidemark/event"
)

// The stored form of money events. Most are renewals: the same terms as the time
// before, an interval later to the second, under an id that begins as the last one
// did. So an event names its terms by how long ago they were last met, its time
// by what it is more than that of the same terms, in days and the rest, and its
// id by what differs.

// terms are what a purchase or refund charges.
type terms struct {
	sub      string
	currency event.Currency
	amount   int64
	monthly  int64
	interval event.Interval
	count    uint16
}

func (m *moneyEvent) terms() terms {
	return terms{m.sub, m.currency, m.amount, m.monthly, m.interval, m.count}
}

// Bits of an event's first byte, above its kind.
const (
	kindBits   = 7
	forAll     = 1 << 3
	sameSource = 1 << 4
	inSeconds  = 1 << 5 // the rest of its time is
	hasRest    = 1 << 6
	hasMore    = 1 << 7 // a purchase: an order's id of its own; a cancellation or refund: where its message lies
)

// Bits of terms that were not met before.
const (
	sameCurrency = 1 << iota
	ofSub
	knownSub   // it is one of the base's
	recurs     // it has an interval
	asComputed // monthly is what the amount comes to
)

// termsKept is how many terms back an event may refer.
const termsKept = 32

// moneyCodec is what the encoder and the decoder of a list of money events both
// know of those before.
type moneyCodec struct {
	subs   []subscription // of the base
	terms  []terms
	times  []int64 // of the last event with each of these terms
	time   int64   // of the last event
	source string
	id     string
	order  string
}

// writtenMoney says where the first events of a list lie in the rare part as it
// was last written. They are as they were then.
type writtenMoney struct {
	events   int32 // 0: not known
	from, to uint32
}

// appendMoney writes the list. old is the rare part as it was last written, where
// begin is the place in dst at which it begins now: what has not changed is copied.
// Where old is nil everything is written anew, and not remembered.
func (c *rare) appendMoney(dst []byte, src *sources, begin int, old []byte) []byte {
	x := &src.codec
	*x = moneyCodec{subs: c.base.money.subs, time: c.base.at, terms: x.terms[:0], times: x.times[:0]}
	dst = binary.AppendUvarint(dst, uint64(len(c.money)))
	from := len(dst)
	n := 0
	if len(old) > 0 && len(c.line.orphans) == 0 && c.written.events > 0 {
		n = int(c.written.events)
		x.pass(c.money[:n])
		dst = append(dst, old[c.written.from:c.written.to]...)
	}
	for i := n; i < len(c.money); i++ {
		dst = x.append(dst, c.money[:i+1], src, slices.Contains(c.line.orphans, i))
	}
	c.written = writtenMoney{from: uint32(from - begin), to: uint32(len(dst) - begin)}
	if old != nil && len(c.line.orphans) == 0 {
		c.written.events = int32(len(c.money))
	}
	return dst
}

// pass brings the codec to where it is after writing the events.
func (x *moneyCodec) pass(list []moneyEvent) {
	for i := range list {
		m := &list[i]
		if m.charges() {
			x.met(m, x.find(m.terms()))
		}
		if m.bought() && m.order != "" {
			x.order = m.order
		}
	}
	last := &list[len(list)-1]
	x.time, x.source, x.id = last.time, last.source, last.id
}

func (r *reader) money(b *base) []moneyEvent {
	x := moneyCodec{subs: b.money.subs, time: b.at}
	n := r.count()
	out := make([]moneyEvent, 0, n)
	for range n {
		m := x.read(r, out)
		if r.err != nil {
			return nil
		}
		m.seal()
		out = append(out, m)
	}
	return out
}

// charges says whether the event has terms.
func (m *moneyEvent) charges() bool { return m.bought() || m.kind == refund }

// append writes the last of the events.
func (x *moneyCodec) append(dst []byte, list []moneyEvent, src *sources, orphan bool) []byte {
	m := &list[len(list)-1]
	at := len(dst)
	dst = append(dst, byte(m.kind)&kindBits)
	bits := byte(0)
	since := x.time
	if m.charges() {
		back := x.find(m.terms())
		dst = binary.AppendUvarint(dst, uint64(back))
		if back > 0 {
			since = x.times[len(x.terms)-back]
		} else {
			dst = x.appendTerms(dst, m.terms())
		}
		x.met(m, back)
	}
	dst, bits = appendTime(dst, m.time-since)
	if m.source == x.source && len(list) > 1 {
		bits |= sameSource
	} else {
		dst = src.append(dst, m.source)
	}
	dst = appendID(dst, m.id, x.id)
	if m.all {
		bits |= forAll
	}
	switch {
	case m.bought():
		if m.order != "" {
			bits |= hasMore
			dst = appendID(dst, m.order, x.order)
			x.order = m.order
		}
	case m.kind == refund:
		dst = appendTarget(dst, list, m.refundOf)
	default:
		dst = appendString(dst, m.sub)
	}
	if m.kind == cancel {
		dst = appendString(binary.AppendVarint(dst, m.effective-m.time), m.reason)
	}
	if orphan && m.origin != nil { // else nobody will ask for its message
		bits |= hasMore
		dst = binary.AppendVarint(appendString(dst, m.origin.Topic), m.origin.Offset)
	}
	dst[at] |= bits
	x.time, x.source, x.id = m.time, m.source, m.id
	return dst
}

// read reads what append writes; list are the events before.
func (x *moneyCodec) read(r *reader, list []moneyEvent) moneyEvent {
	head := r.byte()
	m := moneyEvent{kind: moneyKind(head & kindBits), all: head&forAll != 0, moneyRare: &noMoneyRare}
	since, back := x.time, 0
	if m.charges() {
		back = int(min(r.uvarint(), termsKept+1))
		switch {
		case back > len(x.terms):
			r.fail()
			return m
		case back > 0:
			since = x.times[len(x.terms)-back]
			x.terms[len(x.terms)-back].put(&m)
		default:
			x.readTerms(r).put(&m)
		}
	}
	m.time = since + r.time(head)
	if m.charges() {
		x.met(&m, back)
	}
	m.source = x.source
	if head&sameSource == 0 {
		m.source = r.source()
	}
	m.id = r.id(x.id)
	more := head&hasMore != 0
	switch {
	case m.bought():
		if more {
			m.own().order = r.id(x.order)
			x.order = m.order
		}
	case m.kind == refund:
		m.own().refundOf = r.target(list)
	case m.kind == cancel || m.kind == withdraw:
		m.sub = r.string()
	default:
		r.fail()
	}
	if m.kind == cancel {
		e := m.own()
		e.effective, e.reason = m.time+r.varint(), r.string()
	}
	if more && !m.bought() {
		m.own().origin = &Origin{Topic: r.string(), Offset: r.varint()}
	}
	x.time, x.source, x.id = m.time, m.source, m.id
	return m
}

// find is how many terms ago these were met last; 0: not among those kept.
func (x *moneyCodec) find(t terms) int {
	for i := len(x.terms) - 1; i >= max(0, len(x.terms)-termsKept); i-- {
		if x.terms[i].amount == t.amount && x.terms[i] == t {
			return len(x.terms) - i
		}
	}
	return 0
}

// met notes an event's terms, which were met back terms ago.
func (x *moneyCodec) met(m *moneyEvent, back int) {
	if back > 0 {
		x.times[len(x.terms)-back] = m.time
		return
	}
	x.terms, x.times = append(x.terms, m.terms()), append(x.times, m.time)
}

func (t terms) put(m *moneyEvent) {
	m.sub, m.currency, m.amount, m.monthly, m.interval, m.count = t.sub, t.currency, t.amount, t.monthly, t.interval, t.count
}

func (x *moneyCodec) appendTerms(dst []byte, t terms) []byte {
	at, bits := len(dst), byte(0)
	dst = append(dst, 0)
	if n := len(x.terms); n > 0 && x.terms[n-1].currency == t.currency {
		bits |= sameCurrency
	} else {
		dst = append(dst, t.currency[:]...)
	}
	dst = binary.AppendVarint(dst, t.amount)
	if t.sub != "" {
		bits |= ofSub
		i := slices.IndexFunc(x.subs, func(s subscription) bool { return s.name == t.sub })
		if i >= 0 {
			bits |= knownSub
			dst = append(dst, byte(i))
		} else {
			dst = appendString(dst, t.sub)
		}
	}
	if t.interval != event.None || t.monthly != 0 || t.count != 0 {
		bits |= recurs
		dst = append(dst, byte(t.interval))
		dst = binary.AppendUvarint(dst, uint64(t.count))
		if monthly, reason := event.Monthly(t.amount, t.interval, t.count); reason == "" && monthly == t.monthly {
			bits |= asComputed
		} else {
			dst = binary.AppendVarint(dst, t.monthly)
		}
	}
	dst[at] = bits
	return dst
}

func (x *moneyCodec) readTerms(r *reader) (t terms) {
	bits := r.byte()
	if n := len(x.terms); bits&sameCurrency == 0 {
		t.currency = r.currency()
	} else if n > 0 {
		t.currency = x.terms[n-1].currency
	}
	t.amount = r.varint()
	switch {
	case bits&knownSub != 0:
		i := int(r.byte())
		if i >= len(x.subs) {
			r.fail()
			return t
		}
		t.sub = x.subs[i].name
	case bits&ofSub != 0:
		t.sub = r.string()
	}
	if bits&recurs == 0 {
		return t
	}
	t.interval, t.count = event.Interval(r.byte()), uint16(r.uvarint())
	if bits&asComputed == 0 {
		t.monthly = r.varint()
		return t
	}
	monthly, reason := event.Monthly(t.amount, t.interval, t.count)
	if reason != "" {
		r.fail()
	}
	t.monthly = monthly
	return t
}

const wholeDay = 86_400_000

// appendTime writes a stretch of time as days and what is left of it, which is
// nothing or little where something comes at the same time of day.
func appendTime(dst []byte, ms int64) (_ []byte, bits byte) {
	days := (ms + wholeDay/2) / wholeDay
	if ms < -wholeDay/2 {
		days = (ms - wholeDay/2) / wholeDay
	}
	dst = binary.AppendVarint(dst, days)
	switch rest := ms - days*wholeDay; {
	case rest == 0:
		return dst, 0
	case rest%1000 == 0:
		return binary.AppendVarint(dst, rest/1000), hasRest | inSeconds
	default:
		return binary.AppendVarint(dst, rest), hasRest
	}
}

func (r *reader) time(bits byte) int64 {
	ms := r.varint() * wholeDay
	switch {
	case bits&hasRest == 0:
	case bits&inSeconds != 0:
		ms += r.varint() * 1000
	default:
		ms += r.varint()
	}
	return ms
}

// appendTarget writes the order of a refund, the last of the events: how many
// events ago the order's last purchase was, or 0 and the order's id.
func appendTarget(dst []byte, list []moneyEvent, order string) []byte {
	n := len(list) - 1
	for i := n - 1; i >= 0; i-- {
		if list[i].bought() && list[i].orderID() == order {
			return binary.AppendUvarint(dst, uint64(n-i))
		}
	}
	return appendString(append(dst, 0), order)
}

func (r *reader) target(list []moneyEvent) string {
	back := r.uvarint()
	switch {
	case back == 0:
		return r.string()
	case back > uint64(len(list)):
		r.fail()
		return ""
	}
	return list[len(list)-int(back)].orderID()
}
