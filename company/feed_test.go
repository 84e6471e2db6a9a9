package company

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/kpi"
)

func fig(value string, num int64, complete bool) kpi.Figure {
	return kpi.Figure{KPI: "dau", Window: "1d", Day: "2026-11-22", Value: json.Number(value), Unit: kpi.Count,
		Numerator: num, Denominator: 1, Complete: complete, Watermark: "2026-11-22T10:00:00Z", Formula: "dau/1"}
}

// The life of one figure: while its day runs changes are no revisions, from its
// first completeness on each is one.
func TestRevisions(t *testing.T) {
	sent := map[string]Sent{}
	for i, step := range []struct {
		figure   kpi.Figure
		said     bool
		prior    json.Number
		revision int
		seq      uint64
	}{
		{fig("1", 1, false), true, "", 0, 1},
		{fig("1", 1, false), false, "", 0, 0},
		{fig("5", 5, false), true, "1", 0, 2},
		{fig("5", 5, true), true, "5", 0, 3}, // complete, unchanged: said, no revision
		{fig("5", 5, true), false, "", 0, 0},
		{fig("6", 6, true), true, "5", 1, 4},
		{fig("6", 6, false), true, "6", 1, 5}, // the store has lost commits
		{fig("4", 4, false), true, "6", 2, 6}, // whoever read it as complete must hear of it
		{fig("6", 6, true), true, "4", 3, 7},
		{fig("", 0, true), true, "6", 4, 8},
	} {
		changes := Changes(sent, []kpi.Figure{step.figure}, false)
		if len(changes) != 0 != step.said {
			t.Fatalf("step %d: said %v", i, changes)
		}
		for _, c := range changes {
			if c.Key != "dau|1d||2026-11-22" || c.Prior != step.prior || c.Figure.Revision != step.revision || c.Sent.Revision != step.revision || c.Sent.Seq != step.seq {
				t.Errorf("step %d: %+v", i, c)
			}
			back, err := ParseSent(c.Sent.Encode())
			if err != nil || back != c.Sent {
				t.Errorf("step %d: %q is read back as %+v (%v)", i, c.Sent.Encode(), back, err)
			}
			sent[c.Key] = back
		}
	}
	again := Changes(sent, []kpi.Figure{fig("", 0, true)}, true)
	if len(again) != 1 || again[0].Sent != sent[again[0].Key] || again[0].Figure.Revision != 4 {
		t.Errorf("said again: %+v", again)
	}
	for _, damaged := range []string{"", "1 2 3", "1 2 3 4 x 6", "1 2 3 4 5 6 7"} {
		if _, err := ParseSent([]byte(damaged)); err == nil {
			t.Errorf("%q was read", damaged)
		}
	}
}

func TestSameValueOfOtherPartsIsAChange(t *testing.T) {
	f := kpi.Figure{KPI: "stickiness", Value: "0.25", Numerator: 1, Denominator: 4, Complete: true}
	sent := map[string]Sent{Key(f): {Value: "0.25", Numerator: 250, Denominator: 1000, Complete: true, Settled: true}}
	if c := Changes(sent, []kpi.Figure{f}, false); len(c) != 1 || c[0].Figure.Revision != 1 {
		t.Errorf("250 of 1,000 became 1 of 4: %+v", c)
	}
}

func TestChangeAsEvent(t *testing.T) {
	c := Changes(nil, []kpi.Figure{fig("5", 5, true)}, false)[0]
	b, err := c.Encode("tidemark/prod")
	if err != nil {
		t.Fatal(err)
	}
	want := `{"specversion":"1.0","id":"dau|1d||2026-11-22|1","source":"tidemark/prod","type":"tidemark.kpi.changed","subject":"dau|1d||2026-11-22",` +
		`"time":"2026-11-22T10:00:00Z","datacontenttype":"application/json","data":{"kpi":"dau","window":"1d","segment":"","day":"2026-11-22","value":5,` +
		`"unit":"count","currency":"","numerator":5,"denominator":1,"complete":true,"revision":0,"watermark":"2026-11-22T10:00:00Z","formula":"dau/1","prior_value":null}}`
	if string(b) != want {
		t.Errorf("\n got %s\nwant %s", b, want)
	}
}

