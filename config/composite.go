package config

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/bojanz/currency"
	"go.yaml.in/yaml/v3"

	"github.com/tidemark-io/tidemark/event"
)

// words is a list of strings; an environment variable separates them by commas.
type words struct {
	p     *[]string
	least int
	check func(string) error
}

func (v words) String() string {
	quoted := make([]string, len(*v.p))
	for i, s := range *v.p {
		quoted[i] = quote(s)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

func (v words) set(d *decoder, key string, n *yaml.Node) {
	if n.Kind != yaml.SequenceNode {
		d.fail(n, key, "it is a list; write %s: [%s]", lastKey(key), n.Value)
		return
	}
	var out []string
	for _, item := range n.Content {
		var s string
		before := len(d.problems)
		text(&s, 1, v.check).set(d, key, resolve(item))
		if len(d.problems) > before {
			return
		}
		if slices.Contains(out, s) {
			d.fail(item, key, "%q is there twice; take one away", s)
			return
		}
		out = append(out, s)
	}
	if len(out) < v.least {
		d.fail(n, key, "the list is empty; write at least %d", v.least)
		return
	}
	*v.p = out
}

// each is a list of mappings.
type each[T fmt.Stringer] struct {
	p     *[]T
	least int
	item  func(d *decoder, key string, n *yaml.Node) (T, bool)
	all   func(d *decoder, key string, nodes []*yaml.Node, items []T)
}

func (v each[T]) String() string {
	shown := make([]string, len(*v.p))
	for i, item := range *v.p {
		shown[i] = item.String()
	}
	return "[" + strings.Join(shown, ", ") + "]"
}

func (v each[T]) set(d *decoder, key string, n *yaml.Node) {
	if n.Kind != yaml.SequenceNode {
		d.fail(n, key, "it is a list; begin each entry with '- '")
		return
	}
	if len(n.Content) < v.least || len(n.Content) > 1000 {
		d.fail(n, key, "the list has %d entries; write %d to 1000", len(n.Content), v.least)
		return
	}
	var out []T
	var nodes []*yaml.Node
	for i, item := range n.Content {
		at := key + "[" + strconv.Itoa(i) + "]"
		d.places[at] = d.at(item)
		got, ok := v.item(d, at, resolve(item))
		if !ok {
			continue
		}
		out, nodes = append(out, got), append(nodes, item)
	}
	v.all(d, key, nodes, out)
	*v.p = out
}

// rateValue decodes one entry of rates.
func rateValue(d *decoder, key string, n *yaml.Node) (Rate, bool) {
	var r Rate
	before := len(d.problems)
	got := d.fields(key, n, []option{
		{key: "date", val: civilDay(&r.Day)},
		{key: "currency", val: money(&r.Currency)},
		{key: "rate", val: decimal(&r.Value)},
	})
	if got == nil || !d.require(key, n, got, "date", "currency", "rate") || len(d.problems) > before {
		return r, false
	}
	if r.Value.Num <= 0 {
		d.fail(got["rate"], key+".rate", "a rate is more than 0; write what one %s is worth in the reporting currency", r.Currency[:])
		return r, false
	}
	return r, true
}

// String writes the rate as YAML.
func (r Rate) String() string {
	return fmt.Sprintf("{date: %s, currency: %s, rate: %s}",
		showDay(r.Day), r.Currency[:], r.Value)
}

// checkRates sorts the table and refuses two rates for one day.
func checkRates(d *decoder, key string, nodes []*yaml.Node, rates []Rate) {
	seen := map[Rate]bool{}
	for i, r := range rates {
		r.Value = Decimal{}
		if seen[r] {
			d.fail(nodes[i], key, "there are two rates for this currency and day; take one away")
		}
		seen[r] = true
	}
	slices.SortFunc(rates, func(a, b Rate) int {
		return cmp.Or(slices.Compare(a.Currency[:], b.Currency[:]), cmp.Compare(a.Day, b.Day))
	})
}

// money is an ISO 4217 code.
func money(p *event.Currency) scalar {
	return scalar{
		parse: func(s string) error {
			if !currency.IsValid(s) || len(s) != 3 {
				return fmt.Errorf("is no currency%s; write its ISO 4217 code, as EUR", suggest(strings.ToUpper(s), currency.GetCurrencyCodes()))
			}
			copy(p[:], s)
			return nil
		},
		show: func() string { return string(p[:]) },
	}
}

// tableValue is a table of steps, {0: 0, 1: 2}, where it may have none: 10.
type tableValue struct{ p **table }

func (v *tableValue) String() string {
	if *v.p == nil {
		return "{0: 0, 1: 10}"
	}
	return (*v.p).String()
}

func (v *tableValue) set(d *decoder, key string, n *yaml.Node) {
	if n.Kind != yaml.MappingNode || len(n.Content) == 0 {
		d.fail(n, key, "it is a table of values and their points; write it as {0: 0, 1: 2, 8: 10}")
		return
	}
	t := &table{none: NoPoints}
	before := len(d.problems)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, at := resolve(n.Content[i]), key+"."+n.Content[i].Value
		var points, from int
		whole(&points, 0, 1000).set(d, at, resolve(n.Content[i+1]))
		if k.Value == "none" {
			if t.none != NoPoints {
				d.fail(k, at, "the key is there twice; take one away")
			}
			t.none = points
			continue
		}
		whole(&from, 0, 1_000_000).set(d, key, k)
		t.steps = append(t.steps, Step{int64(from), points})
	}
	if len(d.problems) > before {
		return
	}
	slices.SortFunc(t.steps, func(a, b Step) int { return cmp.Compare(a.From, b.From) })
	for i := 1; i < len(t.steps); i++ {
		if t.steps[i].From == t.steps[i-1].From {
			d.fail(n, key, "the value %d is there twice; take one away", t.steps[i].From)
			return
		}
	}
	*v.p = t
}

// linearValue is a linear range.
type linearValue struct{ p **linear }

func (v *linearValue) String() string { return "{from: 0, to: 20, from_points: 0, to_points: 10}" }

func (v *linearValue) set(d *decoder, key string, n *yaml.Node) {
	var l linear
	before := len(d.problems)
	got := d.fields(key, n, []option{
		{key: "from", val: whole(&l.From, 0, 1_000_000)},
		{key: "to", val: whole(&l.To, 1, 1_000_000)},
		{key: "from_points", val: whole(&l.FromPoints, 0, 1000)},
		{key: "to_points", val: whole(&l.ToPoints, 0, 1000)},
	})
	if got == nil || !d.require(key, n, got, "from", "to", "from_points", "to_points") || len(d.problems) > before {
		return
	}
	if l.From >= l.To {
		d.fail(n, key, "from (%d) is not less than to (%d); exchange them, and their points", l.From, l.To)
		return
	}
	*v.p = &l
}

// bands is the mapping health.bands; red begins at 0.
type bands struct{ p *Bands }

func (v bands) String() string {
	return fmt.Sprintf("{red: 0, amber: %d, green: %d}", v.p.Amber, v.p.Green)
}

func (v bands) set(d *decoder, key string, n *yaml.Node) {
	var red, amber, green int
	before := len(d.problems)
	got := d.fields(key, n, []option{
		{key: "red", val: whole(&red, 0, 100)},
		{key: "amber", val: whole(&amber, 0, 100)},
		{key: "green", val: whole(&green, 0, 100)},
	})
	if got == nil || !d.require(key, n, got, "red", "amber", "green") || len(d.problems) > before {
		return
	}
	switch {
	case red != 0:
		d.fail(got["red"], key, "red begins at %d; the lowest band begins at 0", red)
	case amber < 1 || amber >= green:
		d.fail(got["amber"], key, "amber (%d) must lie above red (0) and below green (%d), as {red: 0, amber: 50, green: 75}", amber, green)
	default:
		*v.p = Bands{Amber: amber, Green: green}
	}
}
