package ingest

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"

	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/event"
)

// builder makes the events of one entry of a mapping.
type builder struct {
	mapping  *EventMapping
	scope    *scope
	calendar *civil.Calendar
	kind     string // the type attribute
	source   string // the source attribute
	base     string // what ids begin with
	suffix   string // what they end with, so that two events of a row differ
	when     *vm.Program
	// fields holds the compiled fields by what they are for: "id", "customer",
	// "time", "time since", "effective", "effective since", and the keys of data.
	fields     map[string]source
	data       []string // keys of data, those of inner objects last
	attributes []attribute
	writer     writer // its memory is used again
}

type attribute struct {
	name string
	source
}

// newBuilder compiles one entry of a mapping for the columns of a table.
func newBuilder(t *tableReader, e *EventMapping, number int) (*builder, error) {
	b := &builder{
		mapping: e, scope: t.scope, calendar: t.calendar, base: baseName(t.name),
		kind: t.options.Decoder.Prefix + e.Type, source: t.mapping.Source, fields: map[string]source{},
	}
	if b.source == "" {
		b.source = "import/" + b.base
	}
	if number > 0 {
		b.suffix = "/" + strconv.Itoa(number)
	}
	at := path{"events", index(number)}
	var err error
	if e.When != nil {
		if b.when, err = b.scope.compile(strings.TrimPrefix(*e.When, "="), expr.AsBool()); err != nil {
			return nil, t.mapping.wrong(at.to("when"), "%s", err)
		}
	}
	given := map[string]Field{"id": e.ID, "customer": e.Customer, "time": e.Time.From, "time since": e.Time.Since}
	if e.Effective != nil {
		given["effective"], given["effective since"] = e.Effective.From, e.Effective.Since
	}
	for key, f := range e.Data {
		given[key] = f
		b.data = append(b.data, key)
	}
	sortInnerLast(b.data)
	for _, key := range sortedKeys(given) {
		if !given[key].given {
			continue
		}
		if b.fields[key], err = b.scope.source(given[key]); err != nil {
			return nil, t.mapping.wrong(at.to(keysTo(key)...), "%s", err)
		}
	}
	for _, name := range sortedKeys(e.Attributes) {
		s, err := b.scope.source(e.Attributes[name])
		if err != nil {
			return nil, t.mapping.wrong(at.to("attributes", name), "%s", err)
		}
		b.attributes = append(b.attributes, attribute{name, s})
	}
	return b, nil
}

// keysTo is where a field of builder.fields stands below its entry.
func keysTo(field string) []string {
	switch field {
	case "id", "customer":
		return []string{field}
	case "time", "effective":
		return []string{field, "from"}
	}
	if moment, ok := strings.CutSuffix(field, " since"); ok {
		return []string{moment, "since"}
	}
	return []string{"data", field}
}

// columnOf names the column that an attribute comes from, or the attribute;
// "" where the mapping does not set it.
func (b *builder) columnOf(key string) string {
	s, ok := b.fields[key]
	if !ok {
		return ""
	}
	return cmp.Or(s.where(), key)
}

// emptyCell names what an event of this type cannot do without and finds nothing
// in its column; "" where nothing is missing, or it has no column.
func (b *builder) emptyCell(cells []string) string {
	for _, key := range needed[b.mapping.Type] {
		if s, ok := b.fields[key]; ok && s.column >= 0 && cells[s.column] == "" {
			return key
		}
	}
	return ""
}

// needed are the keys of data that have no default.
var needed = map[string][]string{"purchase": {"amount"}, "survey": {"kind", "score"}, "signal": {"name"}}

// build makes the event of a row, nil where the row has none; it is valid until
// the next one. The error lacks file and line.
func (b *builder) build(cells []string, number int64) ([]byte, *RowError) {
	b.scope.set(cells, number)
	if b.when != nil {
		out, err := vm.Run(b.when, b.scope.env)
		if err != nil {
			first, _, _ := strings.Cut(err.Error(), "\n")
			return nil, &RowError{Column: "when", Text: "the expression fails: " + first}
		}
		if out != true {
			return nil, nil
		}
	}
	w := &b.writer
	*w = writer{builder: b, cells: cells, out: w.out[:0]}
	id := ""
	if _, ok := b.fields["id"]; ok {
		id = w.required("id")
	} else {
		id = fmt.Sprintf("%s#%09d%s", b.base, number, b.suffix) // sorts by row as a text
	}
	w.out = append(w.out, `{"specversion":"1.0"`...)
	w.text("type", b.kind)
	w.text("source", b.source)
	w.text("id", id)
	w.text("subject", w.required("customer"))
	w.moment("time", b.mapping.Time.Format)
	w.out = append(w.out, `,"data":{`...)
	w.first = true
	if b.mapping.Effective != nil {
		w.moment("effective", b.mapping.Effective.Format)
	}
	signal := w.payload()
	if b.mapping.Type == event.Signal.String() {
		if ref := appendRef(nil, &signal, []byte(b.source), []byte(id)); ref != nil {
			w.text("ref", string(ref))
		}
	}
	w.customer()
	w.out = append(w.out, `}}`...)
	if w.wrong != nil {
		return nil, w.wrong
	}
	return w.out, nil
}

