// Package service wires the parts of a running system: the shards of one
// process, the figures of the company, and the HTTP side.
package service

import (
	"context"
	"fmt"
	"math/big"
	"strings"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/api"
	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/company"
	"github.com/tidemark-io/tidemark/config"
	"github.com/tidemark-io/tidemark/consumer"
	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/kpi"
	"github.com/tidemark-io/tidemark/store"
)

// Readings is a system as the reading commands see it: the same answers that
// HTTP gives.
type Readings struct {
	Figures   api.Figures
	Customers api.Customers
	Alerts    api.Alerts
	Cohorts   api.Cohorts
	Goals     api.Goals
	Ready     api.Readiness
	CohortsOf []string // dimensions whose segments have cohorts
	Close     func() error

	reader *company.Reader
}

// Poll reads what has changed in the store.
func (r *Readings) Poll(ctx context.Context) error {
	_, err := r.reader.Poll(ctx)
	return err
}

// NewReadings answers from a store that has not been read yet. Serve uses the same,
// and polls.
func NewReadings(c *config.Config, st *store.Store) (*Readings, error) {
	o, err := ShardOptions(c)
	if err != nil {
		return nil, err
	}
	figures, err := CompanyOptions(c)
	if err != nil {
		return nil, err
	}
	figures.Said = st.Sent
	reader := company.NewReader(st, figures)
	directory := api.Directory{
		Lists: company.Lists{Store: st, Currency: c.Currency},
		Records: company.Records{
			Store:     st,
			Options:   func() (aggregator.Options, error) { return ShardOptions(c) },
			Partition: func(key []byte, n int) (int, error) { return consumer.Partition(c.Partitioner, key, n) },
		},
		Profile: o.Profile,
	}
	return &Readings{Figures: reader, Customers: directory, Alerts: directory, Cohorts: reader, Goals: goalReader{reader, goals(c)}, Ready: reader, CohortsOf: c.Cohorts, reader: reader}, nil
}

// CompanyOptions says how the configuration wants figures to be read.
func CompanyOptions(c *config.Config) (company.Options, error) {
	zone, err := c.Location()
	if err != nil {
		return company.Options{}, UsageError{fmt.Errorf("load the time zone: %w", err)}
	}
	return company.Options{
		Location: zone, Currency: c.Currency, Rates: Rates(c), WeekStart: c.WeekStart, MinSample: int64(c.MinSample), Lifetime: lifetime(c),
	}, nil
}

// lifetime is what customers are worth by the configuration; without a cost of
// winning one there is none.
func lifetime(c *config.Config) kpi.Lifetime {
	l := kpi.Lifetime{Margin: c.CLV.Margin.Rat(), Years: c.CLV.Years.Rat()}
	if c.CLV.AcquisitionCost.Num != 0 {
		l.Cost = new(big.Rat).Mul(c.CLV.AcquisitionCost.Rat(), Power10(c.Currency.Digits()))
	}
	return l
}

// OpenStore opens the configured store.
func OpenStore(ctx context.Context, r config.Redis) (*store.Store, error) {
	encrypted, err := r.TLS.Client()
	if err != nil {
		return nil, UsageError{err}
	}
	password, err := r.Secret()
	if err != nil {
		return nil, UsageError{err}
	}
	return store.Open(ctx, store.Options{
		Addrs: r.Addrs, Namespace: r.Namespace, Mode: store.Mode(r.Mode), MasterName: r.MasterName,
		Username: r.Username, Password: password, DB: r.DB, TLS: encrypted,
	})
}

// Rates looks the day's rate up in the configured table, which is sorted by
// currency and day; a day before a currency's first entry has none.
func Rates(c *config.Config) kpi.Rates {
	return func(cur event.Currency, day int32) *big.Rat {
		var found *big.Rat
		for _, r := range c.Rates {
			if r.Currency == cur && r.Day <= day {
				found = r.Value.Rat()
			}
		}
		if found == nil {
			return nil
		}
		// Rates are between major units, amounts are in minor ones.
		return found.Mul(found, Power10(c.Currency.Digits()-cur.Digits()))
	}
}

// Power10 is 10 to the power of n.
func Power10(n int) *big.Rat {
	p := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(n, -n))), nil))
	if n < 0 {
		p.Inv(p)
	}
	return p
}

// kinds are the words by which the configuration calls kinds of events.
var kinds = map[string]event.Kind{
	"login": event.Login, "purchase": event.Purchase, "cancellation": event.Cancellation, "survey": event.Survey, "signal": event.Signal,
}

// maxUsersInline is how many users are kept in their customer's record.
const maxUsersInline = 64

