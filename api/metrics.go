package api

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/tidemark-io/tidemark/kpi"
	"go.uber.org/zap"
)

const (
	// metricSegments bounds how many segments are shown as labels: each is some
	// thirty series.
	metricSegments = 50
	// collectTimeout bounds one scrape's reading.
	collectTimeout = 5 * time.Second
)

var (
	kpiGauge = prometheus.NewDesc("tidemark_kpi",
		"KPI of the running day: a count, a ratio, points, or money in minor units. Absent while it has no value.",
		[]string{"kpi", "window", "segment", "bucket", "unit", "currency"}, nil)
	readyGauge = prometheus.NewDesc("tidemark_ready",
		"1 where the figures are those of the whole company, 0 while shards are catching up.", nil, nil)
	watermarkGauge = prometheus.NewDesc("tidemark_watermark_timestamp_seconds",
		"The lowest watermark of any shard, Unix time.", nil, nil)
)

// collector shows the KPIs as gauges, read when they are scraped.
type collector struct {
	figures Figures
	ready   Readiness
	log     *zap.Logger
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	ch <- kpiGauge
	ch <- readyGauge
	ch <- watermarkGauge
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), collectTimeout)
	defer cancel()
	ready := 0.0
	if ok, _ := c.ready.Ready(); ok {
		ready = 1
	}
	ch <- prometheus.MustNewConstMetric(readyGauge, prometheus.GaugeValue, ready)
	segments := c.figures.Segments()
	segments = append([]string{""}, segments[:min(len(segments), metricSegments)]...)
	told := false
	err := c.figures.Running(ctx, segments, func(figures []kpi.Figure) {
		for _, f := range figures {
			c.show(ch, f)
		}
		if len(figures) > 0 && !told {
			told = true
			if t, err := time.Parse(time.RFC3339, figures[0].Watermark); err == nil {
				ch <- prometheus.MustNewConstMetric(watermarkGauge, prometheus.GaugeValue, float64(t.Unix()))
			}
		}
	})
	if err != nil {
		c.log.Warn("cannot collect the figures", zap.Error(err))
	}
}

// show sends the gauge of a figure.
func (c *collector) show(ch chan<- prometheus.Metric, f kpi.Figure) {
	v, err := f.Value.Float64()
	if err != nil {
		return // null: the gauge is absent, and its help text says so
	}
	m, err := prometheus.NewConstMetric(kpiGauge, prometheus.GaugeValue, v, f.KPI, f.Window, f.Segment, f.Bucket, string(f.Unit), f.Currency)
	if err != nil {
		m = prometheus.NewInvalidMetric(kpiGauge, err) // the scrape says so
	}
	ch <- m
}
