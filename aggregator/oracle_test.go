package aggregator_test

import (
	"fmt"
	"maps"
	"math/big"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/internal/oracle"
	"github.com/tidemark-io/tidemark/internal/oracle/generate"
)

// disk is what a store would hold of a shard.
type disk struct {
	records, cells, frozen, due map[string][]byte
	firing                      map[aggregator.Pair]aggregator.Firing
	table                       []byte
	watermark                   int64
	first                       int32
	notes                       []aggregator.Note
}

func newDisk() *disk {
	return &disk{records: map[string][]byte{}, cells: map[string][]byte{}, frozen: map[string][]byte{},
		due: map[string][]byte{}, firing: map[aggregator.Pair]aggregator.Firing{}}
}

func (d *disk) store(ch aggregator.Changes) {
	put := func(m map[string][]byte, kvs []aggregator.KV) {
		for _, kv := range kvs {
			if kv.Value == nil {
				delete(m, kv.Name)
			} else {
				m[kv.Name] = append([]byte(nil), kv.Value...)
			}
		}
	}
	put(d.records, ch.Records)
	put(d.cells, ch.Cells)
	put(d.frozen, ch.Frozen)
	put(d.due, ch.Due)
	for p, f := range ch.Fired {
		if f == nil {
			delete(d.firing, p)
		} else {
			d.firing[p] = *f
		}
	}
	d.table, d.watermark, d.first = ch.Table, ch.Watermark, ch.FirstDay
	d.notes = append(d.notes, ch.Notes...)
}

