package aggregator

import (
	"cmp"
	"slices"
)

// customer is the record of a paying account, decoded. What logins touch lies in
// the first two cache lines; what many customers never have is in rare. Fields
// named in "derived" are computed from the others and are not stored, but for the
// walk's last whole day, which saves walking the horizon again after a load.
type customer struct {
	id           string
	latest       int64    // time of its latest applied event, ms
	due          int64    // derived: no later than the next moment at which time alone changes something
	*rare                 // &noRare: nothing of it; own before writing
	in           *[]int32 // derived: its segments, see segs. Shared
	born         int32    // day of its first event; noDay while it is being made
	valued       int32    // day of its first value event, noDay for none
	firstPaidDay int32    // derived
	behind       int32    // its place among those that are behind, from 1 on; 0: it isn't
	pos          int32    // in its bucket
	changed      bool     // since it was last written
	rewrite      bool     // and not only in what a login changes
	listed       Band     // sorted set of the store that it stands in
	firing       uint8    // bit r: stands in the set of firing alerts under rule r
	days         dayset   // days on which any of its users was active
	users        []user   // inline; users of many are in pages

	health health // derived
	bucket *bucket
}

// segs are the segments that the customer counts under: the whole, then one for
// each dimension; -1: switched off.
func (c *customer) segs() []int32 { return *c.in }

// rare is the part of a customer's record that those who only log in don't have.
type rare struct {
	pages    *pages   // of the users of many; nil: they are inline
	line     timeline // derived
	episodes episodes
	since    [maxBandRules]int64 // derived: of the firing alerts
	answers  []dayAnswer
	money    []moneyEvent
	signals  []reference
	attrs    []attribute
	run      *moneyState // derived: after the last money event that line knows, where nothing is scheduled
	unread   int32       // derived: how many of the last money events line does not know; all of them where any other is new
	written  writtenMoney
	refunds  bool    // derived: there have been refunds in money since it was loaded
	scored   float64 // its score in the sorted set: MRR
	base     *base   // what is folded; &noBase: nothing, ownBase before writing
	moved    *moved  // nil: not since the day before the first unfrozen one froze
}

// noRare is the rare part of everybody who has none, noBase the base of those of
// whom nothing is folded. Nothing writes to them.
var (
	noBase base
	noRare = rare{base: &noBase}
)

// own gives the customer a rare part to write to.
func (c *customer) own() {
	if c.rare == &noRare {
		c.rare = &rare{base: &noBase}
	}
}

// ownBase gives a rare part a base to write to.
func (c *rare) ownBase() {
	if c.base == &noBase {
		c.base = &base{}
	}
}

// base is what the part of a record says that is older than horizon and
// look-back (money, activity) or than the horizon (tickets). The walk's is in
// health and episodes.
type base struct {
	at        int64 // money before this moment is folded; 0: none
	money     moneyState
	buysUntil int32 // civil day after the last one that folded orders count for; 0: none
	firstPaid int64 // first moment of paying, where it is folded; 0: not
	capped    int64 // money events before this moment are late: a full list let older ones go; 0: none
	lumps     []lump
}

// user is the record of a person who logs in. first is the first active day
// ever, noDay for somebody who has only answered surveys.
type user struct {
	id      string
	first   int32
	packed  uint32 // hours of the latest active day, a bit each, and above them the id's tag
	days    dayset
	answers *[]answer // nil: none
}

// allHours are the bits of a user's hours.
const allHours = 1<<hoursADay - 1

func newUser(id string) user { return user{id: id, first: noDay, packed: tagOf(id)} }

// tagOf tells most ids of a customer's users apart, so that few of them are read
// from memory to find one: its ends are where they differ. It lies above the hours.
func tagOf[T string | []byte](id T) uint32 {
	n := len(id)
	if n < 2 {
		return 0
	}
	return uint32(id[n-1]^id[n-2]<<3) << hoursADay
}

func (u *user) tag() uint32   { return u.packed &^ allHours }
func (u *user) hours() uint32 { return u.packed & allHours }

func (u *user) setHours(hours uint32) { u.packed = u.tag() | hours }

// surveyed are the user's survey answers in event-time order.
func (u *user) surveyed() []answer {
	if u.answers == nil {
		return nil
	}
	return *u.answers
}

