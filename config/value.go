package config

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// value is one setting: how it is read and how it is shown.
type value interface {
	// set reads the setting from a node, and tells the decoder what is wrong.
	set(d *decoder, key string, n *yaml.Node)
	// String writes it as YAML on one line.
	String() string
}

// scalar is a setting that is written as one word. parse returns what is
// wrong and what to do, as the end of a sentence that begins with the value.
type scalar struct {
	parse  func(s string) error
	show   func() string
	secret bool // the value is not repeated in a sentence
}

func (v scalar) String() string { return v.show() }

func (v scalar) set(d *decoder, key string, n *yaml.Node) {
	switch {
	case n.Kind != yaml.ScalarNode:
		d.fail(n, key, "it takes one value; write %s: and the value on one line", lastKey(key))
	case n.Tag == "!!null":
		d.fail(n, key, "it has no value; write one, or leave the key out for the default")
	default:
		shown := strconv.Quote(n.Value)
		if v.secret {
			shown = "the value"
		}
		if err := v.parse(n.Value); err != nil {
			d.fail(n, key, "%s %s", shown, err)
		}
	}
}

func lastKey(key string) string { return key[strings.LastIndexByte(key, '.')+1:] }

// text is a string of at least least bytes that check (if any) lets pass.
func text[T ~string](p *T, least int, check func(string) error) scalar {
	return scalar{
		parse: func(s string) error {
			if len(s) < least {
				return fmt.Errorf("is empty; write a value")
			}
			if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\uFFFD' }) {
				return fmt.Errorf("has a control character; leave it out")
			}
			if check != nil {
				if err := check(s); err != nil {
					return err
				}
			}
			*p = T(s)
			return nil
		},
		show: func() string { return quote(string(*p)) },
	}
}

// password is a text that no sentence repeats.
func password(p *string) scalar {
	v := text(p, 0, nil)
	v.secret = true
	return v
}

// noBar refuses what would break the names of alerts, "rule|subject".
func noBar(s string) error {
	if strings.Contains(s, "|") {
		return fmt.Errorf("has a '|', which separates a rule from its subject; write a name without")
	}
	return nil
}

