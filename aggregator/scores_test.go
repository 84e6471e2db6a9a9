package aggregator

import (
	"fmt"
	"maps"
	"math/big"
	"testing"

	"github.com/tidemark-io/tidemark/event"
)

// payer is a purchase by which a customer begins to pay.
func payer(customer string, at int64, plan string) event.Event {
	ev := event.Event{Kind: event.Purchase, Source: []byte("s"), ID: []byte("p-" + customer), Customer: []byte(customer), Time: at,
		Purchase: event.PurchaseData{Amount: 1000, Monthly: 1000 * event.MonthlyUnit, Currency: usd, Interval: event.Month, Count: 1}}
	ev.Attrs = []event.Attr{{Name: []byte("plan"), Value: []byte(plan)}}
	return ev
}

// TestScoreScanCountsEachOnce: buckets are read a few at a time while their number
// grows from 16 to several hundred, so that most are split, some of those that
// were read and some that are yet to be. Each customer who was there when the scan
// began counts once, and the sums are those of the customers' views.
func TestScoreScanCountsEachOnce(t *testing.T) {
	o := testOptions()
	o.Dimensions = []string{"plan"}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	records := map[string][]byte{}
	var table []byte
	commit := func() {
		for keys := s.Need(nil); len(keys) > 0; keys = s.Need(nil) {
			for _, k := range keys {
				if err := s.Load(k, records[k]); err != nil {
					t.Fatal(err)
				}
			}
		}
		ch := s.Changes()
		for _, kv := range ch.Records {
			records[kv.Name] = append([]byte(nil), kv.Value...)
		}
		table = ch.Table
		s.Committed(1 << 40)
	}
	n, at := 0, int64(someDay)
	add := func(customers int, plan string) {
		for range customers {
			apply(t, s, payer(fmt.Sprint("c", n), at, plan))
			n++
		}
		for s.Advance(at, 1000) {
		}
		commit()
	}
	add(300, "old")
	started := n
	for i := range started { // scores that differ, some with another weight
		if i%2 == 0 {
			apply(t, s, login(fmt.Sprint("c", i), "u", at+int64(i)*msHour, "old"))
		}
		if i%5 == 0 {
			apply(t, s, event.Event{Kind: event.Survey, Source: []byte("s"), ID: fmt.Append(nil, "a", i), Customer: fmt.Append(nil, "c", i), Time: at,
				Survey: event.SurveyData{Kind: event.NPS, Score: 3000, Min: 0, Max: 10_000}})
		}
	}
	at += 20 * 24 * msHour
	for s.Advance(at, 1000) {
	}
	commit()

	var scan ScoreScan
	most := 0
	for more := true; more; {
		keys := scan.Keys(7)
		values := make([][]byte, len(keys))
		for i, k := range keys {
			values[i] = records[k]
		}
		parsed, err := ParseTable(table)
		if err != nil {
			t.Fatal(err)
		}
		most = parsed.Buckets
		if more, err = scan.Add(o, Stored{Watermark: at, FirstDay: s.FirstDay(), Table: table}, at, values); err != nil {
			t.Fatal(err)
		}
		if n < 2500 {
			add(150, "new")
		}
	}
	if most < 200 {
		t.Fatalf("only %d buckets: nothing was split", most)
	}
	want, customers := map[string]*big.Rat{"plan=old": new(big.Rat)}, map[string]int64{}
	for i := range started {
		v := s.View(fmt.Sprint("c", i))
		want["plan=old"].Add(want["plan=old"], v.Score)
		customers["plan=old"]++
	}
	got := map[string]int64{}
	scan.Each(func(segment string, n int64, sum *big.Rat) {
		got[segment] = n
		if w := want[segment]; w != nil && w.Cmp(sum) != 0 {
			t.Errorf("the scores of %s add up to %v, not to %v", segment, sum, w)
		}
	})
	if got["plan=old"] != customers["plan=old"] || got["plan=new"] > int64(n-started) || got[""] != got["plan=old"]+got["plan=new"] {
		t.Errorf("counted %v, there are %v and %d new ones", maps.Clone(got), customers, n-started)
	}
}
