//go:build servers

package publisher_test

import (
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/internal/testserver"
)

func TestKafka(t *testing.T) {
	suite(t, testserver.StartKafka(t).Addr)
}

// A cursor partition that the broker's cleaner has been at: batches and markers
// are missing or empty, and the end is still found.
func TestKafkaCompacted(t *testing.T) {
	k := testserver.StartOwnKafka(t, testserver.KafkaOptions{Properties: map[string]string{
		"log.cleaner.backoff.ms": "100", "log.segment.delete.delay.ms": "0",
		"log.roll.ms": "300", "log.cleaner.min.cleanable.ratio": "0.01", "log.cleaner.delete.retention.ms": "0",
	}})
	w := newTopics(t, k.Addr)
	p := w.open(t)
	step := time.NewTicker(20 * time.Millisecond)
	defer step.Stop()
	deadline := time.After(limit)
	for i := int64(0); ; i++ {
		publish(t, p, at(i, alert(i%2 == 0, "r", "a")))
		// Each publication writes two records and a marker.
		if got := len(w.committed(t, w.cursors)); i > 10 && got < int(i) {
			t.Logf("compacted: %d of %d records left", got, 2*(i+1))
			break
		}
		select {
		case <-step.C:
		case <-deadline:
			t.Fatal("the cleaner has not run")
		}
	}
	q := w.open(t)
	if q.Header().P != p.Header().P || len(q.Announced()) != len(p.Announced()) {
		t.Errorf("read %+v and %v, want %+v and %v", q.Header(), q.Announced(), p.Header(), p.Announced())
	}
	if err := q.Look(t.Context()); err != nil {
		t.Error(err)
	}
}
