package kpi

import (
	"strings"
	"testing"
)

// TestNearestOfALongWord: only its beginning is compared, and with no word that is so
// much shorter that it cannot be near.
func TestNearestOfALongWord(t *testing.T) {
	long := "plan=" + strings.Repeat("x", 300)
	words := []string{"plan=pro", long}
	if got := NearestOf("plan="+strings.Repeat("x", 260)+strings.Repeat("y", 300), words); got != long {
		t.Errorf("the first 256 bytes are those of a word, and the nearest is %q", got)
	}
	word := "plan=" + strings.Repeat("y", 1<<20)
	if got := NearestOf(word, words); got != "" {
		t.Errorf("the nearest is %q", got)
	}
	// A row for each byte of the word is what comparing it with another takes.
	if n := testing.AllocsPerRun(1, func() { NearestOf(word, []string{"plan=pro", "plan=basic"}) }); n > 20 {
		t.Errorf("%v allocations for a word that is near none", n)
	}
}
