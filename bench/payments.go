package main

import (
	"context"
	"fmt"

	"github.com/tidemark-io/tidemark/consumer"
	"github.com/tidemark-io/tidemark/event"
)

// yearOf are the subscriptions of a customer of the second half of the part bytes.
var yearOf = []string{"base", "seats", "support", "storage"}

// payers is how many such customers there are.
func (b *bench) payers() int { return max(1000, b.users/50) }

// paymentsRound stores customers with a year of monthly payments. What they take
// is counted with their places in rows and timers.
func (b *bench) paymentsRound(ctx context.Context, t *table) error {
	records := 0
	size, keys, err := b.stored(ctx, func(d *direct) error {
		err := d.payments(ctx, b.payers())
		for _, n := range d.sizes {
			records += n
		}
		return err
	})
	if err != nil {
		return err
	}
	n := float64(b.payers())
	t.add("bytes a customer of the stored records", float64(records)/n)
	t.add("Redis bytes a customer (used_memory)", float64(size)/n)
	t.add("keys for 1,000 customers", 1000*float64(keys)/n)
	return nil
}

// payments applies the payments of this shard's customers month by month, a commit
// each, with a watermark that follows them.
func (d *direct) payments(ctx context.Context, customers int) error {
	const month = 30 * msDay
	for m := range 12 {
		var batch []event.Event
		for k := range customers {
			id := customerID(nil, k)
			p, err := consumer.Partition(consumer.Murmur2, id, partitions)
			if err != nil {
				return err
			}
			if p != d.shard {
				continue
			}
			for i, name := range yearOf {
				amount := prices[(k+i)%len(prices)]
				monthly, _ := event.Monthly(amount, event.Month, 1) // exact
				batch = append(batch, event.Event{Kind: event.Purchase, Source: []byte("/acme/billing"), Customer: id,
					ID: fmt.Appendf(nil, "in_%08d", (m*customers+k)*len(yearOf)+i), Time: streamStart + int64(m)*month + int64(7*i)*msDay + int64(k%24)*msHour,
					Purchase: event.PurchaseData{Subscription: []byte(name), Amount: amount, Currency: currencyUSD,
						Interval: event.Month, Count: 1, Monthly: monthly}})
			}
		}
		if err := d.apply(ctx, batch); err != nil {
			return err
		}
		if err := d.advance(ctx, streamStart+int64(m)*month+22*msDay); err != nil {
			return err
		}
		if err := d.commit(ctx); err != nil {
			return err
		}
	}
	return nil
}
