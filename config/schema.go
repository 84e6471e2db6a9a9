package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidemark-io/tidemark/segment"
)

// Effect says what a changed setting needs to take effect.
type Effect string

// The effects, from the least to the most.
const (
	Restart Effect = "restart" // holds from the next start on
	Rebuild Effect = "rebuild" // changes figures that can be computed again from the records
	Replay  Effect = "replay"  // changes what records hold: the log must be read again
)

// option is one key of the settings.
type option struct {
	key    string
	effect Effect
	list   bool // an environment variable may separate its items by commas
	val    value
}

// options lists every key, bound to the fields of c. The order is that of
// tidemark.example.yaml.
func options(c *Config) []option {
	return slices.Concat(generalOptions(c), kafkaOptions(&c.Kafka), redisOptions(&c.Redis), []option{
		{key: "health.min_coverage", effect: Rebuild, val: decimal(&c.Health.MinCoverage)},
		{key: "health.bands", effect: Rebuild, val: bands{&c.Health.Bands}},
		{key: "health.hysteresis", effect: Rebuild, val: whole(&c.Health.Hysteresis, 0, 50)},
		{key: "health.signals", effect: Rebuild, val: each[Signal]{&c.Health.Signals, 1, signalValue, checkSignals}},
		{key: "rules", effect: Restart, val: each[Rule]{&c.Rules, 0, ruleValue, checkRules}},
		{key: "goals", effect: Restart, val: each[Goal]{&c.Goals, 0, goalValue, checkGoals}},
		{key: "http.listen", effect: Restart, val: text(&c.HTTP.Listen, 1, hostPort)},
		{key: "log.level", effect: Restart, val: choice(&c.Log.Level, "debug", "info", "warn", "error")},
		{key: "log.format", effect: Restart, val: choice(&c.Log.Format, "json", "console")},
	})
}

func generalOptions(c *Config) []option {
	return []option{
		{key: "time_zone", effect: Replay, val: text(&c.TimeZone, 1, zone)},
		{key: "week_start", effect: Rebuild, val: weekday(&c.WeekStart)},
		{key: "currency", effect: Replay, val: money(&c.Currency)},
		{key: "rates", effect: Restart, val: each[Rate]{&c.Rates, 0, rateValue, checkRates}},
		{key: "horizon", effect: Replay, val: days(&c.Horizon, 1, 1000)},
		{key: "max_future_skew", effect: Restart, val: duration(&c.MaxFutureSkew, 0, 365*day)},
		{key: "lapse_grace", effect: Rebuild, val: grace(&c.LapseGrace)},
		{key: "cancellation", effect: Rebuild, val: choice(&c.Cancellation, string(CancelEffective), string(CancelImmediate))},
		{key: "uncancel", effect: Rebuild, val: choice(&c.Uncancel, string(UncancelNever), string(UncancelPurchase))},
		{key: "clock", effect: Restart, val: choice(&c.Clock, string(ClockLive), string(ClockLog))},
		{key: "disorder", effect: Restart, val: duration(&c.Disorder, 0, day)},
		{key: "customer_basis", effect: Rebuild, val: choice(&c.CustomerBasis, string(BasisSubscription), string(BasisPurchases))},
		{key: "active_purchase_days", effect: Rebuild, val: whole(&c.ActivePurchaseDays, 1, 90)},
		{key: "silent_days", effect: Rebuild, val: whole(&c.SilentDays, 1, 90)},
		{key: "orders_include_subscriptions", effect: Rebuild, val: flag(&c.OrdersIncludeSubscriptions)},
		{key: "clv.margin", effect: Restart, val: decimal(&c.CLV.Margin)},
		{key: "clv.years", effect: Restart, val: decimal(&c.CLV.Years)},
		{key: "clv.acquisition_cost", effect: Restart, val: decimal(&c.CLV.AcquisitionCost)},
		{key: "activity", effect: Replay, list: true, val: words{&c.Activity, 1, activity}},
		{key: "value_event", effect: Replay, val: text(&c.ValueEvent, 1, activity)},
		{key: "dimensions", effect: Rebuild, list: true, val: words{&c.Dimensions, 0, dimension}},
		{key: "cohorts", effect: Rebuild, list: true, val: words{&c.Cohorts, 0, dimension}},
		{key: "csat_satisfied", effect: Rebuild, val: decimal(&c.CSATSatisfied)},
		{key: "min_sample", effect: Restart, val: whole(&c.MinSample, 0, 1_000_000)},
		{key: "retain_rows", effect: Restart, val: days(&c.RetainRows, 1, 36_525)},
		{key: "publish_interval", effect: Restart, val: duration(&c.PublishInterval, 0, time.Hour)},
		{key: "unknown_type", effect: Restart, val: choice(&c.UnknownType, string(Ignore), string(DeadLetter))},
		{key: "partitioner", effect: Replay, val: choice(&c.Partitioner, "murmur2", "crc32", "fnv1a")},
		{key: "cache", effect: Restart, val: size(&c.Cache, 1<<20, 1<<40)},
		{key: "queue", effect: Restart, val: size(&c.Queue, 1<<20, 1<<40)},
		{key: "batch.live", effect: Restart, val: whole(&c.Batch.Live, 1, 2000)},
		{key: "batch.catch_up", effect: Restart, val: whole(&c.Batch.CatchUp, 1, 50_000)},
	}
}

