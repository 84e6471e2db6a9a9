package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"sort"
	"testing"

	"pgregory.net/rapid"

	"github.com/tidemark-io/tidemark/event"
)

// TestSortIsThatOfMemory: whatever fits into memory, the order is that of a
// stable sort by time and kind, nothing is lost, and no file is left.
func TestSortIsThatOfMemory(t *testing.T) {
	dir := t.TempDir()
	deepest := 0
	rapid.Check(t, func(t *rapid.T) {
		s := &sorter{memory: rapid.SampledFrom([]int{1, 200, 1000, 1 << 20}).Draw(t, "memory"), dir: dir}
		n := rapid.IntRange(0, 400).Draw(t, "messages")
		var all []Message
		for i := range n {
			m := Message{
				Time: rapid.Int64Range(-5, 5).Draw(t, "time"), Kind: event.Kind(rapid.IntRange(1, 5).Draw(t, "kind")),
				Customer: fmt.Appendf(nil, "c%d", i), Value: bytes.Repeat([]byte{byte(i)}, rapid.IntRange(0, 20).Draw(t, "size")),
			}
			all = append(all, m)
			if err := s.add(m); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.wait(); err != nil {
			t.Fatal(err)
		}
		for _, r := range s.runs {
			deepest = max(deepest, r.level)
		}
		if len(s.runs) > 3*(fanIn-1) {
			t.Fatalf("%d runs are open at once", len(s.runs))
		}
		sort.SliceStable(all, func(i, j int) bool {
			return all[i].Time < all[j].Time || all[i].Time == all[j].Time && all[i].Kind < all[j].Kind
		})
		sorted, err := s.finish(Summary{})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // it can be read again
			i := 0
			err = sorted.Each(func(m *Message) error {
				want := all[i]
				if m.Time != want.Time || m.Kind != want.Kind || !bytes.Equal(m.Customer, want.Customer) || !bytes.Equal(m.Value, want.Value) {
					return fmt.Errorf("message %d is %+v, want %+v", i, *m, want)
				}
				i++
				return nil
			})
			if err != nil || i != n {
				t.Fatalf("%d of %d messages: %v", i, n, err)
			}
		}
		if err := sorted.Close(); err != nil {
			t.Fatal(err)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
			t.Fatalf("%d files are left: %v", len(left), err)
		}
	})
	if deepest < 2 {
		t.Errorf("runs were merged to level %d only: the test does not reach the second merge", deepest)
	}
}

func TestDamagedRun(t *testing.T) {
	s := &sorter{memory: 1, dir: t.TempDir()}
	for i := range 3 {
		if err := s.add(Message{Time: int64(i), Kind: event.Login, Customer: []byte("c"), Value: []byte("value")}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.wait(); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(s.runs[0].path, 9); err != nil {
		t.Fatal(err)
	}
	sorted, err := s.finish(Summary{})
	if err != nil {
		t.Fatal(err)
	}
	if err := sorted.Each(func(*Message) error { return nil }); err == nil {
		t.Error("a run that was cut short is read as if it were whole")
	}
}

func TestVisitStops(t *testing.T) {
	s := &sorter{memory: 1, dir: t.TempDir()}
	for range 40 {
		if err := s.add(Message{Kind: event.Login}); err != nil {
			t.Fatal(err)
		}
	}
	sorted, err := s.finish(Summary{})
	if err != nil {
		t.Fatal(err)
	}
	stop, seen := errors.New("stop"), 0
	if err := sorted.Each(func(*Message) error { seen++; return stop }); !errors.Is(err, stop) || seen != 1 {
		t.Errorf("got %v after %d", err, seen)
	}
}

func TestNoFolderForTemporaryFiles(t *testing.T) {
	s := &sorter{memory: 1, dir: t.TempDir() + "/none"}
	if err := errors.Join(s.add(Message{Kind: event.Login}), s.add(Message{Kind: event.Login})); err != nil {
		t.Fatal(err) // the second one begins what cannot be
	}
	if _, err := s.finish(Summary{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
