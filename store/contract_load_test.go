package store

import (
	"errors"
	"fmt"
	"testing"
)

func (c contract) load() {
	s, ctx := c.open(), c.Context()
	t := c.commit(s, c.claim(s).Tenure, &Commit{Records: fields("b/1", "one", "b/2", "two", "empty", "")})
	got, err := s.Load(ctx, c.shard, t, []string{"b/2", "absent", "empty", "b/1", "b/2"})
	if err != nil {
		c.Fatal(err)
	}
	c.same(got, [][]byte{[]byte("two"), nil, {}, []byte("one"), []byte("two")})
	if got, err := s.Load(ctx, c.shard, t, nil); err != nil || len(got) != 0 {
		c.Errorf("Load of nothing: %v, %v", got, err)
	}
	for _, wrong := range []Tenure{{Owner: t.Owner, Number: t.Number - 1}, {Owner: "x", Number: t.Number}, {}} {
		if got, err := s.Load(ctx, c.shard, wrong, []string{"b/1"}); !errors.Is(err, ErrFenced) || got != nil {
			c.Errorf("Load as %v: %q, %v; want ErrFenced", wrong, got, err)
		}
	}
}

// records are read by anybody, with the head of the commit that they are of.
func (c contract) records() {
	s, ctx := c.open(), c.Context()
	if h, got, err := s.Records(ctx, c.shard, []string{"b/0"}); err != nil || h.Watermark != 0 || len(got) != 1 || got[0] != nil {
		c.Errorf("of nothing: %v, %q, %v", h, got, err)
	}
	c.commit(s, c.claim(s).Tenure, &Commit{Head: Head{Watermark: 7, Table: []byte("t")}, Records: fields("b/1", "one", "b/2", "two")})
	h, got, err := s.Records(ctx, c.shard, []string{"b/2", "absent", "b/1"})
	if err != nil {
		c.Fatal(err)
	}
	c.same(got, [][]byte{[]byte("two"), nil, []byte("one")})
	if h.Watermark != 7 || string(h.Table) != "t" {
		c.Errorf("the head is %+v", h)
	}
}

// background makes n commits in a goroutine, each setting what of says, and
// returns a channel that is closed when they are done.
func (c contract) background(t Tenure, n int, of func(number uint64) *Commit) <-chan struct{} {
	s, done := c.open(), make(chan struct{})
	go func() {
		defer close(done)
		for range n {
			next, err := s.Commit(c.Context(), c.shard, t, of(t.Number+1))
			if err != nil {
				c.Errorf("commit in the background: %v", err)
				return
			}
			t = next
		}
	}()
	c.Cleanup(func() { <-done })
	return done
}

func open(done <-chan struct{}) bool {
	select {
	case <-done:
		return false
	default:
		return true
	}
}

func (c contract) loadUnderCommits() {
	s, keys := c.open(), []string{"b/1", "b/2", "b/3"}
	same := func(n uint64) *Commit {
		v := fmt.Sprint(n)
		return &Commit{Records: fields("b/1", v, "b/2", v, "b/3", v)}
	}
	t := c.commit(s, c.claim(s).Tenure, same(2))
	loaded, fenced := 0, 0
	for done := c.background(t, 300, same); open(done) || loaded == 0; {
		now, err := s.Peek(c.Context(), []int{c.shard})
		if err != nil {
			c.Fatal(err)
		}
		got, err := s.Load(c.Context(), c.shard, now[0], keys)
		switch {
		case errors.Is(err, ErrFenced):
			fenced++
		case err != nil:
			c.Fatal(err)
		default:
			loaded++
			for i, v := range got {
				if string(v) != fmt.Sprint(now[0].Number) {
					c.Fatalf("%s at commit %d: %s", keys[i], now[0].Number, v)
				}
			}
		}
	}
	c.Logf("%d loads, %d fenced", loaded, fenced)
}

func (c contract) failingReply() {
	s, ctx := c.open(), c.Context()
	t := c.commit(s, c.claim(s).Tenure, rows("o|", "1"))
	// Somebody else's hand: the rows are no hash any more, HSET fails within EXEC.
	if err := s.client.Set(ctx, fmt.Sprintf("{t:%d}:cells", c.shard), "x", 0).Err(); err != nil {
		c.Fatal(err)
	}
	if next, err := s.Commit(ctx, c.shard, t, rows("o|", "2")); err == nil || errors.Is(err, ErrFenced) || errors.Is(err, ErrHeld) {
		c.Errorf("Commit: %v, %v; want an unknown outcome", next, err)
	}
	if _, err := s.Claim(ctx, c.shard); err == nil {
		c.Error("Claim loaded rows that are no hash")
	}
}

