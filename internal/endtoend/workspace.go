package endtoend

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/config"
	"github.com/tidemark-io/tidemark/kpi"
	"github.com/tidemark-io/tidemark/store"
)

// Options are what a workspace is made with.
type Options struct {
	Name       string // of the namespace and the consumer group, and what topics begin with
	Dir        string // for its configuration and logs; there already
	Brokers    string // host:port
	Redis      string // host:port
	Partitions int
	// Lines are further lines of the configuration, such as "horizon: 20d\n", at
	// the top level.
	Lines   string
	Session time.Duration // of the consumer group; 0: the default
	// Topics are the input topics by the configuration's names; nil: logins and
	// signals apart, all else in one.
	Topics map[string]string
}

// Workspace is a namespace in Redis and the topics that belong to it.
type Workspace struct {
	Options
	Config   string         // path of the configuration file
	Settings *config.Config // as it is read from there
	Store    *store.Store
	Kafka    *kgo.Client // an idempotent producer; partitions by key as Java does

	admin *kadm.Client
}

// New writes a configuration, creates the input topics and opens the store. The
// caller closes it.
func New(ctx context.Context, o Options) (*Workspace, error) {
	if o.Topics == nil {
		o.Topics = map[string]string{"logins": "logins", "purchases": "money", "cancellations": "money", "surveys": "money", "signals": "signals"}
	}
	w := &Workspace{Options: o, Config: filepath.Join(o.Dir, o.Name+".yaml")}
	if err := os.WriteFile(w.Config, []byte(w.yaml()), 0o644); err != nil {
		return nil, fmt.Errorf("write a configuration: %w", err)
	}
	var err error
	if w.Settings, err = config.Load(w.Config, nil, config.Options{KPIs: kpi.Single(), Windows: kpi.SingleWindows()}); err != nil {
		return nil, fmt.Errorf("configuration of %s: %w", o.Name, err)
	}
	if err := w.connect(); err != nil {
		return nil, err
	}
	if err := w.CreateTopics(ctx, int32(o.Partitions), w.Inputs()...); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	// A reply that is late because other work has the processors says nothing of
	// the service that is checked.
	w.Store, err = store.Open(ctx, store.Options{Addrs: []string{o.Redis}, Namespace: o.Name, ReadTimeout: time.Minute})
	if err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

// connect makes the producer and what administers topics.
func (w *Workspace) connect() error {
	client, err := kgo.NewClient(kgo.SeedBrokers(w.Brokers), kgo.RecordPartitioner(partitioner{kgo.StickyKeyPartitioner(nil)}),
		kgo.RequiredAcks(kgo.AllISRAcks()), kgo.MetadataMinAge(100*time.Millisecond),
		kgo.RetryBackoffFn(func(int) time.Duration { return 50 * time.Millisecond }))
	if err != nil {
		return fmt.Errorf("set up a producer: %w", err)
	}
	w.Kafka, w.admin = client, kadm.NewClient(client)
	return nil
}

// Reconnect makes a new producer. One that knows a topic that was deleted and
// created again refuses to write to the new one.
func (w *Workspace) Reconnect() error {
	w.Kafka.Close()
	return w.connect()
}

// Close closes all connections.
func (w *Workspace) Close() error {
	w.Kafka.Close()
	if w.Store == nil {
		return nil
	}
	return w.Store.Close()
}

// yaml is the configuration: where everything is, then the caller's lines.
func (w *Workspace) yaml() string {
	var b strings.Builder
	b.WriteString(w.Lines)
	fmt.Fprintf(&b, "kafka:\n  brokers: [%q]\n  group: %s\n", w.Brokers, w.Name)
	if w.Session > 0 {
		fmt.Fprintf(&b, "  session_timeout: %dms\n", w.Session.Milliseconds())
	}
	b.WriteString("  topics:\n")
	for _, name := range []string{"logins", "purchases", "cancellations", "surveys", "signals", "events"} {
		if t := w.Topics[name]; t != "" {
			fmt.Fprintf(&b, "    %s: %s.%s\n", name, w.Name, t)
		}
	}
	b.WriteString("  outputs:\n")
	for _, name := range []string{"alerts", "kpis", "dead_letter", "late", "cursors"} {
		fmt.Fprintf(&b, "    %s: %s.tidemark.%s\n", name, w.Name, name)
	}
	fmt.Fprintf(&b, "redis:\n  addrs: [%q]\n  namespace: %s\n", w.Redis, w.Name)
	return b.String()
}

// Inputs are the input topics, each once, sorted.
func (w *Workspace) Inputs() []string {
	names := w.Settings.Kafka.Topics.All()
	slices.Sort(names)
	return names
}

// CreateTopics creates topics whose records carry the times of their producers,
// and waits until the broker knows them.
func (w *Workspace) CreateTopics(ctx context.Context, partitions int32, names ...string) error {
	created, err := w.admin.CreateTopics(ctx, partitions, 1, nil, names...)
	if err == nil {
		err = created.Error()
	}
	if err != nil {
		return fmt.Errorf("create topics %v: %w", names, err)
	}
	return Eventually(ctx, func() error {
		listed, err := w.admin.ListEndOffsets(ctx, names...)
		if err == nil {
			err = listed.Error()
		}
		if err != nil {
			return fmt.Errorf("create topics %v: %w", names, err)
		}
		return nil
	})
}

// DeleteTopics deletes all topics of the workspace.
func (w *Workspace) DeleteTopics(ctx context.Context) error {
	o := w.Settings.Kafka.Outputs
	names := append(w.Inputs(), o.Alerts, o.KPIs, o.DeadLetter, o.Late, o.Cursors)
	if _, err := w.admin.DeleteTopics(ctx, names...); err != nil {
		return fmt.Errorf("delete topics of %s: %w", w.Name, err)
	}
	return nil
}

// Run runs another command of the binary on this workspace and returns what it
// wrote to standard output, and its exit code. An error where it did not run.
func (w *Workspace) Run(ctx context.Context, args ...string) (out string, code int, err error) {
	binary, err := Binary()
	if err != nil {
		return "", 0, err
	}
	cmd := exec.CommandContext(ctx, binary, append(args, "--config", w.Config)...)
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() {
		return stdout.String() + stderr.String(), exit.ExitCode(), nil
	}
	if err != nil {
		return "", 0, fmt.Errorf("tidemark %v: %w: %s", args, err, stderr.String())
	}
	return stdout.String(), 0, nil
}

// Audit runs `tidemark audit` and returns an error unless it finds everything
// in order.
func (w *Workspace) Audit(ctx context.Context) error {
	out, code, err := w.Run(ctx, "audit")
	if err != nil {
		return err
	}
	if code != 0 {
		const shown = 1500
		return fmt.Errorf("tidemark audit ended with code %d:\n%.*s", code, shown, out)
	}
	return nil
}
