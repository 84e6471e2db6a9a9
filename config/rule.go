package config

import (
	"fmt"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Rule is one alert rule: about customers in a band where Band is set, about a
// KPI's day series where KPI is.
type Rule struct {
	Name     string
	Severity string // info, warning or critical

	Band         string        // "red", or ""
	ResolveAfter time.Duration // the band must have been left for so long

	KPI       string
	Window    string // "" for the KPI's own, else "30d" or "month"
	Segment   string // "" for the whole, else "plan=pro"
	Above     bool   // fires above Threshold; false: below
	Threshold Decimal
	Clear     Decimal // resolves at or beyond this, on the good side of Threshold or equal to it
	For       int     // complete days in a row, >= 1
}

// ruleValue decodes one entry of rules.
func ruleValue(d *decoder, key string, n *yaml.Node) (Rule, bool) {
	r := Rule{Severity: "warning", ResolveAfter: 24 * time.Hour, For: 1}
	var above, below, limit Decimal
	got := d.fields(key, n, []option{
		{key: "name", val: text(&r.Name, 1, noBar)},
		{key: "severity", val: choice(&r.Severity, "info", "warning", "critical")},
		{key: "band", val: choice(&r.Band, "red")},
		{key: "resolve_after", val: duration(&r.ResolveAfter, 0, 90*day)},
		{key: "kpi", val: text(&r.KPI, 1, nil)},
		{key: "window", val: text(&r.Window, 1, nil)},
		{key: "segment", val: text(&r.Segment, 0, oneSegment)},
		{key: "above", val: decimal(&above)},
		{key: "below", val: decimal(&below)},
		{key: "clear", val: decimal(&limit)},
		{key: "for", val: days(&r.For, 1, 90)},
	})
	if got == nil || !d.require(key, n, got, "name") {
		return r, false
	}
	if (got["band"] == nil) == (got["kpi"] == nil) {
		d.fail(n, key, "it needs either band or kpi, one of the two")
		return r, false
	}
	if got["band"] != nil {
		r.For = 0
		return r, ruleLacks(d, key, got, "a rule about a band", "window", "segment", "above", "below", "clear", "for")
	}
	if (got["above"] == nil) == (got["below"] == nil) {
		d.fail(n, key, "it needs either above or below, one of the two")
		return r, false
	}
	r.ResolveAfter = 0
	r.Above = got["above"] != nil
	r.Threshold = below
	if r.Above {
		r.Threshold = above
	}
	r.Clear = r.Threshold
	if got["clear"] != nil {
		r.Clear = limit
	}
	if c := r.Clear.Cmp(r.Threshold); r.Above && c > 0 || !r.Above && c < 0 {
		d.fail(got["clear"], key+".clear", "it is %s, on the wrong side: a rule that fires %s %s clears at %s or %s",
			r.Clear, r.side(), r.Threshold, r.Threshold, map[bool]string{true: "less", false: "more"}[r.Above])
		return r, false
	}
	return r, ruleLacks(d, key, got, "a rule about a KPI", "resolve_after")
}

// ruleLacks refuses keys that mean nothing for this sort of rule.
func ruleLacks(d *decoder, key string, got map[string]*yaml.Node, sort string, keys ...string) bool {
	for _, k := range keys {
		if got[k] != nil {
			d.fail(got[k], key+"."+k, "%s has no such setting; leave it out", sort)
			return false
		}
	}
	return true
}

func (r Rule) side() string {
	if r.Above {
		return "above"
	}
	return "below"
}

// String writes the rule as YAML.
func (r Rule) String() string {
	parts := []string{"name: " + quote(r.Name)}
	if r.Band != "" {
		parts = append(parts, "band: "+r.Band, "resolve_after: "+showDuration(r.ResolveAfter))
	} else {
		parts = append(parts, "kpi: "+r.KPI)
		if r.Window != "" {
			parts = append(parts, "window: "+r.Window)
		}
		if r.Segment != "" {
			parts = append(parts, "segment: "+quote(r.Segment))
		}
		parts = append(parts, r.side()+": "+r.Threshold.String(), "clear: "+r.Clear.String(), fmt.Sprintf("for: %dd", r.For))
	}
	return "{" + strings.Join(append(parts, "severity: "+r.Severity), ", ") + "}"
}

// checkRules refuses rules that contradict each other or the rest.
func checkRules(d *decoder, key string, nodes []*yaml.Node, rules []Rule) {
	seen := map[string]bool{}
	for i, r := range rules {
		if seen[r.Name] {
			d.fail(nodes[i], key, "two rules are called %q; give one of them another name", r.Name)
		}
		seen[r.Name] = true
		if r.Name == alertNote {
			d.fail(nodes[i], key, "%q is what cancellations that take effect later are told as; give the rule another name", r.Name)
		}
	}
}

// alertNote is the name of an alert that needs no rule.
const alertNote = "cancellation_scheduled"
