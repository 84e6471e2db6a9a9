package store

import (
	"errors"
	"fmt"
	"testing"
)

// faults loses each of a commit's three round trips in both ways. Whatever
// happens, the commit is either there once, or not at all.
func (c contract) faults() {
	for _, command := range []string{"watch", "hmget", "exec"} {
		for _, l := range []loss{cutRequest, loseReply} {
			c.Run(fmt.Sprintf("%s %d", command, l), func(t *testing.T) {
				c := c
				c.T = t
				c.clean()
				c.fault(command, l)
			})
		}
	}
}

func (c contract) fault(command string, l loss) {
	p := newProxies(c)
	s := c.open(p)
	t := c.commit(s, c.claim(s).Tenure, rows("a", "1"))
	before := c.dump()
	p.arm(l, command)
	next, err := s.Commit(c.Context(), c.shard, t, rows("a", "2", "b", "2"))
	<-p.hit
	if errors.Is(err, ErrFenced) || errors.Is(err, ErrHeld) {
		c.Fatalf("Commit: %v, want an unknown outcome", err)
	}
	applied := command == "exec" && l == loseReply
	if command == "watch" && err == nil {
		// A cluster's client may send WATCH again; nothing depends on it.
		c.same(next, Tenure{Owner: t.Owner, Number: t.Number + 1})
		applied = true
	} else if err == nil {
		c.Error("Commit: no error")
	}
	got := c.claim(c.raw)
	want, number := map[string]string{"a": "1"}, t.Number
	if applied {
		want, number = map[string]string{"a": "2", "b": "2"}, t.Number+1
	}
	c.same(texts(got.Cells), want)
	c.same(got.Tenure.Number, number+1)
	if dump := c.dump(); !applied {
		// Only the claim has changed anything.
		meta := fmt.Sprintf("{t:%d}:meta", c.shard)
		delete(dump, meta)
		delete(before, meta)
		c.same(dump, before)
	}
}

func (c contract) claimWithoutReply() {
	p := newProxies(c)
	s := c.open(p)
	t := c.commit(s, c.claim(s).Tenure, rows("a", "1"))
	p.arm(loseReply, "exec")
	if _, err := s.Claim(c.Context(), c.shard); err == nil {
		c.Error("Claim: no error")
	}
	<-p.hit
	c.refusedCommit(s, t, ErrFenced) // the claim was made
	got := c.claim(s)
	c.same(got.Tenure.Number, t.Number+2)
	c.same(texts(got.Cells), map[string]string{"a": "1"})
}

// delayedCommit returns after a commit has failed whose EXEC is still on its way.
func (c contract) delayedCommit() *proxies {
	p := newProxies(c)
	s := c.open(p)
	t := c.commit(s, c.claim(s).Tenure, rows("a", "1"))
	p.arm(delay, "exec")
	if _, err := s.Commit(c.Context(), c.shard, t, rows("a", "late")); err == nil || errors.Is(err, ErrFenced) {
		c.Errorf("Commit: %v, want an unknown outcome", err)
	}
	<-p.hit
	return p
}

func (c contract) lateCommitRefused() {
	p, s := c.delayedCommit(), c.open()
	got := c.claim(s)
	c.same(texts(got.Cells), map[string]string{"a": "1"})
	before := c.dump()
	close(p.letGo)
	if reply := string(<-p.reply); reply != "*-1\r\n" {
		c.Errorf("EXEC after the claim: %q, want the nil array", reply)
	}
	c.same(c.dump(), before)
	c.commit(s, got.Tenure, rows("a", "2"))
}

func (c contract) lateCommitApplied() {
	p, s := c.delayedCommit(), c.open()
	close(p.letGo)
	if reply := string(<-p.reply); reply[:2] == "*-" {
		c.Errorf("EXEC before the claim: %q", reply)
	}
	got := c.claim(s)
	c.same(texts(got.Cells), map[string]string{"a": "late"})
	c.same(got.Tenure.Number, uint64(4)) // claim, commit, late commit, claim
}
