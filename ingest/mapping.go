package ingest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/tidemark-io/tidemark/config"
)

// Mapping says what events the rows of a table are. examples/README.md explains
// every key, and mappings for published data sets lie beside it.
type Mapping struct {
	Name string `yaml:"-"` // of its file

	Files    []string       `yaml:"files"`     // patterns of names it is for; none: any table
	Source   string         `yaml:"source"`    // of the events; "": "import/" and the file's name
	TimeZone string         `yaml:"time_zone"` // of times without one; "": the workspace's
	Format   Format         `yaml:"format"`
	Events   []EventMapping `yaml:"events"`

	location *time.Location
}

// Format says how a table is written.
type Format struct {
	Separator string   `yaml:"separator"` // "comma" (unless given), "tab", "semicolon", "whitespace" or one character
	Header    *bool    `yaml:"header"`    // whether the first line names the columns; true unless given
	Columns   []string `yaml:"columns"`   // names of the columns, in place of the header's
	Skip      int      `yaml:"skip"`      // lines before the table
	Empty     []string `yaml:"empty"`     // texts that mean nothing is there, such as NA
}

// EventMapping makes one event of a row.
type EventMapping struct {
	Type       string           `yaml:"type"` // login, purchase, cancellation, survey or signal
	When       string           `yaml:"when"` // an expression: only rows where it is true
	ID         Field            `yaml:"id"`   // unless given: the file's name and the row's number
	Customer   Field            `yaml:"customer"`
	Time       Moment           `yaml:"time"`
	Effective  *Moment          `yaml:"effective"` // of cancellations
	Data       map[string]Field `yaml:"data"`
	Attributes map[string]Field `yaml:"attributes"` // of the customer
}

// Moment says where a time comes from and how it is written.
type Moment struct {
	From   Field  `yaml:"from"`
	Format string `yaml:"format"` // "rfc3339" (unless given), "unix", "unix_ms", "days", or a layout as Go's time package has them
	Since  Field  `yaml:"since"`  // the day, as 2006-01-02, that "days" counts from
}

// Field says where a value comes from: the name of a column, "#2" for the
// second, "= …" for an expression over the columns, or {value: …} for the same
// value in each row.
type Field struct {
	text     string
	constant bool
	line     int
}

func (f Field) given() bool { return f.line != 0 }

// UnmarshalYAML reads a field.
func (f *Field) UnmarshalYAML(n *yaml.Node) error {
	f.line = n.Line
	if n.Kind == yaml.MappingNode && len(n.Content) == 2 && n.Content[0].Value == "value" && n.Content[1].Kind == yaml.ScalarNode {
		f.text, f.constant = n.Content[1].Value, true
		return nil
	}
	if n.Kind != yaml.ScalarNode || n.Value == "" {
		return fmt.Errorf("line %d: this is no field; write the name of a column, \"#2\" for the second, \"= …\" for an expression, or {value: …}", n.Line)
	}
	f.text = n.Value
	return nil
}

// dataKeys lists the keys of data by type of event; those that are true are
// numbers in JSON.
var dataKeys = map[string]map[string]bool{
	"login": {"user": false},
	"purchase": {"order": false, "amount": false, "currency": false, "interval": false, "interval_count": true,
		"subscription": false, "recurring_amount": false, "plan": false, "refund_of": false},
	"cancellation": {"subscription": false, "reason": false},
	"survey": {"kind": false, "score": true, "scale.min": true, "scale.max": true, "respondent": false,
		"campaign": false, "ref": false, "comment": false},
	"signal": {"name": false, "value": true, "ref": false},
}

// answerPrefix begins the data keys of a survey's named scores.
const answerPrefix = "answers."

// LoadMapping reads a mapping file.
func LoadMapping(path string) (*Mapping, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read mapping: %w", err)
	}
	return ParseMapping(path, b)
}

// ParseMapping reads a mapping; name stands in its errors.
func ParseMapping(name string, b []byte) (*Mapping, error) {
	m := &Mapping{Name: name}
	d := yaml.NewDecoder(strings.NewReader(string(b)))
	d.KnownFields(true)
	if err := d.Decode(m); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %s", name, sentence(err))
	}
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return m, nil
}

var unknownField = regexp.MustCompile(`line (\d+): field (.*) not found in type ingest\.(\w+)`)

