package company

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/alert"
	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/kpi"
)

// Query asks for one figure a day. The window is one of the KPI's, days beyond
// the running day have no figures.
type Query struct {
	KPI     kpi.KPI
	Window  string
	Segment string
	From    int32 // Unset: defaultDays days that end with To
	To      int32 // included; Unset: the running day
	// AsOf, if not 0, is a moment (Unix ms) up to the watermark at which calendar
	// periods and what is for now only are looked at, as if it were the watermark.
	AsOf int64
}

// Unset stands for a day that was not asked for.
const Unset = math.MinInt32

// maxPeriod is how many days a calendar period may last beyond one of its days.
const maxPeriod = 91

// MaxDays bounds a query: three years, which is how long days are kept.
const MaxDays = 1100

// ErrMaxDays says that a query asks for more than MaxDays.
var ErrMaxDays = fmt.Errorf("more than %d days; ask for them in parts, each with its first and last day", MaxDays)

// defaultDays is the length of a series of which no beginning was asked for.
const defaultDays = 30

// Figures answers a query, one figure a day or calendar period in rising order,
// or one for each bucket of it; a KPI that is for now only has those of now.
// There are none before the first event, and none where the KPI is not kept by
// segment. While the reader is not ready no figure is complete. More than MaxDays
// are ErrMaxDays.
func (r *Reader) Figures(ctx context.Context, q Query) ([]kpi.Figure, error) {
	var out []kpi.Figure
	running, ok := r.RunningDay()
	if !ok || !q.KPI.Kept(q.Window, q.Segment) {
		return nil, nil
	}
	if q.To == Unset {
		q.To = running
	}
	if q.From == Unset {
		q.From = q.To - defaultDays + 1
	}
	if q.To-q.From >= MaxDays {
		return nil, ErrMaxDays
	}
	err := r.with(ctx, []string{q.Segment}, q.From, q.To+maxPeriod, func(s *kpi.Source) {
		if q.AsOf != 0 {
			s.Watermark = min(s.Watermark, q.AsOf)
		}
		days := s.Days(q.Window, q.From, q.To)
		if q.KPI.NowOnly {
			days = []int32{s.RunningDay()}
		}
		out = nil
		for _, d := range days {
			// A period that is running is to date, not what is known of its last day.
			out = append(out, s.Figures(q.KPI, q.Window, q.Segment, min(d, s.RunningDay()))...)
		}
	})
	return r.finish(ctx, out, err)
}

// partDays bounds the days of one of several queries: their rows and those of the
// windows before them are in memory at once.
const partDays = 1000

// InParts asks for a series of any length, whose first and last day are given, in
// several queries.
func InParts(ctx context.Context, ask func(context.Context, Query) ([]kpi.Figure, error), q Query) (out []kpi.Figure, err error) {
	from, to := q.From, q.To
	if q.KPI.NowOnly {
		from = to
	}
	for from <= to {
		q.From, q.To = from, min(to, from+partDays-1)
		figures, err := ask(ctx, q)
		if err != nil {
			return nil, err
		}
		out = append(out, figures...)
		from = q.To + 1
		if len(figures) > 0 { // a calendar period may reach beyond
			last, err := civil.Parse(figures[len(figures)-1].Day)
			if err != nil {
				return nil, fmt.Errorf("day of a figure: %w", err)
			}
			from = max(from, last+1)
		}
	}
	return out, nil
}

// Now returns every KPI in every window for the running day.
func (r *Reader) Now(ctx context.Context, segment string) ([]kpi.Figure, error) {
	var out []kpi.Figure
	err := r.Running(ctx, []string{segment}, func(figures []kpi.Figure) { out = figures })
	return r.finish(ctx, out, err)
}

// Running computes every KPI in every window for the running day of some segments,
// one after the other, so that others get their turn in between, and reads what is
// frozen for many of them at once. It knows no revisions, and says that a figure is
// complete by the watermark alone.
func (r *Reader) Running(ctx context.Context, segments []string, visit func([]kpi.Figure)) error {
	day, ok := r.RunningDay()
	if !ok {
		return nil
	}
	for some := range slices.Chunk(segments, runningChunk) {
		if err := r.load(ctx, some, day); err != nil {
			return err
		}
		for _, segment := range some {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			var figures []kpi.Figure
			err := r.with(ctx, []string{segment}, day, day, func(s *kpi.Source) {
				figures = appendDay(nil, s, segment, s.RunningDay())
			})
			if err != nil {
				return fmt.Errorf("figures of segment %q: %w", segment, err)
			}
			visit(figures)
		}
	}
	return nil
}

// runningChunk is how many segments' frozen rows are read at once: so many that
// few round trips are needed, and so few that all stay in memory.
const runningChunk = 64

// appendDay appends every KPI in every window for one segment and day. A calendar
// window has its figure on its last day, and until then on the running one.
func appendDay(out []kpi.Figure, s *kpi.Source, segment string, day int32) []kpi.Figure {
	for _, k := range kpi.All() {
		for _, w := range k.Windows {
			if due(s, k, w, segment, day) {
				out = append(out, s.Figures(k, w, segment, day)...)
			}
		}
	}
	return out
}

// due says whether a KPI has its figures of a window on a day.
func due(s *kpi.Source, k kpi.KPI, window, segment string, day int32) bool {
	switch {
	case !k.Kept(window, segment), k.Scored() && s.Scores == nil:
		return false
	case day == s.RunningDay():
		return true
	}
	return !k.NowOnly && s.Days(window, day, day)[0] == day
}

