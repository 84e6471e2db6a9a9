package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/tidemark-io/tidemark/store"
)

// serveProcess is one `tidemark serve`.
type serveProcess struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	log  string
	http string // host:port
}

// tidemarkBinary builds the binary unless it was given.
func (b *bench) tidemarkBinary(ctx context.Context) (string, error) {
	if b.binary != "" {
		return b.binary, nil
	}
	path := filepath.Join(b.logs, "tidemark")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", path, "github.com/tidemark-io/tidemark/cmd/tidemark")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build tidemark: %w:\n%s", err, out)
	}
	b.binary = path
	return path, nil
}

// namespace is what one run of serve has for itself: its state, group and output topics.
type namespace struct {
	name  string
	topic string
	clock string // "log" or "live"
	more  string // lines of the configuration
}

func (b *bench) config(ns namespace, listen string) string {
	return fmt.Sprintf(`clock: %[1]s
kafka:
  brokers: ["%[2]s"]
  group: %[3]s
  topics: {events: %[4]s}
  outputs: {alerts: %[3]s.alerts, kpis: %[3]s.kpis, dead_letter: %[3]s.deadletter, late: %[3]s.late, cursors: %[3]s.cursors}
redis:
  addrs: ["%[5]s"]
  namespace: %[3]s
http: {listen: "%[6]s"}
%[7]s`, ns.clock, b.kafka.Addr, ns.name, ns.topic, b.redis.Addr, listen, ns.more)
}

// serve starts `tidemark serve`. It ends with the context, or by stop.
func (b *bench) serve(ctx context.Context, ns namespace) (*serveProcess, error) {
	binary, err := b.tidemarkBinary(ctx)
	if err != nil {
		return nil, err
	}
	listen, err := freeAddr()
	if err != nil {
		return nil, err
	}
	name := filepath.Join(b.logs, b.unique(ns.name))
	if err := os.WriteFile(name+".yaml", []byte(b.config(ns, listen)), 0o644); err != nil {
		return nil, err
	}
	log, err := os.Create(name + ".log")
	if err != nil {
		return nil, err
	}
	argv := []string{binary, "serve", "--config", name + ".yaml"}
	if b.profile {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		argv = []string{self, "serve", name + ".yaml", name + ".prof"}
	}
	p := &serveProcess{cmd: exec.CommandContext(ctx, argv[0], argv[1:]...),
		done: make(chan struct{}), log: name + ".log", http: listen}
	p.cmd.Stdout, p.cmd.Stderr = log, log
	if err := p.cmd.Start(); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	go func() {
		_ = p.cmd.Wait() // that it ended is what is asked for, and what it said is in its log
		_ = log.Close()
		close(p.done)
	}()
	return p, nil
}

// freeAddr is an address nobody listens on.
func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// stop ends the process as people would, and kills it where it doesn't end.
func (p *serveProcess) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(15 * time.Second):
		return errors.Join(fmt.Errorf("tidemark serve did not end within 15 s of SIGTERM: %s", p.log), p.kill())
	}
}

// kill is SIGKILL.
func (p *serveProcess) kill() error {
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-p.done
	return nil
}

// alive is an error with the end of the log where the process has ended.
func (p *serveProcess) alive() error {
	select {
	case <-p.done:
	default:
		return nil
	}
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err
	}
	return fmt.Errorf("tidemark serve has ended; its log says:\n%s", text[max(0, len(text)-3000):])
}

// resident is the highest resident memory so far, in bytes.
func (p *serveProcess) resident() (int64, error) { return residentOf(p.cmd.Process.Pid) }

func (b *bench) openStore(ctx context.Context, ns namespace) (*store.Store, error) {
	return store.Open(ctx, store.Options{Addrs: []string{b.redis.Addr}, Namespace: ns.name})
}

// watch reads how far a namespace's shards are.
type watch struct {
	store *store.Store
	topic string
	seen  []store.View
}

func (b *bench) watch(ctx context.Context, ns namespace, shards int) (*watch, error) {
	s, err := b.openStore(ctx, ns)
	if err != nil {
		return nil, err
	}
	return &watch{s, ns.topic, make([]store.View, shards)}, nil
}

// applied is how many messages are applied and committed.
func (w *watch) applied(ctx context.Context) (n int64, err error) {
	for i := range w.seen {
		if w.seen[i], err = w.store.ReadView(ctx, i, w.seen[i].Tenure); err != nil {
			return 0, err
		}
		n += w.seen[i].Head.Offsets[w.topic].Next
	}
	return n, nil
}

// counters are the sums of the shards' counters of messages.
func (w *watch) counters() map[string]int64 {
	out := map[string]int64{}
	for _, v := range w.seen {
		for k, n := range v.Head.Counters {
			out[k] += n
		}
	}
	return out
}

// until polls every interval until n messages are applied. It returns when a
// shard was first seen owned: none of them is read before.
func (w *watch) until(ctx context.Context, p *serveProcess, n int64, interval time.Duration) (owned time.Time, err error) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		done, err := w.applied(ctx)
		if err != nil {
			return time.Time{}, err
		}
		if owned.IsZero() && w.owned() {
			owned = time.Now()
		}
		if done >= n {
			return owned, nil
		}
		if err := p.alive(); err != nil {
			return time.Time{}, err
		}
		select {
		case <-ctx.Done():
			return time.Time{}, ctx.Err()
		case <-tick.C:
		}
	}
}

// owned says whether any shard has an owner.
func (w *watch) owned() bool {
	return slices.ContainsFunc(w.seen, func(v store.View) bool { return v.Tenure.Owner != "" })
}

// commits are the commits and claims of all shards.
func (w *watch) commits() (n uint64) {
	for _, v := range w.seen {
		n += v.Tenure.Number
	}
	return n
}
