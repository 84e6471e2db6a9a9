package main

import (
	"context"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/kpi"
	"github.com/tidemark-io/tidemark/report"
)

// reportTrend is the length of the trend beside a figure of one day.
const reportTrend = 30

// column is what belongs together in a table: one KPI, window, segment and bucket.
type column struct{ kpi, window, segment, bucket string }

func columnOf(f kpi.Figure) column { return column{f.KPI, f.Window, f.Segment, f.Bucket} }

func (c column) String() string {
	return strings.Join(slices.DeleteFunc([]string{c.kpi, c.bucket, c.window, c.segment}, func(s string) bool { return s == "" }), " ")
}

// byColumn sorts figures into columns, in the order of their first figures.
func byColumn(figures []kpi.Figure) (order []column, of map[column][]kpi.Figure) {
	of = map[column][]kpi.Figure{}
	for _, f := range figures {
		c := columnOf(f)
		if of[c] == nil {
			order = append(order, c)
		}
		of[c] = append(of[c], f)
	}
	return order, of
}

// showReport writes tables for people.
func showReport(ctx context.Context, out io.Writer, r *report.Report, figures []kpi.Figure) error {
	from, to := r.Days()
	if from != to {
		return showSeries(out, figures)
	}
	for segment, list := range bySegment(figures) {
		if segment != "" {
			fmt.Fprintln(out, segment)
		}
		rows := [][]string{{"KPI", "WINDOW", "VALUE", "OF", fmt.Sprintf("LAST %d DAYS", reportTrend), ""}}
		var before column
		var trends map[column][]kpi.Figure
		for _, f := range list {
			if c := (column{f.KPI, f.Window, f.Segment, ""}); c != before {
				before = c
				k, err := kpi.Find(f.KPI)
				if err != nil {
					return err
				}
				series, err := r.Series(ctx, k, f.Window, f.Segment, to-reportTrend+1, to)
				if err != nil {
					return err
				}
				_, trends = byColumn(series)
			}
			trend := ""
			if series := trends[columnOf(f)]; len(series) > 1 {
				trend = sparkline(series)
			}
			if f.Day == civil.Format(to) {
				f.Complete = true // said once, below
			}
			rows = append(rows, []string{strings.TrimSpace(f.KPI + " " + f.Bucket), f.Window, showValue(f), showParts(f), trend, showNotes(f)})
		}
		if err := printTable(out, rows); err != nil {
			return err
		}
		fmt.Fprintln(out)
	}
	return nil
}

// bySegment goes through figures by segment, in their order.
func bySegment(figures []kpi.Figure) iter.Seq2[string, []kpi.Figure] {
	return func(yield func(string, []kpi.Figure) bool) {
		for len(figures) > 0 {
			n := 1
			for n < len(figures) && figures[n].Segment == figures[0].Segment {
				n++
			}
			if !yield(figures[0].Segment, figures[:n]) {
				return
			}
			figures = figures[n:]
		}
	}
}

// seriesColumns is how many figures stand side by side.
const seriesColumns = 6

// showSeries writes one line a day, and the trend of each figure above them.
func showSeries(out io.Writer, figures []kpi.Figure) error {
	order, of := byColumn(figures)
	for group := range slices.Chunk(order, seriesColumns) {
		head, titles := [][]string{{"", "FIRST", "LAST", "TREND"}}, []string{"DAY"}
		days, cells := []string{}, map[string][]string{}
		for i, c := range group {
			series := of[c]
			titles = append(titles, c.String())
			head = append(head, []string{c.String(), showValue(series[0]), showValue(series[len(series)-1]), sparkline(series)})
			for _, f := range series {
				if cells[f.Day] == nil {
					cells[f.Day] = make([]string, len(group))
					days = append(days, f.Day)
				}
				cells[f.Day][i] = showValue(f)
				if notes := showNotes(f); notes != "" {
					cells[f.Day][i] += " (" + notes + ")"
				}
			}
		}
		slices.Sort(days)
		rows := [][]string{titles}
		for _, day := range days {
			rows = append(rows, append([]string{day}, cells[day]...))
		}
		if err := printTable(out, head); err != nil {
			return err
		}
		fmt.Fprintln(out)
		if err := printTable(out, rows); err != nil {
			return err
		}
		fmt.Fprintln(out)
	}
	return nil
}

// cohortPeriods is how many periods of a cohort a table shows.
const cohortPeriods = 12

// showCohorts writes a triangle: the share of each cohort that was active in the
// periods after its first one.
func showCohorts(out io.Writer, by string, cohorts []kpi.Cohort) error {
	head := []string{"COHORT", "USERS"}
	longest := 0
	for _, c := range cohorts {
		longest = max(longest, len(c.Active))
	}
	for i := range min(longest, cohortPeriods+1) {
		head = append(head, fmt.Sprintf("%s %d", strings.ToUpper(by), i))
	}
	rows := [][]string{head}
	for _, c := range cohorts {
		row := []string{c.Cohort, thousands(strconv.FormatInt(c.Size, 10))}
		for i, n := range c.Active[:min(len(c.Active), cohortPeriods+1)] {
			cell := strconv.FormatFloat(100*float64(n)/float64(c.Size), 'f', 1, 64) + "%"
			if !c.Complete[i] {
				cell += "*"
			}
			row = append(row, cell)
		}
		for len(row) < len(head) {
			row = append(row, "")
		}
		rows = append(rows, row)
	}
	if err := printTable(out, rows); err != nil {
		return err
	}
	note := "* so far"
	if longest > cohortPeriods+1 {
		note += fmt.Sprintf("; %d more periods are in --json", longest-cohortPeriods-1)
	}
	_, err := fmt.Fprintf(out, "%s\n\n", note)
	return err
}

// showFoot says what the figures are made of.
func showFoot(out io.Writer, r *report.Report) error {
	first, latest, _ := r.Span()
	zone := r.Calendar().Location()
	state := "so far"
	if r.Watermark() >= r.Calendar().Start(r.Day()+1) {
		state = "complete"
	}
	e := r.Events()
	s := fmt.Sprintf("%s %s; events from %s to %s\n", civil.Format(r.Day()), state,
		time.UnixMilli(first).In(zone).Format(time.RFC3339), time.UnixMilli(latest).In(zone).Format(time.RFC3339))
	s += fmt.Sprintf("%s: %d applied, %d duplicate, %d ignored, %d late, %d dead letters", numbered(int(e.Read), "event", "events"), e.Applied, e.Duplicate, e.Ignored, e.Late, e.DeadLetter)
	if e.Expired > 0 {
		s += fmt.Sprintf("; %d of them without a target", e.Expired)
	}
	if e.Later > 0 {
		s += fmt.Sprintf("; %d more after the day", e.Later)
	}
	_, err := fmt.Fprintln(out, s)
	return err
}