// Evaluate walks a KPI rule over the days from one on.
func (r *Reader) Evaluate(ctx context.Context, rule alert.KPIRule, from int32) (alert.Verdict, error) {
	k, err := kpi.Find(rule.KPI)
	if err != nil {
		return alert.Verdict{}, fmt.Errorf("rule %s: %w", rule.Name, err)
	}
	w, err := k.Window(rule.Window)
	if err != nil {
		return alert.Verdict{}, fmt.Errorf("rule %s: %w", rule.Name, err)
	}
	if r.SwitchedOff(rule.Segment) {
		return alert.Evaluate(rule, nil), nil
	}
	var points []alert.Point
	day, _ := r.RunningDay()
	err = r.with(ctx, []string{rule.Segment}, from, day, func(s *kpi.Source) {
		if k.NowOnly {
			from = s.RunningDay()
		}
		for d := from; d <= s.RunningDay(); d++ {
			f := s.AsOf(k, w, rule.Segment, d)
			points = append(points, alert.Point{Day: d, Value: f.Exact(), Complete: f.Complete})
		}
	})
	if err != nil {
		return alert.Verdict{}, fmt.Errorf("rule %s: %w", rule.Name, err)
	}
	return alert.Evaluate(rule, points), nil
}

// finish adds what the rows don't say.
func (r *Reader) finish(ctx context.Context, figures []kpi.Figure, err error) ([]kpi.Figure, error) {
	if err != nil || len(figures) == 0 {
		return nil, err
	}
	if ok, _ := r.Ready(); !ok {
		for i := range figures {
			figures[i].Complete = false
		}
	}
	return figures, r.revise(ctx, figures)
}

// withAttempts bounds how often with starts again because shards changed hands
// or froze days while it loaded rows.
const withAttempts = 5

// load reads the frozen rows that figures of a day need of segments.
func (r *Reader) load(ctx context.Context, segments []string, day int32) error {
	return r.with(ctx, segments, day, day, nil)
}

// with calls f, under the lock, with a source in which the days from and to, and
// what their windows look back on, are loaded for the segments. It does not call
// f where there is no watermark yet, and only loads where f is nil.
func (r *Reader) with(ctx context.Context, segments []string, from, to int32, f func(*kpi.Source)) error {
	return r.withDays(ctx, segments, func(*kpi.Source) []int32 {
		var days []int32
		for d := from - kpi.LookBack; d <= min(to, r.view.lastFrozen()); d++ {
			days = append(days, d)
		}
		return days
	}, f)
}

// withDays is with for the days that a function names, which may read what is not
// frozen.
func (r *Reader) withDays(ctx context.Context, segments []string, days func(*kpi.Source) []int32, f func(*kpi.Source)) error {
	for range withAttempts {
		need, err := r.read(segments, days, f)
		if err != nil || need == nil {
			return err
		}
		loaded := map[int]map[string][]byte{}
		for shard, days := range need.rows {
			rows, err := r.loadFrozen(ctx, shard, days)
			if err != nil {
				return err
			}
			loaded[shard] = rows
		}
		if err := r.keep(need, loaded); err != nil {
			return err
		}
	}
	return errors.New("shards changed hands while frozen rows were read; try again")
}

// needed is what a question lacks: rows by shard, of which view and owners, and
// what it is about.
type needed struct {
	rows     map[int][]frozenDay
	view     *view
	owners   []string
	segments []string
	days     []int32
}

// read calls f where everything it may ask for is in memory; else it returns
// what is missing.
func (r *Reader) read(segments []string, days func(*kpi.Source) []int32, f func(*kpi.Source)) (_ *needed, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.watermark()
	if w == 0 {
		return nil, nil
	}
	r.group()
	if f != nil { // before days are asked for, which may look into what is not frozen
		if err := r.view.addUp(segments); err != nil {
			return nil, err
		}
	}
	s := &kpi.Source{
		Levels: r.view, Rates: r.opts.Rates, Currency: r.opts.Currency, Calendar: r.calendar,
		WeekStart: r.opts.WeekStart, Watermark: w, MinSample: r.opts.MinSample,
		Lifetime: r.opts.Lifetime,
	}
	r.addScores(s, &err)
	n := &needed{view: r.view, segments: segments, days: days(s)}
	if n.rows = r.view.missing(segments, n.days); len(n.rows) > 0 {
		n.owners = r.view.owners()
		return n, nil
	}
	if f != nil {
		f(s)
	}
	return nil, err
}

// frozenChunk is how many fields one command reads.
const frozenChunk = 2000

func (r *Reader) loadFrozen(ctx context.Context, shard int, days []frozenDay) (map[string][]byte, error) {
	out := make(map[string][]byte, len(days))
	for len(days) > 0 {
		n := min(len(days), frozenChunk)
		fields := make([]string, n)
		for i, d := range days[:n] {
			fields[i] = aggregator.FrozenName(d.day, d.segment)
		}
		rows, err := r.store.Frozen(ctx, shard, fields)
		if err != nil {
			return nil, err
		}
		for name, b := range rows {
			out[name] = b
		}
		days = days[n:]
	}
	return out, nil
}

// keep adds loaded rows to the view, unless it is another one by now or shards
// have other owners: what was read may be gone with a loss of commits.
func (r *Reader) keep(n *needed, loaded map[int]map[string][]byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	v := n.view
	if r.view != v {
		return nil
	}
	if len(v.frozen) > r.mostFrozen {
		r.group()
		v.drop(n.segments, n.days)
	}
	for shard, days := range n.rows {
		if v.shards[shard].tenure.Owner != n.owners[shard] {
			continue
		}
		for _, d := range days {
			b := loaded[shard][aggregator.FrozenName(d.day, d.segment)]
			if err := v.addFrozen(shard, d, b); err != nil {
				return err
			}
		}
	}
	return nil
}
