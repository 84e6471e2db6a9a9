package company

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/alert"
	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/store"
)

func shardOptions() (aggregator.Options, error) {
	return aggregator.Options{
		Calendar: civil.NewCalendar(time.UTC), Horizon: 10, Currency: usd, SilentDays: 14, ActiveDays: 90, LapseGrace: -1,
		ActivityKinds: [event.Signal + 1]bool{event.Login: true}, ActivitySignal: map[string]bool{},
		Dimensions: []string{"plan"}, Profile: aggregator.DefaultProfile(), MaxUsersInline: 64,
	}, nil
}

// worker applies events to one shard and commits them, as an owner does.
type worker struct {
	t      *testing.T
	store  *store.Store
	shard  *aggregator.Shard
	tenure store.Tenure
	ids    int
}

func (w *worker) apply(customer, moment string, change func(*event.Event)) {
	w.t.Helper()
	at, err := time.Parse(time.RFC3339, moment)
	if err != nil {
		w.t.Fatal(err)
	}
	w.ids++
	ev := event.Event{ID: fmt.Append(nil, w.ids), Source: []byte("test"), Customer: []byte(customer), Time: at.UnixMilli()}
	change(&ev)
	w.shard.Need([]event.Event{ev})
	status, err := w.shard.Apply(0, &ev, aggregator.Cause{})
	if err != nil || status != aggregator.Applied {
		w.t.Fatalf("%s of %s: %v %v", moment, customer, status, err)
	}
}

