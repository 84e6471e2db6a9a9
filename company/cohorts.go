package company

import (
	"context"

	"github.com/tidemark-io/tidemark/kpi"
)

// Cohorts gives the cohort triangle by week or month of the first activity, for
// the whole ("") or for a segment whose dimension has cohorts; elsewhere, and
// before the first event, there is none. While the reader is not ready no period
// is complete.
func (r *Reader) Cohorts(ctx context.Context, window, segment string) ([]kpi.Cohort, error) {
	var out []kpi.Cohort
	err := r.withDays(ctx, []string{segment}, func(s *kpi.Source) []int32 { return s.CohortDays(window, segment) },
		func(s *kpi.Source) { out = s.Cohorts(window, segment) })
	if err != nil {
		return nil, err
	}
	if ok, _ := r.Ready(); !ok {
		for i := range out {
			clear(out[i].Complete)
		}
	}
	return out, nil
}
