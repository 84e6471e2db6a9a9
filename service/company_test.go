package service

import (
	"context"
	"errors"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/alert"
	"github.com/tidemark-io/tidemark/company"
	"github.com/tidemark-io/tidemark/config"
	"github.com/tidemark-io/tidemark/consumer"
	"github.com/tidemark-io/tidemark/goal"
	"github.com/tidemark-io/tidemark/kpi"
	"github.com/tidemark-io/tidemark/store"
)

// owner is a process that owns the one shard of a store.
type owner struct {
	*service
	t    *testing.T
	held store.Tenure
	head store.Head
}

func newOwner(t *testing.T) *owner {
	t.Helper()
	cfg, err := config.Load("", nil, config.Options{KPIs: kpi.Single(), Windows: kpi.SingleWindows()})
	if err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(t.Context(), store.Options{Addrs: []string{miniredis.RunT(t).Addr()}, Namespace: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := st.SetPartitions(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	readings, err := NewReadings(cfg, st)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC).UnixMilli()
	o := &owner{service: &service{cfg: cfg, store: st, reader: readings.reader}, t: t,
		head: store.Head{Born: true, AtEnd: true, Watermark: now, FirstDay: int32(now/86_400_000) - 3, Offsets: map[string]store.Offset{"logins": {Next: 9}},
			Table: (&aggregator.Table{Buckets: 16}).Append(nil)}}
	o.claim()
	return o
}

func (o *owner) claim() {
	o.t.Helper()
	c, err := o.store.Claim(o.t.Context(), 0)
	if err != nil {
		o.t.Fatal(err)
	}
	o.held = c.Tenure
}

// commit says how many customers there are.
func (o *owner) commit(customers int64) {
	o.t.Helper()
	row := aggregator.Row{aggregator.Cell{Counter: aggregator.Customers}: customers}
	var err error
	if o.held, err = o.store.Commit(o.t.Context(), 0, o.held, &store.Commit{Head: o.head, Cells: []store.Field{{Name: "o|", Value: row.Append(nil)}}}); err != nil {
		o.t.Fatal(err)
	}
}

func (o *owner) poll() {
	o.t.Helper()
	if _, err := o.reader.Poll(o.t.Context()); err != nil {
		o.t.Fatal(err)
	}
}

// tenure begins one.
func (o *owner) tenure() *chief {
	o.t.Helper()
	return o.tenureOf(nil)
}

// tenureOf begins one with alerts that are stored as firing.
func (o *owner) tenureOf(firing map[aggregator.Pair]aggregator.Firing) *chief {
	o.t.Helper()
	c, err := o.newCompany(consumer.Security{})(nil, firing)
	if err != nil {
		o.t.Fatal(err)
	}
	return c.(*chief)
}

// customers is the public figure of customers that is due, "" where none is.
func (o *owner) customers(c *chief, now time.Time) string {
	o.t.Helper()
	d, err := c.Next(o.t.Context(), now)
	if err != nil {
		o.t.Fatal(err)
	}
	for _, f := range d.Public {
		if f.Name == "customers" {
			return string(f.Value)
		}
	}
	return ""
}

// TestATenureBeginsWithWhatItsStoreHolds: the reader was read before the store lost
// commits and the shard was taken over. What it knew then is not said.
func TestATenureBeginsWithWhatItsStoreHolds(t *testing.T) {
	o := newOwner(t)
	now := time.Now()
	o.commit(5)
	o.poll()
	o.claim()
	o.commit(4)
	c := o.tenure()
	if got := o.customers(c, now); got != "" {
		t.Errorf("nothing was read since the tenure began, and %s customers are said", got)
	}
	o.poll()
	if got := o.customers(c, now); got != "4" {
		t.Errorf("customers: %q, want 4", got)
	}
}

// TestNothingIsDueWhileRowsAreRead: shard 0 does not wait for a long poll, and what
// has changed is said after it, once.
func TestNothingIsDueWhileRowsAreRead(t *testing.T) {
	o := newOwner(t)
	now := time.Now()
	o.commit(5)
	c := o.tenure()
	o.poll()
	if got := o.customers(c, now); got != "5" {
		t.Fatalf("customers: %q, want 5", got)
	}
	o.commit(6)
	o.poll()
	release, ok := o.reader.Hold()
	if !ok {
		t.Fatal("the reader cannot be held")
	}
	now = now.Add(time.Minute)
	if got := o.customers(c, now); got != "" {
		t.Errorf("%s customers are said while rows are read", got)
	}
	release()
	if got := o.customers(c, now); got != "6" {
		t.Errorf("customers: %q, want 6", got)
	}
	if d, err := c.Next(t.Context(), now.Add(time.Minute)); err != nil || d.Judged || len(d.Public) > 0 {
		t.Errorf("nothing has changed, and the figures are computed again: %+v, %v", d, err)
	}
}

// TestWhatFailedIsDueAgain: what was computed before something else failed was
// handed to nobody.
func TestWhatFailedIsDueAgain(t *testing.T) {
	o := newOwner(t)
	now := time.Now()
	o.commit(5)
	c := o.tenure()
	o.poll()
	feed := c.feed
	failing, err := company.NewFeed(o.reader, company.FeedOptions{Interval: 1000, Read: func(context.Context, []string) (map[string][]byte, error) {
		return nil, errors.New("the store is away")
	}})
	if err != nil {
		t.Fatal(err)
	}
	c.feed = failing
	if d, err := c.Next(t.Context(), now); err == nil {
		t.Fatalf("%+v is due without the store", d)
	}
	c.feed = feed
	d, err := c.Next(t.Context(), now.Add(time.Minute))
	if err != nil || !d.Judged {
		t.Errorf("rules were not judged again: %v", err)
	}
	if !slices.ContainsFunc(d.Public, func(f store.Field) bool { return f.Name == "customers" && string(f.Value) == "5" }) {
		t.Error("the customers are not shown")
	}
}

// TestWhatIsSwitchedOffRests: rules and goals on it neither begin to fire nor cease
// to, since nothing is known of it.
func TestWhatIsSwitchedOffRests(t *testing.T) {
	o := newOwner(t)
	o.head.Table = (&aggregator.Table{Buckets: 16, Off: []string{"plan"}}).Append(nil)
	o.commit(5)
	c := o.tenure()
	o.poll()
	today, _ := o.reader.RunningDay()
	few := alert.KPIRule{Name: "few", KPI: "customers", Segment: "plan=a", Threshold: big.NewRat(9, 1), Clear: big.NewRat(9, 1), For: 1}
	c.rules = []alert.KPIRule{few}
	c.goals.goals = []goal.Goal{
		{Name: "met", KPI: "customers", Segment: "plan=a", Least: big.NewRat(9, 1), Start: new(big.Rat), From: today - 10, By: today + 10},
		{Name: "over", KPI: "customers", Segment: "plan=a", Least: big.NewRat(9, 1), Start: new(big.Rat), From: today - 10, By: today - 1},
	}
	none := aggregator.Pair{Rule: "configured no more", Customer: "customers"}
	c.firing = map[aggregator.Pair]aggregator.Firing{{Rule: "few", Customer: "customers"}: {}, {Rule: "goal met met", Customer: "customers"}: {}, none: {}}
	d, err := c.Next(t.Context(), time.Now())
	if f, resolved := d.Fired[none]; err != nil || !d.Judged || len(d.Fired) != 1 || !resolved || f != nil {
		t.Errorf("begins or ceases to fire: %v, %v", d.Fired, err)
	}
}

// TestARuleThatIsAboutAnotherKPI: what it said of the one before is resolved, and
// not by what the new one is.
func TestARuleThatIsAboutAnotherKPI(t *testing.T) {
	o := newOwner(t)
	o.cfg.Rules = []config.Rule{{Name: "few", KPI: "customers", Threshold: config.Decimal{Num: 10, Den: 1}, Clear: config.Decimal{Num: 10, Den: 1}, For: 1}}
	o.commit(5)
	before, now := aggregator.Pair{Rule: "few", Customer: "dau"}, aggregator.Pair{Rule: "few", Customer: "customers"}
	c := o.tenureOf(map[aggregator.Pair]aggregator.Firing{before: {}})
	o.poll()
	d, err := c.Next(t.Context(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if f, ok := d.Fired[before]; !ok || f != nil {
		t.Errorf("%v: %v, %v, want it to be resolved", before, f, ok)
	}
	if d.Fired[now] == nil {
		t.Errorf("%v does not fire", now)
	}
	a, err := c.Alert(t.Context(), before, false)
	if err != nil {
		t.Fatal(err)
	}
	want := alert.Alert{Rule: "few", Subject: "dau", Since: "2026-11-22", Reason: "rule few is about dau no more",
		Cause: alert.Cause{Timer: "2026-11-22T10:00:00Z"}}
	if !reflect.DeepEqual(a, want) {
		t.Errorf("the alert is %+v, want %+v", a, want)
	}
}

// TestARuleOnASwitchedOffDimension: whatever is to be said of it is said as of now,
// or since it has fired, and not since the beginning of time.
func TestARuleOnASwitchedOffDimension(t *testing.T) {
	o := newOwner(t)
	o.cfg.Rules = []config.Rule{{Name: "few", KPI: "customers", Segment: "plan=pro", Threshold: config.Decimal{Num: 10, Den: 1}, Clear: config.Decimal{Num: 10, Den: 1}, For: 1}}
	o.head.Table = (&aggregator.Table{Buckets: 16, Off: []string{"plan"}}).Append(nil)
	o.commit(5)
	few := aggregator.Pair{Rule: "few", Customer: "customers"}
	c := o.tenureOf(map[aggregator.Pair]aggregator.Firing{few: {Since: time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC).UnixMilli()}})
	o.poll()
	for firing, since := range map[bool]string{true: "2026-11-20", false: "2026-11-22"} {
		a, err := c.Alert(t.Context(), few, firing)
		if err != nil {
			t.Fatal(err)
		}
		if a.Since != since || a.Cause != (alert.Cause{Timer: "2026-11-22T10:00:00Z"}) {
			t.Errorf("firing %v: since %s, by %+v, want since %s", firing, a.Since, a.Cause, since)
		}
	}
}

// TestWhatIsShownOutlivesATenure: a bucket that is emptied while nobody owns the
// shard is shown as 0, as it would be within a tenure, and what is no figure any
// more goes.
func TestWhatIsShownOutlivesATenure(t *testing.T) {
	o := newOwner(t)
	o.commit(5)
	c := o.tenure()
	o.poll()
	d, err := c.Next(t.Context(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	shown := append(d.Public, // as if somebody had left in this tenure, and by a release with another KPI
		store.Field{Name: "churn_reasons|30d|price", Value: []byte("1")}, store.Field{Name: "former|30d", Value: []byte("7")})
	if o.held, err = o.store.Commit(t.Context(), 0, o.held, &store.Commit{Head: o.head, Public: shown}); err != nil {
		t.Fatal(err)
	}
	o.claim()
	c = o.tenure()
	o.poll()
	if d, err = c.Next(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	want := []store.Field{{Name: "churn_reasons|30d|price", Value: []byte("0")}, {Name: "former|30d"}}
	slices.SortFunc(d.Public, func(a, b store.Field) int { return strings.Compare(a.Name, b.Name) })
	if !reflect.DeepEqual(d.Public, want) {
		t.Errorf("shown anew is %q, want %q", d.Public, want)
	}
	if d, err = c.Next(t.Context(), time.Now().Add(time.Minute)); err != nil || len(d.Public) > 0 {
		t.Errorf("shown once more: %q, %v", d.Public, err)
	}
}
