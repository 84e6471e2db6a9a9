package worker_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/alert"
	"github.com/tidemark-io/tidemark/worker"
)

// idleCompany has nothing due, and notes how far the shard had read when it was
// asked.
type idleCompany struct {
	read   func() (int64, error)
	before atomic.Int64 // messages after which it no longer counts
	asked  atomic.Int64
}

func (c *idleCompany) Next(context.Context, time.Time) (worker.Duties, error) {
	if n, err := c.read(); err == nil && n < c.before.Load() {
		c.asked.Add(1)
	}
	return worker.Duties{}, nil
}

func (c *idleCompany) Alert(_ context.Context, p aggregator.Pair, firing bool) (alert.Alert, error) {
	return alert.Alert{Rule: p.Rule, Subject: p.Customer, Firing: firing}, nil
}

func (c *idleCompany) Send(context.Context, worker.Duties) error { return nil }

// A shard that never comes to the end of its log looks after the company all the
// same: rules on KPIs would not be judged for as long as there is always another
// message.
func TestBusyShardHasDuties(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.batch = 1
	c := &idleCompany{read: s.readAll}
	s.company = c
	s.own()
	s.atRest()
	s.arm(fault{e: lookRedis, o: paused, until: untilHealed})
	s.struckAll(1)
	var burst []message
	for n := range 1000 {
		burst = append(burst, s.login(fmt.Sprintf("c%d", n%20), "", day(1, float64(n)/100)))
	}
	s.send(burst...)
	c.before.Store(s.truth.sent)
	s.heal()
	s.untilRead(0)
	if c.asked.Load() == 0 {
		t.Error("nothing was asked of the company while there was something to read")
	}
}
