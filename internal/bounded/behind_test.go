//go:build linux

package bounded

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/tidemark-io/tidemark/event"
)

var behind = flag.Int("behind", 300_000, "messages that TestFarBehind is behind")

// padding is what a message of TestFarBehind has beside its event, in bytes. It
// does not compress, so that the log is many times the queue.
const padding = 300

// heldSamples is for how many samples commits are held up once the queues are full.
const heldSamples = 20

// TestFarBehind: all of the log is there before the service starts. It fetches
// far faster than it may apply, since its commits are held up for a while, as by
// an audit.
func TestFarBehind(t *testing.T) {
	p := newPlant(t, sizes{cache: 8 * mib, queue: 4 * mib}, "")
	r := rand.New(rand.NewPCG(1, 3))
	noise := letters(r, 1*mib)
	const customers = 1000
	for i := range *behind {
		e := event.Event{Kind: event.Login, Customer: fmt.Appendf(nil, "customer-%d", i%customers), Source: []byte("app"),
			ID: fmt.Appendf(nil, "%d", i), Time: begin + int64(i)*5*day/int64(*behind)}
		at := r.IntN(len(noise) - padding)
		p.sendRaw(e.Customer, pad(e.Append(nil), noise[at:at+padding]))
	}
	p.flush()
	for shard := range partitions {
		if err := p.Store.Hold(t.Context(), shard, *limit); err != nil {
			t.Fatal(err)
		}
	}
	p.start()
	// A partition may have a quarter of the queue, and asks for more until it has
	// half of that: less than this cannot last, more need not come.
	full := sizes{queue: partitions * p.queue / 4 / 2}
	p.sees("the queues to fill up", func(m taken) bool { return m.queue >= full.queue })
	filled, _ := p.memory.sofar()
	p.sees("more to be fetched, if more is", func(m taken) bool { return m.samples >= filled.samples+heldSamples })
	for shard := range partitions {
		if err := p.Store.Release(t.Context(), shard); err != nil {
			t.Fatal(err)
		}
	}
	c := p.atRest()
	p.is("users_ever", "", customers)
	p.holds(full)
	if got := c.Of("applied") + c.Of("duplicate"); got != int64(*behind) {
		t.Errorf("%d of %d logins were counted: %v", got, *behind, c)
	}
}

// pad adds an attribute that nothing reads to an event.
func pad(value, text []byte) []byte {
	return fmt.Appendf(nil, `%s,"extra":"%s"}`, value[:len(value)-1], text)
}

// letters are random, so that snappy finds nothing in them.
func letters(r *rand.Rand, n int) []byte {
	out := make([]byte, n)
	for i := range out {
		out[i] = byte('a' + r.IntN(26))
	}
	return out
}
