package ingest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

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
	root     *yaml.Node // the file, to say where something stands
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
	When       *string          `yaml:"when"` // an expression: only rows where it is true
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
	given    bool
}

// UnmarshalYAML reads a field.
func (f *Field) UnmarshalYAML(n *yaml.Node) error {
	f.given = true
	if n.Kind == yaml.MappingNode && len(n.Content) == 2 && n.Content[0].Value == "value" && n.Content[1].Kind == yaml.ScalarNode {
		f.text, f.constant = n.Content[1].Value, true
		return nil
	}
	if n.Kind != yaml.ScalarNode || n.Value == "" {
		return fmt.Errorf("line %d, column %d: this is no field; write the name of a column, \"#2\" for the second, \"= …\" for an expression, or {value: …}", n.Line, n.Column)
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
	if !utf8.Valid(b) {
		return nil, m.wrong(nil, "the file is not UTF-8")
	}
	root, more := &yaml.Node{}, yaml.Node{}
	if err := yaml.Unmarshal(b, root); err != nil {
		return nil, m.yamlError(err)
	}
	m.root = root
	d := yaml.NewDecoder(strings.NewReader(string(b)))
	d.KnownFields(true)
	if err := d.Decode(m); err != nil && !errors.Is(err, io.EOF) {
		return nil, m.yamlError(err)
	}
	if err := d.Decode(&more); err == nil {
		return nil, fmt.Errorf("%s:%d:%d: a second document begins here, and would not be read; write all events into one", name, more.Line, more.Column)
	} else if !errors.Is(err, io.EOF) {
		return nil, m.yamlError(err)
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	return m, nil
}

// check refuses what no row could be read with.
func (m *Mapping) check() error {
	if p := emptyIn(m.root); p != nil {
		return m.wrong(p, "it is empty; give it a value, one such as null or ~ in quotes, or leave it out")
	}
	if len(m.Events) == 0 {
		return m.wrong(nil, "it makes no events; add them under events")
	}
	for i, pattern := range m.Files {
		if _, err := filepath.Match(pattern, ""); err != nil {
			return m.wrong(path{"files", index(i)}, "%q is no pattern; write one such as orders*.csv", pattern)
		}
	}
	if m.TimeZone != "" {
		var err error
		if m.location, err = time.LoadLocation(m.TimeZone); err != nil || m.TimeZone == "Local" {
			return m.wrong(path{"time_zone"}, "%q is no IANA time zone; write one such as America/New_York", m.TimeZone)
		}
	}
	if _, ok := m.Format.separator(); !ok {
		return m.wrong(path{"format", "separator"}, "%q is none; write comma, tab, semicolon, whitespace, or one character", m.Format.Separator)
	}
	if m.Format.Skip < 0 {
		return m.wrong(path{"format", "skip"}, "it is less than 0; write how many lines stand before the table")
	}
	if m.Format.Header != nil && !*m.Format.Header && m.Format.Columns == nil {
		m.Format.Columns = []string{}
	}
	for i := range m.Events {
		if err := m.checkEvent(path{"events", index(i)}, &m.Events[i]); err != nil {
			return err
		}
	}
	return nil
}

// index is an entry of a list in a path.
func index(i int) string { return fmt.Sprintf("[%d]", i) }

func (m *Mapping) checkEvent(at path, e *EventMapping) error {
	keys, ok := dataKeys[e.Type]
	if !ok {
		return m.wrong(at.to("type"), "%q is no type of event; write login, purchase, cancellation, survey or signal", e.Type)
	}
	if !e.Customer.given {
		return m.wrong(at, "it has no customer; say which column holds it")
	}
	if err := m.checkMoment(at, "time", &e.Time); err != nil {
		return err
	}
	if e.Effective != nil {
		if e.Type != "cancellation" {
			return m.wrong(at.to("effective"), "it belongs to cancellations; leave it out")
		}
		if err := m.checkMoment(at, "effective", e.Effective); err != nil {
			return err
		}
	}
	names := sortedKeys(keys)
	if e.Type == "survey" {
		names = append(names, answerPrefix+"NAME")
	}
	for _, key := range sortedKeys(e.Data) {
		answer, isAnswer := strings.CutPrefix(key, answerPrefix)
		if _, ok := keys[key]; !ok && (e.Type != "survey" || !isAnswer || answer == "") {
			return m.wrong(at.to("data", key), "unknown key; the nearest that a %s has is %q", e.Type, config.Nearest(key, names))
		}
	}
	return nil
}

// checkMoment refuses a moment without a source, or with a format that is none.
func (m *Mapping) checkMoment(at path, key string, t *Moment) error {
	if !t.From.given {
		return m.wrong(at, "it has no %s; write %s: {from: COLUMN}", key, key)
	}
	at = at.to(key)
	switch t.Format {
	case "", "rfc3339", "unix", "unix_ms":
	case "days":
		if !t.Since.given {
			return m.wrong(at, "it counts days from no day; write since, as {value: 2013-10-01}")
		}
		return nil
	default:
		if !strings.Contains(t.Format, "06") {
			return m.wrong(at.to("format"), "%q has no year; write rfc3339, unix, unix_ms, days, or how 2006-01-02 15:04:05 would stand there", t.Format)
		}
	}
	if t.Since.given {
		return m.wrong(at.to("since"), "it belongs to the format days; leave it out")
	}
	return nil
}

var separators = map[string]rune{"": ',', "comma": ',', "tab": '\t', "semicolon": ';', "whitespace": ' '}

// separator returns the character between cells, false where it is none; ' ' is
// any run of blanks.
func (f Format) separator() (rune, bool) {
	if r, ok := separators[f.Separator]; ok {
		return r, true
	}
	runes := []rune(f.Separator)
	if len(runes) != 1 || slices.Contains([]rune{'"', '\r', '\n', '\uFFFD', 0}, runes[0]) {
		return 0, false
	}
	return runes[0], true
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
