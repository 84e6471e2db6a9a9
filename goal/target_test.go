package goal

import (
	"encoding/json"
	"testing"

	"github.com/tidemark-io/tidemark/kpi"
)

// A goal goes with the figure of its KPI, window and segment, and no other; a figure
// may have several.
func TestAttach(t *testing.T) {
	figures := []kpi.Figure{
		{KPI: "retention_rate", Window: "30d"}, {KPI: "retention_rate", Window: "90d"}, {KPI: "retention_rate", Window: "90d", Segment: "plan=pro"},
		{KPI: "active_days_histogram", Window: "30d", Bucket: "3"},
	}
	Attach(figures, []Status{
		{Goal: "keep", KPI: "retention_rate", Window: "90d", State: Behind, AtLeast: "0.95", Progress: "0.4", By: "2026-12-31"},
		{Goal: "hold", KPI: "retention_rate", Window: "90d", State: Met, AtLeast: "0.8", AtMost: "1", By: "2026-06-30"},
		{Goal: "days", KPI: "active_days_histogram", Window: "30d", State: Met},
		{Goal: "soc2", State: OnTrack},
	})
	for i, want := range []string{
		"null",
		`[{"goal":"keep","at_least":0.95,"by":"2026-12-31","progress":0.4,"state":"behind"},` +
			`{"goal":"hold","at_least":0.8,"at_most":1,"by":"2026-06-30","state":"met"}]`,
		"null", "null",
	} {
		got, err := json.Marshal(figures[i].Targets)
		if err != nil || string(got) != want {
			t.Errorf("figure %d: %s (%v), want %s", i, got, err, want)
		}
	}
}
