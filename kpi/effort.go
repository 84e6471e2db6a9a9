package kpi

import (
	"cmp"
	"math/big"

	"github.com/tidemark-io/tidemark/aggregator"
)

// Effort and loyalty.
//
// Formula: ces = answers of 5 to 7 on 1–7 / answers. cli: of each question the mean
// of its scores on 1–10, then the mean of these means; cli = that × 10, cli_norm =
// (that − 1) / 9 × 100. Of each respondent and campaign (or ref) the latest answer
// within the window counts.
//
// Unit: ces a ratio; cli points, 10 to 100; cli_norm points, 0 to 100; none is
// rounded. Of cli and cli_norm numerator / denominator is the value / 100 as a
// reduced fraction. Source: CESEasy and CESAnswers, and CLISum, CLIRest and
// CLIAnswers by question, 30 and 90, of row d.
//
// Edge cases: no answers gives null; fewer than min_sample (30) are published with
// low_sample. An answer with named scores (answers) counts by these, one without
// as the question "". Each question weighs the same, however many answered it. A
// score on another scale is stretched to 1–7 or 1–10, exactly; only of scales that
// are no whole number wide, or more than 100, what is no whole number of millionths
// on 1–10 is rounded to one. Each shard keeps 249 questions apart, later ones count as other; of
// one answer 32.
//
// Worked example: of 10 answers 7 are 5 or more: ces 0.7. Questions buy with 8 and
// 9, stay with 8.5: means 8.5 and 8.5, cli 85, cli_norm 83.33.
var (
	ces = KPI{
		Name: "ces", Unit: Ratio, Windows: surveyWindows, Default: "90d", Formula: "ces/1",
		Description: "Customer effort score: share of answers that found it easy",
		Definition:  "answers of 5 to 7 on 1–7 / answers",
		Example:     "7 of 10: 0.7",
		parts: func(p point) parts {
			if p.days == 30 {
				return share(p.level(aggregator.CESEasy30), p.level(aggregator.CESAnswers30))
			}
			return share(p.level(aggregator.CESEasy90), p.level(aggregator.CESAnswers90))
		},
	}
	cli = KPI{
		Name: "cli", Unit: Points, Windows: surveyWindows, Default: "90d", Formula: "cli/1",
		Description: "Customer loyalty index",
		Definition:  "mean of the questions' means on 1–10, × 10",
		Example:     "a mean of 8.5: 85",
		parts: func(p point) parts {
			return p.loyalty(func(mean *big.Rat) *big.Rat { return mean.Mul(mean, big.NewRat(1, 10)) })
		},
	}
	cliNorm = KPI{
		Name: "cli_norm", Unit: Points, Windows: surveyWindows, Default: "90d", Formula: "cli_norm/1",
		Description: "Customer loyalty index, from 0 to 100",
		Definition:  "(mean of the questions' means on 1–10 − 1) / 9 × 100",
		Example:     "a mean of 8.5: 83.33",
		parts: func(p point) parts {
			return p.loyalty(func(mean *big.Rat) *big.Rat { return mean.Sub(mean, big.NewRat(1, 1)).Mul(mean, big.NewRat(1, 9)) })
		},
	}
)

var surveyWindows = []string{"30d", "90d"}

// loyalty is what a function makes of the mean of the questions' means on 1–10: a
// hundredth of the value. The sample is the answers to the most answered question.
func (p point) loyalty(value func(*big.Rat) *big.Rat) parts {
	sum, answers, rest := aggregator.CLISum90, aggregator.CLIAnswers90, aggregator.CLIRest90
	if p.days == 30 {
		sum, answers, rest = aggregator.CLISum30, aggregator.CLIAnswers30, aggregator.CLIRest30
	}
	rests := map[string]*big.Rat{} // millionths by question
	for _, label := range p.Levels.Labels(rest, p.segment, p.day) {
		if width, question, ok := aggregator.ParseRestLabel(label); ok {
			rests[question] = plus(cmp.Or(rests[question], new(big.Rat)), big.NewRat(p.labelled(rest, label), width))
		}
	}
	out := parts{sample: true}
	means, questions := new(big.Rat), int64(0)
	for _, label := range p.Levels.Labels(answers, p.segment, p.day) {
		n := p.labelled(answers, label)
		if n == 0 {
			continue
		}
		scores := plus(big.NewRat(p.labelled(sum, label), 1), cmp.Or(rests[label], new(big.Rat)))
		means.Add(means, scores.Mul(scores, big.NewRat(1, n*1_000_000)))
		questions++
		out.size = max(out.size, n)
	}
	if questions == 0 {
		return out
	}
	out.num, out.den = fraction(value(means.Quo(means, big.NewRat(questions, 1))))
	return out
}

// fraction gives a number as a fraction of integers, to 15 decimals where the
// exact one does not fit.
func fraction(r *big.Rat) (num, den int64) {
	if r.Num().IsInt64() && r.Denom().IsInt64() {
		return r.Num().Int64(), r.Denom().Int64()
	}
	const scale = 1_000_000_000_000_000
	return round(new(big.Rat).Mul(r, big.NewRat(scale, 1))), scale
}
