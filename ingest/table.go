package ingest

import (
	"bufio"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/event"
)

// rows reads the rows of a table. The cells are valid until the next call.
type rows interface {
	// next returns the cells and the line that the row begins on.
	next() ([]string, int, error)
}

// blanks are cells between blanks, without quotes.
type blanks struct {
	lines *bufio.Scanner
	line  int
}

func (b *blanks) next() ([]string, int, error) {
	for b.lines.Scan() {
		b.line++
		if cells := strings.Fields(b.lines.Text()); len(cells) > 0 {
			return cells, b.line, nil
		}
	}
	if err := b.lines.Err(); err != nil {
		return nil, b.line + 1, err
	}
	return nil, b.line, io.EOF
}

// quoted are cells between separators, that may be quoted as in RFC 4180.
type quoted struct {
	csv    *csv.Reader
	budget *budget
	skip   int // lines before the table
	line   int // on which the latest row ends
}

func (q *quoted) next() ([]string, int, error) {
	q.budget.left = maxLine + 1 // the one for the end of the file to be seen
	begin := q.csv.InputOffset()
	cells, err := q.csv.Read()
	if err != nil {
		line := q.line + 1
		if wrong := (*csv.ParseError)(nil); errors.As(err, &wrong) {
			line = wrong.StartLine + q.skip
		}
		return nil, line, err
	}
	first, _ := q.csv.FieldPos(0)
	if q.csv.InputOffset()-begin > maxLine { // what was read ahead with the row before is beside the budget
		return nil, first + q.skip, errLongRow
	}
	last, _ := q.csv.FieldPos(len(cells) - 1)
	q.line = last + strings.Count(cells[len(cells)-1], "\n") + q.skip
	return cells, first + q.skip, nil
}

var errLongRow = errors.New("the row is longer than 1 MiB; is a quote not closed?")

// budget refuses to read more than is left, so that a quote that is never
// closed does not fill the memory.
type budget struct {
	io.Reader
	left int
}

func (b *budget) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errLongRow
	}
	n, err := b.Reader.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// newRows begins to read a table, behind the lines to skip.
func newRows(in *input, f Format) (rows, error) {
	separator, _ := f.separator() // it is one: the mapping was checked
	for left := f.Skip; left > 0; {
		switch _, err := in.ReadSlice('\n'); {
		case err == nil:
			left--
		case errors.Is(err, io.EOF):
			left = 0
		case !errors.Is(err, bufio.ErrBufferFull): // else the line goes on
			return nil, err
		}
	}
	if separator == ' ' {
		lines := bufio.NewScanner(in)
		lines.Buffer(make([]byte, 64<<10), maxLine)
		return &blanks{lines: lines, line: f.Skip}, nil
	}
	b := &budget{Reader: in}
	c := csv.NewReader(b)
	c.Comma, c.ReuseRecord, c.FieldsPerRecord = separator, true, -1
	return &quoted{csv: c, budget: b, skip: f.Skip, line: f.Skip}, nil
}

// table reads a table through a mapping.
func (r *reader) table(in *input, name string, m *Mapping) error {
	if name == "-" && m.Source == "" {
		return fmt.Errorf("%s: rows of standard input have no file whose name could be in their ids; give the mapping a source", m.Name)
	}
	table, err := newRows(in, m.Format)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	t := &tableReader{reader: r, name: name, mapping: m, rows: table}
	if err := t.begin(); err != nil {
		return err
	}
	for t.number = 1; ; t.number++ {
		if more, err := t.one(); err != nil || !more {
			return err
		}
	}
}

// tableReader makes events of the rows of one table.
type tableReader struct {
	*reader
	name     string
	mapping  *Mapping
	rows     rows
	columns  []string
	scope    *scope
	calendar *civil.Calendar // of times without a zone
	events   []*builder
	number   int64    // of the row, 1 is the first below the header
	first    []string // the first row, where there is no header and it named the columns
	line     int      // of first
}

