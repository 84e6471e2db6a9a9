package company

import (
	"context"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/store"
)

// The same through the real store: rows that a worker commits are read, changed
// and frozen ones too, and a take-over makes the reader read anew.
func TestThroughTheStore(t *testing.T) {
	ctx := context.Background()
	server := miniredis.RunT(t)
	st, err := store.Open(ctx, store.Options{Addrs: []string{server.Addr()}, Namespace: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	}()
	r := NewReader(st, Options{Location: newReader(t, newFake(0)).opts.Location, Currency: usd})
	poll(t, r)
	if ok, _ := r.Ready(); ok {
		t.Error("ready on an empty store")
	}
	if err := st.SetPartitions(ctx, 2); err != nil {
		t.Fatal(err)
	}
	claims := [2]store.Tenure{}
	for shard := range claims {
		c, err := st.Claim(ctx, shard)
		if err != nil {
			t.Fatal(err)
		}
		claims[shard] = c.Tenure
	}
	customers := cell(aggregator.Customers)
	row := func(n int64) []byte { return aggregator.Row{customers: n}.Append([]byte{}) }
	commit := func(shard int, c store.Commit) {
		t.Helper()
		f := fakeShard{}
		f.at("2026-11-22T10:00:00Z", today-2, 5)
		c.Head = f.head
		if claims[shard], err = st.Commit(ctx, shard, claims[shard], &c); err != nil {
			t.Fatal(err)
		}
	}
	commit(0, store.Commit{Cells: []store.Field{{Name: opening(""), Value: row(5)}}, Frozen: []store.Field{{Name: aggregator.FrozenName(today-3, ""), Value: row(4)}}})
	commit(1, store.Commit{Cells: []store.Field{{Name: opening(""), Value: row(10)}, {Name: dayRow(today, ""), Value: row(2)}}})
	poll(t, r)
	if got := values(t, r, "customers", "", today-3, today); got != "4 15 15 17?" {
		t.Errorf("customers: %s", got)
	}
	if poll(t, r) {
		t.Error("nothing has changed")
	}
	commit(1, store.Commit{Cells: []store.Field{{Name: dayRow(today, "")}, {Name: dayRow(today-1, ""), Value: row(-1)}}})
	poll(t, r)
	if got := values(t, r, "customers", "", today-3, today); got != "4 15 14 14?" {
		t.Errorf("customers after a row was deleted and one added: %s", got)
	}
	if _, err := st.Claim(ctx, 0); err != nil {
		t.Fatal(err)
	}
	if !poll(t, r) {
		t.Error("a take-over was not noticed")
	}
	if got := values(t, r, "customers", "", today-3, today); got != "4 15 14 14?" {
		t.Errorf("customers after a take-over: %s", got)
	}
	server.FlushAll()
	poll(t, r)
	if ok, why := r.Ready(); ok {
		t.Errorf("ready after the store was emptied: %s", why)
	}
}
