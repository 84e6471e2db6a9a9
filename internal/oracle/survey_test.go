package oracle_test

import (
	"fmt"
	"testing"

	"github.com/tidemark-io/tidemark/event"
)

// 60 % - 30 % -> 30; 70 % - 10 % -> 60; 30, 60, 10 of 100 -> 20; each of ten answers.
func TestNPS(t *testing.T) {
	for _, c := range []struct{ promoters, passives, detractors, nps int64 }{
		{6, 1, 3, 30}, {7, 2, 1, 60}, {3, 6, 1, 20},
	} {
		s := scenario(t, "UTC")
		for i := range 10 {
			score := int32(9 + i%2) // 9 and 10
			if i >= int(c.promoters) {
				score = int32(7 + i%2)
			}
			if i >= int(c.promoters+c.passives) {
				score = int32(6 - i%7)
			}
			s.answers(fmt.Sprintf("c%d", i), "", event.NPS, score, 0, 10, "2024-03-01 09:00")
		}
		r := s.rest("2024-03-02")
		r.level("NPSPromoters90", "2024-03-01", c.promoters)
		r.level("NPSPassives90", "2024-03-01", c.passives)
		r.level("NPSDetractors90", "2024-03-01", c.detractors)
		if nps := 100 * (c.promoters - c.detractors) / 10; nps != c.nps {
			t.Errorf("NPS %d, want %d", nps, c.nps)
		}
	}
}

// 400 of 500 -> 0.80, as 4 of 5.
func TestCSAT(t *testing.T) {
	s := scenario(t, "UTC")
	for i, score := range []int32{4, 5, 4, 5, 3} {
		s.answers("c", fmt.Sprintf("r%d", i), event.CSAT, score, 1, 5, "2024-03-01 09:00")
	}
	r := s.rest("2024-03-02")
	r.level("CSATSatisfied30", "2024-03-01", 4)
	r.level("CSATAnswers30", "2024-03-01", 5)
	r.level("CSATSatisfied30", "2024-03-30", 4)
	r.level("CSATAnswers30", "2024-03-31", 0)
	r.level("CSATAnswers90", "2024-03-31", 5)
	r.level("NPSPromoters30", "2024-03-01", 0)
}

// The latest answer of a question counts, as long as it lies in the window.
func TestLatestAnswer(t *testing.T) {
	s := scenario(t, "UTC")
	s.answers("c", "r", event.NPS, 10, 0, 10, "2024-03-01 09:00")
	s.answers("c", "r", event.NPS, 3, 0, 10, "2024-03-11 09:00")
	s.answers("c", "q", event.NPS, 8, 0, 10, "2024-03-11 09:00") // somebody else
	s.answers("c", "r", event.CSAT, 5, 1, 5, "2024-03-12 09:00") // something else
	s.answers("c", "r", event.NPS, 9, 0, 10, "2024-03-12 09:00").Survey.Campaign = []byte("spring")
	s.answers("c", "r", event.NPS, 9, 0, 10, "2024-03-12 09:00").Survey.Ref = []byte("t1")
	s.answers("c", "", event.NPS, 2, 0, 10, "2024-03-12 09:00")
	s.answers("c", "c", event.NPS, 9, 0, 10, "2024-03-12 10:00") // the same: c itself
	r := s.rest("2024-04-02")
	for _, c := range []struct {
		date                            string
		promoters, passives, detractors int64
	}{
		{"2024-03-01", 1, 0, 0}, {"2024-03-10", 1, 0, 0}, {"2024-03-11", 0, 1, 1}, {"2024-03-12", 3, 1, 1},
		{"2024-04-09", 3, 1, 1}, {"2024-04-10", 3, 0, 0}, {"2024-04-11", 0, 0, 0},
	} {
		r.level("NPSPromoters30", c.date, c.promoters)
		r.level("NPSPassives30", c.date, c.passives)
		r.level("NPSDetractors30", c.date, c.detractors)
	}
	r.level("CSATSatisfied30", "2024-03-12", 1)
	r.level("NPSPromoters90", "2024-04-11", 3)
}

// An answer that is earlier in the order but read later changes nothing; of
// two at one moment the later id counts.
func TestAnswersAtOneMoment(t *testing.T) {
	s := scenario(t, "UTC")
	s.answers("c", "r", event.NPS, 3, 0, 10, "2024-03-01 09:00").ID = []byte("b")
	s.answers("c", "r", event.NPS, 10, 0, 10, "2024-03-01 09:00").ID = []byte("a")
	s.answers("c", "r", event.NPS, 10, 0, 10, "2024-03-01 08:00").ID = []byte("z")
	s.rest("2024-03-02").level("NPSDetractors30", "2024-03-01", 1)
}

// Scores on other scales, in thousandths, at the edges of their classes.
func TestScales(t *testing.T) {
	for _, c := range []struct {
		kind            event.SurveyKind
		score, min, max int32
		counter         string
		want            int64
	}{
		{event.NPS, 9000, 0, 10000, "NPSPromoters30", 1},
		{event.NPS, 8999, 0, 10000, "NPSPassives30", 1},
		{event.NPS, 7000, 0, 10000, "NPSPassives30", 1},
		{event.NPS, 6999, 0, 10000, "NPSDetractors30", 1},
		{event.NPS, 7000, 1000, 10000, "NPSPassives30", 1},   // 1-10 as it is
		{event.NPS, 6000, 1000, 10000, "NPSDetractors30", 1}, // not (6-1)/9
		{event.NPS, 90000, 0, 100000, "NPSPromoters30", 1},
		{event.NPS, 89999, 0, 100000, "NPSPassives30", 1},
		{event.NPS, 4600, 1000, 5000, "NPSPromoters30", 1}, // 3.6 of 4
		{event.NPS, 4599, 1000, 5000, "NPSPassives30", 1},
		{event.NPS, 3800, 1000, 5000, "NPSPassives30", 1}, // 2.8 of 4
		{event.NPS, 3799, 1000, 5000, "NPSDetractors30", 1},
		{event.CSAT, 4000, 1000, 5000, "CSATSatisfied30", 1},
		{event.CSAT, 3999, 1000, 5000, "CSATSatisfied30", 0},
		{event.CSAT, 8000, 1000, 10000, "CSATSatisfied30", 1},
		{event.CSAT, 7999, 1000, 10000, "CSATSatisfied30", 0}, // 7.75 would be three quarters
		{event.CSAT, 2250, 0, 3000, "CSATSatisfied30", 1},
		{event.CSAT, 2249, 0, 3000, "CSATSatisfied30", 0},
		{event.CES, 7000, 1000, 7000, "CSATAnswers30", 0},
		{event.CLI, 10000, 1000, 10000, "NPSPromoters30", 0},
	} {
		s := scenario(t, "UTC")
		a := s.answers("c", "", c.kind, 0, 0, 0, "2024-03-01 09:00")
		a.Survey.Score, a.Survey.Min, a.Survey.Max = c.score, c.min, c.max
		s.rest("2024-03-02").level(c.counter, "2024-03-01", c.want)
	}
}
