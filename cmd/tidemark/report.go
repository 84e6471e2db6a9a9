package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/config"
	"github.com/tidemark-io/tidemark/kpi"
	"github.com/tidemark-io/tidemark/report"
	names "github.com/tidemark-io/tidemark/segment"
	"github.com/tidemark-io/tidemark/service"
)

// reportOptions are the flags of tidemark report.
type reportOptions struct {
	config         string
	mappings       []string
	asOf, from, to string
	kpis           []string
	window         string
	segments       []string
	cohorts        string
	json           bool
}

func newReportCommand() *cobra.Command {
	var o reportOptions
	c := &cobra.Command{
		Use:   "report FILE…",
		Short: "Compute the KPIs from files of events, without any server",
		Long: `Report reads events from files (CloudEvents as JSON Lines, or tables through a
mapping; "-" is standard input; gzip is unpacked) and computes the KPIs as a
running system would, in this process. Files are merged by time, and sorted
first where they aren't in order.

The figures are those of the last day that has events, or of the end of the day
--as-of; --from and --to give one figure a day. Events that the service would
put on the dead-letter topic are counted, and the first of them are named.

` + kpiHelp(),
		Example: `  tidemark report events.jsonl.gz
  tidemark report orders.csv --mapping orders.yaml --as-of 2026-06-30 --json
  tidemark report events.jsonl --kpi mrr,customer_churn_rate --from 2026-01-01 --segment plan=pro`,
		Args: arguments(1, -1),
		RunE: func(cmd *cobra.Command, files []string) error {
			return runReport(cmd.Context(), files, o, cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := c.Flags()
	f.StringVar(&o.config, "config", "", "configuration file (default: none, all settings at their defaults)")
	f.StringArrayVarP(&o.mappings, "mapping", "m", nil, "mapping file of tables; several, where each names its files")
	f.StringVar(&o.asOf, "as-of", "", "the day at whose end to look, such as 2026-06-30; later events are left out (default: the last event)")
	f.StringVar(&o.from, "from", "", "one figure a day, from this day (default with --to: the first event)")
	f.StringVar(&o.to, "to", "", "the last of these days (default with --from: the last)")
	f.StringSliceVar(&o.kpis, "kpi", nil, "names of KPIs, with commas between them (default: all)")
	f.StringVar(&o.window, "window", "", "only this window, such as 30d")
	f.StringArrayVar(&o.segments, "segment", nil, "such as plan=pro, or plan=pro,country=DE; its attributes become dimensions (default: the whole company)")
	f.StringVar(&o.cohorts, "cohorts", "", "users by the week or month of their first activity, and how many came back: week or month")
	f.BoolVar(&o.json, "json", false, "for programs: JSON instead of a table")
	return c
}

// reportDocument is what --json writes.
type reportDocument struct {
	AsOf    string        `json:"as_of"` // local civil day, "" without events
	Events  report.Events `json:"events"`
	KPIs    []kpi.Figure  `json:"kpis"`
	Cohorts []kpi.Cohort  `json:"cohorts,omitempty"`
}

const (
	// reportGC is how far the heap may grow between two garbage collections, in
	// per cent of what lives: a report is over soon, and what lives stays.
	reportGC = 200
	// reportCache is the least that records may take before those not in use are
	// packed, bytes: some million customers, whom a service would share with Redis.
	reportCache = 1 << 30
	// reportMemory is where the garbage collector becomes busier, bytes.
	reportMemory = 2 << 30
)

func runReport(ctx context.Context, names []string, o reportOptions, in io.Reader, out, progress io.Writer) error {
	c, err := config.Load(o.config, os.Environ(), config.Options{KPIs: kpi.Single(), Windows: kpi.SingleWindows()})
	if err != nil {
		return service.UsageError{Err: err}
	}
	q, err := o.query()
	if err != nil {
		return service.UsageError{Err: err}
	}
	read, err := readOptions(c, o.mappings, in)
	if err != nil {
		return service.UsageError{Err: err}
	}
	for _, s := range q.Segments {
		if s != "" {
			addDimensions(c, s, o.cohorts != "" || slices.Contains(o.kpis, "cohort_retention"))
		}
	}
	engine, err := engineOptions(c)
	if err != nil {
		return err
	}
	defer debug.SetGCPercent(debug.SetGCPercent(reportGC))
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(reportMemory))
	meter := newMeter(progress, "reading")
	r, err := report.Make(ctx, report.Files{Names: names, Options: read, Progress: meter.show}, engine, q)
	err = errors.Join(meter.end(), err)
	if err != nil && !errors.Is(err, report.ErrNoEvents) {
		return err
	}
	tellRefused(progress, r)
	if err != nil {
		if o.json {
			return printJSON(out, reportDocument{Events: r.Events(), KPIs: []kpi.Figure{}})
		}
		return err
	}
	figures, err := r.Figures(ctx)
	if unknown := (*kpi.UnknownError)(nil); errors.As(err, &unknown) {
		return service.UsageError{Err: err}
	}
	if err != nil {
		return err
	}
	var cohorts []kpi.Cohort
	if o.cohorts != "" {
		if cohorts, err = r.Cohorts(ctx, o.cohorts, q.Segments[0]); err != nil {
			return err
		}
	}
	if o.json {
		return printJSON(out, reportDocument{AsOf: civil.Format(r.Day()), Events: r.Events(), KPIs: orEmpty(figures), Cohorts: cohorts})
	}
	if o.cohorts != "" && len(o.kpis) == 0 {
		figures = nil // the triangle alone
	}
	if err := showReport(ctx, out, r, figures); err != nil {
		return err
	}
	if o.cohorts != "" {
		if err := showCohorts(out, o.cohorts, cohorts); err != nil {
			return err
		}
	}
	return showFoot(out, r)
}

// addDimensions adds what a segment that was asked for needs: its dimension, and
// the attributes that this is made of.
func addDimensions(c *config.Config, segment string, cohorts bool) {
	dimension := names.Dimension(segment)
	for _, d := range append(names.Attributes(dimension), dimension) {
		if !slices.Contains(c.Dimensions, d) {
			c.Dimensions = append(c.Dimensions, d)
		}
	}
	if cohorts && !slices.Contains(c.Cohorts, dimension) {
		c.Cohorts = append(c.Cohorts, dimension)
	}
}

// engineOptions wires what the configuration says into an engine.
func engineOptions(c *config.Config) (report.Options, error) {
	figures, err := service.CompanyOptions(c)
	if err != nil {
		return report.Options{}, err
	}
	return report.Options{
		Shard:    func() (aggregator.Options, error) { return service.ShardOptions(c) },
		Company:  figures,
		Disorder: c.Disorder.Milliseconds(),
		Cache:    max(c.Cache, reportCache),
	}, nil
}

// query reads the flags that say what is wanted.
func (o *reportOptions) query() (report.Query, error) {
	q := report.Query{Segments: o.segments}
	if o.cohorts != "" {
		if o.cohorts != "week" && o.cohorts != "month" {
			return q, fmt.Errorf("--cohorts %s: write week or month", o.cohorts)
		}
		if len(q.Segments) > 1 {
			return q, errors.New("--cohorts: a triangle is of one segment; name one --segment, or none")
		}
	}
	if len(q.Segments) == 0 {
		q.Segments = []string{""}
	}
	for _, s := range q.Segments {
		if s != "" && names.Dimension(s) == "" {
			return q, fmt.Errorf("--segment %s: write an attribute of customers and its value, such as plan=pro, or two of them, plan=pro,country=DE; a comma within a value is written twice", s)
		}
	}
	var err error
	for _, day := range []struct {
		flag, text string
		to         *int32
	}{{"--as-of", o.asOf, &q.AsOf}, {"--from", o.from, &q.From}, {"--to", o.to, &q.To}} {
		if *day.to, err = parseDay(day.text); err != nil {
			return q, fmt.Errorf("%s: %w", day.flag, err)
		}
	}
	switch {
	case q.From != report.Unset && q.To != report.Unset && q.From > q.To:
		return q, errors.New("--from is after --to")
	case q.AsOf != report.Unset && max(q.From, q.To) > q.AsOf:
		return q, errors.New("--from or --to is after --as-of, and events after that day are left out")
	}
	if err := o.choose(&q); err != nil {
		return q, err
	}
	return q, o.kept(&q)
}

// kept refuses KPIs that were asked for by name and have no figures of a segment.
func (o *reportOptions) kept(q *report.Query) error {
	if o.window == "" || len(o.kpis) == 0 {
		return nil
	}
	for _, segment := range q.Segments {
		for _, k := range q.KPIs {
			if err := k.Unkept(o.window, segment, []string{names.Dimension(segment)}); err != nil {
				return fmt.Errorf("--segment: %w", err)
			}
		}
	}
	return nil
}

// choose finds the KPIs and the window that were asked for.
func (o *reportOptions) choose(q *report.Query) (err error) {
	q.KPIs = kpi.All()
	if len(o.kpis) > 0 {
		q.KPIs = nil
	}
	for _, name := range o.kpis {
		k, err := kpi.Find(strings.TrimSpace(name))
		if err != nil {
			return fmt.Errorf("--kpi: %w", err)
		}
		q.KPIs = append(q.KPIs, k)
	}
	if q.Window = o.window; o.window == "" {
		return nil
	}
	have := map[string]bool{}
	for _, k := range q.KPIs {
		for _, w := range k.Windows {
			have[w] = true
		}
		if len(o.kpis) == 0 {
			continue
		}
		if _, err := k.Window(o.window); err != nil {
			return fmt.Errorf("--window: %w", err)
		}
	}
	if !have[o.window] {
		delete(have, "")
		valid := slices.Sorted(maps.Keys(have))
		return fmt.Errorf("--window: %w", &kpi.UnknownError{What: "window", Given: o.window, Nearest: kpi.NearestOf(o.window, valid), Valid: valid})
	}
	return nil
}

// tellRefused says what would be on the dead-letter topic.
func tellRefused(out io.Writer, r *report.Report) {
	for _, row := range r.Summary.Notes {
		fmt.Fprintln(out, row)
	}
	var reasons []string
	for _, reason := range slices.Sorted(maps.Keys(r.Summary.Refused)) {
		reasons = append(reasons, fmt.Sprintf("%s %d", reason, r.Summary.Refused[reason]))
	}
	if len(reasons) > 0 {
		fmt.Fprintf(out, "refused, and not in the figures: %s\n", strings.Join(reasons, ", "))
	}
	var ignored []string
	for _, name := range slices.Sorted(maps.Keys(r.Summary.Ignored)) {
		ignored = append(ignored, fmt.Sprintf("%s %d", name, r.Summary.Ignored[name]))
	}
	if len(ignored) > 0 {
		fmt.Fprintf(out, "of types that are none of Tidemark's: %s\n", strings.Join(ignored, ", "))
	}
}
