package simulate

import (
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/event"
)

// now is a Wednesday noon.
var now = time.Date(2026, 11, 18, 12, 0, 0, 0, time.UTC)

// digest reads a company for 30 s of live events in steps, and sums its bytes up.
func digest(t *testing.T, o Options, step time.Duration) (sum string, n int) {
	t.Helper()
	c, h := New(o), sha256.New()
	take := func(m Message) {
		n++
		fmt.Fprintf(h, "%s %s %d %s\n", m.Topic, m.Key, m.Time.UnixMilli(), m.Value)
	}
	for m := range c.History() {
		take(m)
	}
	for at := time.Duration(0); at <= 30*time.Second; at += step {
		for m := range c.Live(o.Now.Add(at)) {
			take(m)
		}
	}
	return fmt.Sprintf("%x", h.Sum(nil)), n
}

func TestSameSeedSameBytes(t *testing.T) {
	o := Options{Seed: 7, Customers: 60, Now: now}
	one, n := digest(t, o, time.Second)
	two, m := digest(t, o, time.Second)
	if one != two || n != m || n == 0 {
		t.Errorf("%d messages %s, and %d messages %s", n, one, m, two)
	}
	// How often Live is called changes nothing either.
	if three, m := digest(t, o, 250*time.Millisecond); three != one {
		t.Errorf("in smaller steps: %d messages %s, and %d messages %s", n, one, m, three)
	}
	o.Seed = 8
	if other, _ := digest(t, o, time.Second); other == one {
		t.Error("another seed gives the same bytes")
	}
}

// history is what a test knows of the messages of a history.
type history struct {
	messages, duplicates, late, unread, unknown int
	reasons                                     map[event.Reason]int
	kinds                                       map[event.Kind]int
	active                                      map[int32]map[string]bool // users by day
	logins                                      map[string][]int32        // days of logins by customer
	cancelled                                   map[string]int64          // by customer: when the cancellation was sent
	effective                                   map[string]int64
	paid                                        map[string][]int64 // charges by customer
	names                                       map[string]int
}

// read decodes a history as Tidemark does.
func read(t *testing.T, o Options) *history {
	t.Helper()
	h := &history{
		reasons: map[event.Reason]int{}, kinds: map[event.Kind]int{}, active: map[int32]map[string]bool{}, logins: map[string][]int32{},
		cancelled: map[string]int64{}, effective: map[string]int64{}, paid: map[string][]int64{}, names: map[string]int{},
	}
	d := event.NewDecoder(event.Options{Currency: event.Currency{'U', 'S', 'D'}})
	seen := map[string]bool{}
	last := time.Time{}
	for m := range New(o).History() {
		if m.Time.Before(last) || m.Time.After(o.Now) {
			t.Fatalf("a message of %s arrives after one of %s", m.Time, last)
		}
		last = m.Time
		h.messages++
		var ev event.Event
		d.Reset()
		if reason := d.Decode(&ev, m.Value, nil); reason != "" {
			h.reasons[reason]++
			h.unread++
			continue
		}
		if ev.Kind == event.Unknown {
			h.unknown++
			continue
		}
		if ev.Time > m.Time.UnixMilli() {
			h.reasons[event.TooFarAhead]++
			h.unread++
			continue
		}
		if seen[string(ev.ID)] {
			h.duplicates++
			continue
		}
		seen[string(ev.ID)] = true
		if m.Topic != map[event.Kind]string{event.Login: "logins", event.Purchase: "purchases", event.Cancellation: "cancellations", event.Survey: "surveys", event.Signal: "signals"}[ev.Kind] {
			t.Fatalf("a %s on topic %s", ev.Kind, m.Topic)
		}
		if event.CheckKey(&ev, m.Key) != "" {
			t.Fatalf("key %s of an event of %s", m.Key, ev.Customer)
		}
		h.add(&ev, m.Time.UnixMilli()-ev.Time)
	}
	return h
}

func (h *history) add(ev *event.Event, late int64) {
	h.kinds[ev.Kind]++
	if late > 60_000 {
		h.late++
	}
	customer, day := string(ev.Customer), int32(ev.Time/86_400_000)
	switch ev.Kind {
	case event.Login:
		if h.active[day] == nil {
			h.active[day] = map[string]bool{}
		}
		h.active[day][customer+"/"+string(ev.User)] = true
		h.logins[customer] = append(h.logins[customer], day)
	case event.Cancellation:
		h.cancelled[customer], h.effective[customer] = ev.Time, ev.Cancellation.Effective
	case event.Purchase:
		if ev.Purchase.Interval != event.None {
			h.paid[customer] = append(h.paid[customer], ev.Time)
		}
	case event.Signal:
		h.names[string(ev.Signal.Name)]++
	}
}

