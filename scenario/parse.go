package scenario

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/config"
	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/kpi"
)

// File is a scenario file that was read.
type File struct {
	Name      string
	Scenarios []*Scenario
}

// Scenario is a history with expectations.
type Scenario struct {
	Name string // "" where the file has no line that begins one
	Line int

	file       string
	config     *config.Config
	statements []statement
}

// statement is one line.
type statement struct {
	line     int
	text     string
	messages []message // of event
	advance  int64     // of advance, Unix ms
	moves    bool      // whether it is an advance
	expect   expectation
}

// message is one event as it would come from a topic.
type message struct {
	id    string // for people
	value []byte
	line  int
}

// maxErrors is how many mistakes of a file are told.
const maxErrors = 10

// Parse reads a scenario file. Base is the text of a configuration whose
// settings hold where the file has none of its own. The error is of type Errors.
func Parse(name string, text, base string) (*File, error) {
	text = strings.TrimPrefix(text, "\ufeff") // a byte order mark
	p := &parser{file: &File{Name: name}, base: base, lines: strings.Split(text, "\n"), places: map[string]int{}}
	if !utf8.ValidString(text) {
		return nil, Errors{{File: name, Line: 1, Column: 1, Text: "the file is not UTF-8"}}
	}
	for p.at < len(p.lines) && len(p.errors) < maxErrors {
		p.at++
		p.line(p.lines[p.at-1])
	}
	p.close()
	if len(p.errors) > 0 {
		return nil, p.errors
	}
	if !slices.ContainsFunc(p.file.Scenarios, func(s *Scenario) bool { return len(s.statements) > 0 }) {
		return nil, Errors{{File: name, Line: 1, Column: 1, Text: "there is nothing in it; write events and what to expect of them"}}
	}
	return p.file, nil
}

type parser struct {
	file   *File
	base   string
	lines  []string
	at     int // number of the line that is read
	errors Errors

	shared  []setting // of all scenarios
	own     []setting // of this one
	current *Scenario
	decided bool // the settings are
	broken  bool // they are wrong, so that nothing behind them can be read

	zone     *time.Location
	calendar *civil.Calendar
	now      int64 // Unix ms: of the last at or advance
	started  bool  // now is known
	latest   int64 // Unix ms: how far time has come
	places   map[string]int
	count    int // events so far, for their ids
}

// setting is a key of the settings with its lines.
type setting struct {
	key   string
	line  int
	lines []string
}

func (p *parser) fail(line, column int, text string) {
	p.errors = append(p.errors, &Error{File: p.file.Name, Line: line, Column: column, Text: text})
}

// line reads one line.
func (p *parser) line(text string) {
	list, err := tokens(text)
	if err == nil && len(list) == 0 {
		return
	}
	if err == nil {
		err = p.statement(text, &words{list: list, end: utf8.RuneCountInString(strings.TrimRight(text, " \t\r")) + 1})
	}
	if err == nil {
		return
	}
	column := 1
	if w := (*wrong)(nil); errors.As(err, &w) {
		column = w.column
	}
	p.fail(p.at, column, err.Error())
}

var statements = []string{"scenario", "settings", "at", "event", "advance", "expect"}

func (p *parser) statement(text string, w *words) error {
	word, err := w.next("a statement")
	if err != nil {
		return err
	}
	switch word.text {
	case "scenario":
		_, title, _ := strings.Cut(strings.TrimSpace(text), "scenario")
		return p.begin(word, strings.Trim(strings.TrimSpace(strings.SplitN(title, " #", 2)[0]), `"`))
	case "settings":
		if err := w.done(); err != nil {
			return err
		}
		return p.settings(word)
	case "at", "event", "advance", "expect":
	default:
		return wrongAt(word, "a line begins with scenario, settings, at, event, advance or expect, not with %q%s", word.text, meant(word.text, statements))
	}
	p.decide()
	if p.broken {
		return nil // it has been told
	}
	s := statement{line: p.at, text: strings.TrimSpace(text)}
	switch word.text {
	case "at":
		err = p.moment(w, &p.now)
		p.started = p.started || err == nil
	case "advance":
		s.moves = true
		err = p.advance(w, &s.advance)
	case "event":
		s.messages, err = p.event(text, w)
	case "expect":
		s.expect, err = p.expectation(w)
	}
	if err == nil {
		err = w.done()
	}
	if err == nil && word.text != "at" {
		p.current.statements = append(p.current.statements, s)
	}
	return err
}

// meant guesses what was meant.
func meant(word string, words []string) string {
	if near := kpi.NearestOf(word, words); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return ""
}

// begin ends the scenario before and begins another.
func (p *parser) begin(word token, name string) error {
	if name == "" {
		return wrongAt(word, "a scenario has a name; write it behind the word")
	}
	if p.current == nil {
		p.shared, p.own = p.own, nil
		if p.decided {
			return wrongAt(word, "there are statements before the first scenario; put them into it")
		}
	} else if len(p.current.statements) == 0 && !p.broken {
		p.fail(p.current.Line, 1, fmt.Sprintf("scenario %q is empty; write events and what to expect of them", p.current.Name))
	}
	p.current = &Scenario{Name: name, Line: p.at, file: p.file.Name}
	p.file.Scenarios = append(p.file.Scenarios, p.current)
	p.own, p.decided, p.broken, p.started, p.latest, p.count = nil, false, false, false, 0, 0
	return nil
}

