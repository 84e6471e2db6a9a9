package ingest

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/vm"

	"github.com/tidemark-io/tidemark/config"
)

// source is a compiled field: where one value of each row comes from.
type source struct {
	constant string
	column   int // index of the cell; -1: none
	program  *vm.Program
	name     string // of the column, "" for what is none
}

// scope is what expressions can see: the cells by the names of their columns.
//
// Making a row visible costs more than all else that is done with it, so it is
// done once a row, and only for the columns that some expression mentions.
type scope struct {
	table   string // the file
	columns []string
	env     map[string]any
	cells   map[string]string
	named   []int // columns that expressions mention
	any     bool  // there are expressions
	all     bool  // some use cells, so that it may be any column
	number  int64 // of the row that is visible, 0: none
}

var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// newScope makes the names of expressions. The columns whose names can be
// words of an expression are; all are in cells.
func newScope(table string, columns []string) *scope {
	s := &scope{table: table, columns: columns, env: map[string]any{}, cells: map[string]string{}}
	for i, name := range columns {
		s.cells[name] = ""
		s.cells["#"+strconv.Itoa(i+1)] = ""
		if identifier.MatchString(name) {
			s.env[name] = ""
		}
	}
	s.env["cells"] = s.cells
	s.env["row"] = 0
	return s
}

// set makes a row visible to expressions.
func (s *scope) set(cells []string, number int64) {
	if !s.any || s.number == number {
		return
	}
	s.number = number
	for _, i := range s.named {
		s.env[s.columns[i]] = cells[i]
	}
	if s.all {
		for i, name := range s.columns {
			s.cells["#"+strconv.Itoa(i+1)] = cells[i]
			s.cells[name] = cells[i]
		}
	}
	s.env["row"] = int(number)
}

var word = regexp.MustCompile(`[A-Za-z_$][A-Za-z0-9_]*`)

// mention notes what an expression can see: the columns that it has words for.
func (s *scope) mention(text string) {
	s.any = true
	for _, w := range word.FindAllString(text, -1) {
		i := slices.Index(s.columns, w)
		switch {
		case w == "cells", strings.HasPrefix(w, "$"): // $env has all of them
			s.all = true
			for k, name := range s.columns {
				if s.isWord(name) && !slices.Contains(s.named, k) {
					s.named = append(s.named, k)
				}
			}
		case i >= 0 && s.isWord(w) && !slices.Contains(s.named, i):
			s.named = append(s.named, i)
		}
	}
}

// isWord says whether a column can be named in an expression.
func (s *scope) isWord(name string) bool {
	return name != "cells" && name != "row" && identifier.MatchString(name)
}

// compile compiles an expression. What would give another result at another
// time, or in another order, is not offered: an import must be repeatable.
func (s *scope) compile(text string, options ...expr.Option) (*vm.Program, error) {
	options = append(options, expr.Env(s.env))
	for _, name := range []string{"now", "keys", "values", "toPairs"} {
		options = append(options, expr.DisableBuiltin(name))
	}
	p, err := expr.Compile(text, options...)
	if err != nil {
		first, _, _ := strings.Cut(err.Error(), "\n")
		return nil, fmt.Errorf("the expression %q cannot be read: %s", text, first)
	}
	for _, w := range word.FindAllString(text, -1) {
		if err := s.ambiguous(w); err != nil {
			return nil, err
		}
	}
	node := p.Node()
	asked := asksCells{may: map[string]bool{}}
	ast.Walk(&node, &asked)
	for _, name := range asked.must {
		if err := s.cell(name); err != nil && !asked.may[name] {
			return nil, err
		}
	}
	s.mention(text)
	return p, nil
}

// asksCells are the names that an expression asks cells for.
type asksCells struct {
	must []string
	may  map[string]bool // it asks first whether they are there
}

// Visit is ast.Visitor's.
func (a *asksCells) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.MemberNode:
		if name, ok := n.Property.(*ast.StringNode); ok && isCells(n.Node) {
			a.must = append(a.must, name.Value)
		}
	case *ast.BinaryNode:
		if name, ok := n.Left.(*ast.StringNode); ok && n.Operator == "in" && isCells(n.Right) {
			a.may[name.Value] = true
		}
	}
}

func isCells(n ast.Node) bool {
	name, ok := n.(*ast.IdentifierNode)
	return ok && name.Value == "cells"
}

// cell refuses a name that cells does not have, and would answer with an empty text.
func (s *scope) cell(name string) error {
	if _, ok := s.cells[name]; ok {
		return s.ambiguous(name)
	}
	if strings.HasPrefix(name, "#") {
		return s.noNumber(name)
	}
	return fmt.Errorf("%s has no column %q; the nearest is %q", s.table, name, config.Nearest(name, s.columns))
}

func (s *scope) noNumber(name string) error {
	return fmt.Errorf("%s has no column %s; it has %d", s.table, name, len(s.columns))
}

// source compiles a field.
func (s *scope) source(f Field) (source, error) {
	if f.constant {
		return source{constant: f.text, column: -1}, nil
	}
	if text, ok := strings.CutPrefix(f.text, "="); ok {
		p, err := s.compile(text)
		if err != nil {
			return source{}, err
		}
		return source{program: p, column: -1}, nil
	}
	i := slices.Index(s.columns, f.text)
	if number, ok := strings.CutPrefix(f.text, "#"); ok && i < 0 {
		n, err := strconv.Atoi(number)
		if err != nil || n < 1 || n > len(s.columns) {
			return source{}, s.noNumber(f.text)
		}
		i = n - 1
	}
	switch {
	case i < 0 && len(s.columns) == 1:
		return source{}, fmt.Errorf("%s has no column %q, it has one only, %q; is format.separator right?", s.table, f.text, s.columns[0])
	case i < 0:
		return source{}, fmt.Errorf("%s has no column %q; the nearest is %q (a constant is written {value: %s}, an expression begins with =)",
			s.table, f.text, config.Nearest(f.text, s.columns), f.text)
	}
	if err := s.ambiguous(f.text); err != nil {
		return source{}, err
	}
	return source{column: i, name: s.columns[i]}, nil
}

// ambiguous refuses a name that two columns have.
func (s *scope) ambiguous(name string) error {
	first := slices.Index(s.columns, name)
	if first < 0 {
		return nil
	}
	if second := slices.Index(s.columns[first+1:], name); second >= 0 {
		return fmt.Errorf("%s has two columns %q, %d and %d; name the one by its number, as \"#%d\"", s.table, name, first+1, first+second+2, first+1)
	}
	return nil
}

// value returns the field's value in the row that the scope was set to.
func (v *source) value(s *scope, cells []string) (string, error) {
	switch {
	case v.program != nil:
		out, err := vm.Run(v.program, s.env)
		if err != nil {
			first, _, _ := strings.Cut(err.Error(), "\n")
			return "", fmt.Errorf("the expression fails: %s", first)
		}
		return written(out)
	case v.column >= 0:
		return cells[v.column], nil
	}
	return v.constant, nil
}

// where names the column for people, "" where the value is of no single one.
func (v *source) where() string {
	if v.column < 0 {
		return ""
	}
	if v.name == fmt.Sprintf("#%d", v.column+1) {
		return fmt.Sprintf("column %d", v.column+1)
	}
	return fmt.Sprintf("column %d (%s)", v.column+1, v.name)
}

// written writes the result of an expression as a cell would hold it.
func written(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case int:
		return strconv.Itoa(v), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return "", fmt.Errorf("the expression gives %v, which is no number", v)
		}
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	}
	return "", fmt.Errorf("the expression gives a %T; make it a text or a number", v)
}