// sentence words an error of the YAML library for people.
func sentence(err error) string {
	m := unknownField.FindStringSubmatch(err.Error())
	if m == nil {
		return strings.TrimPrefix(strings.ReplaceAll(strings.TrimPrefix(err.Error(), "yaml: "), "unmarshal errors:\n  ", ""), "yaml: ")
	}
	types := map[string]any{"Mapping": Mapping{}, "Format": Format{}, "EventMapping": EventMapping{}, "Moment": Moment{}}
	var keys []string
	if v, ok := types[m[3]]; ok {
		for _, f := range reflect.VisibleFields(reflect.TypeOf(v)) {
			if key := f.Tag.Get("yaml"); key != "" && key != "-" {
				keys = append(keys, key)
			}
		}
	}
	return fmt.Sprintf("line %s: unknown key %q; the nearest valid key is %q", m[1], m[2], config.Nearest(m[2], keys))
}

// check refuses what no row could be read with.
func (m *Mapping) check() error {
	if len(m.Events) == 0 {
		return errors.New("it makes no events; add them under events")
	}
	for _, pattern := range m.Files {
		if _, err := filepath.Match(pattern, ""); err != nil {
			return fmt.Errorf("files: %q is no pattern; write one such as orders*.csv", pattern)
		}
	}
	if m.TimeZone != "" {
		var err error
		if m.location, err = time.LoadLocation(m.TimeZone); err != nil || m.TimeZone == "Local" {
			return fmt.Errorf("time_zone: %q is no IANA time zone; write one such as America/New_York", m.TimeZone)
		}
	}
	if _, err := m.Format.separator(); err != nil {
		return err
	}
	if m.Format.Skip < 0 {
		return errors.New("format.skip: it is less than 0; write how many lines stand before the table")
	}
	if m.Format.Header != nil && !*m.Format.Header && m.Format.Columns == nil {
		m.Format.Columns = []string{}
	}
	for i := range m.Events {
		if err := m.Events[i].check(); err != nil {
			return fmt.Errorf("events[%d]: %w", i, err)
		}
	}
	return nil
}

func (e *EventMapping) check() error {
	keys, ok := dataKeys[e.Type]
	if !ok {
		return fmt.Errorf("%q is no type of event; write login, purchase, cancellation, survey or signal", e.Type)
	}
	if !e.Customer.given() {
		return errors.New("it has no customer; say which column holds it")
	}
	if err := e.Time.check("time"); err != nil {
		return err
	}
	if e.Effective != nil {
		if e.Type != "cancellation" {
			return errors.New("effective belongs to cancellations; leave it out")
		}
		if err := e.Effective.check("effective"); err != nil {
			return err
		}
	}
	names := sortedKeys(keys)
	for _, key := range sortedKeys(e.Data) {
		if _, ok := keys[key]; !ok && (e.Type != "survey" || !strings.HasPrefix(key, answerPrefix)) {
			return fmt.Errorf("line %d: data has an unknown key %q; the nearest that a %s has is %q", e.Data[key].line, key, e.Type, config.Nearest(key, names))
		}
	}
	return nil
}

// check refuses a moment without a source, or with a format that is none.
func (t *Moment) check(key string) error {
	if !t.From.given() {
		return fmt.Errorf("it has no %s; write %s: {from: COLUMN}", key, key)
	}
	switch t.Format {
	case "", "rfc3339", "unix", "unix_ms":
	case "days":
		if !t.Since.given() {
			return fmt.Errorf("%s counts days from no day; write since, as {value: 2013-10-01}", key)
		}
		return nil
	default:
		if !strings.Contains(t.Format, "06") {
			return fmt.Errorf("%s: the format %q has no year; write rfc3339, unix, unix_ms, days, or how 2006-01-02 15:04:05 would stand there", key, t.Format)
		}
	}
	if t.Since.given() {
		return fmt.Errorf("%s: since belongs to the format days; leave it out", key)
	}
	return nil
}

var separators = map[string]rune{"": ',', "comma": ',', "tab": '\t', "semicolon": ';', "whitespace": ' '}

// separator returns the character between cells; ' ' is any run of blanks.
func (f Format) separator() (rune, error) {
	if r, ok := separators[f.Separator]; ok {
		return r, nil
	}
	runes := []rune(f.Separator)
	if len(runes) != 1 || slices.Contains([]rune{'"', '\r', '\n', '\uFFFD', 0}, runes[0]) {
		return 0, fmt.Errorf("format.separator: %q is none; write comma, tab, semicolon, whitespace, or one character", f.Separator)
	}
	return runes[0], nil
}

// matches says whether the mapping is for files of this base name.
func (m *Mapping) matches(base string) bool {
	if len(m.Files) == 0 {
		return true
	}
	return slices.ContainsFunc(m.Files, func(pattern string) bool {
		ok, err := filepath.Match(pattern, base)
		return ok && err == nil
	})
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
