package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/tidemark-io/tidemark/alert"
	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/goal"
	"github.com/tidemark-io/tidemark/kpi"

	"github.com/tidemark-io/tidemark/service"
)

// reading is what the commands that read a running system have in common.
type reading struct {
	open   opener
	config string
	json   bool
}

// flags adds the common flags.
func (r *reading) flags(c *cobra.Command) {
	c.Flags().StringVar(&r.config, "config", "", "configuration file (default: none, all settings at their defaults)")
	c.Flags().BoolVar(&r.json, "json", false, "for programs: JSON instead of a table")
}

// with opens the system, warns where it is not ready, and closes it.
func (r *reading) with(cmd *cobra.Command, f func(*service.Readings) error) error {
	s, err := r.open(cmd.Context(), r.config)
	if err != nil {
		return err
	}
	if ok, reason := s.Ready.Ready(); !ok {
		fmt.Fprintf(cmd.ErrOrStderr(), "not the whole company yet: %s\n", reason)
	}
	err = f(s)
	if s.Close != nil {
		if closing := s.Close(); err == nil {
			err = closing
		}
	}
	return err
}

// printJSON writes one JSON document.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// printTable writes rows of cells in aligned columns, the first as a heading.
func printTable(w io.Writer, rows [][]string) error {
	var b strings.Builder
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range rows { // each with all its cells: a column ends where a line has none
		if _, err := fmt.Fprintln(t, strings.Join(row, "\t")); err != nil {
			return err
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for line := range strings.Lines(b.String()) {
		if _, err := fmt.Fprintln(w, strings.TrimRight(line, " \n")); err != nil {
			return err
		}
	}
	return nil
}

// none stands for a value that does not exist.
const none = "–"

// showValue writes a figure's value for people: 16,250 or 25.0% or 162,500.00 USD.
func showValue(f kpi.Figure) string {
	if f.Value == "" {
		return none
	}
	n, err := f.Value.Float64()
	if err != nil {
		return f.Value.String()
	}
	switch f.Unit {
	case kpi.Ratio:
		return strconv.FormatFloat(100*n, 'f', 1, 64) + "%"
	case kpi.Points:
		return strconv.FormatFloat(n, 'f', 1, 64)
	case kpi.Money:
		minor, err := f.Value.Int64()
		if err != nil {
			return f.Value.String()
		}
		return showAmount(alert.Amount{Amount: minor, Currency: f.Currency})
	}
	return thousands(f.Value.String())
}

// showAmount writes minor units as an amount: 162,500.00 USD.
func showAmount(a alert.Amount) string {
	digits := 2
	if cur, ok := event.ParseCurrency(a.Currency); ok {
		digits = cur.Digits()
	}
	return thousands(new(big.Rat).Mul(big.NewRat(a.Amount, 1), service.Power10(-digits)).FloatString(digits)) + " " + a.Currency
}

// thousands puts commas into the whole part of a decimal number.
func thousands(s string) string {
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	whole, fraction, _ := strings.Cut(s, ".")
	var b strings.Builder
	for i, digit := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(digit)
	}
	if fraction != "" {
		fraction = "." + fraction
	}
	return sign + b.String() + fraction
}

// showParts writes what a ratio is made of, "" for what is none.
func showParts(f kpi.Figure) string {
	switch {
	case f.Unit == kpi.Ratio && f.Currency != "":
		num, _, _ := strings.Cut(showAmount(alert.Amount{Amount: f.Numerator, Currency: f.Currency}), " ")
		return num + " of " + showAmount(alert.Amount{Amount: f.Denominator, Currency: f.Currency})
	case f.Unit == kpi.Ratio, f.Unit == kpi.Points:
		return fmt.Sprintf("%s of %s", thousands(strconv.FormatInt(f.Numerator, 10)), thousands(strconv.FormatInt(f.Denominator, 10)))
	}
	return ""
}

// showNotes says what a reader must know about a figure.
func showNotes(f kpi.Figure) string {
	var notes []string
	if !f.Complete {
		notes = append(notes, "running")
	}
	if f.LowSample {
		notes = append(notes, "low sample")
	}
	if f.Revision > 0 {
		notes = append(notes, fmt.Sprintf("revision %d", f.Revision))
	}
	for _, t := range f.Targets {
		notes = append(notes, showTarget(f, t))
	}
	return strings.Join(notes, ", ")
}

// showTarget says what a goal wants of a figure: "≥ 95.0% by 2026-12-31: on track, 40.0% of the way".
func showTarget(f kpi.Figure, t kpi.Target) string {
	g := goal.Status{KPI: f.KPI, Unit: f.Unit, Currency: f.Currency, AtLeast: t.AtLeast, AtMost: t.AtMost}
	text := wanted(&g) + " by " + t.By + ": " + strings.ReplaceAll(t.State, "_", " ")
	if t.Progress != "" {
		text += ", " + showValue(kpi.Figure{Unit: kpi.Ratio, Value: t.Progress}) + " of the way"
	}
	return text
}

var bars = []rune("▁▂▃▄▅▆▇█")

// sparkline draws the values of a series, the lowest as the lowest bar; a day
// without a value is a gap. A series that doesn't move is drawn in the middle.
func sparkline(series []kpi.Figure) string {
	values := make([]*float64, len(series))
	var lo, hi *float64
	for i, f := range series {
		v, err := f.Value.Float64()
		if err != nil {
			continue // null
		}
		values[i] = &v
		if lo == nil || v < *lo {
			lo = &v
		}
		if hi == nil || v > *hi {
			hi = &v
		}
	}
	var b strings.Builder
	for _, v := range values {
		switch {
		case v == nil:
			b.WriteByte(' ')
		case *lo == *hi:
			b.WriteRune(bars[len(bars)/2-1])
		default:
			b.WriteRune(bars[int((*v-*lo)/(*hi-*lo)*float64(len(bars)-1)+0.5)])
		}
	}
	return b.String()
}
