package aggregator

import (
	"fmt"
	"strings"
	"testing"
)

// Two leave for the price, one says nothing; the second time the same customer
// cancels, nothing is left to end. Together they are the cancellations.
func TestReasons(t *testing.T) {
	s := testShard(t)
	c := customerOf(s, pays(10, "", 29, usd), leaves(20, "price"), leaves(21, "price"), pays(30, "", 29, usd), leaves(40, ""),
		pays(50, "", 29, usd), leaves(60, "price"))
	level := levelsOf(s, func(e *emitter) { e.contributeReasons(&c.line) })
	expect(t, level, Cell{Counter: CancelReasons, Label: "price"}, 0, 70, map[int32]int64{20: 1, 60: 1})
	expect(t, level, Cell{Counter: CancelReasons}, 0, 70, map[int32]int64{40: 1})
}

func TestReasonsAreBounded(t *testing.T) {
	s := testShard(t)
	for i := range 400 {
		want := fmt.Sprintf("reason %d", i)
		if i >= maxLabels-1 {
			want = otherLabel
		}
		if got := s.reasonOf([]byte(fmt.Sprintf("  reason %d\n", i))); got != want {
			t.Fatalf("reason %d is kept as %q", i, got)
		}
	}
	if len(s.reasons.list) != maxLabels {
		t.Errorf("%d reasons are kept", len(s.reasons.list))
	}
	if got := s.reasonOf([]byte("reason 7")); got != "reason 7" {
		t.Errorf("a known reason is %q", got)
	}
	if got := s.reasonOf(nil); got != "" {
		t.Errorf("none is %q", got)
	}
	fresh := testShard(t)
	if got := fresh.reasonOf([]byte(strings.Repeat("é", 40))); got != strings.Repeat("é", 30) {
		t.Errorf("a long one is cut to %q", got)
	}
}
