package main

import (
	"cmp"
	"io"
	"slices"

	"github.com/spf13/cobra"
	"github.com/tidemark-io/tidemark/alert"
	"github.com/tidemark-io/tidemark/company"
	"github.com/tidemark-io/tidemark/kpi"

	"github.com/tidemark-io/tidemark/service"
)

// alertsOptions are the flags of tidemark alerts.
type alertsOptions struct {
	reading
	state, rule string
	limit       int
}

func newAlertsCommand(open opener) *cobra.Command {
	o := alertsOptions{reading: reading{open: open}}
	c := &cobra.Command{
		Use:     "alerts",
		Short:   "List what is firing, and past episodes, the newest first",
		Example: "  tidemark alerts --state firing --rule at_risk",
		Args:    arguments(0, 0),
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.run(cmd) },
	}
	o.flags(c)
	c.Flags().StringVar(&o.state, "state", "", "firing, resolved, or noted for what is said once (default: all)")
	c.Flags().StringVar(&o.rule, "rule", "", "only alerts of this rule")
	c.Flags().IntVar(&o.limit, "limit", 100, "how many at the most")
	return c
}

func (o *alertsOptions) run(cmd *cobra.Command) error {
	states := []string{alert.StateFiring, alert.StateResolved, alert.StateNoted}
	if o.state != "" && !slices.Contains(states, o.state) {
		return service.UsageError{Err: &kpi.UnknownError{What: "state", Given: o.state, Nearest: kpi.NearestOf(o.state, states), Valid: states}}
	}
	if err := checkLimit(o.limit); err != nil {
		return err
	}
	return o.with(cmd, func(s *service.Readings) error {
		told, err := s.Alerts.Alerts(cmd.Context(), company.AlertQuery{State: o.state, Rule: o.rule, Limit: o.limit})
		if err != nil {
			return err
		}
		if o.json {
			return printJSON(cmd.OutOrStdout(), struct {
				Alerts []alert.Told `json:"alerts"`
			}{told})
		}
		return printAlerts(cmd.OutOrStdout(), told)
	})
}

// printAlerts writes alerts as a table.
func printAlerts(w io.Writer, told []alert.Told) error {
	rows := [][]string{{"STATE", "TIME", "RULE", "SUBJECT", "REASON"}}
	for _, t := range told {
		state := t.State
		if t.Provisional {
			state += "?"
		}
		rows = append(rows, []string{state, t.Time, t.Rule, t.Subject, cmp.Or(t.Reason, "not told yet: history is still being read")})
	}
	return printTable(w, rows)
}
