package aggregator

import (
	"bytes"
	"fmt"
	"maps"
	"testing"

	"pgregory.net/rapid"

	"github.com/tidemark-io/tidemark/event"
)

// levelsNow are the levels of the whole's cells by day, from the first unfrozen one on.
func levelsNow(s *Shard, to int32) map[Cell]map[int32]int64 {
	out := map[Cell]map[int32]int64{}
	for slot := range int(counterEnd) + len(s.cells.kinds) {
		x := s.cells.cell(slot)
		sum := int64(0)
		for d := s.cells.first; d <= to; d++ {
			r := s.cells.segments[0].opening
			if d > s.cells.first {
				r = s.cells.row(rowRef{kind: 'd', day: d})
			}
			if r != nil {
				for k, v := range r.all() {
					if k == slot {
						sum += v
					}
				}
			}
			if sum != 0 {
				if out[x] == nil {
					out[x] = map[int32]int64{}
				}
				out[x][d] = sum
			}
		}
	}
	return out
}

// guest applies orders of one customer, many a day, and some charges, refunds and
// a cancellation among them.
func guest(t *testing.T, s *Shard, first int32, days, perDay int) {
	t.Helper()
	n := 0
	apply := func(ev event.Event) {
		n++
		ev.ID, ev.Source, ev.Customer = fmt.Appendf(nil, "g%06d", n), []byte("shop"), []byte("guest")
		s.Need([]event.Event{ev})
		if status, err := s.Apply(0, &ev, Cause{}); err != nil || status != Applied {
			t.Fatalf("event %d: %v %v", n, status, err)
		}
	}
	for d := range days {
		day := first + int32(d)
		for k := range perDay {
			ev := event.Event{Kind: event.Purchase, Time: at(day, 8) + int64(k)*60_000,
				Purchase: event.PurchaseData{Order: fmt.Appendf(nil, "o%d-%d", d, k), Amount: int64(100 + k), Currency: usd, Count: 1}}
			if k%7 == 3 {
				ev.Purchase.Currency = eur
			}
			apply(ev)
		}
		if d%9 == 4 {
			apply(event.Event{Kind: event.Purchase, Time: at(day, 20), Purchase: event.PurchaseData{Subscription: []byte("club"), Amount: int64(500 + d),
				Currency: usd, Interval: event.Month, Count: 1, Monthly: int64(500+d) * event.MonthlyUnit}})
		}
		if d%5 == 2 {
			apply(event.Event{Kind: event.Purchase, Time: at(day, 21), Purchase: event.PurchaseData{RefundOf: fmt.Appendf(nil, "o%d-%d", d, 0), Amount: 100, Currency: usd, Count: 1}})
		}
		for s.Advance(at(day, 22), 1096) {
			s.Need(nil)
		}
	}
}

// TestAFullListKeepsTheFigures: a shop's guests order 40 times a day for 32 days,
// 1,280 orders. With a list that is never full the figures are the same.
func TestAFullListKeepsTheFigures(t *testing.T) {
	for _, byPurchases := range []bool{false, true} {
		o := testOptions()
		o.ByPurchases, o.Dimensions = byPurchases, nil
		bounded, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		guest(t, bounded, 20_000, 32, 40)
		whole, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		whole.room = 1 << 30
		guest(t, whole, 20_000, 32, 40)
		c := bounded.find("guest")
		if len(c.money) > maxMoney || len(c.base.lumps) < 5 || len(whole.find("guest").money) < 1280 {
			t.Fatalf("%d events and %d lumps, without bound %d", len(c.money), len(c.base.lumps), len(whole.find("guest").money))
		}
		got, want := levelsNow(bounded, 20_031), levelsNow(whole, 20_031)
		for x := range want {
			if !maps.Equal(got[x], want[x]) {
				t.Errorf("%s %s: %v, without bound %v", x.Counter, x.Currency, got[x], want[x])
			}
		}
		if wrong := bounded.Audit(); len(wrong) > 0 {
			t.Errorf("audit: %v", wrong[:min(len(wrong), 3)])
		}
		if n := bounded.Changes().Capped["orders"]; n < 250 {
			t.Errorf("%d orders are counted", n)
		}
		// What is older than what has left may be one of it.
		old := event.Event{Kind: event.Purchase, Time: at(20_001, 9), ID: []byte("g000040"), Source: []byte("shop"), Customer: []byte("guest"),
			Purchase: event.PurchaseData{Amount: 5, Currency: usd, Count: 1}}
		bounded.Need([]event.Event{old})
		if status, err := bounded.Apply(0, &old, Cause{}); err != nil || status != Late {
			t.Errorf("an old order is %v, %v", status, err)
		}
	}
}

