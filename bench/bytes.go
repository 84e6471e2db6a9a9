package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/consumer"
	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/store"
)

// activeOf30 is on how many of the 30 days each user of the part bytes is active.
const activeOf30 = 10

// runBytes stores users with 30 days of activity as serve would, by the
// aggregator and the store without Kafka, and asks Redis what they take; then
// customers with a year of payments. Once each: it is the same every time.
func runBytes(ctx context.Context, b *bench) error {
	var t, payments table
	if err := b.bytesRound(ctx, &t); err != nil {
		return err
	}
	if err := b.paymentsRound(ctx, &payments); err != nil {
		return err
	}
	fmt.Printf("%d users of %d customers, ids of 16 and 12 bytes, each active on %d of 30 days, %d shards, once:\n",
		b.users, b.users/usersEach, activeOf30, partitions)
	t.print()
	fmt.Printf("%d customers who paid for %d subscriptions a month for a year, %d shards, once:\n", b.payers(), len(yearOf), partitions)
	payments.print()
	return nil
}

func (b *bench) bytesRound(ctx context.Context, t *table) error {
	size, keys, err := b.stored(ctx, func(d *direct) error { return d.activity(ctx, b.users/usersEach) })
	if err != nil {
		return err
	}
	t.add("Redis bytes a user (used_memory)", float64(size)/float64(b.users))
	t.add("keys for 1,000 users", 1000*float64(keys)/float64(b.users))
	return nil
}

// stored lets fill fill all shards of an empty Redis, and returns by how many
// bytes that has grown, and its keys.
func (b *bench) stored(ctx context.Context, fill func(*direct) error) (size, keys int64, err error) {
	if err := b.startServers(ctx); err != nil {
		return 0, 0, err
	}
	rdb := redis.NewClient(&redis.Options{Addr: b.redis.Addr})
	defer rdb.Close()
	before, err := usedMemory(ctx, rdb)
	if err != nil {
		return 0, 0, err
	}
	st, err := b.openStore(ctx, namespace{name: b.unique("bytes")})
	if err != nil {
		return 0, 0, err
	}
	defer st.Close()
	for shard := range partitions {
		d, err := newDirect(ctx, st, shard)
		if err != nil {
			return 0, 0, err
		}
		if err := fill(d); err != nil {
			return 0, 0, err
		}
	}
	after, err := usedMemory(ctx, rdb)
	if err != nil {
		return 0, 0, err
	}
	keys, err = rdb.DBSize(ctx).Result()
	return after - before, keys, err
}

func usedMemory(ctx context.Context, c *redis.Client) (int64, error) {
	text, err := c.Info(ctx, "memory").Result()
	if err != nil {
		return 0, fmt.Errorf("ask Redis for its memory: %w", err)
	}
	for line := range strings.Lines(text) {
		if v, ok := strings.CutPrefix(line, "used_memory:"); ok {
			return strconv.ParseInt(strings.TrimSpace(v), 10, 64)
		}
	}
	return 0, fmt.Errorf("no used_memory in Redis's answer")
}

// direct is one shard that is fed and committed without Kafka.
type direct struct {
	shard  int
	store  *store.Store
	tenure store.Tenure
	state  *aggregator.Shard
	sizes  map[string]int // of the stored records, with their names
}

// cacheBytes is a shard's part of serve's default cache.
const cacheBytes = 256 << 20 / partitions

func newDirect(ctx context.Context, st *store.Store, shard int) (*direct, error) {
	claimed, err := st.Claim(ctx, shard)
	if err != nil {
		return nil, err
	}
	state, err := aggregator.New(coreOptions())
	if err != nil {
		return nil, err
	}
	return &direct{shard: shard, store: st, tenure: claimed.Tenure, state: state, sizes: map[string]int{}}, nil
}

// activity applies the logins of the customers of this shard, a commit for each
// 50,000.
func (d *direct) activity(ctx context.Context, customers int) error {
	end := int64(streamStart + 30*msDay)
	if err := d.advance(ctx, end); err != nil {
		return err
	}
	var batch []event.Event
	flush := func() error {
		if err := d.apply(ctx, batch); err != nil {
			return err
		}
		batch = batch[:0]
		return d.commit(ctx)
	}
	for k := range customers {
		id := customerID(nil, k)
		p, err := consumer.Partition(consumer.Murmur2, id, partitions)
		if err != nil {
			return err
		}
		if p != d.shard {
			continue
		}
		for u := range usersEach {
			user := userID(nil, k, u)
			for i := range activeOf30 {
				day := int64(30/activeOf30*i + (k+i+u)%(30/activeOf30))
				batch = append(batch, event.Event{Kind: event.Login, ID: id, Source: id, Customer: id, User: user,
					Time: streamStart + day*msDay + int64(k%24)*msHour})
			}
		}
		if len(batch) >= batchEvents {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

func (d *direct) apply(ctx context.Context, events []event.Event) error {
	if err := d.need(ctx, events); err != nil {
		return err
	}
	for i := range events {
		status, err := d.state.Apply(i, &events[i], aggregator.Cause{})
		if err != nil {
			return err
		}
		if status != aggregator.Applied && status != aggregator.Duplicate {
			return fmt.Errorf("the event of %s has status %d", events[i].Customer, status)
		}
	}
	return nil
}

func (d *direct) need(ctx context.Context, events []event.Event) error {
	for {
		keys := d.state.Need(events)
		if len(keys) == 0 {
			return nil
		}
		values, err := d.store.Load(ctx, d.shard, d.tenure, keys)
		if err != nil {
			return err
		}
		for i, k := range keys {
			if err := d.state.Load(k, values[i]); err != nil {
				return err
			}
		}
	}
}

func (d *direct) advance(ctx context.Context, w int64) error {
	for d.state.Advance(w, 1095) {
		if err := d.need(ctx, nil); err != nil {
			return err
		}
	}
	return nil
}

func (d *direct) commit(ctx context.Context) error {
	if err := d.need(ctx, nil); err != nil { // buckets to split
		return err
	}
	ch := d.state.Changes()
	c := &store.Commit{Head: store.Head{Version: 1, Watermark: ch.Watermark, FirstDay: ch.FirstDay, Table: ch.Table, Partitions: partitions},
		Records: fields(ch.Records), Cells: fields(ch.Cells), Frozen: fields(ch.Frozen), Due: fields(ch.Due)}
	for _, r := range ch.Records {
		if d.sizes[r.Name] = len(r.Name) + len(r.Value); r.Value == nil {
			delete(d.sizes, r.Name)
		}
	}
	var err error
	if d.tenure, err = d.store.Commit(ctx, d.shard, d.tenure, c); err != nil {
		return err
	}
	d.state.Committed(cacheBytes)
	return nil
}

func fields(kvs []aggregator.KV) []store.Field {
	out := make([]store.Field, len(kvs))
	for i, kv := range kvs {
		out[i] = store.Field(kv)
	}
	return out
}
