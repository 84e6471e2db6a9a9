package worker_test

import (
	"fmt"
	"testing"
)

// While catching up, a commit ends when it has changed so many records, and not
// after so many messages.
func TestCommitsAreBoundedByRecords(t *testing.T) {
	t.Parallel()
	const messages, batch = 60_000, 1000
	for _, c := range []struct {
		name            string
		customers       int
		atLeast, atMost int // commits and claims
	}{
		// 40,000 messages in commits that only time ends, then 20 of 1,000 messages.
		{"few customers", 40, 0, messages/batch - 15},
		// Each message changes a record. A chunk more than that may be in each.
		{"each its own", messages, messages / (batch + batch/2), 2 * messages / batch},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newScript(t)
			s.batch, s.cache = batch, 1<<30
			all := make([]message, messages)
			for i := range all {
				all[i] = s.login(fmt.Sprintf("customer%d", i%c.customers), "", day(1, 20*float64(i)/messages))
			}
			s.send(all...)
			s.own()
			if n := s.commits(); n < c.atLeast || n > c.atMost {
				t.Errorf("%d messages of %d customers took %d commits, want %d to %d", messages, c.customers, n, c.atLeast, c.atMost)
			}
		})
	}
}
