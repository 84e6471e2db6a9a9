package aggregator

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestDaysetIsASet holds the bitmap against a map of days, stored and read again.
func TestDaysetIsASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		days := rapid.SliceOfN(rapid.Int32Range(-300, 300), 0, 60).Draw(t, "days")
		var s dayset
		want := map[int32]bool{}
		for _, d := range days {
			if fresh := s.set(d); fresh == want[d] {
				t.Fatalf("set(%d) says new: %v", d, fresh)
			}
			want[d] = true
		}
		if rapid.Bool().Draw(t, "store") {
			r := reader{b: s.append(nil, noDay)}
			if s = r.dayset(); r.err != nil || len(r.b) > 0 {
				t.Fatalf("read again: %v, %d bytes left", r.err, len(r.b))
			}
		}
		all := slices.Sorted(maps.Keys(want))
		for d := int32(-310); d <= 310; d++ {
			i, has := slices.BinarySearch(all, d)
			prev, next := noDay, farFuture
			if i > 0 {
				prev = all[i-1]
			}
			if has {
				i++
			}
			if i < len(all) {
				next = all[i]
			}
			if s.has(d) != has || s.prev(d) != prev || s.next(d) != next {
				t.Fatalf("day %d of %v: has %v, prev %d, next %d", d, all, s.has(d), s.prev(d), s.next(d))
			}
		}
		from := rapid.Int32Range(-310, 310).Draw(t, "after")
		to := rapid.Int32Range(-310, 310).Draw(t, "up to")
		n := 0
		for _, d := range all {
			if d > from && d <= to {
				n++
			}
		}
		if got := s.count(from, to); got != n {
			t.Fatalf("count(%d, %d] of %v: %d", from, to, all, got)
		}
		s.trim(from)
		for _, d := range all {
			if (d >= from || d == all[len(all)-1]) && !s.has(d) {
				t.Fatalf("trim(%d) of %v lost %d", from, all, d)
			}
		}
	})
}
