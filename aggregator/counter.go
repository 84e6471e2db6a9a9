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

	counterEnd Counter = 35
)

// Standing says whether the counter has no day.
func (c Counter) Standing() bool { return c == UsersEver || c == CustomersEver }

// Money says whether the counter is kept by currency.
func (c Counter) Money() bool { return c == MRR || c == MRRAtRisk }

// Labelled says whether the counter is kept by a label of its own, such as the
// reason of a cancellation or the period of a cohort.
func (c Counter) Labelled() bool { return labelled[c] }

var labelled = [256]bool{}

var counterNames = [counterEnd]string{
	UsersActive1: "UsersActive1", UsersActive7: "UsersActive7", UsersActive30: "UsersActive30", UserDays30: "UserDays30",
	CustomersActive1: "CustomersActive1", CustomersActive7: "CustomersActive7", CustomersActive30: "CustomersActive30",
	UsersEver: "UsersEver", CustomersEver: "CustomersEver", Customers: "Customers",
	Start7: "Start7", Start30: "Start30", Start90: "Start90", Lost7: "Lost7", Lost30: "Lost30", Lost90: "Lost90",
	Cancellations: "Cancellations", Silent: "Silent",
	HealthRed: "HealthRed", HealthAmber: "HealthAmber", HealthGreen: "HealthGreen", HealthUnknown: "HealthUnknown",
	NPSPromoters30: "NPSPromoters30", NPSPassives30: "NPSPassives30", NPSDetractors30: "NPSDetractors30",
	NPSPromoters90: "NPSPromoters90", NPSPassives90: "NPSPassives90", NPSDetractors90: "NPSDetractors90",
	CSATSatisfied30: "CSATSatisfied30", CSATAnswers30: "CSATAnswers30",
	CSATSatisfied90: "CSATSatisfied90", CSATAnswers90: "CSATAnswers90",
	MRR: "MRR", MRRAtRisk: "MRRAtRisk",
}

func (c Counter) String() string {
	if c >= counterEnd || counterNames[c] == "" {
		return "damaged"
	}
	return counterNames[c]
}

// Counters are all counters, in order of their numbers.
func Counters() []Counter {
	out := make([]Counter, 0, counterEnd-1)
	for c := Counter(1); c < counterEnd; c++ {
		out = append(out, c)
	}
	return out
}
