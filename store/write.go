package store

import (
	"context"

	"github.com/redis/go-redis/v9"
)

const (
	// perCommand is the most names or members one command carries. A command is
	// one allocation here and one in Redis; past some hundreds nothing is gained.
	perCommand = 1024
	// episodesKept is how many announced alerts are remembered of a shard.
	episodesKept = 1000
)

// writer collects the commands of a transaction. go-redis takes arguments as
// []any, and a string or []byte put into one is an allocation: names and values
// go in as pointers instead, which is what makes a commit of 50,000 records cheap.
type writer struct {
	ctx  context.Context
	cmds []redis.Cmder
}

func (w *writer) add(args ...any) {
	w.cmds = append(w.cmds, redis.NewCmd(w.ctx, args...))
}

// fieldValue lets go-redis read a Field's value through a pointer.
type fieldValue Field

// MarshalBinary returns the value itself.
func (v *fieldValue) MarshalBinary() ([]byte, error) { return v.Value, nil }

// records sets and deletes string keys.
func (w *writer) records(keys keyspace, shard int, fields []Field) {
	names := keys.recordNames(shard, len(fields), func(i int) string { return fields[i].Name })
	sets, deletes := batch{w: w, command: "mset", step: 2}, batch{w: w, command: "unlink", step: 1}
	sets.expect(len(fields))
	for i := range fields {
		if fields[i].Value == nil {
			deletes.put(&names[i])
		} else {
			sets.put(&names[i], (*fieldValue)(&fields[i]))
		}
	}
	sets.flush()
	deletes.flush()
}

// hash sets and deletes fields of a hash.
func (w *writer) hash(key string, fields []Field) {
	sets, deletes := batch{w: w, command: "hset", key: key, step: 2}, batch{w: w, command: "hdel", key: key, step: 1}
	sets.expect(len(fields))
	for i := range fields {
		if fields[i].Value == nil {
			deletes.put(&fields[i].Name)
		} else {
			sets.put(&fields[i].Name, (*fieldValue)(&fields[i]))
		}
	}
	sets.flush()
	deletes.flush()
}

// bands moves customers between the sorted sets by band.
func (w *writer) bands(keys keyspace, shard int, members []Member) {
	leave, enter := map[string]*batch{}, map[string]*batch{}
	var order []*batch // all removals before any addition, the bands in order of appearance
	of := func(m map[string]*batch, command, band string, step int) *batch {
		b := m[band]
		if b == nil {
			b = &batch{w: w, command: command, key: keys.band(shard, band), step: step}
			m[band] = b
			order = append(order, b)
		}
		return b
	}
	for i := range members {
		if m := &members[i]; m.Was != "" && m.Was != m.Band {
			of(leave, "zrem", m.Was, 1).put(&m.Customer)
		}
	}
	for i := range members {
		if m := &members[i]; m.Band != "" {
			of(enter, "zadd", m.Band, 2).put(&m.Score, &m.Customer)
		}
	}
	for _, b := range order {
		b.flush()
	}
}

// newest appends entries to a list and keeps its newest keep. The newest entry
// is the last.
func (w *writer) newest(key string, keep int, entries [][]byte) {
	if len(entries) == 0 {
		return
	}
	b := batch{w: w, command: "rpush", key: key, step: 1}
	for _, e := range entries {
		b.put(e)
	}
	b.flush()
	w.add("ltrim", key, -keep, -1)
}

// batch makes variadic commands of at most perCommand items.
type batch struct {
	w       *writer
	command string
	key     string // "": the items are the keys
	step    int    // arguments of an item
	left    int    // items that may still come, where known
	args    []any
}

func (b *batch) expect(items int) { b.left = items }

func (b *batch) put(item ...any) {
	if len(b.args) == 0 {
		b.args = make([]any, 0, 2+b.step*min(max(b.left, 1), perCommand))
		b.args = append(b.args, b.command)
		if b.key != "" {
			b.args = append(b.args, b.key)
		}
	}
	b.args = append(b.args, item...)
	b.left--
	if len(b.args) >= b.step*perCommand {
		b.flush()
	}
}

func (b *batch) flush() {
	if len(b.args) > 0 {
		b.w.add(b.args...)
		b.args = nil
	}
}
