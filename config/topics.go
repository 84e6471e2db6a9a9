package config

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// topics is the mapping kafka.topics. Where it is given it names all input
// topics there are: the default ones don't stay beside it.
type topics struct{ p *Topics }

func (v topics) named(t *Topics) []struct {
	key  string
	name *string
} {
	return []struct {
		key  string
		name *string
	}{
		{"logins", &t.Logins}, {"purchases", &t.Purchases}, {"cancellations", &t.Cancellations},
		{"surveys", &t.Surveys}, {"signals", &t.Signals}, {"events", &t.Events},
	}
}

func (v topics) String() string {
	var parts []string
	for _, n := range v.named(v.p) {
		if *n.name != "" {
			parts = append(parts, n.key+": "+quote(*n.name))
		}
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func (v topics) set(d *decoder, key string, n *yaml.Node) {
	var t Topics
	var fields []option
	for _, named := range v.named(&t) {
		fields = append(fields, option{key: named.key, val: text(named.name, 1, plain)})
	}
	if got := d.fields(key, n, fields); got == nil {
		return
	}
	if len(t.All()) == 0 {
		d.fail(n, key, "it names no topic; write one, as {events: events}")
		return
	}
	*v.p = t
}
