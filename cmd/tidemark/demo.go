package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
	"golang.org/x/term"

	"github.com/tidemark-io/tidemark/alert"
	"github.com/tidemark-io/tidemark/config"
	"github.com/tidemark-io/tidemark/consumer"
	"github.com/tidemark-io/tidemark/internal/embedded"
	"github.com/tidemark-io/tidemark/internal/live"
	"github.com/tidemark-io/tidemark/internal/simulate"
	"github.com/tidemark-io/tidemark/kpi"
	"github.com/tidemark-io/tidemark/service"
)

// demoOptions are the flags of tidemark demo.
type demoOptions struct {
	duration  time.Duration
	json      bool
	seed      uint64
	customers int
	rate      float64
	listen    string
	start     time.Time // of the demo: the end of the history
}

func newDemoCommand() *cobra.Command {
	var o demoOptions
	c := &cobra.Command{
		Use:   "demo",
		Short: "Show a simulated company, with everything in this process",
		Long: `Runs an embedded broker, an embedded Redis, the service, and a simulated company:
120 days of its history are read first, then live events. On a terminal it shows
a live table of KPIs, customers at risk and alerts; elsewhere plain lines.
Nothing is left behind.`,
		Example: "  tidemark demo\n  tidemark demo --duration 20s --json",
		Args:    arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.start = time.Now()
			return runDemo(cmd.Context(), o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := c.Flags()
	f.DurationVar(&o.duration, "duration", 0, "stop by itself after so long, once the history has been read (default: Ctrl-C)")
	f.BoolVar(&o.json, "json", false, "print the KPIs as JSON at the end, and nothing else")
	f.Uint64Var(&o.seed, "seed", 1, "which company it is")
	f.IntVar(&o.customers, "customers", 400, "accounts it begins with")
	f.Float64Var(&o.rate, "rate", 8, "live events a second")
	f.StringVar(&o.listen, "listen", "127.0.0.1:8080", "where HTTP listens")
	return c
}

// demoPartitions is the number of shards of the demo.
const demoPartitions = 4

// demoSettings are the settings of the demo, with the addresses of its servers.
// An alert that is over is told after seconds and not after a day, so that one
// can watch it. Nothing of the environment goes into them.
const demoSettings = `
dimensions: [plan, country]
disorder: 2s
kafka: {brokers: [%q]}
redis: {addrs: [%q], namespace: demo}
rules:
  - {name: at_risk, band: red, resolve_after: 5s, severity: warning}
  - {name: churn_high, kpi: customer_churn_rate, window: 30d, above: 0.08, clear: 0.07, for: 2d, severity: warning}
  - {name: stickiness_low, kpi: stickiness, below: 0.15, clear: 0.17, for: 3d, severity: info}
http: {listen: %q}
log: {level: error, format: console}
`

// demo is what runs in the one process.
type demo struct {
	opts     demoOptions
	cfg      *config.Config
	servers  *embedded.Servers
	company  *simulate.Company
	producer *embedded.Producer

	sent    atomic.Int64  // messages put onto the topics
	loaded  chan struct{} // closed when the history lies on the topics
	started chan struct{} // closed when readings and addr are there

	readings *service.Readings
	addr     string // of HTTP

	mu     sync.Mutex
	alerts []alert.Told // the newest first, those of today's run
}

func (o demoOptions) check() error {
	switch {
	case o.duration < 0:
		return fmt.Errorf("--duration %s: it is a time to wait, such as 20s", o.duration)
	case o.customers < 1 || o.customers > 20_000:
		return fmt.Errorf("--customers %d: 1 to 20000 are possible", o.customers)
	case !(o.rate > 0 && o.rate <= 10_000):
		return fmt.Errorf("--rate %g: more than 0 and at most 10000 events a second are possible", o.rate)
	}
	return nil
}

// runDemo runs until ctx ends or the time is over.
func runDemo(ctx context.Context, o demoOptions, out, errOut io.Writer) error {
	if err := o.check(); err != nil {
		return service.UsageError{Err: err}
	}
	d := &demo{opts: o, loaded: make(chan struct{}), started: make(chan struct{})}
	if err := d.open(ctx, errOut); err != nil {
		return ended(ctx, err)
	}
	defer d.servers.Close()
	defer d.producer.Close()
	log, err := newLogger(d.cfg.Log)
	if err != nil {
		return err
	}
	// The end is ordered: what is shown last is read before anything stops.
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	group, running := errgroup.WithContext(running)
	group.Go(func() error { return ended(running, d.feed(running)) })
	group.Go(func() error { return ended(running, d.serve(running, log)) })
	group.Go(func() error { return ended(running, d.listen(running)) })
	last, watching := d.watch(ctx, running, out)
	cancel()
	if err := errors.Join(watching, group.Wait()); err != nil {
		return err
	}
	if o.json {
		return printJSON(out, kpisDocument{last.Figures})
	}
	_, err = fmt.Fprintf(out, "stopped after %s: %s messages, %d alerts\n",
		time.Since(o.start).Round(time.Second), thousands(fmt.Sprint(d.sent.Load())), len(d.told()))
	return err
}

// kpisDocument has the shape that HTTP and the other commands give.
type kpisDocument struct {
	KPIs []kpi.Figure `json:"kpis"`
}

// ended takes what is no more than the end for what it is.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// open starts the servers, makes up the company and the settings.
func (d *demo) open(ctx context.Context, errOut io.Writer) error {
	listen, err := freeListen(d.opts.listen, errOut)
	if err != nil {
		return err
	}
	topics := config.Default().Kafka.Topics
	d.company = simulate.New(simulate.Options{
		Seed: d.opts.seed, Customers: d.opts.customers, Now: d.opts.start, Rate: d.opts.rate, Topic: topics.For,
	})
	if d.servers, err = embedded.Start(ctx, embedded.Options{Topics: topics.All(), Partitions: demoPartitions}); err != nil {
		return err
	}
	text := fmt.Sprintf(demoSettings, d.servers.Brokers[0], d.servers.Redis, listen)
	if d.cfg, err = config.Parse([]byte(text), config.Options{KPIs: kpi.Single(), Windows: kpi.SingleWindows()}); err == nil {
		d.producer, err = embedded.NewProducer(d.servers.Brokers, demoPartitions, func(key []byte, n int) (int, error) {
			return consumer.Partition(d.cfg.Partitioner, key, n)
		})
	}
	if err != nil {
		d.servers.Close()
	}
	return err
}

// freeListen returns the address to listen on: the one that was asked for, or
// where another program has it a free port beside it.
func freeListen(addr string, errOut io.Writer) (string, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return "", service.UsageError{Err: fmt.Errorf("--listen %s: write host:port, as 127.0.0.1:8080", addr)}
	}
	l, err := net.Listen("tcp", addr)
	if err == nil {
		return addr, l.Close()
	}
	free := net.JoinHostPort(host, "0")
	if l, err = net.Listen("tcp", free); err != nil {
		return "", service.UsageError{Err: fmt.Errorf("--listen %s: %w", addr, err)}
	}
	if err := l.Close(); err != nil {
		return "", fmt.Errorf("look for a free port: %w", err)
	}
	_, err = fmt.Fprintf(errOut, "%s is in use: the demo takes a free port\n", addr)
	return free, err
}

// serve runs the service once the history lies on the topics: what it finds at
// its birth is history, and pages nobody.
func (d *demo) serve(ctx context.Context, log *zap.Logger) error {
	select {
	case <-ctx.Done():
		return nil
	case <-d.loaded:
	}
	return service.Run(ctx, service.Options{
		Config: d.cfg, Log: log, Version: thisBuild().Version,
		Started: func(addr string, r *service.Readings) {
			d.addr, d.readings = addr, r
			close(d.started)
		},
	})
}

// newDemoView is how a demo is shown where out leads to.
func newDemoView(out io.Writer) *live.View {
	o := live.Options{Out: out, Zone: time.UTC, Rows: demoRows(), Value: showValue, Amount: showAmount, Trend: sparkline}
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		o.Terminal = true
		o.Size = func() (int, int) {
			width, rows, err := term.GetSize(int(f.Fd()))
			if err != nil || width < 1 || rows < 1 {
				return 80, 24 // what every terminal has
			}
			return width, rows
		}
	}
	return live.New(o)
}

// demoRows are the figures that are shown, each in its usual window.
func demoRows() []live.Row {
	var rows []live.Row
	for _, name := range []string{
		"dau", "stickiness", "customers", "customer_churn_rate", "mrr", "nps", "health_red", "mau", "active_customers",
		"arpa", "csat", "silent_customers", "health_amber", "mrr_at_risk",
	} {
		if k, ok := kpi.Lookup(name); ok {
			rows = append(rows, live.Row{KPI: name, Window: k.Default})
		}
	}
	return rows
}
