package aggregator

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/event"
)

// What the tests of contributions share: money events written down by day, and
// the levels that a customer with these events contributes.

const testDay = int64(86_400_000)

var usd, eur, kwd = event.Currency{'U', 'S', 'D'}, event.Currency{'E', 'U', 'R'}, event.Currency{'K', 'W', 'D'}

func at(day int32, hour int64) int64 { return int64(day)*testDay + hour*3_600_000 }

// pays is a charge of so many minor units a month at nine o'clock.
func pays(day int32, sub string, minor int64, c event.Currency) moneyEvent {
	return moneyEvent{time: at(day, 9), kind: charge, sub: sub, currency: c, amount: minor,
		monthly: minor * event.MonthlyUnit, interval: event.Month, count: 1, moneyRare: &noMoneyRare}
}

// leaves ends all subscriptions at noon.
func leaves(day int32, reason string) moneyEvent {
	return moneyEvent{time: at(day, 12), kind: cancel, all: true, moneyRare: &moneyRare{effective: at(day, 12), reason: reason}}
}

// buys is an order at ten o'clock, and gives a refund of it at eleven.
func buys(day int32, id string, minor int64) moneyEvent {
	return moneyEvent{time: at(day, 10), kind: order, currency: usd, amount: minor, moneyRare: &moneyRare{order: id}}
}

func gives(day int32, id string, minor int64) moneyEvent {
	return moneyEvent{time: at(day, 11), kind: refund, currency: usd, amount: minor, moneyRare: &moneyRare{refundOf: id}}
}

func testShard(t *testing.T) *Shard {
	t.Helper()
	s, err := New(Options{Calendar: civil.NewCalendar(time.UTC), Horizon: 100, Currency: usd, ActiveDays: 90, SilentDays: 14,
		LapseGrace: -1, Profile: DefaultProfile()})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// customerOf has the events, in their order, and what follows from them.
func customerOf(s *Shard, events ...moneyEvent) *customer {
	c := &customer{id: "acme", rare: &rare{base: &noBase}}
	for i := range events {
		events[i].id = fmt.Sprintf("e%d", i)
	}
	slices.SortFunc(events, func(a, b moneyEvent) int { return compareMoney(&a, &b) })
	c.money = events
	c.line = c.timeline(&s.opts)
	return c
}

// levelsOf are the levels that contribute adds to the whole, by cell and day;
// none is frozen.
func levelsOf(s *Shard, contribute func(e *emitter)) func(x Cell, day int32) int64 {
	e := emitter{cells: newCells(s.opts.Horizon, nil), sign: 1}
	contribute(&e)
	e.flush([]int32{0})
	rows := e.cells.segments[0].far
	return func(x Cell, day int32) (v int64) {
		slot := e.cells.slotOf(x)
		for d, r := range rows {
			for k, n := range r.all() {
				if d <= day && k == slot {
					v += n
				}
			}
		}
		return v
	}
}

// expect compares the levels of one cell on the days from..to with those that
// are written down; days that are not are 0.
func expect(t *testing.T, level func(Cell, int32) int64, x Cell, from, to int32, want map[int32]int64) {
	t.Helper()
	got := map[int32]int64{}
	for d := from; d <= to; d++ {
		if v := level(x, d); v != 0 {
			if x.Counter.Money() {
				v /= x.Counter.Unit()
			}
			got[d] = v
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("%s %s %q: %v, want %v", x.Counter, x.Currency, x.Label, got, want)
	}
}

// stretch is the same value on the days [from, to).
func stretch(from, to int32, v int64) map[int32]int64 {
	out := map[int32]int64{}
	for d := from; d < to; d++ {
		out[d] = v
	}
	return out
}

func join(all ...map[int32]int64) map[int32]int64 {
	out := map[int32]int64{}
	for _, m := range all {
		maps.Copy(out, m)
	}
	return out
}
