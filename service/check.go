package service

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/config"
	"github.com/tidemark-io/tidemark/consumer"
	"github.com/tidemark-io/tidemark/store"
)

// Finding is one thing that was looked at.
type Finding struct {
	What   string `json:"what"`
	Result string `json:"result"` // ok, warning or wrong
	Say    string `json:"say"`
}

// Check looks whether brokers, topics and store fit the configuration.
func Check(ctx context.Context, c *config.Config) []Finding {
	var out []Finding
	add := func(what, result, format string, args ...any) {
		out = append(out, Finding{what, result, fmt.Sprintf(format, args...)})
	}
	st, err := OpenStore(ctx, c.Redis)
	if err != nil {
		add("redis", "wrong", "%v", err)
	} else {
		defer func() {
			if err := st.Close(); err != nil {
				return // it answered; nothing depends on how it ends
			}
		}()
		add("redis", "ok", "%v answers", c.Redis.Addrs)
		warnings, err := st.Durability(ctx)
		if err != nil {
			add("redis", "warning", "its persistence cannot be read: %v", err)
		}
		for _, w := range warnings {
			add("redis", "warning", "%s", w)
		}
	}
	set, partitions, ok := checkTopics(ctx, c, add)
	if ok && st != nil && err == nil {
		checkState(ctx, c, st, set, partitions, add)
	}
	return out
}

func checkTopics(ctx context.Context, c *config.Config, add func(what, result, format string, args ...any)) (set consumer.TopicSet, partitions int, ok bool) {
	security, err := BrokerSecurity(c.Kafka)
	if err != nil {
		add("kafka", "wrong", "%v", err)
		return set, 0, false
	}
	client, err := kgo.NewClient(append(security.KgoOptions(), kgo.SeedBrokers(c.Kafka.Brokers...))...)
	if err != nil {
		add("kafka", "wrong", "%v", err)
		return set, 0, false
	}
	defer client.Close()
	inputs := c.Kafka.Topics.All()
	if set, err = consumer.ReadTopics(ctx, kadm.NewClient(client), inputs...); err != nil {
		add("kafka", "wrong", "%v", err)
		return set, 0, false
	}
	add("kafka", "ok", "%v answer, cluster %s", c.Kafka.Brokers, set.ClusterID)
	if partitions, err = consumer.CheckInputs(set, inputs); err != nil {
		add("topics", "wrong", "%v", err)
		return set, 0, false
	}
	add("topics", "ok", "%d input topics of %d partitions", len(inputs), partitions)
	for _, name := range inputs {
		if t := set.Topics[name]; !t.AppendTime {
			add("topics", "warning", "%s has no append time: events too far ahead are told by the clock; set message.timestamp.type=LogAppendTime", name)
		}
	}
	return set, partitions, true
}

// checkState compares what is stored with the topics as they are.
func checkState(ctx context.Context, c *config.Config, st *store.Store, set consumer.TopicSet, partitions int, add func(what, result, format string, args ...any)) {
	n, err := st.Partitions(ctx)
	switch {
	case err != nil:
		add("state", "wrong", "%v", err)
		return
	case n == 0:
		add("state", "ok", "nothing is stored under namespace %s yet", c.Redis.Namespace)
		return
	case n != partitions:
		add("state", "wrong", "it was made with %d partitions and the topics have %d: run tidemark repartition, or use another redis.namespace", n, partitions)
		return
	}
	wrong := false
	for shard := range n {
		v, err := st.ReadView(ctx, shard, store.Tenure{})
		if err != nil {
			add("state", "wrong", "%v", err)
			return
		}
		for name, off := range v.Head.Offsets {
			t, ok := set.Topics[name]
			if ok && (off.Next < t.Start[shard] || off.Next > t.End[shard]) {
				wrong = true
				add("state", "wrong", "offset %s/%d@%d lies outside the log (%d to %d)", name, shard, off.Next, t.Start[shard], t.End[shard])
			}
		}
		if changes := c.Changes(v.Head.Settings); v.Head.Settings != "" && len(changes) > 0 {
			add("state", "wrong", "it was made with other settings: %s", changes[0])
			return
		}
	}
	if !wrong {
		add("state", "ok", "%d shards under namespace %s", n, c.Redis.Namespace)
	}
}
