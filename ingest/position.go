package ingest

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tidemark-io/tidemark/config"
)

// path is the keys from the top of a mapping file to a place in it, an index as
// [0]: events, [0], data, amount.
type path []string

// to is the path of something below.
func (p path) to(keys ...string) path { return append(p[:len(p):len(p)], keys...) }

// String writes the path for people: events[0].data.amount.
func (p path) String() string {
	return strings.ReplaceAll(strings.Join(p, "."), ".[", "[")
}

// locate gives line and column of what the path names, from 1 on: of its key or
// list entry, or of as much of it as there is.
func locate(root *yaml.Node, p path) (line, column int) {
	line, column = 1, 1
	if root == nil || len(root.Content) == 0 {
		return line, column
	}
	for n := root.Content[0]; len(p) > 0 && n != nil; p = p[1:] {
		var at *yaml.Node
		if at, n = child(n, p[0]); at != nil {
			line, column = at.Line, at.Column
		}
	}
	return line, column
}

// child finds the value below a key or index, and where it begins; nil where
// there is none.
func child(n *yaml.Node, key string) (at, value *yaml.Node) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == key {
				return n.Content[i], n.Content[i+1]
			}
		}
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(strings.Trim(key, "[]")); err == nil && i < len(n.Content) {
			return n.Content[i], n.Content[i]
		}
	}
	return nil, nil
}

// emptyIn finds the first value below a node that YAML reads as nothing: a key
// with nothing behind it would count as one that is left out. It is nil where
// there is none, and where the whole file is empty.
func emptyIn(n *yaml.Node) path {
	for i, value := range n.Content {
		var key string
		switch {
		case n.Kind == yaml.MappingNode && i%2 == 1:
			key = n.Content[i-1].Value
		case n.Kind == yaml.SequenceNode:
			key = index(i)
		case n.Kind == yaml.DocumentNode:
			return emptyIn(value)
		default:
			continue
		}
		if value.ShortTag() == "!!null" {
			return path{key}
		}
		if below := emptyIn(value); below != nil {
			return append(path{key}, below...)
		}
	}
	return nil
}

// wrong is a mistake in the mapping as one sentence: file, line, column, what
// and what to do.
func (m *Mapping) wrong(p path, format string, args ...any) error {
	line, column := locate(m.root, p)
	where := fmt.Sprintf("%s:%d:%d: ", m.Name, line, column)
	if len(p) > 0 {
		where += p.String() + ": "
	}
	return errors.New(where + fmt.Sprintf(format, args...))
}

var (
	yamlLine     = regexp.MustCompile(`^(?:yaml: )?line (\d+)(?:, column (\d+))?: (.*)`)
	unknownField = regexp.MustCompile(`^field (.*) not found in type ingest\.(\w+)`)
	wrongKind    = regexp.MustCompile(`^cannot unmarshal (!!\w+)(?: .*)? into (.*)`)
)

// yamlError words what the YAML library says of the file, a sentence each.
func (m *Mapping) yamlError(err error) error {
	said := []string{err.Error()}
	if several := (*yaml.TypeError)(nil); errors.As(err, &several) {
		said = several.Errors
	}
	for i, text := range said {
		where, syntax := m.Name, strings.HasPrefix(text, "yaml: ")
		if syntax && !yamlLine.MatchString(text) {
			where += ":1" // the library leaves out the first line
		}
		if at := yamlLine.FindStringSubmatch(text); at != nil {
			text = at[3]
			where += ":" + at[1]
			if column := m.columnOf(at[1], text); at[2] == "" && column != "" {
				where += ":" + column
			} else if at[2] != "" {
				where += ":" + at[2]
			}
		}
		if text = strings.TrimPrefix(text, "yaml: "); syntax {
			text = "it cannot be read as YAML: " + text
		}
		said[i] = where + ": " + inWords(text)
	}
	return errors.New(strings.Join(said, "\n"))
}

// columnOf finds the column of the unknown key that a message is about.
func (m *Mapping) columnOf(line, text string) string {
	field := unknownField.FindStringSubmatch(text)
	if field == nil || m.root == nil {
		return ""
	}
	column := ""
	var walk func(*yaml.Node)
	walk = func(n *yaml.Node) {
		if n.Value == field[1] && strconv.Itoa(n.Line) == line && column == "" {
			column = strconv.Itoa(n.Column)
		}
		for _, c := range n.Content {
			walk(c)
		}
	}
	walk(m.root)
	return column
}

// inWords words a message of the YAML library for people.
func inWords(text string) string {
	if field := unknownField.FindStringSubmatch(text); field != nil {
		return fmt.Sprintf("unknown key %q; the nearest valid key is %q", field[1], config.Nearest(field[1], keysOf(field[2])))
	}
	if kind := wrongKind.FindStringSubmatch(text); kind != nil {
		return fmt.Sprintf("%s stands where %s belongs; examples/README.md explains the keys", standing[kind[1]], belonging(kind[2]))
	}
	return text
}

// keysOf lists the keys of a type of this package.
func keysOf(name string) []string {
	types := map[string]any{"Mapping": Mapping{}, "Format": Format{}, "EventMapping": EventMapping{}, "Moment": Moment{}}
	var keys []string
	if v, ok := types[name]; ok {
		for _, f := range reflect.VisibleFields(reflect.TypeOf(v)) {
			if key := f.Tag.Get("yaml"); key != "" && key != "-" {
				keys = append(keys, key)
			}
		}
	}
	return keys
}

// standing words YAML's tags.
var standing = map[string]string{"!!str": "a text", "!!int": "a number", "!!float": "a number", "!!bool": "true or false", "!!map": "a group of keys", "!!seq": "a list", "!!null": "nothing"}

// belonging words the Go type that a value is read into.
func belonging(kind string) string {
	switch {
	case kind == "string":
		return "a text"
	case kind == "int":
		return "a whole number"
	case kind == "bool":
		return "true or false"
	case strings.HasPrefix(kind, "[]"):
		return "a list"
	}
	return "a group of keys"
}
