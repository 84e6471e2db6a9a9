package live

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/ansi"

	"github.com/tidemark-io/tidemark/alert"
	"github.com/tidemark-io/tidemark/kpi"
)

var noon = time.Date(2026, 11, 18, 12, 0, 0, 0, time.UTC)

func view(out *bytes.Buffer, terminal bool, width, rows *int) *View {
	return New(Options{
		Out: out, Terminal: terminal, Size: func() (int, int) { return *width, *rows }, Zone: time.UTC,
		Rows: []Row{{"dau", "1d"}, {"stickiness", "1d"}, {"mrr", ""}, {"nps", "90d"}, {"csat", "90d"}, {"health_red", ""}},
		Value: func(f kpi.Figure) string {
			if f.Value == "" {
				return "none"
			}
			return "<" + f.Value.String() + " " + string(f.Unit) + ">"
		},
		Amount: func(a alert.Amount) string { return fmt.Sprintf("%d %s", a.Amount, a.Currency) },
		Trend:  func(s []kpi.Figure) string { return strings.Repeat("▃", len(s)) },
	})
}

func snapshot() Snapshot {
	score, value := int64(41), json.Number("41")
	s := Snapshot{
		Now: noon, Title: "demo, seed 7", Ready: true, Watermark: noon.Add(-10 * time.Second), EventsPerSecond: 8.25, Lag: 3,
		Figures: []kpi.Figure{
			{KPI: "dau", Window: "1d", Value: "512", Unit: kpi.Count, Numerator: 512, Denominator: 1},
			{KPI: "dau", Window: "", Value: "999", Unit: kpi.Count},
			{KPI: "stickiness", Window: "1d", Value: "0.25", Unit: kpi.Ratio, Numerator: 250, Denominator: 1000},
			{KPI: "mrr", Value: "16250000", Unit: kpi.Money, Currency: "USD"},
			{KPI: "nps", Window: "90d", Value: "30", Unit: kpi.Points, Numerator: 6, Denominator: 20, LowSample: true},
			{KPI: "csat", Window: "90d", Unit: kpi.Ratio},
			{KPI: "health_red", Value: "1", Unit: kpi.Count},
		},
		Series: map[string][]kpi.Figure{"dau|1d": make([]kpi.Figure, 30)},
		Red:    12,
		Alerts: []alert.Told{
			{Rule: "at_risk", Subject: "blue-labs", State: alert.StateFiring, Episode: 4, Time: "2026-11-18T11:59:58Z", Value: &value, Reason: "blue-labs: health 41 is red"},
			{Rule: "at_risk", Subject: "iron-toys", State: alert.StateResolved, Episode: 2, Time: "2026-11-17T09:00:00Z", Reason: "iron-toys: health 61 is amber"},
			{Rule: "churn_high", Subject: "customer_churn_rate", State: alert.StateFiring, Episode: 1, Time: "2026-11-17T00:00:00Z"},
		},
	}
	for i := range 12 {
		s.AtRisk = append(s.AtRisk, Customer{
			ID: fmt.Sprintf("customer-with-a-long-name-%d", i), Band: "red", Score: &score, MRR: alert.Amount{Amount: 9900, Currency: "USD"},
			Contributions: []alert.Printed{{Signal: "activity", Weighted: 24, Most: 30}, {Signal: "recency", Weighted: 3, Most: 25}, {Signal: "tickets", Weighted: 15, Most: 15}},
		})
	}
	return s
}

// plain takes the control sequences off.
func plain(lines []string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = strings.TrimRight(ansi.Strip(l), " ")
	}
	return out
}

func TestFrame(t *testing.T) {
	width, rows := 140, 50
	v := view(&bytes.Buffer{}, true, &width, &rows)
	got := strings.Join(plain(v.frame(snapshot(), width, rows)), "\n")
	for _, want := range []string{
		"tidemark demo, seed 7\n● live   watermark 2026-11-18 11:59:50   8.2 events/s   lag 3\n",
		fmt.Sprintf("\n%-23s %16s  %s\n", "dau 1d", "<512 count>", strings.Repeat("▃", 30)),
		fmt.Sprintf("\n%-23s %16s  %30s  250 of 1000\n", "stickiness 1d", "<0.25 ratio>", ""),
		fmt.Sprintf("\n%-23s %16s\n", "mrr", "<16250000 money>"),
		"   6 of 20, low sample\n",
		fmt.Sprintf("\n%-23s %16s\n", "csat 90d", "none"),
		"\nCustomers at risk (12)\ncustomer-with-a-long-n…  41 red           9900 USD  recency 3 of 25, activity 24 of 30\n",
		"\n11:59:58 ● firing   at_risk blue-labs: health 41 is red\n17 Nov   ○ resolved at_risk iron-toys: health 61 is amber\n17 Nov   ● firing   churn_high customer_churn_rate",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%s\nlacks %q", got, want)
		}
	}
	if n := strings.Count(got, "customer-with"); n != 8 {
		t.Errorf("%d customers are shown", n)
	}
}

func TestCatchingUp(t *testing.T) {
	width, rows := 100, 40
	v := view(&bytes.Buffer{}, true, &width, &rows)
	got := strings.Join(plain(v.frame(Snapshot{Now: noon, Reason: "shard 2 is catching up", Lag: 81_000}, width, rows)), "\n")
	if !strings.Contains(got, "◌ catching up   0.0 events/s   lag 81000   shard 2 is catching up\n") || strings.Contains(got, "watermark") ||
		!strings.Contains(got, fmt.Sprintf("\n%-23s %16s\n", "dau 1d", "–")) {
		t.Errorf("got %s", got)
	}
}

