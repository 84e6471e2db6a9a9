package config

import (
	"fmt"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestDecimalsAreExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringMatching(`-?[0-9]{1,9}(\.[0-9]{1,9})?`).Draw(t, "s")
		got, err := parseDecimal(s)
		if err != nil {
			t.Fatal(err)
		}
		want, _ := new(big.Rat).SetString(s)
		if got.Rat().Cmp(want) != 0 {
			t.Fatalf("%s became %v", s, got)
		}
		again, err := parseDecimal(got.String())
		if err != nil || again != got {
			t.Fatalf("%s is shown as %s", s, got)
		}
	})
	for _, s := range []string{"", "-", ".", "1.", ".5", "1e3", "+1", "1,5", "0x1", "1.0000000001", "99999999999999999999"} {
		if _, err := parseDecimal(s); err == nil {
			t.Errorf("%q is taken for a number", s)
		}
	}
}

// TestLinearRanges: at most 20 steps, that never give more (rising) or less
// (falling) than the line, reach both of its ends, and lag it by less than a
// step.
func TestLinearRanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := linear{
			From: rapid.IntRange(0, 400).Draw(t, "from"), FromPoints: rapid.IntRange(0, 50).Draw(t, "p"),
			ToPoints: rapid.IntRange(0, 50).Draw(t, "q"),
		}
		l.To = l.From + rapid.IntRange(1, 400).Draw(t, "span")
		steps := l.steps()
		if len(steps) > 20 || steps[0] != (Step{0, l.FromPoints}) {
			t.Fatalf("steps %v", steps)
		}
		if last := steps[len(steps)-1]; l.FromPoints != l.ToPoints && last != (Step{int64(l.To), l.ToPoints}) {
			t.Fatalf("the last step is %v", last)
		}
		for i, s := range steps[1:] {
			if s.From <= steps[i].From {
				t.Fatalf("steps %v are not in order", steps)
			}
			line := float64(l.FromPoints) + float64(l.ToPoints-l.FromPoints)*float64(int(s.From)-l.From)/float64(l.To-l.From)
			if rising := l.ToPoints > l.FromPoints; rising && float64(s.Points) > line+1e-9 || !rising && float64(s.Points) < line-1e-9 {
				t.Fatalf("step %v goes before the line at %v", s, line)
			}
		}
	})
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "abc", 3}, {"kitten", "sitting", 3}, {"horzion", "horizon", 1}, {"a", "a", 0}, {"horizon", "horizons", 1}} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("%s to %s is %d, want %d", c.a, c.b, got, c.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[a-c]{0,8}`)
		a, b := word.Draw(t, "a"), word.Draw(t, "b")
		if distance(a, b) != distance(b, a) || (distance(a, b) == 0) != (a == b) {
			t.Fatalf("%s to %s is %d and %d", a, b, distance(a, b), distance(b, a))
		}
	})
}

// again writes settings as YAML and reads them back.
func again(c *Config) (*Config, error) {
	var b strings.Builder
	for _, o := range options(c) {
		if keys := strings.Split(o.key, "."); len(keys) == 1 {
			fmt.Fprintf(&b, "%s: %s\n", o.key, o.val)
		}
	}
	for _, section := range []string{"clv", "batch", "kafka", "redis", "health", "http", "log"} {
		fmt.Fprintf(&b, "%s: {", section)
		deeper := map[string][]string{}
		for _, o := range options(c) {
			keys := strings.Split(o.key, ".")
			if keys[0] == section && len(keys) == 2 {
				fmt.Fprintf(&b, "%s: %s, ", keys[1], o.val)
			} else if keys[0] == section {
				deeper[keys[1]] = append(deeper[keys[1]], keys[2]+": "+o.val.String())
			}
		}
		for key, parts := range deeper {
			fmt.Fprintf(&b, "%s: {%s}, ", key, strings.Join(parts, ", "))
		}
		b.WriteString("}\n")
	}
	return Parse([]byte(strings.ReplaceAll(b.String(), `mechanism: ""`, "mechanism: none")), Options{})
}

func TestShownSettingsReadBack(t *testing.T) {
	want, err := Parse([]byte(examples(t)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := again(want)
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, want)
}

// FuzzParse: nothing that is read makes it panic, each refusal is a sentence,
// and what is accepted is accepted again as it is shown.
func FuzzParse(f *testing.F) {
	f.Add([]byte("time_zone: Asia/Tokyo\nhorizon: 2w\nrules: [{name: a, kpi: mrr, above: -1.50}]\n"))
	f.Add([]byte("a: &a [*a]\nkafka: {topics: {events: 'x'}}\n"))
	f.Add([]byte("health:\n  signals:\n  - {name: s, weight: 1, read: tenure_days, linear: {from: 1, to: 9, from_points: 10, to_points: 0}}\n"))
	f.Add([]byte("redis: {mode: sentinel, master_name: \"a, b}\\u2028\"}\nrates: [{date: 1969-12-31, currency: JPY, rate: 0.01}]"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := Parse(b, Options{})
		if err != nil {
			if !strings.HasPrefix(err.Error(), "configuration") {
				t.Fatalf("%v does not name its place", err)
			}
			return
		}
		got, err := again(c)
		if err != nil {
			t.Fatalf("not accepted again: %v", err)
		}
		same(t, got, c)
	})
}
