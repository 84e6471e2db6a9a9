package consumer

import (
	"math/bits"
	"sync"
	"sync/atomic"
)

// Sizes of pooled blocks: eight steps to a doubling, so that a block is at the
// most an eighth larger than what was asked for. What is larger than the
// largest is left to the garbage collector: such blocks are rare, and a pool
// of them would hold on to memory that no configuration knows of.
const (
	smallestBlock = 1 << 10
	largestBlock  = 8 << 20
	stepBits      = 3
)

var blockPools [(23-10)<<stepBits + 1]sync.Pool

// block is a piece of memory that several holders share. The last one to
// release it gives it back to its pool.
type block struct {
	buf  []byte // as long as was asked for
	pool int    // index in blockPools, -1: none
	refs atomic.Int32
}

// blockClass returns the size of the smallest pooled block that holds n bytes
// and its pool; pool -1 where none does.
func blockClass(n int) (size, pool int) {
	if n <= smallestBlock {
		return smallestBlock, 0
	}
	if n > largestBlock {
		return n, -1
	}
	exp := bits.Len(uint(n-1)) - 1 // 2^exp < n <= 2^(exp+1)
	step := 1 << (exp - stepBits)
	steps := (n - 1<<exp + step - 1) / step // 1..8
	return 1<<exp + steps*step, (exp-10)<<stepBits + steps
}

// newBlock returns a block of n bytes, of undefined content, with one holder.
func newBlock(n int) *block {
	size, pool := blockClass(n)
	if pool >= 0 {
		if b, ok := blockPools[pool].Get().(*block); ok {
			b.buf = b.buf[:n]
			b.refs.Store(1)
			return b
		}
	}
	b := &block{buf: make([]byte, n, size), pool: pool}
	b.refs.Store(1)
	return b
}

func (b *block) retain() { b.refs.Add(1) }

func (b *block) release() {
	if b.refs.Add(-1) == 0 && b.pool >= 0 {
		blockPools[b.pool].Put(b)
	}
}

// size is what the block takes of memory, in bytes.
func (b *block) size() int { return cap(b.buf) }

// arena hands out memory for what record batches decompress to. Its blocks
// belong to the Batch that holds the arena.
type arena struct {
	blocks []*block
	free   []byte // the unused end of the newest block: length 0, the capacity is what is left
}

// arenaBlock is the size of an arena's block: several small record batches
// share one.
const arenaBlock = 64 << 10

// room returns an empty slice with a capacity of n bytes at the least.
func (a *arena) room(n int) []byte {
	if cap(a.free) < n || cap(a.free) == 0 {
		b := newBlock(max(n, arenaBlock))
		a.blocks = append(a.blocks, b)
		a.free = b.buf[:0:cap(b.buf)]
	}
	return a.free
}

// keep says that used, which was appended to what room returned, stays in use.
func (a *arena) keep(used []byte) []byte {
	n := len(used)
	if n == 0 {
		return used
	}
	if n <= cap(a.free) && &used[0] == &a.free[:1][0] {
		a.free = a.free[n:n]
		return used[:n:n]
	}
	return used[:n:n] // it outgrew the block: memory of its own, the garbage collector's
}

func (a *arena) release() {
	for i, b := range a.blocks {
		b.release()
		a.blocks[i] = nil
	}
	a.blocks, a.free = a.blocks[:0], nil
}
