package report

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/company"
	"github.com/tidemark-io/tidemark/ingest"
	"github.com/tidemark-io/tidemark/kpi"
	names "github.com/tidemark-io/tidemark/segment"
)

// Unset stands for a day that was not asked for.
const Unset = company.Unset

// Query says which figures are wanted.
type Query struct {
	// AsOf is the day at whose end the company is looked at: events after it are
	// not applied. Unset: the highest event time.
	AsOf int32
	// From and To, included, ask for a figure a day. Both Unset: one for the day
	// of AsOf. Days before the first event have none.
	From, To int32
	KPIs     []kpi.KPI
	Window   string   // "": every window of each KPI; else of those that have it
	Segments []string // "plan=pro"; "" is the whole company
}

// Files is where events come from.
type Files struct {
	Names    []string // "-" is standard input
	Options  ingest.Options
	Progress func(read, total int64) // may be nil

	stdin func() io.Reader // from its beginning; nil where it is not read
}

// again is how to read the files, from their beginning.
func (f *Files) again() ingest.Options {
	o := f.Options
	if f.stdin != nil {
		o.Stdin = f.stdin()
	}
	return o
}

// Report is a company made of files.
type Report struct {
	*Engine
	Summary *ingest.Summary
	query   Query
	day     int32 // of AsOf, or the running day
}

// ErrNoEvents: there is nothing to report on.
var ErrNoEvents = errors.New("there are no events, so there are no figures")

// Make reads files and brings the company to the moment that is asked for. The
// files are read once where each is in the order of time up to the disorder;
// else they are sorted first. The error is an *ingest.BadRows where rows of
// tables are wrong. It is ErrNoEvents where none counts: then the report says
// only what became of them.
func Make(ctx context.Context, f Files, o Options, q Query) (r *Report, err error) {
	until := int64(0)
	calendar := civil.NewCalendar(o.Company.Location)
	if q.AsOf != Unset {
		until = calendar.Start(q.AsOf + 1)
	}
	o.Keep = keeper(q.Segments)
	f.Options.DeadLetters = true
	if slices.Contains(f.Names, "-") {
		spool, failed := newSpool(f.Options.Stdin, f.Options.TempDir)
		if failed != nil {
			return nil, failed
		}
		defer func() { err = errors.Join(err, spool.close()) }()
		f.stdin = spool.reader
	}
	r, err = stream(ctx, f, o, until)
	if errors.Is(err, ingest.ErrDisorder) {
		r, err = sorted(ctx, f, o, until)
	}
	if bad := (*ingest.BadRows)(nil); errors.As(err, &bad) {
		bad.Outcome = "nothing is reported"
	}
	if err != nil {
		return nil, err
	}
	r.query = q
	r.count()
	return r, r.finish()
}

// stream reads files that are in order.
func stream(ctx context.Context, f Files, o Options, until int64) (*Report, error) {
	e, err := New(o)
	if err != nil {
		return nil, err
	}
	flow, err := ingest.Open(ctx, f.Names, f.again(), o.Disorder)
	if err != nil {
		return nil, err
	}
	defer flow.Close()
	if err := e.Run(ctx, flow, until, f.Progress); err != nil {
		return nil, err
	}
	return &Report{Engine: e, Summary: flow.Summary()}, nil
}

// sorted sorts files first.
func sorted(ctx context.Context, f Files, o Options, until int64) (r *Report, err error) {
	e, err := New(o)
	if err != nil {
		return nil, err
	}
	read := f.again()
	read.Progress = f.Progress
	s, err := ingest.Read(ctx, f.Names, read)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	flow := s.Flow(ctx, f.Options)
	defer flow.Close()
	if err := e.Run(ctx, flow, until, nil); err != nil {
		return nil, err
	}
	return &Report{Engine: e, Summary: &s.Summary}, nil
}

// count adds what never came to a shard.
func (r *Report) count() {
	for _, n := range r.Summary.Ignored {
		r.events.Ignored += n
		r.events.Read += n
	}
	n := r.Summary.DeadLetters()
	r.events.DeadLetter += n
	r.events.Read += n
}

// longestSilence bounds how long after the last event a company can be looked at.
const longestSilence = 3660

// finish moves the watermark to the moment that is asked for.
func (r *Report) finish() error {
	first, latest, ok := r.Span()
	if !ok {
		if n := r.events.Later; n > 0 {
			return fmt.Errorf("%w: all %d are after %s", ErrNoEvents, n, civil.Format(r.query.AsOf))
		}
		return ErrNoEvents
	}
	r.day = r.calendar.Day(latest)
	w := latest
	if at := r.query.AsOf; at != Unset {
		if at-r.day > longestSilence {
			return fmt.Errorf("%s is more than ten years after the last event, of %s", civil.Format(at), civil.Format(r.day))
		}
		r.day, w = at, r.calendar.Start(at+1)
		r.scores.at = w - 1 // the day's end, like its bands
	}
	if q := &r.query; q.From != Unset || q.To != Unset {
		if q.To == Unset {
			q.To = r.day
		}
		if q.From == Unset {
			q.From = r.calendar.Day(first)
		}
		if q.From = max(q.From, r.calendar.Day(first)); q.From > q.To || q.From > r.day {
			return fmt.Errorf("no day between those asked for has figures: events are from %s to %s",
				civil.Format(r.calendar.Day(first)), civil.Format(r.day))
		}
		q.To = min(q.To, r.day)
	}
	return r.Advance(w)
}

