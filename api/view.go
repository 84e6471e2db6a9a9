package api

import (
	"context"
	"maps"
	"math/big"
	"slices"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/alert"
	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/company"
	"github.com/tidemark-io/tidemark/event"
)

// Directory answers about customers and alerts from the store.
type Directory struct {
	company.Lists
	Records company.Records
	Profile aggregator.Profile // of the scores
}

// Customers implements Customers.
func (d Directory) Customers(ctx context.Context, q company.CustomerQuery) (company.CustomerPage, error) {
	if q.NPS != "" {
		return d.Records.Answering(ctx, q)
	}
	return d.Lists.Customers(ctx, q)
}

// Customer implements Customers.
func (d Directory) Customer(ctx context.Context, id string) (*CustomerView, error) {
	v, err := d.Records.Customer(ctx, id)
	if err != nil || v == nil {
		return nil, err
	}
	shard, err := d.Records.Shard(ctx, id)
	if err != nil {
		return nil, err
	}
	told, err := d.AlertsAbout(ctx, shard, id)
	if err != nil {
		return nil, err
	}
	return ViewOf(v, d.Profile, told), nil
}

// ViewOf shows a record to people. The profile is the one its score was computed
// with; told are the alerts about the customer.
func ViewOf(v *aggregator.View, p aggregator.Profile, told []alert.Told) *CustomerView {
	out := &CustomerView{
		Customer: v.Customer, Now: alert.Moment(v.Now), Band: v.Band.String(), Paying: v.Band != aggregator.Gone,
		Contributions: []alert.Printed{}, MRR: []alert.Amount{}, Users: v.Users, Attributes: v.Attributes,
		Segments: v.Segments, Alerts: told,
	}
	if v.EverPaid {
		out.FirstPaidDay = civil.Format(v.FirstPaidDay)
	}
	if v.Active {
		out.LastActiveDay = civil.Format(v.LastActiveDay)
	}
	if v.Score != nil {
		h := alert.Print(company.Contributions(v, p))
		out.Score, out.Contributions = &h.Score, h.Parts
	}
	for _, cur := range slices.SortedFunc(maps.Keys(v.MRR), func(a, b event.Currency) int { return slices.Compare(a[:], b[:]) }) {
		if n := v.MRR[cur]; n != 0 {
			amount := alert.Round([]*big.Rat{big.NewRat(n, event.MonthlyUnit)})[0]
			out.MRR = append(out.MRR, alert.Amount{Amount: amount, Currency: cur.String()})
		}
	}
	return out
}
