// Command kpidoc writes the reference part of docs/kpis.md from the registry of
// KPIs and the doc comments beside their formulas, so that the code is the one
// place where a KPI is explained. Run it in the checkout's root:
//
//	go run ./internal/kpidoc
//
// What stands above the mark in the file is written by hand and stays.
package main

import (
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tidemark-io/tidemark/kpi"
)

const (
	sources = "kpi"
	target  = "docs/kpis.md"
	mark    = "<!-- What follows is generated from the package kpi: go run ./internal/kpidoc -->"
)

func main() {
	if err := run("."); err != nil {
		fmt.Fprintln(os.Stderr, "kpidoc:", err)
		os.Exit(1)
	}
}

func run(root string) error {
	path := filepath.Join(root, target)
	old, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read the page: %w", err)
	}
	page, err := page(string(old), filepath.Join(root, sources))
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}

// page is the old page with a new reference below the mark.
func page(old, dir string) (string, error) {
	head, _, ok := strings.Cut(old, mark)
	if !ok {
		return "", fmt.Errorf("%s has no line %q", target, mark)
	}
	groups, err := read(dir)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString(head + mark + "\n")
	for _, g := range groups {
		b.WriteString("\n" + g.markdown())
	}
	return b.String(), nil
}

// group is some KPIs that one comment explains.
type group struct {
	title string
	paras []string // "Formula: …", "Edge cases: …"
	kpis  []kpi.KPI
	place int // of its first KPI in the registry
}

// read returns the groups of the package in the folder, in the registry's order.
func read(dir string) ([]group, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, fmt.Errorf("look for sources: %w", err)
	}
	var parsed []*ast.File
	set := token.NewFileSet()
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(set, name, nil, parser.ParseComments)
		if err != nil {
			return nil, fmt.Errorf("parse: %w", err)
		}
		parsed = append(parsed, f)
	}
	place, err := registered(parsed)
	if err != nil {
		return nil, err
	}
	var out []group
	described := 0
	for _, f := range parsed {
		for _, d := range f.Decls {
			if g, ok := explained(d, place); ok {
				out = append(out, g)
				described += len(g.kpis)
			}
		}
	}
	if described != len(kpi.All()) {
		return nil, fmt.Errorf("comments explain %d KPIs of %d", described, len(kpi.All()))
	}
	slices.SortFunc(out, func(a, b group) int { return cmp.Compare(a.place, b.place) })
	return out, nil
}

// registered maps the names of the package's variables to their place in the
// registry: the variable all lists them in the order of kpi.All.
func registered(files []*ast.File) (map[string]int, error) {
	for _, f := range files {
		for _, d := range f.Decls {
			decl, ok := d.(*ast.GenDecl)
			if !ok || decl.Tok != token.VAR {
				continue
			}
			for _, s := range decl.Specs {
				if v := s.(*ast.ValueSpec); v.Names[0].Name == "all" && len(v.Values) == 1 {
					return places(v.Values[0])
				}
			}
		}
	}
	return nil, errors.New("the package has no list of all KPIs")
}

func places(v ast.Expr) (map[string]int, error) {
	list, ok := v.(*ast.CompositeLit)
	if !ok || len(list.Elts) != len(kpi.All()) {
		return nil, errors.New("the list of all KPIs is not that of the registry")
	}
	place := map[string]int{}
	for i, e := range list.Elts {
		if id, ok := e.(*ast.Ident); ok {
			place[id.Name] = i
		}
	}
	return place, nil
}

// explained reads a declaration of KPIs with its comment.
func explained(d ast.Decl, place map[string]int) (g group, ok bool) {
	decl, isVar := d.(*ast.GenDecl)
	if !isVar || decl.Tok != token.VAR || decl.Doc == nil {
		return g, false
	}
	g.place = len(place)
	for _, s := range decl.Specs {
		for _, name := range s.(*ast.ValueSpec).Names {
			if i, known := place[name.Name]; known {
				g.kpis = append(g.kpis, kpi.All()[i])
				g.place = min(g.place, i)
			}
		}
	}
	if len(g.kpis) == 0 {
		return g, false
	}
	for i, p := range strings.Split(strings.TrimSpace(decl.Doc.Text()), "\n\n") {
		p = strings.Join(strings.Fields(p), " ")
		if i == 0 {
			g.title = strings.TrimSuffix(p, ".")
			continue
		}
		g.paras = append(g.paras, p)
	}
	return g, true
}

// markdown writes a group: a table of its KPIs, then the comment.
func (g group) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\n| KPI | unit | windows | is | example | formula |\n| --- | --- | --- | --- | --- | --- |\n", g.title)
	for _, k := range g.kpis {
		name := "`" + k.Name + "`"
		if k.Alias != "" {
			name += " (also `" + k.Alias + "`)"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | `%s` |\n", name, k.Unit, windows(k), cell(k.Definition), cell(k.Example), k.Formula)
	}
	for _, p := range g.paras {
		label, text, ok := strings.Cut(p, ": ")
		if ok && len(label) <= len("Worked example") {
			p = "**" + label + ".** " + strings.ToUpper(text[:1]) + text[1:]
			if label == "Formula" || label == "Worked example" {
				p = "**" + label + ".** " + text // it may begin with a name
			}
		}
		b.WriteString("\n" + p + "\n")
	}
	b.WriteString(g.compared())
	return b.String()
}

// compared writes how the group's KPIs differ from those of other products. What
// is said of several KPIs is one row.
func (g group) compared() string {
	var order []kpi.Comparison
	names := map[kpi.Comparison][]string{}
	for _, k := range g.kpis {
		for _, c := range k.Compare() {
			if names[c] == nil {
				order = append(order, c)
			}
			names[c] = append(names[c], "`"+k.Name+"`")
		}
	}
	if len(order) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("\n**Elsewhere.** What others call by the same name:\n\n| KPI | at | differs | theirs with |\n| --- | --- | --- | --- |\n")
	for _, c := range order {
		fmt.Fprintf(&b, "| %s | [%s](%s) | %s | %s |\n",
			strings.Join(names[c], " "), c.Vendor, c.Source, cell(c.Difference), cell(cmp.Or(c.Switch, "–")))
	}
	return b.String()
}

// windows lists the windows; the default is the bold one.
func windows(k kpi.KPI) string {
	if k.NowOnly {
		return "now only"
	}
	if k.Default == "" {
		return "end of day"
	}
	out := slices.Clone(k.Windows)
	if i := slices.Index(out, k.Default); i >= 0 && len(out) > 1 {
		out[i] = "**" + out[i] + "**"
	}
	return strings.Join(out, " ")
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
