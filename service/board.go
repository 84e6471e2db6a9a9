package service

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tidemark-io/tidemark/company"
	"github.com/tidemark-io/tidemark/consumer"
	"github.com/tidemark-io/tidemark/worker"
)

// board knows how this process's shards are doing.
type board struct {
	reader *company.Reader

	mu      sync.Mutex
	workers []*worker.Worker
	waiting string
	unread  error     // with which the last poll of the reader failed; nil: it did not
	since   time.Time // when the first of those in a row did
}

// set shows the shards of a generation, and why it is not ready whatever they say; ""
// where that is for them to say.
func (b *board) set(w []*worker.Worker, waiting string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.workers, b.waiting = w, waiting
}

func (b *board) wait(why string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting = why
}

// unreadLimit is for how long polls may fail while the figures still count as those
// of now: a store that is restarted, or fails over, is back by then or not soon.
const unreadLimit = 5 * time.Second

// polled notes how a poll of the reader ended, and says whether it is the first of a
// row that failed.
func (b *board) polled(err error, now time.Time) (first bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	first = b.unread == nil && err != nil
	if first {
		b.since = now
	}
	b.unread = err
	return first
}

// away says in a sentence that the reader has not been able to read for a while, ""
// where it has.
func (b *board) away() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.unread == nil || time.Since(b.since) < unreadLimit {
		return ""
	}
	return "figures cannot be read from Redis: " + b.unread.Error()
}

func (b *board) statuses() (out []worker.Status, waiting string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, w := range b.workers {
		out = append(out, w.Status())
	}
	return out, b.waiting
}

// Ready says whether offsets move or the log is at its end, in every shard of
// this process, and whether the company can be read, and whole; else what is stuck.
func (b *board) Ready() (ok bool, reason string) {
	statuses, waiting := b.statuses()
	if waiting != "" {
		return false, waiting
	}
	if why := stuck(statuses); why != "" {
		return false, why
	}
	if why := b.away(); why != "" {
		return false, why
	}
	return b.reader.Ready()
}

// stuck names the first shard that is not ready, "" where all are: one that has
// stopped, and stays so, before those that may become ready by themselves.
func stuck(statuses []worker.Status) (why string) {
	for _, st := range statuses {
		if st.Ready() || why != "" && st.State != worker.Stopped {
			continue
		}
		why = strings.TrimSpace(fmt.Sprintf("shard %d is %s %s", st.Shard, st.State, st.Reason))
		if st.State == worker.Stopped {
			break
		}
	}
	return why
}

// shardMetrics shows the board to Prometheus.
type shardMetrics struct {
	board   *board
	fetcher *consumer.Fetcher
}

var (
	readTotal     = prometheus.NewDesc("tidemark_messages_read_total", "Messages read, as committed; the sum of tidemark_messages_total but for what expired.", []string{"shard"}, nil)
	messagesTotal = prometheus.NewDesc("tidemark_messages_total", "Messages by what became of them, as committed.", []string{"shard", "outcome", "reason"}, nil)
	lagMessages   = prometheus.NewDesc("tidemark_lag_messages", "Messages between what is committed and the ends of the logs.", []string{"shard"}, nil)
	shardReady    = prometheus.NewDesc("tidemark_shard_ready", "1 where the shard's offsets move or its log is at its end.", []string{"shard", "state"}, nil)
	cacheBytes    = prometheus.NewDesc("tidemark_cache_bytes", "Estimate of what loaded records and rows took at the last commit, before any was dropped.", []string{"shard"}, nil)
	queueBytes    = prometheus.NewDesc("tidemark_queue_bytes", "What lies fetched and not taken, of all shards of this process.", nil, nil)
	commitsTotal  = prometheus.NewDesc("tidemark_commit_number", "Number of the shard's last commit.", []string{"shard"}, nil)
)

// Describe implements prometheus.Collector.
func (m *shardMetrics) Describe(ch chan<- *prometheus.Desc) {
	ch <- readTotal
	ch <- messagesTotal
	ch <- lagMessages
	ch <- shardReady
	ch <- commitsTotal
	ch <- cacheBytes
	ch <- queueBytes
}

// Collect implements prometheus.Collector.
func (m *shardMetrics) Collect(ch chan<- prometheus.Metric) {
	statuses, _ := m.board.statuses()
	for _, st := range statuses {
		shard := strconv.Itoa(st.Shard)
		for label, n := range st.Counters {
			if label == "read" {
				ch <- prometheus.MustNewConstMetric(readTotal, prometheus.CounterValue, float64(n), shard)
				continue
			}
			outcome, reason, _ := strings.Cut(label, "/")
			ch <- prometheus.MustNewConstMetric(messagesTotal, prometheus.CounterValue, float64(n), shard, outcome, reason)
		}
		ready := 0.0
		if st.Ready() {
			ready = 1
		}
		ch <- prometheus.MustNewConstMetric(lagMessages, prometheus.GaugeValue, float64(st.Lag), shard)
		ch <- prometheus.MustNewConstMetric(shardReady, prometheus.GaugeValue, ready, shard, st.State)
		ch <- prometheus.MustNewConstMetric(commitsTotal, prometheus.CounterValue, float64(st.Commits), shard)
		ch <- prometheus.MustNewConstMetric(cacheBytes, prometheus.GaugeValue, float64(st.Cache), shard)
	}
	ch <- prometheus.MustNewConstMetric(queueBytes, prometheus.GaugeValue, float64(m.fetcher.QueuedBytes()))
}

// web serves what is there: until store and brokers were reached, that they were not.
type web struct{ now atomic.Pointer[http.Handler] }

func (w *web) set(h http.Handler) { w.now.Store(&h) }

func (w *web) ServeHTTP(rw http.ResponseWriter, r *http.Request) { (*w.now.Load()).ServeHTTP(rw, r) }

// starting answers while nothing can be read yet: alive, not ready.
func starting(b *board) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		_, why := b.statuses()
		status, body := http.StatusServiceUnavailable, map[string]any{"ready": false, "reason": why}
		if r.URL.Path == "/healthz" {
			status, body = http.StatusOK, map[string]any{"status": "ok"}
		}
		rw.WriteHeader(status)
		if err := json.NewEncoder(rw).Encode(body); err != nil {
			return // the client has gone
		}
	})
}
