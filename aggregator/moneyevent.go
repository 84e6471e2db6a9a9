package aggregator

import (
	"cmp"

	"github.com/cespare/xxhash/v2"

	"github.com/tidemark-io/tidemark/event"
)

// moneyKind is what a money event does.
type moneyKind uint8

const (
	order    moneyKind = iota + 1 // one-off purchase
	charge                        // recurring purchase: sets a subscription's amount
	refund                        // takes an order back, in part or whole
	cancel                        // ends subscriptions at its effective time
	withdraw                      // signal cancellation_withdrawn
	settled                       // charge whose subscription's part is folded: cash and an order
)

// rank is the kind's place in the order of events of the same time.
func (k moneyKind) rank() event.Kind {
	switch k {
	case cancel:
		return event.Cancellation
	case withdraw:
		return event.Signal
	}
	return event.Purchase
}

// moneyEvent is one purchase, refund, cancellation or withdrawal.
type moneyEvent struct {
	time     int64
	kind     moneyKind
	all      bool   // cancel, withdraw: every subscription
	count    uint16 // charge: of intervals
	key      uint32 // of a purchase or refund: hash of its order's id, so that most comparisons don't read that
	currency event.Currency
	interval event.Interval
	source   string
	id       string
	sub      string
	amount   int64 // minor units
	monthly  int64 // charge: 1/332,640 minor units a month

	*moneyRare // &noMoneyRare: nothing of it; own before writing
}

// moneyRare is the part of a money event that most payments don't have.
type moneyRare struct {
	order     string // "" where it is the event's id
	refundOf  string
	effective int64   // cancel
	reason    string  // cancel
	origin    *Origin // of what waits for its target, or did when it was read; else nil
}

// noMoneyRare is that part of those that have none. Nothing writes to it.
var noMoneyRare moneyRare

// own gives an event a part of its own to write to.
func (m *moneyEvent) own() *moneyRare {
	if m.moneyRare == &noMoneyRare {
		m.moneyRare = &moneyRare{}
	}
	return m.moneyRare
}

// Origin is where a message lies in the input.
type Origin struct {
	Topic  string
	Offset int64
}

func compareMoney(a, b *moneyEvent) int {
	if a.time != b.time { // nearly always
		return cmp.Compare(a.time, b.time)
	}
	return cmp.Or(cmp.Compare(a.kind.rank(), b.kind.rank()), cmp.Compare(a.source, b.source), cmp.Compare(a.id, b.id))
}

// seal completes an event of which everything else is known.
func (m *moneyEvent) seal() { m.key = uint32(xxhash.Sum64String(m.orderOf())) }

// sameOrder says whether two purchases or refunds are of one order.
func (m *moneyEvent) sameOrder(x *moneyEvent) bool {
	return m.key == x.key && m.orderOf() == x.orderOf()
}

func (m *moneyEvent) orderID() string {
	if m.order == "" {
		return m.id
	}
	return m.order
}
