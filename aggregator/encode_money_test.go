package aggregator

import (
	"bytes"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/tidemark-io/tidemark/event"
)

// drawMoney draws a list of money events, many of them with the terms, the time
// of day or an id like those of others.
func drawMoney(t *rapid.T, subs []subscription) []moneyEvent {
	ids := rapid.SampledFrom([]string{"", "in_0001", "in_0002", "in_00015", "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9", "0A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9",
		"ffffffff-ffff-ffff-ffff-ffffffffffff", "0a1b2c3d_4e5f-6071-8293-a4b5c6d7e8f9"})
	names := []string{"", "base", "seats"}
	for i := range subs {
		names = append(names, subs[i].name)
	}
	var list []moneyEvent
	at := rapid.SampledFrom([]int64{0, 1_700_000_000_000, -5_000}).Draw(t, "begin")
	for range rapid.IntRange(1, 12).Draw(t, "events") {
		at += rapid.SampledFrom([]int64{0, 1, 1000, wholeDay, 30 * wholeDay, 30*wholeDay - 1000, wholeDay/2 + 7, 31*wholeDay + 5}).Draw(t, "gap")
		m := moneyEvent{kind: moneyKind(rapid.IntRange(int(order), int(settled)).Draw(t, "kind")), time: at,
			source: rapid.SampledFrom([]string{"app", "billing", "unknown"}).Draw(t, "source"), id: ids.Draw(t, "id"), moneyRare: &moneyRare{}}
		if m.charges() {
			m.currency = rapid.SampledFrom([]event.Currency{usd, eur}).Draw(t, "currency")
			m.amount = rapid.SampledFrom([]int64{0, 2900, 1 << 50}).Draw(t, "amount")
		}
		switch m.kind {
		case charge, settled:
			m.sub, m.interval, m.count = rapid.SampledFrom(names).Draw(t, "sub"), event.Month, uint16(rapid.SampledFrom([]int{1, 3, 300}).Draw(t, "count"))
			m.monthly = rapid.SampledFrom([]int64{m.amount * event.MonthlyUnit, 12345}).Draw(t, "monthly")
		case refund:
			m.refundOf = ids.Draw(t, "order")
		case cancel:
			m.all, m.reason = rapid.Bool().Draw(t, "all"), rapid.SampledFrom([]string{"", "price"}).Draw(t, "reason")
			m.effective = m.time + rapid.Int64Range(0, 1<<40).Draw(t, "until")
		case withdraw:
			m.sub = rapid.SampledFrom(names).Draw(t, "sub")
		}
		if m.bought() && rapid.Bool().Draw(t, "order of its own") {
			m.order = ids.Draw(t, "order")
		}
		if !m.bought() {
			m.origin = &Origin{"purchases", 7}
		}
		m.seal()
		list = append(list, m)
	}
	return list
}

// TestMoneyReadsBack: what is read is what was written, but for where the message
// of an event with a target lies, which nobody asks for.
func TestMoneyReadsBack(t *testing.T) {
	src := newSources([]string{"app", "billing"})
	rapid.Check(t, func(t *rapid.T) {
		c := &rare{base: &base{at: 1_690_000_000_000, money: moneyState{subs: []subscription{{name: "base"}, {name: "x"}}[:rapid.IntRange(0, 2).Draw(t, "known")]}}}
		c.money = drawMoney(t, c.base.money.subs)
		for i := range c.money {
			if !c.money[i].bought() && rapid.Bool().Draw(t, "orphan") {
				c.line.orphans = append(c.line.orphans, i)
			} else {
				c.money[i].origin = nil
			}
		}
		r := reader{b: c.appendMoney(nil, src, 0, nil), sources: src.list}
		got := r.money(c.base)
		if r.err != nil || len(r.b) > 0 {
			t.Fatalf("%v, %d bytes are left", r.err, len(r.b))
		}
		for i := range c.money {
			if !reflect.DeepEqual(got[i], c.money[i]) {
				t.Fatalf("event %d: %+v is read back as %+v", i, c.money[i], got[i])
			}
		}
	})
}

// A renewal at the same time of day takes few bytes, whatever its id has in
// common with the last one.
func TestARenewalIsSmall(t *testing.T) {
	src := newSources([]string{"billing"})
	for _, tc := range []struct {
		first, second string
		bytes         int // head, terms, days; the id's and its length
	}{
		{"in_00000071", "in_00000142", 3 + 2 + 3},
		{"0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9", "9a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9", 3 + 17},
	} {
		list := []moneyEvent{pays(100, "base", 2900, usd), pays(130, "base", 2900, usd)}
		list[0].id, list[1].id = tc.first, tc.second
		list[0].source, list[1].source = "billing", "billing"
		one, two := (&rare{base: &noBase, money: list[:1]}).appendMoney(nil, src, 0, nil), (&rare{base: &noBase, money: list}).appendMoney(nil, src, 0, nil)
		if got := len(two) - len(one); got != tc.bytes {
			t.Errorf("%s after %s takes %d bytes, want %d", tc.second, tc.first, got, tc.bytes)
		}
	}
}

// TestMoneyIsContinued: a list that is written on top of its beginning's stored
// form is written as it would be anew.
func TestMoneyIsContinued(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		src := newSources([]string{"app", "billing"})
		c := &rare{base: &base{at: 1_690_000_000_000, money: moneyState{subs: []subscription{{name: "base"}}}}}
		list := drawMoney(t, c.base.money.subs)
		old := []byte{}
		for n := 0; n < len(list); {
			n = rapid.IntRange(n+1, len(list)).Draw(t, "events")
			c.money = list[:n]
			front := make([]byte, rapid.IntRange(0, 3).Draw(t, "bytes before"))
			begin := rapid.IntRange(0, len(front)).Draw(t, "begin")
			old = c.appendMoney(front, src, begin, old)[begin:]
			anew := &rare{base: c.base, money: c.money}
			if want := anew.appendMoney(make([]byte, len(front)-begin), src, 0, nil); !bytes.Equal(old, want) {
				t.Fatalf("%d events as %x, anew %x", n, old, want)
			}
		}
	})
}
