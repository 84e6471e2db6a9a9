package report

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/store"
)

// part is what a store would hold of one shard: its records, packed, and its rows.
type part struct {
	records map[string][]byte
	keep    func(day int32, segment string) bool
	tenure  store.Tenure
	head    store.Head
	cells   map[string][]byte
	changed map[string]bool // since the last view
	frozen  map[string][]byte
}

func newPart(keep func(int32, string) bool) *part {
	return &part{keep: keep, records: map[string][]byte{}, tenure: store.Tenure{Owner: "report", Number: 1},
		head:  store.Head{Born: true},
		cells: map[string][]byte{}, changed: map[string]bool{}, frozen: map[string][]byte{}}
}

// take takes over a commit.
func (p *part) take(ch *aggregator.Changes) {
	if ch.Empty() && ch.Watermark == p.head.Watermark {
		return
	}
	p.tenure.Number++
	p.head.Watermark, p.head.FirstDay, p.head.Table = ch.Watermark, ch.FirstDay, ch.Table
	for _, kv := range ch.Records {
		// In the memory of the record before, where it has room: most are a little
		// longer each time.
		p.records[kv.Name] = append(p.records[kv.Name][:0], kv.Value...)
	}
	for _, kv := range ch.Cells {
		p.changed[kv.Name] = true
		if kv.Value == nil {
			delete(p.cells, kv.Name)
		} else {
			p.cells[kv.Name] = bytes.Clone(kv.Value)
		}
	}
	for _, kv := range ch.Frozen {
		if kv.Value != nil && p.wanted(kv.Name) {
			p.frozen[kv.Name] = bytes.Clone(kv.Value)
		}
	}
}

func (p *part) wanted(name string) bool {
	if p.keep == nil {
		return true
	}
	text, segment, _ := strings.Cut(name, "|")
	day, err := strconv.ParseInt(text, 10, 32)
	return err == nil && p.keep(int32(day), segment)
}

// memory is a company.Store.
type memory []*part

func (m memory) Partitions(context.Context) (int, error) { return len(m), nil }

func (m memory) Peek(_ context.Context, shards []int) ([]store.Tenure, error) {
	out := make([]store.Tenure, len(shards))
	for i, n := range shards {
		out[i] = m[n].tenure
	}
	return out, nil
}

// ReadView is asked by one reader, so that what has changed can be forgotten.
func (m memory) ReadView(_ context.Context, shard int, after store.Tenure) (store.View, error) {
	p := m[shard]
	v := store.View{Tenure: p.tenure, Head: p.head, Full: after.Owner == "", Cells: p.cells}
	if !v.Full {
		v.Cells = make(map[string][]byte, len(p.changed))
		for name := range p.changed {
			v.Cells[name] = p.cells[name]
		}
	}
	clear(p.changed)
	return v, nil
}

// ReadHead is a view without rows.
func (m memory) ReadHead(_ context.Context, shard int) (store.View, error) {
	return store.View{Tenure: m[shard].tenure, Head: m[shard].head}, nil
}

// Scores are computed when they are asked for, and not stored.
func (m memory) Scores(context.Context) ([]byte, error) { return nil, nil }

// Records implements company.ScoreStore.
func (m memory) Records(_ context.Context, shard int, keys []string) (store.Head, [][]byte, error) {
	values := make([][]byte, len(keys))
	for i, key := range keys {
		values[i] = m[shard].records[key]
	}
	return m[shard].head, values, nil
}

func (m memory) Frozen(_ context.Context, shard int, fields []string) (map[string][]byte, error) {
	p := m[shard]
	out := map[string][]byte{}
	for _, name := range fields {
		if b, ok := p.frozen[name]; ok {
			out[name] = b
		} else if !p.wanted(name) {
			return nil, fmt.Errorf("BUG: row %s was not kept", name)
		}
	}
	return out, nil
}
