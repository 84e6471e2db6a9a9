package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Error is one thing that is wrong with the settings.
type Error struct {
	From string // "tidemark.yaml:12", or the name of an environment variable
	Key  string // "kafka.brokers"; "" where it is about the whole
	Text string // what is wrong and what to do
	line int
}

// Error returns one sentence: where, what, what to do.
func (e *Error) Error() string {
	if e.Key == "" {
		return e.From + ": " + e.Text
	}
	return e.From + ": " + e.Key + ": " + e.Text
}

// decoder reads nodes that all come from one file or one variable, and collects
// what is wrong.
type decoder struct {
	from     string            // name of the file or variable
	lines    bool              // whether a node's line means anything to the user
	places   map[string]string // where the items of lists stand, by key
	problems []*Error
}

func (d *decoder) fail(n *yaml.Node, key, format string, args ...any) {
	d.problems = append(d.problems, &Error{From: d.at(n), Key: key, Text: fmt.Sprintf(format, args...), line: n.Line})
}

// at says where a node stands.
func (d *decoder) at(n *yaml.Node) string {
	if d.lines && n.Line > 0 {
		return fmt.Sprintf("%s:%d", d.from, n.Line)
	}
	return d.from
}

// resolve follows an alias to what it stands for.
func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// fields reads a mapping that has the keys of options only, and returns the
// nodes by key; nil where anything was wrong.
func (d *decoder) fields(key string, n *yaml.Node, options []option) map[string]*yaml.Node {
	before := len(d.problems)
	keys := make([]string, len(options))
	for i, o := range options {
		keys[i] = o.key
	}
	if n.Kind != yaml.MappingNode {
		d.fail(n, key, "it is a mapping; write it as {%s: …}", keys[0])
		return nil
	}
	got := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := resolve(n.Content[i]), resolve(n.Content[i+1])
		at := slices.Index(keys, k.Value)
		switch {
		case k.Kind != yaml.ScalarNode || at < 0:
			d.unknown(k, key, keys)
		case got[k.Value] != nil:
			d.fail(k, key+"."+k.Value, "the key is there twice; take one away")
		default:
			got[k.Value] = v
			options[at].val.set(d, key+"."+k.Value, v)
		}
	}
	if len(d.problems) > before {
		return nil
	}
	return got
}

// unknown refuses a key, naming the nearest valid one.
func (d *decoder) unknown(k *yaml.Node, section string, valid []string) {
	name := k.Value
	if section != "" {
		name = section + "." + name
	}
	near, _ := nearest(k.Value, valid)
	d.fail(k, "", "unknown key %q; the nearest valid key is %q", name, strings.TrimPrefix(section+"."+near, "."))
}

// require refuses a mapping without some key.
func (d *decoder) require(key string, n *yaml.Node, got map[string]*yaml.Node, keys ...string) bool {
	for _, k := range keys {
		if got[k] == nil {
			d.fail(n, key, "%s is missing; add it", k)
			return false
		}
	}
	return true
}

// joined returns the problems as one error, one line each, in the order of the
// file; nil where there is none.
func joined(problems []*Error) error {
	slices.SortStableFunc(problems, func(a, b *Error) int { return cmp.Compare(a.line, b.line) })
	errs := make([]error, len(problems))
	for i, p := range problems {
		errs[i] = p
	}
	return errors.Join(errs...)
}
