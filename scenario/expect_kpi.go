package scenario

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tidemark-io/tidemark/kpi"
	names "github.com/tidemark-io/tidemark/segment"
)

// kpiExpectation is "expect kpi NAME [WINDOW] [SEGMENT] [bucket B] [on DAY] = VALUE [(N of D)] [running|complete|low_sample]".
type kpiExpectation struct {
	kpi      kpi.KPI
	window   string
	segment  string
	bucket   string
	day      int32
	onDay    bool
	value    value
	currency string
	parts    *[2]int64
	complete *bool
	low      *bool
}

func (p *parser) expectKPI(w *words) (expectation, error) {
	name, err := w.next("the name of a KPI")
	if err != nil {
		return nil, err
	}
	e := &kpiExpectation{}
	if e.kpi, err = kpi.Find(name.text); err != nil {
		return nil, wrongAt(name, "%s", err)
	}
	e.window = e.kpi.Default
	seen := map[string]bool{}
	for !w.is("=") {
		t, err := w.next("= and a value")
		if err != nil {
			return nil, err
		}
		part, err := p.kpiPart(e, t, w)
		if err != nil {
			return nil, err
		}
		if seen[part] {
			return nil, wrongAt(t, "a second %s; take one away", part)
		}
		seen[part] = true
	}
	if e.kpi.Bucketed() && e.bucket == "" {
		return nil, wrongAt(name, "%s has a figure for each bucket; write which one, as bucket NAME", e.kpi.Name)
	}
	if err := e.kpi.Unkept(e.window, e.segment, p.current.config.Cohorts); err != nil {
		return nil, wrongAt(name, "%s", err)
	}
	v, err := w.next("a value")
	if err != nil {
		return nil, err
	}
	if e.value, err = readValue(v); err != nil {
		return nil, err
	}
	if w.more() && currencyForm.MatchString(w.list[0].text) {
		c, err := w.next("")
		if err != nil {
			return nil, err
		}
		if e.currency, err = currency(c, c.text); err != nil {
			return nil, err
		}
		if e.kpi.Unit != kpi.Money {
			return nil, wrongAt(c, "%s is no money (its unit is %s); take %s away", e.kpi.Name, e.kpi.Unit, c.text)
		}
	}
	return e, e.rest(w)
}

// kpiPart reads one word before the =, with what belongs to it, and says which
// part of a figure it names.
func (p *parser) kpiPart(e *kpiExpectation, t token, w *words) (part string, err error) {
	switch {
	case t.text == "on":
		d, err := w.next("a day")
		if err != nil {
			return "", err
		}
		e.day, err = p.day(d)
		e.onDay = true
		return "day", err
	case t.text == "bucket":
		b, err := w.next("a bucket")
		if err == nil && !e.kpi.Bucketed() {
			return "", wrongAt(t, "%s has no buckets", e.kpi.Name)
		}
		e.bucket = b.text
		return "bucket", err
	case strings.Contains(t.text, "="):
		dimension := names.Dimension(t.text)
		if dimension == "" {
			return "", wrongAt(t, "%q is no segment; write plan=pro, or plan=pro,country=DE, with a comma within a value written twice", t.text)
		}
		if valid := p.current.config.Dimensions; !slices.Contains(valid, dimension) {
			return "", wrongAt(t, "%q is none of the dimensions of this scenario%s; name it in its settings, as dimensions: [%s]", dimension, meant(dimension, valid), dimension)
		}
		e.segment = t.text
		return "segment", nil
	}
	if e.window, err = e.kpi.Window(t.text); err != nil {
		return "", wrongAt(t, "%s", err)
	}
	return "window", nil
}

// rest reads what may stand behind the value.
func (e *kpiExpectation) rest(w *words) error {
	yes, no := true, false
	for w.more() {
		t, err := w.next("")
		if err != nil {
			return err
		}
		switch {
		case e.complete != nil && (t.text == "running" || t.text == "complete"):
			return wrongAt(t, "the day is complete or running; take one away")
		case t.text == "running":
			e.complete = &no
		case t.text == "complete":
			e.complete = &yes
		case t.text == "low_sample":
			e.low = &yes
		case e.parts != nil && strings.HasPrefix(t.text, "("):
			return wrongAt(t, "a second numerator and denominator; take one away")
		case strings.HasPrefix(t.text, "("):
			if e.parts, err = readParts(t, w); err != nil {
				return err
			}
		default:
			return wrongAt(t, "%q is not understood here; behind the value may stand its parts, as (50 of 1000), and running, complete or low_sample", t.text)
		}
	}
	return nil
}

// readParts reads (N of D).
func readParts(first token, w *words) (*[2]int64, error) {
	text := first.text
	for !strings.HasSuffix(text, ")") {
		t, err := w.next("a closing )")
		if err != nil {
			return nil, err
		}
		text += " " + t.text
	}
	var parts [2]int64
	words := strings.Split(strings.ReplaceAll(strings.Trim(text, "()"), ",", ""), " of ")
	if len(words) != 2 {
		return nil, wrongAt(first, "%s is not understood; write numerator and denominator as (50 of 1000)", text)
	}
	for i, word := range words {
		n, err := strconv.ParseInt(strings.TrimSpace(word), 10, 64)
		if err != nil {
			return nil, wrongAt(first, "%s is not understood; write numerator and denominator as (50 of 1000)", text)
		}
		parts[i] = n
	}
	return &parts, nil
}

// expected writes what is expected, as showFigure writes a figure.
func (e *kpiExpectation) expected() string {
	s := e.value.text
	if e.currency != "" {
		s += " " + e.currency
	}
	if e.parts != nil {
		s += fmt.Sprintf(" (%d of %d)", e.parts[0], e.parts[1])
	}
	return s
}
