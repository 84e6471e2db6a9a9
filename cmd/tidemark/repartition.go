package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidemark-io/tidemark/config"
	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/kpi"

	"github.com/tidemark-io/tidemark/service"
)

// repartitionOptions are the flags of tidemark repartition.
type repartitionOptions struct {
	config     string
	from       []string
	suffix     string
	partitions int
}

func newRepartitionCommand() *cobra.Command {
	var o repartitionOptions
	c := &cobra.Command{
		Use:   "repartition",
		Short: "Copy topics onto new ones, by the configured key and partitioner",
		Long: `Repartition copies topics onto new ones of other names, where each event has
its customer as the key and lies on the partition that the configured
partitioner gives it. Events keep their bytes, headers and times, and the order
of their partition; those of several partitions are merged by the times that
the log has of them. What is no event keeps its key.

Stop the producers first: what arrives meanwhile is not copied, and said. The
new topics must be empty; after a failure delete them and begin again.`,
		Example: `  tidemark repartition --from logins,purchases --suffix -v2 --partitions 8`,
		Args:    arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runRepartition(cmd.Context(), o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := c.Flags()
	f.StringVar(&o.config, "config", "", "configuration file (default: none, all settings at their defaults)")
	f.StringSliceVar(&o.from, "from", nil, "topics to copy (default: all input topics of the configuration)")
	f.StringVar(&o.suffix, "suffix", "-v2", "what is put behind a topic's name to give the new one's")
	f.IntVar(&o.partitions, "partitions", 0, "partitions of the new topics (default: as many as the old ones have)")
	return c
}

func runRepartition(ctx context.Context, o repartitionOptions, out, progress io.Writer) (err error) {
	c, err := config.Load(o.config, os.Environ(), config.Options{KPIs: kpi.Single(), Windows: kpi.SingleWindows()})
	if err != nil {
		return service.UsageError{Err: err}
	}
	if o.suffix == "" || o.partitions < 0 {
		return service.UsageError{Err: errors.New("--suffix must not be empty and --partitions not below 0; write --suffix -v2 --partitions 8")}
	}
	if len(o.from) == 0 {
		o.from = c.Kafka.Topics.All()
	}
	security, err := service.BrokerSecurity(c.Kafka)
	if err != nil {
		return err
	}
	r := &repartition{
		base: append(security.KgoOptions(), kgo.SeedBrokers(c.Kafka.Brokers...)), suffix: o.suffix, partitions: o.partitions,
		partitioner: c.Partitioner, decode: event.Options{Prefix: c.Kafka.TypePrefix, Currency: c.Currency, Currencies: map[event.Currency]bool{}},
		meter: newMeter(progress, "copying"),
	}
	for _, rate := range c.Rates {
		r.decode.Currencies[rate.Currency] = true
	}
	defer func() { err = errors.Join(err, r.meter.end()) }()
	copied, err := r.run(ctx, o.from)
	var b strings.Builder
	for _, t := range copied {
		fmt.Fprintf(&b, "%s: %d messages onto %s, %d of them with another key", t.from, t.messages, t.to, t.rekeyed)
		if t.unreadable > 0 {
			fmt.Fprintf(&b, "; %d are no events and have kept their key", t.unreadable)
		}
		b.WriteByte('\n')
	}
	if err == nil {
		b.WriteString("now name the new topics under kafka.topics, let producers write to them, and choose a new redis.namespace, kafka.group and kafka.outputs\n")
	}
	_, wrote := io.WriteString(out, b.String())
	return errors.Join(err, wrote)
}

// repartition copies topics.
type repartition struct {
	base        []kgo.Opt // addresses and security
	suffix      string
	partitions  int // 0: as many as the source has
	partitioner string
	decode      event.Options
	meter       *meter
}

// copiedTopic is what was copied of one topic.
type copiedTopic struct {
	from, to            string
	messages            int64
	rekeyed, unreadable int64
}

// source is a topic to copy: what its partitions hold at the beginning, and the
// size of the largest message that it takes.
type source struct {
	name, target string
	start, end   []int64 // offsets by partition; end is that of what is committed
	partitions   int     // of the target
	configs      map[string]*string
	maxMessage   int
}

// run checks all topics before it copies the first.
func (r *repartition) run(ctx context.Context, topics []string) ([]copiedTopic, error) {
	client, err := kgo.NewClient(r.base...)
	if err != nil {
		return nil, fmt.Errorf("connect to the brokers: %w", err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	var sources []source
	var total int64
	for _, name := range topics {
		s, err := r.look(ctx, admin, name)
		if err != nil {
			return nil, err
		}
		for p := range s.end {
			total += s.end[p] - s.start[p]
		}
		sources = append(sources, s)
	}
	if err := r.empty(ctx, admin, sources); err != nil {
		return nil, err
	}
	var out []copiedTopic
	for _, s := range sources {
		if err := create(ctx, admin, s); err != nil {
			return out, err
		}
		c := &topicCopy{repartition: r, source: s, total: total, decoder: event.NewDecoder(r.decode)}
		c.copied = copiedTopic{from: s.name, to: s.target}
		for _, earlier := range out {
			c.before += earlier.messages
		}
		err := c.run(ctx)
		out = append(out, c.copied)
		if err != nil {
			return out, fmt.Errorf("copy %s onto %s (delete %s and begin again): %w", s.name, s.target, s.target, err)
		}
	}
	return out, r.unchanged(ctx, admin, sources)
}

// look reads what there is to copy of a topic.
func (r *repartition) look(ctx context.Context, admin *kadm.Client, name string) (source, error) {
	s := source{name: name, target: name + r.suffix, partitions: r.partitions, configs: map[string]*string{}, maxMessage: 1 << 20}
	start, err := admin.ListStartOffsets(ctx, name)
	if err == nil {
		err = start.Error()
	}
	if errors.Is(err, kerr.UnknownTopicOrPartition) {
		return s, fmt.Errorf("there is no topic %s; write the names of topics that there are behind --from", name)
	}
	if err != nil {
		return s, fmt.Errorf("read the offsets of %s: %w", name, err)
	}
	end, err := admin.ListCommittedOffsets(ctx, name)
	if err = errors.Join(err, end.Error()); err != nil {
		return s, fmt.Errorf("read the offsets of %s: %w", name, err)
	}
	n := len(start[name])
	if s.partitions == 0 {
		s.partitions = n
	}
	s.start, s.end = make([]int64, n), make([]int64, n)
	for p := range n {
		s.start[p], s.end[p] = start[name][int32(p)].Offset, end[name][int32(p)].Offset
	}
	configs, err := admin.DescribeTopicConfigs(ctx, name)
	if err != nil || len(configs) != 1 || configs[0].Err != nil {
		return s, errors.Join(fmt.Errorf("read the configuration of %s: %w", name, err), errOf(configs))
	}
	for _, config := range configs[0].Configs {
		if config.Source == kmsg.ConfigSourceDynamicTopicConfig {
			s.configs[config.Key] = config.Value
		}
		if config.Key == "max.message.bytes" {
			if _, err := fmt.Sscan(config.MaybeValue(), &s.maxMessage); err != nil {
				return s, fmt.Errorf("read max.message.bytes of %s: %w", name, err)
			}
		}
	}
	return s, nil
}

func errOf(configs kadm.ResourceConfigs) error {
	for _, c := range configs {
		if c.Err != nil {
			return c.Err
		}
	}
	return nil
}

// empty refuses targets that hold messages, or have another number of
// partitions than they should.
func (r *repartition) empty(ctx context.Context, admin *kadm.Client, sources []source) error {
	for _, s := range sources {
		ends, err := admin.ListEndOffsets(ctx, s.target)
		if err == nil {
			err = ends.Error()
		}
		if errors.Is(err, kerr.UnknownTopicOrPartition) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read the offsets of %s: %w", s.target, err)
		}
		if n := len(ends[s.target]); n != s.partitions {
			return fmt.Errorf("topic %s is there with %d partitions, not %d; delete it, or choose another --suffix", s.target, n, s.partitions)
		}
		for _, p := range ends[s.target] {
			if p.Offset > 0 {
				return fmt.Errorf("topic %s has messages already; delete it, or choose another --suffix", s.target)
			}
		}
	}
	return nil
}

// create makes a target with what is configured for its source.
func create(ctx context.Context, admin *kadm.Client, s source) error {
	r, err := admin.CreateTopic(ctx, int32(s.partitions), -1, s.configs, s.target)
	if err == nil {
		err = r.Err
	}
	if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
		return fmt.Errorf("create topic %s: %w", s.target, err)
	}
	return nil
}

// unchanged says where messages have arrived since the copying began.
func (r *repartition) unchanged(ctx context.Context, admin *kadm.Client, sources []source) error {
	var grown []string
	for _, s := range sources {
		ends, err := admin.ListEndOffsets(ctx, s.name)
		if err = errors.Join(err, ends.Error()); err != nil {
			return fmt.Errorf("read the offsets of %s: %w", s.name, err)
		}
		var more int64
		for p := range s.end {
			more += ends[s.name][int32(p)].Offset - s.end[p]
		}
		if more > 0 {
			grown = append(grown, fmt.Sprintf("%s (%d)", s.name, more))
		}
	}
	if len(grown) > 0 {
		slices.Sort(grown)
		return fmt.Errorf("messages have arrived that were not copied: %s; stop the producers, delete the new topics and begin again", strings.Join(grown, ", "))
	}
	return nil
}
