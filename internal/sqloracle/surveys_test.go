package sqloracle_test

import (
	"fmt"
	"testing"
)

// The worked examples of kpis.md: 60 % − 30 % → 30; 70 % − 10 % → 60; 30, 60, 10
// of 100 → 20; 400 of 500 satisfied → 0.80.
func TestScores(t *testing.T) {
	for _, tc := range []struct {
		promoters, passives, detractors int
		nps                             string
	}{{60, 10, 30, "30"}, {70, 20, 10, "60"}, {30, 60, 10, "20"}} {
		f := newFacts(t)
		for i := range tc.promoters + tc.passives + tc.detractors {
			score := "6"
			switch {
			case i < tc.promoters:
				score = "9"
			case i < tc.promoters+tc.passives:
				score = "7"
			}
			f.answer("2024-03-01", fmt.Sprint("c", i), "nps", score)
		}
		f.expect(f.compute(f.days("2024-03-01", "2024-03-01")), map[string]string{
			"nps 30d on 2024-03-01":        tc.nps,
			"promoters 90d on 2024-03-01":  fmt.Sprint(tc.promoters),
			"passives 90d on 2024-03-01":   fmt.Sprint(tc.passives),
			"detractors 90d on 2024-03-01": fmt.Sprint(tc.detractors),
		})
	}
	f := newFacts(t)
	for i := range 500 {
		score := "4"
		if i >= 400 {
			score = "3"
		}
		f.answer("2024-03-01", fmt.Sprint("c", i), "csat", score)
	}
	f.expect(f.compute(f.days("2024-03-01", "2024-03-01")), map[string]string{"csat 90d on 2024-03-01": "0.8"})
}

// The latest answer of a respondent and campaign counts, for its window.
func TestSecondAnswers(t *testing.T) {
	f := newFacts(t)
	f.answer("2024-03-01", "acme", "nps", "3")
	f.answer("2024-03-10", "acme", "nps", "10")
	f.add("2024-03-01", "survey", "acme", `"kind":"nps","score":8,"respondent":"ann"`)
	f.add("2024-03-01", "survey", "acme", `"kind":"nps","score":8,"campaign":"spring"`)
	f.expect(f.compute(f.days("2024-03-01", "2024-04-09")), map[string]string{
		"detractors 30d on 2024-03-09": "1",
		"detractors 30d on 2024-03-10": "0",
		"promoters 30d on 2024-03-10":  "1",
		"passives 30d on 2024-03-30":   "2",
		"passives 30d on 2024-03-31":   "0",
		"promoters 30d on 2024-04-08":  "1",
		"promoters 30d on 2024-04-09":  "0",
		"nps 30d on 2024-04-09":        "null",
	})
}

// Other scales: 1–10 as it is for nps, 0–100 by a tenth; the top three of 1–10
// and the top quarter of 0–3 for csat; 5–7 of 1–7, and 3–4 of 1–4 (4.0 is 3/6 up
// the scale, not 4/6) for ces.
func TestScales(t *testing.T) {
	scaled := func(kind, score, low, high string) string {
		return fmt.Sprintf(`"kind":%q,"score":%s,"scale":{"min":%s,"max":%s}`, kind, score, low, high)
	}
	for _, tc := range []struct{ body, key, value string }{
		{scaled("nps", "6", "1", "10"), "detractors", "1"},
		{scaled("nps", "7", "1", "10"), "passives", "1"},
		{scaled("nps", "89.5", "0", "100"), "passives", "1"},
		{scaled("nps", "90", "0", "100"), "promoters", "1"},
		{scaled("csat", "8", "1", "10"), "csat", "1"},
		{scaled("csat", "7.5", "1", "10"), "csat", "0"},
		{scaled("csat", "2.25", "0", "3"), "csat", "1"},
		{scaled("csat", "2", "0", "3"), "csat", "0"},
		{`"kind":"ces","score":5`, "ces", "1"},
		{`"kind":"ces","score":4.5`, "ces", "0"},
		{scaled("ces", "3", "1", "4"), "ces", "1"},
	} {
		f := newFacts(t)
		f.add("2024-03-01", "survey", "acme", tc.body)
		f.expect(f.compute(f.days("2024-03-01", "2024-03-01")), map[string]string{tc.key + " 90d on 2024-03-01": tc.value})
	}
}

// The worked example of kpis.md: mean 8.5 → 85; 83.33. The question a has the
// answers 9 and 10, mean 9.5; b only one, 7.5: the mean of both means is 8.5.
func TestCLI(t *testing.T) {
	f := newFacts(t)
	f.add("2024-03-01", "survey", "acme", `"kind":"cli","score":1,"answers":{"a":9,"b":7.5}`)
	f.add("2024-03-01", "survey", "blue", `"kind":"cli","score":1,"answers":{"a":10}`)
	f.expect(f.compute(f.days("2024-03-01", "2024-05-30")), map[string]string{
		"cli 30d on 2024-03-01": "85", "cli_norm 30d on 2024-03-01": "83.33333333333333",
		"cli 30d on 2024-03-31": "null", "cli_norm 90d on 2024-05-29": "83.33333333333333", "cli_norm 90d on 2024-05-30": "null",
	})
	f = newFacts(t) // 0–4: 3 is 1 + 9 × 3/4 = 7.75 on 1–10; with 8.25 the mean is 8
	f.add("2024-03-01", "survey", "acme", `"kind":"cli","score":3,"scale":{"min":0,"max":4}`)
	f.add("2024-03-01", "survey", "blue", `"kind":"cli","score":8.25`)
	f.expect(f.compute(f.days("2024-03-01", "2024-03-01")), map[string]string{"cli 30d on 2024-03-01": "80"})
}

// Two are asked, one of them twice for the same campaign; one answers.
func TestResponseRate(t *testing.T) {
	f := newFacts(t)
	f.add("2024-03-01", "signal", "acme", `"name":"survey_sent","ref":"spring"`)
	f.add("2024-03-05", "signal", "acme", `"name":"survey_sent","ref":"spring"`)
	f.add("2024-03-05", "signal", "acme", `"name":"survey_sent","ref":"spring","user":"ann"`)
	f.answer("2024-03-06", "acme", "csat", "5")
	f.expect(f.compute(f.days("2024-03-04", "2024-03-06")), map[string]string{
		"response_rate 30d on 2024-03-04": "0", "response_rate 30d on 2024-03-06": "0.5", "csat 30d on 2024-03-06": "1",
	})
}
