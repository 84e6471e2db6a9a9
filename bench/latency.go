package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/event"
)

const (
	steadyRate = 5000 // events/s
	flipEvery  = 100  // one event of so many turns a prepared customer red
	newEvery   = 250  // one of so many is the first login of a new user
	prepared   = "flip-"
	// What comes first is not steady: a new broker's first transactions take a
	// third of a second. It is told apart.
	warmSeconds = 5
)

// load is a steady stream of events into a running serve, and what became
// visible of it when.
type load struct {
	b         *bench
	producer  *kgo.Client
	topic     string
	generator *generator
	flipped   int // prepared customers used so far
	newUsers  int // so far
	made      int
	probe     probe

	mu        sync.Mutex
	flips     map[string]time.Time // sent and not seen yet
	alerts    []float64            // ms
	firsts    []time.Time          // when each new user's login was sent
	kpis      []float64            // ms
	unwelcome error
}

// runLatency measures how long what changes takes to be visible.
func runLatency(ctx context.Context, b *bench) (err error) {
	if err := b.startServers(ctx); err != nil {
		return err
	}
	topic, err := b.newTopic(ctx, "latency", partitions)
	if err != nil {
		return err
	}
	l := &load{b: b, topic: topic, generator: newGenerator(b.seed, 1, 1), flips: map[string]time.Time{}}
	n, err := l.prepare(ctx)
	if err != nil {
		return err
	}
	ns := namespace{name: b.unique("latency"), topic: topic, clock: "live"}
	w, err := b.watch(ctx, ns, partitions)
	if err != nil {
		return err
	}
	defer w.store.Close()
	p, err := b.serve(ctx, ns)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	if _, err := w.until(ctx, p, int64(n), 50*time.Millisecond); err != nil {
		return err
	}
	if l.producer, err = b.producer(kgo.DefaultProduceTopic(topic), kgo.ProducerLinger(0)); err != nil {
		return err
	}
	defer l.producer.Close()
	ctx, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { l.watchAlerts(ctx, ns.name+".alerts") })
	wg.Go(func() { l.watchUsers(ctx, "http://"+p.http+"/api/v1/kpis/users_ever") })
	wg.Go(func() {
		if err := l.probe.run(ctx, b); err != nil {
			l.fail(err)
		}
	})
	defer wg.Wait()
	defer stop()
	var first, t table
	if err := l.round(ctx, p, warmSeconds, &first); err != nil {
		return err
	}
	for range b.rounds {
		if err := l.round(ctx, p, b.seconds, &t); err != nil {
			return err
		}
	}
	fmt.Printf("%d events/s for %d s a round; an alert %d times a second, a new user %d times, figures polled every 10 ms:\n",
		steadyRate, b.seconds, steadyRate/flipEvery, steadyRate/newEvery)
	t.print()
	fmt.Printf("the first %d s of it, right after catching up:\n", warmSeconds)
	first.print()
	return nil
}

// prepare produces a first login of every user, and customers that one late
// invoice more turns red: they pay since a minute, were never active (0 of 30
// points, 25 of 25 for recency), have one late invoice (3 of 10), no ticket (15
// of 15) and are new (2 of 5), which is 45 of 85 or 52.9; the second makes it 42
// of 85 or 49.4.
func (l *load) prepare(ctx context.Context) (int, error) {
	now := time.Now().UnixMilli()
	users, flips := customersDrawn*usersEach, (warmSeconds+l.b.rounds*l.b.seconds)*(steadyRate/flipEvery)+1000
	i, size := 0, 0
	next := func(ev *event.Event) {
		*ev = event.Event{Source: []byte("/acme/web"), ID: fmt.Appendf(nil, "first-%d", i), Time: now - 60_000}
		switch k := i - users; {
		case k < 0:
			ev.Kind, ev.Customer = event.Login, customerID(nil, i/usersEach)
			ev.User = userID(nil, i/usersEach, i%usersEach)
		case k%2 == 0:
			ev.Kind, ev.Customer = event.Purchase, flipID(k/2)
			ev.Purchase = event.PurchaseData{Amount: 4900, Currency: currencyUSD, Interval: event.Month, Count: 1,
				Monthly: 4900 * event.MonthlyUnit}
		default:
			invoice(ev, k/2, "1")
		}
		i++
	}
	n := users + 2*flips
	return n, l.b.fill(ctx, l.topic, n, next, &size)
}

func flipID(k int) []byte { return fmt.Appendf(nil, "%s%07d", prepared, k) }

func invoice(ev *event.Event, k int, ref string) {
	ev.Kind, ev.Customer = event.Signal, flipID(k)
	ev.Signal = event.SignalData{Name: []byte("invoice_late"), Value: 1000, Ref: []byte(ref)}
}

