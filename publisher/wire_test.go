package publisher_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// verdict is what happens to a request.
type verdict int

const (
	pass      verdict = iota
	loseReply         // the broker does as it was told, the answer is lost
	lose              // it never arrives
	abort             // EndTxn: its "commit" arrives as an "abort"
	die               // it never arrives, and nothing will any more: the process is killed
)

// wire is the network of one client: it sees each request before the broker
// does. A nil rule lets all pass.
type wire struct {
	mu    sync.Mutex
	rule  func(key kmsg.Key) verdict
	count map[kmsg.Key]int
	conns []net.Conn
	dead  bool
	end   context.CancelFunc // of life, where somebody wants to know
}

// life is a context that ends when the process is killed.
func (w *wire) life() context.Context {
	w.mu.Lock()
	defer w.mu.Unlock()
	ctx, cancel := context.WithCancel(context.Background())
	w.end = cancel
	return ctx
}

var errCut = errors.New("test: the connection is cut")

func (w *wire) opt() kgo.Opt { return kgo.Dialer(w.dial) }

// on sets the rule for the requests from now on.
func (w *wire) on(rule func(key kmsg.Key) verdict) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rule = rule
}

// sent counts the requests of a kind.
func (w *wire) sent(key kmsg.Key) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.count[key]
}

// kill is what SIGKILL does to connections: requests on the way stay undone.
func (w *wire) kill() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dead = true
	if w.end != nil {
		w.end()
	}
	for _, c := range w.conns {
		c.Close()
	}
}

func (w *wire) dial(ctx context.Context, network, host string) (net.Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, network, host)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dead {
		c.Close()
		return nil, errCut
	}
	w.conns = append(w.conns, c)
	return &tap{Conn: c, wire: w}, nil
}

// tap is one connection. The client writes each request with one call, and
// reads only once a request was written.
type tap struct {
	net.Conn
	wire *wire
}

func (t *tap) Write(b []byte) (int, error) {
	key := kmsg.Key(binary.BigEndian.Uint16(b[4:6]))
	t.wire.mu.Lock()
	rule := t.wire.rule
	if t.wire.count == nil {
		t.wire.count = make(map[kmsg.Key]int)
	}
	t.wire.count[key]++
	t.wire.mu.Unlock()
	what := pass
	if rule != nil {
		what = rule(key)
	}
	switch what {
	case lose:
		t.Close()
		return len(b), nil
	case die:
		t.wire.kill()
		return 0, errCut
	case loseReply:
		n, err := t.Conn.Write(b)
		if err != nil {
			return n, err
		}
		var size [4]byte
		if _, err := io.ReadFull(t.Conn, size[:]); err != nil {
			return n, err
		}
		if _, err := io.CopyN(io.Discard, t.Conn, int64(binary.BigEndian.Uint32(size[:]))); err != nil {
			return n, err
		}
		t.Close()
		return n, nil
	case abort: // the flag is the last byte before the tags
		b = bytes.Clone(b)
		b[len(b)-2] = 0
		return t.Conn.Write(b)
	default:
		return t.Conn.Write(b)
	}
}

// once applies a verdict to the first request of a kind.
func once(key kmsg.Key, v verdict) func(kmsg.Key) verdict {
	var o sync.Once
	return func(k kmsg.Key) verdict {
		what := pass
		if k == key {
			o.Do(func() { what = v })
		}
		return what
	}
}
