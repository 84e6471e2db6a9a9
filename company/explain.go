package company

import (
	"math/big"
	"slices"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/alert"
	"github.com/tidemark-io/tidemark/event"
)

var reads = map[aggregator.Read]alert.Reads{
	aggregator.ActiveDays: alert.ActiveDays, aggregator.RecencyDays: alert.RecencyDays, aggregator.LastSurvey: alert.SurveyAnswer,
	aggregator.TicketHours: alert.OpenTicketHours, aggregator.LateInvoices: alert.LateInvoices, aggregator.TenureDays: alert.TenureDays,
}

// Contributions puts what a record's score is made of into the words of alerts.
// The profile is the one that the score was computed with.
func Contributions(v *aggregator.View, p aggregator.Profile) []alert.Contribution {
	var weight int64
	for _, c := range v.Contributions {
		weight += c.Weight
	}
	out := make([]alert.Contribution, len(v.Contributions))
	for i, c := range v.Contributions {
		out[i] = alert.Contribution{
			Signal: c.Signal, Reads: reads[c.Read], Points: c.Points, MaxPoints: c.MaxPoints,
			Weighted: c.Share, Most: big.NewRat(100*c.Weight, weight),
		}
		switch c.Survey {
		case event.NPS:
			out[i].Survey = "NPS"
		case event.CSAT:
			out[i].Survey = "CSAT"
		}
		if !c.None {
			value := c.Value
			out[i].Value = &value
		}
		if s := slices.IndexFunc(p.Signals, func(s aggregator.Signal) bool { return s.Name == c.Signal }); s >= 0 {
			out[i].Window = int(p.Signals[s].Window)
		}
	}
	return out
}
