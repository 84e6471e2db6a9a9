package simulate

import (
	"bytes"
	"container/heap"
	"strconv"
	"time"

	"github.com/tidemark-io/tidemark/event"
)

// Shares of all events.
const (
	lateShare      = 0.01  // arrive minutes to two days after they happened
	duplicateShare = 0.007 // arrive twice
	garbageShare   = 0.002 // are accompanied by a message that is refused or ignored
)

// arrival is a message on its way.
type arrival struct {
	at      int64
	serial  uint64
	message Message
}

// arrivals is a heap by time of arrival.
type arrivals []arrival

func (a arrivals) Len() int { return len(a) }
func (a arrivals) Less(i, j int) bool {
	return a[i].at < a[j].at || a[i].at == a[j].at && a[i].serial < a[j].serial
}
func (a arrivals) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *arrivals) Push(x any)   { *a = append(*a, x.(arrival)) }
func (a *arrivals) Pop() any {
	old := *a
	x := old[len(old)-1]
	old[len(old)-1] = arrival{}
	*a = old[:len(old)-1]
	return x
}

// emit sends an event of an account that happens now.
func (c *Company) emit(a *account, ev event.Event) {
	ev.Time = c.now
	ev.Customer = []byte(a.id)
	ev.ID = c.name("e")
	if ev.Source == nil {
		ev.Source = []byte("app")
	}
	c.buf = ev.Append(c.buf[:0])
	value := bytes.Clone(c.buf)
	topic, key := c.opts.Topic(ev.Kind), ev.Customer
	// People read logs of things that took a moment to arrive.
	delay := time.Duration(30+c.rng.IntN(600)) * time.Millisecond
	if c.chance(lateShare) {
		delay = c.lateness()
	}
	c.send(topic, key, value, delay)
	if c.chance(duplicateShare) {
		c.send(topic, key, value, delay+time.Duration(c.exp(30*60)*float64(time.Second)))
	}
	if c.chance(garbageShare) {
		topic, value = c.garbage(&ev, topic)
		c.send(topic, key, value, delay)
	}
}

// lateness is minutes most of the time, up to two days.
func (c *Company) lateness() time.Duration {
	if c.chance(0.6) {
		return time.Duration(2+c.rng.IntN(58)) * time.Minute
	}
	return time.Duration(60+c.rng.IntN(47*60)) * time.Minute
}

func (c *Company) send(topic string, key, value []byte, delay time.Duration) {
	c.serial++
	at := c.now + delay.Milliseconds()
	heap.Push(&c.arrivals, arrival{at, c.serial, Message{Topic: topic, Key: key, Value: value, Time: time.UnixMilli(at)}})
}

// garbage is what a broken producer would have made of an event, under an id of
// its own.
func (c *Company) garbage(ev *event.Event, topic string) (string, []byte) {
	bad := *ev
	bad.ID = c.name("g")
	good := bad.Append(nil)
	replace := func(old, with string) []byte { return bytes.Replace(good, []byte(old), []byte(with), 1) }
	switch c.rng.IntN(7) {
	case 0:
		return topic, good[:len(good)/2] // not JSON
	case 1:
		return topic, replace(`"id":"`+string(bad.ID)+`",`, "") // without an id
	case 2:
		return topic, replace(`"type":"`+ev.Kind.String()+`"`, `"type":"page_view"`) // a type that nobody knows
	case 3:
		return topic, replace(`"time":"`, `"time":"yesterday `) // no time
	case 4:
		bad.Time += (400 * 24 * time.Hour).Milliseconds() // a clock that runs ahead
		return topic, bad.Append(nil)
	case 5:
		bad.Kind, bad.Survey = event.Survey, event.SurveyData{Kind: event.NPS, Score: 11_000, Max: 10_000}
		return c.opts.Topic(event.Survey), bad.Append(nil) // 11 of 10
	}
	bad.Kind, bad.Purchase = event.Purchase, event.PurchaseData{Currency: dollars, Amount: 1250, Count: 1}
	return c.opts.Topic(event.Purchase), bytes.Replace(bad.Append(nil), []byte(`"12.50"`), []byte(`"12,50 EUR"`), 1) // no amount
}

// name is a new id.
func (c *Company) name(prefix string) []byte {
	c.serial++
	return strconv.AppendUint([]byte(prefix), c.serial, 36)
}
