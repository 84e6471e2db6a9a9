//go:build linux

package bounded

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/internal/embedded"
	"github.com/tidemark-io/tidemark/internal/endtoend"
)

const (
	kib        = 1 << 10
	mib        = 1 << 20
	partitions = 2
	begin      = int64(1_711_929_600_000) // 2024-04-01, Unix ms
	day        = int64(86_400_000)
)

var (
	limit = flag.Duration("limit", 2*time.Minute, "the longest wait for any one thing")
	keep  = flag.String("keep", "", "folder to leave configuration and logs of the service in")
)

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if err := endtoend.RemoveBinary(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// sizes are what a plant's service is configured with, in bytes.
type sizes struct {
	cache, queue int
	message      int // the input topic's max.message.bytes; 0: the broker's default
}

// redis is where a plant's state lies: "" in the embedded one, or at an address.
type redis string

func (r redis) of(s *embedded.Servers) string {
	if r != "" {
		return string(r)
	}
	return s.Redis
}

// plant is a service and the servers beside it.
type plant struct {
	*endtoend.Workspace
	sizes
	t       *testing.T
	service *endtoend.Worker
	input   *kgo.Client
	memory  *memory

	mu   sync.Mutex
	lost error // the first message that did not arrive
}

func newPlant(t *testing.T, z sizes, r redis) *plant {
	t.Helper()
	servers, err := embedded.Start(t.Context(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(servers.Close)
	dir := t.TempDir()
	if *keep != "" {
		dir = filepath.Join(*keep, t.Name())
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	ws, err := endtoend.New(t.Context(), endtoend.Options{Name: "bounded", Dir: dir, Brokers: servers.Brokers[0], Redis: r.of(servers),
		Partitions: partitions, Topics: map[string]string{"events": "events"},
		Lines: fmt.Sprintf("clock: log\ndimensions: [plan]\ncache: %dB\nqueue: %dB\n", z.cache, z.queue)})
	if err != nil {
		t.Fatal(err)
	}
	p := &plant{Workspace: ws, sizes: z, t: t}
	t.Cleanup(func() {
		if err := ws.Close(); err != nil {
			t.Error(err)
		}
	})
	if z.message > 0 {
		p.takes(z.message)
	}
	// Larger batches than the service's own clients make: how large a message may
	// be is for the broker to say.
	if p.input, err = kgo.NewClient(kgo.SeedBrokers(servers.Brokers...), kgo.ProducerBatchCompression(kgo.SnappyCompression()),
		kgo.ProducerBatchMaxBytes(int32(max(mib, 2*z.message))), kgo.MaxBufferedRecords(50_000), kgo.ProducerLinger(0)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.input.Close)
	return p
}

// takes sets the largest record batch that the input topic takes.
func (p *plant) takes(bytes int) {
	p.t.Helper()
	value := fmt.Sprint(bytes)
	changed, err := kadm.NewClient(p.Kafka).AlterTopicConfigs(p.t.Context(), []kadm.AlterConfig{{Name: "max.message.bytes", Value: &value}}, p.Inputs()...)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, c := range changed {
		if c.Err != nil {
			p.t.Fatal(c.Err)
		}
	}
}

// start starts the service and begins to sample its memory.
func (p *plant) start() {
	p.t.Helper()
	var err error
	if p.service, err = p.Worker("service"); err == nil {
		err = p.service.Start()
	}
	if err != nil {
		p.t.Fatal(err)
	}
	p.memory = watch(p.service)
	p.t.Cleanup(func() {
		if p.t.Failed() {
			p.t.Logf("the service's log ends with\n%s", p.service.Log.Tail(20))
		}
		p.memory.stop()
		if !p.service.Running() {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), *limit)
		defer cancel()
		if err := p.service.End(ctx, syscall.SIGKILL); err != nil {
			p.t.Error(err)
		}
	})
}

// send puts an event onto the log, behind what was sent before.
func (p *plant) send(e *event.Event) { p.sendRaw(e.Customer, e.Append(nil)) }

func (p *plant) sendRaw(key, value []byte) {
	p.input.Produce(p.t.Context(), &kgo.Record{Topic: p.Inputs()[0], Key: key, Value: value}, func(_ *kgo.Record, err error) {
		if err == nil {
			return
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.lost == nil {
			p.lost = err
		}
	})
}

// flush waits until all that was sent has arrived.
func (p *plant) flush() {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), *limit)
	defer cancel()
	if err := p.input.Flush(ctx); err != nil {
		p.t.Fatalf("wait for the broker to take what was sent: %v", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lost != nil {
		p.t.Fatalf("send: %v", p.lost)
	}
}

// wait asks until the answer is nil, and says what it has waited for where it
// never is.
func (p *plant) wait(what string, ask func(context.Context) error) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), *limit)
	defer cancel()
	err := endtoend.Eventually(ctx, func() error {
		if !p.service.Running() {
			return endtoend.Stop(fmt.Errorf("the service has ended"))
		}
		return ask(ctx)
	})
	if err != nil {
		p.t.Fatalf("waited %v for %s: %v", *limit, what, err)
	}
}

// sees waits until what was sampled so far is as asked.
func (p *plant) sees(what string, is func(taken) bool) {
	p.t.Helper()
	p.wait(what, func(context.Context) error {
		m, err := p.memory.sofar()
		if err != nil {
			return endtoend.Stop(err)
		}
		if !is(m) {
			return fmt.Errorf("sampled so far: %+v bytes", m)
		}
		return nil
	})
}

// atRest waits until all messages are in the state, and holds the counters
// against them.
func (p *plant) atRest() endtoend.Counters {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), *limit)
	defer cancel()
	began := time.Now()
	if _, err := p.AtRest(ctx, 0); err != nil {
		p.t.Fatalf("waited %v for all messages to be in the state: %v", *limit, err)
	}
	c, err := p.CheckCounters(ctx)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Logf("at rest after %v: %v", time.Since(began).Round(time.Millisecond), c)
	return c
}

// is waits until HTTP says that a count of the running day has a value. That
// day's figures are never complete: it still runs.
func (p *plant) is(kpi, segment string, want int) {
	p.t.Helper()
	p.wait(fmt.Sprintf("%s of segment %q to be %d", kpi, segment, want), func(ctx context.Context) error {
		status, body, err := p.service.Get(ctx, "/api/v1/kpis?segment="+segment)
		if err != nil {
			return err
		}
		var answer struct {
			KPIs []struct {
				KPI   string       `json:"kpi"`
				Value *json.Number `json:"value"`
			} `json:"kpis"`
		}
		if err := json.Unmarshal([]byte(body), &answer); err != nil {
			return fmt.Errorf("status %d: %w in %.200s", status, err, body)
		}
		for _, f := range answer.KPIs {
			if f.KPI != kpi {
				continue
			}
			if f.Value == nil || f.Value.String() != fmt.Sprint(want) {
				return fmt.Errorf("it is %v", f.Value)
			}
			return nil
		}
		return fmt.Errorf("no such figure with status %d in %.200s", status, body)
	})
}

// gone waits until HTTP knows no such segment: nobody is counted under it.
func (p *plant) gone(segment string) {
	p.t.Helper()
	p.wait(fmt.Sprintf("nobody to be counted under %q", segment), func(ctx context.Context) error {
		status, body, err := p.service.Get(ctx, "/api/v1/kpis?segment="+segment)
		if err == nil && status != http.StatusUnprocessableEntity {
			err = fmt.Errorf("status %d: %.200s", status, body)
		}
		return err
	})
}
