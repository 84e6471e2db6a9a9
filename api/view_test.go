package api

import (
	"math/big"
	"testing"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/alert"
	"github.com/tidemark-io/tidemark/event"
)

func TestViewOf(t *testing.T) {
	eur, usd := event.Currency{'E', 'U', 'R'}, event.Currency{'U', 'S', 'D'}
	v := &aggregator.View{
		Customer: "acme", Now: 1_795_305_600_000, Band: aggregator.Red, Score: big.NewRat(200, 10),
		Contributions: []aggregator.Contribution{
			{Signal: "activity", Read: aggregator.ActiveDays, Value: 1, Points: 2, MaxPoints: 10, Weight: 30, Share: big.NewRat(20, 1)},
		},
		MRR:          map[event.Currency]int64{usd: 2500 * event.MonthlyUnit, eur: event.MonthlyUnit / 2, {'G', 'B', 'P'}: 0},
		FirstPaidDay: 20_700, EverPaid: true, LastActiveDay: 20_770, Active: true, Users: 3,
	}
	got := ViewOf(v, aggregator.DefaultProfile(), []alert.Told{{Rule: "at_risk"}})
	if got.Band != "red" || !got.Paying || *got.Score != 20 || got.FirstPaidDay != "2026-09-04" || got.LastActiveDay != "2026-11-13" ||
		got.Now != "2026-11-22T00:00:00Z" || got.Users != 3 || got.Alerts[0].Rule != "at_risk" {
		t.Errorf("%+v", got)
	}
	if len(got.MRR) != 2 || got.MRR[0] != (alert.Amount{Amount: 1, Currency: "EUR"}) || got.MRR[1] != (alert.Amount{Amount: 2500, Currency: "USD"}) {
		t.Errorf("MRR %+v", got.MRR)
	}
	if c := got.Contributions[0]; c.Weighted != 20 || c.Most != 100 {
		t.Errorf("contribution %+v", c)
	}
	gone := ViewOf(&aggregator.View{Customer: "x"}, aggregator.DefaultProfile(), nil)
	if gone.Band != "gone" || gone.Paying || gone.Score != nil || gone.FirstPaidDay != "" || gone.LastActiveDay != "" {
		t.Errorf("gone: %+v", gone)
	}
}
