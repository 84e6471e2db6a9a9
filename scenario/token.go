package scenario

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Error is a mistake in a scenario file.
type Error struct {
	File   string
	Line   int
	Column int    // in characters; 1 is the line's first
	Text   string // what is wrong and what to do
}

// Error returns one sentence: where, what, what to do.
func (e *Error) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Text)
}

// Errors are the mistakes of a file, in the order of its lines.
type Errors []*Error

// Error lists them, one a line.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, x := range e {
		lines[i] = x.Error()
	}
	return strings.Join(lines, "\n")
}

// token is a word of a line: what stands between blanks, with what is quoted.
type token struct {
	text   string // without quotes
	column int
	quoted bool // all of it, or a part
}

// wrong is a mistake at a column of the line that is being read.
type wrong struct {
	column int
	text   string
}

func (w *wrong) Error() string { return w.text }

func wrongAt(t token, format string, args ...any) error {
	return &wrong{t.column, fmt.Sprintf(format, args...)}
}

// tokens splits a line. A # begins a comment, at the beginning of a word; within
// "…" stands anything, a quote as \".
func tokens(line string) ([]token, error) {
	var out []token
	for i := 0; i < len(line); {
		switch c := line[i]; {
		case c == ' ' || c == '\t' || c == '\r':
			i++
			continue
		case c == '#':
			return out, nil
		}
		t := token{column: utf8.RuneCountInString(line[:i]) + 1}
		var b strings.Builder
		inside := false
		for ; i < len(line); i++ {
			c := line[i]
			if !inside && (c == ' ' || c == '\t' || c == '\r') {
				break
			}
			switch {
			case c == '"':
				inside, t.quoted = !inside, true
			case c == '\\' && inside && i+1 < len(line) && (line[i+1] == '"' || line[i+1] == '\\'):
				i++
				b.WriteByte(line[i])
			default:
				b.WriteByte(c)
			}
		}
		if t.text = b.String(); inside {
			return nil, wrongAt(t, "a quote is not closed; end it with \"")
		}
		out = append(out, t)
	}
	return out, nil
}

// words hands out the tokens of a line.
type words struct {
	list []token
	end  int // the column behind the last
}

// next takes the next token; what says what is missing where there is none.
func (w *words) next(what string) (token, error) {
	if len(w.list) == 0 {
		return token{}, &wrong{w.end, "the line ends here, and " + what + " is missing"}
	}
	t := w.list[0]
	w.list = w.list[1:]
	return t, nil
}

func (w *words) more() bool { return len(w.list) > 0 }

// is takes the next token if it is this word.
func (w *words) is(word string) bool {
	if len(w.list) > 0 && w.list[0].text == word && !w.list[0].quoted {
		w.list = w.list[1:]
		return true
	}
	return false
}

// done refuses what stands behind the end of a statement.
func (w *words) done() error {
	if len(w.list) == 0 {
		return nil
	}
	return wrongAt(w.list[0], "nothing is expected here; take %q away", w.list[0].text)
}

// pair splits KEY=VALUE.
func (t token) pair() (key, value string, ok bool) { return strings.Cut(t.text, "=") }
