package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSentences: what is wrong is answered with place, key, value and what to
// do.
func TestSentences(t *testing.T) {
	for _, c := range []struct{ yaml, want string }{
		{"time_zone: UTC\nhorzion: 100d", `:2: unknown key "horzion"; the nearest valid key is "horizon"`},
		{"kafka:\n  broker: [a:1]", `:2: unknown key "kafka.broker"; the nearest valid key is "kafka.brokers"`},
		{"kafka: {topics: {login: x}}", `:1: unknown key "kafka.topics.login"; the nearest valid key is "kafka.topics.logins"`},
		{"rules:\n- {name: a, knd: red}", `:2: unknown key "rules[0].knd"; the nearest valid key is "rules[0].band"`},
		{"horizon: 100", `:1: horizon: "100" has no unit; write 100d`},
		{"horizon: 0d", `:1: horizon: "0d" is out of range; write 1d to 1000d`},
		{"horizon: 24h", `:1: horizon: "24h" is no number of whole days; write it as 100d (or w, y)`},
		{"horizon: [1d]", `:1: horizon: it takes one value; write horizon: and the value on one line`},
		{"horizon:", `:1: horizon: it has no value; write one, or leave the key out for the default`},
		{"horizon: 9d\nhorizon: 8d", `:2: horizon: the key is there twice; take one away`},
		{"disorder: 10", `:1: disorder: "10" has no unit; write 10s (or ms, m, h, d)`},
		{"disorder: -1s", `:1: disorder: "-1s" is out of range; write 0s to 1d`},
		{"silent_days: 14d", `:1: silent_days: "14d" has a unit or a fraction; write a whole number, as 14`},
		{"silent_days: x", `:1: silent_days: "x" is no whole number; write one from 1 to 90`},
		{"cache: 256", `:1: cache: "256" has no unit; write 256MiB (or B, KiB, GiB)`},
		{"cache: 256MB", `:1: cache: "256MB" has an unknown unit; write 256MiB (or B, KiB, GiB)`},
		{"cache: 1B", `:1: cache: "1B" is out of range; write 1MiB to 1024GiB`},
		{"lapse_grace: 3", `:1: lapse_grace: "3" has no unit; write 3d, or never`},
		{"uncancel: always", `:1: uncancel: "always" is not known; write never or purchase`},
		{"value_event: puchase", `:1: value_event: "puchase" is no type of event (did you mean "purchase"?); write login, purchase, cancellation, survey or signal, or signal:NAME`},
		{"dimensions: [plan]\ncohorts: [plans]", `:2: cohorts: "plans" is no dimension (did you mean "plan"?); add it to dimensions, or take it away here`},
		{"csat_satisfied: 6", `:1: csat_satisfied: 6 is no score of a satisfied answer; write one over 1 and up to 5, as 4`},
		{"csat_satisfied: 80%", `:1: csat_satisfied: "80%" is a percentage; write the ratio, 0.80`},
		{"cancellation: now", `:1: cancellation: "now" is not known; write effective or immediate`},
		{"orders_include_subscriptions: yes", `:1: orders_include_subscriptions: "yes" is neither true nor false; write one of the two`},
		{"clv: {margin: 80%}", `:1: clv.margin: "80%" is a percentage; write the ratio, 0.80`},
		{"clv: {margin: 80}", `:1: clv.margin: 80 is no margin; write a share over 0 and up to 1, as 0.8`},
		{"clv: {years: 0}", `:1: clv.years: 0 is no number of years; write one over 0 and up to 100, as 5 or 2.5`},
		{"clv: {acquisition_cost: -1}", `:1: clv.acquisition_cost: -1 is below 0; write what it costs to win a customer, in USD, or 0 where that is not known`},
		{"currency: JPY\nclv: {acquisition_cost: 100.5}", `:2: clv.acquisition_cost: 100.5 has more decimals than JPY, which has 0; write fewer`},
		{"clock: life", `:1: clock: "life" is not known (did you mean "live"?); write live or log`},
		{"partitioner: murmur3", `:1: partitioner: "murmur3" is not known (did you mean "murmur2"?); write murmur2, crc32 or fnv1a`},
		{"time_zone: Europe/Bärlin", `:1: time_zone: "Europe/Bärlin" is no IANA time zone; write one such as America/New_York or UTC`},
		{"time_zone: Local", `:1: time_zone: "Local" is no IANA time zone; write one such as America/New_York or UTC`},
		{"week_start: Monday", `:1: week_start: "Monday" is no day of the week (did you mean "monday"?); write one as monday`},
		{"currency: EURO", `:1: currency: "EURO" is no currency (did you mean "EUR"?); write its ISO 4217 code, as EUR`},
		{"currency: eur", `:1: currency: "eur" is no currency (did you mean "EUR"?); write its ISO 4217 code, as EUR`},
		{"activity: [logins]", `:1: activity: "logins" is no type of event (did you mean "login"?); write login, purchase, cancellation, survey or signal, or signal:NAME`},
		{"activity: []", `:1: activity: the list is empty; write at least 1`},
		{"activity: login", `:1: activity: it is a list; write activity: [login]`},
		{"dimensions: [a=b]", `:1: dimensions: "a=b" has a '=', a '|' or a ',', which separate a segment's parts; write a name without`},
		{"dimensions: ['a,b']", `:1: dimensions: "a,b" has a '=', a '|' or a ',', which separate a segment's parts; write a name without`},
		{"dimensions: [a, b, c, a*b*c]", `:1: dimensions: "a*b*c" has 3 attributes; write two at the most, as plan*country`},
		{"dimensions: [a, a*a]", `:1: dimensions: "a*a" has the same attribute twice; write a alone`},
		{"dimensions: [a, a*]", `:1: dimensions: "a*" lacks an attribute; write one, as plan, or two, as plan*country`},
		{"dimensions: [plan, plan*country]", `:1: dimensions: "plan*country" needs its attributes as dimensions of their own; add "country"`},
		{"dimensions: [a, b, a*b, b*a]", `:1: dimensions: "b*a" is there the other way round; take one away`},
		{"dimensions: [plan, plan]", `:1: dimensions: "plan" is there twice; take one away`},
		{"retain_rows: 50d", `:1: retain_rows: frozen rows would go after 50d, before the horizon of 100d has passed; write 100d or more`},
		{"horizon: 10d\nrules:\n- {name: a, kpi: mau, above: 1, for: 11d}", `:3: rules[0] (a): it would never fire: no more than 10 complete days are looked at, the horizon; write for: 10d or less`},
		{"batch: {live: 5000}", `:1: batch.live: "5000" is out of range; write a whole number from 1 to 2000`},
		{"rates:\n- {date: 1.1.2026, currency: EUR, rate: 1}", `:2: rates[0].date: "1.1.2026" is no day; write it as 2026-01-31`},
		{"rates:\n- {date: 2026-01-01, currency: EUR, rate: 1e3}", `:2: rates[0].rate: "1e3" is not a decimal number such as 0.08, with at most 9 digits behind the point`},
		{"rates:\n- {date: 2026-01-01, currency: EUR, rate: 0}", `:2: rates[0].rate: a rate is more than 0; write what one EUR is worth in the reporting currency`},
		{"rates:\n- {date: 2026-01-01, currency: USD, rate: 1}", `:2: rates: USD is the reporting currency, which is worth 1; take its rates away`},
		{"rates:\n- {date: 2026-01-01, currency: EUR, rate: 1}\n- {date: 2026-01-01, currency: EUR, rate: 2}", `:3: rates: there are two rates for this currency and day; take one away`},
		{"rates:\n- {date: 2026-01-01, rate: 1}", `:2: rates[0]: currency is missing; add it`},
		{"kafka: {brokers: [localhost]}", `:1: kafka.brokers: "localhost" has no port; write host:port, as localhost:9092`},
		{"kafka: {brokers: ['a:b']}", `:1: kafka.brokers: "a:b" has no port from 0 to 65535; write host:port, as localhost:9092`},
		{"kafka: {topics: {}}", `:1: kafka.topics: it names no topic; write one, as {events: events}`},
		{"kafka: {topics: {events: tidemark.kpis}}", `:1: kafka.topics: "tidemark.kpis" is an output topic too, so that Tidemark would read what it writes; choose another name`},
		{"kafka: {outputs: {kpis: tidemark.alerts}}", `: kafka.outputs: two of them are called "tidemark.alerts"; give each a topic of its own`},
		{"kafka: {sasl: {mechanism: plain}}", `:1: kafka.sasl.mechanism: plain needs a user; set kafka.sasl.username`},
		{"kafka: {sasl: {username: u}}", `:1: kafka.sasl.username: a user needs a mechanism; set kafka.sasl.mechanism to plain, scram-sha-256 or scram-sha-512`},
		{"kafka: {sasl: {password: a, password_file: b}}", `:1: kafka.sasl.password_file: there is a password too; leave one of the two out`},
		{"kafka: {sasl: {password: \"sesame\\u0001\"}}", `:1: kafka.sasl.password: the value has a control character; leave it out`},
		{"kafka: {tls: {enabled: true, cert: c}}", `:1: kafka.tls.cert: a certificate and its key go together; set both kafka.tls.cert and kafka.tls.key, or none`},
		{"kafka: {tls: {ca: c}}", `: kafka.tls.enabled: there are certificates, but the connection is not encrypted; set kafka.tls.enabled to true`},
		{"kafka: {tls: {enabled: yes}}", `:1: kafka.tls.enabled: "yes" is neither true nor false; write one of the two`},
		{"kafka: [1]", `:1: kafka: it has keys of its own; write each on a line, as brokers: …`},
		{"redis: {namespace: 'a{b}'}", `:1: redis.namespace: "a{b}" is no name; use letters, digits, '.', '_' and '-', at most 200`},
		{"redis: {addrs: [a:1, b:1]}", `:1: redis.addrs: a single server has one address, not 2; write one, or set redis.mode to sentinel or cluster`},
		{"redis: {mode: sentinel}", `:1: redis.mode: sentinels are asked for a master by its name; set redis.master_name`},
		{"redis: {master_name: m}", `:1: redis.master_name: only sentinels know masters by name; set redis.mode to sentinel, or leave it out`},
		{"redis: {mode: cluster, db: 1}", `:1: redis.db: a cluster has database 0 only; leave it out`},
		{"health: {min_coverage: 50%}", `:1: health.min_coverage: "50%" is a percentage; write the ratio, 0.50`},
		{"health: {min_coverage: 1.5}", `:1: health.min_coverage: 1.5 is no share; write 0 to 1`},
		{"health: {bands: {red: 10, amber: 50, green: 75}}", `:1: health.bands: red begins at 10; the lowest band begins at 0`},
		{"health: {bands: {red: 0, amber: 75, green: 75}}", `:1: health.bands: amber (75) must lie above red (0) and below green (75), as {red: 0, amber: 50, green: 75}`},
		{"health: {bands: {amber: 50, green: 75}}", `:1: health.bands: red is missing; add it`},
		{"health: {hysteresis: 13}", `:1: health.hysteresis: 13 points are too many: red is left at 63, which must not lie above the score where green is lost, 62`},
	} {
		refused(t, c.yaml, c.want)
	}
}