func (c contract) large() {
	const records, cells = 5000, 3000
	s, ctx := c.open(), c.Context()
	var set, del Commit
	var keys []string
	for i := range records {
		keys = append(keys, fmt.Sprintf("b/%d", i))
		set.Records = append(set.Records, Field{Name: keys[i], Value: []byte(fmt.Sprint("record ", i))})
		del.Records = append(del.Records, Field{Name: keys[i]})
	}
	for i := range cells {
		set.Cells = append(set.Cells, Field{Name: fmt.Sprintf("d%d|", i), Value: []byte(fmt.Sprint("row ", i))})
		del.Cells = append(del.Cells, Field{Name: fmt.Sprintf("d%d|", i)})
		set.Bands = append(set.Bands, Member{Customer: fmt.Sprint("c", i), Band: "red", Score: float64(i)})
		del.Bands = append(del.Bands, Member{Customer: fmt.Sprint("c", i), Was: "red"})
	}
	t := c.commit(s, c.claim(s).Tenure, &set)
	values, err := s.Load(ctx, c.shard, t, keys)
	if err != nil {
		c.Fatal(err)
	}
	for i, v := range values {
		if string(v) != fmt.Sprint("record ", i) {
			c.Fatalf("record %d: %q", i, v)
		}
	}
	got := c.claim(s)
	for i := range cells {
		if name := fmt.Sprintf("d%d|", i); string(got.Cells[name]) != fmt.Sprint("row ", i) {
			c.Fatalf("row %d: %q", i, got.Cells[name])
		}
	}
	members, err := s.BandMembers(ctx, c.shard, "red", 0, -1, false)
	if err != nil || len(got.Cells) != cells || len(members) != cells || members[cells-1] != (BandMember{"c2999", 2999}) {
		c.Fatalf("%d rows, %d members of the band, %v", len(got.Cells), len(members), err)
	}
	c.commit(s, got.Tenure, &del)
	if dump := c.dump(); len(dump) != 2 { // meta and the list of changes
		c.Errorf("%d keys are left", len(dump))
	}
}

func (c contract) companyFigures() {
	s, ctx := c.open(), c.Context()
	t := c.claim(s).Tenure
	if b, err := s.Scores(ctx); err != nil || b != nil {
		c.Errorf("scores before any are stored: %q, %v", b, err)
	}
	commit := &Commit{Public: fields("mau", "250"), Sent: fields("20001|plan=pro", "packed"), Scores: []byte("of all")}
	if c.shard != 0 {
		before := c.dump()
		if _, err := s.Commit(ctx, c.shard, t, commit); err == nil {
			c.Error("figures of the company were committed outside of shard 0")
		}
		c.same(c.dump(), before)
		return
	}
	c.commit(s, t, commit)
	scores, err := s.Scores(ctx)
	if err != nil {
		c.Fatal(err)
	}
	c.same(scores, []byte("of all"))
	public, err := s.Public(ctx)
	if err != nil {
		c.Fatal(err)
	}
	c.same(texts(public), map[string]string{"mau": "250"})
	c.same(c.claim(s).Sent, []string{"20001|plan=pro"})
	keys := []string{"20001|", "20001|plan=pro"}
	for i := range 2 * perCommand { // more than one command's
		keys = append(keys, fmt.Sprint("none", i))
	}
	sent, err := s.Sent(ctx, keys)
	if err != nil {
		c.Fatal(err)
	}
	c.same(texts(sent), map[string]string{"20001|plan=pro": "packed"})
}

func TestRecordNames(t *testing.T) {
	k, err := newKeyspace("ns")
	if err != nil {
		t.Fatal(err)
	}
	keys := []string{"b/1", "", "u/acme/17"}
	got := fmt.Sprint(k.recordNames(12, len(keys), func(i int) string { return keys[i] }))
	if want := "[{ns:12}:r:b/1 {ns:12}:r: {ns:12}:r:u/acme/17]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for _, name := range []string{"", "a b", "a{b", "a}b", "a:b"} {
		if _, err := newKeyspace(name); err == nil {
			t.Errorf("namespace %q was accepted", name)
		}
	}
}