func (u *user) setAnswers(a []answer) {
	u.answers = nil
	if len(a) > 0 {
		u.answers = &a
	}
}

// attribute is the latest value of one attribute, with its event's place in the order.
type attribute struct {
	name, value string
	null        bool
	time        int64
	kind        uint8
	source      string
	id          string
}

// reference is a ticket or an invoice: what the latest event on it says.
type reference struct {
	kind   refKind
	ref    string
	since  int64 // folded: open since; 0: not open
	events []refEvent
}

type refKind uint8

const (
	ticket refKind = iota + 1
	invoice
)

// refEvent opens or closes a ticket, or makes an invoice late or paid.
type refEvent struct {
	time int64
	on   bool
}

func compareRefEvents(a, b refEvent) int {
	if a.time == b.time && a.on != b.on {
		if a.on {
			return -1 // opened before resolved
		}
		return 1
	}
	return cmp.Compare(a.time, b.time)
}

// addRefEvent puts an event on a reference in its place; false: it is there.
func (c *customer) addRefEvent(kind refKind, ref []byte, ev refEvent) bool {
	i := slices.IndexFunc(c.signals, func(r reference) bool { return r.kind == kind && r.ref == string(ref) })
	if i < 0 {
		i = len(c.signals)
		c.signals = append(c.signals, reference{kind: kind, ref: string(ref)})
	}
	r := &c.signals[i]
	k, found := slices.BinarySearchFunc(r.events, ev, compareRefEvents)
	if found {
		return false
	}
	r.events = slices.Insert(r.events, k, ev)
	return true
}

// deriveReferences computes what follows from signals.
func (c *customer) deriveReferences() {
	c.line.tickets = c.spans(c.line.tickets[:0], ticket)
	c.line.invoices = c.spans(c.line.invoices[:0], invoice)
}

// spans adds the stretches in which references of a kind are open, by their beginning.
func (c *customer) spans(out []span, kind refKind) []span {
	for i := range c.signals {
		r := &c.signals[i]
		if r.kind != kind {
			continue
		}
		since := r.since
		for _, e := range r.events {
			switch {
			case e.on && since == 0:
				since = e.time
			case !e.on && since != 0:
				out = append(out, span{from: since, to: e.time})
				since = 0
			}
		}
		if since != 0 {
			out = append(out, span{from: since, to: never})
		}
	}
	slices.SortFunc(out, func(a, b span) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
	return out
}

// setAttr keeps the latest of an attribute's values; false: an older one.
func (c *customer) setAttr(a attribute) bool {
	i := slices.IndexFunc(c.attrs, func(x attribute) bool { return x.name == a.name })
	if i < 0 {
		c.attrs = append(c.attrs, a)
		return true
	}
	old := &c.attrs[i]
	if cmp.Or(cmp.Compare(old.time, a.time), cmp.Compare(old.kind, a.kind),
		cmp.Compare(old.source, a.source), cmp.Compare(old.id, a.id)) >= 0 {
		return false
	}
	*old = a
	return true
}

// attr is the present value of an attribute, "" where there is none.
func (c *customer) attr(name string) string {
	for i := range c.attrs {
		if c.attrs[i].name == name && !c.attrs[i].null {
			return c.attrs[i].value
		}
	}
	return ""
}

// derive computes what follows from money and signals.
func (c *customer) derive(o *Options) {
	if c.rare == &noRare {
		c.firstPaidDay = noDay
		return
	}
	c.deriveReferences()
	c.unread, c.refunds = int32(len(c.money)), c.hasRefunds()
	c.deriveMoney(o)
}

// deriveMoney computes what follows from money. Customers who pay every day would
// be replayed from the beginning every day, so events that are only new are
// replayed onto what those before them came to, where that can be.
func (c *customer) deriveMoney(o *Options) {
	for c.unread > 0 && int(c.unread) < len(c.money) && c.extend(o, len(c.money)-int(c.unread)) {
		c.unread--
	}
	if c.unread > 0 || len(c.money) == 0 {
		c.line = c.timeline(o)
		c.unread = 0
	}
	first := c.base.firstPaid
	if first == 0 {
		first = c.line.first
	}
	c.firstPaidDay = noDay
	if first != 0 {
		c.firstPaidDay = o.Calendar.Day(first)
	}
}
