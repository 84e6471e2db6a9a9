package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidemark-io/tidemark/segment"
)

// check refuses settings that contradict each other.
func (l *layers) check(c *Config, o Options) {
	l.checkKafka(c)
	l.checkRedis(c)
	if c.RetainRows < c.Horizon {
		l.refuse(c, "retain_rows", "frozen rows would go after %dd, before the horizon of %dd has passed; write %dd or more", c.RetainRows, c.Horizon, c.Horizon)
	}
	if r := c.Rates; len(r) > 0 {
		for _, r := range c.Rates {
			if r.Currency == c.Currency {
				l.refuse(c, "rates", "%s is the reporting currency, which is worth 1; take its rates away", r.Currency[:])
				break
			}
		}
	}
	l.checkCLV(c)
	for _, name := range c.Cohorts {
		if !slices.Contains(c.Dimensions, name) {
			l.refuse(c, "cohorts", "%q is no dimension%s; add it to dimensions, or take it away here", name, suggest(name, c.Dimensions))
		}
	}
	if s := c.CSATSatisfied; s.Cmp(Decimal{1, 1}) <= 0 || s.Cmp(Decimal{5, 1}) > 0 {
		l.refuse(c, "csat_satisfied", "%s is no score of a satisfied answer; write one over 1 and up to 5, as 4", s)
	}
	if h := c.Health; h.MinCoverage.Num < 0 || h.MinCoverage.Cmp(Decimal{1, 1}) > 0 {
		l.refuse(c, "health.min_coverage", "%s is no share; write 0 to 1", h.MinCoverage)
	}
	if h := c.Health; h.Bands.Amber+h.Hysteresis > h.Bands.Green-h.Hysteresis {
		l.refuse(c, "health.hysteresis", "%d points are too many: red is left at %d, which must not lie above the score where green is lost, %d",
			h.Hysteresis, h.Bands.Amber+h.Hysteresis, h.Bands.Green-h.Hysteresis)
	}
	for i, r := range c.Rules {
		at := fmt.Sprintf("rules[%d]", i)
		l.checkKPI(c, o, at, about{r.Name, r.KPI, r.Window, r.Segment})
		if r.For > c.Horizon {
			l.refuseAt(c, at, at+" ("+r.Name+")", "it would never fire: no more than %d complete days are looked at, the horizon; write for: %dd or less", c.Horizon, c.Horizon)
		}
	}
	for i, g := range c.Goals {
		l.checkKPI(c, o, fmt.Sprintf("goals[%d]", i), about{g.Name, g.KPI, g.Window, g.Segment})
	}
	l.checkDimensions(c)
}

// about is what a rule or a goal is about.
type about struct{ name, kpi, window, segment string }

// checkKPI refuses a KPI, window or segment that there is not.
func (l *layers) checkKPI(c *Config, o Options, at string, a about) {
	key := at + " (" + a.name + ")"
	if a.kpi != "" && o.KPIs != nil && !slices.Contains(o.KPIs, a.kpi) {
		what := suggest(a.kpi, o.KPIs)
		if what == "" {
			what = "; write one of " + strings.Join(o.KPIs, ", ")
		}
		l.refuseAt(c, at, key, "no KPI that has one figure is called %q%s", a.kpi, what)
		return
	}
	if windows := o.Windows[a.kpi]; a.window != "" && o.Windows != nil && !slices.Contains(windows, a.window) {
		what := "write one of " + strings.Join(windows, ", ")
		if len(windows) < 2 {
			what = "leave it out"
		}
		l.refuseAt(c, at, key, "%s has no window %q%s; %s", a.kpi, a.window, suggest(a.window, windows), what)
	}
	if name := segment.Dimension(a.segment); name != "" && !slices.Contains(c.Dimensions, name) {
		l.refuseAt(c, at, key, "the segment %q is of no dimension; add %q to dimensions", a.segment, name)
	}
}

// maxDimensions bounds how often each figure is kept.
const maxDimensions = 32

// checkDimensions refuses two attributes at once where one of them is no
// dimension by itself, and the same two twice.
func (l *layers) checkDimensions(c *Config) {
	if n := len(c.Dimensions); n > maxDimensions {
		l.refuse(c, "dimensions", "there are %d; write %d at the most", n, maxDimensions)
	}
	for i, d := range c.Dimensions {
		names := segment.Attributes(d)
		if len(names) < 2 {
			continue
		}
		for _, name := range names {
			if !slices.Contains(c.Dimensions, name) {
				l.refuse(c, "dimensions", "%q needs its attributes as dimensions of their own; add %q", d, name)
			}
		}
		if slices.Contains(c.Dimensions[:i], names[1]+segment.Times+names[0]) {
			l.refuse(c, "dimensions", "%q is there the other way round; take one away", d)
		}
	}
}

