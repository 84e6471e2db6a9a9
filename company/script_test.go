package company

import (
	"fmt"
	"maps"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tidemark-io/tidemark/aggregator"
)

// step changes a company of two shards: customers and labelled days of some
// segments and days, the end of a day, a day that freezes, or a loss of commits.
func (s *fakeShard) step(t *rapid.T, lost *fakeShard) {
	running := int32(s.head.Watermark / 86_400_000)
	segment := rapid.SampledFrom([]string{"", "plan=a", "plan=b"}).Draw(t, "segment")
	switch rapid.IntRange(0, 9).Draw(t, "step") {
	case 0:
		s.head.Watermark += 86_400_000
		s.commit(nil)
	case 1:
		if s.head.FirstDay < running-1 {
			s.advance()
		}
	case 2:
		if lost.head.FirstDay != 0 {
			s.rows, s.frozen, s.head = maps.Clone(lost.rows), maps.Clone(lost.frozen), lost.head
			s.claim("again")
		}
	case 3:
		*lost = fakeShard{rows: maps.Clone(s.rows), frozen: maps.Clone(s.frozen), head: s.head}
	case 4: // its last customer leaves it
		s.commit(map[string]aggregator.Row{opening(segment): nil, dayRow(running, segment): nil})
	default:
		row := aggregator.Row{cell(aggregator.Customers): rapid.Int64Range(-2, 5).Draw(t, "customers")}
		for _, label := range []string{"1", "2"} {
			if n := rapid.Int64Range(0, 3).Draw(t, "label"); n > 0 {
				row[labelled(aggregator.DaysAtLeast30, label)] = n
				row[labelled(aggregator.CohortWeekLast, label)] = n
			}
		}
		name := opening(segment)
		if day := running - rapid.Int32Range(0, 2).Draw(t, "ago"); day > s.head.FirstDay {
			name = dayRow(day, segment)
		}
		s.commit(map[string]aggregator.Row{name: row})
	}
}

// TestEvictedDaysAreSaidAlike: a feed that keeps nothing in memory from one call to
// the next says what one says that keeps everything, and stores the same, through
// take-overs, freezing and losses of commits.
func TestEvictedDaysAreSaidAlike(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fakes := newFake(2)
		for i, s := range fakes.shards {
			s.claim(fmt.Sprint(i))
			s.at("2026-11-22T10:00:00Z", today-1, 1)
			s.commit(map[string]aggregator.Row{opening(""): {cell(aggregator.Customers): 5}})
		}
		lost := []*fakeShard{{}, {}}
		var feeds [2]testFeed
		takeOver := func() {
			for i := range feeds {
				stored := newSentStore()
				if feeds[i].store != nil {
					stored = feeds[i].store
				}
				r := NewReader(fakes, Options{Location: time.UTC, Currency: usd, SegmentCap: 1, Said: stored.read})
				if _, err := r.Poll(t.Context()); err != nil {
					t.Fatal(err)
				}
				feeds[i] = newFeed(t, r, stored)
				feeds[i].retain = 2
			}
			feeds[0].said.most = 0
		}
		takeOver()
		now := int64(0)
		for range rapid.IntRange(1, 6).Draw(t, "steps") {
			i := rapid.IntRange(0, 1).Draw(t, "shard")
			fakes.shards[i].step(t, lost[i])
			if rapid.IntRange(0, 4).Draw(t, "take over") == 0 {
				takeOver()
			}
			now += rapid.SampledFrom([]int64{500, 1000, 60_000, 60_000}).Draw(t, "later")
			var said [2]Batch
			for i, f := range feeds {
				if _, err := f.reader.Poll(t.Context()); err != nil {
					t.Fatal(err)
				}
				b, err := f.Next(t.Context(), now)
				if err != nil {
					t.Fatal(err)
				}
				f.store.commit(b.Fields)
				said[i] = b
			}
			if !reflect.DeepEqual(said[0], said[1]) {
				t.Fatalf("with nothing in memory\n%+v\nwith all\n%+v", said[0].Changes, said[1].Changes)
			}
			if !maps.EqualFunc(feeds[0].store.fields, feeds[1].store.fields, func(a, b []byte) bool { return string(a) == string(b) }) {
				t.Fatal("other values are stored")
			}
		}
	})
}
