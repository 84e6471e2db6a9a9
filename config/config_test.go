package config

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/event"
)

const examplePath = "../tidemark.example.yaml"

var someKPIs = []string{"stickiness", "customer_churn_rate", "mrr", "mau", "customers", "retention_rate"}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// same compares settings without the places they come from.
func same(t *testing.T, got, want *Config) {
	t.Helper()
	a, b := *got, *want
	a.from, b.from = nil, nil
	if !reflect.DeepEqual(a, b) {
		for i, o := range options(&a) {
			if other := options(&b)[i]; o.val.String() != other.val.String() {
				t.Errorf("%s is %s, want %s", o.key, o.val, other.val)
			}
		}
		t.Errorf("got  %+v\nwant %+v", a, b)
	}
}

func TestExampleIsTheDefault(t *testing.T) {
	c, err := Load(examplePath, nil, Options{KPIs: someKPIs})
	if err != nil {
		t.Fatal(err)
	}
	same(t, c, Default())
	for _, o := range options(c) {
		if c.from[o.key] == "" {
			t.Errorf("%s is not in the example", o.key)
		}
	}
}

func TestExampleExplainsNestedKeys(t *testing.T) {
	text := read(t, examplePath)
	for _, key := range []string{
		"date", "currency", "rate", // rates
		"red", "amber", "green", // bands
		"name", "weight", "read", "window", "max_points", "steps", "none", "nps", "csat", "linear",
		"from", "to", "from_points", "to_points",
		"band", "resolve_after", "kpi", "segment", "above", "below", "clear", "for", "severity",
		"active_days", "recency_days", "survey", "open_ticket_hours", "late_invoices", "tenure_days",
	} {
		if !regexp.MustCompile(`(?m)^ *#[^~].*\b` + key + `\b`).MatchString(text) {
			t.Errorf("%s is not explained", key)
		}
	}
}

// examples returns the lines of the example that differ from the default as
// one document.
func examples(t *testing.T) string {
	t.Helper()
	top, sections := "", map[string]string{}
	section := ""
	for line := range strings.Lines(read(t, examplePath)) {
		if m := regexp.MustCompile(`^([a-z]+):\n$`).FindStringSubmatch(line); m != nil {
			section = m[1]
		}
		if rest, ok := strings.CutPrefix(line, "#~ "); ok {
			top += rest
		} else if rest, ok := strings.CutPrefix(line, "  #~ "); ok {
			sections[section] += "  " + rest
		}
	}
	for name, lines := range sections {
		top += name + ":\n" + lines
	}
	return top
}

func TestExamplesBesideTheDefault(t *testing.T) {
	c, err := Parse([]byte(examples(t)), Options{KPIs: someKPIs})
	if err != nil {
		t.Fatalf("%v in:\n%s", err, examples(t))
	}
	was := map[string]string{}
	for _, o := range Default().Origins() {
		was[o.Key] = o.Value
	}
	differ := 0
	for _, o := range c.Origins() {
		if o.From == "default" {
			continue
		}
		differ++
		if o.Value == was[o.Key] {
			t.Errorf("the example of %s is the default, %s", o.Key, o.Value)
		}
	}
	if differ != 14 {
		t.Errorf("%d settings have another example, want 14", differ)
	}
	if got := c.Rates; len(got) != 3 || got[0] != (Rate{20454, event.Currency{'E', 'U', 'R'}, Decimal{10825, 10000}}) {
		t.Errorf("rates are %v", got) // 2026-01-01 is day 20454: 56 years of 365 and 14 leap days
	}
	if got := c.Health.Signals[0].Steps; len(got) != 20 || got[19] != (Step{20, 20}) || got[0] != (Step{0, 0}) {
		t.Errorf("20 points over 20 days became %v", got)
	}
	if r := c.Rules[1]; !r.Above || r.Threshold != (Decimal{8, 100}) || r.Clear != (Decimal{7, 100}) || r.For != 2 || r.Window != "30d" {
		t.Errorf("churn_high is %+v", r)
	}
	if r := c.Rules[2]; r.Above || r.Threshold != (Decimal{15, 100}) || r.Clear != (Decimal{17, 100}) || r.For != 3 || r.Window != "" {
		t.Errorf("stickiness_low is %+v", r)
	}
}