// TestNarrow: a trend gives way to what a figure is made of, and shows the last
// days.
func TestNarrow(t *testing.T) {
	width, rows := 80, 40
	v := view(&bytes.Buffer{}, true, &width, &rows)
	v.opts.Trend = func(s []kpi.Figure) string {
		if len(s) == 0 {
			return ""
		}
		return fmt.Sprint(len(s), " to ", s[len(s)-1].Day)
	}
	s := snapshot()
	s.Series["stickiness|1d"] = append(make([]kpi.Figure, 29), kpi.Figure{Day: "2026-11-18"})
	got := strings.Join(plain(v.frame(s, width, rows)), "\n")
	for _, want := range []string{"last 18 days ", fmt.Sprintf("%16s  18 to 2026-11-18    250 of 1000\n", "<0.25 ratio>")} {
		if !strings.Contains(got, want) {
			t.Errorf("%s\nlacks %q", got, want)
		}
	}
}

// TestFits: at any size no line is wider than the terminal, and one row is left
// for the cursor; there is always something of all three lists from 24 rows on.
func TestFits(t *testing.T) {
	for width := 20; width <= 140; width += 10 {
		for rows := 2; rows <= 60; rows++ {
			v := view(&bytes.Buffer{}, true, &width, &rows)
			lines := v.frame(snapshot(), width, rows)
			if len(lines) > rows-1 {
				t.Fatalf("%d lines in %d rows", len(lines), rows)
			}
			for _, l := range lines {
				if lipgloss.Width(l) > width {
					t.Errorf("%d columns of %d: %q", lipgloss.Width(l), width, l)
				}
			}
			all := strings.Join(plain(lines), "\n")
			if rows >= 24 && width >= 60 && !(strings.Contains(all, "mrr") && strings.Contains(all, "customer-with") && strings.Contains(all, "blue-labs")) {
				t.Errorf("%d × %d lacks a list:\n%s", width, rows, all)
			}
		}
	}
}

// TestDrawing: the second frame goes over the first, a changed width starts
// anew, and closing gives the cursor back.
func TestDrawing(t *testing.T) {
	var out bytes.Buffer
	width, rows := 100, 40
	v := view(&out, true, &width, &rows)
	show := func() string {
		t.Helper()
		out.Reset()
		if err := v.Show(snapshot()); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	first := show()
	if !strings.HasPrefix(first, beginFrame+hideCursor) || !strings.HasSuffix(first, endFrame) {
		t.Errorf("the first frame: %q", first)
	}
	up := fmt.Sprintf("\x1b[%dA\r", strings.Count(first, "\n"))
	if second := show(); !strings.HasPrefix(second, beginFrame+up) || strings.Contains(second, hideCursor) {
		t.Errorf("the second frame doesn't go up %q: %q", up, second)
	}
	width = 80
	if third := show(); !strings.HasPrefix(third, beginFrame+clearAll) {
		t.Errorf("another width: %q", third)
	}
	out.Reset()
	if err := v.Close(); err != nil || out.String() != showCursor {
		t.Errorf("closing wrote %q: %v", out.String(), err)
	}
	if err := v.Close(); err != nil || out.String() != showCursor {
		t.Errorf("closing twice wrote %q: %v", out.String(), err)
	}
}

func TestLines(t *testing.T) {
	var out bytes.Buffer
	width, rows := 0, 0
	v := view(&out, false, &width, &rows)
	s := snapshot()
	for range 3 { // within one second
		if err := v.Show(s); err != nil {
			t.Fatal(err)
		}
		s.Now = s.Now.Add(300 * time.Millisecond)
	}
	want := `00:00:00 firing churn_high: 
09:00:00 resolved at_risk: iron-toys: health 61 is amber
11:59:58 firing at_risk: blue-labs: health 41 is red
12:00:00 live, 8.2 events/s, lag 3 | dau <512 count> | stickiness <0.25 ratio> | mrr <16250000 money> | nps <30 points> | csat none | health_red <1 count>
`
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
	out.Reset()
	s.Now, s.Ready = noon.Add(time.Second), false
	s.Alerts = append([]alert.Told{{Rule: "at_risk", Subject: "blue-labs", State: alert.StateResolved, Episode: 4, Time: "2026-11-18T12:00:01Z", Reason: "better"}}, s.Alerts...)
	if err := v.Show(s); err != nil {
		t.Fatal(err)
	}
	if want := "12:00:01 resolved at_risk: better\n12:00:01 catching up, 8.2 events/s, lag 3\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
	if err := v.Close(); err != nil || strings.Contains(out.String(), "\x1b") {
		t.Errorf("control sequences where there is no terminal: %q, %v", out.String(), err)
	}
}

type broken struct{}

var errBroken = errors.New("broken pipe")

func (broken) Write([]byte) (int, error) { return 0, errBroken }

func TestErrorsAreTold(t *testing.T) {
	width, rows := 80, 24
	for _, terminal := range []bool{true, false} {
		v := view(&bytes.Buffer{}, terminal, &width, &rows)
		v.opts.Out = broken{}
		if err := v.Show(snapshot()); !errors.Is(err, errBroken) {
			t.Errorf("terminal %v: %v", terminal, err)
		}
	}
}
