package company

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/kpi"
)

func labelled(c aggregator.Counter, label string) aggregator.Cell {
	return aggregator.Cell{Counter: c, Label: label}
}

// buckets lists what a batch says of a KPI, as bucket=value.
func buckets(b Batch, name string) string {
	var words []string
	for _, c := range b.Changes {
		if c.Figure.KPI == name && c.Figure.Day == "2026-11-22" {
			words = append(words, c.Figure.Bucket+"="+c.Figure.Value.String())
		}
	}
	return strings.Join(words, " ")
}

// A bucket that has become empty is said once more, as 0, also by a feed that goes
// on after a take-over.
func TestFeedSaysBucketsThatAreEmpty(t *testing.T) {
	store := newFake(1)
	s := store.shards[0]
	s.claim("a")
	s.at("2026-11-22T10:00:00Z", today-1, 1)
	one, two := labelled(aggregator.DaysAtLeast30, "1"), labelled(aggregator.DaysAtLeast30, "2")
	s.commit(map[string]aggregator.Row{dayRow(today, ""): {one: 3, two: 1}})
	r := newReader(t, store)
	poll(t, r)
	feed := newFeed(t, r, newSentStore())
	b := next(t, feed, 0)
	if got := buckets(b, "active_days_histogram"); got != "1=2 2=1" {
		t.Errorf("at first %q", got)
	}
	stored := feed.store.clone()
	s.commit(map[string]aggregator.Row{dayRow(today, ""): {one: 3, two: 3}}) // all three have two days now
	poll(t, r)
	if got := buckets(next(t, feed, 1000), "active_days_histogram"); got != "2=3 1=0" {
		t.Errorf("then %q", got)
	}
	again := newFeed(t, r, stored)
	if got := buckets(next(t, again, 2000), "active_days_histogram"); got != "2=3 1=0" {
		t.Errorf("after a take-over %q", got)
	}
}

func TestKeysOfBuckets(t *testing.T) {
	f := kpi.Figure{KPI: "churn_reasons", Window: "30d", Segment: "plan=a|b", Bucket: "50% off | ended", Day: "2026-11-22"}
	key := Key(f)
	if key != "churn_reasons|30d|plan=a|b|50%25 off %7C ended|2026-11-22" {
		t.Errorf("the key is %s", key)
	}
}

// Two shards: u of the month of September is back in November, v of October was
// last seen then. October is frozen in one shard.
func TestCohortsOverShards(t *testing.T) {
	store := newFake(2)
	a, b := store.shards[0], store.shards[1]
	a.claim("a")
	b.claim("b")
	september, october, november := int32(20_697), int32(20_727), int32(20_758) // first days
	a.at("2026-11-22T10:00:00Z", november+5, 1)
	b.at("2026-11-22T10:00:00Z", september, 1)
	zero, one, two := labelled(aggregator.CohortMonth, "0"), labelled(aggregator.CohortMonth, "1"), labelled(aggregator.CohortMonth, "2")
	a.commit(map[string]aggregator.Row{
		aggregator.RowName{Kind: 'p', Day: september}.String(): {labelled(aggregator.CohortMonthLast, "2"): 1},
		opening(""): {two: 1}, // u came back on 3 November
	})
	a.frozen[aggregator.FrozenName(october-1, "")] = aggregator.Row{zero: 1}
	b.commit(map[string]aggregator.Row{
		aggregator.RowName{Kind: 'p', Day: october}.String(): {labelled(aggregator.CohortMonthLast, "0"): 1},
		dayRow(october+2, ""):                                {zero: 1},
		dayRow(november, ""):                                 {zero: -1},
	})
	a.frozen[aggregator.FrozenName(november-1, "")] = aggregator.Row{one: 0}
	r := NewReader(store, Options{Location: newReader(t, store).opts.Location, Currency: usd, WeekStart: time.Monday})
	poll(t, r)
	got, err := r.Cohorts(context.Background(), "month", "")
	if err != nil {
		t.Fatal(err)
	}
	want := []kpi.Cohort{
		{Cohort: "2026-09", Size: 1, Active: []int64{1, 0, 1}, Unbounded: []int64{1, 1, 1}, Complete: []bool{true, true, false}},
		{Cohort: "2026-10", Size: 1, Active: []int64{1, 0}, Unbounded: []int64{1, 0}, Complete: []bool{true, false}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got, err := r.Cohorts(context.Background(), "week", ""); err != nil || got != nil {
		t.Errorf("by week: %v, %v", got, err)
	}
}

// A calendar figure is read on the running day, and again on the last day of its
// period; one figure for each period.
func TestCalendarSeries(t *testing.T) {
	r := newReader(t, twoShards())
	poll(t, r)
	k, err := kpi.Find("mau_calendar")
	if err != nil {
		t.Fatal(err)
	}
	figures, err := r.Figures(context.Background(), Query{KPI: k, Window: "month", From: today - 40, To: today})
	if err != nil {
		t.Fatal(err)
	}
	var days []string
	for _, f := range figures {
		days = append(days, f.Day)
	}
	if got := strings.Join(days, " "); got != "2026-10-31 2026-11-30" {
		t.Errorf("months %s", got)
	}
	whole, err := kpi.Find("active_days_histogram")
	if err != nil {
		t.Fatal(err)
	}
	if figures, err := r.Figures(context.Background(), Query{KPI: whole, Window: "30d", Segment: "plan=pro", From: today, To: today}); err != nil || figures != nil {
		t.Errorf("L30 of a segment: %v, %v", figures, err)
	}
}
