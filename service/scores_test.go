package service

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/company"
)

// TestScoresAreReadInTheBackground: one reading at a time, none while nothing has
// changed, none before the pause is over, and twenty times as long a pause as the
// reading took. What was found is said until it is stored, and stored once.
func TestScoresAreReadInTheBackground(t *testing.T) {
	type answer struct {
		at  int64
		err error
	}
	asked, answers := make(chan struct{}, 10), make(chan answer)
	k := scoreKeeper{stale: true, pause: 5 * time.Second, read: func(context.Context) (*company.Scores, error) {
		asked <- struct{}{}
		a := <-answers
		return &company.Scores{At: a.at}, a.err
	}}
	now := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	next := func(changed bool) string {
		t.Helper()
		b, err := k.next(context.Background(), now, changed)
		if err != nil {
			return "error"
		}
		return string(b)
	}
	// until lets the reading end: what it sends is there as soon as it has sent it.
	until := func() string {
		t.Helper()
		for {
			if s := next(false); k.done == nil {
				return s
			}
		}
	}
	if next(false) != "" || k.done == nil {
		t.Fatal("nobody reads at first")
	}
	<-asked
	next(true) // changed while it is read: read again after the pause
	answers <- answer{at: 7}
	const found = `{"at":7,"segments":null}`
	if got := until(); got != found {
		t.Fatalf("found %q", got)
	}
	if got := next(false); got != found || k.done != nil {
		t.Errorf("before it is stored: %q, reading %v", got, k.done != nil)
	}
	k.stored([]byte(found))
	if got := next(false); got != "" || k.done != nil {
		t.Errorf("once it is stored: %q, reading %v", got, k.done != nil)
	}
	now = now.Add(5 * time.Second)
	next(false)
	<-asked
	answers <- answer{at: 7}
	if got := until(); got != "" {
		t.Errorf("the same is to be stored again: %q", got)
	}
	now = now.Add(time.Hour)
	if next(false); k.done != nil {
		t.Error("it reads although nothing has changed")
	}
	next(true)
	<-asked
	answers <- answer{err: errors.New("the store is away")}
	if got := until(); got != "error" {
		t.Errorf("an error is %q", got)
	}
	if next(false); k.done != nil {
		t.Error("it tries again at once")
	}
	if err := k.take(scoresRead{scores: &company.Scores{At: 8}, took: time.Minute}, now); err != nil {
		t.Error(err)
	}
	now = now.Add(20*time.Minute - 1)
	if next(true); k.done != nil {
		t.Error("it reads more than a twentieth of the time")
	}
	now = now.Add(1)
	if next(false); k.done == nil {
		t.Error("it does not read again")
	}
	<-asked
	answers <- answer{at: 9}
}