// refused holds the only error of a document against a sentence that begins
// after the file's name.
func refused(t *testing.T, yaml, want string) {
	t.Helper()
	c, err := Parse([]byte(yaml), Options{KPIs: someKPIs, Windows: map[string][]string{"mau": {"30d"}, "stickiness": {"30d"}, "mrr": {""}, "retention_rate": {"7d", "30d", "month"}}})
	if err == nil {
		t.Errorf("%s: not refused", yaml)
	} else if got := strings.TrimPrefix(err.Error(), "configuration"); got != want {
		t.Errorf("%s:\ngot  %s\nwant %s", yaml, got, want)
	}
	if err != nil && c != nil {
		t.Errorf("%s: settings beside an error", yaml)
	}
}

func TestSentencesAboutSignals(t *testing.T) {
	for _, c := range []struct{ signal, want string }{
		{"{name: a, weight: -1, read: active_days, steps: {0: 0}}", `:3: health.signals[0].weight: "-1" is out of range; write a whole number from 1 to 1000`},
		{"{name: a, weight: 1, read: active_day, steps: {0: 0}}", `:3: health.signals[0].read: "active_day" is not known (did you mean "active_days"?); write active_days, recency_days, survey, open_ticket_hours, late_invoices or tenure_days`},
		{"{weight: 1, read: active_days, steps: {0: 0}}", `:3: health.signals[0]: name is missing; add it`},
		{"{name: a, weight: 1, read: active_days}", `:3: health.signals[0]: it needs either steps or linear, one of the two`},
		{"{name: a, weight: 1, read: active_days, steps: {1: 1}}", `:3: health.signals[0].steps: the steps do not begin at 0; add what 0 is worth, as {0: 0, …}`},
		{"{name: a, weight: 1, read: active_days, steps: {0: 11}}", `:3: health.signals[0].steps: the points must lie within 0 and max_points (10)`},
		{"{name: a, weight: 1, read: active_days, steps: {0: 1, 0: 2}}", `:3: health.signals[0].steps: the value 0 is there twice; take one away`},
		{"{name: a, weight: 1, read: active_days, steps: {0: 0, none: 1}}", `:3: health.signals[0].steps: none has a meaning for open_ticket_hours only; leave it out`},
		{"{name: a, weight: 1, read: active_days, steps: 5}", `:3: health.signals[0].steps: it is a table of values and their points; write it as {0: 0, 1: 2, 8: 10}`},
		{"{name: a, weight: 1, read: open_ticket_hours, steps: {none: 3}}", `:3: health.signals[0].steps: the steps do not begin at 0; add what 0 is worth, as {0: 0, …}`},
		{"{name: a, weight: 1, read: tenure_days, window: 30d, steps: {0: 0}}", `:3: health.signals[0].window: tenure_days has no window; leave it out`},
		{"{name: a, weight: 1, read: survey, steps: {0: 0}}", `:3: health.signals[0].steps: a survey signal has a table nps and a table csat instead; write nps: {0: 0, 7: 6, 9: 10}`},
		{"{name: a, weight: 1, read: survey, nps: {0: 0}}", `:3: health.signals[0]: csat is missing; add it`},
		{"{name: a, weight: 1, read: survey, nps: {0: 0}, csat: {0: 0}}", `:3: health.signals[0].csat: the steps do not begin at 1; add what 1 is worth, as {1: 0, …}`},
		{"{name: a, weight: 1, read: tenure_days, nps: {0: 0}, steps: {0: 0}}", `:3: health.signals[0].nps: only a signal that reads survey has this table; write steps`},
		{"{name: a, weight: 1, read: tenure_days, linear: {from: 5, to: 5, from_points: 0, to_points: 1}}", `:3: health.signals[0].linear: from (5) is not less than to (5); exchange them, and their points`},
		{"{name: tenure, weight: 1, read: tenure_days, steps: {0: 0}}\n  - {name: tenure, weight: 1, read: tenure_days, steps: {0: 0}}", `:4: health.signals: two signals are called "tenure"; give one of them another name`},
	} {
		refused(t, "health:\n  signals:\n  - "+c.signal, c.want)
	}
	refused(t, "health: {signals: []}", `:1: health.signals: the list has 0 entries; write 1 to 1000`)
}

