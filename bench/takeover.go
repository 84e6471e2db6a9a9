package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/store"
)

// runTakeover measures how long a shard with many users stands still when its
// owner changes: in an orderly way, and by SIGKILL with another process standing by.
func runTakeover(ctx context.Context, b *bench) (err error) {
	if err := b.startServers(ctx); err != nil {
		return err
	}
	topic, err := b.newTopic(ctx, "takeover", 1)
	if err != nil {
		return err
	}
	now, i, size := time.Now().UnixMilli(), 0, 0
	login := func(ev *event.Event) {
		*ev = event.Event{Kind: event.Login, Source: []byte("/acme/web"), ID: fmt.Appendf(nil, "first-%d", i), Time: now - 60_000,
			Customer: customerID(nil, i/usersEach), User: userID(nil, i/usersEach, i%usersEach)}
		i++
	}
	if err := b.fill(ctx, topic, b.users, login, &size); err != nil {
		return err
	}
	ns := namespace{name: b.unique("takeover"), topic: topic, clock: "live"}
	w, err := b.watch(ctx, ns, 1)
	if err != nil {
		return err
	}
	defer w.store.Close()
	owner, err := b.serve(ctx, ns)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, owner.stop()) }()
	if _, err := w.until(ctx, owner, int64(b.users), 50*time.Millisecond); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { err = errors.Join(err, b.trickle(ctx, topic)) })
	defer wg.Wait()
	defer stop()
	var t table
	for range b.rounds {
		if owner, err = b.takeoverRound(ctx, ns, w.store, owner, &t); err != nil {
			return err
		}
	}
	fmt.Printf("one shard with %d users; session time-out 6 s; 100 logins/s meanwhile:\n", b.users)
	t.print()
	return nil
}

// trickle produces a login of a known user every 10 ms.
func (b *bench) trickle(ctx context.Context, topic string) error {
	cl, err := b.producer(kgo.DefaultProduceTopic(topic), kgo.ProducerLinger(0))
	if err != nil {
		return err
	}
	defer cl.Close()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for i := 0; ; i++ {
		k := i % (b.users / usersEach)
		ev := event.Event{Kind: event.Login, Source: []byte("/acme/web"), ID: fmt.Appendf(nil, "later-%d", i), Time: time.Now().UnixMilli(),
			Customer: customerID(nil, k), User: userID(nil, k, 0)}
		cl.Produce(ctx, &kgo.Record{Key: ev.Customer, Value: ev.Append(nil)}, nil)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// takeoverRound stops the owner, starts another process, then kills it while a
// third one stands by, which is the owner afterwards.
func (b *bench) takeoverRound(ctx context.Context, ns namespace, st *store.Store, owner *serveProcess, t *table) (*serveProcess, error) {
	before, err := st.Peek(ctx, []int{0})
	if err != nil {
		return owner, err
	}
	if err := owner.stop(); err != nil {
		return owner, err
	}
	start := time.Now()
	second, err := b.serve(ctx, ns)
	if err != nil {
		return owner, err
	}
	claimed, committed, err := changeOfOwner(ctx, st, before[0].Owner, second)
	if err != nil {
		return second, err
	}
	t.add("claim to first commit, s", committed.Sub(claimed).Seconds())
	t.add("start of a process to first commit, s", committed.Sub(start).Seconds())

	third, err := b.serve(ctx, ns)
	if err != nil {
		return second, err
	}
	victim, heir, err := settled(ctx, second, third)
	if err != nil {
		return second, errors.Join(err, third.stop())
	}
	if before, err = st.Peek(ctx, []int{0}); err != nil {
		return heir, errors.Join(err, victim.stop())
	}
	killed := time.Now()
	if err := victim.kill(); err != nil {
		return heir, err
	}
	claimed, committed, err = changeOfOwner(ctx, st, before[0].Owner, heir)
	if err != nil {
		return heir, err
	}
	t.add("SIGKILL to claim, s", claimed.Sub(killed).Seconds())
	t.add("SIGKILL to first commit, s", committed.Sub(killed).Seconds())
	return heir, nil
}

// changeOfOwner waits for a claim by another owner and its first commit.
func changeOfOwner(ctx context.Context, st *store.Store, before string, p *serveProcess) (claimed, committed time.Time, err error) {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	var claim store.Tenure
	for deadline := time.Now().Add(90 * time.Second); time.Now().Before(deadline); {
		now, err := st.Peek(ctx, []int{0})
		if err != nil {
			return claimed, committed, err
		}
		switch {
		case now[0].Owner != before && now[0].Owner != claim.Owner:
			claim, claimed = now[0], time.Now()
		case now[0].Owner == claim.Owner && now[0].Number > claim.Number:
			return claimed, time.Now(), nil
		}
		if err := p.alive(); err != nil {
			return claimed, committed, err
		}
		select {
		case <-ctx.Done():
			return claimed, committed, ctx.Err()
		case <-tick.C:
		}
	}
	return claimed, committed, errors.New("no other owner has committed within 90 s")
}

// settled waits until two processes share the only shard, and says which of
// them has it, by what they last logged of their assignment.
func settled(ctx context.Context, a, b *serveProcess) (has, other *serveProcess, err error) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for same := 0; ; {
		x, y := assigned(a.log), assigned(b.log)
		if x == "[0]" && y == "[]" || x == "[]" && y == "[0]" {
			same++
		} else {
			same = 0
		}
		if same == 20 {
			if x == "[0]" {
				return a, b, nil
			}
			return b, a, nil
		}
		if err := errors.Join(a.alive(), b.alive()); err != nil {
			return nil, nil, err
		}
		select {
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		case <-tick.C:
		}
	}
}

// assigned is the shards of the last assignment in a log, as printed there.
func assigned(log string) string {
	text, err := os.ReadFile(log)
	if err != nil {
		return err.Error()
	}
	lines := bytes.Split(text, []byte("\n"))
	for i := len(lines) - 1; i >= 0; i-- {
		if bytes.Contains(lines[i], []byte(`"shards assigned"`)) {
			_, rest, _ := bytes.Cut(lines[i], []byte(`"shards":`))
			shards, _, _ := bytes.Cut(rest, []byte("]"))
			return string(shards) + "]"
		}
	}
	return ""
}
