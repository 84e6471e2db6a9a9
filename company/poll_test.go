package company

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/kpi"
	"github.com/tidemark-io/tidemark/store"
)

func refresh(t *testing.T, r *Reader) {
	t.Helper()
	if err := r.Refresh(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// TestRowsArePutOff: whoever polls over and over reads no rows before it is time,
// but follows how far the shards are, and reads at once when their history is over.
func TestRowsArePutOff(t *testing.T) {
	f := twoShards()
	a, b := f.shards[0], f.shards[1]
	b.head.Born = false
	b.commit(nil)
	r := newReader(t, f)
	refresh(t, r)
	if f.full != 2 {
		t.Fatalf("%d whole reads at first", f.full)
	}
	r.pace.after = time.Now().Add(time.Hour)
	more := map[string]aggregator.Row{dayRow(today, ""): {cell(aggregator.Customers): 7}}
	for range 3 {
		b.commit(more)
		a.commit(nil)
		refresh(t, r)
		refresh(t, r)
	}
	if f.full+f.partial != 2 || f.heads != 6 {
		t.Errorf("%d whole and %d partial reads, %d of heads, want 2, 0 and one of each commit", f.full, f.partial, f.heads)
	}
	if got := values(t, r, "customers", "", today, today); got != "16?" {
		t.Errorf("customers %s: rows were read", got)
	}
	b.head.Born = true
	b.commit(nil)
	refresh(t, r)
	if ok, why := r.Ready(); !ok {
		t.Errorf("both shards have read their history, and the reader is not ready: %s", why)
	}
	if got := values(t, r, "customers", "", today, today); got != "23?" {
		t.Errorf("customers %s, want 16 + 7", got)
	}
}

// TestHighestNeedsNoRows: with clock: log the shards wait for each other's time,
// which must not wait for rows.
func TestHighestNeedsNoRows(t *testing.T) {
	f := twoShards()
	b := f.shards[1]
	b.head.AtEnd = false
	b.commit(nil)
	r := newReader(t, f)
	refresh(t, r)
	if _, ok := r.Highest(); ok {
		t.Fatal("a shard is not at the end of its log")
	}
	r.pace.after = time.Now().Add(time.Hour)
	b.head.AtEnd = true
	b.commit(nil)
	refresh(t, r)
	if _, ok := r.Highest(); !ok {
		t.Error("all shards are at their ends, and there is no highest time")
	}
}

// TestALossThatOnlyTheHeadShowed: commits were lost after heads were read and
// before rows were. The rows that are read next are old ones.
func TestALossThatOnlyTheHeadShowed(t *testing.T) {
	f := twoShards()
	a := f.shards[0]
	r := newReader(t, f)
	refresh(t, r)
	r.pace.after = time.Now().Add(time.Hour)
	now := a.head
	a.at("2026-11-22T11:00:00Z", today-3, 120)
	a.commit(nil)
	refresh(t, r)
	a.head = now
	a.claim("a2")
	poll(t, r)
	if ok, why := r.Ready(); ok || why != "shard 0 was rolled back and is reading the log again" {
		t.Errorf("after the loss: ready %v, %q", ok, why)
	}
	a.at("2026-11-22T11:00:00Z", today-3, 120)
	a.commit(nil)
	poll(t, r)
	if ok, why := r.Ready(); !ok {
		t.Errorf("reached again: not ready, %q", why)
	}
}

// TestPaceIsAShare of the time, and a smaller one while nobody can rely on figures.
func TestPaceIsAShare(t *testing.T) {
	now := time.Now()
	for ready, want := range map[bool]time.Duration{true: 20 * time.Millisecond, false: 190 * time.Millisecond} {
		var p pace
		p.took(now, now.Add(10*time.Millisecond), ready)
		if got := p.after.Sub(now.Add(10 * time.Millisecond)); got != want {
			t.Errorf("ready %v: after reading for 10 ms there is a pause of %v, want %v", ready, got, want)
		}
	}
}

// failingAt is a store of which the rows of a shard cannot be read once.
type failingAt struct {
	*fake
	shard int
	err   error
}

func (f *failingAt) ReadView(ctx context.Context, shard int, after store.Tenure) (store.View, error) {
	if err := f.err; err != nil && shard == f.shard {
		f.err = nil
		return store.View{}, err
	}
	return f.fake.ReadView(ctx, shard, after)
}

// TestScoresAreReadAfterAFailure: shard 0, whose owner stores them, was read before
// another one failed, and has not changed any more when that is read.
func TestScoresAreReadAfterAFailure(t *testing.T) {
	f := twoShards()
	f.scores = fmt.Appendf(nil, `{"at":%d,"segments":{"":{"customers":2,"sum":"101/2"}}}`, f.shards[0].head.Watermark)
	s := &failingAt{fake: f, shard: 1, err: errors.New("connection refused")}
	r := NewReader(s, Options{Location: time.UTC, Currency: usd})
	if _, err := r.Poll(context.Background()); err == nil {
		t.Fatal("shard 1 was read")
	}
	poll(t, r)
	if got := values(t, r, "health_mean", "", today, today); got != "25.25?" { // 50.5 / 2
		t.Errorf("the mean score is %s, want 25.25", got)
	}
}

// TestHold keeps polls out, and a poll is known to have read what was there before
// it began only once it has ended.
func TestHold(t *testing.T) {
	f := twoShards()
	r := newReader(t, f)
	poll(t, r)
	before := r.Version()
	since := r.Begun()
	if r.ReadSince(since) {
		t.Error("no poll has begun since")
	}
	release, ok := r.Hold()
	if !ok {
		t.Fatal("nobody polls, and the reader cannot be held")
	}
	if _, ok := r.Hold(); ok {
		t.Error("it is held twice")
	}
	f.shards[1].commit(map[string]aggregator.Row{dayRow(today, ""): {cell(aggregator.Customers): 7}})
	short, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := r.Poll(short); err == nil || r.Version() != before {
		t.Errorf("a poll went on while the reader was held: %v", err)
	}
	done := make(chan error)
	go func() {
		_, err := r.Poll(context.Background())
		done <- err
	}()
	release()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if !r.ReadSince(since) || r.Version() == before {
		t.Error("a poll has ended, and nothing was read since")
	}
	r.pace.after = time.Now().Add(time.Hour)
	since = r.Begun()
	f.shards[1].commit(nil)
	if refresh(t, r); r.ReadSince(since) {
		t.Error("rows were put off, and count as read")
	}
}

// TestRunningOfManySegments reads what is frozen in few round trips, and keeps few
// sums.
func TestRunningOfManySegments(t *testing.T) {
	f := newFake(2)
	customers := cell(aggregator.Customers)
	for i, s := range f.shards {
		s.claim(fmt.Sprint(i))
		s.at("2026-11-22T10:00:00Z", today-10, 1)
		rows := map[string]aggregator.Row{opening(""): {customers: 1000}}
		for n := range 1000 {
			name := fmt.Sprintf("plan%d=p%02d", n/100, n%100)
			rows[opening(name)] = aggregator.Row{customers: 1}
			s.frozen[aggregator.FrozenName(today-11, name)] = aggregator.Row{customers: 1}
		}
		s.commit(rows)
	}
	r := newReader(t, f)
	poll(t, r)
	segments := r.Segments()
	seen := 0
	err := r.Running(context.Background(), segments, func(figures []kpi.Figure) {
		for _, x := range figures {
			if x.KPI == "customers" && x.Value == "2" && x.Segment == segments[seen] {
				seen++
				return
			}
		}
		t.Fatalf("figures of %s: %v", segments[seen], figures)
	})
	if err != nil || seen != 1000 {
		t.Fatalf("figures of %d segments: %v", seen, err)
	}
	// Some 80 days of 64 segments at a time, from each of two shards.
	if most := 2 * (1000/runningChunk + 1) * (runningChunk*kpi.LookBack/frozenChunk + 1); f.trips > most {
		t.Errorf("%d reads of frozen rows, want at most %d", f.trips, most)
	}
	if n := len(r.view.sums); n > maxSums+1 {
		t.Errorf("%d sums are kept", n)
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if err := r.Running(ended, segments, func([]kpi.Figure) { t.Error("the time is up") }); err == nil {
		t.Error("the time is up, and it went on")
	}
}
