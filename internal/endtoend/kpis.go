package endtoend

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"time"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/alert"
	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/internal/oracle"
	"github.com/tidemark-io/tidemark/kpi"
)

// source gives the formulas of package kpi the oracle's integers.
func (t *Truth) source(c Money, minSample int64) *kpi.Source {
	return &kpi.Source{
		Levels: newTruthLevels(t.Result, c), Currency: c.Reporting, Calendar: civil.NewCalendar(t.Config.Zone),
		WeekStart: t.Config.WeekStart, Watermark: t.Input.Watermark, MinSample: minSample,
		Rates:  func(cur event.Currency, _ int32) *big.Rat { return c.Rates[cur] },
		Scores: t.scores,
	}
}

// scores adds up those of a segment's customers.
func (t *Truth) scores(segment string) kpi.ScoreSum {
	out := kpi.ScoreSum{Sum: new(big.Rat), At: t.Input.Watermark}
	for _, c := range t.Result.Customers {
		if c.Score != nil && slices.Contains(c.Segments, segment) {
			out.Sum.Add(out.Sum, c.Score)
			out.Customers++
		}
	}
	return out
}

// Money says what amounts are worth in the reporting currency, by minor units,
// on any day.
type Money struct {
	Reporting event.Currency
	Rates     map[event.Currency]*big.Rat // of the others
}

// truthLevels are the oracle's integers, with their keys by counter and segment:
// figures ask for the labels of each of their days.
type truthLevels struct {
	result *oracle.Result
	money  Money
	keys   map[[2]string][]oracle.Key
}

func newTruthLevels(r *oracle.Result, c Money) truthLevels {
	l := truthLevels{result: r, money: c, keys: map[[2]string][]oracle.Key{}}
	for _, m := range []map[oracle.Key]int64{r.Levels, r.Standing} {
		for k := range m {
			at := [2]string{k.Counter, k.Segment}
			l.keys[at] = append(l.keys[at], k)
		}
	}
	return l
}

func (l truthLevels) key(c aggregator.Cell, segment string, day int32) oracle.Key {
	k := oracle.Key{Counter: c.Counter.String(), Label: c.Label, Segment: segment, Day: day}
	if c.Counter.Money() {
		k.Currency = c.Currency.String()
	}
	return k
}

func (l truthLevels) Level(c aggregator.Cell, segment string, day int32) int64 {
	return l.result.Levels[l.key(c, segment, day)]
}

func (l truthLevels) Standing(c aggregator.Cell, segment string, day int32) int64 {
	if !c.Counter.OnDay() {
		day = 0
	}
	return l.result.Standing[l.key(c, segment, day)]
}

func (l truthLevels) Labels(c aggregator.Counter, segment string, day int32) []string {
	found := map[string]bool{}
	for _, k := range l.keys[[2]string{c.String(), segment}] {
		if k.Day == day || c.Standing() {
			found[k.Label] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

func (l truthLevels) Days(c aggregator.Counter, segment string) []int32 {
	found := map[int32]bool{}
	for k := range l.result.Standing {
		if k.Counter == c.String() && k.Segment == segment {
			found[k.Day] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

func (l truthLevels) Currencies() []event.Currency {
	out := []event.Currency{l.money.Reporting}
	for cur := range l.money.Rates {
		out = append(out, cur)
	}
	return out
}

// KPIs reads figures through `tidemark kpi --json` with further arguments.
func (w *Workspace) KPIs(ctx context.Context, args ...string) ([]kpi.Figure, error) {
	out, code, err := w.Run(ctx, append([]string{"kpi", "--json"}, args...)...)
	if err != nil {
		return nil, err
	}
	if code != 0 {
		return nil, fmt.Errorf("tidemark kpi %v ended with code %d: %s", args, code, out)
	}
	var doc struct {
		KPIs []kpi.Figure `json:"kpis"`
	}
	if err := json.Unmarshal([]byte(out), &doc); err != nil {
		return nil, fmt.Errorf("tidemark kpi %v wrote no JSON: %w: %s", args, err, out)
	}
	return doc.KPIs, nil
}

// scoresLimit is how long scores may take to be read anew once nothing changes any
// more: what is left of five seconds, and a second until they are seen.
const scoresLimit = 30 * time.Second

// CompareKPIs holds what `tidemark kpi` shows of the running day against the
// oracle's integers and the formulas. It waits until scores have been read since
// anything changed.
func (w *Workspace) CompareKPIs(ctx context.Context, t *Truth, m Money) error {
	got, err := w.KPIs(ctx)
	if err != nil {
		return err
	}
	if err := w.compareKPIs(got, t, m, func(k kpi.KPI) bool { return !k.Scored() }); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, scoresLimit)
	defer cancel()
	return Eventually(limited, func() error {
		if got, err = w.KPIs(ctx); err != nil {
			return Stop(err)
		}
		return w.compareKPIs(got, t, m, kpi.KPI.Scored)
	})
}

// compareKPIs compares those that are of interest.
func (w *Workspace) compareKPIs(got []kpi.Figure, t *Truth, m Money, of func(kpi.KPI) bool) error {
	source := t.source(m, int64(w.Settings.MinSample))
	var d differences
	shown := map[string]bool{}
	for _, f := range got {
		k, err := kpi.Find(f.KPI)
		if err != nil {
			return err
		}
		if !of(k) {
			continue
		}
		shown[f.KPI+f.Window] = true
		all := source.Figures(k, f.Window, "", t.Result.Day)
		i := slices.IndexFunc(all, func(x kpi.Figure) bool { return x.Bucket == f.Bucket })
		if i < 0 {
			d.add("%s %s has a bucket %q, by the oracle it has none", f.KPI, f.Window, f.Bucket)
			continue
		}
		want := all[i]
		if f.Value != want.Value || f.Numerator != want.Numerator || f.Denominator != want.Denominator || f.Day != want.Day || f.Complete != want.Complete {
			d.add("%s %s on %s: %q = %d/%d, complete %v, by the oracle on %s %q = %d/%d, %v",
				f.KPI, f.Window, f.Day, f.Value, f.Numerator, f.Denominator, f.Complete, want.Day, want.Value, want.Numerator, want.Denominator, want.Complete)
		}
	}
	for _, k := range kpi.All() {
		for _, window := range k.Windows {
			if of(k) && !shown[k.Name+window] && len(source.Figures(k, window, "", t.Result.Day)) > 0 {
				d.add("%s %s is not shown", k.Name, window)
			}
		}
	}
	return d.err("KPIs")
}

// Verdict is what a rule on a KPI says of the oracle's series, from the first
// day that the truth has.
func (t *Truth) Verdict(r alert.KPIRule, m Money, minSample int64) (alert.Verdict, error) {
	k, err := kpi.Find(r.KPI)
	if err != nil {
		return alert.Verdict{}, err
	}
	source := t.source(m, minSample)
	var points []alert.Point
	for d := t.First; d <= t.Result.Day; d++ {
		f := source.Figure(k, r.Window, r.Segment, d)
		points = append(points, alert.Point{Day: d, Value: f.Exact(), Complete: f.Complete})
	}
	return alert.Evaluate(r, points), nil
}