func kafkaOptions(k *Kafka) []option {
	out := []option{
		{key: "kafka.brokers", list: true, val: words{&k.Brokers, 1, hostPort}},
		{key: "kafka.group", val: text(&k.Group, 1, plain)},
		{key: "kafka.topics", val: topics{&k.Topics}},
		{key: "kafka.type_prefix", val: text(&k.TypePrefix, 0, nil)},
		{key: "kafka.session_timeout", val: duration(&k.SessionTimeout, time.Second, 5*time.Minute)},
		{key: "kafka.sasl.mechanism", val: choice(&k.SASL.Mechanism, "none", "plain", "scram-sha-256", "scram-sha-512")},
		{key: "kafka.sasl.username", val: text(&k.SASL.Username, 0, nil)},
		{key: "kafka.sasl.password", val: password(&k.SASL.Password)},
		{key: "kafka.sasl.password_file", val: text(&k.SASL.PasswordFile, 0, nil)},
	}
	o := &k.Outputs
	for _, named := range []struct {
		key  string
		name *string
	}{{"alerts", &o.Alerts}, {"kpis", &o.KPIs}, {"dead_letter", &o.DeadLetter}, {"late", &o.Late}, {"cursors", &o.Cursors}} {
		out = append(out, option{key: "kafka.outputs." + named.key, val: text(named.name, 1, plain)})
	}
	return atRestart(append(out, tlsOptions("kafka.tls.", &k.TLS)...))
}

func redisOptions(r *Redis) []option {
	return atRestart(append([]option{
		{key: "redis.addrs", list: true, val: words{&r.Addrs, 1, hostPort}},
		{key: "redis.namespace", val: text(&r.Namespace, 1, plain)},
		{key: "redis.mode", val: choice(&r.Mode, "single", "sentinel", "cluster")},
		{key: "redis.master_name", val: text(&r.MasterName, 0, nil)},
		{key: "redis.username", val: text(&r.Username, 0, nil)},
		{key: "redis.password", val: password(&r.Password)},
		{key: "redis.password_file", val: text(&r.PasswordFile, 0, nil)},
		{key: "redis.db", val: whole(&r.DB, 0, 1_000_000)},
	}, tlsOptions("redis.tls.", &r.TLS)...))
}

func tlsOptions(prefix string, t *TLS) []option {
	return []option{
		{key: prefix + "enabled", val: flag(&t.Enabled)},
		{key: prefix + "ca", val: text(&t.CA, 0, nil)},
		{key: prefix + "cert", val: text(&t.Cert, 0, nil)},
		{key: prefix + "key", val: text(&t.Key, 0, nil)},
	}
}

func atRestart(options []option) []option {
	for i := range options {
		options[i].effect = Restart
	}
	return options
}

// zone refuses what is no IANA time zone.
func zone(s string) error {
	if _, err := time.LoadLocation(s); err != nil || s == "Local" {
		return fmt.Errorf("is no IANA time zone; write one such as America/New_York or UTC")
	}
	return nil
}

// weekday is the name of a day in lower case.
func weekday(p *time.Weekday) scalar {
	names := make([]string, 7)
	for i := range names {
		names[i] = strings.ToLower(time.Weekday(i).String())
	}
	return scalar{
		parse: func(s string) error {
			i := slices.Index(names, s)
			if i < 0 {
				return fmt.Errorf("is no day of the week%s; write one as monday", suggest(s, names))
			}
			*p = time.Weekday(i)
			return nil
		},
		show: func() string { return names[*p] },
	}
}

// grace is a number of days, or never.
func grace(p *int) scalar {
	inDays := days(p, 0, 3660)
	return scalar{
		parse: func(s string) error {
			if s == "never" {
				*p = Never
				return nil
			}
			if err := inDays.parse(s); err != nil {
				return fmt.Errorf("%w, or never", err)
			}
			return nil
		},
		show: func() string {
			if *p == Never {
				return "never"
			}
			return strconv.Itoa(*p) + "d"
		},
	}
}

var eventTypes = []string{"login", "purchase", "cancellation", "survey", "signal"}

// activity refuses what is neither a type of event nor signal:NAME.
func activity(s string) error {
	if name, ok := strings.CutPrefix(s, "signal:"); ok && name != "" {
		return nil
	}
	if !slices.Contains(eventTypes, s) {
		return fmt.Errorf("is no type of event%s; write %s, or signal:NAME", suggest(s, eventTypes), orList(eventTypes))
	}
	return nil
}

// dimension refuses what would break the names of segments, "plan=pro", and more
// than two attributes at once.
func dimension(s string) error {
	names := segment.Attributes(s)
	if len(names) > 2 {
		return fmt.Errorf("has %d attributes; write two at the most, as plan*country", len(names))
	}
	if len(names) == 2 && names[0] == names[1] {
		return fmt.Errorf("has the same attribute twice; write %s alone", names[0])
	}
	for _, name := range names {
		switch {
		case name == "":
			return fmt.Errorf("lacks an attribute; write one, as plan, or two, as plan*country")
		case strings.ContainsAny(name, segment.Reserved):
			return fmt.Errorf("has a '=', a '|' or a ',', which separate a segment's parts; write a name without")
		case len(name) > 60:
			return fmt.Errorf("is longer than 60 bytes; write a shorter name")
		}
	}
	return nil
}

// oneSegment refuses what is no segment.
func oneSegment(s string) error {
	if s != "" && segment.Dimension(s) == "" {
		return fmt.Errorf("is no segment; write it as plan=pro, or plan=pro,country=DE, with a comma within a value written twice")
	}
	return nil
}
