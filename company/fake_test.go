package company

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/kpi"
	"github.com/tidemark-io/tidemark/store"
)

// fakeShard is one shard of a store in memory, with what a test needs to change.
type fakeShard struct {
	tenure  store.Tenure
	head    store.Head
	stored  bool
	rows    map[string]aggregator.Row
	frozen  map[string]aggregator.Row
	changed map[uint64][]string // row names by commit number
	causes  []store.Cause       // of the last commit
}

// fake is a store in memory. It counts reads.
type fake struct {
	shards              []*fakeShard
	full, partial, cold int // whole reads, reads of changes, fields of frozen rows read
	heads, trips        int // reads of heads alone, and of frozen rows
	scores              []byte
	err                 error
}

func newFake(n int) *fake {
	f := &fake{}
	for range n {
		f.shards = append(f.shards, &fakeShard{
			rows: map[string]aggregator.Row{}, frozen: map[string]aggregator.Row{}, changed: map[uint64][]string{},
		})
	}
	return f
}

func (f *fake) Partitions(context.Context) (int, error) { return len(f.shards), f.err }

func (f *fake) Peek(_ context.Context, shards []int) ([]store.Tenure, error) {
	out := make([]store.Tenure, len(shards))
	for i, s := range shards {
		out[i] = f.shards[s].tenure
	}
	return out, f.err
}

func (f *fake) ReadView(_ context.Context, shard int, after store.Tenure) (store.View, error) {
	s := f.shards[shard]
	v := store.View{Tenure: s.tenure, Head: s.head, Empty: !s.stored, Cells: map[string][]byte{}}
	v.Head.Offsets = maps.Clone(s.head.Offsets)
	v.Full = after.Owner != s.tenure.Owner || after.Number > s.tenure.Number
	if v.Full {
		f.full++
		for name, row := range s.rows {
			v.Cells[name] = row.Append(nil)
		}
		return v, f.err
	}
	f.partial++
	v.Causes = s.causes
	for n := after.Number + 1; n <= s.tenure.Number; n++ {
		for _, name := range s.changed[n] {
			v.Cells[name] = nil
			if row, ok := s.rows[name]; ok {
				v.Cells[name] = row.Append([]byte{})
			}
		}
	}
	return v, f.err
}

func (f *fake) ReadHead(_ context.Context, shard int) (store.View, error) {
	f.heads++
	s := f.shards[shard]
	v := store.View{Tenure: s.tenure, Head: s.head, Empty: !s.stored}
	v.Head.Offsets = maps.Clone(s.head.Offsets)
	return v, f.err
}

func (f *fake) Frozen(_ context.Context, shard int, fields []string) (map[string][]byte, error) {
	f.cold += len(fields)
	f.trips++
	out := map[string][]byte{}
	for _, name := range fields {
		if row, ok := f.shards[shard].frozen[name]; ok {
			out[name] = row.Append([]byte{})
		}
	}
	return out, f.err
}

func (f *fake) Scores(context.Context) ([]byte, error) { return f.scores, f.err }

// commit sets rows; nil deletes.
func (s *fakeShard) commit(rows map[string]aggregator.Row) {
	s.stored = true
	s.tenure.Number++
	for name, row := range rows {
		if row == nil {
			delete(s.rows, name)
		} else {
			s.rows[name] = row
		}
		s.changed[s.tenure.Number] = append(s.changed[s.tenure.Number], name)
	}
}

// claim is a take-over.
func (s *fakeShard) claim(owner string) {
	s.tenure = store.Tenure{Owner: owner, Number: s.tenure.Number + 1}
}

// at moves the shard to rest at a moment.
func (s *fakeShard) at(moment string, firstDay int32, next int64) {
	t, err := time.Parse(time.RFC3339, moment)
	if err != nil {
		panic(err)
	}
	s.head.Watermark, s.head.FirstDay, s.head.Born, s.head.AtEnd = t.UnixMilli(), firstDay, true, true
	s.head.Offsets = map[string]store.Offset{"logins": {Next: next}}
}

// advance moves the first day on by one as an owner does: what the shard knows
// of the old first day is frozen, the next day's row goes into the opening.
func (s *fakeShard) advance() {
	first := s.head.FirstDay
	next := map[string]aggregator.Row{}
	for _, segment := range s.segments() {
		opening := aggregator.RowName{Kind: 'o', Segment: segment}.String()
		s.frozen[aggregator.FrozenName(first, segment)] = maps.Clone(s.rows[opening])
		day := aggregator.RowName{Kind: 'd', Day: first + 1, Segment: segment}.String()
		if s.rows[day] == nil {
			continue
		}
		sum := aggregator.Row{}
		for _, row := range []aggregator.Row{s.rows[opening], s.rows[day]} {
			for c, v := range row {
				sum[c] += v
			}
		}
		next[opening], next[day] = sum, nil
	}
	s.head.FirstDay++
	s.commit(next)
}

