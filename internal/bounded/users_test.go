//go:build linux && servers

package bounded

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/internal/testserver"
)

// A real Redis holds the records: the embedded one would have most of the
// processor to itself.

var (
	users    = flag.Int("users", 150_000, "users that TestManyUsers has")
	cacheMiB = flag.Int("cache", 16, "MiB of cache in TestManyUsers")
	paged    = flag.Int("paged", 100_000, "users that TestManyUsersOfOneCustomer has")
)

// TestManyUsers: users come in no order, so that nearly each event is about
// records that are not in memory; all of them would take many times the cache.
func TestManyUsers(t *testing.T) {
	p := newPlant(t, sizes{cache: *cacheMiB * mib, queue: 4 * mib}, redis(testserver.StartRedis(t).Addr))
	r := rand.New(rand.NewPCG(1, 1))
	// Each of them once, and some again.
	order := append(r.Perm(*users), r.Perm(*users)[:*users/10]...)
	for i, u := range order {
		p.send(&event.Event{Kind: event.Login, Customer: fmt.Appendf(nil, "customer-%d", u/2), User: fmt.Appendf(nil, "user-%016d", u),
			Source: []byte("app"), ID: fmt.Appendf(nil, "%d", i), Time: begin + int64(i)*5*day/int64(len(order))})
	}
	p.flush()
	p.start()
	c := p.atRest()
	p.is("users_ever", "", *users)
	p.holds(sizes{cache: p.cache / 4 * 3})
	if got := c.Of("applied") + c.Of("duplicate"); got != int64(len(order)) {
		t.Errorf("%d of %d logins were counted: %v", got, len(order), c)
	}
}

// TestManyUsersOfOneCustomer: their records go into pages of their own. When the
// customer changes its plan they move, some of them with each commit.
func TestManyUsersOfOneCustomer(t *testing.T) {
	p := newPlant(t, sizes{cache: 4 * mib, queue: 4 * mib}, redis(testserver.StartRedis(t).Addr))
	const customer = "acme"
	subscribe := func(id, plan string, at int64) {
		monthly, reason := event.Monthly(10_000, event.Month, 1)
		if reason != "" {
			t.Fatal(reason)
		}
		p.send(&event.Event{Kind: event.Purchase, Customer: []byte(customer), Source: []byte("app"), ID: []byte(id), Time: at,
			Attrs: []event.Attr{{Name: []byte("plan"), Value: []byte(plan)}},
			Purchase: event.PurchaseData{Subscription: []byte("base"), Amount: 10_000, Currency: event.Currency{'U', 'S', 'D'},
				Interval: event.Month, Count: 1, Monthly: monthly}})
	}
	subscribe("p1", "basic", begin)
	for u := range *paged {
		p.send(&event.Event{Kind: event.Login, Customer: []byte(customer), User: fmt.Appendf(nil, "user-%016d", u), Source: []byte("app"),
			ID: fmt.Appendf(nil, "%d", u), Time: begin + int64(u)*day/int64(*paged)})
	}
	p.flush()
	p.start()
	p.atRest()
	p.is("users_ever", "plan=basic", *paged)
	subscribe("p2", "pro", begin+day)
	p.flush()
	p.is("users_ever", "plan=pro", *paged)
	p.gone("plan=basic")
	c := p.atRest()
	p.holds(sizes{cache: p.cache / 2 / 4 * 3}) // one customer is in one of two shards
	if c["applied"] != int64(*paged)+2 {
		t.Errorf("%d events were applied, want %d: %v", c["applied"], *paged+2, c)
	}
}