// said lists the keys of one KPI among the changes.
func said(b Batch, name string) string {
	var keys []string
	for _, c := range b.Changes {
		if c.Figure.KPI == name {
			day := strings.TrimPrefix(c.Figure.Day, "2026-11-")
			keys = append(keys, c.Figure.Segment+"@"+day+"="+c.Figure.Value.String())
		}
	}
	slices.Sort(keys)
	return strings.Join(keys, " ")
}

func next(t *testing.T, f *Feed, now int64) Batch {
	t.Helper()
	b, err := f.Next(context.Background(), now)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestFeed(t *testing.T) {
	store := twoShards()
	a, b := store.shards[0], store.shards[1]
	r := newReader(t, store)
	feed, err := NewFeed(r, 1000, 1095, nil)
	if err != nil {
		t.Fatal(err)
	}
	now := int64(5_000_000)
	if b := next(t, feed, now); len(b.Changes) != 0 {
		t.Errorf("before the reader is ready: %s", said(b, "customers"))
	}
	poll(t, r)
	batch := next(t, feed, now)
	if got := said(batch, "customers"); got != "@19=14 @20=15 @21=17 @22=16 plan=pro@19=3 plan=pro@20=3 plan=pro@21=3 plan=pro@22=3" {
		t.Errorf("at first every unfrozen day once, got %s", got)
	}
	if got := said(batch, "users_ever"); got != "@22=42 plan=pro@22=0" {
		t.Errorf("what has no day is said for the running one only, got %s", got)
	}

	// A change of the running day and one of a past day.
	customers := cell(aggregator.Customers)
	b.commit(map[string]aggregator.Row{dayRow(today, ""): {customers: 4}})
	a.commit(map[string]aggregator.Row{dayRow(today-1, ""): {customers: 3}})
	poll(t, r)
	if got := said(next(t, feed, now+999), "customers"); got != "" {
		t.Errorf("before the interval is over: %s", got)
	}
	if got := said(next(t, feed, now+1000), "customers"); got != "@22=21" { // 16 + 4 + 1
		t.Errorf("the running day after the interval: %s", got)
	}
	if got := said(next(t, feed, now+30_000), "customers"); got != "" {
		t.Errorf("past days come once a minute, got %s", got)
	}
	batch = next(t, feed, now+60_000)
	if got := said(batch, "customers"); got != "@21=18" {
		t.Errorf("past days after a minute: %s", got)
	}
	if c := batch.Changes[slices.IndexFunc(batch.Changes, func(c Change) bool { return c.Figure.KPI == "customers" })]; c.Figure.Revision != 1 || c.Prior != "17" {
		t.Errorf("a complete day that changes is a revision: %+v", c)
	}

	// The day ends in both shards: its figures are complete.
	a.at("2026-11-23T00:00:01Z", today-3, 120)
	b.at("2026-11-23T00:00:00Z", today-2, 60)
	a.commit(nil)
	b.commit(nil)
	poll(t, r)
	batch = next(t, feed, now+61_000)
	if got := said(batch, "customers"); got != "@22=21 @23=21 plan=pro@22=3 plan=pro@23=3" {
		t.Errorf("when the day has ended: %s", got)
	}

	// Freezing drops what was said of the day, but not where it was revised.
	for _, s := range store.shards {
		for s.head.FirstDay < today {
			s.advance()
		}
	}
	poll(t, r)
	batch = next(t, feed, now+62_000)
	if slices.Contains(batch.Drop, "customers|||2026-11-21") || !slices.Contains(batch.Drop, "customers|||2026-11-20") || slices.Contains(batch.Drop, "customers|||2026-11-22") {
		t.Errorf("dropped: %v", batch.Drop)
	}
	for _, c := range next(t, feed, now+200_000).Changes {
		if c.Figure.Day < "2026-11-22" {
			t.Errorf("said of a frozen day: %s", c.Key)
		}
	}
}

func TestFeedGoesOnAfterATakeOver(t *testing.T) {
	store := twoShards()
	r := newReader(t, store)
	poll(t, r)
	first, err := NewFeed(r, 1000, 1095, nil)
	if err != nil {
		t.Fatal(err)
	}
	stored := map[string][]byte{}
	for _, c := range next(t, first, 0).Changes {
		stored[c.Key] = c.Sent.Encode()
	}
	second, err := NewFeed(r, 1000, 1095, stored)
	if err != nil {
		t.Fatal(err)
	}
	b := next(t, second, 0)
	if len(b.Changes) != len(stored) {
		t.Errorf("%d figures are said again of %d", len(b.Changes), len(stored))
	}
	for _, c := range b.Changes {
		if c.Sent.Seq != 1 || c.Figure.Revision != 0 {
			t.Fatalf("said again as if it were new: %+v", c)
		}
	}
	if b = next(t, second, 1000); len(b.Changes) != 0 {
		t.Errorf("said a third time: %d", len(b.Changes))
	}
	if _, err := NewFeed(r, 1000, 1095, map[string][]byte{"x": []byte("damaged")}); err == nil {
		t.Error("a damaged figure was read")
	}
}

func TestFeedSaysMuchInParts(t *testing.T) {
	store := twoShards()
	store.shards[0].at("2026-11-22T10:00:00Z", today-100, 1)
	store.shards[1].at("2026-11-22T10:00:00Z", today-100, 1)
	store.shards[0].commit(nil)
	store.shards[1].commit(nil)
	r := newReader(t, store)
	poll(t, r)
	feed, err := NewFeed(r, 1000, 1095, nil)
	if err != nil {
		t.Fatal(err)
	}
	total, calls, keys := 0, 0, map[string]bool{}
	for {
		b := next(t, feed, 0)
		if len(b.Changes) == 0 {
			break
		}
		if len(b.Changes) > feedBatch+200 { // and the figures of a day
			t.Errorf("%d changes in one batch", len(b.Changes))
		}
		for _, c := range b.Changes {
			keys[c.Key] = true
		}
		total, calls = total+len(b.Changes), calls+1
	}
	// 101 days, 14 August to 22 November. Calendar windows are said on their last
	// day and on the running one; what is for now only, on the running day.
	ends := map[string]int{"month": 3 + 1, "quarter": 1 + 1, "week": 15 + 1}
	want := 0
	for _, k := range kpi.All() {
		for _, w := range k.Windows {
			switch {
			case k.Bucketed(): // no row has a bucket
			case k.NowOnly:
				want++
			case ends[w] > 0:
				want += ends[w]
			default:
				want += 101
			}
		}
	}
	want *= 2 // the whole, and one segment
	if total != want || len(keys) != want || calls < 3 {
		t.Errorf("%d figures (%d keys) in %d calls, want %d", total, len(keys), calls, want)
	}
}

func TestFeedSaysOtherAnewWhenItsMembersChange(t *testing.T) {
	store := newFake(1)
	s := store.shards[0]
	s.claim("a")
	s.at("2026-11-22T10:00:00Z", today-1, 1)
	customers := cell(aggregator.Customers)
	s.commit(map[string]aggregator.Row{opening("plan=a"): {customers: 3}, opening("plan=b"): {customers: 2}, opening("plan=c"): {customers: 1}})
	r := NewReader(store, Options{Location: newReader(t, store).opts.Location, Currency: usd, SegmentCap: 1})
	poll(t, r)
	feed, err := NewFeed(r, 1000, 1095, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := said(next(t, feed, 0), "customers"); got != "@21=0 @22=0 plan=a@21=3 plan=a@22=3 plan=other@21=3 plan=other@22=3" {
		t.Errorf("at first: %s", got)
	}
	s.commit(map[string]aggregator.Row{dayRow(today, "plan=c"): {customers: 7}}) // c has 8 now, a goes to other
	poll(t, r)
	if got := said(next(t, feed, 60_000), "customers"); got != "plan=c@21=1 plan=c@22=8 plan=other@21=5 plan=other@22=5" {
		t.Errorf("regrouped: %s", got)
	}
}