func (s *fakeShard) segments() []string {
	seen := map[string]bool{}
	var out []string
	for name := range s.rows {
		n, err := aggregator.ParseRowName(name)
		if err != nil {
			panic(err)
		}
		if !seen[n.Segment] {
			seen[n.Segment] = true
			out = append(out, n.Segment)
		}
	}
	return out
}

// level is the definition of a level, read off the stored rows.
func (s *fakeShard) level(segment string, c aggregator.Cell, day int32) int64 {
	if day < s.head.FirstDay {
		return s.frozen[aggregator.FrozenName(day, segment)][c]
	}
	n := s.rows[aggregator.RowName{Kind: 'o', Segment: segment}.String()][c]
	for d := s.head.FirstDay + 1; d <= day; d++ {
		n += s.rows[aggregator.RowName{Kind: 'd', Day: d, Segment: segment}.String()][c]
	}
	return n
}

func cell(c aggregator.Counter) aggregator.Cell { return aggregator.Cell{Counter: c} }

var usd = event.Currency{'U', 'S', 'D'}

func newReader(t testing.TB, f *fake) *Reader {
	t.Helper()
	return NewReader(f, Options{Location: time.UTC, Currency: usd, MinSample: 30})
}

func poll(t testing.TB, r *Reader) bool {
	t.Helper()
	changed, err := r.Poll(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return changed
}

// dayRow and opening name rows.
func dayRow(day int32, segment string) string { return fmt.Sprintf("d%d|%s", day, segment) }
func opening(segment string) string           { return "o|" + segment }

// sentStore is what was said as a store holds it. It counts round trips and fields.
type sentStore struct {
	fields        map[string][]byte
	trips, loaded int
	err           error
}

func newSentStore() *sentStore { return &sentStore{fields: map[string][]byte{}} }

func (s *sentStore) read(_ context.Context, fields []string) (map[string][]byte, error) {
	s.trips, s.loaded = s.trips+1, s.loaded+len(fields)
	out := map[string][]byte{}
	for _, name := range fields {
		if b, ok := s.fields[name]; ok {
			out[name] = b
		}
	}
	return out, s.err
}

func (s *sentStore) commit(fields []store.Field) {
	for _, f := range fields {
		if f.Value == nil {
			delete(s.fields, f.Name)
		} else {
			s.fields[f.Name] = f.Value
		}
	}
}

func (s *sentStore) clone() *sentStore { return &sentStore{fields: maps.Clone(s.fields)} }

// say commits what is said of a figure.
func (s *sentStore) say(t testing.TB, f kpi.Figure, x Sent) {
	t.Helper()
	said, err := newSayings(slices.Collect(maps.Keys(s.fields)), s.read)
	if err == nil {
		err = said.begin(t.Context())
	}
	if err == nil {
		err = said.look(t.Context(), []place{said.place(f)})
	}
	if err != nil {
		t.Fatal(err)
	}
	said.say(f, x)
	s.commit(said.take())
}

// of is what is stored of a figure.
func (s *sentStore) of(t testing.TB, f kpi.Figure) (Sent, bool) {
	t.Helper()
	r := Reader{opts: Options{Said: s.read}}
	p := place{f.Segment, dayOf(f)}
	days, head, err := r.readSaid(context.Background(), []place{p})
	if err != nil {
		t.Fatal(err)
	}
	n, ok := head.numbers[figureKind{f.KPI, f.Window}]
	i, found := days[p].search(n, f.Bucket)
	if !ok || !found {
		return Sent{}, false
	}
	return days[p][i].Sent, true
}

// testFeed is a feed whose batches are committed.
type testFeed struct {
	*Feed
	store *sentStore
}

// newFeed goes on where a store ends.
func newFeed(t rapid.TB, r *Reader, s *sentStore) testFeed {
	t.Helper()
	f, err := NewFeed(r, FeedOptions{Interval: 1000, Retain: 1095, Stored: slices.Collect(maps.Keys(s.fields)), Read: s.read})
	if err != nil {
		t.Fatal(err)
	}
	return testFeed{f, s}
}

// next commits what is due.
func next(t testing.TB, f testFeed, now int64) Batch {
	t.Helper()
	b, err := f.Next(context.Background(), now)
	if err != nil {
		t.Fatal(err)
	}
	f.store.commit(b.Fields)
	return b
}
