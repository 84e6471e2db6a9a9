package store

import (
	"fmt"
	"strconv"

	"pgregory.net/rapid"
)

func (c contract) read(s *Store, after Tenure) View {
	c.Helper()
	v, err := s.ReadView(c.Context(), c.shard, after)
	if err != nil {
		c.Fatal(err)
	}
	return v
}

// wantView compares a view with a full flag and rows: name, value; "-": deleted.
func (c contract) wantView(v View, t Tenure, full bool, pairs ...string) {
	c.Helper()
	want := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		want[pairs[i]] = pairs[i+1]
	}
	if v.Tenure != t || v.Full != full {
		c.Errorf("view of %v, full %t; want %v, %t", v.Tenure, v.Full, t, full)
	}
	c.same(texts(v.Cells), want)
}

func (c contract) view() {
	s := c.open()
	v := c.read(s, Tenure{})
	c.wantView(v, Tenure{}, true)
	if !v.Empty {
		c.Error("a shard that was never claimed is not empty")
	}
	t1 := c.claim(s).Tenure
	if v = c.read(s, Tenure{}); !v.Empty {
		c.Error("a shard without a commit is not empty")
	}
	c.wantView(v, t1, true)

	t2 := c.commit(s, t1, rows("a", "1", "b", "1"))
	c.wantView(c.read(s, Tenure{}), t2, true, "a", "1", "b", "1")
	c.wantView(c.read(s, t1), t2, false, "a", "1", "b", "1")
	c.wantView(c.read(s, t2), t2, false)

	third := rows("b", "2", "c", "2")
	third.Causes = []Cause{{Topic: "logins", Offset: 5, Day: 3, Segments: []string{"plan=a"}}}
	t3 := c.commit(s, t2, third)
	if changed, all, none := c.read(s, t2), c.read(s, Tenure{}), c.read(s, t3); fmt.Sprint(changed.Causes) != "[{logins 5 0 3 [plan=a]}]" ||
		fmt.Sprint(all.Causes) != fmt.Sprint(changed.Causes) || len(none.Causes) != 0 {
		c.Errorf("causes: %v of what changed, %v of all, %v of nothing new", changed.Causes, all.Causes, none.Causes)
	}
	last := rows("c", "-")
	last.Head.Watermark = 77
	t4 := c.commit(s, t3, last)
	c.wantView(c.read(s, t2), t4, false, "b", "2", "c", "-")
	v = c.read(s, t3)
	c.wantView(v, t4, false, "c", "-")
	if v.Head.Watermark != 77 || v.Empty {
		c.Errorf("head: watermark %d, empty %t", v.Head.Watermark, v.Empty)
	}
	head, err := s.ReadHead(c.Context(), c.shard)
	if err != nil || head.Head.Watermark != 77 || head.Empty {
		c.Errorf("head alone: watermark %d, empty %t, %v", head.Head.Watermark, head.Empty, err)
	}
	c.wantView(head, t4, false)

	t5 := c.claim(s).Tenure
	c.wantView(c.read(s, t4), t5, true, "a", "1", "b", "2") // another owner
	t6 := c.commit(s, t5, rows("a", "3"))
	c.wantView(c.read(s, t5), t6, false, "a", "3")
	c.wantView(c.read(s, Tenure{Owner: t4.Owner, Number: t5.Number}), t6, true, "a", "3", "b", "2")
	peeked, err := s.Peek(c.Context(), []int{c.shard, c.shard + 1000})
	if err != nil {
		c.Fatal(err)
	}
	c.same(peeked, []Tenure{t6, {}})
}