// mostYears is how long a customer may be said to stay: figures stay within
// 64 bits of minor units.
const mostYears = 100

func (l *layers) checkCLV(c *Config) {
	v := c.CLV
	if v.Margin.Num <= 0 || v.Margin.Cmp(Decimal{1, 1}) > 0 {
		l.refuse(c, "clv.margin", "%s is no margin; write a share over 0 and up to 1, as 0.8", v.Margin)
	}
	if v.Years.Num <= 0 || v.Years.Cmp(Decimal{mostYears, 1}) > 0 {
		l.refuse(c, "clv.years", "%s is no number of years; write one over 0 and up to %d, as 5 or 2.5", v.Years, mostYears)
	}
	if v.AcquisitionCost.Num < 0 {
		l.refuse(c, "clv.acquisition_cost", "%s is below 0; write what it costs to win a customer, in %s, or 0 where that is not known", v.AcquisitionCost, c.Currency[:])
	} else if digits := c.Currency.Digits(); !v.AcquisitionCost.within(digits) {
		l.refuse(c, "clv.acquisition_cost", "%s has more decimals than %s, which has %d; write fewer", v.AcquisitionCost, c.Currency[:], digits)
	}
}

func (l *layers) checkKafka(c *Config) {
	inputs := c.Kafka.Topics.All()
	out := c.Kafka.Outputs
	seen := map[string]bool{}
	for _, name := range []string{out.Alerts, out.KPIs, out.DeadLetter, out.Late, out.Cursors} {
		if slices.Contains(inputs, name) {
			l.refuse(c, "kafka.topics", "%q is an output topic too, so that Tidemark would read what it writes; choose another name", name)
		}
		if seen[name] {
			l.refuse(c, "kafka.outputs", "two of them are called %q; give each a topic of its own", name)
		}
		seen[name] = true
	}
	s := &c.Kafka.SASL
	if s.Mechanism == "none" {
		s.Mechanism = ""
	}
	l.checkPassword(c, "kafka.sasl.", s.Password, s.PasswordFile)
	if s.Mechanism != "" && s.Username == "" {
		l.refuse(c, "kafka.sasl.mechanism", "%s needs a user; set kafka.sasl.username", s.Mechanism)
	}
	if s.Mechanism == "" && s.Username != "" {
		l.refuse(c, "kafka.sasl.username", "a user needs a mechanism; set kafka.sasl.mechanism to plain, scram-sha-256 or scram-sha-512")
	}
	l.checkTLS(c, "kafka.tls.", c.Kafka.TLS)
}

func (l *layers) checkRedis(c *Config) {
	r := c.Redis
	l.checkPassword(c, "redis.", r.Password, r.PasswordFile)
	l.checkTLS(c, "redis.tls.", r.TLS)
	switch {
	case r.Mode == "single" && len(r.Addrs) > 1:
		l.refuse(c, "redis.addrs", "a single server has one address, not %d; write one, or set redis.mode to sentinel or cluster", len(r.Addrs))
	case r.Mode == "sentinel" && r.MasterName == "":
		l.refuse(c, "redis.mode", "sentinels are asked for a master by its name; set redis.master_name")
	case r.Mode != "sentinel" && r.MasterName != "":
		l.refuse(c, "redis.master_name", "only sentinels know masters by name; set redis.mode to sentinel, or leave it out")
	case r.Mode == "cluster" && r.DB != 0:
		l.refuse(c, "redis.db", "a cluster has database 0 only; leave it out")
	}
}

func (l *layers) checkPassword(c *Config, prefix, password, file string) {
	if password != "" && file != "" {
		l.refuse(c, prefix+"password_file", "there is a password too; leave one of the two out")
	}
}

func (l *layers) checkTLS(c *Config, prefix string, t TLS) {
	if (t.Cert == "") != (t.Key == "") {
		l.refuse(c, prefix+"cert", "a certificate and its key go together; set both %scert and %skey, or none", prefix, prefix)
	}
	if !t.Enabled && (t.CA != "" || t.Cert != "") {
		l.refuse(c, prefix+"enabled", "there are certificates, but the connection is not encrypted; set %senabled to true", prefix)
	}
}

// refuse names the place of a key, or of the defaults.
func (l *layers) refuse(c *Config, key, format string, args ...any) {
	l.refuseAt(c, key, key, format, args...)
}

// refuseAt is refuse for a part of a key's value.
func (l *layers) refuseAt(c *Config, key, shown, format string, args ...any) {
	from := c.from[key]
	if from == "" {
		from = l.path
	}
	if from == "" {
		from = "environment"
	}
	l.problems = append(l.problems, &Error{From: from, Key: shown, Text: fmt.Sprintf(format, args...)})
}
