package kpi

import (
	"testing"

	"github.com/tidemark-io/tidemark/event"
)

// Every name in the lists is a KPI's, and in one of them; a login moves no money, a
// purchase nobody's activity unless it counts as that.
func TestMovedBy(t *testing.T) {
	seen := map[string]bool{}
	for _, list := range [][]string{byActivity, byMoney, byAnswers} {
		for _, name := range list {
			if k, ok := Lookup(name); !ok || k.Name != name || seen[name] {
				t.Errorf("%s is no KPI, or there twice", name)
			}
			seen[name] = true
		}
	}
	for _, tc := range []struct {
		kpi      string
		kind     event.Kind
		activity bool
		want     bool
	}{
		{"dau", event.Login, true, true}, {"dau", event.Purchase, false, false}, {"dau", event.Purchase, true, true},
		{"mrr", event.Login, true, false}, {"mrr", event.Purchase, false, true}, {"customers", event.Signal, false, true},
		{"nps", event.Survey, false, true}, {"nps", event.Purchase, false, false}, {"response_rate", event.Signal, false, true},
		{"health_red", event.Login, true, true}, {"health_red", event.Survey, false, true}, {"silent_customers", event.Login, true, true},
	} {
		k, _ := Lookup(tc.kpi)
		if got := k.MovedBy(tc.kind, tc.activity); got != tc.want {
			t.Errorf("%s is moved by a %v (activity %v): %v", tc.kpi, tc.kind, tc.activity, got)
		}
	}
}