func TestSentencesAboutRules(t *testing.T) {
	for _, c := range []struct{ rule, want string }{
		{"{name: a}", `:2: rules[0]: it needs either band or kpi, one of the two`},
		{"{name: a, band: red, kpi: mau}", `:2: rules[0]: it needs either band or kpi, one of the two`},
		{"{band: red}", `:2: rules[0]: name is missing; add it`},
		{"{name: 'a|b', band: red}", `:2: rules[0].name: "a|b" has a '|', which separates a rule from its subject; write a name without`},
		{"{name: a, band: amber}", `:2: rules[0].band: "amber" is not known; write red`},
		{"{name: a, band: red, for: 2d}", `:2: rules[0].for: a rule about a band has no such setting; leave it out`},
		{"{name: a, kpi: mau, below: 1, resolve_after: 2d}", `:2: rules[0].resolve_after: a rule about a KPI has no such setting; leave it out`},
		{"{name: a, kpi: mau}", `:2: rules[0]: it needs either above or below, one of the two`},
		{"{name: a, kpi: mau, above: 2, below: 1}", `:2: rules[0]: it needs either above or below, one of the two`},
		{"{name: a, kpi: mau, above: 0.08, clear: 0.09}", `:2: rules[0].clear: it is 0.09, on the wrong side: a rule that fires above 0.08 clears at 0.08 or less`},
		{"{name: a, kpi: mau, below: 0.15, clear: 0.1}", `:2: rules[0].clear: it is 0.1, on the wrong side: a rule that fires below 0.15 clears at 0.15 or more`},
		{"{name: a, kpi: mau, above: 8%}", `:2: rules[0].above: "8%" is a percentage; write the ratio, 0.08`},
		{"{name: a, kpi: mau, above: 1, for: 2}", `:2: rules[0].for: "2" has no unit; write 2d`},
		{"{name: a, kpi: mau, above: 1, window: 31d}", `:2: rules[0] (a): mau has no window "31d" (did you mean "30d"?); leave it out`},
		{"{name: a, kpi: mau, above: 1, segment: pro}", `:2: rules[0].segment: "pro" is no segment; write it as plan=pro, or plan=pro,country=DE, with a comma within a value written twice`},
		{"{name: a, kpi: mau, above: 1, segment: 'city=Paris, France'}", `:2: rules[0].segment: "city=Paris, France" is no segment; write it as plan=pro, or plan=pro,country=DE, with a comma within a value written twice`},
		{"{name: a, kpi: mau, above: 1, segment: plan=pro}", `:2: rules[0] (a): the segment "plan=pro" is of no dimension; add "plan" to dimensions`},
		{"{name: a, kpi: mau, above: 1, segment: 'plan=a|b,country=DE'}", `:2: rules[0] (a): the segment "plan=a|b,country=DE" is of no dimension; add "plan*country" to dimensions`},
		{"{name: a, kpi: stickyness, above: 1}", `:2: rules[0] (a): no KPI that has one figure is called "stickyness" (did you mean "stickiness"?)`},
		{"{name: a, kpi: xyzzy, above: 1}", `:2: rules[0] (a): no KPI that has one figure is called "xyzzy"; write one of stickiness, customer_churn_rate, mrr, mau, customers, retention_rate`},
		{"{name: cancellation_scheduled, band: red}", `:2: rules: "cancellation_scheduled" is what cancellations that take effect later are told as; give the rule another name`},
		{"{name: a, band: red}\n- {name: a, band: red}", `:3: rules: two rules are called "a"; give one of them another name`},
		{"[a]", `:2: rules[0]: it is a mapping; write it as {name: …}`},
	} {
		refused(t, "rules:\n- "+c.rule, c.want)
	}
}

