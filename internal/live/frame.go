package live

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/ansi"

	"github.com/tidemark-io/tidemark/alert"
	"github.com/tidemark-io/tidemark/kpi"
)

// maxAtRisk bounds the list of customers, so that alerts have room.
const maxAtRisk = 8

// frame is what is drawn: lines no wider than the terminal, and one fewer than
// it has, since the cursor stands below them.
func (v *View) frame(s Snapshot, width, rows int) []string {
	figures, customers, alerts := share(rows-1, len(v.opts.Rows))
	lines := v.headline(s)
	days := min(maxTrend, max(minTrend, width-besideTrend))
	lines = append(lines, "", v.styles.head.Render(columns("KPI", "now", fmt.Sprintf("last %d days", days), days, "made of")))
	for _, row := range v.opts.Rows[:figures] {
		lines = append(lines, v.figure(s, row, days))
	}
	lines = append(lines, "", v.styles.head.Render(fmt.Sprintf("Customers at risk (%d)", s.Red)))
	for _, c := range s.AtRisk[:min(customers, len(s.AtRisk))] {
		lines = append(lines, v.customer(c))
	}
	lines = append(lines, "", v.styles.head.Render("Alerts"))
	for _, a := range s.Alerts[:min(alerts, len(s.Alerts))] {
		lines = append(lines, v.alert(a, s.Now))
	}
	for i, line := range lines {
		lines[i] = ansi.Truncate(line, width, "…")
	}
	return lines[:min(len(lines), max(1, rows-1))]
}

// share divides rows among figures, customers and alerts: eight lines are
// headings and gaps.
func share(rows, known int) (figures, customers, alerts int) {
	rest := max(0, rows-8)
	figures = min(known, max(4, rest-8), rest)
	rest -= figures
	customers = min(maxAtRisk, rest/2)
	return figures, customers, rest - customers
}

// headline is two lines: what is running, and how far it is.
func (v *View) headline(s Snapshot) []string {
	status := v.styles.good.Render("● live")
	if !s.Ready {
		status = v.styles.warn.Render("◌ catching up")
	}
	parts := []string{status}
	if !s.Watermark.IsZero() {
		parts = append(parts, "watermark "+s.Watermark.In(v.opts.Zone).Format("2006-01-02 15:04:05"))
	}
	parts = append(parts, fmt.Sprintf("%.1f events/s", s.EventsPerSecond), fmt.Sprintf("lag %d", s.Lag))
	if !s.Ready && s.Reason != "" {
		parts = append(parts, v.styles.dim.Render(s.Reason))
	}
	return []string{v.styles.title.Render("tidemark") + " " + s.Title, strings.Join(parts, "   ")}
}

// Days of a trend, and the columns that the rest of its line takes.
const (
	minTrend, maxTrend = 12, 30
	besideTrend        = 62
)

// columns lines up the cells of the table of figures, with trends of so many
// days.
func columns(name, value, trend string, days int, parts string) string {
	return fmt.Sprintf("%s %s  %s  %s", pad(name, 23), padLeft(value, 16), pad(trend, days), parts)
}

func (v *View) figure(s Snapshot, row Row, days int) string {
	f, ok := find(s.Figures, row)
	value, parts := "–", ""
	if ok {
		value, parts = v.opts.Value(f), made(f)
	}
	name := row.KPI
	if row.Window != "" {
		name += " " + row.Window
	}
	series := s.Series[row.Key()]
	trend := v.opts.Trend(series[max(0, len(series)-days):])
	return columns(name, value, trend, days, v.styles.dim.Render(parts))
}

// made is what a figure consists of; "" where it is no ratio, or nothing.
func made(f kpi.Figure) string {
	if f.Value == "" || f.Unit != kpi.Ratio && f.Unit != kpi.Points {
		return ""
	}
	s := fmt.Sprintf("%d of %d", f.Numerator, f.Denominator)
	if f.LowSample {
		s += ", low sample"
	}
	return s
}

func (v *View) customer(c Customer) string {
	score := "–"
	if c.Score != nil {
		score = strconv.FormatInt(*c.Score, 10)
	}
	style := v.styles.warn
	if c.Band == "red" {
		style = v.styles.bad
	}
	return fmt.Sprintf("%s %s %s %s  %s", pad(c.ID, 23), padLeft(score, 3), style.Render(pad(c.Band, 7)),
		padLeft(v.opts.Amount(c.MRR), 14), v.styles.dim.Render(lost(c.Contributions)))
}

// namedSignals is how many signals a line names.
const namedSignals = 4

// lost names what costs a customer most of its score:
//
//	activity 6 of 30, recency 3 of 25
func lost(cs []alert.Printed) string {
	cs = slices.DeleteFunc(slices.Clone(cs), func(c alert.Printed) bool { return c.Weighted >= c.Most })
	slices.SortStableFunc(cs, func(a, b alert.Printed) int { return cmp.Compare(b.Most-b.Weighted, a.Most-a.Weighted) })
	var parts []string
	for _, c := range cs[:min(namedSignals, len(cs))] {
		parts = append(parts, fmt.Sprintf("%s %d of %d", c.Signal, c.Weighted, c.Most))
	}
	return strings.Join(parts, ", ")
}

func (v *View) alert(a alert.Told, now time.Time) string {
	at := v.moment(a.Time)
	when := at.Format(time.TimeOnly)
	if now.Sub(at) > 24*time.Hour {
		when = pad(at.Format("2 Jan"), len(time.TimeOnly))
	}
	mark := v.styles.bad.Render("● " + pad(a.State, 8))
	switch a.State {
	case alert.StateResolved:
		mark = v.styles.good.Render("○ " + pad(a.State, 8))
	case alert.StateNoted:
		mark = "· " + pad(a.State, 8)
	}
	reason := a.Reason
	if reason == "" {
		reason = a.Subject
	}
	return fmt.Sprintf("%s %s %s %s", when, mark, a.Rule, reason)
}

// pad fills a text up to a width, and cuts it there.
func pad(s string, width int) string {
	s = ansi.Truncate(s, width, "…")
	return s + strings.Repeat(" ", max(0, width-lipgloss.Width(s)))
}

// padLeft is pad with the text at the right. It does not cut: half a number is
// another number.
func padLeft(s string, width int) string {
	return strings.Repeat(" ", max(0, width-lipgloss.Width(s))) + s
}
