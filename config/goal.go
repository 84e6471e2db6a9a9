package config

import (
	"fmt"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Goal is a target for a KPI by a day, or, where KPI is "", a yes or no.
type Goal struct {
	Name     string
	Severity string // of the alert when it is missed; that it is met is info

	KPI     string
	Window  string   // "" for the KPI's own
	Segment string   // "" for the whole, else "plan=pro"
	AtLeast *Decimal // in the unit of the KPI's value; nil: no bound on this side
	AtMost  *Decimal
	Start   Decimal // the value that one started from

	Done bool // the answer to a yes or no

	From, By int32 // civil days since 1970-01-01
}

// goalValue decodes one entry of goals.
func goalValue(d *decoder, key string, n *yaml.Node) (Goal, bool) {
	g := Goal{Severity: "warning"}
	var least, most Decimal
	before := len(d.problems)
	got := d.fields(key, n, []option{
		{key: "name", val: text(&g.Name, 1, noBar)},
		{key: "severity", val: choice(&g.Severity, "info", "warning", "critical")},
		{key: "kpi", val: text(&g.KPI, 1, nil)},
		{key: "window", val: text(&g.Window, 1, nil)},
		{key: "segment", val: text(&g.Segment, 0, oneSegment)},
		{key: "at_least", val: decimal(&least)},
		{key: "at_most", val: decimal(&most)},
		{key: "start", val: decimal(&g.Start)},
		{key: "done", val: flag(&g.Done)},
		{key: "from", val: civilDay(&g.From)},
		{key: "by", val: civilDay(&g.By)},
	})
	if got == nil || !d.require(key, n, got, "name", "from", "by") || len(d.problems) > before {
		return g, false
	}
	if g.From >= g.By {
		d.fail(got["by"], key+".by", "it is not after from; exchange them")
		return g, false
	}
	if (got["done"] == nil) == (got["kpi"] == nil) {
		d.fail(n, key, "it needs either kpi or done, one of the two")
		return g, false
	}
	if got["done"] != nil {
		return g, ruleLacks(d, key, got, "a goal of yes or no", "window", "segment", "at_least", "at_most", "start")
	}
	if got["at_least"] == nil && got["at_most"] == nil {
		d.fail(n, key, "it says nothing of what is wanted; write at_least, at_most, or both")
		return g, false
	}
	if !d.require(key, n, got, "start") {
		return g, false
	}
	if got["at_least"] != nil {
		g.AtLeast = &least
	}
	if got["at_most"] != nil {
		g.AtMost = &most
	}
	if g.AtLeast != nil && g.AtMost != nil && least.Cmp(most) > 0 {
		d.fail(got["at_most"], key+".at_most", "it is %s, less than at_least (%s); exchange them", most, least)
		return g, false
	}
	return g, true
}

// civilDay is a day, as 2026-01-31.
func civilDay(p *int32) scalar {
	return scalar{show: func() string { return showDay(*p) }, parse: func(s string) error {
		t, err := time.Parse(time.DateOnly, s)
		if err != nil {
			return fmt.Errorf("is no day; write it as 2026-01-31")
		}
		*p = int32(t.Unix() / 86_400)
		return nil
	}}
}

func showDay(d int32) string {
	return time.Unix(int64(d)*86_400, 0).UTC().Format(time.DateOnly)
}

// String writes the goal as YAML.
func (g Goal) String() string {
	parts := []string{"name: " + quote(g.Name)}
	if g.KPI == "" {
		parts = append(parts, fmt.Sprintf("done: %t", g.Done))
	} else {
		parts = append(parts, "kpi: "+g.KPI)
		if g.Window != "" {
			parts = append(parts, "window: "+g.Window)
		}
		if g.Segment != "" {
			parts = append(parts, "segment: "+quote(g.Segment))
		}
		if g.AtLeast != nil {
			parts = append(parts, "at_least: "+g.AtLeast.String())
		}
		if g.AtMost != nil {
			parts = append(parts, "at_most: "+g.AtMost.String())
		}
		parts = append(parts, "start: "+g.Start.String())
	}
	return "{" + strings.Join(append(parts, "from: "+showDay(g.From), "by: "+showDay(g.By), "severity: "+g.Severity), ", ") + "}"
}

// checkGoals refuses goals that contradict each other.
func checkGoals(d *decoder, key string, nodes []*yaml.Node, goals []Goal) {
	seen := map[string]bool{}
	for i, g := range goals {
		if seen[g.Name] {
			d.fail(nodes[i], key, "two goals are called %q; give one of them another name", g.Name)
		}
		seen[g.Name] = true
	}
}
