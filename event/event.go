// Package event holds the events of the business as Tidemark reads them, and
// their decoder. It imports nothing of ours.
package event

// Kind is the kind of an event. The order of the constants is part of the
// order of events within a record: of two events with the same time a login
// comes before a purchase, a purchase before a cancellation, and so on.
type Kind uint8

// The kinds of events, in the order that breaks ties of event time.
const (
	Unknown Kind = iota // a type that is none of ours; counted as ignored
	Login
	Purchase
	Cancellation
	Survey
	Signal
)

// Event is one decoded event. Its byte slices point into the message it was
// decoded from and are valid as long as that message's bytes are, and until the
// next Reset of the Decoder, which keeps those that were written with escapes.
// Fields that a kind does not use are zero.
//
// The order of events is (Time, Kind, Source, ID); Source and ID together
// identify an event.
type Event struct {
	// What is read of a login lies side by side.
	Kind     Kind
	Time     int64  // event time, Unix milliseconds, rounded down
	Customer []byte // the subject: the paying account
	User     []byte // data.user; nil where absent (then the customer itself is the user)
	Attrs    []Attr // data.customer: attributes of the customer, in order of appearance

	Type   []byte // the type attribute without the configured prefix
	ID     []byte
	Source []byte

	Purchase     PurchaseData
	Cancellation CancellationData
	Survey       SurveyData
	Signal       SignalData
}

// Attr is one attribute of a customer. Null removes the attribute.
type Attr struct {
	Name, Value []byte
	Null        bool
}

// Currency is an ISO 4217 code, upper case; the zero value is never found in a
// decoded event (an absent currency is the reporting currency).
type Currency [3]byte

// Interval is the unit of a recurring purchase's interval.
type Interval uint8

// The intervals; None is a one-off purchase.
const (
	None Interval = iota
	Day
	Week
	Month
	Quarter
	Year
)

// PurchaseData is the payload of a purchase. Amounts are integers of minor
// units of Currency (cents).
type PurchaseData struct {
	Order        []byte // nil where absent: the event's id stands for it
	RefundOf     []byte // the order that this purchase refunds; nil: not a refund
	Subscription []byte // "" unless given
	Plan         []byte
	Amount       int64 // what was charged, minor units, >= 0 (a refund's amount too)
	Currency     Currency
	Interval     Interval // None: one-off
	Count        uint16   // interval_count, 1 unless given
	// Monthly is the recurring amount per month in units of 1/332,640 of a
	// minor unit: recurring_amount, or amount where that is absent, times the
	// exact number of intervals a month. 0 for one-off purchases.
	Monthly int64
}

// MonthlyUnit is the number of units of PurchaseData.Monthly in one minor unit.
const MonthlyUnit = 332_640

// What lies over these is a mistake, and refused: sums are int64, and a single
// wrong message must not make them wrap. A sum has room for 9,223 of the largest
// amounts, or for the amounts a month of 27 of the largest subscriptions.
const (
	maxAmount  = 1_000_000_000_000_000           // minor units
	maxMonthly = 1_000_000_000_000 * MonthlyUnit // units of PurchaseData.Monthly
)

// CancellationData is the payload of a cancellation.
type CancellationData struct {
	Subscription []byte // nil: all subscriptions; empty but not nil: the subscription ""
	Effective    int64  // Unix milliseconds; equals the event's time where absent
	Reason       []byte
}

// SurveyKind is the kind of a survey.
type SurveyKind uint8

// The kinds of surveys.
const (
	NPS SurveyKind = iota + 1
	CSAT
	CES
	CLI
)

// SurveyData is the payload of a survey answer. Scores are integers of
// thousandths: a score of 8.5 is 8500.
type SurveyData struct {
	Kind       SurveyKind
	Score      int32  // within [Min, Max]
	Min, Max   int32  // the scale
	Respondent []byte // nil where absent: the customer itself
	Campaign   []byte
	Ref        []byte
	Answers    []Answer // named scores, within the scale
}

// Answer is one named score of a survey with several questions.
type Answer struct {
	Name  []byte
	Score int32 // thousandths
}

// SignalData is the payload of a signal.
type SignalData struct {
	Name  []byte
	Value int64  // thousandths, 1000 unless given
	Ref   []byte // nil where absent: the event's id stands for it
}

// Reason says why a message goes to the dead-letter topic, why an event goes to
// the late topic, or why a shard stops. It is a header of the copy and a label of a
// counter, so its values are few.
type Reason string

// Reasons for the dead-letter topic.
const (
	NotJSON          Reason = "not_json"
	NotUTF8          Reason = "not_utf8"
	WrongType        Reason = "wrong_type" // an attribute has another JSON type than it should
	MissingID        Reason = "missing_id"
	MissingSource    Reason = "missing_source"
	MissingType      Reason = "missing_type"
	MissingTime      Reason = "missing_time"
	MissingSubject   Reason = "missing_subject"
	MissingField     Reason = "missing_field" // a field of the payload that has no default
	BadTime          Reason = "bad_time"
	BadAmount        Reason = "bad_amount"
	UnknownCurrency  Reason = "unknown_currency"
	BadInterval      Reason = "bad_interval"
	IntervalNotExact Reason = "interval_not_representable"
	BadScore         Reason = "score_outside_scale"
	UnknownSurvey    Reason = "unknown_survey_kind"
	TooLong          Reason = "attribute_too_long" // an id, name or value over 256 bytes
	KeyMismatch      Reason = "key_mismatch"
	TooFarAhead      Reason = "too_far_ahead"
	UnknownType      Reason = "unknown_type" // only where the configuration asks for it
)

// Reasons for the late topic.
const (
	BeyondHorizon Reason = "beyond_horizon"
	UnknownTarget Reason = "unknown_target"
)
