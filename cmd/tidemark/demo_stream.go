package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/alert"
	"github.com/tidemark-io/tidemark/internal/simulate"
)

// feedEvery is how often live events are put onto the topics.
const feedEvery = 100 * time.Millisecond

// feed puts the history onto the topics as fast as they take it, then live
// events as they happen.
func (d *demo) feed(ctx context.Context) error {
	if err := d.send(ctx, d.company.History()); err != nil {
		return fmt.Errorf("load the history: %w", err)
	}
	if err := d.producer.Flush(ctx); err != nil {
		return fmt.Errorf("load the history: %w", err)
	}
	close(d.loaded)
	tick := time.NewTicker(feedEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := d.send(ctx, d.company.Live(time.Now())); err != nil {
			return fmt.Errorf("send live events: %w", err)
		}
	}
}

func (d *demo) send(ctx context.Context, messages iter.Seq[simulate.Message]) error {
	for m := range messages {
		if err := d.producer.Send(ctx, &kgo.Record{Topic: m.Topic, Key: m.Key, Value: m.Value, Timestamp: m.Time}); err != nil {
			return err
		}
		d.sent.Add(1)
	}
	return nil
}

// keptAlerts is how many alerts are kept to be shown.
const keptAlerts = 500

// listen reads the alerts back from their topic, as another service would.
func (d *demo) listen(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-d.started:
	}
	client, err := kgo.NewClient(
		kgo.SeedBrokers(d.cfg.Kafka.Brokers...), kgo.ConsumeTopics(d.cfg.Kafka.Outputs.Alerts),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.FetchMaxWait(500*time.Millisecond),
	)
	if err != nil {
		return fmt.Errorf("read alerts: %w", err)
	}
	defer client.Close()
	for {
		fetched := client.PollFetches(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err := fetched.Err(); err != nil {
			return fmt.Errorf("read alerts: %w", err)
		}
		var got []alert.Told
		var broken error
		fetched.EachRecord(func(r *kgo.Record) {
			t, err := alert.Decode(r.Value)
			if err != nil {
				broken = errors.Join(broken, fmt.Errorf("read alerts at offset %d: %w", r.Offset, err))
				return
			}
			got = append(got, t)
		})
		if broken != nil {
			return broken
		}
		d.tell(got)
	}
}

// tell adds alerts to those that are shown. Of several partitions the order is
// that of the alerts' own times.
func (d *demo) tell(got []alert.Told) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.alerts = append(d.alerts, got...)
	slices.SortStableFunc(d.alerts, func(a, b alert.Told) int { return strings.Compare(b.Time, a.Time) })
	d.alerts = d.alerts[:min(len(d.alerts), keptAlerts)]
}

// told returns the alerts so far, the newest first.
func (d *demo) told() []alert.Told {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.alerts)
}

// readCommitted is how many messages the service has read and committed,
// whatever became of them. It asks where everybody can: /metrics.
func readCommitted(ctx context.Context, addr string) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/metrics", nil)
	if err != nil {
		return 0, fmt.Errorf("read metrics: %w", err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, fmt.Errorf("read metrics: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("read metrics: %s", answer.Status)
	}
	var total float64
	lines := bufio.NewScanner(answer.Body)
	for lines.Scan() {
		if !strings.HasPrefix(lines.Text(), `tidemark_messages_read_total{`) {
			continue
		}
		n, err := strconv.ParseFloat(lines.Text()[strings.LastIndexByte(lines.Text(), ' ')+1:], 64)
		if err != nil {
			return 0, fmt.Errorf("read metrics: %w", err)
		}
		total += n
	}
	if err := lines.Err(); err != nil {
		return 0, fmt.Errorf("read metrics: %w", err)
	}
	return int64(total), nil
}