func (p *parser) close() {
	if p.current != nil && len(p.current.statements) == 0 && len(p.errors) == 0 {
		p.fail(p.current.Line, 1, fmt.Sprintf("scenario %q is empty; write events and what to expect of them", p.current.Name))
	}
}

// settings takes the indented lines that follow: YAML as in tidemark.yaml.
func (p *parser) settings(word token) error {
	if p.decided {
		return wrongAt(word, "settings stand before the first at, event, advance or expect of their scenario; move them there")
	}
	indent := ""
	n := len(p.own)
	for ; p.at < len(p.lines); p.at++ {
		text := strings.TrimRight(p.lines[p.at], " \t\r")
		blank := strings.TrimSpace(text) == "" || strings.HasPrefix(strings.TrimSpace(text), "#")
		lead := text[:len(text)-len(strings.TrimLeft(text, " \t"))]
		if lead == "" && !blank {
			break
		}
		if indent == "" && !blank {
			indent = lead
		}
		inner := strings.TrimPrefix(text, indent)
		key, _, _ := strings.Cut(inner, ":")
		if top := inner != "" && !strings.HasPrefix(inner, " ") && !strings.HasPrefix(inner, "\t") && !strings.HasPrefix(inner, "-"); top && !blank {
			p.own = append(p.own, setting{key: key, line: p.at + 1})
		} else if len(p.own) == n {
			continue // a comment, or YAML that will be refused with what follows
		}
		if last := len(p.own) - 1; last >= n {
			p.own[last].lines = append(p.own[last].lines, inner)
		}
	}
	if len(p.own) == n {
		return wrongAt(word, "no settings follow; write them below, indented, as in tidemark.yaml")
	}
	return nil
}

// decide makes the configuration of a scenario, once.
func (p *parser) decide() {
	if p.decided {
		return
	}
	p.decided = true
	if p.current == nil {
		p.current = &Scenario{Line: p.at, file: p.file.Name}
		p.file.Scenarios = append(p.file.Scenarios, p.current)
	}
	c, err := config.Parse([]byte(p.configuration()), config.Options{KPIs: kpi.Single(), Windows: kpi.SingleWindows()})
	if err != nil {
		p.broken = true
		for line := range strings.Lines(err.Error()) {
			at, text := p.place(strings.TrimSpace(line))
			p.fail(at, 1, text)
		}
		return
	}
	p.current.config = c
	if p.zone, err = c.Location(); err != nil {
		p.broken = true
		p.fail(p.at, 1, err.Error())
		return
	}
	p.calendar = civil.NewCalendar(p.zone)
}

// configuration is the YAML of the settings that hold: the scenario's own before
// those of the file, these before the base's. Each line keeps its number.
func (p *parser) configuration() string {
	lines := make([]string, len(p.lines))
	seen := map[string]bool{}
	for _, list := range [][]setting{p.own, p.shared} {
		keys := map[string]bool{}
		for _, s := range list {
			if seen[s.key] {
				continue
			}
			keys[s.key] = true
			copy(lines[s.line-1:], s.lines)
		}
		for k := range keys {
			seen[k] = true
		}
	}
	keep := true
	for line := range strings.Lines(withoutMark(p.base)) {
		if key, _, ok := strings.Cut(line, ":"); ok && line[0] != ' ' && line[0] != '\t' && line[0] != '-' && line[0] != '#' {
			keep = !seen[key]
		}
		if keep {
			lines = append(lines, strings.TrimRight(line, "\n"))
		}
	}
	return strings.Join(lines, "\n")
}

// withoutMark blanks out the mark that a YAML text may begin its document with:
// behind other lines it would begin another.
func withoutMark(text string) string {
	at := 0
	for line := range strings.Lines(text) {
		content := strings.TrimSpace(line)
		if mark, rest, _ := strings.Cut(content, " "); mark == "---" && line[0] == '-' {
			return text[:at] + rest + text[at+len(strings.TrimRight(line, " \t\r\n")):]
		} else if content != "" && content[0] != '#' {
			return text
		}
		at += len(line)
	}
	return text
}

// place finds the line of an error of the configuration, which begins with
// "configuration:LINE: " where it is known.
func (p *parser) place(text string) (int, string) {
	rest, ok := strings.CutPrefix(text, "configuration:")
	var line int
	if ok {
		if n, err := fmt.Sscanf(rest, "%d:", &line); n == 1 && err == nil && line <= len(p.lines) {
			_, rest, _ = strings.Cut(rest, ": ")
			return line, rest
		}
	}
	return p.at, strings.TrimSpace(rest)
}

// decoder says how the events of a scenario are decoded.
func (s *Scenario) decoder() event.Options {
	o := event.Options{Prefix: s.config.Kafka.TypePrefix, Currency: s.config.Currency, Currencies: map[event.Currency]bool{},
		UnknownType: string(s.config.UnknownType)}
	for _, r := range s.config.Rates {
		o.Currencies[r.Currency] = true
	}
	return o
}
