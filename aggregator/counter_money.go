package aggregator

import "github.com/tidemark-io/tidemark/event"

// Counters of money and of customers. Amounts are by currency: those of MRR in
// 1/332,640 of a minor unit a month, cash in minor units.
const (
	// Movements of MRR (flows), all at least 0 but MRRMoved.
	MRRNew          Counter = 80 // of customers who paid nothing the day before, nor on any earlier day
	MRRExpansion    Counter = 81
	MRRContraction  Counter = 82
	MRRChurn        Counter = 83 // of customers who pay nothing any more
	MRRReactivation Counter = 84 // of customers who paid on an earlier day, but not the day before
	MRRMoved        Counter = 85 // come from another segment, or gone to one (below 0)

	Revenue      Counter = 86 // flow: cash charged by purchases
	Refunds      Counter = 87 // flow: cash
	RevenueApart Counter = 88 // of Revenue, that of purchases that are no orders
	Orders       Counter = 89 // flow: orders by the day of their first purchase
	Received     Counter = 90 // level: cash received so far, less refunds
	Payers       Counter = 91 // level: customers with a receipt so far

	Buyers30      Counter = 92 // customers with an order in the window that is not fully refunded
	Repeaters30   Counter = 93 // ... with two of them
	Buyers90      Counter = 94
	Repeaters90   Counter = 95
	BuyersEver    Counter = 96
	RepeatersEver Counter = 97

	CancelReasons Counter = 98 // flow: Cancellations by reason

	StartMonth   Counter = 99 // paying customers at the end of the month before
	LostMonth    Counter = 100
	StartQuarter Counter = 101
	LostQuarter  Counter = 102

	// MRR retained: at the window's start; at its end, of customers who paid at
	// its start; and of that what was there at the start, each customer and
	// currency by itself.
	StartMRR30      Counter = 103
	EndMRR30        Counter = 104
	KeptMRR30       Counter = 105
	StartMRR90      Counter = 106
	EndMRR90        Counter = 107
	KeptMRR90       Counter = 108
	StartMRRMonth   Counter = 109
	EndMRRMonth     Counter = 110
	KeptMRRMonth    Counter = 111
	StartMRRQuarter Counter = 112
	EndMRRQuarter   Counter = 113
	KeptMRRQuarter  Counter = 114
)

var moneyTraits = map[Counter]trait{
	MRRNew: {name: "MRRNew", money: true}, MRRExpansion: {name: "MRRExpansion", money: true},
	MRRContraction: {name: "MRRContraction", money: true}, MRRChurn: {name: "MRRChurn", money: true},
	MRRReactivation: {name: "MRRReactivation", money: true}, MRRMoved: {name: "MRRMoved", money: true},
	Revenue: {name: "Revenue", money: true}, Refunds: {name: "Refunds", money: true},
	RevenueApart: {name: "RevenueApart", money: true}, Received: {name: "Received", money: true},
	Orders: {name: "Orders"}, Payers: {name: "Payers"},
	Buyers30: {name: "Buyers30"}, Repeaters30: {name: "Repeaters30"},
	Buyers90: {name: "Buyers90"}, Repeaters90: {name: "Repeaters90"},
	BuyersEver: {name: "BuyersEver"}, RepeatersEver: {name: "RepeatersEver"},
	CancelReasons: {name: "CancelReasons", labelled: true},
	StartMonth:    {name: "StartMonth"}, LostMonth: {name: "LostMonth"},
	StartQuarter: {name: "StartQuarter"}, LostQuarter: {name: "LostQuarter"},
	StartMRR30: {name: "StartMRR30", money: true}, EndMRR30: {name: "EndMRR30", money: true}, KeptMRR30: {name: "KeptMRR30", money: true},
	StartMRR90: {name: "StartMRR90", money: true}, EndMRR90: {name: "EndMRR90", money: true}, KeptMRR90: {name: "KeptMRR90", money: true},
	StartMRRMonth: {name: "StartMRRMonth", money: true}, EndMRRMonth: {name: "EndMRRMonth", money: true},
	KeptMRRMonth:    {name: "KeptMRRMonth", money: true},
	StartMRRQuarter: {name: "StartMRRQuarter", money: true}, EndMRRQuarter: {name: "EndMRRQuarter", money: true},
	KeptMRRQuarter: {name: "KeptMRRQuarter", money: true},
}

// Unit is how many units of a money counter make one minor unit of its currency.
func (c Counter) Unit() int64 {
	switch c {
	case Revenue, Refunds, RevenueApart, Received:
		return 1
	}
	return event.MonthlyUnit
}
