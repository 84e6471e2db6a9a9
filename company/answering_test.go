package company

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/kpi"
	"github.com/tidemark-io/tidemark/store"
)

// answering100 is a store with answers: acme's by hand, those of a hundred others
// drawn, some of whose respondents are in records of their own.
func answering100(t *testing.T) (*store.Store, Records) {
	t.Helper()
	ctx := context.Background()
	st, err := store.Open(ctx, store.Options{Addrs: []string{miniredis.RunT(t).Addr()}, Namespace: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	options := func() (aggregator.Options, error) {
		o, err := shardOptions()
		o.MaxUsersInline, o.Horizon = 4, 100
		return o, err
	}
	if err := st.SetPartitions(ctx, 1); err != nil {
		t.Fatal(err)
	}
	claimed, err := st.Claim(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	o, err := options()
	if err != nil {
		t.Fatal(err)
	}
	shard, err := aggregator.New(o)
	if err != nil {
		t.Fatal(err)
	}
	w := &worker{t: t, store: st, shard: shard, tenure: claimed.Tenure}
	answers := func(who, campaign string, score int32) func(*event.Event) {
		return func(ev *event.Event) {
			ev.Kind, ev.Survey = event.Survey, event.SurveyData{Kind: event.NPS, Score: score * 1000, Max: 10_000, Respondent: []byte(who), Campaign: []byte(campaign)}
		}
	}
	w.apply("acme", "2026-08-20T08:00:00Z", answers("old", "", 1)) // 94 days before: in no window
	w.apply("acme", "2026-09-01T08:00:00Z", answers("ann", "", 3)) // replaced
	w.apply("acme", "2026-11-01T08:00:00Z", answers("ann", "", 9))
	w.apply("acme", "2026-11-02T08:00:00Z", answers("ann", "q4", 2))
	w.apply("acme", "2026-09-02T08:00:00Z", answers("bob", "", 8)) // 81 days before
	r := rand.New(rand.NewPCG(7, 7))
	for c := range 100 {
		for range r.IntN(12) {
			day := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC).AddDate(0, 0, -r.IntN(100))
			w.apply(fmt.Sprint("c", c), day.Format(time.RFC3339), answers(fmt.Sprint("u", r.IntN(9)), []string{"", "q4"}[r.IntN(2)], r.Int32N(11)))
		}
	}
	w.commit("2026-11-22T10:00:00Z")
	return st, Records{Store: st, Options: options, Partition: func([]byte, int) (int, error) { return 0, nil }}
}

// TestCustomersByAnswers: acme is where its answers put it, and over all customers
// the answers of each list add up to the KPI, whatever the size of the pages.
func TestCustomersByAnswers(t *testing.T) {
	ctx := context.Background()
	st, records := answering100(t)
	reader := NewReader(st, Options{Location: time.UTC, Currency: usd})
	poll(t, reader)
	acme := map[string]int64{"90d promoters": 1, "90d passives": 1, "90d detractors": 1, "30d promoters": 1, "30d detractors": 1}
	for _, window := range ClassWindows {
		for _, class := range Classes {
			k, err := kpi.Find(class)
			if err != nil {
				t.Fatal(err)
			}
			figures, err := reader.Figures(ctx, Query{KPI: k, Window: window, From: today, To: today})
			if err != nil || len(figures) != 1 {
				t.Fatalf("%v (%v)", figures, err)
			}
			for _, limit := range []int{1, 7, 1000} {
				seen, sum := map[string]bool{}, int64(0)
				q := CustomerQuery{NPS: class, Window: window, Limit: limit}
				for pages := 0; pages == 0 || q.Cursor != ""; pages++ {
					page, err := records.Answering(ctx, q)
					if err != nil {
						t.Fatal(err)
					}
					if len(page.Customers) > limit {
						t.Fatalf("%d customers on a page of %d", len(page.Customers), limit)
					}
					for _, c := range page.Customers {
						if seen[c.Customer] || c.Answers == 0 {
							t.Errorf("%s %s by %d: %+v again, or for nothing", window, class, limit, c)
						}
						seen[c.Customer] = true
						sum += c.Answers
						if c.Customer == "acme" && (c.Answers != acme[window+" "+class] || c.Band != "gone" || c.MRR.Currency != "USD") {
							t.Errorf("%s %s: %+v", window, class, c)
						}
					}
					q.Cursor = page.Next
				}
				if seen["acme"] != (acme[window+" "+class] > 0) {
					t.Errorf("%s %s: acme is listed: %v", window, class, seen["acme"])
				}
				if strconv.FormatInt(sum, 10) != figures[0].Value.String() || sum < 20 {
					t.Errorf("%s %s by %d: %d answers, the KPI is %s", window, class, limit, sum, figures[0].Value)
				}
			}
		}
	}
}

func TestCursorsOfAnswers(t *testing.T) {
	ctx := context.Background()
	_, records := answering100(t)
	page, err := records.Answering(ctx, CustomerQuery{NPS: "promoters", Limit: 1})
	if err != nil || page.Next == "" {
		t.Fatalf("%+v (%v)", page, err)
	}
	for _, q := range []CustomerQuery{
		{NPS: "passives", Limit: 1, Cursor: page.Next}, {NPS: "promoters", Window: "30d", Limit: 1, Cursor: page.Next},
		{NPS: "promoters", Limit: 1, Cursor: "x"}, {NPS: "promoters", Limit: 1, Cursor: "e30"},
		{NPS: "promoters", Limit: 1, Cursor: answeringCursor{Class: "promoters", Window: "90d", Shard: 1}.String()},
	} {
		if _, err := records.Answering(ctx, q); !errors.Is(err, ErrCursor) {
			t.Errorf("%+v: %v", q, err)
		}
	}
	if _, err := records.Answering(ctx, CustomerQuery{NPS: "promoters", Window: "90d", Limit: 1, Cursor: page.Next}); err != nil {
		t.Errorf("the default window by its name: %v", err)
	}
}

// nothing is a store of many empty buckets.
type nothing struct{ RecordStore }

func (nothing) Partitions(context.Context) (int, error) { return 1, nil }

func (nothing) Records(_ context.Context, _ int, keys []string) (store.Head, [][]byte, error) {
	table := aggregator.Table{Buckets: 10_000}
	return store.Head{Watermark: 1, Table: table.Append(nil)}, make([][]byte, len(keys)), nil
}

// TestAPageReadsSoMuch: where it finds nothing, a page ends after some thousand
// buckets, and the next one goes on there.
func TestAPageReadsSoMuch(t *testing.T) {
	records := Records{Store: nothing{}, Options: shardOptions}
	q, pages := CustomerQuery{NPS: "detractors", Limit: 10}, 0
	for ; pages == 0 || q.Cursor != ""; pages++ {
		page, err := records.Answering(context.Background(), q)
		if err != nil || len(page.Customers) != 0 {
			t.Fatalf("%+v (%v)", page, err)
		}
		q.Cursor = page.Next
	}
	if want := 10_000/answeringMost + 1; pages != want {
		t.Errorf("%d pages, want %d", pages, want)
	}
}
