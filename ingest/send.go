package ingest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/tidemark-io/tidemark/event"
)

// Target is where events are sent to.
type Target struct {
	Brokers   []string
	Transport kafka.RoundTripper                   // nil: kafka-go's default
	Topic     func(k event.Kind) string            // "" where there is none for the kind
	Partition func(key []byte, n int) (int, error) // of a key, of n partitions
	Create    int                                  // partitions of the topics that are missing and to be made; 0: refuse
	Progress  func(sent, total int64)              // told now and then; may be nil
	Logf      func(format string, args ...any)     // told of topics that were made; may be nil
}

// Sent counts what was acknowledged by all replicas, by topic.
type Sent map[string]int64

// Total returns the number of messages.
func (s Sent) Total() int64 {
	var n int64
	for _, c := range s {
		n += c
	}
	return n
}

// sendMessages and sendBytes bound what is in flight.
const (
	sendMessages = 10_000
	sendBytes    = 8 << 20
)

// Send puts all events onto their topics in the order of event time, each
// keyed by its customer and on the partition of its key, acknowledged by all
// replicas. A retry may write a message twice, and an import that failed can be
// repeated from its beginning: ids and refs stay the same, so that nothing
// counts twice. Sent tells what was acknowledged when it fails.
func Send(ctx context.Context, s *Sorted, t Target) (Sent, error) {
	sent := Sent{}
	topics, err := t.topics(&s.Summary)
	if err != nil {
		return sent, err
	}
	client := &kafka.Client{Addr: kafka.TCP(t.Brokers...), Transport: t.Transport, Timeout: 30 * time.Second}
	n, err := t.prepare(ctx, client, topics)
	if err != nil {
		return sent, err
	}
	w := &kafka.Writer{
		Addr: client.Addr, Transport: t.Transport, RequiredAcks: kafka.RequireAll, Compression: kafka.Snappy,
		BatchSize: 1000, BatchTimeout: 5 * time.Millisecond, MaxAttempts: 10,
		// add has chosen, where an error can be told.
		Balancer: kafka.BalancerFunc(func(m kafka.Message, _ ...int) int { return m.WriterData.(int) }),
	}
	o := &outbound{ctx: ctx, target: t, partitions: n, writer: w, sent: sent, total: s.Events()}
	if err = s.Each(o.add); err == nil {
		err = o.flush()
	}
	if err = errors.Join(err, w.Close()); err != nil {
		return sent, fmt.Errorf("send events (%d of %d are through; the same import again completes them): %w", sent.Total(), o.total, err)
	}
	return sent, nil
}

// topics lists the topics of the kinds of events that there are.
func (t Target) topics(s *Summary) ([]string, error) {
	var out []string
	for k := event.Login; k <= event.Signal; k++ {
		if s.Kinds[k] == 0 {
			continue
		}
		name := t.Topic(k)
		if name == "" {
			return nil, fmt.Errorf("there are %d events of type %s, and no topic for them; name one under kafka.topics", s.Kinds[k], k)
		}
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out, nil
}

// prepare checks that all topics are there with the same number of partitions,
// makes those that are missing where it may, and returns that number.
func (t Target) prepare(ctx context.Context, client *kafka.Client, topics []string) (int, error) {
	counts, err := partitions(ctx, client, topics)
	if err != nil {
		return 0, err
	}
	var missing []string
	for _, name := range topics {
		if counts[name] == 0 {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		if t.Create == 0 {
			return 0, fmt.Errorf("there is no topic %s; create it, or let --create-topics do so", strings.Join(missing, ", "))
		}
		if err := t.create(ctx, client, missing); err != nil {
			return 0, err
		}
		if counts, err = t.await(ctx, client, topics); err != nil {
			return 0, err
		}
	}
	for _, name := range topics[min(1, len(topics)):] {
		if counts[name] != counts[topics[0]] {
			return 0, fmt.Errorf("topic %s has %d partitions and %s has %d; all input topics need the same number, so that a customer's events meet (tidemark repartition makes new ones)",
				topics[0], counts[topics[0]], name, counts[name])
		}
	}
	if len(topics) == 0 {
		return 0, nil
	}
	return counts[topics[0]], nil
}

// partitions returns the number of partitions of each topic, 0 for those that
// are not there.
func partitions(ctx context.Context, client *kafka.Client, topics []string) (map[string]int, error) {
	counts := map[string]int{}
	if len(topics) == 0 {
		return counts, nil // an empty request would ask for all topics
	}
	m, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: topics})
	if err != nil {
		return nil, fmt.Errorf("ask the broker for its topics: %w", err)
	}
	for _, found := range m.Topics {
		switch {
		case errors.Is(found.Error, kafka.UnknownTopicOrPartition):
		case found.Error != nil:
			return nil, fmt.Errorf("ask the broker for topic %s: %w", found.Name, found.Error)
		default:
			counts[found.Name] = len(found.Partitions)
		}
	}
	return counts, nil
}

