package worker_test

import (
	"sync/atomic"
	"testing"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/worker"
)

// A rule that is configured no more fires no more: what it has said is resolved,
// once, on every shard. Only the owner of shard 0 looks after the company.
func TestRuleConfiguredNoMore(t *testing.T) {
	t.Parallel()
	var ready atomic.Bool
	ready.Store(true)
	judged := func(firing map[aggregator.Pair]aggregator.Firing) worker.Company {
		return firingCompany{firing: firing, ready: &ready}
	}
	var tenures atomic.Int64
	many := func(firing map[aggregator.Pair]aggregator.Firing) worker.Company { // the rule is there in the first tenure
		if tenures.Add(1) == 1 {
			return judged(firing)
		}
		return &idleCompany{read: func() (int64, error) { return 0, nil }}
	}
	const acme = rule + "|acme"
	for name, c := range map[string]struct {
		company func(map[aggregator.Pair]aggregator.Firing) worker.Company
		kept    bool     // the rule on a KPI stays as it is
		gone    []string // pairs whose rules are configured no more
		firing  int      // pairs that fire before
	}{
		"on bands":             {nil, true, []string{acme}, 1},
		"on bands, of shard 0": {judged, true, []string{acme}, 2},
		"on a KPI":             {many, false, []string{acme, manyRed.Rule + "|" + manyRed.Customer}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScript(t)
			s.company = c.company
			p := s.own()
			s.send(s.red("acme", 1)...)
			s.until("readers are told", func() bool { return len(s.told()) == c.firing })
			p.unassign()
			<-p.ended
			s.rule, s.severity = "in_danger", map[string]string{"in_danger": "critical"}
			if c.kept {
				s.severity["kpi/"+manyRed.Rule] = severity["kpi/"+manyRed.Rule]
			}
			s.start()
			s.until("alerts are resolved", func() bool {
				alerts, err := s.ws.ReadAlerts(t.Context())
				return err == nil && alerts.Resolved >= len(c.gone)
			})
			alerts := s.atRest() // what is stored fires by readers too, and nothing else does
			for _, pair := range c.gone {
				rule := alerts.Last[pair].Data.Rule
				if alerts.Last[pair].Type != "tidemark.alert.resolved" {
					t.Errorf("the last word on %s is %s", pair, alerts.Last[pair].ID)
				}
				if got, want := alerts.Last[pair].Data.Reason, "rule "+rule+" is configured no more"; got != want {
					t.Errorf("the reason of %s is %q, want %q", pair, got, want)
				}
			}
			if alerts.Resolved != len(c.gone) {
				t.Errorf("%d alerts are resolved, want %d", alerts.Resolved, len(c.gone))
			}
		})
	}
}
