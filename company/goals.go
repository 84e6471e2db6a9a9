package company

import (
	"context"
	"fmt"

	"github.com/tidemark-io/tidemark/goal"
	"github.com/tidemark-io/tidemark/kpi"
)

// Goals says how goals stand. There are none before the first event.
func (r *Reader) Goals(ctx context.Context, goals []goal.Goal) ([]goal.Status, error) {
	running, ok := r.RunningDay()
	if !ok {
		return nil, nil
	}
	out := make([]goal.Status, 0, len(goals))
	for i := range goals {
		g := &goals[i]
		if g.KPI == "" {
			out = append(out, goal.Answer(g, running, running > g.By))
			continue
		}
		k, err := kpi.Find(g.KPI)
		if err != nil {
			return nil, fmt.Errorf("goal %s: %w", g.Name, err)
		}
		var s goal.Status
		day := min(running, g.By)
		err = r.with(ctx, []string{g.Segment}, day-1, day, func(src *kpi.Source) { s = status(src, k, g, r.off(g.Segment)) })
		if err != nil {
			return nil, fmt.Errorf("goal %s: %w", g.Name, err)
		}
		out = append(out, s)
	}
	return out, nil
}

// status is a goal by the newest figure up to its day and by the last complete one;
// where its segment is off, it rests.
func status(s *kpi.Source, k kpi.KPI, g *goal.Goal, off bool) goal.Status {
	day := min(s.RunningDay(), g.By)
	over := s.Complete(g.By)
	last := day
	if !s.Complete(day) {
		last--
	}
	if k.NowOnly { // there is no figure of a day that is over
		day, last = s.RunningDay(), s.RunningDay()
	}
	at := func(d int32) (goal.Point, kpi.Figure) {
		f := s.AsOf(k, g.Window, g.Segment, d)
		return goal.Point{Day: d, Value: f.Exact()}, f
	}
	now, f := at(day)
	decides, _ := at(last)
	out := goal.Evaluate(g, now, decides, over)
	if off {
		out = goal.Rest(g, day)
	}
	out.Unit, out.Currency = f.Unit, f.Currency
	return out
}
