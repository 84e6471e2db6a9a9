//go:build servers

package consumer

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/internal/testserver"
)

// BenchmarkRead reads 2 M messages of 150 B from 4 partitions of a real Kafka
// on the same machine: the fetcher, and kafka-go's group Reader in the same run.
//
//	go test -tags servers -run '^$' -bench Read -benchtime 3x ./consumer
func BenchmarkRead(b *testing.B) {
	const partitions, n = 4, 2_000_000
	k := testserver.StartOwnKafka(b, testserver.KafkaOptions{JVM: []string{"-Xmx1g"}})
	for _, codec := range []string{"none", "snappy"} {
		topic := newTopic(b, k.Addr, partitions, nil)
		fillTopic(b, k.Addr, topic, codec, partitions, n)
		b.Run(codec+"/fetcher", func(b *testing.B) {
			for b.Loop() {
				readWithFetcher(b, k.Addr, topic, partitions, n)
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mmsg/s")
		})
		b.Run(codec+"/reader", func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				readWithReader(b, k.Addr, topic, fmt.Sprint(topic, codec, i, time.Now().UnixNano()), n)
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mmsg/s")
		})
	}
}

// fillTopic writes n messages of 150 B: a key of 8 and a value of 142, most of
// it text that repeats from message to message, as JSON does.
func fillTopic(b *testing.B, addr, topic, codec string, partitions, n int) {
	b.Helper()
	c := kgoClient(b, addr, kgo.ProducerBatchCompression(codecs[codec]), kgo.MaxBufferedRecords(100_000),
		kgo.ProducerLinger(5*time.Millisecond))
	const event = `{"specversion":"1.0","id":"%016x","source":"bench","type":"login","subject":"c%08d","time":"2026-11-23T05:00:07Z","data":{"user":"u%d"}}`
	for i := range n {
		value := fmt.Appendf(nil, event, uint64(i)*0x9e3779b97f4a7c15, i%100_000, i%10)
		c.Produce(b.Context(), &kgo.Record{
			Topic: topic, Partition: int32(i % partitions), Key: binary.BigEndian.AppendUint64(nil, uint64(i)), Value: value[:min(len(value), 142)],
		}, func(_ *kgo.Record, err error) {
			if err != nil {
				b.Errorf("produce: %v", err)
			}
		})
	}
	if err := c.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
}

// readWithFetcher reads everything, one goroutine a stream.
func readWithFetcher(b *testing.B, addr, topic string, partitions, n int) {
	b.Helper()
	transport := Security{}.Transport(topic)
	defer transport.CloseIdleConnections()
	f := NewFetcher(FetcherOptions{Transport: transport, Addr: kafka.TCP(addr)})
	defer f.Close()
	var wg sync.WaitGroup
	counts := make([]int, partitions)
	for p := range partitions {
		wg.Go(func() {
			wake := make(chan struct{}, 1)
			s := f.Open(topic, p, 0, wake)
			defer s.Close()
			for {
				_, state := s.Head()
				switch {
				case state == Ready:
					if batch := s.Take(); batch != nil {
						for i := range batch.Messages {
							counts[p] += min(1, len(batch.Messages[i].Value))
						}
						batch.Release()
					}
				case state == AtEnd || s.Err() != nil:
					return
				default:
					<-wake
				}
			}
		})
	}
	wg.Wait()
	total := 0
	for _, c := range counts {
		total += c
	}
	if total != n {
		b.Fatalf("read %d of %d messages", total, n)
	}
}

// readWithReader reads everything with kafka-go's group Reader.
func readWithReader(b *testing.B, addr, topic, group string, n int) {
	b.Helper()
	r := kafka.NewReader(kafka.ReaderConfig{
		Brokers: []string{addr}, GroupID: group, Topic: topic, MinBytes: 1, MaxBytes: 10 << 20, MaxWait: 100 * time.Millisecond,
		StartOffset: kafka.FirstOffset, QueueCapacity: 10_000, CommitInterval: time.Second,
	})
	for range n {
		if _, err := r.ReadMessage(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
	if err := r.Close(); err != nil {
		b.Fatal(err)
	}
}
