package kpi

import "github.com/tidemark-io/tidemark/aggregator"

// Survey scores.
//
// Formula: nps = 100 × (promoters − detractors) / answers, where promoters
// answered 9–10 and detractors 0–6 on 0–10; the answers between, the passives,
// stay in the denominator. csat = satisfied / answers, where satisfied are the
// top two of 1–5 (the top three of 1–10). Of each respondent and campaign (or
// ref) the latest answer within the window counts.
//
// Unit: nps points, −100 to 100, not rounded; csat a ratio. Source:
// NPSPromoters, NPSPassives, NPSDetractors, CSATSatisfied and CSATAnswers 30 and
// 90 of row d.
//
// Edge cases: no answers gives null. Fewer than min_sample (30) are published
// with low_sample. A 1–10 scale is accepted for nps. An answer that is replaced
// counts from its own day to the day before the next; one that leaves the window
// no longer counts.
//
// Worked example: of 100 answers 30 are promoters, 60 passives, 10 detractors:
// 100 × (30 − 10) / 100 = 20. 400 of 500 satisfied: 0.8.
var (
	nps = KPI{
		Name: "nps", Unit: Points, Windows: []string{"30d", "90d"}, Default: "90d", Formula: "nps/1",
		Description: "Net promoter score",
		Definition:  "100 × (promoters − detractors) / answers",
		Example:     "30 promoters, 60 passives, 10 detractors: 20",
		parts: func(p point) parts {
			c := npsCounters[p.days]
			promoters, passives, detractors := p.level(c[0]), p.level(c[1]), p.level(c[2])
			return share(promoters-detractors, promoters+passives+detractors)
		},
	}
	csat = KPI{
		Name: "csat", Unit: Ratio, Windows: []string{"30d", "90d"}, Default: "90d", Formula: "csat/1",
		Description: "Customer satisfaction: share of satisfied answers",
		Definition:  "satisfied answers / answers",
		Example:     "400 of 500: 0.8",
		parts: func(p point) parts {
			c := csatCounters[p.days]
			return share(p.level(c[0]), p.level(c[1]))
		},
	}
)

// npsCounters: promoters, passives, detractors by days of the window.
var npsCounters = map[int32][3]aggregator.Counter{
	30: {aggregator.NPSPromoters30, aggregator.NPSPassives30, aggregator.NPSDetractors30},
	90: {aggregator.NPSPromoters90, aggregator.NPSPassives90, aggregator.NPSDetractors90},
}

// csatCounters: satisfied, answers by days of the window.
var csatCounters = map[int32][2]aggregator.Counter{
	30: {aggregator.CSATSatisfied30, aggregator.CSATAnswers30},
	90: {aggregator.CSATSatisfied90, aggregator.CSATAnswers90},
}
