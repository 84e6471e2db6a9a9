package aggregator

// Counter names one integer of a row. The numbers are part of the stored
// format: never reuse or renumber one.
type Counter uint8

// Counters. "Level" is a value that holds at the end of a day, "flow" what
// happened on it; both are stored as changes from the day before. Standing
// counters have no day.
const (
	UsersActive1  Counter = 1 // users active on the day (level)
	UsersActive7  Counter = 2 // users active in the 7 days ending on the day
	UsersActive30 Counter = 3 // users active in the 30 days ending on the day
	UserDays30    Counter = 4 // sum over users of their active days in these 30 days

	CustomersActive1  Counter = 5
	CustomersActive7  Counter = 6
	CustomersActive30 Counter = 7

	UsersEver     Counter = 8 // standing: users with any activity ever
	CustomersEver Counter = 9 // standing: customers that ever counted under Customers

	Customers Counter = 10 // paying customers at the end of the day
	Start7    Counter = 11 // of the customers 7, 30, 90 days before ...
	Start30   Counter = 12
	Start90   Counter = 13
	Lost7     Counter = 14 // ... those that are none at the end of the day
	Lost30    Counter = 15
	Lost90    Counter = 16

	Cancellations Counter = 17 // flow: cancellations taking effect on the day
	Silent        Counter = 18 // paying customers without activity for silent_days

	HealthRed     Counter = 19 // paying customers by band at the end of the day
	HealthAmber   Counter = 20
	HealthGreen   Counter = 21
	HealthUnknown Counter = 22

	NPSPromoters30  Counter = 23 // latest answers of the window, by class
	NPSPassives30   Counter = 24
	NPSDetractors30 Counter = 25
	NPSPromoters90  Counter = 26
	NPSPassives90   Counter = 27
	NPSDetractors90 Counter = 28

	CSATSatisfied30 Counter = 29
	CSATAnswers30   Counter = 30
	CSATSatisfied90 Counter = 31
	CSATAnswers90   Counter = 32

	MRR       Counter = 33 // level, by currency, in 1/332,640 of a minor unit a month
	MRRAtRisk Counter = 34 // of that, of customers in the red band

	// 40 to 79: counter_activity.go. 80 to 129: money and customers.
	counterEnd Counter = 130
)

// trait is what is fixed about a counter beside its number.
type trait struct {
	name     string
	standing bool // has no day, or one that never freezes
	onDay    bool // standing on a day
	money    bool // kept by currency
	labelled bool // kept by a label of its own
	whole    bool // kept for the whole only
	cohort   bool // kept for the whole, and by segment where that is asked for
}

var traits = joinTraits(foundationTraits, activityTraits, moneyTraits)

var foundationTraits = map[Counter]trait{
	UsersActive1: {name: "UsersActive1"}, UsersActive7: {name: "UsersActive7"}, UsersActive30: {name: "UsersActive30"}, UserDays30: {name: "UserDays30"},
	CustomersActive1: {name: "CustomersActive1"}, CustomersActive7: {name: "CustomersActive7"}, CustomersActive30: {name: "CustomersActive30"},
	UsersEver: {name: "UsersEver", standing: true}, CustomersEver: {name: "CustomersEver", standing: true}, Customers: {name: "Customers"},
	Start7: {name: "Start7"}, Start30: {name: "Start30"}, Start90: {name: "Start90"},
	Lost7: {name: "Lost7"}, Lost30: {name: "Lost30"}, Lost90: {name: "Lost90"},
	Cancellations: {name: "Cancellations"}, Silent: {name: "Silent"},
	HealthRed: {name: "HealthRed"}, HealthAmber: {name: "HealthAmber"}, HealthGreen: {name: "HealthGreen"}, HealthUnknown: {name: "HealthUnknown"},
	NPSPromoters30: {name: "NPSPromoters30"}, NPSPassives30: {name: "NPSPassives30"}, NPSDetractors30: {name: "NPSDetractors30"},
	NPSPromoters90: {name: "NPSPromoters90"}, NPSPassives90: {name: "NPSPassives90"}, NPSDetractors90: {name: "NPSDetractors90"},
	CSATSatisfied30: {name: "CSATSatisfied30"}, CSATAnswers30: {name: "CSATAnswers30"},
	CSATSatisfied90: {name: "CSATSatisfied90"}, CSATAnswers90: {name: "CSATAnswers90"},
	MRR: {name: "MRR", money: true}, MRRAtRisk: {name: "MRRAtRisk", money: true},
}

// joinTraits puts tables of different counters into one.
func joinTraits(tables ...map[Counter]trait) (out [256]trait) {
	for _, t := range tables {
		for c, x := range t {
			out[c] = x
		}
	}
	return out
}

// Standing says whether the counter has no day, or, where OnDay, one that never
// freezes.
func (c Counter) Standing() bool { return traits[c].standing }

// OnDay says whether a standing counter is kept by a day: that of a user's last
// activity, or the first one of a cohort.
func (c Counter) OnDay() bool { return traits[c].onDay }

// Money says whether the counter is kept by currency.
func (c Counter) Money() bool { return traits[c].money }

// Labelled says whether the counter is kept by a label of its own, such as the
// reason of a cancellation or the period of a cohort.
func (c Counter) Labelled() bool { return traits[c].labelled }

// Whole says whether the counter is kept for the whole only, not by segment.
func (c Counter) Whole() bool { return traits[c].whole }

// Cohort says whether the counter is kept by segment only where that is asked
// for.
func (c Counter) Cohort() bool { return traits[c].cohort }

func (c Counter) String() string {
	if traits[c].name == "" {
		return "damaged"
	}
	return traits[c].name
}

// Counters are all counters, in order of their numbers.
func Counters() []Counter {
	var out []Counter
	for c := Counter(1); c < counterEnd; c++ {
		if traits[c].name != "" {
			out = append(out, c)
		}
	}
	return out
}
