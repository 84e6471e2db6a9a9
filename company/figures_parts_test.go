package company

import (
	"context"
	"testing"

	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/kpi"
)

// A long series is asked for in parts, and each day, or month, comes once.
func TestInParts(t *testing.T) {
	first, err := civil.Parse("2012-01-01")
	if err != nil {
		t.Fatal(err)
	}
	last, err := civil.Parse("2016-12-31")
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	ask := func(monthly bool) func(context.Context, Query) ([]kpi.Figure, error) {
		return func(_ context.Context, q Query) (out []kpi.Figure, err error) {
			asked++
			for d := q.From; d <= q.To; d++ {
				_, next := civil.Month.Bounds(d, 0)
				if !monthly {
					next = d + 1
				}
				out = append(out, kpi.Figure{Day: civil.Format(next - 1)})
				d = next - 1
			}
			return out, nil
		}
	}
	for name, c := range map[string]struct {
		monthly bool
		want    int
		last    string
	}{
		"days":   {false, 1827, "2016-12-31"}, // 5 × 365 and two leap days
		"months": {true, 60, "2016-12-31"},
	} {
		t.Run(name, func(t *testing.T) {
			asked = 0
			figures, err := InParts(t.Context(), ask(c.monthly), Query{From: first, To: last})
			if err != nil {
				t.Fatal(err)
			}
			days := map[string]bool{}
			for _, f := range figures {
				days[f.Day] = true
			}
			if len(figures) != c.want || len(days) != c.want || figures[len(figures)-1].Day != c.last || asked != 2 {
				t.Errorf("%d figures of %d days up to %s in %d queries", len(figures), len(days), figures[len(figures)-1].Day, asked)
			}
		})
	}
}
