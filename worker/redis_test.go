package worker_test

import (
	"bytes"
	"context"
	"net"
	"strings"
	"sync"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// redisTap is what stands between one process and Redis. It is a redis.Hook.
type redisTap struct {
	p *process

	mu      sync.Mutex
	holding bool // what is written now is to arrive late
	conns   map[*redisConn]bool
}

func newRedisTap(p *process) *redisTap { return &redisTap{p: p, conns: map[*redisConn]bool{}} }

// redisConn is a connection to Redis. What it holds arrives later.
type redisConn struct {
	net.Conn
	tap  *redisTap
	held []byte
}

// DialHook is of redis.Hook.
func (t *redisTap) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		if t.p.dead.Load() {
			return nil, errDead
		}
		c, err := next(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		conn := &redisConn{Conn: c, tap: t}
		t.mu.Lock()
		defer t.mu.Unlock()
		t.conns[conn] = true
		return conn, nil
	}
}

// Write is of net.Conn.
func (c *redisConn) Write(b []byte) (int, error) {
	c.tap.mu.Lock()
	holding := c.tap.holding
	c.tap.mu.Unlock()
	if holding {
		c.held = append(c.held, b...)
		return len(b), nil
	}
	return c.Conn.Write(b)
}

// Read is of net.Conn.
func (c *redisConn) Read(b []byte) (int, error) {
	if c.held != nil {
		return 0, errCut
	}
	return c.Conn.Read(b)
}

// Close is of net.Conn. A connection that holds something stays open until it
// is delivered.
func (c *redisConn) Close() error {
	if c.held != nil {
		return nil
	}
	return c.cut()
}

func (c *redisConn) cut() error {
	c.tap.mu.Lock()
	delete(c.tap.conns, c)
	c.tap.mu.Unlock()
	return c.Conn.Close()
}

// cutAll drops all connections, with what they hold.
func (t *redisTap) cutAll() {
	t.mu.Lock()
	var all []*redisConn
	for c := range t.conns {
		all = append(all, c)
	}
	t.mu.Unlock()
	for _, c := range all {
		_ = c.cut() // a connection that is gone is cut
	}
}

// ProcessHook is of redis.Hook.
func (t *redisTap) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		e := none
		if cmd.Name() == "hmget" {
			e = lookRedis
			t.p.phase.Store(running)
		}
		err := t.p.through(e, func() error { return t.locked(e, func() error { return next(ctx, cmd) }) }, nil)
		if err != nil && cmd.Err() == nil {
			cmd.SetErr(err)
		}
		return err
	}
}

// ProcessPipelineHook is of redis.Hook.
func (t *redisTap) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		e := effectOf(cmds)
		switch e {
		case claim:
			t.p.phase.Store(takingOver)
		case execCommit:
			t.p.phase.Store(running)
		}
		do := func() error { return t.locked(e, func() error { return next(ctx, cmds) }) }
		err := t.p.through(e, do, func() (func(), error) { return t.hold(e, func() error { return next(ctx, cmds) }) })
		if err != nil {
			for _, c := range cmds {
				if c.Err() == nil {
					c.SetErr(err)
				}
			}
		}
		return err
	}
}

// effectOf tells what a pipeline or transaction is for by its commands.
func effectOf(cmds []redis.Cmder) effect {
	has := map[string]bool{}
	for _, c := range cmds {
		has[c.Name()] = true
	}
	switch {
	case has["hincrby"]:
		return claim
	case has["multi"] && has["hset"]:
		return execCommit
	case has["multi"] && has["mget"]:
		return load
	case has["exists"] && has["hmget"]:
		return compareCommit
	}
	return none
}

// locked does one thing at a time in Redis, and remembers what Redis holds
// after a claim or a commit.
func (t *redisTap) locked(e effect, do func() error) error {
	if e == none { // such as the first commands of a connection, which another command has made
		return do()
	}
	t.p.w.redis.Lock()
	defer t.p.w.redis.Unlock()
	err := do()
	if err == nil && (e == claim || e == execCommit) {
		t.p.w.remember()
	}
	return err
}

