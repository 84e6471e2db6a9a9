package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/company"
	"github.com/tidemark-io/tidemark/goal"
	"github.com/tidemark-io/tidemark/kpi"
	"github.com/tidemark-io/tidemark/service"
)

// trendDays is the length of the trend beside a figure.
const trendDays = 14

// kpiOptions are the flags of tidemark kpi.
type kpiOptions struct {
	reading
	from, to, window, segment string
}

func newKPICommand(open opener) *cobra.Command {
	o := kpiOptions{reading: reading{open: open}}
	c := &cobra.Command{
		Use:   "kpi [NAME]",
		Short: "Show the KPIs now, or one by day",
		Long:  "Without a name: every KPI for the running day, with its trend. With one: a figure a day.\n\n" + kpiHelp(),
		Example: `  tidemark kpi
  tidemark kpi stickiness --from 2026-11-01 --segment plan=pro
  tidemark kpi customer_churn_rate --window 90d --json`,
		Args:              arguments(0, 1),
		ValidArgsFunction: cobra.FixedCompletions(kpi.Names(), cobra.ShellCompDirectiveNoFileComp),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return o.now(cmd)
			}
			return o.series(cmd, args[0])
		},
	}
	o.flags(c)
	f := c.Flags()
	f.StringVar(&o.from, "from", "", "first day, such as 2026-11-01 (default: 30 days)")
	f.StringVar(&o.to, "to", "", "last day (default: the running day)")
	f.StringVar(&o.window, "window", "", "one of the KPI's windows (default: the one marked above)")
	f.StringVar(&o.segment, "segment", "", "such as plan=pro (default: the whole company)")
	return c
}

// kpiHelp lists the registry.
func kpiHelp() string {
	rows := [][]string{{"KPI", "UNIT", "WINDOWS", "MEANING"}}
	for _, k := range kpi.All() {
		windows := make([]string, len(k.Windows))
		for i, w := range k.Windows {
			windows[i] = w
			if w == k.Default && len(k.Windows) > 1 {
				windows[i] += "*"
			}
		}
		rows = append(rows, []string{k.Name, string(k.Unit), strings.Join(windows, " "), k.Description + ": " + k.Definition})
	}
	var b strings.Builder
	if err := printTable(&b, rows); err != nil {
		return err.Error() // a strings.Builder takes everything
	}
	return b.String() + "\n* the default window"
}

// kpiDocument is the shape that report, kpi, demo and HTTP share.
type kpiDocument struct {
	KPIs []kpi.Figure `json:"kpis"`
}

// now shows every KPI for the running day.
func (o *kpiOptions) now(cmd *cobra.Command) error {
	if o.from != "" || o.to != "" || o.window != "" {
		return service.UsageError{Err: errors.New("--from, --to and --window need the name of a KPI: tidemark kpi stickiness --from 2026-11-01")}
	}
	return o.with(cmd, func(s *service.Readings) error {
		if err := checkSegment(s, o.segment); err != nil {
			return err
		}
		figures, err := s.Figures.Now(cmd.Context(), o.segment)
		if err != nil {
			return err
		}
		goals, err := s.Goals.Goals(cmd.Context())
		if err != nil {
			return err
		}
		goal.Attach(figures, goals)
		if o.json {
			return printJSON(cmd.OutOrStdout(), kpiDocument{orEmpty(figures)})
		}
		if len(figures) == 0 {
			return errNoFigures
		}
		rows := [][]string{{"KPI", "WINDOW", "VALUE", "OF", fmt.Sprintf("LAST %d DAYS", trendDays), ""}}
		var bucketed []string
		for _, f := range figures {
			if f.Bucket != "" {
				if !slices.Contains(bucketed, f.KPI) {
					bucketed = append(bucketed, f.KPI)
				}
				continue
			}
			trend, err := o.trend(cmd.Context(), s, f)
			if err != nil {
				return err
			}
			f.Complete = true // said once, below
			rows = append(rows, []string{f.KPI, f.Window, showValue(f), showParts(f), trend, showNotes(f)})
		}
		if err := printTable(cmd.OutOrStdout(), rows); err != nil {
			return err
		}
		if len(bucketed) > 0 {
			if _, err := fmt.Fprintf(cmd.OutOrStdout(), "\nby bucket: tidemark kpi %s\n", strings.Join(bucketed, ", ")); err != nil {
				return err
			}
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "\n%s so far%s, events up to %s\n", figures[0].Day, ofSegment(o.segment), figures[0].Watermark)
		return err
	})
}

