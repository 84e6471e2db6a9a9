package main

import (
	"context"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
)

// readerSettings are those of every kafka-go Reader of this program. The queue
// is larger than kafka-go's 100 messages, with which it is slower.
const readerSettings = "kafka-go group Reader, MaxBytes 10 MB, QueueCapacity 10,000, CommitInterval 1 s"

func (b *bench) reader(topic string) *kafka.Reader {
	return kafka.NewReader(kafka.ReaderConfig{
		Brokers: []string{b.kafka.Addr}, GroupID: b.unique("reader"), Topic: topic,
		MinBytes: 1, MaxBytes: 10_000_000, QueueCapacity: 10_000, CommitInterval: time.Second,
		StartOffset: kafka.FirstOffset, RebalanceTimeout: 5 * time.Second, JoinGroupBackoff: 100 * time.Millisecond,
	})
}

// rate is how fast something went through its events.
type rate struct {
	steady  float64 // events/s from the first one on
	overall float64 // start-up included
}

// readAll is the reference: it reads n messages and throws them away.
func (b *bench) readAll(ctx context.Context, topic string, n int) (rate, error) {
	start := time.Now()
	r := b.reader(topic)
	defer r.Close()
	var first time.Time
	for i := range n {
		if _, err := r.ReadMessage(ctx); err != nil {
			return rate{}, fmt.Errorf("read %s: %w", topic, err)
		}
		if i == 0 {
			first = time.Now()
		}
	}
	return rateOf(n, start, first), nil
}

func rateOf(n int, start, first time.Time) rate {
	end := time.Now()
	return rate{float64(n) / end.Sub(first).Seconds(), float64(n) / end.Sub(start).Seconds()}
}
