package goal

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"
)

func rat(s string) *big.Rat {
	if s == "" {
		return nil
	}
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		panic(s)
	}
	return r
}

// A goal that begins on day 100 and ends on day 200: half of the time has passed
// on day 150.
func TestEvaluate(t *testing.T) {
	for _, tc := range []struct {
		what               string
		least, most, start string
		now, last          string
		day                int32
		over               bool
		progress, expected json.Number
		state              State
	}{
		{"half way at half time", "0.95", "", "0.85", "0.90", "0.90", 150, false, "0.5", "0.5", OnTrack},
		{"a little less", "0.95", "", "0.85", "0.89", "0.89", 150, false, "0.4", "0.5", Behind},
		{"farther away than at the start", "0.95", "", "0.85", "0.80", "0.80", 150, false, "-0.5", "0.5", Behind},
		{"reached early", "0.95", "", "0.85", "0.95", "0.95", 120, false, "1", "0.2", Met},
		{"the running day alone does not decide", "0.95", "", "0.85", "0.96", "0.94", 120, false, "1.1", "0.2", OnTrack},
		{"fallen back before the day", "0.95", "", "0.85", "0.93", "0.94", 190, false, "0.8", "0.9", Behind},
		{"missed", "0.95", "", "0.85", "0.94", "0.94", 200, true, "0.9", "1", Missed},
		{"met on the day", "0.95", "", "0.85", "0.95", "0.95", 200, true, "1", "1", Met},
		{"at most", "", "0.03", "0.08", "0.055", "0.055", 140, false, "0.5", "0.4", OnTrack},
		{"at most, reached", "", "0.03", "0.08", "0.02", "0.02", 140, false, "1.2", "0.4", Met},
		{"within, from below", "30", "50", "10", "20", "20", 150, false, "0.5", "0.5", OnTrack},
		{"within, reached", "30", "50", "10", "50", "50", 150, false, "1", "0.5", Met},
		{"within, beyond", "30", "50", "10", "60", "60", 150, false, "0.5", "0.5", OnTrack},
		{"within from the start", "30", "50", "40", "40", "40", 150, false, "1", "0.5", Met},
		{"within from the start, left", "30", "50", "40", "20", "20", 150, false, "0", "0.5", Behind},
		{"no value yet", "30", "", "10", "", "", 150, false, "", "0.5", Behind},
		{"never a value", "30", "", "10", "", "", 200, true, "", "1", Missed},
		{"before it begins", "30", "", "10", "10", "10", 90, false, "0", "0", OnTrack},
	} {
		g := Goal{Name: "g", KPI: "nps", Window: "90d", Least: rat(tc.least), Most: rat(tc.most), Start: rat(tc.start), From: 100, By: 200}
		s := Evaluate(&g, Point{tc.day, rat(tc.now)}, Point{tc.day - 1, rat(tc.last)}, tc.over)
		if s.State != tc.state || s.Progress != tc.progress || s.Expected != tc.expected {
			t.Errorf("%s: %s, progress %q of %q, want %s, %q of %q", tc.what, s.State, s.Progress, s.Expected, tc.state, tc.progress, tc.expected)
		}
	}
}

func TestYesOrNo(t *testing.T) {
	for _, tc := range []struct {
		done, over bool
		want       State
		sentence   string
	}{
		{false, false, OnTrack, "soc2 is not done: yes by 1970-07-20 is not met yet, on track"},
		{true, false, Met, "soc2 is done: yes by 1970-07-20 is met"},
		{false, true, Missed, "soc2 is not done: yes by 1970-07-20 is missed"},
		{true, true, Met, "soc2 is done: yes by 1970-07-20 is met"},
	} {
		s := Answer(&Goal{Name: "soc2", From: 100, By: 200, Done: tc.done}, 150, tc.over)
		if s.State != tc.want || s.Sentence() != tc.sentence {
			t.Errorf("done %v, over %v: %s, %q", tc.done, tc.over, s.State, s.Sentence())
		}
	}
}

func TestSentences(t *testing.T) {
	g := Goal{Name: "keep", KPI: "retention_rate", Window: "90d", Segment: "plan=pro", Least: rat("0.95"), Start: rat("0.9"), From: 100, By: 200}
	s := Evaluate(&g, Point{150, rat("0.952")}, Point{150, rat("0.952")}, false)
	if got := s.Sentence(); got != "retention_rate (90d, plan=pro) is 0.952 on 1970-05-31: at least 0.95 by 1970-07-20 is met" {
		t.Errorf("%q", got)
	}
	g.Window, g.Segment, g.Most = "", "", rat("0.99")
	s = Evaluate(&g, Point{150, nil}, Point{150, nil}, true)
	if got := s.Sentence(); got != "retention_rate has no value on 1970-05-31: 0.95 to 0.99 by 1970-07-20 is missed" {
		t.Errorf("%q", got)
	}
	g.Segment, g.Most = "plan=pro", nil
	s = Rest(&g, 150)
	if got := s.Sentence(); got != "retention_rate (plan=pro) has no value on 1970-05-31: at least 0.95 by 1970-07-20 rests, since figures by plan are switched off" {
		t.Errorf("%q", got)
	}
}

func TestStatusAsJSON(t *testing.T) {
	g := Goal{Name: "keep", KPI: "nps", Least: rat("30"), Start: rat("10"), From: 100, By: 200}
	b, err := json.Marshal(Evaluate(&g, Point{150, nil}, Point{}, false))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`"goal":"keep"`, `"value":null`, `"progress":null`, `"at_least":30`, `"at_most":null`, `"start":10`, `"expected":0.5`, `"state":"behind"`, `"by":"1970-07-20"`} {
		if !strings.Contains(string(b), part) {
			t.Errorf("%s lacks %s", b, part)
		}
	}
}
