package consumer

import (
	"context"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"go.uber.org/zap"
)

// FetcherOptions is what a Fetcher needs. Zero values mean the defaults named.
type FetcherOptions struct {
	Transport *kafka.Transport // as Security.Transport makes it
	Addr      net.Addr         // kafka.TCP(brokers...)
	Log       *zap.Logger

	// QueueBytes bounds what lies fetched and not taken, of all streams
	// together, in bytes as fetched (compressed). 32 MiB. Streams with an empty
	// queue may always fetch 64 KiB, so that no stream waits for a place that
	// another one doesn't free; a message larger than what was asked for comes
	// whole. So the bound is exceeded by 64 KiB a stream, or one message, at most.
	QueueBytes int
	// PartitionQueueBytes bounds the queue of one stream. A quarter of QueueBytes.
	PartitionQueueBytes int
	// PartitionMaxBytes is asked for of one topic-partition in one request. 1 MiB.
	PartitionMaxBytes int
	// MaxBytes is asked for in one request, of all its topic-partitions. 8 MiB.
	MaxBytes int
	// MaxWait is how long a broker holds a request that finds nothing. 100 ms.
	// New messages end the wait.
	MaxWait time.Duration
	// MinBytes ends the wait. 1: the first message does.
	MinBytes int
	// BatchMessages is how many messages several record batches in one Batch
	// may have together. 2,000.
	BatchMessages int
	// ExpandedBytes is what one record batch may decompress to; a larger one is
	// Corrupt. 128 MiB.
	ExpandedBytes int
	// Timeout is how long an answer may take, beyond MaxWait. 10 s.
	Timeout time.Duration

	goneAfter time.Duration // a test's; see GoneAfter
}

// Bounds of memory that aren't configured.
const (
	reserveBytes = 64 << 10 // what a stream with an empty queue may always fetch
	batchBytes   = 4 << 20  // decompressed; a Batch of several record batches ends behind it
)

func (o *FetcherOptions) defaults() {
	def := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	def(&o.QueueBytes, 32<<20)
	def(&o.PartitionQueueBytes, o.QueueBytes/4)
	def(&o.PartitionMaxBytes, 1<<20)
	def(&o.MaxBytes, 8<<20)
	def(&o.MinBytes, 1)
	def(&o.BatchMessages, 2000)
	def(&o.ExpandedBytes, 128<<20)
	if o.MaxWait <= 0 {
		o.MaxWait = 100 * time.Millisecond
	}
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	if o.goneAfter <= 0 {
		o.goneAfter = GoneAfter
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
}

// Fetcher reads topic-partitions into bounded queues, one Stream each. For
// every broker that leads one of them runs one loop, which asks for all of them
// in one request; one more goroutine, the router, finds out who leads what.
//
// Isolation is read committed: what a Stream hands out is below the partition's
// last stable offset and not of an aborted transaction.
type Fetcher struct {
	opt    FetcherOptions
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
	route  chan struct{} // cap 1: a stream has no leader
	log    *troubleLog

	mu       sync.Mutex // guards what follows, and every Stream's fields
	streams  []*Stream
	loops    map[int32]*loop // by broker
	queued   int             // bytes of chunks in queues
	reserved int             // bytes that requests under way may bring
	closed   bool
}

// NewFetcher starts a Fetcher. It fetches nothing until a Stream is opened.
func NewFetcher(opt FetcherOptions) *Fetcher {
	opt.defaults()
	ctx, cancel := context.WithCancel(context.Background())
	f := &Fetcher{
		opt: opt, ctx: ctx, cancel: cancel,
		route: make(chan struct{}, 1),
		log:   newTroubleLog(opt.Log),
		loops: make(map[int32]*loop),
	}
	f.wg.Go(f.router)
	return f
}

// Open begins to fetch a topic-partition from an offset on. wake, of capacity
// 1, gets a send that doesn't block whenever the Stream's state changes; several
// streams may share it. A Stream is used by one goroutine, and a topic-partition
// by one Stream at a time: opening it again before Close is an error.
func (f *Fetcher) Open(topic string, partition int, offset int64, wake chan<- struct{}) *Stream {
	s := &Stream{
		f: f, topic: topic, partition: partition, wake: wake,
		next: offset, leader: noLeader,
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		s.fail(errClosed)
		return s
	}
	for _, o := range f.streams {
		if o.topic == topic && o.partition == partition {
			s.fail(errOpen)
			return s
		}
	}
	f.streams = append(f.streams, s)
	signal(f.route)
	return s
}

// Close ends all fetching. Streams end with an error; batches that were taken
// stay valid.
func (f *Fetcher) Close() {
	f.mu.Lock()
	f.closed = true
	for _, s := range f.streams {
		s.fail(errClosed)
	}
	f.mu.Unlock()
	f.cancel()
	f.wg.Wait()
}

// QueuedBytes returns how many bytes of memory lie fetched and not taken.
func (f *Fetcher) QueuedBytes() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return int64(f.queued)
}

// forget drops a closed stream. The caller holds f.mu.
func (f *Fetcher) forget(s *Stream) {
	if i := slices.Index(f.streams, s); i >= 0 {
		f.streams = slices.Delete(f.streams, i, i+1)
	}
}

// signal sends without blocking: whoever receives looks at everything anyway.
func signal(c chan<- struct{}) {
	if c == nil {
		return
	}
	select {
	case c <- struct{}{}:
	default:
	}
}
