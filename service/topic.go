package service

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/tidemark-io/tidemark/worker"
)

const (
	// Most of one request to a broker, which by default takes 1 MiB.
	requestMessages = 1000
	requestBytes    = 512 << 10
	// sendAttempts is how often a request is made that a broker refuses.
	sendAttempts = 3
	sendPause    = 250 * time.Millisecond
)

// kpiTopic writes to the topic of KPIs, with one request at a time. Producers of
// libraries go on by themselves after a call has ended, and could write what is
// out of date by then.
type kpiTopic struct {
	client *kafka.Client
	name   string
}

// write returns when every message is on the topic, in order. After an error, or
// when ctx has ended, nothing more is sent: what has been handed to a broker may
// come to stand there all the same.
func (t kpiTopic) write(ctx context.Context, messages []worker.Message) error {
	partitions, err := t.partitions(ctx)
	if err != nil {
		return fmt.Errorf("look for topic %s: %w", t.name, err)
	}
	due := make([][]worker.Message, len(partitions))
	bytes := make([]int, len(partitions))
	send := func(i int) error {
		if err := t.retry(ctx, func() error { return t.produce(ctx, i, due[i]) }); err != nil {
			return fmt.Errorf("produce to %s/%d: %w", t.name, i, err)
		}
		due[i], bytes[i] = nil, 0
		return nil
	}
	for _, m := range messages {
		i := kafka.Murmur2Balancer{}.Balance(kafka.Message{Key: m.Key}, partitions...)
		if size := len(m.Key) + len(m.Value); len(due[i]) == requestMessages || len(due[i]) > 0 && bytes[i]+size > requestBytes {
			if err := send(i); err != nil {
				return err
			}
		}
		due[i] = append(due[i], m)
		bytes[i] += len(m.Key) + len(m.Value)
	}
	for i := range partitions {
		if len(due[i]) == 0 {
			continue
		}
		if err := send(i); err != nil {
			return err
		}
	}
	return nil
}

// partitions are the numbers of the topic's, from 0 on.
func (t kpiTopic) partitions(ctx context.Context) (out []int, err error) {
	err = t.retry(ctx, func() error {
		answer, err := t.client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{t.name}})
		if err != nil {
			return err
		}
		out = out[:0]
		for _, x := range answer.Topics {
			if x.Error != nil {
				return x.Error
			}
			for n := range x.Partitions {
				out = append(out, n)
			}
		}
		if len(out) == 0 {
			return kafka.UnknownTopicOrPartition
		}
		return nil
	})
	return out, err
}

func (t kpiTopic) produce(ctx context.Context, partition int, messages []worker.Message) error {
	records := make([]kafka.Record, len(messages))
	for i, m := range messages {
		records[i] = kafka.Record{Key: kafka.NewBytes(m.Key), Value: kafka.NewBytes(m.Value)}
	}
	answer, err := t.client.Produce(ctx, &kafka.ProduceRequest{Topic: t.name, Partition: partition,
		RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(records...)})
	if err != nil {
		return err
	}
	return answer.Error
}

// retry makes a request again that was refused for now.
func (t kpiTopic) retry(ctx context.Context, request func() error) error {
	for attempt := 1; ; attempt++ {
		err := request()
		var code kafka.Error
		if err == nil || attempt == sendAttempts || ctx.Err() != nil || errors.As(err, &code) && !code.Temporary() {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(time.Duration(attempt)*sendPause + rand.N(sendPause)):
		}
	}
}
