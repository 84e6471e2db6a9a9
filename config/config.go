// Package config holds the settings of Tidemark: their types, their defaults,
// reading them from a YAML file and the environment, and refusing what cannot
// be meant. It does no I/O but reading the files it is told to, and imports
// nothing of ours but event.
package config

import (
	"time"
	_ "time/tzdata" // zones are the same on machines without a tz database

	"github.com/tidemark-io/tidemark/event"
)

// Config is everything that can be set. Load and Parse return it validated;
// tidemark.example.yaml explains every key.
type Config struct {
	TimeZone  string       // IANA name; days are calendar days of this zone
	WeekStart time.Weekday // first day of a calendar week
	Currency  event.Currency
	Rates     []Rate // sorted by currency, then day

	Horizon       int           // days an event may be late and still correct the figures
	MaxFutureSkew time.Duration // how far ahead of its append time an event may lie
	LapseGrace    int           // days after which a subscription not renewed lapses; Never
	Cancellation  Cancellation
	Uncancel      Uncancel
	Clock         Clock
	Disorder      time.Duration // taken off the highest event time to give the watermark

	CustomerBasis      Basis
	ActivePurchaseDays int // window of a customer's purchases where the basis is purchases
	SilentDays         int // days without activity that make a paying customer silent
	// OrdersIncludeSubscriptions: charges of subscriptions are orders too.
	OrdersIncludeSubscriptions bool
	CLV                        CLV
	Activity                   []string // what counts as activity: an event type, or "signal:NAME"
	ValueEvent                 string   // what is a value event, in the same words
	Dimensions                 []string // customer attributes that are segment dimensions, or two of them as "plan*country"
	Cohorts                    []string // those of them for whose segments cohorts are kept
	CSATSatisfied              Decimal  // least score of a satisfied answer on 1–5
	MinSample                  int      // answers or customers under which a figure is a low sample

	RetainRows      int           // days that frozen rows are kept, counted from the watermark
	PublishInterval time.Duration // least time between two KPI messages of the running day
	UnknownType     Outcome
	Partitioner     string // murmur2, crc32 or fnv1a
	Cache           int64  // bytes for records kept in memory
	Queue           int64  // bytes for messages fetched and not yet applied
	Batch           Batch

	Kafka  Kafka
	Redis  Redis
	Health Health
	Rules  []Rule
	Goals  []Goal
	HTTP   HTTP
	Log    Log

	// Ignored names the TIDEMARK_ variables of the environment that are no
	// setting (Kubernetes makes some, such as TIDEMARK_PORT).
	Ignored []string

	from map[string]string // where a key's value (or an item of it) comes from; absent: the default
}

// Never is the LapseGrace of subscriptions that do not lapse.
const Never = -1

// Cancellation says when a cancellation takes effect.
type Cancellation string

// The moments at which it does.
const (
	CancelEffective Cancellation = "effective" // at its effective date
	CancelImmediate Cancellation = "immediate" // when it is sent, whatever its effective date
)

// CLV is what the workspace states about the lifetime value of its customers.
type CLV struct {
	Margin          Decimal // share of the revenue that is left, over 0 up to 1
	Years           Decimal // how long a customer stays, over 0
	AcquisitionCost Decimal // of winning a customer, major units of the reporting currency; 0: not known
}

// Uncancel says what withdraws a cancellation, beside the signal
// cancellation_withdrawn.
type Uncancel string

// The ways to withdraw a cancellation.
const (
	UncancelNever    Uncancel = "never"
	UncancelPurchase Uncancel = "purchase" // a purchase of the subscription before the effective date
)

// Clock says whether the clock may move the watermark of a silent partition.
type Clock string

// The clocks.
const (
	ClockLive Clock = "live"
	ClockLog  Clock = "log" // never: history stays in its own time
)

// Basis says who is a customer.
type Basis string

// The bases.
const (
	BasisSubscription Basis = "subscription" // a recurring amount > 0 at the end of the day
	BasisPurchases    Basis = "purchases"    // a purchase in the last ActivePurchaseDays
)

// Outcome is what becomes of an event whose type is none of ours.
type Outcome string

// The outcomes.
const (
	Ignore     Outcome = "ignore"
	DeadLetter Outcome = "dead_letter"
)

// Rate is the exchange rate of a currency from a day on, until the currency's
// next rate: one major unit of Currency is worth Value major units of the
// reporting currency.
type Rate struct {
	Day      int32 // civil days since 1970-01-01
	Currency event.Currency
	Value    Decimal
}

// Batch bounds one commit.
type Batch struct {
	Live    int // messages that it covers, at the end of the log
	CatchUp int // records that it changes, while catching up
}

// Kafka is how to reach the brokers, and what the topics are called.
type Kafka struct {
	Brokers        []string // host:port
	Group          string   // consumer group; also the prefix of the transactional ids
	Topics         Topics
	Outputs        Outputs
	TypePrefix     string // taken off the type attribute of events, "com.acme."
	SessionTimeout time.Duration
	TLS            TLS
	SASL           SASL
}

// Topics names the input topics by what they carry; "" is none. Several may be
// the same topic. Events takes whatever has no topic of its own.
type Topics struct {
	Logins, Purchases, Cancellations, Surveys, Signals, Events string
}

// All returns the names of the input topics, each once, in the order of the
// fields.
func (t Topics) All() []string {
	var out []string
	seen := map[string]bool{"": true}
	for _, name := range []string{t.Logins, t.Purchases, t.Cancellations, t.Surveys, t.Signals, t.Events} {
		if !seen[name] {
			seen[name] = true
			out = append(out, name)
		}
	}
	return out
}

// For returns the topic that events of a kind are put on, "" where there is
// none.
func (t Topics) For(k event.Kind) string {
	own := map[event.Kind]string{
		event.Login: t.Logins, event.Purchase: t.Purchases, event.Cancellation: t.Cancellations,
		event.Survey: t.Surveys, event.Signal: t.Signals,
	}[k]
	if own == "" {
		return t.Events
	}
	return own
}

// Outputs names the topics that Tidemark writes.
type Outputs struct {
	Alerts, KPIs, DeadLetter, Late, Cursors string
}

// TLS is how a connection is encrypted; certificates are always verified.
type TLS struct {
	Enabled bool
	CA      string // PEM file; "": the system's
	Cert    string // PEM file of the client's certificate; "": none
	Key     string // PEM file of its key
}

// SASL is how Tidemark signs in to the brokers. Mechanism "" is not at all.
type SASL struct {
	Mechanism    string // plain, scram-sha-256 or scram-sha-512
	Username     string
	Password     string
	PasswordFile string
}

// Redis is how to reach the store.
type Redis struct {
	Addrs        []string // host:port: the server, the sentinels, or nodes of the cluster
	Namespace    string   // prefix of every key
	Mode         string   // single, sentinel or cluster
	MasterName   string   // with sentinels
	Username     string
	Password     string
	PasswordFile string
	DB           int
	TLS          TLS
}

// HTTP is where the API listens.
type HTTP struct {
	Listen string // host:port
}

// Log is what is logged and how.
type Log struct {
	Level  string // debug, info, warn or error
	Format string // json or console
}

// Location returns the workspace's time zone.
func (c *Config) Location() (*time.Location, error) { return time.LoadLocation(c.TimeZone) }
