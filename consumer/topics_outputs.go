package consumer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

// Outputs names the topics that Tidemark writes. An empty name is its default.
type Outputs struct {
	Alerts     string // tidemark.alerts: one partition for each shard
	Cursors    string // tidemark.cursors: one partition for each shard, compacted
	KPIs       string // tidemark.kpis: compacted
	DeadLetter string // tidemark.deadletter
	Late       string // tidemark.late
}

func (o *Outputs) defaults() {
	for _, n := range []struct {
		name *string
		def  string
	}{
		{&o.Alerts, "tidemark.alerts"}, {&o.Cursors, "tidemark.cursors"}, {&o.KPIs, "tidemark.kpis"},
		{&o.DeadLetter, "tidemark.deadletter"}, {&o.Late, "tidemark.late"},
	} {
		if *n.name == "" {
			*n.name = n.def
		}
	}
}

// NoteHeadroom is how many bytes more than the inputs' max.message.bytes the
// late and dead-letter topics, and whoever produces to them, must allow: the
// copy of a message carries its origin and the reason in headers.
const NoteHeadroom = 64 << 10

// output is one topic as it should be.
type output struct {
	name       string
	partitions int
	exact      bool // another partition count won't do
	compact    bool
	maxBytes   int // max.message.bytes at the least; 0: the broker's default
}

func outputsFor(names Outputs, partitions, inputMax int) []output {
	names.defaults()
	return []output{
		{name: names.Alerts, partitions: partitions, exact: true},
		{name: names.Cursors, partitions: partitions, exact: true, compact: true},
		{name: names.KPIs, partitions: 1, compact: true},
		{name: names.DeadLetter, partitions: partitions, maxBytes: inputMax + NoteHeadroom},
		{name: names.Late, partitions: partitions, maxBytes: inputMax + NoteHeadroom},
	}
}

func (o output) configs() map[string]string {
	c := map[string]string{"cleanup.policy": "delete"}
	if o.compact {
		c["cleanup.policy"] = "compact"
	}
	if o.maxBytes > 0 {
		c["max.message.bytes"] = strconv.Itoa(o.maxBytes)
	}
	return c
}

// command is what an administrator types to create the topic.
func (o output) command() string {
	var b strings.Builder
	fmt.Fprintf(&b, "kafka-topics.sh --bootstrap-server BROKER --create --topic %s --partitions %d", o.name, o.partitions)
	c := o.configs()
	for _, k := range slices.Sorted(maps.Keys(c)) {
		fmt.Fprintf(&b, " --config %s=%s", k, c[k])
	}
	return b.String()
}

// EnsureOutputs creates the output topics that are missing and checks those
// that are there. inputs are the input topics, as CheckInputs has accepted them,
// with set from ReadTopics. Where the user may not create a topic, or one is not
// as it must be, the error is one sentence with the command to run.
func EnsureOutputs(ctx context.Context, adm *kadm.Client, set TopicSet, inputs []string, names Outputs) error {
	partitions, err := CheckInputs(set, inputs)
	if err != nil {
		return err
	}
	outputs := outputsFor(names, partitions, set.MaxMessageBytes(inputs))
	for attempt := 0; ; attempt++ {
		have, _, err := describeTopics(ctx, adm, outputNames(outputs))
		if err != nil {
			return err
		}
		missing := 0
		for _, o := range outputs {
			t, ok := have.Topics[o.name]
			if ok {
				if err := o.check(t); err != nil {
					return err
				}
				continue
			}
			missing++
			if err := o.create(ctx, adm); err != nil {
				return err
			}
		}
		if missing == 0 {
			return nil
		}
		// Brokers learn of a new topic one after the other.
		if err := wait(ctx, backoff(min(attempt+1, 4))); err != nil {
			return fmt.Errorf("wait for output topics to appear: %w", err)
		}
	}
}

func outputNames(outputs []output) []string {
	names := make([]string, len(outputs))
	for i, o := range outputs {
		names[i] = o.name
	}
	return names
}

// check says what is wrong with a topic that is there.
func (o output) check(t Topic) error {
	if o.exact && t.Partitions != o.partitions {
		return fmt.Errorf("topic %s has %d partitions, the input topics have %d, and each shard writes to its own: "+
			"stop all workers, delete %s and create it anew (%s)", o.name, t.Partitions, o.partitions, o.name, o.command())
	}
	if t.ConfigErr != nil {
		return nil // hidden from this user: nothing to compare
	}
	if o.compact != t.Compacted {
		policy := o.configs()["cleanup.policy"]
		return fmt.Errorf("topic %s must have cleanup.policy=%s: run kafka-configs.sh --bootstrap-server BROKER --alter "+
			"--topic %s --add-config cleanup.policy=%s", o.name, policy, o.name, policy)
	}
	if t.MaxMessageBytes < o.maxBytes {
		return fmt.Errorf("topic %s takes messages of %d bytes, and must take %d, 64 KiB more than the input topics: "+
			"run kafka-configs.sh --bootstrap-server BROKER --alter --topic %s --add-config max.message.bytes=%d",
			o.name, t.MaxMessageBytes, o.maxBytes, o.name, o.maxBytes)
	}
	return nil
}

// create creates the topic, with the broker's replication factor. That another
// worker was faster is no error.
func (o output) create(ctx context.Context, adm *kadm.Client) error {
	configs := make(map[string]*string)
	for k, v := range o.configs() {
		configs[k] = &v
	}
	r, err := adm.CreateTopic(ctx, int32(o.partitions), -1, configs, o.name)
	if err == nil {
		err = r.Err
	}
	switch {
	case err == nil, errors.Is(err, kerr.TopicAlreadyExists):
		return nil
	case errors.Is(err, kerr.TopicAuthorizationFailed), errors.Is(err, kerr.ClusterAuthorizationFailed), errors.Is(err, kerr.PolicyViolation):
		return fmt.Errorf("topic %s does not exist and may not be created by this user (%w): run %s", o.name, err, o.command())
	}
	return fmt.Errorf("create topic %s: %w", o.name, err)
}

// wait waits for d, or until ctx ends.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