// viewModel: whatever is committed and claimed, and whenever a reader looks,
// what it has put together from its views is what the commits amount to.
func (c contract) viewModel() {
	s := c.open()
	rapid.Check(c, func(r *rapid.T) {
		t := c.claim(s).Tenure
		truth := map[string]string{}
		for name := range c.read(s, Tenure{}).Cells {
			t = c.commit(s, t, rows(name, "-"))
		}
		type reader struct {
			seen  Tenure
			cells map[string]string
		}
		readers := []*reader{{cells: map[string]string{}}, {cells: map[string]string{}}}
		for range rapid.IntRange(1, 25).Draw(r, "steps") {
			switch rapid.IntRange(0, 4).Draw(r, "step") {
			case 0:
				t = c.claim(s).Tenure
			case 1, 2:
				changes := rapid.MapOf(rapid.SampledFrom([]string{"a", "b", "c", "d", "e"}), rapid.SampledFrom([]string{"-", "1", "2"})).Draw(r, "changes")
				commit := &Commit{}
				for name, value := range changes {
					commit.Cells = append(commit.Cells, fields(name, value)...)
					truth[name] = value
					if value == "-" {
						delete(truth, name)
					}
				}
				t = c.commit(s, t, commit)
			default:
				reader := rapid.SampledFrom(readers).Draw(r, "reader")
				v := c.read(s, reader.seen)
				if v.Full {
					reader.cells = map[string]string{}
				}
				for name, value := range texts(v.Cells) {
					reader.cells[name] = value
					if value == "-" {
						delete(reader.cells, name)
					}
				}
				reader.seen = v.Tenure
				if v.Tenure != t || fmt.Sprint(reader.cells) != fmt.Sprint(truth) {
					r.Fatalf("at %v the reader has %v at %v, want %v", t, reader.cells, v.Tenure, truth)
				}
			}
		}
	})
}

func (c contract) viewUnderCommits() {
	s := c.open()
	// Each commit sets one row of all, two more, and the head to its number.
	of := func(n uint64) *Commit {
		v := fmt.Sprint(n)
		commit := rows("all", v, "x"+fmt.Sprint(n%3), v, "y"+fmt.Sprint(n%3), v)
		commit.Head.Watermark = int64(n)
		return commit
	}
	t := c.commit(s, c.claim(s).Tenure, of(2))
	seen, cells, deltas := Tenure{}, map[string]string{}, 0
	for done := c.background(t, 300, of); ; {
		more := open(done)
		v := c.read(s, seen)
		if !v.Full && v.Tenure != seen {
			deltas++
		}
		for name, value := range texts(v.Cells) {
			cells[name] = value
		}
		seen = v.Tenure
		n := fmt.Sprint(v.Tenure.Number)
		latest := v.Tenure.Number % 3
		if fmt.Sprint(v.Head.Watermark) != n || cells["all"] != n || cells[fmt.Sprint("x", latest)] != n || cells[fmt.Sprint("y", latest)] != n {
			c.Fatalf("a view of commit %s: head %d, rows %v", n, v.Head.Watermark, cells)
		}
		for name, value := range cells {
			if number, err := strconv.ParseUint(value, 10, 64); err != nil || number > v.Tenure.Number {
				c.Fatalf("a view of commit %s has row %s of %s", n, name, value)
			}
		}
		if !more {
			break
		}
	}
	c.Logf("%d views of changed rows alone", deltas)
}

func (c contract) viewOverflow() {
	s := c.open()
	t := c.commit(s, c.claim(s).Tenure, rows("a", "1", "b", "1"))
	// As many rows as an entry names, and one more.
	for extra := range 2 {
		after := t
		commit := &Commit{}
		for i := range changesRows + extra {
			commit.Cells = append(commit.Cells, fields(fmt.Sprint("many", i), fmt.Sprint(i))...)
		}
		t = c.commit(s, t, commit)
		if v := c.read(s, after); v.Full != (extra == 1) || len(v.Cells) != changesRows+3*extra {
			// All rows are the 4,097 and the two before.
			c.Errorf("%d rows: full %t, %d rows", len(commit.Cells), v.Full, len(v.Cells))
		}
	}
	first := t
	for i := range changesKept {
		t = c.commit(s, t, rows("a", fmt.Sprint(i)))
	}
	c.wantView(c.read(s, first), t, false, "a", fmt.Sprint(changesKept-1))
	t = c.commit(s, t, rows("b", "2"))
	if v := c.read(s, first); !v.Full || string(v.Cells["b"]) != "2" || len(v.Cells) != changesRows+1+2 {
		c.Errorf("further behind than the list: full %t, %d rows", v.Full, len(v.Cells))
	}
	second := Tenure{Owner: first.Owner, Number: first.Number + 1}
	c.wantView(c.read(s, second), t, false, "a", fmt.Sprint(changesKept-1), "b", "2")
	if n, err := s.client.LLen(c.Context(), fmt.Sprintf("{t:%d}:changed", c.shard)).Result(); err != nil || n != changesKept {
		c.Errorf("the list has %d entries, %v", n, err)
	}
}

func (c contract) viewRollback() {
	s := c.open()
	t := c.commit(s, c.claim(s).Tenure, rows("a", "1"))
	// The reader has seen a later commit, which Redis has lost since.
	c.wantView(c.read(s, Tenure{Owner: t.Owner, Number: t.Number + 5}), t, true, "a", "1")
}
