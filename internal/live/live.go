// Package live shows a running system to people: on a terminal as a table that
// is drawn again in its place, elsewhere as plain lines. It has no clock and
// asks nobody: it shows the snapshots it is given.
package live

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/charmbracelet/lipgloss"

	"github.com/tidemark-io/tidemark/alert"
	"github.com/tidemark-io/tidemark/kpi"
)

// Snapshot is what there is to show at one moment.
type Snapshot struct {
	Now             time.Time
	Title           string // what is running, and where it is reached
	Ready           bool   // false: catching up, and the figures are of a part
	Reason          string // why it is not ready, a sentence
	Watermark       time.Time
	EventsPerSecond float64
	Lag             int64 // messages that are not applied yet

	Figures []kpi.Figure            // of the running day, of the whole company
	Series  map[string][]kpi.Figure // by Row.Key: the days up to the running one
	AtRisk  []Customer              // the most urgent first
	Red     int64                   // how many are at risk altogether
	Alerts  []alert.Told            // the newest first
}

// Customer is a customer at risk.
type Customer struct {
	ID            string
	Band          string
	Score         *int64 // nil: not rated
	MRR           alert.Amount
	Contributions []alert.Printed
}

// Row is a figure that is shown, with its window.
type Row struct{ KPI, Window string }

// Key names the row in Snapshot.Series.
func (r Row) Key() string { return r.KPI + "|" + r.Window }

// Options are how a view writes. Value, Amount and Trend write for people.
type Options struct {
	Out      io.Writer
	Terminal bool                      // draw in place; otherwise lines
	Size     func() (width, rows int)  // of the terminal
	Zone     *time.Location            // in which times are shown
	Rows     []Row                     // the most important first
	Value    func(kpi.Figure) string   // a figure's value with its unit
	Amount   func(alert.Amount) string // an amount of money
	Trend    func([]kpi.Figure) string // a series as a line of bars
}

// View shows snapshots. It is for one goroutine.
type View struct {
	opts   Options
	styles styles
	drawn  int // lines of the frame that stands on the terminal
	width  int
	last   time.Time // of the last line
	told   map[string]bool
}

type styles struct{ title, head, dim, good, warn, bad lipgloss.Style }

// New returns a view that has shown nothing.
func New(o Options) *View {
	r := lipgloss.NewRenderer(o.Out)
	style := func(color string) lipgloss.Style { return r.NewStyle().Foreground(lipgloss.Color(color)) }
	return &View{opts: o, told: map[string]bool{}, styles: styles{
		title: r.NewStyle().Bold(true), head: r.NewStyle().Bold(true).Underline(true), dim: r.NewStyle().Faint(true),
		good: style("2"), warn: style("3"), bad: style("1"),
	}}
}

// Terminal control. A frame is drawn while the terminal holds its output back,
// where it knows how to, so that nobody sees half of one.
const (
	hideCursor = "\x1b[?25l"
	showCursor = "\x1b[?25h"
	beginFrame = "\x1b[?2026h"
	endFrame   = "\x1b[?2026l"
	clearLine  = "\x1b[K"
	clearBelow = "\x1b[J"
	clearAll   = "\x1b[2J\x1b[H"
)

// Show shows a snapshot: a new frame, or the lines that are due.
func (v *View) Show(s Snapshot) error {
	if v.opts.Terminal {
		return v.draw(s)
	}
	return v.lines(s)
}

// draw draws a frame over the one before.
func (v *View) draw(s Snapshot) error {
	width, rows := v.opts.Size()
	var b strings.Builder
	b.WriteString(beginFrame)
	switch {
	case v.width == 0:
		b.WriteString(hideCursor)
	case v.width != width:
		b.WriteString(clearAll) // the terminal has broken the lines of the old frame anew
	case v.drawn > 0:
		fmt.Fprintf(&b, "\x1b[%dA\r", v.drawn)
	}
	lines := v.frame(s, width, rows)
	for _, line := range lines {
		b.WriteString(line + clearLine + "\n")
	}
	b.WriteString(clearBelow + endFrame)
	v.width, v.drawn = width, len(lines)
	if _, err := io.WriteString(v.opts.Out, b.String()); err != nil {
		return fmt.Errorf("draw: %w", err)
	}
	return nil
}

// Close gives the terminal back; the last frame stays.
func (v *View) Close() error {
	if v.width == 0 {
		return nil
	}
	v.width = 0
	if _, err := io.WriteString(v.opts.Out, showCursor); err != nil {
		return fmt.Errorf("show the cursor: %w", err)
	}
	return nil
}

// lineEvery is the time between two lines of figures.
const lineEvery = time.Second

// lines writes a line for each alert that was not there before, and at most one
// a second with the figures.
func (v *View) lines(s Snapshot) error {
	var b strings.Builder
	for i := len(s.Alerts) - 1; i >= 0; i-- { // the oldest first
		a := s.Alerts[i]
		if key := fmt.Sprint(a.Rule, "|", a.Subject, "|", a.Episode, "|", a.State, "|", a.Time); !v.told[key] {
			v.told[key] = true
			fmt.Fprintf(&b, "%s %s %s: %s\n", v.moment(a.Time).Format(time.TimeOnly), a.State, a.Rule, a.Reason)
		}
	}
	if s.Now.Sub(v.last) >= lineEvery {
		v.last = s.Now
		fmt.Fprintf(&b, "%s %s\n", s.Now.In(v.opts.Zone).Format(time.TimeOnly), v.summary(s))
	}
	if b.Len() == 0 {
		return nil
	}
	if _, err := io.WriteString(v.opts.Out, b.String()); err != nil {
		return fmt.Errorf("write a line: %w", err)
	}
	return nil
}

// inLine is how many of the figures are in a line.
const inLine = 7

// summary is a snapshot in one line.
func (v *View) summary(s Snapshot) string {
	parts := []string{fmt.Sprintf("%s, %.1f events/s, lag %d", state(s), s.EventsPerSecond, s.Lag)}
	for _, row := range v.opts.Rows[:min(inLine, len(v.opts.Rows))] {
		if f, ok := find(s.Figures, row); ok && s.Ready {
			parts = append(parts, f.KPI+" "+v.opts.Value(f))
		}
	}
	return strings.Join(parts, " | ")
}

func state(s Snapshot) string {
	if s.Ready {
		return "live"
	}
	return "catching up"
}

func find(figures []kpi.Figure, r Row) (kpi.Figure, bool) {
	for _, f := range figures {
		if f.KPI == r.KPI && f.Window == r.Window {
			return f, true
		}
	}
	return kpi.Figure{}, false
}

// moment reads a time as alerts carry it; the zero time where it is none.
func (v *View) moment(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}
	}
	return t.In(v.opts.Zone)
}