// Lumps go where orders go when they are older than the look-back.
func TestLumpsSettle(t *testing.T) {
	o := testOptions()
	o.Dimensions = nil
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	guest(t, s, 20_000, 30, 40)
	before := levelsNow(s, 20_029)[Cell{Counter: Received, Currency: usd}][20_029]
	for s.Advance(at(20_029+260, 12), 1096) {
		s.Need(nil)
	}
	c := s.find("guest")
	s.fold(c, true)
	if len(c.base.lumps) > 0 || len(c.money) > 0 {
		t.Fatalf("%d lumps and %d events are left", len(c.base.lumps), len(c.money))
	}
	got := levelsNow(s, s.cells.first)
	if v := got[Cell{Counter: Received, Currency: usd}][s.cells.first]; v != before {
		t.Errorf("received are %d, were %d", v, before)
	}
	if got[Cell{Counter: RepeatersEver}][s.cells.first] != 1 {
		t.Error("nobody has bought twice")
	}
	if wrong := s.Audit(); len(wrong) > 0 {
		t.Errorf("audit: %v", wrong)
	}
}

// The 65th subscription takes the place of the oldest that has ended; where none
// has it is counted, and its money is cash only.
func TestManySubscriptions(t *testing.T) {
	s := testShard(t)
	var events []moneyEvent
	for i := range maxSubscriptions {
		m := pays(100, fmt.Sprint("s", i), 1, usd)
		m.time += int64(i)
		events = append(events, m)
	}
	more := pays(110, "more", 7, usd)
	c := customerOf(s, append(events[:maxSubscriptions:maxSubscriptions], more)...)
	if got := c.line.mrr[len(c.line.mrr)-1].monthly; got != maxSubscriptions*event.MonthlyUnit {
		t.Errorf("65 subscriptions pay %d, want those of 64", got)
	}
	end := moneyEvent{time: at(105, 1), kind: cancel, sub: "s3", moneyRare: &moneyRare{effective: at(105, 1)}}
	later := moneyEvent{time: at(105, 2), kind: cancel, sub: "s9", moneyRare: &moneyRare{effective: at(120, 1)}}
	c = customerOf(s, append(events[:maxSubscriptions:maxSubscriptions], end, later, more)...)
	level := movementsOf(s, c)
	expect(t, level, Cell{Counter: MRRContraction, Currency: usd}, 101, 130, map[int32]int64{105: 1, 120: 1})
	expect(t, level, Cell{Counter: MRRExpansion, Currency: usd}, 101, 130, map[int32]int64{110: 7})
}

func TestLumpsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := base{capped: rapid.Int64Range(1, 1<<50).Draw(t, "capped")}
		for range rapid.IntRange(0, 4).Draw(t, "lumps") {
			b.lumps = append(b.lumps, lump{day: rapid.Int32Range(-5, 30_000).Draw(t, "day"), time: rapid.Int64Range(0, 1<<40).Draw(t, "time"),
				orders: rapid.Uint32().Draw(t, "orders"), standing: 3, cash: []lumpCash{{usd, 5, rapid.Int64().Draw(t, "apart"), 7}}})
		}
		first := b.append(nil)
		r := reader{b: first}
		got := r.base()
		if r.err != nil || len(r.b) > 0 || !bytes.Equal(got.append(nil), first) {
			t.Fatalf("%v, %d left: %+v", r.err, len(r.b), got)
		}
	})
}