// TestDefaultProfile holds the default profile against the table in the
// documentation of health: value → points, at the edges of each step.
func TestDefaultProfile(t *testing.T) {
	want := map[string]map[int64]int{
		"activity": {0: 0, 1: 2, 2: 4, 3: 4, 4: 6, 7: 6, 8: 8, 14: 8, 15: 10, 30: 10},
		"recency":  {0: 10, 1: 10, 2: 8, 3: 8, 4: 6, 7: 6, 8: 3, 14: 3, 15: 1, 30: 1, 31: 0, 100: 0},
		"tickets":  {0: 7, 23: 7, 24: 4, 47: 4, 48: 0, 500: 0},
		"invoices": {0: 10, 1: 3, 2: 0, 9: 0},
		"tenure":   {0: 4, 29: 4, 30: 6, 89: 6, 90: 8, 364: 8, 365: 10, 5000: 10},
		"nps":      {0: 0, 6: 0, 7: 6, 8: 6, 9: 10, 10: 10},
		"csat":     {1: 0, 2: 0, 3: 4, 4: 8, 5: 10},
	}
	weights := map[string]int{"activity": 30, "recency": 25, "survey": 15, "tickets": 15, "invoices": 10, "tenure": 5}
	tables := map[string][]Step{}
	sum := 0
	for _, s := range Default().Health.Signals {
		if s.Weight != weights[s.Name] || s.MaxPoints != 10 {
			t.Errorf("%s has weight %d and %d points", s.Name, s.Weight, s.MaxPoints)
		}
		if s.Name != "tickets" && s.None != NoPoints || s.Name == "tickets" && s.None != 10 {
			t.Errorf("%s gives %d points for nothing", s.Name, s.None)
		}
		sum += s.Weight
		tables[s.Name] = s.Steps
		if s.Name == "survey" {
			tables["nps"], tables["csat"] = s.NPS, s.CSAT
		}
	}
	if sum != 100 {
		t.Errorf("the weights add up to %d", sum)
	}
	for name, points := range want {
		for value, p := range points {
			got := -1
			for _, s := range tables[name] {
				if s.From <= value {
					got = s.Points
				}
			}
			if got != p {
				t.Errorf("%s of %d is worth %d points, want %d", name, value, got, p)
			}
		}
	}
}

func TestEnvironmentGoesBeforeTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tidemark.yaml")
	if err := os.WriteFile(path, []byte("horizon: 50d\ncurrency: EUR\nkafka:\n  topics: {events: all}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(path, []string{
		"PATH=/bin", "TIDEMARK_HORIZON=20d", "TIDEMARK_KAFKA_BROKERS=a:1, b:2", "TIDEMARK_ACTIVITY=[login, purchase]",
		"TIDEMARK_RULES=[{name: low, kpi: mau, below: 5}]", "TIDEMARK_PORT=tcp://10.0.0.1:80",
		"TIDEMARK_KAFKA_SASL_PASSWORD=open sesame", "TIDEMARK_KAFKA_SASL_USERNAME=u", "TIDEMARK_KAFKA_SASL_MECHANISM=plain",
		"TIDEMARK_HTTP_LISTEN=:0",
	}, Options{KPIs: someKPIs})
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Horizon = 20
	want.Currency = event.Currency{'E', 'U', 'R'}
	want.Kafka.Topics = Topics{Events: "all"}
	want.Kafka.Brokers = []string{"a:1", "b:2"}
	want.Activity = []string{"login", "purchase"}
	want.Rules = []Rule{{Name: "low", Severity: "warning", KPI: "mau", Threshold: Decimal{5, 1}, Clear: Decimal{5, 1}, For: 1}}
	want.Kafka.SASL = SASL{Mechanism: "plain", Username: "u", Password: "open sesame"}
	want.HTTP.Listen = ":0"
	want.Ignored = []string{"TIDEMARK_PORT"}
	same(t, c, want)

	from := map[string]string{}
	for _, o := range c.Origins() {
		from[o.Key] = o.From
		if strings.Contains(o.Value, "sesame") {
			t.Errorf("%s shows a secret", o.Key)
		}
	}
	for key, place := range map[string]string{
		"horizon": "TIDEMARK_HORIZON", "currency": path + ":2", "kafka.topics": path + ":4", "clock": "default",
	} {
		if from[key] != place {
			t.Errorf("%s comes from %q, want %q", key, from[key], place)
		}
	}
}

