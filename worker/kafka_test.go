package worker_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"sync"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// kafkaTap is what stands between one process's publisher and the brokers.
type kafkaTap struct {
	p *process

	mu    sync.Mutex
	conns map[*kafkaConn]bool
}

func newKafkaTap(p *process) *kafkaTap { return &kafkaTap{p: p, conns: map[*kafkaConn]bool{}} }

func (t *kafkaTap) dial(ctx context.Context, network, host string) (net.Conn, error) {
	if t.p.dead.Load() {
		return nil, errDead
	}
	var d net.Dialer
	c, err := d.DialContext(ctx, network, host)
	if err != nil {
		return nil, err
	}
	conn := &kafkaConn{Conn: c, tap: t}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.conns[conn] = true
	return conn, nil
}

// cutAll drops all connections.
func (t *kafkaTap) cutAll() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for c := range t.conns {
		c.Conn.Close()
	}
}

// kafkaConn is one connection. The client writes each request with one call,
// and reads only once a request was written: a request is exchanged for its
// answer within Write.
type kafkaConn struct {
	net.Conn
	tap *kafkaTap

	mu     sync.Mutex
	answer bytes.Buffer
	held   bool
}

// Write is of net.Conn.
func (c *kafkaConn) Write(b []byte) (int, error) {
	err := c.tap.p.through(c.tap.p.kafkaEffect(kmsg.Key(binary.BigEndian.Uint16(b[4:6]))),
		func() error { return c.exchange(b, &c.answer) },
		func() (func(), error) {
			c.mu.Lock()
			c.held = true
			c.mu.Unlock()
			request := bytes.Clone(b)
			return func() { c.deliver(request) }, nil
		})
	if err != nil {
		c.Close()
		return 0, err
	}
	return len(b), nil
}

// exchange sends a request and reads its answer.
func (c *kafkaConn) exchange(b []byte, answer io.Writer) error {
	if _, err := c.Conn.Write(b); err != nil {
		return err
	}
	var size [4]byte
	if _, err := io.ReadFull(c.Conn, size[:]); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := answer.Write(size[:]); err != nil {
		return err
	}
	_, err := io.CopyN(answer, c.Conn, int64(binary.BigEndian.Uint32(size[:])))
	return err
}

func (c *kafkaConn) deliver(request []byte) {
	var answer bytes.Buffer
	err := c.exchange(request, &answer)
	c.tap.p.w.logf("late %v of %s: %d bytes, error %v", kmsg.Key(binary.BigEndian.Uint16(request[4:6])).Name(), c.tap.p.name, answer.Len(), err)
	c.Conn.Close()
}

// Read is of net.Conn.
func (c *kafkaConn) Read(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.answer.Len() == 0 {
		return 0, errCut
	}
	return c.answer.Read(b)
}

// Close is of net.Conn. A connection that holds a request stays open until it
// is delivered.
func (c *kafkaConn) Close() error {
	c.mu.Lock()
	held := c.held
	c.mu.Unlock()
	if held {
		return nil
	}
	return c.Conn.Close()
}

// kafkaEffect tells what a request is for. Reads of the cursor are T3 during a
// take-over, L2 after it.
func (p *process) kafkaEffect(key kmsg.Key) effect {
	taking := p.phase.Load() == takingOver
	switch {
	case key == kmsg.InitProducerID:
		return initProducer
	case key == kmsg.ListOffsets && taking:
		return cursorEnd
	case key == kmsg.Fetch && taking:
		return cursorRead
	case key == kmsg.Fetch:
		return lookKafka
	case key == kmsg.Produce:
		p.phase.Store(running)
		return produce
	case key == kmsg.EndTxn:
		return endTxn
	}
	return none
}