var plainName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,200}$`)

// plain refuses what is no name of a topic, a group or a key prefix.
func plain(s string) error {
	if s != "" && !plainName.MatchString(s) {
		return fmt.Errorf("is no name; use letters, digits, '.', '_' and '-', at most 200")
	}
	return nil
}

// hostPort refuses what is no address.
func hostPort(s string) error {
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return fmt.Errorf("has no port; write host:port, as localhost:9092")
	}
	if port, err := strconv.Atoi(s[i+1:]); err != nil || port < 0 || port > 65535 {
		return fmt.Errorf("has no port from 0 to 65535; write host:port, as localhost:9092")
	}
	return nil
}

// choice is one of some words.
func choice[T ~string](p *T, valid ...string) scalar {
	return scalar{
		parse: func(s string) error {
			if !slices.Contains(valid, s) {
				return fmt.Errorf("is not known%s; write %s", suggest(s, valid), orList(valid))
			}
			*p = T(s)
			return nil
		},
		show: func() string { return quote(string(*p)) },
	}
}

// whole is an integer from least to most.
func whole(p *int, least, most int) scalar {
	return scalar{
		parse: func(s string) error {
			v, err := strconv.Atoi(s)
			if err != nil {
				if m := number.FindString(s); m != "" && m != s {
					return fmt.Errorf("has a unit or a fraction; write a whole number, as %s", m)
				}
				return fmt.Errorf("is no whole number; write one from %d to %d", least, most)
			}
			if v < least || v > most {
				return fmt.Errorf("is out of range; write a whole number from %d to %d", least, most)
			}
			*p = v
			return nil
		},
		show: func() string { return strconv.Itoa(*p) },
	}
}

var number = regexp.MustCompile(`^[0-9]+`)

// flag is true or false.
func flag(p *bool) scalar {
	return scalar{
		parse: func(s string) error {
			if s != "true" && s != "false" {
				return fmt.Errorf("is neither true nor false; write one of the two")
			}
			*p = s == "true"
			return nil
		},
		show: func() string { return strconv.FormatBool(*p) },
	}
}

// decimal is an exact decimal number.
func decimal(p *Decimal) scalar {
	return scalar{
		parse: func(s string) error {
			v, err := parseDecimal(s)
			if percent, ok := strings.CutSuffix(s, "%"); ok {
				if v, err := parseDecimal(strings.TrimSpace(percent)); err == nil && v.Den <= 1e7 {
					return fmt.Errorf("is a percentage; write the ratio, %s", Decimal{v.Num, v.Den * 100})
				}
			}
			if err != nil {
				return fmt.Errorf("is %w", err)
			}
			*p = v
			return nil
		},
		show: func() string { return p.String() },
	}
}

// days is a whole number of days with its unit: 100d, 2w, or 3y, which is as
// many days as three years can have.
func days(p *int, least, most int) scalar {
	return scalar{
		parse: func(s string) error {
			v, err := parseDays(s)
			if err != nil {
				return err
			}
			if v < least || v > most {
				return fmt.Errorf("is out of range; write %dd to %dd", least, most)
			}
			*p = v
			return nil
		},
		show: func() string { return strconv.Itoa(*p) + "d" },
	}
}

func parseDays(s string) (int, error) {
	m := number.FindString(s)
	v, err := strconv.Atoi(m)
	if err != nil || v > 1_000_000 {
		return 0, fmt.Errorf("is no number of days; write it as 100d")
	}
	switch s[len(m):] {
	case "d":
		return v, nil
	case "w":
		return 7 * v, nil
	case "y":
		return (v*1461 + 3) / 4, nil
	case "":
		return 0, fmt.Errorf("has no unit; write %sd", m)
	}
	return 0, fmt.Errorf("is no number of whole days; write it as 100d (or w, y)")
}

// duration is a time span from least to most, as Go writes it, or in days.
func duration(p *time.Duration, least, most time.Duration) scalar {
	return scalar{
		parse: func(s string) error {
			v, err := parseDuration(s)
			if err != nil {
				return err
			}
			if v < least || v > most {
				return fmt.Errorf("is out of range; write %s to %s", showDuration(least), showDuration(most))
			}
			*p = v
			return nil
		},
		show: func() string { return showDuration(*p) },
	}
}

func parseDuration(s string) (time.Duration, error) {
	m := number.FindString(s)
	if m == s && s != "0" {
		return 0, fmt.Errorf("has no unit; write %ss (or ms, m, h, d)", m)
	}
	if m != "" && s[len(m):] == "d" {
		v, err := parseDays(s)
		if err != nil || v > 100_000 {
			return 0, fmt.Errorf("is no time span; write it as 30s, 24h or 7d")
		}
		return time.Duration(v) * day, nil
	}
	v, err := time.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("is no time span; write it as 30s, 24h or 7d")
	}
	return v, nil
}

// showDuration writes whole days as days, and leaves out what is zero.
func showDuration(v time.Duration) string {
	if v != 0 && v%day == 0 {
		return strconv.FormatInt(int64(v/day), 10) + "d"
	}
	s := v.String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}

var sizes = []struct {
	unit  string
	bytes int64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}

// size is a number of bytes from least to most.
func size(p *int64, least, most int64) scalar {
	return scalar{
		parse: func(s string) error {
			m := number.FindString(s)
			v, err := strconv.ParseInt(m, 10, 64)
			if err != nil {
				return fmt.Errorf("is no size; write it as 256MiB")
			}
			for _, u := range sizes {
				if s[len(m):] != u.unit {
					continue
				}
				if v > math.MaxInt64/u.bytes || v*u.bytes < least || v*u.bytes > most {
					return fmt.Errorf("is out of range; write %s to %s", showSize(least), showSize(most))
				}
				*p = v * u.bytes
				return nil
			}
			if s == m {
				return fmt.Errorf("has no unit; write %sMiB (or B, KiB, GiB)", m)
			}
			return fmt.Errorf("has an unknown unit; write %sMiB (or B, KiB, GiB)", m)
		},
		show: func() string { return showSize(*p) },
	}
}

func showSize(v int64) string {
	for _, u := range sizes {
		if v >= u.bytes && v%u.bytes == 0 {
			return strconv.FormatInt(v/u.bytes, 10) + u.unit
		}
	}
	return strconv.FormatInt(v, 10) + "B"
}

// quote writes a string as YAML, in quotes only where it needs them.
func quote(s string) string {
	b, err := yaml.Marshal(s)
	if out := strings.TrimSuffix(string(b), "\n"); err == nil && !strings.Contains(out, "\n") && !strings.ContainsAny(out, ",{}[]") {
		return out
	}
	return strconv.Quote(s)
}

// orList writes "a, b or c".
func orList(words []string) string {
	if len(words) == 1 {
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}