// round sends the load for some seconds and waits until all of it was seen.
func (l *load) round(ctx context.Context, p *serveProcess, seconds int, t *table) error {
	l.mu.Lock()
	l.alerts, l.kpis = nil, nil
	l.probe.take()
	wantAlerts, wantUsers := l.flipped, l.newUsers
	l.mu.Unlock()
	start := time.Now()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for n := 0; n < steadyRate*seconds; {
		due := int(time.Since(start).Seconds() * steadyRate)
		for ; n < min(due, steadyRate*seconds); n++ {
			l.send(ctx)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	wantAlerts, wantUsers = l.flipped-wantAlerts, l.newUsers-wantUsers
	for deadline := time.Now().Add(15 * time.Second); ; {
		l.mu.Lock()
		alerts, kpis, err := slices.Clone(l.alerts), slices.Clone(l.kpis), l.unwelcome
		l.mu.Unlock()
		if err = errors.Join(err, p.alive()); err != nil {
			return err
		}
		if len(alerts) == wantAlerts && len(kpis) == wantUsers {
			t.quantiles("event to alert, read committed, ms", alerts)
			t.quantiles("event to KPI over HTTP, ms", kpis)
			t.quantiles("a record through the broker, past Tidemark, ms", l.probe.take())
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("after 15 s %d of %d alerts and %d of %d users were seen", len(alerts), wantAlerts, len(kpis), wantUsers)
		}
		<-tick.C
	}
}

// quantiles adds p50, p99 and the maximum.
func (t *table) quantiles(name string, values []float64) {
	slices.Sort(values)
	t.add(name+", p50", values[len(values)/2])
	t.add(name+", p99", values[len(values)*99/100])
	t.add(name+", max", values[len(values)-1])
}

// send produces the next event of the load.
func (l *load) send(ctx context.Context) {
	var ev event.Event
	now := time.Now()
	l.made++
	l.generator.at(&ev, now.UnixMilli())
	switch {
	case l.made%flipEvery == 0:
		ev = event.Event{ID: ev.ID, Source: ev.Source, Time: now.UnixMilli()}
		invoice(&ev, l.flipped, "2")
		l.mu.Lock()
		l.flips[string(ev.Customer)] = now
		l.flipped++
		l.mu.Unlock()
	case l.made%newEvery == 1:
		ev = event.Event{ID: ev.ID, Source: ev.Source, Time: now.UnixMilli(), Kind: event.Login, Customer: ev.Customer}
		ev.User = fmt.Appendf(nil, "new-%d", l.newUsers)
		l.mu.Lock()
		l.firsts = append(l.firsts, now)
		l.newUsers++
		l.mu.Unlock()
	}
	l.producer.Produce(ctx, &kgo.Record{Key: append([]byte(nil), ev.Customer...), Value: ev.Append(nil)}, func(_ *kgo.Record, err error) {
		if err != nil {
			l.fail(fmt.Errorf("produce: %w", err))
		}
	})
}

func (l *load) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.unwelcome = errors.Join(l.unwelcome, err)
}

// watchAlerts notes when the alert of each prepared customer can be read.
func (l *load) watchAlerts(ctx context.Context, topic string) {
	cl, err := kgo.NewClient(kgo.SeedBrokers(l.b.kafka.Addr), kgo.ConsumeTopics(topic),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if err != nil {
		l.fail(err)
		return
	}
	defer cl.Close()
	for ctx.Err() == nil {
		fetches := cl.PollFetches(ctx)
		now := time.Now()
		fetches.EachRecord(func(r *kgo.Record) {
			var a struct{ Type, Subject string }
			if err := json.Unmarshal(r.Value, &a); err != nil {
				l.fail(fmt.Errorf("read an alert: %w", err))
				return
			}
			if !strings.HasPrefix(a.Subject, prepared) || a.Type != "tidemark.alert.firing" {
				return
			}
			l.mu.Lock()
			defer l.mu.Unlock()
			if sent, ok := l.flips[a.Subject]; ok {
				l.alerts = append(l.alerts, float64(now.Sub(sent).Microseconds())/1000)
				delete(l.flips, a.Subject)
			}
		})
	}
}

// watchUsers polls users_ever: what it is above the users of the beginning says
// which new users' logins are counted.
func (l *load) watchUsers(ctx context.Context, url string) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for seen := 0; ; {
		n, err := usersEver(ctx, url)
		if err != nil && ctx.Err() == nil {
			l.fail(err)
			return
		}
		now := time.Now()
		l.mu.Lock()
		for ; seen < min(n-customersDrawn*usersEach, len(l.firsts)); seen++ {
			l.kpis = append(l.kpis, float64(now.Sub(l.firsts[seen]).Microseconds())/1000)
		}
		l.mu.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func usersEver(ctx context.Context, url string) (int, error) {
	day := time.Now().UTC().Format(time.DateOnly)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"?from="+day+"&to="+day, nil)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	var body struct {
		KPIs []struct{ Value *float64 }
	}
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
		return 0, fmt.Errorf("read users_ever: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("read users_ever: %s", resp.Status)
	}
	if len(body.KPIs) != 1 || body.KPIs[0].Value == nil {
		return 0, nil // the day has not begun in event time
	}
	return int(*body.KPIs[0].Value), nil
}
