// Package simulate makes up a company: a subscription business whose accounts
// log in, pay, complain, answer surveys, leave and come back. What it gives are
// messages as they would lie on Kafka topics, some late, some twice, some that
// nobody can read. The same seed and times give the same bytes.
package simulate

import (
	"container/heap"
	"iter"
	"math/rand/v2"
	"time"

	"github.com/tidemark-io/tidemark/event"
)

// Options say which company it is.
type Options struct {
	Seed      uint64
	Customers int            // accounts at the beginning of the history, free ones included; 0: 400
	Days      int            // of history; 0: 120
	Now       time.Time      // end of the history, from where Live goes on
	Zone      *time.Location // in whose days people work; nil: UTC
	Rate      float64        // events a second that Live adds to the company's own pace; 0: 8

	// Topic names the topic of a kind; nil: logins, purchases, cancellations,
	// surveys and signals.
	Topic func(event.Kind) string
}

// Message is one message, in the order of arrival.
type Message struct {
	Topic      string
	Key, Value []byte    // the customer's id, and a CloudEvent in JSON (or what should be one)
	Time       time.Time // of its arrival, never before the event's own time
}

// Company is a simulated company. It is for one goroutine, has no clock and
// starts no goroutine.
type Company struct {
	opts     Options
	rng      *rand.Rand
	accounts []*account
	taken    map[string]bool // ids in use
	crowd    []person        // who is active today

	agenda   agenda // what will happen, by time
	arrivals arrivals
	serial   uint64 // of event ids, tickets, orders
	buf      []byte
	attrs    []event.Attr

	now, liveFrom int64   // Unix ms
	next          float64 // Unix ms of the next live step; they come several a millisecond at high rates
	scenes        int     // going on now
	stayed        int     // paying accounts that had not cancelled when Live began
}

// person is a user of an account.
type person struct {
	account *account
	user    *user
}

// New returns the company as it was at the first midnight of its history.
func New(o Options) *Company {
	if o.Customers == 0 {
		o.Customers = 400
	}
	if o.Days == 0 {
		o.Days = 120
	}
	if o.Rate == 0 {
		o.Rate = 8
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.Topic == nil {
		o.Topic = func(k event.Kind) string { return topics[k] }
	}
	c := &Company{
		opts: o, rng: rand.New(rand.NewPCG(o.Seed, 0x746964656d61726b)), taken: map[string]bool{}, liveFrom: o.Now.UnixMilli(),
	}
	y, m, d := o.Now.In(o.Zone).Date()
	first := time.Date(y, m, d-o.Days, 0, 0, 0, 0, o.Zone)
	c.now = first.UnixMilli()
	for range o.Customers {
		c.found(first)
	}
	c.at(c.now, func() { c.day(first) })
	c.at(c.liveFrom, c.begin)
	return c
}

var topics = map[event.Kind]string{
	event.Login: "logins", event.Purchase: "purchases", event.Cancellation: "cancellations", event.Survey: "surveys", event.Signal: "signals",
}

// Options returns what the company was made with, defaults filled in.
func (c *Company) Options() Options { return c.opts }

// Customers returns how many accounts there have been so far.
func (c *Company) Customers() int { return len(c.accounts) }

// History gives what has arrived until Options.Now. What happened before and
// arrives later comes from Live. It can be read once, to its end.
func (c *Company) History() iter.Seq[Message] { return c.until(c.liveFrom) }

// Live gives what has arrived since the call before, or since the history: the
// company at its own pace, and events beside it so that something can be seen.
func (c *Company) Live(now time.Time) iter.Seq[Message] { return c.until(now.UnixMilli()) }

// until lets the company live up to a time.
func (c *Company) until(limit int64) iter.Seq[Message] {
	return func(yield func(Message) bool) {
		for {
			next := limit
			if len(c.agenda) > 0 {
				next = min(next, c.agenda[0].at)
			}
			// Nothing that is still to happen arrives before it happens.
			for len(c.arrivals) > 0 && c.arrivals[0].at <= next {
				if !yield(heap.Pop(&c.arrivals).(arrival).message) {
					return
				}
			}
			if len(c.agenda) == 0 || c.agenda[0].at > limit {
				return
			}
			e := heap.Pop(&c.agenda).(entry)
			c.now = max(c.now, e.at)
			e.do()
		}
	}
}

// at puts something on the agenda; what lies in the past happens next.
func (c *Company) at(ms int64, do func()) {
	c.serial++
	heap.Push(&c.agenda, entry{at: max(ms, c.now), serial: c.serial, do: do})
}

// after is at, from now on.
func (c *Company) after(d time.Duration, do func()) { c.at(c.now+d.Milliseconds(), do) }

// entry is something that will happen.
type entry struct {
	at     int64
	serial uint64 // of two at the same time, the one that was planned first
	do     func()
}

// agenda is a heap of entries by time.
type agenda []entry

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	return a[i].at < a[j].at || a[i].at == a[j].at && a[i].serial < a[j].serial
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)   { *a = append(*a, x.(entry)) }
func (a *agenda) Pop() any {
	old := *a
	x := old[len(old)-1]
	old[len(old)-1] = entry{}
	*a = old[:len(old)-1]
	return x
}