func (d *disk) open(t *rapid.T, o aggregator.Options) *aggregator.Shard {
	var s *aggregator.Shard
	var err error
	if d.table == nil {
		s, err = aggregator.New(o)
	} else {
		s, err = aggregator.Open(o, aggregator.Stored{Watermark: d.watermark, FirstDay: d.first, Table: d.table,
			Cells: d.cells, Due: d.due, Firing: maps.Clone(d.firing)})
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (d *disk) load(t *rapid.T, s *aggregator.Shard, keys []string) {
	for _, k := range keys {
		if err := s.Load(k, d.records[k]); err != nil {
			t.Fatal(err)
		}
	}
}

func (d *disk) need(t *rapid.T, s *aggregator.Shard, events []event.Event) {
	for {
		keys := s.Need(events)
		if len(keys) == 0 {
			return
		}
		d.load(t, s, keys)
	}
}

func (d *disk) advance(t *rapid.T, s *aggregator.Shard, w int64) {
	for s.Advance(w, 10_000) {
		d.need(t, s, nil)
	}
}

// level is the level of a counter on a day by the stored rows alone.
func (d *disk) level(t *rapid.T, c aggregator.Cell, segment string, day int32) int64 {
	row := func(m map[string][]byte, name string) int64 {
		r, err := aggregator.ParseRow(m[name])
		if err != nil {
			t.Fatal(err)
		}
		return r[c]
	}
	if c.Counter.Standing() {
		return row(d.cells, aggregator.RowName{Kind: 's', Segment: segment}.String())
	}
	if day < d.first {
		return row(d.frozen, aggregator.FrozenName(day, segment))
	}
	v := row(d.cells, aggregator.RowName{Kind: 'o', Segment: segment}.String())
	for x := d.first + 1; x <= day; x++ {
		v += row(d.cells, aggregator.RowName{Kind: 'd', Day: x, Segment: segment}.String())
	}
	return v
}

const msDay = 86_400_000

// TestEqualsOracle: any order within the horizon, duplicates, any batches, a
// crash before or after any commit and a cache of any size end in the figures
// and the firing set that the batch oracle computes from the events.
func TestEqualsOracle(t *testing.T) {
	rapid.Check(t, checkAgainstOracle)
}

func checkAgainstOracle(t *rapid.T) {
	place := generate.DrawPlace(t)
	horizon := rapid.SampledFrom([]int{100, 5, 7, 12, 20}).Draw(t, "horizon")
	days := 40
	if horizon < 100 {
		days = rapid.SampledFrom([]int{3 * horizon, 3*horizon + 10, 150}).Draw(t, "days")
	}
	events := generate.History(t, generate.Options{Place: place, Days: days, MaxEvents: 250})
	lateness := rapid.IntRange(0, horizon).Draw(t, "lateness")
	arrivals := generate.Shuffle(t, events, place.Zone, lateness)

	cfg := oracle.DefaultConfig()
	cfg.Zone, cfg.Horizon = place.Zone, horizon
	if rapid.Bool().Draw(t, "by purchases") {
		cfg.Basis, cfg.ActivePurchaseDays = oracle.BasisPurchases, rapid.SampledFrom([]int{90, 7}).Draw(t, "active days")
	}
	if rapid.Bool().Draw(t, "lapse") {
		cfg.LapseGrace = time.Duration(rapid.IntRange(0, 5).Draw(t, "grace")) * 24 * time.Hour
	}
	cfg.UncancelByPurchase = rapid.Bool().Draw(t, "uncancel")
	if rapid.Bool().Draw(t, "signal activity") {
		cfg.Activity = append(cfg.Activity, "signal:feature_used")
	}
	inline := rapid.SampledFrom([]int{32, 1}).Draw(t, "inline")
	cache := rapid.SampledFrom([]int{1 << 30, 0, 4000}).Draw(t, "cache")

	d := newDisk()
	s := d.open(t, options(cfg, inline))
	seen := int64(0)
	for at := 0; at < len(arrivals); {
		batch := arrivals[at:min(len(arrivals), at+rapid.IntRange(1, 60).Draw(t, "batch"))]
		high, single := seen, rapid.Bool().Draw(t, "one by one")
		d.need(t, s, batch)
		for i := range batch {
			at0 := i
			if single {
				d.need(t, s, batch[i:i+1])
				at0 = 0
			}
			status, err := s.Apply(at0, &batch[i], aggregator.Cause{Topic: "events", Offset: int64(at + i)})
			if err != nil {
				t.Fatal(err)
			}
			if status == aggregator.Late {
				t.Fatalf("event %d of %s is late", at+i, time.UnixMilli(batch[i].Time))
			}
			high = max(high, batch[i].Time)
		}
		d.advance(t, s, high)
		if rapid.IntRange(0, 9).Draw(t, "crash") == 0 { // before the commit: read again
			s = d.open(t, options(cfg, inline))
			continue
		}
		d.store(s.Changes())
		s.Committed(cache)
		seen, at = high, at+len(batch)
		if rapid.IntRange(0, 9).Draw(t, "crash") == 0 {
			s = d.open(t, options(cfg, inline))
		}
	}
	if seen == 0 {
		return
	}
	w := seen + rapid.Int64Range(0, int64(horizon)*msDay/2).Draw(t, "rest")
	d.advance(t, s, w)
	d.store(s.Changes())
	for keys := s.Keys(); len(keys) > 0; keys = s.Keys() {
		d.load(t, s, keys)
	}
	compareCustomers(t, s, cfg, events, w)
	compare(t, d, cfg, events, w)
	if wrong := s.Audit(); len(wrong) > 0 {
		t.Fatalf("audit: %v", wrong)
	}
}

func options(cfg oracle.Config, inline int) aggregator.Options {
	o := aggregator.Options{
		Calendar: civil.NewCalendar(cfg.Zone), Horizon: int32(cfg.Horizon), Currency: event.Currency{'U', 'S', 'D'},
		ByPurchases: cfg.Basis == oracle.BasisPurchases, ActiveDays: int32(cfg.ActivePurchaseDays),
		SilentDays: int32(cfg.SilentDays), LapseGrace: -1, Uncancel: cfg.UncancelByPurchase,
		ActivitySignal: map[string]bool{}, Dimensions: cfg.Dimensions, Profile: aggregator.DefaultProfile(),
		BandRules:      []aggregator.BandRule{{Name: "at_risk", Band: aggregator.Red, ResolveAfter: cfg.ResolveAfter.Milliseconds()}},
		MaxUsersInline: inline,
	}
	if cfg.LapseGrace >= 0 {
		o.LapseGrace = cfg.LapseGrace.Milliseconds()
	}
	for _, a := range cfg.Activity {
		if name, ok := strings.CutPrefix(a, "signal:"); ok {
			o.ActivitySignal[name] = true
		} else {
			o.ActivityKinds[event.Login] = true
		}
	}
	return o
}

// compare holds every stored figure from the first unfrozen day up to the
// watermark's, the whole's before that too, and the firing set against the oracle.
func compare(t *rapid.T, d *disk, cfg oracle.Config, events []event.Event, w int64) {
	today := cfg.Day(w)
	from := today - int32(cfg.Horizon) - 60
	want := oracle.Compute(cfg, oracle.Input{Events: events, Watermark: w}, from, today)
	segments := map[string]bool{"": true}
	for name := range d.cells {
		n, err := aggregator.ParseRowName(name)
		if err != nil {
			t.Fatal(err)
		}
		segments[n.Segment] = true
	}
	for k := range want.Levels {
		segments[k.Segment] = true
	}
	var wrong []string
	for segment := range segments {
		for _, c := range aggregator.Counters() {
			currencies := []string{""}
			if c.Money() {
				currencies = []string{"USD", "EUR", "GBP", "JPY"}
			}
			for _, cur := range currencies {
				cell := aggregator.Cell{Counter: c}
				copy(cell.Currency[:], cur)
				if c.Standing() {
					if got, want := d.level(t, cell, segment, 0), want.Standing[oracle.Key{Counter: c.String(), Segment: segment}]; got != want {
						wrong = append(wrong, fmt.Sprintf("%s %q: %d, the oracle has %d", c, segment, got, want))
					}
					continue
				}
				for day := from; day <= today; day++ {
					if day < d.first && segment != "" {
						continue // frozen under the segments of its time
					}
					got, want := d.level(t, cell, segment, day), want.Levels[oracle.Key{Counter: c.String(), Currency: cur, Segment: segment, Day: day}]
					if got != want {
						wrong = append(wrong, fmt.Sprintf("%s %s %q on %s: %d, the oracle has %d", c, cur, segment, civil.Format(day), got, want))
					}
				}
			}
		}
	}
	for p, f := range d.firing {
		if since, ok := want.Firing[p.Customer]; !ok || since != f.Since && since >= cfg.Start(d.first) {
			wrong = append(wrong, fmt.Sprintf("%s fires since %d, the oracle: %v, %d", p.Customer, f.Since, ok, since))
		}
	}
	for c := range want.Firing {
		if _, ok := d.firing[aggregator.Pair{Rule: "at_risk", Customer: c}]; !ok {
			wrong = append(wrong, c+" should fire")
		}
	}
	if len(wrong) > 0 {
		t.Fatalf("%d figures differ, such as\n%s", len(wrong), strings.Join(wrong[:min(len(wrong), 12)], "\n"))
	}
}

// compareCustomers holds each customer's score, its parts and its money against the oracle.
func compareCustomers(t *rapid.T, s *aggregator.Shard, cfg oracle.Config, events []event.Event, w int64) {
	for id, want := range oracle.Compute(cfg, oracle.Input{Events: events, Watermark: w}, 0, -1).Customers {
		got := s.View(id)
		if got == nil { // all its events were of kinds that nothing reads
			if want.Active || want.EverPaid {
				t.Fatalf("customer %s is not there", id)
			}
			continue
		}
		if got.EverPaid != want.EverPaid || got.EverPaid && got.FirstPaidDay != want.FirstPaidDay {
			for _, e := range events {
				if string(e.Customer) == id && e.Kind != event.Login {
					t.Logf("%s %s %d kind %d sub %q/%q amount %d monthly %d %s eff %d ref %q", e.Source, e.ID, e.Time, e.Kind, e.Purchase.Subscription, e.Cancellation.Subscription, e.Purchase.Amount, e.Purchase.Monthly, e.Purchase.Currency, e.Cancellation.Effective, e.Signal.Ref)
				}
			}
			t.Fatalf("%s paid first on %v %s, the oracle: %v %s", id, got.EverPaid, civil.Format(got.FirstPaidDay), want.EverPaid, civil.Format(want.FirstPaidDay))
		}
		if got.Active != want.Active || got.Active && got.LastActiveDay != want.LastActiveDay {
			t.Fatalf("%s was last active on %v %d, the oracle: %v %d", id, got.Active, got.LastActiveDay, want.Active, want.LastActiveDay)
		}
		band := string(want.Band)
		if band == "" {
			band = "gone"
		}
		if got.Band.String() != band {
			t.Fatalf("%s is %s, the oracle has %s", id, got.Band, band)
		}
		if (got.Score == nil) != (want.Score == nil) || got.Score != nil && got.Score.Cmp(want.Score) != 0 {
			t.Fatalf("%s scores %v, the oracle has %v", id, got.Score, want.Score)
		}
		sum := new(big.Rat)
		for i, c := range got.Contributions {
			sum.Add(sum, c.Share)
			if x := want.Contributions[i]; x.Signal != c.Signal || x.Points != c.Points || x.Share.Cmp(c.Share) != 0 {
				t.Fatalf("%s: %+v, the oracle has %+v", id, c, x)
			}
		}
		if got.Score != nil && sum.Cmp(got.Score) != 0 {
			t.Fatalf("%s: parts add up to %v, not to %v", id, sum, got.Score)
		}
		for cur, v := range got.MRR {
			if want.MRR[cur.String()] != v {
				t.Fatalf("%s pays %d %s a month, the oracle has %d", id, v, cur, want.MRR[cur.String()])
			}
		}
	}
}
