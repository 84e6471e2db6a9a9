package aggregator

import (
	"bytes"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/event"
)

func testOptions() Options {
	return Options{Calendar: civil.NewCalendar(time.UTC), Horizon: 100, Currency: event.Currency{'U', 'S', 'D'}, ActiveDays: 90,
		SilentDays: 14, LapseGrace: -1, ActivityKinds: [event.Signal + 1]bool{event.Login: true}, Dimensions: []string{"plan"},
		Profile: DefaultProfile(), BandRules: []BandRule{{Name: "at_risk", Band: Red, ResolveAfter: 24 * msHour}}}
}

// full is a customer with something of everything.
func full() *customer {
	c := &customer{id: "acme", rare: &rare{base: &noBase}, latest: 1_700_000_000_123, listed: Amber, firing: 1}
	c.days.set(19_600)
	c.days.set(19_655)
	c.attrs = []attribute{{name: "plan", value: "pro", time: 1, kind: 2, source: "app", id: "e1"}, {name: "owner", null: true, time: 2, kind: 1, source: "crm", id: ""}}
	c.money = []moneyEvent{
		{time: 1_690_000_000_000, kind: order, source: "app", id: "o1", currency: event.Currency{'E', 'U', 'R'}, amount: 1999, moneyRare: &noMoneyRare},
		{time: 1_690_000_000_001, kind: charge, source: "app", id: "o2", sub: "base", currency: event.Currency{'U', 'S', 'D'}, amount: 900, monthly: 299_376_000, interval: event.Month, count: 1, moneyRare: &moneyRare{order: "x"}},
		{time: 1_690_000_000_002, kind: refund, source: "app", id: "o3", currency: event.Currency{'E', 'U', 'R'}, amount: 5, moneyRare: &moneyRare{refundOf: "o1", origin: &Origin{"purchases", 7}}},
		{time: 1_690_000_000_003, kind: cancel, source: "crm", id: "c1", all: true, moneyRare: &moneyRare{effective: 1_691_000_000_000, origin: &Origin{"cancellations", 9}}},
		{time: 1_690_000_000_004, kind: withdraw, source: "crm", id: "w1", sub: "base", moneyRare: &noMoneyRare},
	}
	c.line.orphans = []int{2, 3}
	c.signals = []reference{{kind: ticket, ref: "t1", since: 5, events: []refEvent{{6, true}, {7, false}}}, {kind: invoice, ref: "i1", events: []refEvent{{8, true}}}}
	c.answers = []dayAnswer{{day: 19_650, kind: event.NPS, time: 9, source: "app", id: "n", score: 9000, max: 10_000}}
	c.users = []user{{id: "acme", first: 19_600, packed: tagOf("acme") | 1<<24 | 3, days: c.days, answers: &[]answer{{time: 9, day: 19_650, kind: event.CSAT, score: 4000, min: 1000, max: 5000, source: "app", id: "a", campaign: "q", ref: "t1"}}}, newUser("bob")}
	c.base = &base{at: 10, buysUntil: 19_700, firstPaid: 3,
		money: moneyState{subs: []subscription{{name: "base", active: true, currency: event.Currency{'U', 'S', 'D'}, monthly: 5, lapse: 6}},
			endings: []ending{{at: 11, targets: 1}}, totals: []total{{event.Currency{'U', 'S', 'D'}, 5}}}}
	c.health = health{base: bandRun{19_500, Red}, check: bandRun{19_654, Green}, now: 12, runs: []bandRun{{19_501, Gone}, {19_600, Green}}}
	c.episodes = episodes{base: chains{{}, {3, 4}}, check: chains{{5, 6}}}
	return c
}

// TestRecordReadsBack: what is written is read, byte for byte when written again.
func TestRecordReadsBack(t *testing.T) {
	src := newSources(nil)
	for _, name := range []string{"app", "crm"} {
		src.intern([]byte(name))
	}
	first, rareAt := full().append(nil, noDay, src, nil)
	r := reader{b: first, sources: src.list}
	c, at := r.customer()
	if r.err != nil || len(r.b) != 0 || at != rareAt {
		t.Fatalf("%v, %d bytes left, rare part at %d, not %d", r.err, len(r.b), at, rareAt)
	}
	c.line.orphans = []int{2, 3}
	for _, rare := range [][]byte{nil, first[rareAt:]} {
		if again, _ := c.append(nil, noDay, src, rare); !bytes.Equal(first, again) {
			t.Fatalf("written again it differs:\n%x\n%x", first, again)
		}
	}
	if c.money[3].effective != 1_691_000_000_000 || *c.money[2].origin != (Origin{"purchases", 7}) || c.users[0].hours() != 1<<24|3 || !c.attrs[1].null ||
		c.episodes != (episodes{base: chains{{}, {3, 4}}, check: chains{{5, 6}}}) || c.health.base != (bandRun{19_500, Red}) || c.health.runs[1].band != Green || c.signals[0].events[1] != (refEvent{7, false}) {
		t.Fatalf("read back: %+v", c)
	}
}

// FuzzLoad: no stored bytes, however damaged, make loading panic.
func FuzzLoad(f *testing.F) {
	src := newSources(nil)
	src.intern([]byte("app"))
	body, _ := full().append(nil, noDay, src, nil)
	f.Add(append([]byte{recordVersion, byte(len(body)) | 0x80, byte(len(body) >> 7)}, body...))
	f.Add([]byte{recordVersion, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := New(testOptions())
		if err != nil {
			t.Fatal(err)
		}
		s.sources = src
		s.buckets[0], s.absent = nil, 1
		if err := s.Load("b/0", b); err != nil {
			return
		}
		for _, c := range s.buckets[0].customers {
			s.View(c.id)
		}
	})
}

// FuzzParse: rows, tables and names of rows.
func FuzzParse(f *testing.F) {
	table := Table{Buckets: 16, Customers: 3, Off: []string{"plan"}, Jobs: []string{"acme"}, Sources: []string{"app"}}
	f.Add(table.Append(nil))
	f.Add(Row{{Counter: MRR, Currency: event.Currency{'U', 'S', 'D'}}: -5, {Counter: Customers}: 3}.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		if row, err := ParseRow(b); err == nil {
			again, err := ParseRow(row.Append(nil))
			if err != nil {
				t.Fatalf("%v reads back: %v", row, err)
			}
			for c, v := range row {
				if again[c] != v {
					t.Fatalf("%v reads back as %v", row, again)
				}
			}
		}
		if _, err := ParseTable(b); err != nil {
			return
		}
		if _, err := ParseRowName(string(b)); err != nil {
			return
		}
	})
}
