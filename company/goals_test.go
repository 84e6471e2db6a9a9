package company

import (
	"context"
	"math/big"
	"testing"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/goal"
)

// Customers of twoShards: 14, 15, 17 on the complete days, 16 so far today.
func TestGoals(t *testing.T) {
	r := newReader(t, twoShards())
	whole := big.NewRat
	goals := []goal.Goal{
		{Name: "reached on a complete day", KPI: "customers", Least: whole(17, 1), Start: whole(10, 1), From: today - 10, By: today + 10},
		{Name: "not by today alone", KPI: "customers", Most: whole(16, 1), Start: whole(20, 1), From: today - 10, By: today + 10},
		{Name: "over", KPI: "customers", Least: whole(18, 1), Start: whole(10, 1), From: today - 10, By: today - 2},
		{Name: "decided on its day", KPI: "customers", Most: whole(15, 1), Start: whole(20, 1), From: today - 10, By: today - 2},
		{Name: "of a segment", KPI: "customers", Segment: "plan=pro", Least: whole(6, 1), Start: new(big.Rat), From: today - 10, By: today + 10},
		{Name: "now only", KPI: "users_ever", Least: whole(42, 1), Start: new(big.Rat), From: today - 10, By: today + 10},
		{Name: "by hand", From: today - 10, By: today - 1},
	}
	if got, err := r.Goals(context.Background(), goals); err != nil || got != nil {
		t.Errorf("before the first event: %v, %v", got, err)
	}
	poll(t, r)
	got, err := r.Goals(context.Background(), goals)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct {
		state goal.State
		value string
		day   string
	}{
		{goal.Met, "16", "2026-11-22"},
		{goal.OnTrack, "16", "2026-11-22"}, // 4 of 4 gone, but only so far today
		{goal.Missed, "15", "2026-11-20"},
		{goal.Met, "15", "2026-11-20"},
		{goal.OnTrack, "3", "2026-11-22"}, // half way at half time
		{goal.Met, "42", "2026-11-22"},
		{goal.Missed, "0", "2026-11-21"},
	} {
		if g := got[i]; g.State != want.state || g.Value.String() != want.value || g.Day != want.day {
			t.Errorf("%s: %s, %s on %s, want %s, %s on %s", goals[i].Name, g.State, g.Value, g.Day, want.state, want.value, want.day)
		}
	}
	if got[0].Unit != "count" {
		t.Errorf("the unit is %s", got[0].Unit)
	}
}

// TestGoalsOfADimensionThatIsOff: the one is met by what is left of the segment, and
// the day of the other is over.
func TestGoalsOfADimensionThatIsOff(t *testing.T) {
	f := twoShards()
	f.shards[1].head.Table = (&aggregator.Table{Buckets: 16, Off: []string{"plan"}}).Append(nil)
	f.shards[1].commit(nil)
	r := newReader(t, f)
	poll(t, r)
	goals := []goal.Goal{
		{Name: "would be met", KPI: "mrr", Segment: "plan=pro", Most: big.NewRat(6, 1), Start: new(big.Rat), From: today - 10, By: today + 10},
		{Name: "over", KPI: "mrr", Segment: "plan=pro", Least: big.NewRat(6, 1), Start: new(big.Rat), From: today - 10, By: today - 2},
	}
	got, err := r.Goals(context.Background(), goals)
	if err != nil {
		t.Fatal(err)
	}
	for i, day := range []string{"2026-11-22", "2026-11-20"} {
		if g := got[i]; g.State != goal.Resting || g.Value != "" || g.Progress != "" || g.Day != day || g.Unit != "money" || g.Currency != "USD" {
			t.Errorf("%s: %+v", goals[i].Name, g)
		}
	}
}