// ShardOptions says how the configuration wants figures to be computed. Each
// call gives a calendar of its own, which belongs to one goroutine.
func ShardOptions(c *config.Config) (aggregator.Options, error) {
	zone, err := c.Location()
	if err != nil {
		return aggregator.Options{}, UsageError{fmt.Errorf("load the time zone: %w", err)}
	}
	o := aggregator.Options{
		Calendar: civil.NewCalendar(zone), Horizon: int32(c.Horizon), Currency: c.Currency,
		ByPurchases: c.CustomerBasis == config.BasisPurchases, ActiveDays: int32(c.ActivePurchaseDays),
		SilentDays: int32(c.SilentDays), LapseGrace: -1, Uncancel: c.Uncancel == config.UncancelPurchase,
		CancelAtOnce: c.Cancellation == config.CancelImmediate, SubscriptionsApart: !c.OrdersIncludeSubscriptions,
		ActivitySignal: map[string]bool{}, Dimensions: c.Dimensions, Profile: profile(c.Health), MaxUsersInline: maxUsersInline,
	}
	o.WeekStart, o.Cohorts = c.WeekStart, c.Cohorts
	if name, ok := strings.CutPrefix(c.ValueEvent, "signal:"); ok {
		o.ValueSignal = name
	} else {
		o.ValueKind = kinds[c.ValueEvent]
	}
	satisfied := c.CSATSatisfied.Rat()
	satisfied.Mul(satisfied, big.NewRat(1000, 1))
	o.Satisfied = int32(new(big.Int).Quo(satisfied.Num(), satisfied.Denom()).Int64())
	if c.LapseGrace != config.Never {
		o.LapseGrace = int64(c.LapseGrace) * 24 * 60 * 60 * 1000
	}
	for _, a := range c.Activity {
		if name, ok := strings.CutPrefix(a, "signal:"); ok {
			o.ActivitySignal[name] = true
		} else {
			o.ActivityKinds[kinds[a]] = true
		}
	}
	for _, r := range c.Rules {
		if r.Band == "" {
			continue
		}
		band, ok := aggregator.ParseBand(r.Band)
		if !ok {
			return o, UsageError{fmt.Errorf("rule %s: there is no band %q", r.Name, r.Band)}
		}
		o.BandRules = append(o.BandRules, aggregator.BandRule{Name: r.Name, Band: band, ResolveAfter: r.ResolveAfter.Milliseconds()})
	}
	return o, nil
}

var signalReads = map[config.Read]aggregator.Read{
	config.ActiveDays: aggregator.ActiveDays, config.RecencyDays: aggregator.RecencyDays, config.SurveyAnswer: aggregator.LastSurvey,
	config.OpenTicketHours: aggregator.TicketHours, config.LateInvoices: aggregator.LateInvoices, config.TenureDays: aggregator.TenureDays,
}

// profile is the configured health profile in the aggregator's units: scores of
// surveys are thousandths there, and so is the coverage.
func profile(h config.Health) aggregator.Profile {
	coverage := h.MinCoverage.Rat()
	coverage.Mul(coverage, big.NewRat(1000, 1))
	p := aggregator.Profile{
		MinCoverage: new(big.Int).Quo(coverage.Num(), coverage.Denom()).Int64(),
		Amber:       int64(h.Bands.Amber), Green: int64(h.Bands.Green), Hysteresis: int64(h.Hysteresis),
	}
	for _, s := range h.Signals {
		g := aggregator.Signal{
			Name: s.Name, Weight: int64(s.Weight), Read: signalReads[s.Read], Window: int32(s.Window),
			Steps: steps(s.Steps, 1), MaxPoints: int64(s.MaxPoints),
		}
		if s.Read == config.SurveyAnswer {
			g.Steps, g.CSAT = steps(s.NPS, 1000), steps(s.CSAT, 1000)
		}
		if s.None != config.NoPoints {
			g.None = int64(s.None)
		}
		p.Signals = append(p.Signals, g)
	}
	return p
}

func steps(table []config.Step, unit int64) []aggregator.Step {
	var out []aggregator.Step
	for _, s := range table {
		out = append(out, aggregator.Step{From: s.From * unit, Points: int64(s.Points)})
	}
	return out
}

// UsageError is a mistake in the command line or the configuration: exit code 2.
type UsageError struct{ Err error }

func (e UsageError) Error() string { return e.Err.Error() }

// ExitCode is what the program ends with.
func (UsageError) ExitCode() int { return 2 }

// Unwrap gives the mistake itself.
func (e UsageError) Unwrap() error { return e.Err }

// BrokerSecurity says how the brokers are talked to.
func BrokerSecurity(k config.Kafka) (consumer.Security, error) {
	encrypted, err := k.TLS.Client()
	if err != nil {
		return consumer.Security{}, err
	}
	s := consumer.Security{TLS: encrypted}
	if k.SASL.Mechanism == "" {
		return s, nil
	}
	password, err := k.SASL.Secret()
	if err != nil {
		return s, err
	}
	s.Mechanism, err = consumer.NewMechanism(k.SASL.Mechanism, k.SASL.Username, password)
	return s, err
}