// hold lets go-redis write commands that do not arrive, and returns what sends them.
func (t *redisTap) hold(e effect, write func() error) (func(), error) {
	t.mu.Lock()
	t.holding = true
	t.mu.Unlock()
	err := write()
	t.mu.Lock()
	t.holding = false
	var held []*redisConn
	for c := range t.conns {
		if c.held != nil {
			held = append(held, c)
		}
	}
	t.mu.Unlock()
	return func() {
		for _, c := range held {
			t.deliver(e, c)
		}
	}, err
}

// deliver sends what a connection held and waits until Redis has answered. The
// connection may be gone by now, with a Redis that was started again.
func (t *redisTap) deliver(e effect, c *redisConn) {
	t.p.w.redis.Lock()
	defer t.p.w.redis.Unlock()
	defer func() { _ = c.cut() }() // a connection that is gone is cut
	const end = "delivered"
	request := append(c.held, "*2\r\n$4\r\nECHO\r\n$9\r\n"+end+"\r\n"...)
	if _, err := c.Conn.Write(request); err != nil {
		return
	}
	var reply []byte
	b := make([]byte, 4096)
	for !bytes.HasSuffix(reply, []byte(end+"\r\n")) {
		n, err := c.Conn.Read(b)
		if err != nil {
			return
		}
		reply = append(reply, b[:n]...)
	}
	t.p.w.logf("late %v of %s was answered with %d bytes", e, t.p.name, len(reply))
	t.p.w.remember()
}

// contents are all keys of a Redis.
type contents map[string]value

type value struct {
	text string
	hash map[string]string
	list []string
	set  map[string]float64 // sorted
}

// remember takes down what Redis holds, unless nothing was ever committed: who
// loses that much has emptied it (T4). The caller holds w.redis.
func (w *world) remember() {
	c := contents{}
	committed := false
	for _, k := range w.mini.Keys() {
		c[k] = w.read(k)
		committed = committed || strings.HasSuffix(k, ":meta") && c[k].hash["head"] != ""
	}
	if committed {
		w.past = append(w.past, c)
	}
}

func (w *world) read(k string) (v value) {
	var err error
	m := w.mini
	switch m.Type(k) {
	case "string":
		v.text, err = m.Get(k)
	case "list":
		v.list, err = m.List(k)
	case "zset":
		v.set, err = m.SortedSet(k)
	case "hash":
		var names []string
		names, err = m.HKeys(k)
		v.hash = map[string]string{}
		for _, n := range names {
			v.hash[n] = m.HGet(k, n)
		}
	default:
		w.t.Errorf("key %s is a %s", k, m.Type(k))
	}
	if err != nil {
		w.t.Errorf("read key %s: %v", k, err)
	}
	return v
}

// commits is how many claims and commits Redis can fall back to.
func (w *world) commits() int {
	w.redis.Lock()
	defer w.redis.Unlock()
	return len(w.past)
}

// newest says how many of the last claims and commits hold something.
func (w *world) newest(holds func(contents) bool) (n int) {
	w.redis.Lock()
	defer w.redis.Unlock()
	for n < len(w.past) && holds(w.past[len(w.past)-1-n]) {
		n++
	}
	return n
}

// rollBack is a Redis that was started again without its last n claims and
// commits, fewer where there aren't so many; it returns how many. Connections
// don't outlive it, which clients see, unless they find out before they use them.
func (w *world) rollBack(n int, seen bool) int {
	w.redis.Lock()
	defer w.redis.Unlock()
	n = min(n, len(w.past)-1)
	if n <= 0 {
		return 0
	}
	for _, p := range w.processes {
		if seen {
			p.redis.cutAll()
		}
	}
	w.past = w.past[:len(w.past)-n]
	w.mini.FlushAll()
	for k, v := range w.past[len(w.past)-1] {
		if err := write(w.mini, k, v); err != nil {
			w.t.Errorf("write key %s: %v", k, err)
		}
	}
	return n
}

func write(m *miniredis.Miniredis, k string, v value) (err error) {
	for name, x := range v.hash {
		m.HSet(k, name, x)
	}
	for member, score := range v.set {
		if _, err := m.ZAdd(k, score, member); err != nil {
			return err
		}
	}
	switch {
	case v.list != nil:
		_, err = m.Push(k, v.list...)
	case v.hash == nil && v.set == nil:
		err = m.Set(k, v.text)
	}
	return err
}