func TestEnvironmentNamesAreUnique(t *testing.T) {
	seen := map[string]string{}
	for _, o := range options(Default()) {
		name := envName(o.key)
		if seen[name] != "" {
			t.Errorf("%s is %s and %s", name, o.key, seen[name])
		}
		seen[name] = o.key
	}
}

func TestMissingFile(t *testing.T) {
	if _, err := Load(filepath.Join(t.TempDir(), "none.yaml"), nil, Options{}); err == nil || !strings.Contains(err.Error(), "none.yaml") {
		t.Errorf("got %v", err)
	}
}

func TestTopics(t *testing.T) {
	shared := Topics{Logins: "l", Purchases: "x", Cancellations: "x", Events: "rest"}
	if got := shared.All(); !reflect.DeepEqual(got, []string{"l", "x", "rest"}) {
		t.Errorf("all are %v", got)
	}
	for kind, want := range map[event.Kind]string{event.Login: "l", event.Cancellation: "x", event.Survey: "rest"} {
		if got := shared.For(kind); got != want {
			t.Errorf("kind %d is on %q, want %q", kind, got, want)
		}
	}
}

func TestChangesAreNamed(t *testing.T) {
	stored := Default().Fingerprint()
	if got := Default().Changes(stored); len(got) != 0 {
		t.Errorf("the same settings differ: %v", got)
	}
	c := Default()
	c.Horizon, c.TimeZone, c.WeekStart, c.HTTP.Listen = 50, "Europe/Berlin", time.Sunday, ":1"
	c.Health.Signals[0].Weight = 31
	got := c.Changes(stored)
	if len(got) != 4 || got[0].String() != "time_zone was UTC and is Europe/Berlin" || got[0].Effect != Replay ||
		got[1].String() != "week_start was monday and is sunday" || got[1].Effect != Rebuild ||
		got[2].String() != "horizon was 100d and is 50d" || got[3].Key != "health.signals" || got[3].Effect != Rebuild {
		t.Errorf("changes are %v", got)
	}
}

func TestPasswordFromFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(path, []byte("open sesame\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, s := range []interface{ Secret() (string, error) }{SASL{PasswordFile: path}, Redis{PasswordFile: path}, Redis{Password: "open sesame"}} {
		if got, err := s.Secret(); got != "open sesame" || err != nil {
			t.Errorf("%+v gives %q, %v", s, got, err)
		}
	}
	if _, err := (SASL{PasswordFile: path + "x"}).Secret(); err == nil {
		t.Error("a password file that is not there gives no error")
	}
}

func TestDurations(t *testing.T) {
	for s, want := range map[string]time.Duration{"7d": 168 * time.Hour, "1h30m": 90 * time.Minute, "250ms": 250 * time.Millisecond, "0": 0, "0s": 0} {
		got, err := parseDuration(s)
		if got != want || err != nil {
			t.Errorf("%s is %v, %v", s, got, err)
		}
	}
	for s, want := range map[string]int{"100d": 100, "2w": 14, "1y": 366, "3y": 1096, "4y": 1461} {
		if got, err := parseDays(s); got != want || err != nil {
			t.Errorf("%s is %d days, %v", s, got, err)
		}
	}
}