// create makes topics. Their messages get the time at which they are appended:
// with that of the event, the broker would delete history at once.
func (t Target) create(ctx context.Context, client *kafka.Client, topics []string) error {
	request := &kafka.CreateTopicsRequest{}
	for _, name := range topics {
		request.Topics = append(request.Topics, kafka.TopicConfig{
			Topic: name, NumPartitions: t.Create, ReplicationFactor: -1,
			ConfigEntries: []kafka.ConfigEntry{{ConfigName: "message.timestamp.type", ConfigValue: "LogAppendTime"}},
		})
	}
	response, err := client.CreateTopics(ctx, request)
	if err != nil {
		return fmt.Errorf("create topics: %w", err)
	}
	for _, name := range topics {
		if err := response.Errors[name]; err != nil && !errors.Is(err, kafka.TopicAlreadyExists) {
			return fmt.Errorf("create topic %s: %w", name, err)
		}
		if t.Logf != nil {
			t.Logf("created topic %s with %d partitions", name, t.Create)
		}
	}
	return nil
}

// await asks until every topic that was made is known, at most half a minute.
func (t Target) await(ctx context.Context, client *kafka.Client, topics []string) (map[string]int, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for {
		counts, err := partitions(ctx, client, topics)
		if err == nil && len(counts) == len(topics) {
			return counts, nil
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("wait for new topics: %w", ctx.Err()), err)
		case <-again.C:
		}
	}
}

// outbound collects messages and writes them.
type outbound struct {
	ctx        context.Context
	target     Target
	partitions int // of each topic
	writer     *kafka.Writer
	batch      []kafka.Message
	bytes      int
	sent       Sent
	total      int64
}

// add takes a copy of a message.
func (o *outbound) add(m *Message) error {
	size := len(m.Customer) + len(m.Value)
	if len(o.batch) == sendMessages || o.bytes+size > sendBytes {
		if err := o.flush(); err != nil {
			return err
		}
	}
	partition, err := o.target.Partition(m.Customer, o.partitions)
	if err != nil {
		return err
	}
	copied := append(append(make([]byte, 0, size), m.Customer...), m.Value...)
	o.batch = append(o.batch, kafka.Message{
		Topic: o.target.Topic(m.Kind), Key: copied[:len(m.Customer):len(m.Customer)], Value: copied[len(m.Customer):], WriterData: partition,
	})
	o.bytes += size
	return nil
}

// flush writes what was collected.
func (o *outbound) flush() error {
	if len(o.batch) == 0 {
		return nil
	}
	err := o.writer.WriteMessages(o.ctx, o.batch...)
	var each kafka.WriteErrors // one for each message, nil where it is through
	if err != nil && !errors.As(err, &each) {
		return err
	}
	for i, m := range o.batch {
		if each == nil || each[i] == nil {
			o.sent[m.Topic]++
		} else if errors.As(err, new(kafka.WriteErrors)) {
			err = fmt.Errorf("topic %s: %w", m.Topic, each[i]) // the first speaks for all
		}
	}
	if o.target.Progress != nil {
		o.target.Progress(o.sent.Total(), o.total)
	}
	o.batch, o.bytes = o.batch[:0], 0
	return err
}

// Behind refuses files whose events begin further behind the stored watermark
// (Unix ms; 0: nothing is stored) than the horizon of so many days: they would
// go to the late topic.
func Behind(files []FileSummary, watermark int64, horizon int, loc *time.Location) error {
	if watermark == 0 {
		return nil
	}
	now := time.UnixMilli(watermark).In(loc)
	first := time.Date(now.Year(), now.Month(), now.Day()-horizon, 0, 0, 0, 0, loc)
	for _, f := range files {
		if f.Events == 0 || f.First >= first.UnixMilli() {
			continue
		}
		return fmt.Errorf("%s begins on %s, and the stored state stands at %s: events before %s are beyond the horizon of %dd and would go to the late topic; import into a new redis.namespace, or repeat an import that failed with --allow-late",
			f.Name, time.UnixMilli(f.First).In(loc).Format(time.DateOnly), now.Format(time.DateOnly), first.Format(time.DateOnly), horizon)
	}
	return nil
}
