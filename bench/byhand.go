package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/segmentio/kafka-go"

	"github.com/tidemark-io/tidemark/event"
)

// byHandSettings say what the hand-written consumer does, and what it doesn't.
const byHandSettings = `hand-written: ` + readerSettings + `; go-redis, pipelines of 1,000 events, two round trips each;
  Tidemark's own decoder. Per customer one value (MRR, 30 active days, last NPS answer, tickets, band) read and
  written once a pipeline; users active on a day in a set a day (MAU is their union, on reading); MRR, customers and
  bands by INCRBY; alerts by an asynchronous kafka-go Writer, acks all. At least once: a crash counts what it had
  not committed twice in MRR, customers and bands, and may lose alerts. No past days but DAU, no churn, no timers
  (silence is not noticed), no segments, no duplicates found.
  "a command each": GET and SET a customer. "MGET, MSET": one of each a pipeline.`

const byHandBatch = 1000

// byHand is a consumer as somebody would write it without Tidemark.
type byHand struct {
	reader   *kafka.Reader
	alerts   *kafka.Writer
	failed   atomic.Int64 // alerts that could not be written
	redis    *redis.Client
	multi    bool // MGET and MSET in place of a command each
	decoder  *event.Decoder
	batch    []kafka.Message
	events   []event.Event
	keys     []string
	index    map[string]int // of keys
	accounts []handAccount
	active   map[int32]map[string]struct{} // users by day
	mrr      int64
	paying   int64
	bands    [4]int64
	fired    []kafka.Message
}

// handRate reads n events of a topic.
func (b *bench) handRate(ctx context.Context, topic string, n int, multi bool) (r rate, err error) {
	alerts, err := b.newTopic(ctx, "alerts-by-hand", partitions)
	if err != nil {
		return rate{}, err
	}
	start := time.Now()
	h := &byHand{reader: b.reader(topic), multi: multi, redis: redis.NewClient(&redis.Options{Addr: b.redis.Addr}),
		decoder: event.NewDecoder(event.Options{Currency: currencyUSD}), events: make([]event.Event, byHandBatch),
		index: map[string]int{}, active: map[int32]map[string]struct{}{}}
	h.alerts = &kafka.Writer{Addr: kafka.TCP(b.kafka.Addr), Topic: alerts, RequiredAcks: kafka.RequireAll, Async: true,
		Transport:    &kafka.Transport{}, // one of its own: the shared one remembers for 6 s that the topic was not there
		BatchTimeout: 10 * time.Millisecond, Completion: func(m []kafka.Message, err error) {
			if err != nil {
				h.failed.Add(int64(len(m)))
			}
		}}
	defer func() { err = errors.Join(err, h.alerts.Close(), h.reader.Close(), h.redis.Close()) }()
	var first time.Time
	for done := 0; done < n; done += len(h.batch) {
		h.batch = h.batch[:0]
		for len(h.batch) < min(byHandBatch, n-done) {
			m, err := h.reader.FetchMessage(ctx)
			if err != nil {
				return rate{}, fmt.Errorf("read %s: %w", topic, err)
			}
			if first.IsZero() {
				first = time.Now()
			}
			h.batch = append(h.batch, m)
		}
		if err := h.process(ctx); err != nil {
			return rate{}, err
		}
	}
	if x := h.failed.Load(); x > 0 {
		return rate{}, fmt.Errorf("%d alerts could not be written", x)
	}
	return rateOf(n, start, first), nil
}

// process takes a batch through its two round trips.
func (h *byHand) process(ctx context.Context) error {
	h.decoder.Reset()
	h.keys = h.keys[:0]
	clear(h.index)
	for i := range h.batch {
		if reason := h.decoder.Decode(&h.events[i], h.batch[i].Value, nil); reason != "" {
			return fmt.Errorf("message %d is refused: %s", h.batch[i].Offset, reason)
		}
		id := string(h.events[i].Customer)
		if _, ok := h.index[id]; !ok {
			h.index[id] = len(h.keys)
			h.keys = append(h.keys, "customer:"+id)
		}
	}
	values, err := h.load(ctx)
	if err != nil {
		return fmt.Errorf("read customers: %w", err)
	}
	h.accounts = h.accounts[:0]
	for _, v := range values {
		a, err := parseHandAccount(v)
		if err != nil {
			return err
		}
		h.accounts = append(h.accounts, a)
	}
	h.mrr, h.paying, h.bands, h.fired = 0, 0, [4]int64{}, h.fired[:0]
	for i := range h.batch {
		ev := &h.events[i]
		h.apply(&h.accounts[h.index[string(ev.Customer)]], ev)
	}
	if err := h.save(ctx); err != nil {
		return fmt.Errorf("write customers: %w", err)
	}
	if err := h.alerts.WriteMessages(ctx, h.fired...); err != nil {
		return fmt.Errorf("write alerts: %w", err)
	}
	return h.reader.CommitMessages(ctx, h.batch...)
}

func (h *byHand) load(ctx context.Context) ([]string, error) {
	out := make([]string, len(h.keys))
	if h.multi {
		values, err := h.redis.MGet(ctx, h.keys...).Result()
		for i, v := range values {
			out[i], _ = v.(string) // nil: a new customer
		}
		return out, err
	}
	p := h.redis.Pipeline()
	cmds := make([]*redis.StringCmd, len(h.keys))
	for i, k := range h.keys {
		cmds[i] = p.Get(ctx, k)
	}
	if _, err := p.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return nil, err
	}
	for i, c := range cmds {
		out[i] = c.Val()
	}
	return out, nil
}

func (h *byHand) save(ctx context.Context) error {
	p := h.redis.Pipeline()
	var pairs []any
	for i, k := range h.keys {
		if v := h.accounts[i].append(nil); h.multi {
			pairs = append(pairs, k, v)
		} else {
			p.Set(ctx, k, v, 0)
		}
	}
	if h.multi {
		p.MSet(ctx, pairs...)
	}
	for day, users := range h.active {
		members := make([]any, 0, len(users))
		for u := range users {
			members = append(members, u)
		}
		p.SAdd(ctx, fmt.Sprintf("active:%d", day), members...)
	}
	clear(h.active)
	p.IncrBy(ctx, "mrr", h.mrr)
	p.IncrBy(ctx, "customers", h.paying)
	for band, n := range h.bands {
		if n != 0 {
			p.IncrBy(ctx, fmt.Sprintf("band:%d", band), n)
		}
	}
	_, err := p.Exec(ctx)
	return err
}
