package aggregator

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/event"
)

// keeper is what a store keeps of a shard.
type keeper struct {
	records, cells, due map[string][]byte
	firing              map[Pair]Firing
	last                Changes
}

func (k *keeper) commit(s *Shard) {
	if k.records == nil {
		*k = keeper{records: map[string][]byte{}, cells: map[string][]byte{}, due: map[string][]byte{}, firing: map[Pair]Firing{}}
	}
	k.last = s.Changes()
	for _, x := range []struct {
		to map[string][]byte
		of []KV
	}{{k.records, k.last.Records}, {k.cells, k.last.Cells}, {k.due, k.last.Due}} {
		for _, kv := range x.of {
			x.to[kv.Name] = slices.Clone(kv.Value)
			if kv.Value == nil {
				delete(x.to, kv.Name)
			}
		}
	}
	for p, f := range k.last.Fired {
		delete(k.firing, p)
		if f != nil {
			k.firing[p] = *f
		}
	}
	s.Committed(1 << 40)
}

// open opens the shard with options, of the firing alerts those of their rules.
func (k *keeper) open(t *testing.T, o Options) *Shard {
	t.Helper()
	st := Stored{Watermark: k.last.Watermark, FirstDay: k.last.FirstDay, Table: k.last.Table, Cells: k.cells, Due: k.due, Firing: map[Pair]Firing{}}
	for p, f := range k.firing {
		if slices.ContainsFunc(o.BandRules, func(r BandRule) bool { return r.Name == p.Rule }) {
			st.Firing[p] = f
		}
	}
	s, err := Open(o, st)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// advance moves the watermark on, loading what that waits for.
func (k *keeper) advance(t *testing.T, s *Shard, w int64) {
	t.Helper()
	for s.Advance(w, 1096) {
		for _, key := range s.Need(nil) {
			if err := s.Load(key, k.records[key]); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// ratedCustomers are the payments and logins of customers who fall silent, and
// some of whom come back.
func ratedCustomers(first int32) (events []event.Event) {
	rnd := rand.New(rand.NewPCG(1, 2))
	at := func(day int32, hour int) int64 { return (int64(first+day)*24 + int64(hour)) * msHour }
	for c := range 40 {
		id := fmt.Appendf(nil, "c%02d", c)
		ev := event.Event{Kind: event.Purchase, ID: fmt.Appendf(nil, "p%d", c), Source: []byte("s"), Customer: id, Time: at(rnd.Int32N(5), 9)}
		ev.Purchase = event.PurchaseData{Subscription: []byte("base"), Amount: 1900, Currency: usd, Interval: event.Month, Count: 1, Monthly: 1900 * event.MonthlyUnit}
		events = append(events, ev)
		for range 1 + rnd.IntN(12) {
			events = append(events, event.Event{Kind: event.Login, ID: fmt.Appendf(nil, "l%d", len(events)), Source: []byte("s"), Customer: id, Time: at(rnd.Int32N(60), rnd.IntN(24))})
		}
	}
	slices.SortFunc(events, func(a, b event.Event) int { return int(a.Time - b.Time) })
	return events
}

// Under other rules on bands than its state was made with, or the same ones in
// another order, a shard comes to the alerts of one that had these rules always.
func TestRulesOnBandsChange(t *testing.T) {
	red, amber := BandRule{"at_risk", Red, 24 * msHour}, BandRule{"cooling", Amber, 2 * msHour}
	events, w := ratedCustomers(20_000), int64(20_059)*24*msHour
	options := func(rules ...BandRule) Options {
		return Options{Calendar: civil.NewCalendar(time.UTC), Horizon: 100, Currency: usd, ActiveDays: 90, SilentDays: 14, LapseGrace: -1,
			ActivityKinds: [event.Signal + 1]bool{event.Login: true}, Profile: DefaultProfile(), BandRules: rules}
	}
	// since is what fires under the rules, from when on, and what Audit says of it.
	since := func(s *Shard) string {
		all := map[string]int64{}
		for p, f := range s.Firing() {
			all[p.Rule+"|"+p.Customer] = f.Since
		}
		return fmt.Sprint(all, s.Audit()) // maps are written by key
	}
	run := func(rules ...BandRule) (*Shard, *keeper) {
		s, err := New(options(rules...))
		if err != nil {
			t.Fatal(err)
		}
		var k keeper
		for from := 0; from < len(events); from += 50 {
			batch := events[from:min(from+50, len(events))]
			s.Need(batch)
			for i := range batch {
				if _, err := s.Apply(i, &batch[i], Cause{}); err != nil {
					t.Fatal(err)
				}
			}
			k.advance(t, s, batch[len(batch)-1].Time)
			k.commit(s)
		}
		k.advance(t, s, w)
		k.commit(s)
		return s, &k
	}
	before, _ := run(red, amber)
	if n := len(before.Firing()); n < 10 {
		t.Fatalf("%d alerts are firing: too few to tell anything", n)
	}
	for name, rules := range map[string][]BandRule{
		"as before":         {red, amber},
		"in another order":  {amber, red},
		"one is gone":       {amber},
		"another name":      {{"red", Red, 24 * msHour}, amber},
		"another band":      {{"at_risk", Amber, 24 * msHour}},
		"resolves later":    {{"at_risk", Red, 96 * msHour}, amber},
		"there is none now": nil,
	} {
		t.Run(name, func(t *testing.T) {
			always, _ := run(rules...)
			_, k := run(red, amber)
			s := k.open(t, options(rules...))
			k.commit(s) // and the process dies before anybody is evaluated
			s = k.open(t, options(rules...))
			k.advance(t, s, w)
			for _, key := range s.Keys() {
				if err := s.Load(key, k.records[key]); err != nil {
					t.Fatal(err)
				}
			}
			if got, want := since(s), since(always); got != want {
				t.Errorf("firing\n%s\nshould be\n%s", got, want)
			}
		})
	}
}

// A customer that was evaluated under other rules, and found as before, is not
// written. When it is read again its timer is the one that the evaluation left: a
// split of its bucket must not bring back one that is over.
func TestRulesChangeLeavesNoTimerBehind(t *testing.T) {
	options := func(rules ...BandRule) Options {
		return Options{Calendar: civil.NewCalendar(time.UTC), Horizon: 100, Currency: usd, ActiveDays: 90, SilentDays: 14, LapseGrace: -1,
			ActivityKinds: [event.Signal + 1]bool{event.Login: true}, Profile: DefaultProfile(), BandRules: rules}
	}
	events, w := ratedCustomers(20_000), int64(20_059)*24*msHour
	s, err := New(options())
	if err != nil {
		t.Fatal(err)
	}
	s.Need(events)
	for i := range events {
		if _, err := s.Apply(i, &events[i], Cause{}); err != nil {
			t.Fatal(err)
		}
	}
	var k keeper
	k.advance(t, s, w)
	k.commit(s)
	s = k.open(t, options(BandRule{"at_risk", Red, 24 * msHour}))
	k.advance(t, s, w)
	k.commit(s)
	s.Committed(0) // drops everything
	read := 0
	for _, key := range s.Keys() {
		if err := s.Load(key, k.records[key]); err != nil {
			t.Fatal(err)
		}
	}
	for _, b := range s.buckets {
		for i, c := range b.customers {
			if read++; c.due <= w || b.places[i].due <= w {
				t.Errorf("the timer of %s is due since %d, and it is %d", c.id, c.due, w)
			}
		}
	}
	if read != 40 {
		t.Errorf("%d customers were read again", read)
	}
}
