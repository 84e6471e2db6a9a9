package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/tidemark-io/tidemark/api"
	"github.com/tidemark-io/tidemark/company"
	"github.com/tidemark-io/tidemark/internal/live"
	"github.com/tidemark-io/tidemark/kpi"
)

const (
	watchEvery = 250 * time.Millisecond
	// slowEvery is how often is read what takes more: trends, customers, metrics.
	slowEvery = time.Second
	// readyWithin is how long a demo that stops by itself waits for its history.
	readyWithin = time.Minute
)

// watch shows the system until the time is over, ctx ends, or one of the parts
// that are running has failed. It returns what was there last.
func (d *demo) watch(ctx, running context.Context, out io.Writer) (last live.Snapshot, err error) {
	w := &watcher{demo: d}
	var view *live.View
	if !d.opts.json {
		view = newDemoView(out)
		defer func() { err = errors.Join(err, view.Close()) }()
	}
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		if err := w.look(running, time.Now()); err != nil {
			w.shown.Ready, w.shown.Reason = false, err.Error() // the next look may go better
		}
		if view != nil {
			if err := view.Show(w.shown); err != nil {
				return w.shown, err
			}
		}
		switch over := time.Since(d.opts.start) - d.opts.duration; {
		case d.opts.duration == 0 || over < 0:
		case w.shown.Ready:
			return w.shown, nil
		case over > readyWithin:
			return w.shown, fmt.Errorf("not ready after %s: %s", d.opts.duration+readyWithin, w.shown.Reason)
		}
		select {
		case <-ctx.Done():
			return w.shown, nil
		case <-running.Done():
			return w.shown, nil
		case <-tick.C:
		}
	}
}

// watcher makes snapshots.
type watcher struct {
	*demo
	shown live.Snapshot
	slow  time.Time // when the slow part was read
	read  int64     // messages then
}

// look brings the snapshot up to date.
func (w *watcher) look(ctx context.Context, now time.Time) error {
	s := &w.shown
	s.Now = now
	select {
	case <-w.started:
	default:
		s.Title = fmt.Sprintf("demo, seed %d: making up 120 days of a company", w.opts.seed)
		s.Lag = w.sent.Load()
		s.Reason = "the history is being loaded"
		return nil
	}
	s.Title = fmt.Sprintf("demo, seed %d   http://%s/api/v1/kpis   Kafka %s   Redis %s", w.opts.seed, w.addr, w.servers.Brokers[0], w.servers.Redis)
	before := s.Ready
	s.Ready, s.Reason = w.readings.Ready.Ready()
	s.Alerts = w.told()
	var err error
	if s.Figures, err = w.readings.Figures.Now(ctx, ""); err != nil {
		return fmt.Errorf("read figures: %w", err)
	}
	if len(s.Figures) > 0 {
		if s.Watermark, err = time.Parse(time.RFC3339, s.Figures[0].Watermark); err != nil {
			return fmt.Errorf("read the watermark: %w", err)
		}
	}
	if now.Sub(w.slow) < slowEvery && s.Ready == before { // live with the lag of a second ago looks wrong
		return nil
	}
	return errors.Join(w.progress(ctx, now), w.trends(ctx), w.atRisk(ctx))
}

// progress is how many events are applied a second, and how many wait.
func (w *watcher) progress(ctx context.Context, now time.Time) error {
	sent := w.sent.Load()
	read, err := readCommitted(ctx, w.addr)
	if err != nil {
		return err
	}
	if !w.slow.IsZero() {
		w.shown.EventsPerSecond = float64(read-w.read) / now.Sub(w.slow).Seconds()
	}
	w.slow, w.read, w.shown.Lag = now, read, max(0, sent-read)
	return nil
}

func (w *watcher) trends(ctx context.Context) error {
	w.shown.Series = map[string][]kpi.Figure{}
	for _, row := range demoRows() {
		k, err := kpi.Find(row.KPI)
		if err != nil {
			return err
		}
		series, err := w.readings.Figures.Figures(ctx, company.Query{KPI: k, Window: row.Window, From: company.Unset, To: company.Unset})
		if err != nil {
			return fmt.Errorf("read the trend of %s: %w", row.KPI, err)
		}
		w.shown.Series[row.Key()] = series
	}
	return nil
}

// shownAtRisk is how many customers are looked up to be shown.
const shownAtRisk = 8

func (w *watcher) atRisk(ctx context.Context) error {
	page, err := w.readings.Customers.Customers(ctx, company.CustomerQuery{Band: "red", Limit: shownAtRisk})
	if err != nil {
		return fmt.Errorf("list customers at risk: %w", err)
	}
	w.shown.AtRisk = w.shown.AtRisk[:0]
	for _, ranked := range page.Customers {
		var view *api.CustomerView
		if view, err = w.readings.Customers.Customer(ctx, ranked.Customer); err != nil {
			return fmt.Errorf("read customer %s: %w", ranked.Customer, err)
		}
		c := live.Customer{ID: ranked.Customer, Band: ranked.Band, MRR: ranked.MRR}
		if view != nil { // it may have left since
			c.Band, c.Score, c.Contributions = view.Band, view.Score, view.Contributions
		}
		w.shown.AtRisk = append(w.shown.AtRisk, c)
	}
	for _, f := range w.shown.Figures {
		if f.KPI == "health_red" {
			w.shown.Red = f.Numerator
		}
	}
	return nil
}
