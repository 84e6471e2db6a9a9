package company

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/kpi"
)

// TestDaySet: it is a set of days.
func TestDaySet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var set daySet
		want := map[int32]bool{}
		for range rapid.IntRange(1, 50).Draw(t, "steps") {
			day := rapid.Int32Range(-300, 300).Draw(t, "day")
			if rapid.Bool().Draw(t, "add") {
				set.add(day)
				want[day] = true
			} else {
				set.remove(day)
				delete(want, day)
			}
		}
		before := rapid.Int32Range(-310, 310).Draw(t, "before")
		var got, days []int32
		set.each(before, func(day int32) { got = append(got, day) })
		for day := int32(-310); day < 310; day++ {
			if set.has(day) != want[day] {
				t.Fatalf("day %d: %v", day, set.has(day))
			}
			if want[day] && day < before {
				days = append(days, day)
			}
		}
		if !slices.Equal(got, days) {
			t.Fatalf("before %d there are %v, want %v", before, got, days)
		}
		if len(want) == 0 != (len(set.words) == 0) {
			t.Fatalf("%d days in %d words", len(want), len(set.words))
		}
	})
}

// oneShard is a company of one shard with customers in two segments, four days of
// which are not frozen.
func oneShard(t *testing.T) (*fake, *fakeShard, *Reader) {
	t.Helper()
	fakes := newFake(1)
	s := fakes.shards[0]
	s.claim("a")
	s.at("2026-11-22T10:00:00Z", today-3, 1)
	customers, one := cell(aggregator.Customers), labelled(aggregator.DaysAtLeast30, "1")
	s.commit(map[string]aggregator.Row{opening(""): {customers: 5, one: 3}, opening("plan=a"): {customers: 3}, opening("plan=b"): {customers: 2}})
	r := newReader(t, fakes)
	poll(t, r)
	return fakes, s, r
}

func changeOf(t *testing.T, b Batch, key string) Change {
	t.Helper()
	i := slices.IndexFunc(b.Changes, func(c Change) bool { return c.Key == key })
	if i < 0 {
		t.Fatalf("%s is not said", key)
	}
	return b.Changes[i]
}

// TestEvictedFigureChanges: nothing is in memory of a past day when it changes, once
// and again, and by the feed of the next tenure.
func TestEvictedFigureChanges(t *testing.T) {
	_, s, r := oneShard(t)
	feed := newFeed(t, r, newSentStore())
	feed.said.most = 0
	next(t, feed, 0)
	if next(t, feed, 1); len(feed.said.kept) != 0 {
		t.Fatalf("%d days are in memory", len(feed.said.kept))
	}
	for n, want := range []struct {
		value    string
		prior    string
		revision int
		seq      uint64
	}{{"6", "5", 1, 2}, {"7", "6", 2, 3}, {"8", "7", 3, 4}} {
		s.commit(map[string]aggregator.Row{opening(""): {cell(aggregator.Customers): int64(6 + n)}})
		if n == 2 {
			feed = newFeed(t, r, feed.store)
		}
		poll(t, r)
		c := changeOf(t, next(t, feed, int64(n+1)*60_000), "customers|||2026-11-20")
		if string(c.Figure.Value) != want.value || string(c.Sent.Prior) != want.prior || c.Figure.Revision != want.revision || c.Sent.Seq != want.seq {
			t.Errorf("change %d: %+v", n, c)
		}
		if stored, _ := feed.store.of(t, c.Figure); stored != c.Sent {
			t.Errorf("change %d: %+v is stored of %+v", n, stored, c.Sent)
		}
	}
}

// TestEvictedBucketIsEmptied: a bucket of a day that is not in memory is said as 0,
// and the day keeps its other figures.
func TestEvictedBucketIsEmptied(t *testing.T) {
	_, s, r := oneShard(t)
	feed := newFeed(t, r, newSentStore())
	feed.said.most = 0
	next(t, feed, 0)
	s.commit(map[string]aggregator.Row{opening(""): {cell(aggregator.Customers): 5}})
	poll(t, r)
	b := next(t, feed, 60_000)
	c := changeOf(t, b, "active_days_histogram|30d||1|2026-11-20")
	if c.Figure.Value != "0" || c.Sent.Prior != "3" || c.Figure.Revision != 1 {
		t.Errorf("the emptied bucket: %+v", c)
	}
	if got := kept(t, feed.store, "customers", ""); got != "19 20 21 22" {
		t.Errorf("customers are stored of %s", got)
	}
}

