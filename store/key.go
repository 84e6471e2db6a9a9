package store

import (
	"fmt"
	"strconv"
	"strings"
)

// keyspace is the only home of key names; docs/redis.md describes each of them.
// All keys of a shard carry its hash tag.
type keyspace struct{ namespace string }

// newKeyspace refuses names that would end a hash tag early, so that two shards
// met in one slot or a shard's keys were scattered.
func newKeyspace(namespace string) (keyspace, error) {
	if namespace == "" || strings.ContainsAny(namespace, "{}: \t\r\n") {
		return keyspace{}, refuse("redis.namespace %q: a name without braces, colons and spaces is needed, such as tidemark", namespace)
	}
	return keyspace{namespace: namespace}, nil
}

func (k keyspace) of(shard int, name string) string {
	return "{" + k.namespace + ":" + strconv.Itoa(shard) + "}:" + name
}

func (k keyspace) meta(shard int) string     { return k.of(shard, "meta") }
func (k keyspace) hold(shard int) string     { return k.of(shard, "hold") }
func (k keyspace) cells(shard int) string    { return k.of(shard, "cells") }
func (k keyspace) frozen(shard int) string   { return k.of(shard, "frozen") }
func (k keyspace) due(shard int) string      { return k.of(shard, "due") }
func (k keyspace) firing(shard int) string   { return k.of(shard, "firing") }
func (k keyspace) notes(shard int) string    { return k.of(shard, "notes") }
func (k keyspace) changed(shard int) string  { return k.of(shard, "changed") }
func (k keyspace) episodes(shard int) string { return k.of(shard, "alerts") }
func (k keyspace) kpis(shard int) string     { return k.of(shard, "kpis") }
func (k keyspace) sent(shard int) string     { return k.of(shard, "sent") }
func (k keyspace) scores(shard int) string   { return k.of(shard, "scores") }

func (k keyspace) band(shard int, band string) string { return k.of(shard, "band:"+band) }

// records is what the keys of all records of a shard begin with.
func (k keyspace) records(shard int) string { return k.of(shard, "r:") }

// shards belongs to the namespace and to no shard.
func (k keyspace) shards() string { return fmt.Sprintf("{%s}:shards", k.namespace) }

// recordNames returns the full names of record keys. They share one piece of
// memory: a commit of 50,000 records must not make 50,000 strings.
func (k keyspace) recordNames(shard, n int, key func(i int) string) []string {
	prefix := k.records(shard)
	size := 0
	for i := range n {
		size += len(prefix) + len(key(i))
	}
	var b strings.Builder
	b.Grow(size)
	names := make([]string, n)
	for i := range n {
		b.WriteString(prefix)
		b.WriteString(key(i))
	}
	all := b.String()
	for i := range n {
		l := len(prefix) + len(key(i))
		names[i], all = all[:l], all[l:]
	}
	return names
}

// globEscape makes a name match only itself in MATCH of SCAN.
var globEscape = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`)