// writer writes one event. After the first mistake what it writes is not used.
type writer struct {
	*builder
	cells []string
	out   []byte
	first bool // the next member is the first of its object
	wrong *RowError
}

// refuse notes what is wrong; the first mistake holds.
func (w *writer) refuse(key, format string, args ...any) {
	if w.wrong == nil {
		w.wrong = &RowError{Column: w.columnOf(key), Text: fmt.Sprintf(format, args...)}
	}
}

// value returns the value of a field in this row.
func (w *writer) value(key string) string {
	s := w.fields[key]
	v, err := s.value(w.scope, w.cells)
	if err != nil {
		w.refuse(key, "%s: %s", key, err)
	}
	return v
}

func (w *writer) required(key string) string {
	v := w.value(key)
	if v == "" {
		w.refuse(key, "the %s is empty; fill it, or leave such rows out with when", key)
	}
	return v
}

// name writes the name of a member.
func (w *writer) name(name string) {
	if !w.first {
		w.out = append(w.out, ',')
	}
	w.first = false
	w.out = append(appendString(w.out, name), ':')
}

func (w *writer) text(name, value string) {
	w.name(name)
	w.out = appendString(w.out, value)
}

// moment writes a time.
func (w *writer) moment(key, format string) {
	since := ""
	if format == "days" {
		since = w.required(key + " since")
	}
	text := w.required(key)
	if w.wrong != nil {
		return
	}
	at, err := parseMoment(text, format, since, w.calendar)
	if err != nil {
		w.refuse(key, "%s %s", quoteCell(text), err)
		return
	}
	w.name(key)
	w.out = append(w.out, '"')
	w.out = append(event.AppendTime(w.out, at), '"')
}

var jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`)

// payload writes the members of data that have a value, and returns the name and
// the ref of a signal.
func (w *writer) payload() (signal event.SignalData) {
	open := ""
	for _, key := range w.data {
		v := w.value(key)
		if v == "" {
			continue
		}
		switch key {
		case "name":
			signal.Name = []byte(v)
		case "ref":
			signal.Ref = []byte(v)
		}
		outer, name, inner := strings.Cut(key, ".")
		if !inner {
			outer, name = "", key
		}
		if outer != open {
			if open != "" {
				w.out = append(w.out, '}')
				w.first = false
			}
			w.name(outer)
			w.out = append(w.out, '{')
			w.first, open = true, outer
		}
		if !inner && !dataKeys[w.mapping.Type][key] {
			w.text(name, v)
			continue
		}
		if !jsonNumber.MatchString(v) {
			w.refuse(key, "%s is %s, which is no number; correct it, or list it under format.empty", key, quoteCell(v))
		}
		w.name(name)
		w.out = append(w.out, v...)
	}
	if open != "" {
		w.out = append(w.out, '}')
		w.first = false
	}
	return signal
}

// customer writes the attributes of the customer that have a value.
func (w *writer) customer() {
	open := false
	for i := range w.attributes {
		a := &w.attributes[i]
		v, err := a.value(w.scope, w.cells)
		if err != nil && w.wrong == nil {
			w.wrong = &RowError{Column: "attributes." + a.name, Text: err.Error()}
		}
		if v == "" {
			continue
		}
		if !open {
			w.name("customer")
			w.out = append(w.out, '{')
			w.first, open = true, true
		}
		w.text(a.name, v)
	}
	if open {
		w.out = append(w.out, '}')
	}
}

// sortInnerLast sorts keys, those of inner objects ("scale.min") behind the
// others and beside each other.
func sortInnerLast(keys []string) {
	slices.SortFunc(keys, func(a, b string) int {
		x, y := strings.Contains(a, "."), strings.Contains(b, ".")
		if x != y && y {
			return -1
		} else if x != y {
			return 1
		}
		return strings.Compare(a, b)
	})
}

// appendString writes a JSON string; s is UTF-8.
func appendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}