// TestATakeOverInTheMidst: the feed before had said a part of what was due. What it
// had stored is said once more as it was, what it had not as if it were new.
func TestATakeOverInTheMidst(t *testing.T) {
	fakes, s, r := oneShard(t)
	rows := map[string]aggregator.Row{}
	for n := range 60 {
		rows[opening(fmt.Sprint("plan=", n))] = aggregator.Row{cell(aggregator.Customers): 1}
	}
	s.commit(rows)
	poll(t, r)
	feed := newFeed(t, r, newSentStore())
	first := map[string]Sent{}
	for _, c := range next(t, feed, 0).Changes {
		first[c.Key] = c.Sent
	}
	if len(feed.past) == 0 {
		t.Fatal("all is said by one call")
	}
	r = NewReader(fakes, r.opts)
	poll(t, r)
	heir := newFeed(t, r, feed.store)
	heir.said.most = 0
	said := map[string]Sent{}
	for calls := 0; calls == 0 || len(heir.running)+len(heir.past) > 0; calls++ {
		for _, c := range next(t, heir, int64(calls)).Changes {
			said[c.Key] = c.Sent
		}
	}
	for key, s := range said {
		if before, ok := first[key]; ok && before != s || s.Seq != 1 {
			t.Fatalf("%s was said as %+v, and now as %+v", key, before, s)
		}
		delete(first, key)
	}
	if len(first) > 0 || len(said) < 20_000 {
		t.Errorf("%d figures are said, and of those before %d not", len(said), len(first))
	}
}

// TestEvictedDaysAreForgotten: days that froze lose what was never revised, and go
// when they are older than what is kept, a bounded number in each call.
func TestEvictedDaysAreForgotten(t *testing.T) {
	_, s, r := oneShard(t)
	feed := newFeed(t, r, newSentStore())
	feed.said.most, feed.retain = 0, 2
	next(t, feed, 0)
	s.commit(map[string]aggregator.Row{opening("plan=a"): {cell(aggregator.Customers): 4}})
	poll(t, r)
	next(t, feed, 60_000) // revises customers of plan=a on the 19th to the 22nd
	s.advance()
	s.advance()
	poll(t, r)
	next(t, feed, 120_000)
	for segment, want := range map[string]string{"": "21 22", "plan=a": "19 20 21 22", "plan=b": "21 22"} {
		if got := kept(t, feed.store, "customers", segment); got != want {
			t.Errorf("customers of %q are stored of %s, want %s", segment, got, want)
		}
	}
	if got := kept(t, feed.store, "mrr", "plan=a"); got != "21 22" {
		t.Errorf("MRR was not revised and is stored of %s", got)
	}
	s.head.Watermark += 86_400_000
	s.commit(nil)
	s.advance() // the 19th is older than what is kept, the 20th is not
	poll(t, r)
	loaded := feed.store.loaded
	next(t, feed, 180_000)
	if loaded = feed.store.loaded - loaded; loaded > 20 { // the 19th goes by its name
		t.Errorf("%d fields were loaded", loaded)
	}
	for segment, want := range map[string]string{"plan=a": "20 21 22 23", "plan=b": "22 23"} {
		if got := kept(t, feed.store, "customers", segment); got != want {
			t.Errorf("a day later customers of %q are stored of %s, want %s", segment, got, want)
		}
	}
	s.advance() // the 22nd changed as it ran, which is no revision
	poll(t, r)
	next(t, feed, 240_000)
	if got := kept(t, feed.store, "customers", "plan=a"); got != "21 23" {
		t.Errorf("at last customers of plan=a are stored of %s", got)
	}
	if _, ok := feed.store.fields[place{"plan=b", today - 3}.field()]; ok {
		t.Error("a day of which nothing is kept is still stored")
	}
}

