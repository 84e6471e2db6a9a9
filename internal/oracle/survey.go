package oracle

import "github.com/tidemark-io/tidemark/event"

// onTen puts an NPS score onto 0-10, as num/den. On 1-10 it is taken as it is.
func onTen(s event.SurveyData) (num, den int64) {
	if (s.Min == 0 || s.Min == 1000) && s.Max == 10000 {
		return int64(s.Score), 1000
	}
	return 10 * int64(s.Score-s.Min), int64(s.Max - s.Min)
}

// onFive puts a CSAT score onto 1-5, as num/den.
func onFive(s event.SurveyData) (num, den int64) {
	width := int64(s.Max - s.Min)
	return width + 4*int64(s.Score-s.Min), width
}

// npsClass is the class of an NPS answer, as its counter is called.
func npsClass(s event.SurveyData) string {
	num, den := onTen(s)
	switch {
	case num >= 9*den:
		return "NPSPromoters"
	case num >= 7*den:
		return "NPSPassives"
	}
	return "NPSDetractors"
}

// satisfied says whether a CSAT answer is of the top two of 1-5, the top three
// of 1-10, or the top quarter of another scale.
func satisfied(s event.SurveyData) bool {
	if s.Min == 1000 && s.Max == 10000 {
		return s.Score >= 8000
	}
	return 4*int64(s.Score-s.Min) >= 3*int64(s.Max-s.Min)
}

// question is what one answer at a time counts for.
type question struct {
	kind                      event.SurveyKind
	respondent, campaign, ref string
}

// latest gives the answers that count on day d: of those in the n days ending
// with d, the latest of each question.
func (r *record) latest(n int, d int32) map[question]event.SurveyData {
	counts := map[question]event.SurveyData{}
	for _, a := range r.answers {
		if a.day > d-int32(n) && a.day <= d {
			respondent := string(a.Survey.Respondent)
			if len(a.Survey.Respondent) == 0 {
				respondent = r.id
			}
			counts[question{a.Survey.Kind, respondent, string(a.Survey.Campaign), string(a.Survey.Ref)}] = a.Survey
		}
	}
	return counts
}
