package company

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/kpi"
	"github.com/tidemark-io/tidemark/store"
)

// From records in the store to the mean of their scores, by way of what the owner
// of shard 0 stores of it: there is none before, and it stays what was read until
// somebody reads again.
func TestHealthMeanThroughTheStore(t *testing.T) {
	ctx := context.Background()
	st, err := store.Open(ctx, store.Options{Addrs: []string{miniredis.RunT(t).Addr()}, Namespace: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := st.SetPartitions(ctx, 2); err != nil {
		t.Fatal(err)
	}
	empty, err := st.Claim(ctx, 1) // nothing ever came to it
	if err != nil {
		t.Fatal(err)
	}
	if _, err := st.Commit(ctx, 1, empty.Tenure, &store.Commit{Head: store.Head{Born: true}}); err != nil {
		t.Fatal(err)
	}
	claimed, err := st.Claim(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	o, err := shardOptions()
	if err != nil {
		t.Fatal(err)
	}
	shard, err := aggregator.New(o)
	if err != nil {
		t.Fatal(err)
	}
	w := &worker{t: t, store: st, shard: shard, tenure: claimed.Tenure}
	pays := func(plan string) func(*event.Event) {
		return func(ev *event.Event) {
			ev.Kind, ev.Attrs = event.Purchase, []event.Attr{{Name: []byte("plan"), Value: []byte(plan)}}
			ev.Purchase = event.PurchaseData{Amount: 100, Currency: usd, Interval: event.Month, Count: 1, Monthly: 100 * event.MonthlyUnit}
		}
	}
	r := NewReader(st, Options{Location: time.UTC, Currency: usd, SegmentCap: 1})
	k, err := kpi.Find("health_mean")
	if err != nil {
		t.Fatal(err)
	}
	mean := func(segment string) string {
		t.Helper()
		r.scoresRead = time.Time{} // as if a second had gone by
		poll(t, r)
		list, err := r.Figures(ctx, Query{KPI: k, Segment: segment, From: Unset, To: Unset})
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == 0 {
			return "nothing"
		}
		return fmt.Sprintf("%s of %s", list[0].Value, list[0].Watermark)
	}
	expect := func(want map[string]string) {
		t.Helper()
		for segment, w := range want {
			if got := mean(segment); got != w {
				t.Errorf("health_mean of %q is %s, want %s", segment, got, w)
			}
		}
	}
	read := ScoreReader{Store: st, Options: shardOptions}
	keep := func() {
		t.Helper()
		scores, err := read.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		b, err := scores.Encode()
		if err != nil {
			t.Fatal(err)
		}
		ch := w.shard.Changes()
		w.tenure, err = st.Commit(ctx, 0, w.tenure, &store.Commit{Scores: b,
			Head: store.Head{Watermark: ch.Watermark, FirstDay: ch.FirstDay, Table: ch.Table, Born: true}})
		if err != nil {
			t.Fatal(err)
		}
	}
	// Each on its first paying day: 52 of 85 (recency 25, tickets 15, invoices 10,
	// tenure 2). big has two customers, so that basic and pro are other.
	for _, c := range [][2]string{{"a", "big"}, {"b", "big"}, {"c", "pro"}, {"d", "basic"}} {
		w.apply(c[0], "2026-11-20T08:00:00Z", pays(c[1]))
	}
	w.commit("2026-11-20T10:00:00Z")
	expect(map[string]string{"": "nothing"})
	keep()
	const first = "61.1764705882353 of 2026-11-20T10:00:00Z" // 52 / 85 × 100
	expect(map[string]string{"": first, "plan=big": first, "plan=other": first})
	// c was there: 6 more of 85. Nobody has read that yet.
	w.apply("c", "2026-11-20T11:00:00Z", func(ev *event.Event) { ev.Kind, ev.User = event.Login, []byte("u") })
	w.commit("2026-11-20T12:00:00Z")
	expect(map[string]string{"": first, "plan=other": first})
	keep()
	expect(map[string]string{
		"":           "62.94117647058823 of 2026-11-20T12:00:00Z", // (3 × 52 + 58) / 85 × 100 / 4 = 1,070 / 17
		"plan=big":   "61.1764705882353 of 2026-11-20T12:00:00Z",
		"plan=other": "64.70588235294117 of 2026-11-20T12:00:00Z", // (58 + 52) / 85 × 100 / 2 = 1,100 / 17
	})
}

// What is stored of scores, and damaged, is an error and no figure.
func TestDamagedScores(t *testing.T) {
	f := twoShards()
	f.scores = []byte(`{"at":1,`)
	if _, err := newReader(t, f).Poll(context.Background()); err == nil {
		t.Error("damaged scores were read")
	}
	bad := errors.New("no rows")
	r := NewReader(twoShards(), Options{Location: time.UTC, Currency: usd, Scores: func() (*Scores, error) { return nil, bad }})
	poll(t, r)
	k, _ := kpi.Find("health_mean")
	if _, err := r.Figures(context.Background(), Query{KPI: k, From: Unset, To: Unset}); !errors.Is(err, bad) {
		t.Errorf("the error is %v", err)
	}
}