func (w *worker) commit(moment string) {
	w.t.Helper()
	at, err := time.Parse(time.RFC3339, moment)
	if err != nil {
		w.t.Fatal(err)
	}
	for w.shard.Advance(at.UnixMilli(), 1000) {
		continue // until no timer is due
	}
	ch := w.shard.Changes()
	fields := func(kvs []aggregator.KV) (out []store.Field) {
		for _, kv := range kvs {
			out = append(out, store.Field{Name: kv.Name, Value: kv.Value})
		}
		return out
	}
	w.tenure, err = w.store.Commit(context.Background(), 0, w.tenure, &store.Commit{
		Head:    store.Head{Watermark: ch.Watermark, FirstDay: ch.FirstDay, Table: ch.Table, Born: true},
		Records: fields(ch.Records), Cells: fields(ch.Cells), Frozen: fields(ch.Frozen), Due: fields(ch.Due),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.shard.Committed(1 << 20)
}

// From events through the aggregator and the store to figures and a customer.
func TestFromEventsToFigures(t *testing.T) {
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
	if err := st.SetPartitions(ctx, 1); err != nil {
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
	login := func(user string) func(*event.Event) {
		return func(ev *event.Event) { ev.Kind, ev.User = event.Login, []byte(user) }
	}
	subscribe := func(cents int64) func(*event.Event) {
		return func(ev *event.Event) {
			ev.Kind, ev.Attrs = event.Purchase, []event.Attr{{Name: []byte("plan"), Value: []byte("pro")}}
			ev.Purchase = event.PurchaseData{Amount: cents, Currency: usd, Interval: event.Month, Count: 1, Monthly: cents * event.MonthlyUnit}
		}
	}
	w.apply("acme", "2026-11-01T08:00:00Z", subscribe(2500))
	w.apply("acme", "2026-11-01T09:00:00Z", login("ann"))
	w.apply("acme", "2026-11-20T09:00:00Z", login("ann"))
	w.apply("acme", "2026-11-20T10:00:00Z", login("bob"))
	w.apply("blue", "2026-11-21T08:00:00Z", subscribe(5000))
	w.commit("2026-11-22T10:00:00Z")

	r := NewReader(st, Options{Location: time.UTC, Currency: usd})
	poll(t, r)
	for _, tc := range []struct{ kpi, segment, want string }{
		{"dau", "", "0 2 0 0?"},
		{"mau", "", "1 2 2 2?"},
		{"stickiness_avg", "", "0.03333333333333333 0.05 0.05 0.05?"}, // 1/30, then 3/60
		{"customers", "", "1 1 2 2?"},
		{"mrr", "plan=pro", "2500 2500 7500 7500?"},
		{"arpa", "", "2500 2500 3750 3750?"},
		{"users_ever", "", "2?"},
	} {
		if got := values(t, r, tc.kpi, tc.segment, today-3, today); got != tc.want {
			t.Errorf("%s of %q: %s, want %s", tc.kpi, tc.segment, got, tc.want)
		}
	}
	// 1 November lies before the first unfrozen day, 12 November.
	if got := values(t, r, "customers", "", today-22, today-20); got != "0 1 1" {
		t.Errorf("customers of frozen days: %s", got)
	}

	records := Records{Store: st, Options: shardOptions, Partition: func([]byte, int) (int, error) { return 0, nil }}
	v, err := records.Customer(ctx, "acme")
	if err != nil || v == nil {
		t.Fatalf("acme: %v %v", v, err)
	}
	if v.Users != 2 || v.MRR[usd] != 2500*event.MonthlyUnit || v.LastActiveDay != today-2 || v.Attributes["plan"] != "pro" || v.Band == aggregator.Gone || v.Score == nil {
		t.Errorf("acme: %+v", v)
	}
	o, _ = shardOptions()
	cs := Contributions(v, o.Profile)
	h := alert.Print(cs)
	score, printed := h.Score, h.Parts
	exact, _ := v.Score.Float64()
	if d := float64(score) - exact; d > 0.5 || d < -0.5 {
		t.Errorf("score %d of %v", score, exact)
	}
	// Two days with activity in 30 are 4 of 10 points of weight 30; without a
	// survey the weights with a value are 85: 14.1 of 35.3.
	if p := printed[0]; p.Signal != "activity" || p.Value != "2" || p.Points != 4 || p.Weighted != 14 || cs[0].Window != 30 {
		t.Errorf("activity: %+v", p)
	}
	if cs[2].Signal != "tickets" || cs[2].Value != nil || cs[2].Points != 10 {
		t.Errorf("tickets: %+v", cs[2])
	}
	if v, err = records.Customer(ctx, "nobody"); err != nil || v != nil {
		t.Errorf("nobody: %v %v", v, err)
	}
}

// splitting is a store in which a commit splits buckets after a reader has read
// the head for the first time.
type splitting struct {
	before, after store.Head
	always        bool // every commit splits one: no two heads are the same
	reads         int
	records       map[string][]byte
	err           error // of reading a record
}

func (s *splitting) Partitions(context.Context) (int, error) { return 1, nil }

func (s *splitting) ReadHead(context.Context, int) (store.View, error) {
	s.reads++
	if s.reads == 1 && !s.always || s.reads%2 == 0 && s.always {
		return store.View{Head: s.before}, nil
	}
	return store.View{Head: s.after}, nil
}

func (s *splitting) Record(_ context.Context, _ int, key string) ([]byte, error) {
	return s.records[key], s.err
}

func (s *splitting) Records(context.Context, int, []string) (store.Head, [][]byte, error) {
	return store.Head{}, nil, errors.New("no list is asked for")
}

func TestACustomerWhoseBucketIsSplitIsFound(t *testing.T) {
	o, err := shardOptions()
	if err != nil {
		t.Fatal(err)
	}
	shard, err := aggregator.New(o)
	if err != nil {
		t.Fatal(err)
	}
	moment := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC).UnixMilli()
	for i := range 50 {
		ev := event.Event{Kind: event.Login, ID: fmt.Append(nil, i), Source: []byte("test"), Customer: fmt.Append(nil, "c", i), Time: moment}
		shard.Need([]event.Event{ev})
		if _, err := shard.Apply(0, &ev, aggregator.Cause{}); err != nil {
			t.Fatal(err)
		}
	}
	for shard.Advance(moment, 1000) {
		continue
	}
	ch := shard.Changes()
	s := &splitting{records: map[string][]byte{}}
	for _, kv := range ch.Records {
		s.records[kv.Name] = kv.Value
	}
	s.after = store.Head{Watermark: ch.Watermark, FirstDay: ch.FirstDay, Table: ch.Table}
	table, err := aggregator.ParseTable(ch.Table)
	if err != nil {
		t.Fatal(err)
	}
	old := table
	old.Buckets = 1 // whatever it was: other customers lie in bucket 0
	s.before = s.after
	s.before.Table = old.Append(nil)
	records := Records{Store: s, Options: shardOptions, Partition: func([]byte, int) (int, error) { return 0, nil }}
	moved := 0
	for i := range 50 {
		id := fmt.Sprint("c", i)
		if aggregator.BucketKey(id, table.Buckets) == aggregator.BucketKey(id, 1) {
			continue
		}
		moved++
		s.reads = 0
		if v, err := records.Customer(context.Background(), id); err != nil || v == nil || v.Customer != id {
			t.Errorf("%s: %v %v", id, v, err)
		}
	}
	if moved == 0 {
		t.Error("no customer was in another bucket")
	}
	s.reads = 0
	if v, err := records.Customer(context.Background(), "nobody"); err != nil || v != nil {
		t.Errorf("nobody: %v %v", v, err)
	}
	// Whatever was tried, whether there is such a customer is not known.
	s.always = true
	if v, err := records.Customer(context.Background(), "nobody"); err == nil || !strings.Contains(err.Error(), "bucket was split") || v != nil {
		t.Errorf("nobody, while buckets are split: %v %v", v, err)
	}
	s.err = errors.New("connection refused")
	if v, err := records.Customer(context.Background(), "c1"); !errors.Is(err, s.err) || v != nil {
		t.Errorf("every attempt failed: %v %v", v, err)
	}
}