func TestSentencesAboutGoals(t *testing.T) {
	const year = ", from: 2026-01-01, by: 2026-12-31}"
	for _, c := range []struct{ goal, want string }{
		{"{name: a, done: false, by: 2026-12-31}", `:2: goals[0]: from is missing; add it`},
		{"{name: a, done: false, from: 2026-12-31, by: 2026-12-31}", `:2: goals[0].by: it is not after from; exchange them`},
		{"{name: a, done: false, from: 2026-1-1, by: 2026-12-31}", `:2: goals[0].from: "2026-1-1" is no day; write it as 2026-01-31`},
		{"{name: a" + year, `:2: goals[0]: it needs either kpi or done, one of the two`},
		{"{name: a, done: maybe" + year, `:2: goals[0].done: "maybe" is neither true nor false; write one of the two`},
		{"{name: a, done: true, start: 1" + year, `:2: goals[0].start: a goal of yes or no has no such setting; leave it out`},
		{"{name: a, kpi: mau, start: 1" + year, `:2: goals[0]: it says nothing of what is wanted; write at_least, at_most, or both`},
		{"{name: a, kpi: mau, at_least: 1" + year, `:2: goals[0]: start is missing; add it`},
		{"{name: a, kpi: mau, at_least: 2, at_most: 1, start: 0" + year, `:2: goals[0].at_most: it is 1, less than at_least (2); exchange them`},
		{"{name: a, kpi: maus, at_least: 2, start: 0" + year, `:2: goals[0] (a): no KPI that has one figure is called "maus" (did you mean "mau"?)`},
		{"{name: a, kpi: retention_rate, window: months, at_least: 2, start: 0" + year, `:2: goals[0] (a): retention_rate has no window "months" (did you mean "month"?); write one of 7d, 30d, month`},
		{"{name: a, kpi: mau, segment: plan=pro, at_least: 2, start: 0" + year, `:2: goals[0] (a): the segment "plan=pro" is of no dimension; add "plan" to dimensions`},
		{"{name: a, done: true" + year + "\n  - {name: a, done: true" + year, `:3: goals: two goals are called "a"; give one of them another name`},
	} {
		refused(t, "goals:\n  - "+c.goal+"\n", c.want)
	}
}