// Day is the day that the figures are of, or the last that has any.
func (r *Report) Day() int32 { return r.day }

// Days gives the days that were asked for, the same one twice where it is one.
func (r *Report) Days() (from, to int32) {
	if r.query.From == Unset {
		return r.day, r.day
	}
	return r.query.From, r.query.To
}

// Figures computes everything that was asked for: by segment, in the order of
// the KPIs, by window, by day. The error is a *kpi.UnknownError where there is
// no such segment.
func (r *Report) Figures(ctx context.Context) ([]kpi.Figure, error) {
	from, to := r.Days()
	var out []kpi.Figure
	err := r.each(ctx, func(q company.Query) error {
		figures, err := r.Series(ctx, q.KPI, q.Window, q.Segment, from, to)
		out = append(out, figures...)
		return err
	})
	return out, err
}

// each visits what was asked for but for the days.
func (r *Report) each(ctx context.Context, visit func(company.Query) error) error {
	reader, err := r.Reader(ctx)
	if err != nil {
		return err
	}
	for _, segment := range r.query.Segments {
		if err := known(reader, segment); err != nil {
			return err
		}
	}
	for _, segment := range r.query.Segments {
		for _, k := range r.query.KPIs {
			for _, w := range k.Windows {
				if r.query.Window != "" && w != r.query.Window {
					continue
				}
				if err := visit(company.Query{KPI: k, Window: w, Segment: segment}); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// known refuses a segment that has no figures.
func known(reader *company.Reader, segment string) error {
	err := reader.CheckSegment(segment)
	unknown := (*kpi.UnknownError)(nil)
	if !errors.As(err, &unknown) {
		return err
	}
	dimension := names.Dimension(segment)
	none := names.Name(dimension, func(string) string { return "" })
	if others := reader.Segments(); !slices.ContainsFunc(others, func(s string) bool {
		return names.Dimension(s) == dimension && s != none
	}) {
		unknown.Nearest = "" // that nobody has any is no value to have meant
		return fmt.Errorf("%w; no event says the %s of a customer", err, strings.Join(names.Attributes(dimension), " or the "))
	}
	return err
}

// Series is one KPI by day, or by calendar period, a figure for each bucket where
// it has some. One that is for now only has a figure where the last day is among
// them, which is then of that day.
func (r *Report) Series(ctx context.Context, k kpi.KPI, window, segment string, from, to int32) ([]kpi.Figure, error) {
	if k.NowOnly && to < r.day {
		return nil, nil
	}
	reader, err := r.Reader(ctx)
	if err != nil {
		return nil, err
	}
	q := company.Query{KPI: k, Window: window, Segment: segment}
	if r.query.AsOf != Unset && !k.NowOnly && isPeriod(window) {
		// The watermark stands at the end of the day, where the next one begins.
		q.AsOf = r.Watermark() - 1
	}
	q.From, q.To = from, to
	out, err := company.InParts(ctx, reader.Figures, q)
	if err != nil {
		return nil, fmt.Errorf("compute %s: %w", k.Name, err)
	}
	if k.NowOnly {
		for i := range out { // the watermark stands at the very end of the day
			out[i].Day, out[i].Complete = civil.Format(r.day), r.Watermark() >= r.calendar.Start(r.day+1)
		}
	}
	return out, nil
}

// Cohorts gives the cohort triangle by "week" or "month" of a segment, up to the
// period of the last day.
func (r *Report) Cohorts(ctx context.Context, by, segment string) ([]kpi.Cohort, error) {
	reader, err := r.Reader(ctx)
	if err != nil {
		return nil, err
	}
	if err := known(reader, segment); err != nil {
		return nil, err
	}
	list, err := reader.Cohorts(ctx, by, segment)
	if err != nil {
		return nil, fmt.Errorf("compute cohorts: %w", err)
	}
	period := civil.Month
	if by == "week" {
		period = civil.Week
	}
	// With the watermark at the very end of a period, the next one has begun.
	next := r.calendar.Day(r.Watermark())
	if first, _ := period.Bounds(next, r.options.Company.WeekStart); next > r.day && first == next {
		for i := range list {
			c, n := &list[i], len(list[i].Active)-1
			c.Active, c.Unbounded, c.Complete = c.Active[:n], c.Unbounded[:n], c.Complete[:n]
		}
	}
	return list, nil
}

// isPeriod says whether a window is a calendar period: rolling ones begin with
// their length.
func isPeriod(window string) bool {
	return window != "" && (window[0] < '0' || window[0] > '9')
}

// keeper says which rows will be asked for: of a dimension's "other", those of
// all its values.
func keeper(segments []string) func(int32, string) bool {
	wanted, dimensions := map[string]bool{"": true}, []string{}
	for _, s := range segments {
		wanted[s] = true
		if d := names.Dimension(s); d != "" && s == names.OtherOf(d) {
			dimensions = append(dimensions, d)
		}
	}
	return func(_ int32, segment string) bool {
		return wanted[segment] || len(dimensions) > 0 && slices.Contains(dimensions, names.Dimension(segment))
	}
}
