package consumer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

// Topic is what brokers say of a topic.
type Topic struct {
	Name       string
	ID         string // differs after delete and create
	Partitions int
	// By partition: the log's first offset, and the offset after its last message
	// (the high watermark).
	Start, End []int64

	// From the topic's configuration; zero where ConfigErr says that brokers
	// don't show it to this user.
	AppendTime      bool // message.timestamp.type is LogAppendTime
	Compacted       bool // cleanup.policy contains compact
	MaxMessageBytes int  // max.message.bytes
	ConfigErr       error
}

// TopicSet is what brokers said of some topics. A topic that does not exist is
// missing from Topics.
type TopicSet struct {
	ClusterID string
	Topics    map[string]Topic
}

// defaultMaxMessageBytes is Kafka's, for topics whose configuration is hidden.
const defaultMaxMessageBytes = 1<<20 + 12

// ReadTopics asks the brokers about topics: metadata, offsets, configuration.
func ReadTopics(ctx context.Context, adm *kadm.Client, names ...string) (TopicSet, error) {
	set, found, err := describeTopics(ctx, adm, names)
	if err != nil || len(found) == 0 {
		return set, err
	}
	return set, readOffsets(ctx, adm, set, found)
}

// describeTopics is ReadTopics without the offsets. It also returns the names
// of the topics that exist, sorted.
func describeTopics(ctx context.Context, adm *kadm.Client, names []string) (TopicSet, []string, error) {
	set := TopicSet{Topics: make(map[string]Topic)}
	m, err := adm.Metadata(ctx, names...)
	if err != nil {
		return set, nil, fmt.Errorf("read metadata of topics %s: %w", strings.Join(names, ", "), err)
	}
	set.ClusterID = m.Cluster
	var found []string
	for name, d := range m.Topics {
		switch {
		case errors.Is(d.Err, kerr.UnknownTopicOrPartition):
			continue
		case d.Err != nil:
			return set, nil, fmt.Errorf("read metadata of topic %s: %w", name, d.Err)
		}
		found = append(found, name)
		set.Topics[name] = Topic{Name: name, ID: d.ID.String(), Partitions: len(d.Partitions)}
	}
	slices.Sort(found)
	if len(found) == 0 {
		return set, nil, nil
	}
	return set, found, readConfigs(ctx, adm, set, found)
}

func readOffsets(ctx context.Context, adm *kadm.Client, set TopicSet, names []string) error {
	for _, list := range []struct {
		what string
		ask  func(context.Context, ...string) (kadm.ListedOffsets, error)
		put  func(*Topic) *[]int64
	}{
		{"start", adm.ListStartOffsets, func(t *Topic) *[]int64 { return &t.Start }},
		{"end", adm.ListEndOffsets, func(t *Topic) *[]int64 { return &t.End }},
	} {
		offsets, err := list.ask(ctx, names...)
		if err == nil {
			err = offsets.Error()
		}
		if err != nil {
			return fmt.Errorf("list %s offsets of topics %s: %w", list.what, strings.Join(names, ", "), err)
		}
		for name, t := range set.Topics {
			all := make([]int64, t.Partitions)
			for p := range all {
				o, ok := offsets.Lookup(name, int32(p))
				if !ok {
					return fmt.Errorf("list %s offsets of topic %s: no answer for partition %d", list.what, name, p)
				}
				all[p] = o.Offset
			}
			*list.put(&t) = all
			set.Topics[name] = t
		}
	}
	return nil
}

func readConfigs(ctx context.Context, adm *kadm.Client, set TopicSet, names []string) error {
	configs, err := adm.DescribeTopicConfigs(ctx, names...)
	if err != nil {
		return fmt.Errorf("read configuration of topics %s: %w", strings.Join(names, ", "), err)
	}
	for _, c := range configs {
		t, ok := set.Topics[c.Name]
		if !ok {
			continue
		}
		t.ConfigErr = c.Err
		for _, kv := range c.Configs {
			switch kv.Key {
			case "message.timestamp.type":
				t.AppendTime = kv.MaybeValue() == "LogAppendTime"
			case "cleanup.policy":
				t.Compacted = strings.Contains(kv.MaybeValue(), "compact")
			case "max.message.bytes":
				if t.MaxMessageBytes, err = strconv.Atoi(kv.MaybeValue()); err != nil {
					return fmt.Errorf("read max.message.bytes of topic %s: %w", c.Name, err)
				}
			}
		}
		set.Topics[c.Name] = t
	}
	return nil
}

// ErrNoTopic: a topic does not exist, as far as the broker knows that was asked.
var ErrNoTopic = errors.New("does not exist")

// CheckInputs says in one sentence what is wrong with the input topics, or
// returns their partition count, which is the number of shards. A topic that is
// missing is an ErrNoTopic.
func CheckInputs(set TopicSet, inputs []string) (partitions int, err error) {
	if len(inputs) == 0 {
		return 0, errors.New("no input topic is configured: name one under kafka.topics")
	}
	var first Topic
	for _, name := range inputs {
		if t, ok := set.Topics[name]; ok && t.Partitions > first.Partitions {
			first = t
		}
	}
	for _, name := range inputs {
		t, ok := set.Topics[name]
		switch {
		case !ok && first.Name == "":
			return 0, fmt.Errorf("topic %s %w: create it, or name the topic you have under kafka.topics", name, ErrNoTopic)
		case !ok:
			return 0, fmt.Errorf("topic %s %w: create it with %d partitions like %s, or take it out of kafka.topics",
				name, ErrNoTopic, first.Partitions, first.Name)
		case t.Partitions != first.Partitions:
			return 0, fmt.Errorf("topics %s (%d partitions) and %s (%d) must have the same number of partitions: "+
				"create %s anew with %d, or run tidemark repartition",
				first.Name, first.Partitions, name, t.Partitions, name, first.Partitions)
		case t.Compacted:
			return 0, fmt.Errorf("topic %s is compacted, so that the latest event of a customer replaces those before: "+
				"run kafka-configs.sh --bootstrap-server BROKER --alter --topic %s --add-config cleanup.policy=delete, "+
				"or name another topic under kafka.topics", name, name)
		}
	}
	return first.Partitions, nil
}

// MaxMessageBytes returns the largest max.message.bytes of the topics named.
func (set TopicSet) MaxMessageBytes(names []string) int {
	most := 0
	for _, name := range names {
		n := set.Topics[name].MaxMessageBytes
		if n == 0 {
			n = defaultMaxMessageBytes
		}
		most = max(most, n)
	}
	return most
}