func TestEveryMistakeIsNamedAtOnce(t *testing.T) {
	_, err := Parse([]byte("clock: x\nhorizon: 1\nfoo: 1\n"), Options{})
	if err == nil || strings.Count(err.Error(), "\n") != 2 || !strings.HasPrefix(err.Error(), "configuration:1: clock") {
		t.Errorf("got %v", err)
	}
}

func TestSentencesAboutTheEnvironment(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.yaml")
	if err := os.WriteFile(path, []byte("horizon: 7d"), 0o600); err != nil {
		t.Fatal(err)
	}
	for variable, want := range map[string]string{
		"TIDEMARK_HORIZON=7":          `TIDEMARK_HORIZON: horizon: "7" has no unit; write 7d`,
		"TIDEMARK_HORIZONS=7d":        `TIDEMARK_HORIZONS: no such setting; the nearest valid variable is TIDEMARK_HORIZON`,
		"TIDEMARK_RULES=[{name: a}]":  `TIDEMARK_RULES: rules[0]: it needs either band or kpi, one of the two`,
		"TIDEMARK_HEALTH_BANDS={":     `TIDEMARK_HEALTH_BANDS: health.bands: "{" cannot be read; write it as in the file on one line, {red: 0, amber: 50, green: 75}`,
		"TIDEMARK_RETAIN_ROWS=1d":     `TIDEMARK_RETAIN_ROWS: retain_rows: frozen rows would go after 1d, before the horizon of 7d has passed; write 7d or more`,
		"TIDEMARK_KAFKA_BROKERS=a":    `TIDEMARK_KAFKA_BROKERS: kafka.brokers: "a" has no port; write host:port, as localhost:9092`,
		"TIDEMARK_KAFKA_BROKERS=":     `TIDEMARK_KAFKA_BROKERS: kafka.brokers: the list is empty; write at least 1`,
		"TIDEMARK_KAFKA_GROUP=\xff":   `TIDEMARK_KAFKA_GROUP: kafka.group: "\xff" has a control character; leave it out`,
		"TIDEMARK_LOG_LEVEL=verbose1": `TIDEMARK_LOG_LEVEL: log.level: "verbose1" is not known; write debug, info, warn or error`,
	} {
		_, err := Load(path, []string{variable}, Options{})
		if err == nil || err.Error() != want {
			t.Errorf("%s:\ngot  %v\nwant %s", variable, err, want)
		}
	}
}

func TestSyntaxError(t *testing.T) {
	for text, want := range map[string]string{
		"a: [1\nb: 2":                             "configuration:1: did not find expected ',' or ']'; correct the YAML",
		"time_zone: UTC\n  x: y":                  "configuration:2: mapping values are not allowed in this context; correct the YAML",
		"---\ncurrency: EUR\n---\ntime_zone: UTC": "configuration:3: a second document begins here, and would not be read; write all settings into one",
		"currency: EUR\n---\n[":                   "configuration:3: did not find expected node content; correct the YAML",
		"a: b: c":                                 "configuration:1: mapping values are not allowed in this context; correct the YAML",
	} {
		if _, err := Parse([]byte(text), Options{}); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}
