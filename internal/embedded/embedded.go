// Package embedded runs a broker and a Redis server inside this process, for the
// demo: nothing is installed, nothing is left behind. Both listen on loopback, on
// ports that were free. They keep everything in memory.
package embedded

import (
	"context"
	"errors"
	"fmt"

	"github.com/alicebob/miniredis/v2"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Options say what the servers hold from the start.
type Options struct {
	Topics     []string // to create, each once
	Partitions int      // of each topic; 0: 4
}

// Servers are a broker and a Redis server.
type Servers struct {
	Brokers []string // host:port
	Redis   string   // host:port

	cluster *kfake.Cluster
	redis   *miniredis.Miniredis
}

// Start starts both servers and creates the topics. The caller closes them.
func Start(ctx context.Context, o Options) (*Servers, error) {
	if o.Partitions == 0 {
		o.Partitions = 4
	}
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.ClusterID("tidemark-embedded"))
	if err != nil {
		return nil, fmt.Errorf("start the embedded broker: %w", err)
	}
	s := &Servers{Brokers: cluster.ListenAddrs(), cluster: cluster, redis: miniredis.NewMiniRedis()}
	if err := s.createTopics(ctx, o); err != nil {
		cluster.Close()
		return nil, err
	}
	s.redis.ClockTTL(true) // without it no key would ever expire
	if err := s.redis.Start(); err != nil {
		cluster.Close()
		return nil, fmt.Errorf("start the embedded Redis: %w", err)
	}
	s.Redis = s.redis.Addr()
	return s, nil
}

// createTopics creates topics that keep everything: a history is older than any
// usual retention.
func (s *Servers) createTopics(ctx context.Context, o Options) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(s.Brokers...))
	if err != nil {
		return fmt.Errorf("connect to the embedded broker: %w", err)
	}
	defer client.Close()
	forever := map[string]*string{"retention.ms": kadm.StringPtr("-1")}
	r, err := kadm.NewClient(client).CreateTopics(ctx, int32(o.Partitions), 1, forever, o.Topics...)
	if err == nil {
		err = r.Error()
	}
	if err != nil {
		return fmt.Errorf("create topics on the embedded broker: %w", err)
	}
	return nil
}

// Close stops both servers; what they held is gone.
func (s *Servers) Close() {
	s.cluster.Close()
	s.redis.Close()
}

// Producer puts messages onto the topics of a broker as fast as it takes them,
// in order. It is for one goroutine.
type Producer struct {
	client     *kgo.Client
	partition  func(key []byte, n int) (int, error)
	partitions int
	sent       int64
	failed     chan error // the first error
}

// NewProducer returns a producer for topics of so many partitions. The function
// puts keys onto them. The caller closes it.
func NewProducer(brokers []string, partitions int, partition func(key []byte, n int) (int, error)) (*Producer, error) {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(brokers...),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(kgo.SnappyCompression()),
		kgo.ProducerLinger(0), // a live event waits for nobody; a history fills batches anyway
		kgo.MaxBufferedRecords(50_000),
	)
	if err != nil {
		return nil, fmt.Errorf("connect a producer: %w", err)
	}
	return &Producer{client: client, partition: partition, partitions: partitions, failed: make(chan error, 1)}, nil
}

// Send sends one record to the partition of its key, which Send sets. It waits
// while 50,000 records are under way. An error may be that of an earlier record.
func (p *Producer) Send(ctx context.Context, r *kgo.Record) error {
	n, err := p.partition(r.Key, p.partitions)
	if err != nil {
		return fmt.Errorf("send to topic %s: %w", r.Topic, err)
	}
	r.Partition = int32(n)
	p.client.Produce(ctx, r, func(r *kgo.Record, err error) {
		if err == nil {
			return
		}
		select {
		case p.failed <- fmt.Errorf("send to topic %s: %w", r.Topic, err):
		default: // one is told
		}
	})
	p.sent++
	return p.error()
}

// Flush waits until everything that was sent has arrived.
func (p *Producer) Flush(ctx context.Context) error {
	if err := p.client.Flush(ctx); err != nil {
		return errors.Join(fmt.Errorf("wait for what was sent: %w", err), p.error())
	}
	return p.error()
}

// Sent returns how many records Send was given.
func (p *Producer) Sent() int64 { return p.sent }

// Close drops the connection.
func (p *Producer) Close() { p.client.Close() }

// error is the first error of a record; it stays.
func (p *Producer) error() error {
	select {
	case err := <-p.failed:
		p.failed <- err
		return err
	default:
		return nil
	}
}
