//go:build servers

package publisher_test

import (
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidemark-io/tidemark/internal/testserver"
)

// BenchmarkAlert is one publication of one alert: the time until it is
// committed, which is the publisher's part of event to alert.
//
// "idle" leaves the coordinator the time to write the markers of the
// transaction before; "back to back" has to wait for them.
func BenchmarkAlert(b *testing.B) {
	w := newTopics(b, testserver.StartKafka(b).Addr)
	for name, pause := range map[string]time.Duration{"back to back": 0, "idle": 20 * time.Millisecond} {
		b.Run(name, func(b *testing.B) {
			w.fresh(b)
			var net wire
			began := time.Now()
			p := w.open(b, net.opt())
			opened := time.Since(began)
			ticker := time.NewTicker(max(pause, time.Nanosecond))
			defer ticker.Stop()
			var took []time.Duration
			for i := 0; b.Loop(); i++ {
				began := time.Now()
				publish(b, p, at(int64(i), alert(i%2 == 0, "at_risk", "acme")))
				took = append(took, time.Since(began))
				<-ticker.C
			}
			ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
			b.ReportMetric(ms(opened), "open-ms")
			b.ReportMetric(ms(took[0]), "first-ms")
			slices.Sort(took)
			b.ReportMetric(ms(took[len(took)/2]), "p50-ms")
			b.ReportMetric(ms(took[len(took)*99/100]), "p99-ms")
			b.ReportMetric(ms(took[len(took)-1]), "max-ms")
			b.ReportMetric(float64(net.sent(kmsg.AddPartitionsToTxn))/float64(len(took)), "AddPartitions/op")
			b.ReportMetric(float64(net.sent(kmsg.Produce))/float64(len(took)), "Produce/op")
		})
	}
}