func within(t *testing.T, what string, got, lo, hi float64) {
	t.Helper()
	t.Logf("%s: %.4g", what, got)
	if got < lo || got > hi {
		t.Errorf("%s is %.4g, not within %g and %g", what, got, lo, hi)
	}
}

func TestBelievable(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			h := read(t, Options{Seed: seed, Now: now})
			all := float64(h.messages)
			within(t, "messages", all, 60_000, 400_000)
			within(t, "share of duplicates", float64(h.duplicates)/all, 0.005, 0.009)
			within(t, "share of late events", float64(h.late)/all, 0.007, 0.013)
			within(t, "share of garbage", float64(h.unread+h.unknown)/all, 0.001, 0.003)
			for _, reason := range []event.Reason{event.NotJSON, event.MissingID, event.BadTime, event.TooFarAhead, event.BadScore, event.BadAmount} {
				if h.reasons[reason] == 0 {
					t.Errorf("nothing is refused as %s: %v", reason, h.reasons)
				}
			}
			if h.unknown == 0 {
				t.Error("no unknown type")
			}
			for _, name := range []string{"ticket_opened", "ticket_resolved", "invoice_late", "invoice_paid", "account_updated"} {
				if h.names[name] == 0 {
					t.Errorf("no signal %s: %v", name, h.names)
				}
			}
			for k := event.Login; k <= event.Signal; k++ {
				if h.kinds[k] == 0 {
					t.Errorf("no %s", k)
				}
			}
			h.checkActivity(t)
			h.checkLeaving(t)
		})
	}
}

// checkActivity looks at the 28 whole days before today's: four of each weekday.
func (h *history) checkActivity(t *testing.T) {
	today := int32(now.Unix() / 86_400)
	var weekday, weekend, ratio float64
	for day := today - 28; day < today; day++ {
		n := float64(len(h.active[day]))
		if w := time.Unix(int64(day)*86_400, 0).UTC().Weekday(); w == time.Saturday || w == time.Sunday {
			weekend += n / 8
		} else {
			weekday += n / 20
		}
		month := map[string]bool{}
		for d := day - 29; d <= day; d++ {
			for u := range h.active[d] {
				month[u] = true
			}
		}
		ratio += n / float64(len(month)) / 28
	}
	within(t, "weekend's active users to a weekday's", weekend/weekday, 0.15, 0.45)
	within(t, "DAU/MAU", ratio, 0.15, 0.4)
}

// checkLeaving holds the customers who cancelled against themselves: logins in
// the two weeks before the cancellation, and in those eight to six weeks before.
func (h *history) checkLeaving(t *testing.T) {
	start := now.AddDate(0, 0, -120).UnixMilli()
	before, near, late := 0, 0, 0
	for customer, at := range h.cancelled {
		day := int32(at / 86_400_000)
		if at-start < 60*86_400_000 {
			continue
		}
		for _, d := range h.logins[customer] {
			switch ago := day - d; {
			case ago > 0 && ago <= 14:
				near++
			case ago > 42 && ago <= 56:
				before++
			}
		}
	}
	within(t, "logins before a cancellation to those six weeks earlier", float64(near)/float64(before), 0.02, 0.6)
	lost, back := 0, 0
	for customer, at := range h.effective {
		if at > now.UnixMilli() || at < now.AddDate(0, 0, -90).UnixMilli() {
			late++
			continue
		}
		lost++
		for _, p := range h.paid[customer] {
			if p > at {
				back++
				break
			}
		}
	}
	within(t, "share of payers lost a month", float64(lost)/3/312, 0.01, 0.06)
	within(t, "cancellations that are still to take effect", float64(late), 1, 100)
	within(t, "customers won back", float64(back), 1, 20)
}

// TestAccounts have one to 30 users, all plans and several countries.
func TestAccounts(t *testing.T) {
	c := New(Options{Seed: 1, Customers: 2000, Days: 1, Now: now})
	n := 0
	for range c.History() {
		n++
	}
	plans, countries, largest, ids := map[plan]int{}, map[string]int{}, 0, map[string]bool{}
	for _, a := range c.accounts {
		plans[a.plan]++
		countries[a.country]++
		largest = max(largest, len(a.users))
		ids[a.id] = true
	}
	if n == 0 || len(plans) != 4 || len(countries) < 6 || largest < 25 || largest > 31 || len(ids) != len(c.accounts) {
		t.Errorf("%d messages, plans %v, countries %v, %d users at the most, %d ids of %d", n, plans, countries, largest, len(ids), len(c.accounts))
	}
}
