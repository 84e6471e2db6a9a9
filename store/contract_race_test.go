package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"

	"github.com/redis/go-redis/v9"
)

// beforeExec runs something once, just before the next MULTI is sent.
type beforeExec struct {
	mu sync.Mutex
	do func()
}

func (h *beforeExec) set(do func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.do = do
}

func (h *beforeExec) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (h *beforeExec) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }
func (h *beforeExec) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if cmds[0].Name() == "multi" {
			h.mu.Lock()
			do := h.do
			h.do = nil
			h.mu.Unlock()
			if do != nil {
				do()
			}
		}
		return next(ctx, cmds)
	}
}

func (c contract) claimInBetween() {
	h := &beforeExec{}
	s, other := c.open(h), c.open()
	t := c.commit(s, c.claim(s).Tenure, rows("o|", "1"))
	var after map[string]string
	h.set(func() { c.claim(other); after = c.dump() })
	if _, err := s.Commit(c.Context(), c.shard, t, rows("o|", "2")); !errors.Is(err, ErrFenced) {
		c.Errorf("Commit: %v, want ErrFenced", err)
	}
	c.same(c.dump(), after)
}

// commitBeforeClaim: what the old owner still manages to commit is loaded, and
// does not keep the claim from succeeding.
func (c contract) commitBeforeClaim() {
	h := &beforeExec{}
	heir, old := c.open(h), c.open()
	t := c.commit(old, c.claim(old).Tenure, rows("o|", "1"))
	h.set(func() { t = c.commit(old, t, rows("o|", "last")) })
	got := c.claim(heir)
	c.same(texts(got.Cells), map[string]string{"o|": "last"})
	c.same(got.Tenure.Number, t.Number+1)
	c.refusedCommit(old, t, ErrFenced)
}

func (c contract) commitInBetween() {
	h := &beforeExec{}
	s, other := c.open(h), c.open()
	t := c.commit(s, c.claim(s).Tenure, rows("o|", "1"))
	var after map[string]string
	h.set(func() { c.commit(other, t, rows("o|", "first")); after = c.dump() })
	if _, err := s.Commit(c.Context(), c.shard, t, rows("o|", "second")); !errors.Is(err, ErrFenced) {
		c.Errorf("Commit: %v, want ErrFenced", err)
	}
	c.same(c.dump(), after)
}

func (c contract) race() {
	const workers = 8
	s := c.open()
	t := c.claim(s).Tenure
	for round := range 10 {
		var (
			wg   sync.WaitGroup
			errs [workers]error
		)
		for i := range workers {
			wg.Go(func() {
				_, errs[i] = s.Commit(c.Context(), c.shard, t, rows("o|", fmt.Sprint(i), fmt.Sprintf("by %d", i), fmt.Sprint("round ", round)))
			})
		}
		wg.Wait()
		winner := -1
		for i, err := range errs {
			switch {
			case err == nil && winner < 0:
				winner = i
			case err == nil:
				c.Errorf("round %d: %d and %d both committed", round, winner, i)
			case !errors.Is(err, ErrFenced):
				c.Errorf("round %d: %v, want ErrFenced", round, err)
			}
		}
		if winner < 0 {
			c.Fatalf("round %d: nobody committed", round)
		}
		got := c.claim(s)
		t = got.Tenure
		c.same(string(got.Cells["o|"]), fmt.Sprint(winner))
		if n := countValue(got.Cells, fmt.Sprint("round ", round)); n != 1 {
			c.Errorf("round %d: rows of %d commits", round, n)
		}
	}
}

func countValue(m map[string][]byte, value string) (n int) {
	for v := range maps.Values(m) {
		if string(v) == value {
			n++
		}
	}
	return n
}
