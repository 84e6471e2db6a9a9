package goal

import "github.com/tidemark-io/tidemark/kpi"

// Attach gives figures of now the goals that are about them.
func Attach(figures []kpi.Figure, goals []Status) {
	for i := range figures {
		f := &figures[i]
		for k := range goals {
			if g := &goals[k]; g.KPI == f.KPI && g.Window == f.Window && g.Segment == f.Segment && f.Bucket == "" {
				f.Targets = append(f.Targets, kpi.Target{Goal: g.Goal, AtLeast: g.AtLeast, AtMost: g.AtMost, By: g.By,
					Progress: g.Progress, State: string(g.State)})
			}
		}
	}
}
