package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/tidemark-io/tidemark/config"
	"github.com/tidemark-io/tidemark/consumer"
	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/ingest"
	"github.com/tidemark-io/tidemark/kpi"
	"github.com/tidemark-io/tidemark/store"

	"github.com/tidemark-io/tidemark/service"
)

// importOptions are the flags of tidemark import.
type importOptions struct {
	config    string
	mappings  []string
	dryRun    bool
	allowLate bool
	create    int
}

func newImportCommand() *cobra.Command {
	var o importOptions
	c := &cobra.Command{
		Use:   "import FILE…",
		Short: "Put events from files onto the topics, in the order of time",
		Long: `Import puts events onto the configured topics: CloudEvents as JSON Lines as
they are, tables (CSV and the like) through a mapping file. "-" is standard
input; files packed with gzip are unpacked.

All files are read and checked first, and merged by event time; nothing is
sent unless every row is right. Ids come from the file's name and the row's
number, so that an import can be repeated without counting anything twice.`,
		Example: `  tidemark import events.jsonl.gz
  tidemark import CDNOW_master.txt --mapping examples/cdnow.yaml --dry-run`,
		Args: arguments(1, -1),
		RunE: func(cmd *cobra.Command, files []string) error {
			return runImport(cmd.Context(), files, o, cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := c.Flags()
	f.StringVar(&o.config, "config", "", "configuration file (default: none, all settings at their defaults)")
	f.StringArrayVarP(&o.mappings, "mapping", "m", nil, "mapping file of tables; several, where each names its files")
	f.BoolVar(&o.dryRun, "dry-run", false, "read and check all files, show the first events, and send nothing")
	f.IntVar(&o.create, "create-topics", 0, "create the topics that are missing, with so many partitions")
	f.BoolVar(&o.allowLate, "allow-late", false, "don't compare with the stored watermark: what is too old goes to the late topic")
	return c
}

func runImport(ctx context.Context, files []string, o importOptions, in io.Reader, out, progress io.Writer) error {
	c, err := config.Load(o.config, os.Environ(), config.Options{KPIs: kpi.Single(), Windows: kpi.SingleWindows()})
	if err != nil {
		return service.UsageError{Err: err}
	}
	if o.create < 0 {
		return service.UsageError{Err: fmt.Errorf("--create-topics %d: a topic has one partition at the least", o.create)}
	}
	read, err := readOptions(c, o.mappings, in)
	if err != nil {
		return service.UsageError{Err: err}
	}
	meter := newMeter(progress, "reading")
	read.Progress = meter.show
	sorted, err := ingest.Read(ctx, files, read)
	if err = errors.Join(meter.end(), err); err != nil {
		return err
	}
	err = sendImport(ctx, c, o, sorted, out, progress)
	return errors.Join(err, sorted.Close())
}

// readOptions says how the configuration wants files to be read.
func readOptions(c *config.Config, mappings []string, in io.Reader) (ingest.Options, error) {
	zone, err := c.Location()
	if err != nil {
		return ingest.Options{}, fmt.Errorf("load the time zone: %w", err)
	}
	o := ingest.Options{
		Decoder: event.Options{
			Prefix: c.Kafka.TypePrefix, Currency: c.Currency, Currencies: map[event.Currency]bool{}, UnknownType: string(c.UnknownType),
		},
		Location: zone, Stdin: in, Latest: time.Now().Add(c.MaxFutureSkew).UnixMilli(),
	}
	for _, r := range c.Rates {
		o.Decoder.Currencies[r.Currency] = true
	}
	for _, path := range mappings {
		m, err := ingest.LoadMapping(path)
		if err != nil {
			return o, err
		}
		o.Mappings = append(o.Mappings, m)
	}
	return o, nil
}

// sendImport shows what was read, and sends it.
func sendImport(ctx context.Context, c *config.Config, o importOptions, s *ingest.Sorted, out, progress io.Writer) error {
	if err := showRead(out, s, o.dryRun); err != nil || o.dryRun || s.Events() == 0 {
		return err
	}
	if !o.allowLate {
		zone, err := c.Location()
		if err != nil {
			return fmt.Errorf("load the time zone: %w", err)
		}
		watermark, err := storedWatermark(ctx, c.Redis)
		if err != nil {
			return fmt.Errorf("look up the stored watermark (--allow-late sends without): %w", err)
		}
		if err := ingest.Behind(s.Files, watermark, c.Horizon, zone); err != nil {
			return err
		}
	}
	security, err := service.BrokerSecurity(c.Kafka)
	if err != nil {
		return err
	}
	transport := security.Transport(c.Kafka.Topics.All()...)
	defer transport.CloseIdleConnections()
	meter := newMeter(progress, "sending")
	sent, err := ingest.Send(ctx, s, ingest.Target{
		Brokers: c.Kafka.Brokers, Transport: transport, Topic: c.Kafka.Topics.For, Create: o.create, Progress: meter.show,
		Partition: func(key []byte, n int) (int, error) { return consumer.Partition(c.Partitioner, key, n) },
		Logf:      func(format string, args ...any) { fmt.Fprintf(progress, format+"\n", args...) },
	})
	if err = errors.Join(meter.end(), err); err != nil {
		return err
	}
	var topics []string
	for topic, n := range sent {
		topics = append(topics, fmt.Sprintf("%s %d", topic, n))
	}
	slices.Sort(topics)
	_, err = fmt.Fprintf(out, "sent %d events: %s\n", sent.Total(), strings.Join(topics, ", "))
	return err
}

// showRead writes a line for each file, what was left out, and for a dry run
// the first events.
func showRead(out io.Writer, s *ingest.Sorted, dryRun bool) error {
	var b strings.Builder
	for _, f := range s.Files {
		fmt.Fprintf(&b, "%s: %d rows, %d events", f.Name, f.Rows, f.Events)
		if f.Events > 0 {
			fmt.Fprintf(&b, ", %s to %s", time.UnixMilli(f.First).UTC().Format(time.RFC3339), time.UnixMilli(f.Last).UTC().Format(time.RFC3339))
		}
		b.WriteByte('\n')
	}
	var ignored []string
	for name, n := range s.Ignored {
		ignored = append(ignored, fmt.Sprintf("%s (%d)", name, n))
	}
	if slices.Sort(ignored); len(ignored) > 0 {
		fmt.Fprintf(&b, "left out events of types that are none of Tidemark's: %s\n", strings.Join(ignored, ", "))
	}
	if dryRun {
		const shown = 3
		stop, n := errors.New("enough"), 0
		err := s.Each(func(m *ingest.Message) error {
			if n++; n > shown {
				return stop
			}
			fmt.Fprintf(&b, "%s\n", m.Value)
			return nil
		})
		if err != nil && !errors.Is(err, stop) {
			return err
		}
		b.WriteString("nothing was sent (--dry-run)\n")
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// storedWatermark returns the highest watermark of all shards, Unix
// milliseconds; 0 where nothing is stored.
func storedWatermark(ctx context.Context, r config.Redis) (watermark int64, err error) {
	s, err := service.OpenStore(ctx, r)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	shards, err := s.Partitions(ctx)
	if err != nil {
		return 0, err
	}
	for shard := range shards {
		v, err := s.ReadView(ctx, shard, store.Tenure{})
		if err != nil {
			return 0, err
		}
		watermark = max(watermark, v.Head.Watermark)
	}
	return watermark, nil
}

// meter shows how far something is: a bar on a terminal, else a line now and
// then.
type meter struct {
	out    io.Writer
	what   string
	bar    *progressbar.ProgressBar
	onTerm bool
	next   time.Time // of the next line
	err    error     // the first error of writing, told at the end
}

// lineEvery is the time between two lines where the output is no terminal.
const lineEvery = 10 * time.Second

func newMeter(out io.Writer, what string) *meter {
	f, ok := out.(*os.File)
	return &meter{out: out, what: what, onTerm: ok && term.IsTerminal(int(f.Fd())), next: time.Now().Add(lineEvery)}
}

// show is told of the progress, of a total that may be 0 (unknown).
func (m *meter) show(done, total int64) {
	switch {
	case m.err != nil:
	case m.onTerm:
		if m.bar == nil {
			m.bar = progressbar.NewOptions64(max(total, 1), progressbar.OptionSetWriter(m.out), progressbar.OptionSetDescription(m.what),
				progressbar.OptionShowCount(), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
		}
		m.err = m.bar.Set64(min(done, max(total, 1)))
	case time.Now().After(m.next):
		m.next = time.Now().Add(lineEvery)
		_, m.err = fmt.Fprintf(m.out, "%s: %d of %d\n", m.what, done, total)
	}
}

// end clears the bar.
func (m *meter) end() error {
	if m.bar != nil {
		m.err = errors.Join(m.err, m.bar.Finish())
	}
	return m.err
}
