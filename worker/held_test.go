package worker_test

import (
	"testing"
	"time"
)

// The owner waits for an audit, however long it takes: that is no doubt, and the
// shard is not taken over anew.
func TestOwnerWaitsForAnAudit(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.limit = 2 * time.Second
	s.own()
	s.quiet()
	if err := s.ws.Store.Hold(t.Context(), 0, time.Hour); err != nil {
		t.Fatal(err)
	}
	claims, asked := s.count(claim), s.count(compareCommit)
	began := time.Now()
	s.send(s.red("acme", 1)...)
	s.until("the owner has waited for longer than a step may take, or has started over", func() bool {
		return time.Since(began) > s.limit+s.limit/2 && s.count(compareCommit) > asked+1 || s.count(claim) > claims
	})
	if err := s.ws.Store.Release(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	s.atRest()
	if n := s.count(claim) - claims; n != 0 {
		t.Errorf("%d take-overs while an audit held commits, want none", n)
	}
}
