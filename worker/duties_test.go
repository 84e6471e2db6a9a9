package worker_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/alert"
	"github.com/tidemark-io/tidemark/company"
	"github.com/tidemark-io/tidemark/worker"
)

// described makes alerts that say no more than they must.
type described struct{}

func (described) Alert(_ context.Context, p aggregator.Pair, firing bool) (alert.Alert, error) {
	return alert.Alert{Rule: p.Rule, Subject: p.Customer, Firing: firing}, nil
}

func (described) Send(context.Context, worker.Duties) error { return nil }

func (described) Close() {}

// idleCompany has nothing due, and notes how far the shard had read when it was
// asked.
type idleCompany struct {
	described
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

// A shard that never comes to the end of its log looks after the company all the
// same: rules on KPIs would not be judged for as long as there is always another
// message.
func TestBusyShardHasDuties(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.batch = 1
	c := &idleCompany{read: s.readAll}
	s.company = func(map[aggregator.Pair]aggregator.Firing) worker.Company { return c }
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

// firingCompany has a rule on a KPI that fires, by all that the shards hold.
type firingCompany struct {
	described
	firing map[aggregator.Pair]aggregator.Firing // by what is stored
	ready  *atomic.Bool
}

var manyRed = aggregator.Pair{Rule: "many_red", Customer: "health_red"}

func (c firingCompany) Next(context.Context, time.Time) (d worker.Duties, _ error) {
	if !c.ready.Load() {
		return d, nil
	}
	d.Judged = true
	if _, stored := c.firing[manyRed]; !stored {
		d.Fired = map[aggregator.Pair]*aggregator.Firing{manyRed: {Since: day(0, 0)}}
	}
	return d, nil
}

// T5: that a rule on a KPI fires is said in a commit that moves no offset. Lost
// with Redis, it is not resolved before the company was looked at again.
func TestLostVerdictIsNotTakenBack(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	var ready atomic.Bool
	ready.Store(true)
	s.company = func(firing map[aggregator.Pair]aggregator.Firing) worker.Company {
		return firingCompany{firing: firing, ready: &ready}
	}
	fires := func(c contents) bool {
		_, ok := c["{"+s.ws.Name+":0}:firing"].hash[manyRed.Rule+"|"+manyRed.Customer]
		return ok
	}
	s.own()
	s.until("readers are told", func() bool { return len(s.told()) == 1 })
	s.quiet()
	ready.Store(false)
	claims := s.count(claim)
	if n := s.newest(fires); n == 0 || s.rollBack(n, false) != n {
		t.Fatalf("the rule fires in the last %d commits", n)
	}
	s.until("the loss is noticed", func() bool { return s.count(claim) > claims })
	s.quiet()
	ready.Store(true)
	s.until("the rule fires again", func() bool { return s.newest(fires) > 0 })
	s.quiet()
	if told := s.told(); len(told) != 1 {
		t.Errorf("told %q, want one firing", told)
	}
}

// damagedCompany finds once that the store does not hold what it could go on from.
type damagedCompany struct {
	described
	asked *atomic.Int64
}

func (c damagedCompany) Next(context.Context, time.Time) (d worker.Duties, err error) {
	if c.asked.Add(1) == 1 {
		err = fmt.Errorf("%w: it is damaged", company.ErrDamaged)
	}
	return d, err
}

// What was said cannot be read: in doubt, so that the shard is taken over anew.
func TestDamagedCompanyStartsOver(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	var asked atomic.Int64
	s.company = func(map[aggregator.Pair]aggregator.Firing) worker.Company { return damagedCompany{asked: &asked} }
	s.own()
	s.until("the company is asked again", func() bool { return asked.Load() > 1 })
	if n := s.count(claim); n != 2 {
		t.Errorf("%d take-overs, want 2", n)
	}
}
