package alert

import (
	"encoding/json"
	"math/big"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func ptr(n int64) *int64 { return &n }

// acme is the default profile for a customer that fell silent: activity 2 of 10
// points of weight 30, recency 1 of 25, tickets 10 of 15, invoices 10 of 10,
// tenure 8 of 5; no survey. The weights with a value are 85 of 100.
//
//	activity 100×30×0.2/85 =  7.06   recency 100×25×0.1/85 = 2.94
//	tickets  100×15×1.0/85 = 17.65   invoices 100×10/85    = 11.76
//	tenure   100×5×0.8/85  =  4.71   together 3750/85      = 44.12
func acme() []Contribution {
	line := func(signal string, reads Reads, value *int64, weight, points int64) Contribution {
		return Contribution{Signal: signal, Reads: reads, Window: 30, Value: value, Points: points, MaxPoints: 10,
			Weighted: big.NewRat(100*weight*points, 85*10), Most: big.NewRat(100*weight, 85)}
	}
	cs := []Contribution{
		line("activity", ActiveDays, ptr(1), 30, 2), line("recency", RecencyDays, ptr(16), 25, 1),
		line("tickets", OpenTicketHours, nil, 15, 10), line("invoices", LateInvoices, ptr(0), 10, 10),
		line("tenure", TenureDays, ptr(200), 5, 8),
	}
	cs[1].Change = big.NewRat(100*25*-9, 850) // from 10 points to 1
	return cs
}

func TestPrintedContributionsAddUp(t *testing.T) {
	h := Print(acme())
	score, printed := h.Score, h.Parts
	if score != 44 {
		t.Errorf("score %d, want 44", score)
	}
	var weighted, most []int64
	for _, p := range printed {
		weighted, most = append(weighted, p.Weighted), append(most, p.Most)
	}
	// Rounded down 7+2+17+11+4 = 41; the three points go to .94, .76 and .71.
	if want := []int64{7, 3, 17, 12, 5}; !slices.Equal(weighted, want) {
		t.Errorf("contributions %v, want %v", weighted, want)
	}
	// Lost 28.24 + 26.47 + 0 + 0 + 1.18 = 55.88, which is 56 = 100 - 44: down 55, one goes to .47.
	if want := []int64{35, 30, 17, 12, 6}; !slices.Equal(most, want) {
		t.Errorf("at most %v, want %v", most, want)
	}
	if printed[1].Change != -26 { // −26.47
		t.Errorf("recency changed by %d, want -26", printed[1].Change)
	}
}

func TestRoundAddsUp(t *testing.T) {
	if got := Round([]*big.Rat{big.NewRat(1, 2), nil, big.NewRat(1, 2), big.NewRat(1, 2)}); !slices.Equal(got, []int64{1, 0, 1, 0}) {
		t.Errorf("three halves are %v: 1.5 is 2, given to the first of equals", got)
	}
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.Int64Range(-3000, 3000), 0, 12).Draw(t, "hundredths")
		rats := make([]*big.Rat, len(parts))
		var sum int64
		for i, p := range parts {
			rats[i], sum = big.NewRat(p, 100), sum+p
		}
		want := (sum + 50) / 100 // half up ...
		if sum < 0 {
			want = -((50 - sum) / 100) // ... away from zero
		}
		var got int64
		for i, n := range Round(rats) {
			got += n
			if d := 100*n - parts[i]; d <= -100 || d >= 100 {
				t.Fatalf("%d hundredths became %d", parts[i], n)
			}
		}
		if got != want {
			t.Fatalf("the rounded parts add up to %d, the sum rounds to %d", got, want)
		}
	})
}

