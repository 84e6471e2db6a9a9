package main

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"github.com/tidemark-io/tidemark/goal"
	"github.com/tidemark-io/tidemark/kpi"
	"github.com/tidemark-io/tidemark/service"
)

func newGoalsCommand(open opener) *cobra.Command {
	o := reading{open: open}
	c := &cobra.Command{
		Use:     "goals",
		Short:   "Show the goals: progress, on track or not, met or missed",
		Long:    "Show the goals of the configuration. Progress is 0 at a goal's start and 1 where it is reached; expected is the share of its time that has passed.",
		Example: "  tidemark goals --config tidemark.yaml --json",
		Args:    arguments(0, 0),
		RunE:    func(cmd *cobra.Command, _ []string) error { return showGoals(cmd, &o) },
	}
	o.flags(c)
	return c
}

var errNoGoals = errors.New("no goal is configured; add some under goals, as tidemark.example.yaml shows")

func showGoals(cmd *cobra.Command, o *reading) error {
	return o.with(cmd, func(s *service.Readings) error {
		goals, err := s.Goals.Goals(cmd.Context())
		if err != nil {
			return err
		}
		if o.json {
			if goals == nil {
				goals = []goal.Status{}
			}
			return printJSON(cmd.OutOrStdout(), struct {
				Goals []goal.Status `json:"goals"`
			}{goals})
		}
		if len(goals) == 0 {
			return errNoGoals
		}
		rows := [][]string{{"GOAL", "STATE", "VALUE", "WANTED", "BY", "PROGRESS", "EXPECTED"}}
		for i := range goals {
			g := &goals[i]
			rows = append(rows, []string{g.Goal, strings.ReplaceAll(string(g.State), "_", " "), inUnit(g, g.Value), wanted(g), g.By,
				showValue(kpi.Figure{Unit: kpi.Ratio, Value: g.Progress}), showValue(kpi.Figure{Unit: kpi.Ratio, Value: g.Expected})})
		}
		return printTable(cmd.OutOrStdout(), rows)
	})
}

// inUnit shows a value as figures of the goal's KPI are shown.
func inUnit(g *goal.Status, v json.Number) string {
	if g.KPI == "" {
		return map[json.Number]string{"0": "no", "1": "yes"}[v]
	}
	return showValue(kpi.Figure{Unit: g.Unit, Currency: g.Currency, Value: v})
}

func wanted(g *goal.Status) string {
	switch {
	case g.KPI == "":
		return "yes"
	case g.AtMost == "":
		return "≥ " + inUnit(g, g.AtLeast)
	case g.AtLeast == "":
		return "≤ " + inUnit(g, g.AtMost)
	}
	return inUnit(g, g.AtLeast) + " to " + inUnit(g, g.AtMost)
}
