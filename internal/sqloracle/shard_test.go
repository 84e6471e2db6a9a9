package sqloracle_test

import (
	"maps"
	"math/big"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/internal/oracle/generate"
	"github.com/tidemark-io/tidemark/internal/sqloracle"
	"github.com/tidemark-io/tidemark/kpi"
)

// disk is what a store would hold of a shard, and the kpi.Levels that it comes to.
type disk struct {
	t                           *rapid.T
	records, cells, frozen, due map[string][]byte
	firing                      map[aggregator.Pair]aggregator.Firing
	table                       []byte
	watermark                   int64
	first                       int32 // first day that is not frozen

	rows map[string]aggregator.Row // read so far, by name; frozen ones begin with "f"
}

func newDisk(t *rapid.T) *disk {
	return &disk{t: t, records: map[string][]byte{}, cells: map[string][]byte{}, frozen: map[string][]byte{},
		due: map[string][]byte{}, firing: map[aggregator.Pair]aggregator.Firing{}, rows: map[string]aggregator.Row{}}
}

func (d *disk) store(ch aggregator.Changes) {
	put := func(m map[string][]byte, kvs []aggregator.KV) {
		for _, kv := range kvs {
			if kv.Value == nil {
				delete(m, kv.Name)
			} else {
				m[kv.Name] = slices.Clone(kv.Value)
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
}

func (d *disk) open(o aggregator.Options) *aggregator.Shard {
	var s *aggregator.Shard
	var err error
	if d.table == nil {
		s, err = aggregator.New(o)
	} else {
		s, err = aggregator.Open(o, aggregator.Stored{Watermark: d.watermark, FirstDay: d.first, Table: d.table,
			Cells: d.cells, Due: d.due, Firing: maps.Clone(d.firing)})
	}
	if err != nil {
		d.t.Fatal(err)
	}
	return s
}

func (d *disk) need(s *aggregator.Shard, events []event.Event) {
	for keys := s.Need(events); len(keys) > 0; keys = s.Need(events) {
		for _, k := range keys {
			if err := s.Load(k, d.records[k]); err != nil {
				d.t.Fatal(err)
			}
		}
	}
}

func (d *disk) advance(s *aggregator.Shard, watermark int64) {
	for s.Advance(watermark, 10_000) {
		d.need(s, nil)
	}
}

// run feeds a shard the events in their order of arrival: batches, a crash before
// or after a commit, a cache of some size. It returns the highest event time.
func (d *disk) run(o aggregator.Options, arrivals []event.Event) (seen int64) {
	t := d.t
	cache := rapid.SampledFrom([]int{1 << 30, 0, 4000}).Draw(t, "cache")
	s := d.open(o)
	for at := 0; at < len(arrivals); {
		batch := arrivals[at:min(len(arrivals), at+rapid.IntRange(1, 60).Draw(t, "batch"))]
		high := seen
		d.need(s, batch)
		for i := range batch {
			status, err := s.Apply(i, &batch[i], aggregator.Cause{Topic: "events", Offset: int64(at + i)})
			if err != nil {
				t.Fatal(err)
			}
			if status == aggregator.Late {
				t.Fatalf("event %d is late", at+i)
			}
			high = max(high, batch[i].Time)
		}
		d.advance(s, high)
		crash := rapid.IntRange(0, 19).Draw(t, "crash")
		if crash == 0 { // before the commit: read again
			s = d.open(o)
			continue
		}
		d.store(s.Changes())
		s.Committed(cache)
		seen, at = high, at+len(batch)
		if crash == 1 {
			s = d.open(o)
		}
	}
	return seen
}

// rest lets time go on to a watermark.
func (d *disk) rest(o aggregator.Options, watermark int64) {
	s := d.open(o)
	d.advance(s, watermark)
	d.store(s.Changes())
}

func (d *disk) row(m map[string][]byte, prefix, name string) aggregator.Row {
	r, read := d.rows[prefix+name]
	if !read {
		var err error
		if r, err = aggregator.ParseRow(m[name]); err != nil {
			d.t.Fatal(err)
		}
		d.rows[prefix+name] = r
	}
	return r
}

func (d *disk) cell(kind byte, day int32, segment string) aggregator.Row {
	return d.row(d.cells, "", aggregator.RowName{Kind: kind, Day: day, Segment: segment}.String())
}

// Level implements kpi.Levels.
func (d *disk) Level(c aggregator.Cell, segment string, day int32) int64 {
	if day < d.first {
		return d.row(d.frozen, "f", aggregator.FrozenName(day, segment))[c]
	}
	v := d.cell('o', 0, segment)[c]
	for x := d.first + 1; x <= day; x++ {
		v += d.cell('d', x, segment)[c]
	}
	return v
}

// Standing implements kpi.Levels.
func (d *disk) Standing(c aggregator.Cell, segment string, day int32) int64 {
	if c.Counter.OnDay() {
		return d.cell('p', day, segment)[c]
	}
	return d.cell('s', 0, segment)[c]
}

// Labels implements kpi.Levels.
func (d *disk) Labels(c aggregator.Counter, segment string, day int32) []string {
	found := map[string]bool{}
	add := func(r aggregator.Row) {
		for cell := range r {
			if cell.Counter == c {
				found[cell.Label] = true
			}
		}
	}
	add(d.cell('s', 0, segment))
	add(d.cell('p', day, segment))
	if day < d.first {
		add(d.row(d.frozen, "f", aggregator.FrozenName(day, segment)))
	} else {
		add(d.cell('o', 0, segment))
		for x := d.first + 1; x <= day; x++ {
			add(d.cell('d', x, segment))
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// Days implements kpi.Levels.
func (d *disk) Days(c aggregator.Counter, segment string) []int32 {
	var days []int32
	for name := range d.cells {
		n := d.rowName(name)
		if n.Kind != 'p' || n.Segment != segment {
			continue
		}
		for cell := range d.cell('p', n.Day, segment) {
			if cell.Counter == c {
				days = append(days, n.Day)
				break
			}
		}
	}
	slices.Sort(days)
	return days
}

// scores reads the stored records through, some buckets at a time.
func (d *disk) scores(o aggregator.Options, at int64) func(string) kpi.ScoreSum {
	var scan aggregator.ScoreScan
	for more := true; more; {
		keys := scan.Keys(5)
		values := make([][]byte, len(keys))
		for i, key := range keys {
			values[i] = d.records[key]
		}
		var err error
		if more, err = scan.Add(o, aggregator.Stored{Watermark: d.watermark, FirstDay: d.first, Table: d.table}, at, values); err != nil {
			d.t.Fatal(err)
		}
	}
	sums := map[string]kpi.ScoreSum{}
	scan.Each(func(segment string, customers int64, sum *big.Rat) {
		sums[segment] = kpi.ScoreSum{Sum: sum, Customers: customers}
	})
	return func(segment string) kpi.ScoreSum {
		sum := sums[segment]
		sum.At = at
		return sum
	}
}

// Currencies implements kpi.Levels.
func (d *disk) Currencies() []event.Currency {
	return []event.Currency{{'E', 'U', 'R'}, {'J', 'P', 'Y'}, {'U', 'S', 'D'}}
}

func (d *disk) rowName(name string) aggregator.RowName {
	n, err := aggregator.ParseRowName(name)
	if err != nil {
		d.t.Fatal(err)
	}
	return n
}

// segments are those that have cells, the whole's "" among them.
func (d *disk) segments() []string {
	found := map[string]bool{"": true}
	for name := range d.cells {
		found[d.rowName(name).Segment] = true
	}
	return slices.Sorted(maps.Keys(found))
}

// shardOptions are the aggregator's for the same configuration.
func shardOptions(t *rapid.T, o sqloracle.Options, place generate.Place, horizon int) aggregator.Options {
	out := aggregator.Options{
		Calendar: civil.NewCalendar(place.Zone), Horizon: int32(horizon), Currency: event.Currency{'U', 'S', 'D'},
		ByPurchases: o.Basis == sqloracle.BasisPurchases, ActiveDays: int32(o.ActivePurchaseDays), SilentDays: int32(o.SilentDays),
		Cohorts: o.Dimensions, LapseGrace: -1, CancelAtOnce: o.CancelAtOnce, Uncancel: o.UncancelByPurchase,
		SubscriptionsApart: !o.OrdersIncludeSubscription,
		ActivitySignal:     map[string]bool{}, Dimensions: o.Dimensions, Profile: aggregator.DefaultProfile(), MaxUsersInline: 2,
	}
	out.WeekStart = time.Monday
	if o.WeekStart == "sunday" {
		out.WeekStart = time.Sunday
	}
	if o.LapseGrace >= 0 {
		out.LapseGrace = o.LapseGrace.Milliseconds()
	}
	for _, a := range o.Activity {
		if name, ok := strings.CutPrefix(a, "signal:"); ok {
			out.ActivitySignal[name] = true
		} else if a == "login" {
			out.ActivityKinds[event.Login] = true
		} else {
			t.Fatalf("no activity of type %q here", a)
		}
	}
	return out
}
