package service

import (
	"context"
	"encoding/json"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/alert"
	"github.com/tidemark-io/tidemark/company"
	"github.com/tidemark-io/tidemark/config"
	"github.com/tidemark-io/tidemark/goal"
	"github.com/tidemark-io/tidemark/kpi"
)

// goalReader answers about the configured goals.
type goalReader struct {
	reader *company.Reader
	goals  []goal.Goal
}

// Goals implements api.Goals.
func (g goalReader) Goals(ctx context.Context) ([]goal.Status, error) {
	return g.reader.Goals(ctx, g.goals)
}

func goals(c *config.Config) []goal.Goal {
	var out []goal.Goal
	for _, g := range c.Goals {
		x := goal.Goal{Name: g.Name, KPI: g.KPI, Window: g.Window, Segment: g.Segment, Start: g.Start.Rat(), From: g.From, By: g.By, Done: g.Done}
		if k, err := kpi.Find(g.KPI); err == nil && x.Window == "" {
			x.Window = k.Default
		}
		if g.AtLeast != nil {
			x.Least = g.AtLeast.Rat()
		}
		if g.AtMost != nil {
			x.Most = g.AtMost.Rat()
		}
		out = append(out, x)
	}
	return out
}

// goalRule is the rule under which readers are told that a goal is met or missed:
// two rules, so that a goal that was met and is missed in the end is told as both.
func goalRule(name string, s goal.State) string { return "goal " + name + " " + string(s) }

// goalSeverities are those of the alerts about goals, by rule.
func goalSeverities(c *config.Config) map[string]string {
	out := map[string]string{}
	for _, g := range c.Goals {
		out[goalRule(g.Name, goal.Met)] = "info"
		out[goalRule(g.Name, goal.Missed)] = g.Severity
	}
	return out
}

// pairs are the alerts about a goal, and whether each should be firing.
func pairs(s *goal.Status) map[aggregator.Pair]bool {
	subject := s.KPI
	if subject == "" {
		subject = s.Goal
	}
	out := map[aggregator.Pair]bool{}
	for _, state := range []goal.State{goal.Met, goal.Missed} {
		out[aggregator.Pair{Rule: goalRule(s.Goal, state), Customer: subject}] = s.State == state
	}
	return out
}

// evaluateGoals says which alerts about goals began or ceased to fire, none of a
// goal that rests.
func (c *chief) evaluateGoals(ctx context.Context, known map[aggregator.Pair]bool, out map[aggregator.Pair]*aggregator.Firing) error {
	all, err := c.goals.Goals(ctx)
	if err != nil {
		return err
	}
	for i := range all {
		s := &all[i]
		for p, fires := range pairs(s) {
			known[p], c.statuses[p] = true, s
			if s.State == goal.Resting {
				continue // what is firing stays so
			}
			if _, was := c.firing[p]; fires && !was {
				out[p] = &aggregator.Firing{Since: c.reader.Watermark(), Cause: aggregator.Cause{Timer: true}}
			} else if !fires && was {
				out[p] = nil
			}
		}
	}
	return nil
}

// goalAlert is the alert about a goal, where the pair is about one.
func (c *chief) goalAlert(ctx context.Context, p aggregator.Pair, a *alert.Alert) (ok bool, err error) {
	asOf := c.judged
	if _, is := c.statuses[p]; !is { // a new tenure has evaluated nothing yet
		asOf = c.reader.Watermark()
		all, err := c.goals.Goals(ctx)
		if err != nil {
			return false, err
		}
		for i := range all {
			for q := range pairs(&all[i]) {
				c.statuses[q] = &all[i]
			}
		}
	}
	s := c.statuses[p]
	if s == nil {
		return false, nil
	}
	a.Value, a.Since, a.Reason = s.Value, s.Day, s.Sentence()
	if a.Threshold = s.AtLeast; a.Threshold == "" {
		a.Threshold = s.AtMost
	}
	if s.KPI == "" {
		a.Threshold = json.Number("1")
	}
	a.Cause = alert.Cause{Timer: alert.Moment(asOf)}
	return true, nil
}
