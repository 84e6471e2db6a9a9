package store

import (
	"bytes"
	"context"
	"errors"
	"net"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"
)

// What a connection loses. Each happens once, at the next command armed for.
type loss int

const (
	cutRequest loss = iota + 1 // everything up to the command arrives, the command doesn't
	loseReply                  // the command arrives and is done, its reply never comes
	delay                      // the client loses the connection; the command arrives when let go
)

// proxies stands between a store and its servers: each connection goes through
// a TCP proxy of its own, so that a command can be done without its sender
// ever hearing of it. A Redis hook, so that it works for every node of a cluster.
type proxies struct {
	t testing.TB

	mu      sync.Mutex
	loss    loss
	command []byte // as it stands on the wire, from its length on

	hit   chan struct{} // a loss has happened (loseReply: the command is done)
	letGo chan struct{} // closed: a delayed command may go on
	reply chan []byte   // what the server answered to a delayed command
}

func newProxies(t testing.TB) *proxies {
	return &proxies{t: t, hit: make(chan struct{}, 1), letGo: make(chan struct{}), reply: make(chan []byte, 1)}
}

// arm makes the next command of this name on any connection suffer the loss.
func (p *proxies) arm(l loss, command string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.loss, p.command = l, []byte("$"+string(rune('0'+len(command)))+"\r\n"+command+"\r\n")
}

// armed returns the command to look for, nil while none is.
func (p *proxies) armed() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.loss == 0 {
		return nil
	}
	return p.command
}

// strike claims the loss for one connection; 0: another was faster.
func (p *proxies) strike() loss {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.loss
	p.loss = 0
	return l
}

func (p *proxies) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }
func (p *proxies) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (p *proxies) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		server, err := next(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, errors.Join(err, server.Close())
		}
		defer ln.Close()
		outside, err := (&net.Dialer{}).DialContext(ctx, "tcp", ln.Addr().String())
		if err != nil {
			return nil, errors.Join(err, server.Close())
		}
		inside, err := ln.Accept()
		if err != nil {
			return nil, errors.Join(err, server.Close(), outside.Close())
		}
		c := &proxied{p: p, client: inside, server: server}
		go c.requests()
		go c.replies()
		return outside, nil
	}
}

// proxied is one connection.
type proxied struct {
	p              *proxies
	client, server net.Conn

	mu      sync.Mutex
	struck  loss // set before the command that suffers it is sent on
	command []byte
}

func (c *proxied) close() { c.client.Close(); c.server.Close() }

func (c *proxied) loss() loss {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.struck
}

// requests copies what the client sends, and looks for the armed command even
// where it is spread over two reads.
func (c *proxied) requests() {
	var held []byte
	buf := make([]byte, 64<<10)
	for {
		n, err := c.client.Read(buf)
		held = append(held, buf[:n]...)
		keep := 0
		if command := c.p.armed(); command != nil {
			if at := bytes.Index(held, command); at >= 0 {
				if l := c.p.strike(); l != 0 {
					c.lose(l, command, held, at)
					return
				}
			}
			keep = overlap(held, command)
		}
		_, werr := c.server.Write(held[:len(held)-keep])
		held = append(held[:0], held[len(held)-keep:]...)
		if err != nil || werr != nil {
			c.close()
			return
		}
	}
}

// overlap is how many bytes at the end of b may be the beginning of command.
func overlap(b, command []byte) int {
	for n := min(len(b), len(command)-1); n > 0; n-- {
		if bytes.HasSuffix(b, command[:n]) {
			return n
		}
	}
	return 0
}

// lose lets the loss happen to the command at the given place.
func (c *proxied) lose(l loss, command, held []byte, at int) {
	c.mu.Lock()
	c.struck, c.command = l, command
	c.mu.Unlock()
	if l == loseReply {
		c.p.write(c.server, held)
		return
	}
	c.p.write(c.server, held[:at])
	c.client.Close()
	if l == cutRequest {
		c.server.Close()
		c.p.hit <- struct{}{}
		return
	}
	c.p.hit <- struct{}{}
	<-c.p.letGo
	c.p.write(c.server, held[at:])
}

func (p *proxies) write(server net.Conn, b []byte) {
	if _, err := server.Write(b); err != nil {
		p.t.Errorf("proxy: %v", err)
	}
}

// replies copies what the server answers, until a loss strikes: then it waits
// for the answer to the command, so that it is known to be done.
func (c *proxied) replies() {
	var lost []byte
	buf := make([]byte, 64<<10)
	for {
		n, err := c.server.Read(buf)
		l := c.loss()
		if l == 0 {
			_, werr := c.client.Write(buf[:n])
			if err != nil || werr != nil {
				c.close()
				return
			}
			continue
		}
		lost = append(lost, buf[:n]...)
		if answer := c.answer(lost); answer != nil {
			if l == loseReply {
				c.p.hit <- struct{}{}
			} else {
				c.p.reply <- answer
			}
			c.close()
			return
		}
		if err != nil {
			c.close()
			return
		}
	}
}

// answer finds the reply to the struck command. That of EXEC begins with the
// first array: MULTI and what follows are answered by +OK and +QUEUED.
func (c *proxied) answer(b []byte) []byte {
	if !bytes.Contains(c.command, []byte("exec")) {
		return b
	}
	if at := bytes.IndexByte(b, '*'); at >= 0 {
		return b[at:]
	}
	return nil
}
