package aggregator_test

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
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
	if w != 0 && !s.Settled() { // nothing would be published until it is
		t.Fatalf("a timer of the past is left at %s", time.UnixMilli(w).UTC())
	}
}

// levels are the levels of a segment on the days from..to, by the stored rows
// alone; without zeros.
func (d *disk) levels(t *rapid.T, segment string, from, to int32) map[oracle.Key]int64 {
	out := map[oracle.Key]int64{}
	put := func(r aggregator.Row, day int32) {
		for c, v := range r {
			if v != 0 {
				out[oracle.Key{Counter: c.Counter.String(), Currency: c.Currency.String(), Label: c.Label, Segment: segment, Day: day}] = v
			}
		}
	}
	for day := from; day < min(d.first, to+1); day++ {
		put(parse(t, d.frozen[aggregator.FrozenName(day, segment)]), day)
	}
	sum := parse(t, d.cells[aggregator.RowName{Kind: 'o', Segment: segment}.String()])
	for day := d.first; day <= to; day++ {
		if day > d.first {
			for c, v := range parse(t, d.cells[aggregator.RowName{Kind: 'd', Day: day, Segment: segment}.String()]) {
				sum[c] += v
			}
		}
		if day >= from {
			put(sum, day)
		}
	}
	return out
}

// standing are the standing cells of every segment, without zeros.
func (d *disk) standing(t *rapid.T) map[oracle.Key]int64 {
	out := map[oracle.Key]int64{}
	for name, value := range d.cells {
		n, err := aggregator.ParseRowName(name)
		if err != nil {
			t.Fatal(err)
		}
		if n.Kind != 's' && n.Kind != 'p' {
			continue
		}
		for c, v := range parse(t, value) {
			if v != 0 {
				out[oracle.Key{Counter: c.Counter.String(), Label: c.Label, Segment: n.Segment, Day: n.Day}] = v
			}
		}
	}
	return out
}

func parse(t *rapid.T, value []byte) aggregator.Row {
	r, err := aggregator.ParseRow(value)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const msDay = 86_400_000

// someRecords stands for a cache that has to drop some records after each commit.
const someRecords = 1

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
	var attributes []generate.Attribute // nil: the usual ones
	if rapid.Bool().Draw(t, "odd values") {
		attributes = []generate.Attribute{{Name: "plan", Values: []string{"pro,", "x=|y", "free,country=US"}}, {Name: "country", Values: []string{"US", ",,", ""}}}
	}
	events := generate.History(t, generate.Options{Place: place, Days: days, MaxEvents: 250, Attributes: attributes})
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
	cfg.SubscriptionsApart = rapid.Bool().Draw(t, "apart")
	if rapid.Bool().Draw(t, "signal activity") {
		cfg.Activity = append(cfg.Activity, "signal:feature_used")
	}
	cfg.WeekStart = rapid.SampledFrom([]time.Weekday{time.Monday, time.Sunday}).Draw(t, "week start")
	cfg.Value = rapid.SampledFrom([]string{"purchase", "signal:feature_used", "survey"}).Draw(t, "value")
	cfg.Satisfied = rapid.SampledFrom([]int32{4000, 3500}).Draw(t, "satisfied")
	if rapid.Bool().Draw(t, "cohorts by plan") {
		cfg.CohortDimensions = []string{"plan"}
	}
	if rapid.Bool().Draw(t, "two dimensions at once") {
		cfg.Dimensions = append(cfg.Dimensions, "plan*country")
		if rapid.Bool().Draw(t, "cohorts by both") {
			cfg.CohortDimensions = append(cfg.CohortDimensions, "plan*country")
		}
	}
	inline := rapid.SampledFrom([]int{32, 1}).Draw(t, "inline")
	cache := rapid.SampledFrom([]int{1 << 30, 0, someRecords}).Draw(t, "cache")

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
		if rapid.IntRange(0, 19).Draw(t, "audit") == 0 {
			for keys := s.Keys(); len(keys) > 0; keys = s.Keys() {
				d.load(t, s, keys)
			}
			if wrong := s.Audit(); len(wrong) > 0 {
				t.Fatalf("audit after event %d: %v", at+len(batch), wrong)
			}
		}
		if cache == someRecords {
			s.Committed(s.Memory() - 4000)
		} else {
			s.Committed(cache)
		}
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
		MaxUsersInline: inline, SubscriptionsApart: cfg.SubscriptionsApart,
		WeekStart: cfg.WeekStart, Cohorts: cfg.CohortDimensions, Satisfied: cfg.Satisfied,
	}
	if name, ok := strings.CutPrefix(cfg.Value, "signal:"); ok {
		o.ValueSignal = name
	} else {
		o.ValueKind = map[string]event.Kind{"purchase": event.Purchase, "survey": event.Survey}[cfg.Value]
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
	maps.DeleteFunc(want.Standing, func(k oracle.Key, _ int64) bool {
		return k.Counter == aggregator.LastHour.String() && k.Day < today-40 // forgotten
	})
	wrong := differ(d.standing(t), want.Standing)
	for segment := range segments {
		got := d.levels(t, segment, from-1, today)
		wrong = append(wrong, unmoved(got, segment, from, today)...)
		since := from
		if segment != "" {
			since = max(from, d.first) // before, days are frozen under the segments of their time
		}
		maps.DeleteFunc(got, func(k oracle.Key, _ int64) bool { return k.Day < since || k.Counter == "MRRMoved" })
		wanted := maps.Clone(want.Levels)
		maps.DeleteFunc(wanted, func(k oracle.Key, _ int64) bool { return k.Day < since || k.Segment != segment })
		wrong = append(wrong, differ(got, wanted)...)
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

// differ says in which cells what was got is not what was wanted.
func differ(got, want map[oracle.Key]int64) (wrong []string) {
	for k := range got {
		if got[k] != want[k] {
			wrong = append(wrong, fmt.Sprintf("%s %s %q %q on %s: %d, the oracle has %d", k.Counter, k.Currency, k.Label, k.Segment, civil.Format(k.Day), got[k], want[k]))
		}
	}
	for k := range want {
		if _, ok := got[k]; !ok && want[k] != 0 {
			wrong = append(wrong, fmt.Sprintf("%s %s %q %q on %s: 0, the oracle has %d", k.Counter, k.Currency, k.Label, k.Segment, civil.Format(k.Day), want[k]))
		}
	}
	slices.Sort(wrong)
	return wrong
}

// unmoved says on which days the movements of a segment don't come to the change
// of its MRR.
func unmoved(got map[oracle.Key]int64, segment string, from, to int32) (wrong []string) {
	for _, currency := range []string{"USD", "EUR", "JPY"} {
		at := func(counter string, day int32) int64 {
			return got[oracle.Key{Counter: counter, Currency: currency, Segment: segment, Day: day}]
		}
		for d := from; d <= to; d++ {
			moved := at("MRRNew", d) + at("MRRExpansion", d) + at("MRRReactivation", d) - at("MRRContraction", d) - at("MRRChurn", d) + at("MRRMoved", d)
			if change := at("MRR", d) - at("MRR", d-1); change != moved {
				wrong = append(wrong, fmt.Sprintf("MRR %s %q changes on %s by %d, the movements come to %d", currency, segment, civil.Format(d), change, moved))
			}
		}
	}
	return wrong
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