func TestHealthSentences(t *testing.T) {
	got := HealthReason("acme", "red", "2026-11-20", Print(acme()))
	want := "acme: health 44 is red since 2026-11-20: 1 active day in 30 (−28 of 35), no activity for 16 days (−27 of 30), paying for 200 days (−1 of 6)"
	if got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	for _, tc := range []struct {
		c    Contribution
		want string
	}{
		{Contribution{Reads: SurveyAnswer, Survey: "NPS", Value: ptr(3000)}, "last NPS answer 3"},
		{Contribution{Reads: SurveyAnswer, Survey: "CSAT", Value: ptr(2500)}, "last CSAT answer 2.5"},
		{Contribution{Reads: SurveyAnswer, Value: ptr(9000)}, "last survey answer 9"},
		{Contribution{Reads: OpenTicketHours, Value: ptr(50)}, "a ticket open for 50 hours"},
		{Contribution{Reads: OpenTicketHours}, "no open ticket"},
		{Contribution{Reads: LateInvoices, Value: ptr(1)}, "1 late invoice"},
		{Contribution{Reads: RecencyDays, Value: ptr(0)}, "active today"},
		{Contribution{Reads: ActiveDays, Value: ptr(0), Window: 30}, "0 active days in 30"},
	} {
		if got := tc.c.phrase(); got != tc.want {
			t.Errorf("phrase %q, want %q", got, tc.want)
		}
	}
	amber := Health{61, []Printed{{Signal: "recency", Weighted: 61, Most: 100}}}
	if got := HealthResolved("acme", "red", "amber", "2026-11-24", amber); got != "acme: health 61 is amber, no longer red since 2026-11-24" {
		t.Error(got)
	}
	// Nothing is there to make a score of: there is none, and not 0.
	if got := HealthResolved("acme", "red", "unknown", "2026-11-24", Print(nil)); got != "acme: health is unknown, no longer red since 2026-11-24" {
		t.Error(got)
	}
	if got := HealthReason("acme", "no longer red, and was", "2026-11-20", Print(nil)); got != "acme: health is no longer red, and was since 2026-11-20" {
		t.Error(got)
	}
}

func TestKPISentences(t *testing.T) {
	low := stickinessLow(3)
	low.Segment = "plan=pro"
	for _, tc := range []struct {
		got, want string
	}{
		{KPIReason(churnHigh(2), Verdict{Firing: true, Since: 20_777, Day: 20_779, Value: big.NewRat(9119, 100_000)}),
			"customer_churn_rate (30d) is 0.09119 on 2026-11-22, above 0.08 since 2026-11-20"},
		{KPIReason(low, Verdict{Firing: true, Provisional: true, Since: 20_777, Day: 20_779, Value: big.NewRat(1, 8)}),
			"stickiness (30d, plan=pro) is 0.125 on 2026-11-22, below 0.15 since 2026-11-20; provisional, the day is not over"},
		// Four digits would make it 0.08.
		{KPIReason(churnHigh(1), Verdict{Firing: true, Since: 20_779, Day: 20_779, Value: big.NewRat(80_000_001, 1_000_000_000)}),
			"customer_churn_rate (30d) is 0.080000001 on 2026-11-22, above 0.08 since 2026-11-22"},
		{KPIResolved(churnHigh(2), Verdict{Day: 20_780, Value: big.NewRat(65, 1000)}),
			"customer_churn_rate (30d) is 0.065 on 2026-11-23, at or below 0.07"},
		{KPIResolved(low, Verdict{Day: 20_780, Value: big.NewRat(1, 5)}),
			"stickiness (30d, plan=pro) is 0.2 on 2026-11-23, at or above 0.17"},
		{KPIResolved(churnHigh(2), Verdict{Day: 20_780, Value: big.NewRat(75, 1000)}),
			"customer_churn_rate (30d) is 0.075 on 2026-11-23, not above 0.08 for 2 complete days"},
		{KPIResolved(churnHigh(2), Verdict{}), "customer_churn_rate (30d) has no value, not above 0.08 for 2 complete days"},
	} {
		if tc.got != tc.want {
			t.Errorf("\n got %s\nwant %s", tc.got, tc.want)
		}
	}
	if got := number(big.NewRat(162_500_049, 100), nil); got != "1625000" {
		t.Errorf("money is written %s", got)
	}
}

