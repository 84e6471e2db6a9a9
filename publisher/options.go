package publisher

import (
	"crypto/tls"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl"
	"go.uber.org/zap"
)

// Topics are the output topics of a publication.
type Topics struct {
	Alerts  string // partition = shard
	Cursors string // partition = shard, compacted, written only by the shard's owner
	// Notes are the topics of publications' notes. They need not be known here to
	// be published to: transactions of ours that hang there are looked for.
	Notes []string
}

// Options say where and as whom a shard publishes. Brokers, Namespace and
// Topics are required.
type Options struct {
	Brokers   []string
	Namespace string // the transactional id is "<namespace>-shard-<shard>"
	Shard     int
	Topics    Topics

	TLS  *tls.Config    // nil: plain text
	SASL sasl.Mechanism // nil: none

	// Timeout is transaction.timeout.ms and the limit of one Publish: 10 s
	// where zero. The coordinator ends what an owner that stands still leaves
	// open after this time.
	Timeout time.Duration
	// CursorLimit is how long each step of Open waits for others' transactions:
	// InitProducerId for our predecessor's to complete, the cursor for any that
	// holds the partition's last stable offset back. 30 s where zero.
	CursorLimit time.Duration
	// LookLimit is the longest that Look waits for the broker, and Open for
	// topics that were just created: 3 s where zero.
	LookLimit time.Duration
	// MaxMessageBytes is the largest batch that is sent. At least the
	// max.message.bytes of the input topics + 64 KiB, and at most that of the
	// output topics; Kafka's default of 1 MiB + 64 KiB where zero.
	MaxMessageBytes int

	// HangingInterval is how often Look asks whether a transaction of ours hangs:
	// 10 s where zero.
	HangingInterval time.Duration
	// HangingEnded is called for each transaction of ours that hung and was
	// ended. nil: nobody counts them.
	HangingEnded func()

	Log   *zap.Logger // nil: silent
	Hooks []kgo.Opt   // for tests: faults on the wire
}

const (
	defaultTimeout     = 10 * time.Second
	defaultCursorLimit = 30 * time.Second
	defaultLookLimit   = 3 * time.Second

	defaultHangingInterval = 10 * time.Second

	defaultMessage = 1<<20 + 64<<10
	// Below the 4 minutes after which load balancers forget a silent
	// connection. With the library's 20 s most alerts would have to connect.
	idleConnection = 3 * time.Minute
)

func (o *Options) complete() error {
	switch {
	case len(o.Brokers) == 0:
		return errors.New("no Kafka brokers are configured")
	case o.Namespace == "":
		return errors.New("no namespace is configured; it names the transactional id")
	case o.Topics.Alerts == "" || o.Topics.Cursors == "" || o.Topics.Alerts == o.Topics.Cursors:
		return fmt.Errorf("alerts %q and cursors %q must be two topics", o.Topics.Alerts, o.Topics.Cursors)
	case o.Shard < 0 || o.Shard > math.MaxInt32:
		return fmt.Errorf("shard %d is not a partition number", o.Shard)
	case o.MaxMessageBytes < 0 || o.MaxMessageBytes > math.MaxInt32:
		return fmt.Errorf("a largest message of %d bytes is not possible", o.MaxMessageBytes)
	}
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if o.CursorLimit == 0 {
		o.CursorLimit = defaultCursorLimit
	}
	if o.LookLimit == 0 {
		o.LookLimit = defaultLookLimit
	}
	if o.MaxMessageBytes == 0 {
		o.MaxMessageBytes = defaultMessage
	}
	if o.HangingInterval == 0 {
		o.HangingInterval = defaultHangingInterval
	}
	if o.HangingEnded == nil {
		o.HangingEnded = func() {}
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	return nil
}

func (o *Options) transactionalID() string {
	return fmt.Sprintf("%s-shard-%d", o.Namespace, o.Shard)
}

// client is the one connection pool of a publisher: it produces, and its raw
// requests read the cursor partition.
func (o *Options) client(requests *requestCount) (*kgo.Client, error) {
	shard := o.Shard
	opts := []kgo.Opt{
		kgo.SeedBrokers(o.Brokers...),
		kgo.ClientID("tidemark"),
		kgo.TransactionalID(o.transactionalID()),
		kgo.TransactionTimeout(o.Timeout),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		// Everything of a transaction leaves in one request to each broker,
		// when Publish flushes.
		kgo.ManualFlushing(),
		kgo.MaxBufferedRecords(math.MaxInt32),
		kgo.ProducerBatchMaxBytes(int32(o.MaxMessageBytes)),
		// Alerts and cursor have a partition for each shard. Notes may go
		// anywhere; one partition a shard keeps their order and the number of
		// partitions in a transaction small.
		kgo.RecordPartitioner(kgo.BasicConsistentPartitioner(func(string) func(*kgo.Record, int) int {
			return func(_ *kgo.Record, partitions int) int { return shard % partitions }
		})),
		// "Not yet": the markers of the transaction before are still being
		// written. The library's quarter of a second would be our latency.
		kgo.ConcurrentTransactionsBackoff(5 * time.Millisecond),
		kgo.RetryBackoffFn(backoff),
		kgo.MetadataMinAge(250 * time.Millisecond), // a retry may wait for it; 5 s otherwise
		// An EndTxn is sent once. Its outcome is "committed" or in doubt.
		kgo.RetryTimeoutFn(func(key int16) time.Duration {
			if key == int16(kmsg.EndTxn) {
				return time.Nanosecond
			}
			return o.Timeout
		}),
		kgo.ConnIdleTimeout(idleConnection),
		kgo.DisableClientMetrics(),
		kgo.WithHooks(requests),
	}
	if o.TLS != nil {
		opts = append(opts, kgo.DialTLSConfig(o.TLS))
	}
	if o.SASL != nil {
		opts = append(opts, kgo.SASL(o.SASL))
	}
	client, err := kgo.NewClient(append(opts, o.Hooks...)...)
	if err != nil {
		return nil, fmt.Errorf("set up the Kafka client: %w", err)
	}
	return client, nil
}

// backoff doubles from 5 ms to 1 s: a first retry mostly meets markers that are
// being written or a leader that has just moved.
func backoff(tries int) time.Duration {
	return min(5*time.Millisecond<<min(tries-1, 8), time.Second)
}
