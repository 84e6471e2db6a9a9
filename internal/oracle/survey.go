package oracle

import (
	"math/big"

	"github.com/tidemark-io/tidemark/event"
)

// onTen puts an NPS score onto 0-10, as num/den. On 1-10 it is taken as it is.
func onTen(s event.SurveyData) (num, den int64) {
	if (s.Min == 0 || s.Min == 1000) && s.Max == 10000 {
		return int64(s.Score), 1000
	}
	return 10 * (int64(s.Score) - int64(s.Min)), int64(s.Max) - int64(s.Min)
}

// onFive puts a CSAT score onto 1-5, as num/den.
func onFive(s event.SurveyData) (num, den int64) {
	width := int64(s.Max) - int64(s.Min)
	return width + 4*(int64(s.Score)-int64(s.Min)), width
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

// satisfied says whether a CSAT answer, stretched to 1-5, is not below the least
// score of a satisfied one. With the usual 4, of 1-10 the top three are satisfied.
func satisfied(s event.SurveyData, least int32) bool {
	if s.Min == 1000 && s.Max == 10000 && least == 4000 {
		return s.Score >= 8000
	}
	num, den := onFive(s)
	return 1000*num >= int64(least)*den
}

// easy says whether a CES answer is of 5-7 on 1-7, another scale stretched to it.
func easy(s event.SurveyData) bool {
	onSeven := new(big.Rat).Mul(share(s, s.Score), big.NewRat(6, 1))
	return onSeven.Cmp(big.NewRat(4, 1)) >= 0
}

// share is how far up its scale a score lies, 0 to 1.
func share(s event.SurveyData, score int32) *big.Rat {
	return big.NewRat(int64(score)-int64(s.Min), int64(s.Max)-int64(s.Min))
}

// cliScore is a score on 1-10: whole millionths, and what is left over by the width
// of the scale.
type cliScore struct {
	millionths int64
	width      string // of the scale, "" where nothing is left over
	rest       int64  // in 1/width of a millionth
}

// cliScores are a CLI answer's scores by question. An answer without named ones is
// of the question "". A scale that is 1 to 100 wide, a whole number, leaves over
// what is less than a millionth; on others it is rounded, halves up.
func cliScores(s event.SurveyData) map[string]cliScore {
	scores := map[string]int32{}
	for _, a := range s.Answers {
		scores[string(a.Name)] = a.Score
	}
	if len(s.Answers) == 0 {
		scores[""] = s.Score
	}
	width := new(big.Rat).SetFrac64(int64(s.Max)-int64(s.Min), 1000)
	out := map[string]cliScore{}
	for name, score := range scores {
		x := share(s, score)
		x.Mul(x, big.NewRat(9_000_000, 1)).Add(x, big.NewRat(1_000_000, 1))
		exact := width.IsInt() && width.Cmp(big.NewRat(100, 1)) <= 0
		if !exact {
			x.Add(x, big.NewRat(1, 2))
		}
		whole := new(big.Int).Quo(x.Num(), x.Denom())
		c := cliScore{millionths: whole.Int64()}
		x.Sub(x, new(big.Rat).SetInt(whole)).Mul(x, width)
		if exact && x.Sign() > 0 {
			c.width, c.rest = width.RatString(), x.Num().Int64()
		}
		out[name] = c
	}
	return out
}

// question is what one answer at a time counts for; kind 0 is an invitation.
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
			if a.Kind == event.Signal { // an invitation to a CSAT survey
				counts[question{0, a.user(), string(a.Signal.Ref), ""}] = event.SurveyData{}
				continue
			}
			respondent := string(a.Survey.Respondent)
			if len(a.Survey.Respondent) == 0 {
				respondent = r.id
			}
			counts[question{a.Survey.Kind, respondent, string(a.Survey.Campaign), string(a.Survey.Ref)}] = a.Survey
		}
	}
	return counts
}