func TestEncode(t *testing.T) {
	a := Alert{
		Source: "tidemark/prod", Rule: "at_risk", Subject: "acme<1>", Firing: true, Severity: "warning", Time: 1_795_305_600_000,
		Value: "44", Threshold: "50", Since: "2026-11-20", Reason: "because", Contributions: Print(acme()).Parts,
		MRR: &Amount{25_000, "USD"}, Cause: Cause{Topic: "logins", Partition: 3, Offset: 0},
	}
	b, err := a.Encode(7)
	if err != nil {
		t.Fatal(err)
	}
	again, err := a.Encode(7)
	if err != nil || string(again) != string(b) {
		t.Errorf("the same alert encodes as %s and %s (%v)", b, again, err)
	}
	for _, part := range []string{
		`{"specversion":"1.0","id":"at_risk|acme<1>|7|firing","source":"tidemark/prod","type":"tidemark.alert.firing","subject":"acme<1>",` +
			`"time":"2026-11-22T00:00:00Z","datacontenttype":"application/json","data":{"rule":"at_risk","severity":"warning","episode":7,` +
			`"value":44,"threshold":50,"since":"2026-11-20","reason":"because","contributions":[`,
		`{"signal":"recency","value":16,"points":1,"max_points":10,"weighted":3,"most":30,"change":-26}`,
		`{"signal":"tickets","points":10,`,
		`"mrr":{"amount":25000,"currency":"USD"},"cause":{"topic":"logins","partition":3,"offset":0}}}`,
	} {
		if !strings.Contains(string(b), part) {
			t.Errorf("%s\nlacks %s", b, part)
		}
	}
	told, err := Decode(b)
	if err != nil || told.State != StateFiring || told.Subject != "acme<1>" || told.Episode != 7 || told.Since != "2026-11-20" ||
		*told.Value != "44" || told.MRR.Amount != 25_000 || len(told.Contributions) != 5 || told.Contributions[1].Weighted != 3 {
		t.Errorf("read back: %+v (%v)", told, err)
	}
	for _, damaged := range []string{"", "[]", `{"type":"login"}`} {
		if _, err := Decode([]byte(damaged)); err == nil {
			t.Errorf("%q was read as an alert", damaged)
		}
	}
	a = Alert{Rule: "churn_high", Subject: "customer_churn_rate", Time: 1_795_305_600_500, Cause: Cause{Timer: "2026-11-22T00:00:00Z"}}
	b, err = a.Encode(12)
	if err != nil {
		t.Fatal(err)
	}
	var e struct {
		ID, Type, Time string
		Data           map[string]any
	}
	if err := json.Unmarshal(b, &e); err != nil {
		t.Fatal(err)
	}
	if e.ID != "churn_high|customer_churn_rate|12|resolved" || e.Type != TypeResolved || e.Time != "2026-11-22T00:00:00.5Z" {
		t.Errorf("resolved: %+v", e)
	}
	if v, ok := e.Data["value"]; !ok || v != nil {
		t.Errorf("no value is written as %v", v)
	}
	cause, _ := e.Data["cause"].(map[string]any)
	if len(cause) != 1 || cause["timer"] != "2026-11-22T00:00:00Z" {
		t.Errorf("cause %v names more than its timer", cause)
	}
}

// TestPrintRoundsTheScoreDown: 24.8 + 24.8 is 49.6. Bands begin at their edge, so
// that is 49 and not 50, and the parts add up to 49.
func TestPrintRoundsTheScoreDown(t *testing.T) {
	part := Contribution{Weighted: big.NewRat(248, 10), Most: big.NewRat(50, 1)}
	h := Print([]Contribution{part, part})
	score, printed := h.Score, h.Parts
	if sum := printed[0].Weighted + printed[1].Weighted; score != 49 || sum != 49 {
		t.Fatalf("score %d, parts add up to %d", score, sum)
	}
}
