package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/knadh/koanf/maps"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/rawbytes"
	"github.com/knadh/koanf/v2"
	"go.yaml.in/yaml/v3"
)

// Options is what the settings are checked against and config itself cannot
// know.
type Options struct {
	KPIs    []string            // names that a rule or a goal may be about; nil: not checked
	Windows map[string][]string // the windows of each; nil: not checked
}

// envPrefix begins the name of every environment variable that is a setting.
const envPrefix = "TIDEMARK_"

// Load reads a YAML file ("" is none) and the environment (as os.Environ gives
// it), which goes before the file; what neither says is as in Default. The
// error has one line for each thing that is wrong: where, what, what to do.
func Load(path string, environ []string, o Options) (*Config, error) {
	var b []byte
	if path != "" {
		var err error
		if b, err = os.ReadFile(path); err != nil {
			return nil, fmt.Errorf("read configuration: %w", err)
		}
	}
	return load(path, b, environ, o)
}

// Parse reads settings from YAML alone. Errors name the file "configuration".
func Parse(b []byte, o Options) (*Config, error) {
	return load("configuration", b, nil, o)
}

// entry is one value as it was written.
type entry struct {
	node *yaml.Node
	file bool   // from the file, so that its line means something
	name string // of the file or the variable
}

// layers merges file and environment. What koanf merges are numbers of
// entries, so that each value keeps the place it comes from.
type layers struct {
	path     string
	options  []option
	entries  []entry
	problems []*Error
}

func load(path string, b []byte, environ []string, o Options) (*Config, error) {
	c := Default()
	l := &layers{path: path, options: options(c)}
	k := koanf.New(".")
	if err := k.Load(rawbytes.Provider(b), l); err != nil {
		return nil, fmt.Errorf("%s:%w", path, err)
	}
	variables := env.Provider(".", env.Opt{
		Prefix:      envPrefix,
		EnvironFunc: func() []string { return environ },
		TransformFunc: func(name, text string) (string, any) {
			return l.variable(c, name, text)
		},
	})
	if err := k.Load(variables, nil); err != nil {
		return nil, fmt.Errorf("read the environment: %w", err)
	}
	l.decode(c, k)
	if len(l.problems) == 0 {
		l.check(c, o)
	}
	if err := joined(l.problems); err != nil {
		return nil, err
	}
	slices.Sort(c.Ignored)
	return c, nil
}

// decode sets the fields of c that any layer speaks of.
func (l *layers) decode(c *Config, k *koanf.Koanf) {
	for _, opt := range l.options {
		i, ok := k.Get(opt.key).(int)
		if !ok {
			continue
		}
		e := l.entries[i]
		d := &decoder{from: e.name, lines: e.file, places: c.from}
		opt.val.set(d, opt.key, e.node)
		l.problems = append(l.problems, d.problems...)
		c.from[opt.key] = d.at(e.node)
	}
}

// Unmarshal is koanf's interface of a parser: it returns the numbers of the
// entries by section and key.
func (l *layers) Unmarshal(b []byte) (map[string]any, error) {
	var doc, more yaml.Node
	documents := yaml.NewDecoder(bytes.NewReader(b))
	if err := documents.Decode(&doc); err != nil && !errors.Is(err, io.EOF) {
		return nil, syntaxError(err)
	}
	if err := documents.Decode(&more); err == nil {
		return nil, fmt.Errorf("%d: a second document begins here, and would not be read; write all settings into one", more.Line)
	} else if !errors.Is(err, io.EOF) {
		return nil, syntaxError(err)
	}
	flat := map[string]any{}
	d := &decoder{from: l.path, lines: true}
	if len(doc.Content) > 0 {
		l.section(d, "", resolve(doc.Content[0]), flat)
	}
	l.problems = append(l.problems, d.problems...)
	return maps.Unflatten(flat, "."), nil
}

// syntaxError puts the line, which the YAML library leaves out where it is the
// first, before what is wrong.
func syntaxError(err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	line, what, ok := strings.Cut(strings.TrimPrefix(text, "line "), ": ")
	if !strings.HasPrefix(text, "line ") || !ok {
		line, what = "1", text
	}
	return fmt.Errorf("%s: %s; correct the YAML", line, what)
}

// Marshal belongs to koanf's interface of a parser; settings are never written.
func (l *layers) Marshal(map[string]any) ([]byte, error) {
	return nil, errors.ErrUnsupported
}

// section notes the entries of one section of the file.
func (l *layers) section(d *decoder, prefix string, n *yaml.Node, flat map[string]any) {
	name := strings.TrimSuffix(prefix, ".")
	if n.Tag == "!!null" {
		return // a section whose lines are all comments
	}
	if n.Kind != yaml.MappingNode {
		d.fail(n, name, "it has keys of its own; write each on a line, as %s", l.keysOf(prefix)[0]+": …")
		return
	}
	valid := l.keysOf(prefix)
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := resolve(n.Content[i]), resolve(n.Content[i+1])
		key := prefix + k.Value
		switch {
		case k.Kind != yaml.ScalarNode || !slices.Contains(valid, k.Value):
			d.unknown(k, name, valid)
		case seen[k.Value]:
			d.fail(k, key, "the key is there twice; take one away")
		case slices.ContainsFunc(l.options, func(o option) bool { return o.key == key }):
			flat[key] = len(l.entries)
			l.entries = append(l.entries, entry{node: v, file: true, name: l.path})
		default:
			l.section(d, key+".", v, flat)
		}
		seen[k.Value] = true
	}
}

// keysOf lists the keys that a section can have.
func (l *layers) keysOf(prefix string) []string {
	var out []string
	for _, o := range l.options {
		if rest, ok := strings.CutPrefix(o.key, prefix); ok {
			key, _, _ := strings.Cut(rest, ".")
			if !slices.Contains(out, key) {
				out = append(out, key)
			}
		}
	}
	return out
}

// envName is the variable of a key: TIDEMARK_KAFKA_BROKERS for kafka.brokers.
func envName(key string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// variable notes the entry of one environment variable. One that is no setting
// is refused where it looks like a slip, and else only noted: Kubernetes sets
// some of this name by itself.
func (l *layers) variable(c *Config, name, text string) (string, any) {
	var names []string
	for _, o := range l.options {
		if envName(o.key) != name {
			names = append(names, envName(o.key))
			continue
		}
		node, err := l.variableNode(o, text)
		if err != nil {
			l.problems = append(l.problems, &Error{From: name, Key: o.key, Text: err.Error()})
			return "", nil
		}
		l.entries = append(l.entries, entry{node: node, name: name})
		return o.key, len(l.entries) - 1
	}
	if near, d := nearest(name, names); d <= 2 {
		l.problems = append(l.problems, &Error{From: name, Text: fmt.Sprintf("no such setting; the nearest valid variable is %s", near)})
	} else {
		c.Ignored = append(c.Ignored, name)
	}
	return "", nil
}

// variableNode makes a node of a variable's text: a word as it is, a list from
// its items between commas, anything else from YAML on one line.
func (l *layers) variableNode(o option, text string) (*yaml.Node, error) {
	if _, ok := o.val.(scalar); ok {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}, nil
	}
	if o.list && !strings.HasPrefix(text, "[") {
		n := &yaml.Node{Kind: yaml.SequenceNode}
		for item := range strings.SplitSeq(text, ",") {
			if item = strings.TrimSpace(item); item != "" {
				n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: item})
			}
		}
		return n, nil
	}
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil || len(doc.Content) == 0 {
		return nil, fmt.Errorf("%q cannot be read; write it as in the file on one line, %s", text, o.val)
	}
	return resolve(doc.Content[0]), nil
}
