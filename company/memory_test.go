package company

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/kpi"
	"github.com/tidemark-io/tidemark/store"
)

// tenDimensions are shards as a store has them after a hundred days: ten dimensions
// of a hundred values, ten customers in each, who log in every third day and pay
// once a month.
func tenDimensions(t *testing.T, shards int) *fake {
	t.Helper()
	const first, days, customers = 20_000, 110, 1000
	f := newFake(shards)
	for i, to := range f.shards {
		o := aggregator.Options{Calendar: civil.NewCalendar(time.UTC), Horizon: 100, Currency: event.Currency{'U', 'S', 'D'},
			ActiveDays: 90, SilentDays: 14, LapseGrace: -1, Profile: aggregator.DefaultProfile()}
		o.ActivityKinds[event.Login] = true
		for d := range 10 {
			o.Dimensions = append(o.Dimensions, fmt.Sprint("dim", d))
		}
		s, err := aggregator.New(o)
		if err != nil {
			t.Fatal(err)
		}
		for d := range days {
			start := int64(first+d) * 86_400_000
			for c := i; c < customers; c += shards {
				ev := event.Event{Kind: event.Login, Time: start + int64(c), Source: []byte("app"), ID: fmt.Append(nil, d, "/", c),
					Customer: fmt.Append(nil, "c", c), User: []byte("u")}
				switch {
				case d == 0:
					for k, name := range o.Dimensions {
						ev.Attrs = append(ev.Attrs, event.Attr{Name: []byte(name), Value: fmt.Append(nil, "v", (c+7*k)%100)})
					}
				case (d+c)%30 == 0:
					ev.Kind, ev.User = event.Purchase, nil
					ev.Purchase = event.PurchaseData{Amount: 900, Currency: o.Currency, Interval: event.Month, Count: 1, Monthly: 900 * event.MonthlyUnit}
				case (d+c)%3 != 0:
					continue
				}
				s.Need([]event.Event{ev})
				if status, err := s.Apply(0, &ev, aggregator.Cause{}); err != nil || status != aggregator.Applied {
					t.Fatal(status, err)
				}
			}
			for s.Advance(start+86_400_000-1, 1000) {
				s.Need(nil)
			}
		}
		ch := s.Changes()
		to.stored, to.tenure = true, store.Tenure{Owner: "owner", Number: 1}
		to.head = store.Head{Born: true, Watermark: ch.Watermark, FirstDay: ch.FirstDay, Table: ch.Table}
		for _, kv := range ch.Cells {
			if to.rows[kv.Name], err = aggregator.ParseRow(kv.Value); err != nil {
				t.Fatal(err)
			}
		}
	}
	return f
}

// sumBound is what a reader may take of a thousand segments in two shards, bytes:
// 143,000 rows as they are stored, some 70 each with their place, and the sums of a
// tenth of the segments. With the sums of all of them it would be three times as
// much.
const sumBound = 20 << 20

// heap is how much memory is in use.
func heap() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// TestWhatWasSaidStaysSmall: of a thousand segments and a hundred days all figures
// were said, which take more than may be kept, forty segments and days in a call. A
// feed that goes on from there knows a bit of each.
func TestWhatWasSaidStaysSmall(t *testing.T) {
	const segments, days, figures = 1000, 100, 15
	windows := make([]kpi.Figure, figures)
	for i := range windows {
		windows[i] = kpi.Figure{KPI: "customers", Window: fmt.Sprint(i)}
	}
	before := heap()
	var fields []string
	said, err := newSayings(nil, newSentStore().read)
	if err != nil {
		t.Fatal(err)
	}
	stored, calls := 0, 0
	for s := range segments {
		segment := fmt.Sprint("plan=", s)
		for day := range int32(days) {
			if calls%feedDays == 0 {
				if err := said.begin(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			calls++
			if err := said.look(t.Context(), []place{{segment, today - day}}); err != nil {
				t.Fatal(err)
			}
			text := civil.Format(today - day)
			for i, f := range windows {
				f.Segment, f.Day = segment, text
				said.say(f, Sent{Value: "1000000", Numerator: 1_000_000, Denominator: 1, Seq: 2, Complete: true, Settled: true, Prior: "7", Revision: i % 2})
			}
			for _, f := range said.take() {
				stored += len(f.Value)
				fields = append(fields, f.Name)
			}
		}
	}
	known := heap() - before
	for _, f := range fields {
		known -= len(f) + 16
	}
	t.Logf("%d bytes are stored, %d are kept, %d KiB are used", stored, said.bytes, known>>10)
	most := maxSaid + 2*feedDays*1024
	if said.bytes > most || stored+len(fields)*keptDayBytes < 2*maxSaid || known > 2*maxSaid {
		t.Errorf("%d bytes of %d are kept, and %d used: at most %d may be", said.bytes, stored, known, most)
	}
	before = heap()
	heir, err := newSayings(fields, newSentStore().read)
	if err != nil {
		t.Fatal(err)
	}
	if took := heap() - before; took > segments*500 { // names of 100,000 segments and days
		t.Errorf("%d bytes for what is known of %d fields", took, len(fields))
	}
	runtime.KeepAlive(heir)
	runtime.KeepAlive(said)
	runtime.KeepAlive(fields)
}

// TestAThousandSegmentsStaySmall: every figure of every segment of today has been
// asked for, as the topic of KPIs does.
func TestAThousandSegmentsStaySmall(t *testing.T) {
	f := tenDimensions(t, 2)
	before := heap()
	r := NewReader(f, Options{Location: time.UTC, Currency: event.Currency{'U', 'S', 'D'}})
	if _, err := r.Poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	segments := r.Segments()
	if len(segments) != 1000 {
		t.Fatalf("%d segments", len(segments))
	}
	for _, s := range append(segments, "") {
		if now, err := r.Now(t.Context(), s); err != nil || len(now) < 100 {
			t.Fatalf("%d figures of %q: %v", len(now), s, err)
		}
	}
	clear(r.view.frozen) // has a bound of its own
	took := heap() - before
	kept := 0
	for _, s := range r.shards {
		for _, of := range s.segments {
			kept += len(of.list)
		}
	}
	t.Logf("%d rows, %d KiB", kept, took>>10)
	if took > sumBound {
		t.Errorf("the reader takes %d bytes, may take %d", took, sumBound)
	}
	runtime.KeepAlive(r)
	runtime.KeepAlive(f)
}
