package config

import (
	"fmt"
	"os"
	"strings"
)

// Origin is one setting for people: its value and where that comes from.
type Origin struct {
	Key    string
	Value  string // as YAML on one line; a secret is masked
	From   string // "default", "tidemark.yaml:12", or the name of a variable
	Effect Effect // what a change of it needs
}

// Origins lists every setting, in the order of tidemark.example.yaml.
func (c *Config) Origins() []Origin {
	var out []Origin
	for _, o := range options(c) {
		origin := Origin{Key: o.key, Value: o.val.String(), From: c.from[o.key], Effect: o.effect}
		if origin.From == "" {
			origin.From = "default"
		}
		if v, ok := o.val.(scalar); ok && v.secret && origin.Value != `""` {
			origin.Value = "******"
		}
		out = append(out, origin)
	}
	return out
}

// Fingerprint lists the settings that stored state depends on (Effect Replay
// or Rebuild), one "key: value" a line, so that a change can be named.
func (c *Config) Fingerprint() string {
	var b strings.Builder
	for _, o := range options(c) {
		if o.effect != Restart {
			fmt.Fprintf(&b, "%s: %s\n", o.key, o.val)
		}
	}
	return b.String()
}

// Change is a setting that stored state was made with and that now differs.
type Change struct {
	Key, Was, Is string // Was or Is is "" where that version has no such key
	Effect       Effect
}

// String names the change in a few words.
func (c Change) String() string {
	return fmt.Sprintf("%s was %s and is %s", c.Key, c.Was, c.Is)
}

// Changes compares the fingerprint stored with some state with these settings.
func (c *Config) Changes(stored string) []Change {
	was := map[string]string{}
	for line := range strings.Lines(stored) {
		if key, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ": "); ok {
			was[key] = value
		}
	}
	var out []Change
	for _, o := range options(c) {
		if is := o.val.String(); o.effect != Restart && was[o.key] != is {
			out = append(out, Change{o.key, was[o.key], is, o.effect})
		}
	}
	return out
}

// Secret returns the password to sign in to the brokers with, read from its
// file where it is in one.
func (s SASL) Secret() (string, error) { return secret(s.Password, s.PasswordFile) }

// Secret returns the password of the store, read from its file where it is in
// one.
func (r Redis) Secret() (string, error) { return secret(r.Password, r.PasswordFile) }

func secret(password, file string) (string, error) {
	if file == "" {
		return password, nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read password: %w", err)
	}
	return strings.TrimRight(string(b), "\r\n"), nil
}
