//go:build linux

package bounded

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tidemark-io/tidemark/internal/endtoend"
)

// sampleEvery is the time between two looks at the service's memory.
const sampleEvery = 50 * time.Millisecond

// taken is what a service took at most, in bytes, as sampled while it ran.
type taken struct {
	resident int // VmHWM: the kernel's own maximum
	queue    int
	cache    int // of all shards
	samples  int // looks at which the service told of its shards
}

// memory samples a service.
type memory struct {
	cancel context.CancelFunc
	done   chan struct{}

	mu   sync.Mutex
	most taken
	err  error
}

// sofar is what was seen up to now.
func (m *memory) sofar() (taken, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.most, m.err
}

// watch samples a service until stop.
func watch(service *endtoend.Worker) *memory {
	ctx, cancel := context.WithCancel(context.Background())
	m := &memory{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(m.done)
		for tick := time.NewTicker(sampleEvery); ; {
			select {
			case <-ctx.Done():
				tick.Stop()
				return
			case <-tick.C:
			}
			if err := m.sample(ctx, service); err != nil && ctx.Err() == nil && service.Running() {
				m.mu.Lock()
				m.err = err
				m.mu.Unlock()
				return
			}
		}
	}()
	return m
}

// stop ends the sampling.
func (m *memory) stop() {
	m.cancel()
	<-m.done
}

func (m *memory) sample(ctx context.Context, service *endtoend.Worker) error {
	resident, err := highest(service.Pid())
	if err != nil {
		return err
	}
	status, body, err := service.Get(ctx, "/metrics")
	m.mu.Lock()
	defer m.mu.Unlock()
	m.most.resident = max(m.most.resident, resident)
	if err != nil || status != http.StatusOK {
		if m.most.samples == 0 {
			return nil // it has not begun to listen, or waits for its servers
		}
		return fmt.Errorf("ask for /metrics: status %d, error %w", status, err)
	}
	queue, cache, shards := 0.0, 0.0, 0
	for lines := bufio.NewScanner(strings.NewReader(body)); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		into := &queue
		switch {
		case strings.HasPrefix(name, "tidemark_cache_bytes{"):
			into = &cache
			shards++
		case name != "tidemark_queue_bytes":
			continue
		}
		x, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return fmt.Errorf("metric %s: %w", name, err)
		}
		*into += x
	}
	if shards == partitions {
		m.most.samples++
	}
	m.most.queue, m.most.cache = max(m.most.queue, int(queue)), max(m.most.cache, int(cache))
	return nil
}

// highest is the most resident memory that a process ever had, in bytes, as the
// kernel counts it.
func highest(pid int) (int, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(rest), " kB"))
			return n * kib, err
		}
	}
	return 0, fmt.Errorf("/proc/%d/status has no VmHWM", pid)
}

// inMiB shows bytes.
func inMiB(bytes int) string { return fmt.Sprintf("%.1f MiB", float64(bytes)/mib) }

// What the service may take, in bytes. The queue keeps to what is configured,
// but a stream with nothing queued may always fetch 64 KiB, a broker sends one
// message whole however little is asked for, and memory is handed out in blocks
// that are up to an eighth larger than what is in them. So does the cache, but
// what a chunk of messages brings is known once it is there; small caches take
// chunks that are meant to bring an eighth of it.
//
// The process may have 64 MiB for the program, its connections, rows and what is
// in hand, and twice what cache and queue may take, the queue counted twice:
// serve lets the heap grow by 60 % between two collections, on two busy cores it
// grows on while one runs, and what was fetched lies beside what it is
// decompressed to, in memory that is kept a while to be used again.
func (p *plant) mayQueue() int { return (p.queue + partitions*64*kib + max(mib, p.message)) / 8 * 9 }

func (p *plant) mayCache() int { return p.cache / 8 * 9 }

func (p *plant) mayTake() int { return 64*mib + 2*(p.cache+2*p.queue) }

// holds fails where the service has taken more than it may, and where it had no
// occasion to: least is what cache and queue must have held at some time.
func (p *plant) holds(least sizes) {
	p.t.Helper()
	p.memory.stop()
	m, err := p.memory.sofar()
	if err != nil {
		p.t.Fatalf("sample the service's memory: %v", err)
	}
	p.t.Logf("cache %s of %s, queue %s of %s, resident %s of %s, in %d samples", inMiB(m.cache), inMiB(p.mayCache()),
		inMiB(m.queue), inMiB(p.mayQueue()), inMiB(m.resident), inMiB(p.mayTake()), m.samples)
	for _, x := range []struct {
		what           string
		most, may, had int
	}{
		{"records in the cache", m.cache, p.mayCache(), least.cache},
		{"fetched messages", m.queue, p.mayQueue(), least.queue},
		{"resident memory", m.resident, p.mayTake(), 1},
	} {
		if x.most > x.may {
			p.t.Errorf("%s took %s, may take %s", x.what, inMiB(x.most), inMiB(x.may))
		}
		if x.most < x.had {
			p.t.Errorf("%s took %s at most, %s at least were to be seen: the test shows nothing", x.what, inMiB(x.most), inMiB(x.had))
		}
	}
}
