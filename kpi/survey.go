package kpi

import "github.com/tidemark-io/tidemark/aggregator"

// Survey scores.
//
// Formula: nps = 100 × (promoters − detractors) / answers, where promoters
// answered 9–10 and detractors 0–6 on 0–10; the answers between, the passives,
// stay in the denominator. csat = satisfied / answers, where satisfied are the
// top two of 1–5 (the top three of 1–10). promoters, passives and detractors are
// the numbers of answers of each class. Of each respondent and campaign (or ref)
// the latest answer within the window counts. response_rate = csat answers /
// invitations, where an invitation is a signal survey_sent to a user, its ref the
// campaign; of each user and campaign the latest within the window counts.
//
// Unit: nps points, −100 to 100, not rounded; csat a ratio. Source:
// NPSPromoters, NPSPassives, NPSDetractors, CSATSatisfied, CSATAnswers and
// CSATInvited 30 and 90 of row d.
//
// Edge cases: no answers gives null. Fewer than min_sample (30) are published
// with low_sample. A 1–10 scale is accepted for nps. An answer that is replaced
// counts from its own day to the day before the next; one that leaves the window
// no longer counts. Without survey_sent events nobody knows who was asked:
// response_rate is null. Answers of those who were not asked count all the same,
// so it may lie over 1. Who they are: `tidemark customers --nps detractors`, or
// /api/v1/customers?nps=detractors, lists each customer of whose respondents'
// answers that count any is of the class, with how many are; over all customers
// they add up to the figure. A customer can be in all three lists.
//
// Worked example: of 100 answers 30 are promoters, 60 passives, 10 detractors:
// 100 × (30 − 10) / 100 = 20. 400 of 500 satisfied: 0.8. 500 answers to 2,000
// invitations: response_rate 0.25.
var (
	nps = KPI{
		Name: "nps", Unit: Points, Windows: surveyWindows, Default: "90d", Formula: "nps/1",
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
		Name: "csat", Unit: Ratio, Windows: surveyWindows, Default: "90d", Formula: "csat/1",
		Description: "Customer satisfaction: share of satisfied answers",
		Definition:  "satisfied answers / answers",
		Example:     "400 of 500: 0.8",
		parts: func(p point) parts {
			c := csatCounters[p.days]
			return share(p.level(c[0]), p.level(c[1]))
		},
	}
	responseRate = KPI{
		Name: "response_rate", Unit: Ratio, Windows: surveyWindows, Default: "90d", Formula: "response_rate/1",
		Description: "Share of the invitations to a satisfaction survey that were answered",
		Definition:  "csat answers / invitations (signals survey_sent)",
		Example:     "500 answers to 2,000 invitations: 0.25",
		parts: func(p point) parts {
			if p.days == 30 {
				return ratio(p.level(aggregator.CSATAnswers30), p.level(aggregator.CSATInvited30))
			}
			return ratio(p.level(aggregator.CSATAnswers90), p.level(aggregator.CSATInvited90))
		},
	}
	promoters  = answersOf("promoters", "9 or 10", 0)
	passives   = answersOf("passives", "7 or 8", 1)
	detractors = answersOf("detractors", "0 to 6", 2)
)

func answersOf(name, scores string, class int) KPI {
	return KPI{
		Name: name, Unit: Count, Windows: surveyWindows, Default: "90d", Formula: name + "/1",
		Description: "Latest answers of " + scores + " to the question how likely one is to recommend",
		Definition:  "NPS answers of " + scores + " on 0–10",
		Example:     "30 promoters, 60 passives, 10 detractors: the nps is 20",
		parts:       func(p point) parts { return count(p.level(npsCounters[p.days][class])) },
	}
}

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