// begin learns the columns and compiles the mapping for them.
func (t *tableReader) begin() error {
	m := t.mapping
	t.columns = slices.Clone(m.Format.Columns)
	headed := m.Format.Header == nil || *m.Format.Header
	cells, line, err := t.rows.next()
	switch {
	case errors.Is(err, io.EOF) && len(t.columns) == 0:
		return fmt.Errorf("%s: the table is empty; its first line names the columns", t.name)
	case errors.Is(err, io.EOF):
		cells = nil
	case err != nil:
		return t.broken(line, err)
	case headed && !utf8.ValidString(strings.Join(cells, "")):
		return fmt.Errorf("%s:%d: the row %s", t.name, line, refusals[event.NotUTF8].text)
	}
	if headed {
		if len(t.columns) == 0 {
			t.columns = slices.Clone(cells)
			for i, c := range t.columns {
				t.columns[i] = strings.TrimSpace(c)
			}
		}
	} else {
		t.first, t.line = slices.Clone(cells), line
		for i := len(t.columns); i < len(cells); i++ {
			t.columns = append(t.columns, fmt.Sprintf("#%d", i+1))
		}
	}
	t.scope = newScope(t.name, t.columns)
	t.calendar = civil.NewCalendar(cmp.Or(m.location, t.options.Location))
	for i := range m.Events {
		b, err := newBuilder(t, &m.Events[i], i)
		if err != nil {
			return err
		}
		t.events = append(t.events, b)
	}
	return nil
}

// one makes the events of the next row, and says whether there was one.
func (t *tableReader) one() (bool, error) {
	cells, line := t.first, t.line
	t.first = nil
	if cells == nil {
		var err error
		if cells, line, err = t.rows.next(); errors.Is(err, io.EOF) {
			return false, nil
		} else if err != nil {
			return false, t.broken(line, err)
		}
	}
	if err := t.row(); err != nil {
		return false, err
	}
	if wrong := t.wrongRow(cells); wrong != "" {
		return true, t.bad.add(&RowError{File: t.name, Line: line, Text: wrong})
	}
	for i, c := range cells {
		if c = strings.TrimSpace(c); slices.Contains(t.mapping.Format.Empty, c) {
			c = ""
		}
		cells[i] = c
	}
	for before, i := t.bad.Count, 0; i < len(t.events) && t.bad.Count == before; i++ { // one mistake a row
		if err := t.event(t.events[i], cells, line); err != nil {
			return false, err
		}
	}
	return true, nil
}

// wrongRow says what is wrong with a row as a whole.
func (t *tableReader) wrongRow(cells []string) string {
	if len(cells) != len(t.columns) {
		return fmt.Sprintf("the row has %d cells, the table has %d columns; correct the row, or the separator", len(cells), len(t.columns))
	}
	for _, c := range cells {
		if !utf8.ValidString(c) {
			return "the row " + refusals[event.NotUTF8].text
		}
	}
	return ""
}

// event makes one event of a row and adds it.
func (t *tableReader) event(b *builder, cells []string, line int) error {
	value, wrong := b.build(cells, t.number)
	if wrong != nil {
		wrong.File, wrong.Line = t.name, line
		return t.bad.add(wrong)
	}
	if value == nil {
		return nil
	}
	reason, err := t.add(value)
	if reason == "" {
		return err
	}
	keys, text := refusal(reason)
	row := &RowError{File: t.name, Line: line, Text: "the " + b.mapping.Type + " " + text}
	if key := b.emptyCell(cells); reason == event.MissingField && key != "" {
		row.Column, row.Text = b.columnOf(key), key+" is empty; fill it, or leave such rows out with when"
		return t.bad.add(row)
	}
	var columns, names []string
	for _, key := range keys {
		// What effective is written as is a time in any case.
		if where := b.columnOf(key); where != "" && key != "effective" {
			columns, names = append(columns, where), append(names, key)
		}
	}
	if len(columns) > 0 {
		row.Column, row.Text = strings.Join(columns, " or "), text
		if said := strings.Join(names, " or "); said != row.Column {
			row.Text = said + " " + text
		}
	}
	return t.bad.add(row)
}

// broken words an error after which the rest of the file cannot be read.
func (t *tableReader) broken(line int, err error) error {
	switch {
	case errors.Is(err, bufio.ErrTooLong), errors.Is(err, errLongRow):
		return fmt.Errorf("%s:%d: %w", t.name, line, errLongRow)
	case errors.Is(err, csv.ErrBareQuote):
		return fmt.Errorf("%s:%d: a quote stands inside of a cell; correct it, or the separator", t.name, line)
	case errors.Is(err, csv.ErrQuote):
		return fmt.Errorf("%s:%d: a quote is not closed, or something follows its end; correct it, or the separator", t.name, line)
	}
	return fmt.Errorf("read %s: %w", t.name, err)
}
