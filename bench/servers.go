package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/internal/testserver"
)

const partitions = 4

// startServers starts what is not running yet, and empties Redis.
func (b *bench) startServers(ctx context.Context) error {
	var err error
	if b.kafka == nil {
		if b.kafka, err = testserver.RunKafka(testserver.KafkaOptions{JVM: []string{"-Xmx1g"}}); err != nil {
			return err
		}
	}
	if b.redis == nil {
		if b.redis, err = testserver.RunRedis(testserver.RedisOptions{}); err != nil {
			return err
		}
	}
	c := redis.NewClient(&redis.Options{Addr: b.redis.Addr})
	defer c.Close()
	if err := c.FlushAll(ctx).Err(); err != nil {
		return fmt.Errorf("empty Redis: %w", err)
	}
	return nil
}

func (b *bench) stopServers() error {
	var err error
	if b.kafka != nil {
		err = b.kafka.Stop()
	}
	if b.redis != nil {
		err = errors.Join(err, b.redis.Stop())
	}
	return err
}

// unique returns a name that no other topic, group or namespace of this run has.
func (b *bench) unique(name string) string {
	b.namespaces++
	return fmt.Sprintf("%s-%d", name, b.namespaces)
}

// newTopic creates a topic whose messages carry the time of their append, and
// waits until the broker answers for it.
func (b *bench) newTopic(ctx context.Context, name string, partitions int) (string, error) {
	name = b.unique(name)
	if err := b.kafka.NewTopic(name, partitions, map[string]string{"message.timestamp.type": "LogAppendTime"}); err != nil {
		return "", err
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(b.kafka.Addr))
	if err != nil {
		return "", err
	}
	defer cl.Close()
	for adm := kadm.NewClient(cl); ; {
		ends, err := adm.ListEndOffsets(ctx, name)
		if err == nil && ends.Error() == nil && len(ends[name]) == partitions {
			return name, nil
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// producer puts messages where Java's producers would: murmur2 of the key.
func (b *bench) producer(opts ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(b.kafka.Addr),
		kgo.ProducerBatchCompression(kgo.SnappyCompression()),
		kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)),
		kgo.MaxBufferedRecords(200_000),
	}, opts...)...)
}

// stream returns a topic that holds the stream over the days; it is produced once.
func (b *bench) stream(ctx context.Context, days int) (string, error) {
	if name, ok := b.onTopic[days]; ok {
		return name, nil
	}
	topic, err := b.newTopic(ctx, fmt.Sprintf("events-%dd", days), partitions)
	if err != nil {
		return "", err
	}
	start := time.Now()
	g := newGenerator(b.seed, b.events, days)
	size := 0
	err = b.fill(ctx, topic, b.events, func(ev *event.Event) { g.next(ev) }, &size)
	if err != nil {
		return "", err
	}
	took := time.Since(start)
	fmt.Printf("%s: %d events of %d B over %d days in %d partitions, produced in %.1f s\n",
		topic, b.events, size/b.events, days, partitions, took.Seconds())
	b.onTopic[days] = topic
	return topic, nil
}

// fill produces n events onto a topic in their order; size grows by their bytes.
func (b *bench) fill(ctx context.Context, topic string, n int, next func(*event.Event), size *int) error {
	cl, err := b.producer(kgo.DefaultProduceTopic(topic), kgo.ProducerLinger(10*time.Millisecond))
	if err != nil {
		return err
	}
	defer cl.Close()
	var failed error
	firstError := kgo.AbortingFirstErrPromise(cl)
	var ev event.Event
	for range n {
		next(&ev)
		value := ev.Append(make([]byte, 0, 256))
		*size += len(value)
		cl.Produce(ctx, &kgo.Record{Key: append([]byte(nil), ev.Customer...), Value: value}, firstError.Promise())
	}
	failed = cl.Flush(ctx)
	if err := errors.Join(failed, firstError.Err()); err != nil {
		return fmt.Errorf("produce onto %s: %w", topic, err)
	}
	return nil
}