// trend draws the days up to a figure; a KPI that is for now only has none.
func (o *kpiOptions) trend(ctx context.Context, s *service.Readings, f kpi.Figure) (string, error) {
	k, err := kpi.Find(f.KPI)
	if err != nil {
		return "", err
	}
	if k.NowOnly {
		return "", nil
	}
	to, err := civil.Parse(f.Day)
	if err != nil {
		return "", err
	}
	series, err := s.Figures.Figures(ctx, company.Query{KPI: k, Window: f.Window, Segment: f.Segment, From: to - trendDays + 1, To: to})
	return sparkline(series), err
}

// series shows one KPI by day.
func (o *kpiOptions) series(cmd *cobra.Command, name string) error {
	q, err := o.query(name)
	if err != nil {
		return service.UsageError{Err: err}
	}
	return o.with(cmd, func(s *service.Readings) error {
		if err := checkSegment(s, o.segment); err != nil {
			return err
		}
		if err := q.KPI.Unkept(q.Window, q.Segment, s.CohortsOf); err != nil {
			return service.UsageError{Err: err}
		}
		ask := s.Figures.Figures
		if q.From != company.Unset && q.To != company.Unset {
			ask = func(ctx context.Context, q company.Query) ([]kpi.Figure, error) {
				return company.InParts(ctx, s.Figures.Figures, q)
			}
		}
		figures, err := ask(cmd.Context(), q)
		if errors.Is(err, company.ErrMaxDays) {
			return service.UsageError{Err: err}
		}
		if err != nil {
			return err
		}
		if o.json {
			return printJSON(cmd.OutOrStdout(), kpiDocument{orEmpty(figures)})
		}
		if len(figures) == 0 {
			return errNoFigures
		}
		heading := q.KPI.Name
		if q.Window != "" {
			heading += " " + q.Window
		}
		trend, rows := sparkline(figures), [][]string{{"DAY", "VALUE", "OF", ""}}
		if q.KPI.Bucketed() {
			trend, rows = "", [][]string{{"DAY", "BUCKET", "VALUE", "OF", ""}}
		}
		if _, err := fmt.Fprintf(cmd.OutOrStdout(), "%s%s: %s\n%s\n\n", heading, ofSegment(o.segment), q.KPI.Definition, trend); err != nil {
			return err
		}
		for _, f := range figures {
			row := []string{f.Day, showValue(f), showParts(f), showNotes(f)}
			if q.KPI.Bucketed() {
				row = slices.Insert(row, 1, f.Bucket)
			}
			rows = append(rows, row)
		}
		return printTable(cmd.OutOrStdout(), rows)
	})
}

func (o *kpiOptions) query(name string) (q company.Query, err error) {
	q = company.Query{Segment: o.segment}
	if q.KPI, err = kpi.Find(name); err != nil {
		return q, err
	}
	if q.Window, err = q.KPI.Window(o.window); err != nil {
		return q, err
	}
	if q.From, err = parseDay(o.from); err != nil {
		return q, fmt.Errorf("--from: %w", err)
	}
	if q.To, err = parseDay(o.to); err != nil {
		return q, fmt.Errorf("--to: %w", err)
	}
	if q.From != company.Unset && q.To != company.Unset && q.From > q.To {
		return q, errors.New("--from is after --to")
	}
	return q, nil
}

func parseDay(s string) (int32, error) {
	if s == "" {
		return company.Unset, nil
	}
	return civil.Parse(s)
}

var errNoFigures = errors.New("there are no figures yet: no event has been read, or none before the days asked for")

// checkSegment refuses a segment that has no figures.
func checkSegment(s *service.Readings, segment string) error {
	if err := s.Figures.CheckSegment(segment); err != nil {
		return service.UsageError{Err: err}
	}
	return nil
}

func ofSegment(segment string) string {
	if segment == "" {
		return ""
	}
	return " of " + segment
}

func orEmpty(figures []kpi.Figure) []kpi.Figure {
	if figures == nil {
		return []kpi.Figure{}
	}
	return figures
}