// TestDaysThatAreNotFrozenAnyMore: a shard that has lost commits has days again that
// were frozen and forgotten. They are said anew, and forgotten once more.
func TestDaysThatAreNotFrozenAnyMore(t *testing.T) {
	_, s, r := oneShard(t)
	feed := newFeed(t, r, newSentStore())
	next(t, feed, 0)
	rows, frozen := maps.Clone(s.rows), maps.Clone(s.frozen)
	s.advance()
	s.advance()
	poll(t, r)
	next(t, feed, 60_000)
	for n, want := range []string{"19 20 21 22", "21 22"} {
		if n == 0 {
			s.rows, s.frozen, s.head.FirstDay = rows, frozen, today-3
			s.claim("again")
			s.commit(nil)
		} else {
			s.advance()
			s.advance()
		}
		poll(t, r)
		next(t, feed, int64(n+2)*60_000)
		if got := kept(t, feed.store, "customers", ""); got != want {
			t.Errorf("step %d: customers are stored of %s, want %s", n, got, want)
		}
	}
}

// TestAFrozenDayThatIsSaidIsNotForgotten: not even where the feed ends before it has
// thinned out the day again.
func TestAFrozenDayThatIsSaidIsNotForgotten(t *testing.T) {
	store := newSentStore()
	said, err := newSayings(nil, store.read)
	if err != nil {
		t.Fatal(err)
	}
	said.thinnedTo(today)
	store.commit(said.take())
	store.say(t, kpi.Figure{KPI: "customers", Day: "2026-11-20"}, Sent{Value: "5", Numerator: 5, Denominator: 1, Seq: 1})
	heir := newFeed(t, newReader(t, newFake(1)), store)
	if err := heir.said.begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := heir.said.unthinned(today); got != today-2 {
		t.Errorf("the first day to look at is %d days ago", today-got)
	}
}

// TestOneRoundTripForManyDays: what is said after a take-over is read forty segments
// and days at a time.
func TestOneRoundTripForManyDays(t *testing.T) {
	_, _, r := oneShard(t)
	feed := newFeed(t, r, newSentStore())
	next(t, feed, 0)
	feed.store.trips, feed.store.loaded = 0, 0
	heir := newFeed(t, r, feed.store)
	next(t, heir, 0)
	if got := feed.store.trips; got != 2 || feed.store.loaded < 12 { // the head, and 3 segments on 4 days
		t.Errorf("%d fields were loaded in %d round trips", feed.store.loaded, got)
	}
	if next(t, heir, 1000); feed.store.trips != 2 {
		t.Error("what is in memory was read again")
	}
}

// TestAFailedReadLosesNothing: the call after it says what the failed one would have.
func TestAFailedReadLosesNothing(t *testing.T) {
	fakes, s, r := oneShard(t)
	feed := newFeed(t, r, newSentStore())
	feed.said.most = 0
	next(t, feed, 0)
	s.commit(map[string]aggregator.Row{opening(""): {cell(aggregator.Customers): 6}})
	poll(t, r)
	feed.store.err = errors.New("no store")
	if b, err := feed.Next(t.Context(), 60_000); err == nil || len(b.Changes)+len(b.Fields) > 0 {
		t.Errorf("%v, %+v", err, b)
	}
	feed.store.err = nil
	if c := changeOf(t, next(t, feed, 60_001), "customers|||2026-11-20"); c.Figure.Revision != 1 || c.Sent.Prior != "5" {
		t.Errorf("after a failed read of what was said: %+v", c)
	}
	// Rows cannot be read in the midst: what was found until then is said.
	s.commit(map[string]aggregator.Row{opening(""): {cell(aggregator.Customers): 7}, opening("plan=a"): {cell(aggregator.Customers): 9}})
	poll(t, r)
	said := map[string]string{}
	for n, failing := range []bool{true, false, false} {
		r.mu.Lock()
		clear(r.view.frozen)
		r.mu.Unlock()
		if fakes.err = nil; failing {
			fakes.err = errors.New("no store")
		}
		b, _ := feed.Next(t.Context(), 120_000+int64(n))
		feed.store.commit(b.Fields)
		for _, c := range b.Changes {
			said[c.Key] = c.Figure.Value.String()
		}
	}
	if said["customers|||2026-11-20"] != "7" || said["customers||plan=a|2026-11-20"] != "9" {
		t.Errorf("after a failed read of rows: %v", said)
	}
}
