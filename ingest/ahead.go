package ingest

import (
	"errors"
	"io"
)

const (
	aheadBlock  = 64 << 10 // bytes
	aheadBlocks = 4
)

// ahead reads, and so unpacks, a bounded number of blocks ahead of who takes
// them, on a goroutine of its own.
type ahead struct {
	blocks chan []byte
	free   chan []byte
	done   chan struct{}
	err    error // why there are no more; after blocks was closed
	block  []byte
	rest   []byte
}

func newAhead(in io.Reader) *ahead {
	a := &ahead{blocks: make(chan []byte, aheadBlocks), free: make(chan []byte, aheadBlocks), done: make(chan struct{})}
	for range aheadBlocks {
		a.free <- nil
	}
	go a.run(in)
	return a
}

func (a *ahead) run(in io.Reader) {
	defer close(a.blocks)
	for a.err == nil {
		var block []byte
		select {
		case block = <-a.free:
		case <-a.done:
			return
		}
		if block == nil {
			block = make([]byte, aheadBlock)
		}
		var n int
		n, a.err = in.Read(block[:aheadBlock])
		select {
		case a.blocks <- block[:n]:
		case <-a.done:
			return
		}
	}
}

// Read is io.Reader's.
func (a *ahead) Read(p []byte) (int, error) {
	for len(a.rest) == 0 {
		if a.block != nil {
			a.free <- a.block // has room for all
			a.block = nil
		}
		block, ok := <-a.blocks
		if !ok {
			if a.err == nil {
				return 0, errors.New("read after its end")
			}
			return 0, a.err
		}
		a.block, a.rest = block, block
	}
	n := copy(p, a.rest)
	a.rest = a.rest[n:]
	return n, nil
}

// stop ends the reading. One read may still be under way.
func (a *ahead) stop() { close(a.done) }
