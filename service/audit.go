package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/config"
	"github.com/tidemark-io/tidemark/store"
)

// Audit is what comparing a shard's cells with its records found.
type Audit struct {
	Shard     int           `json:"shard"`
	Records   int           `json:"records"` // stored buckets and pages
	Customers int           `json:"customers"`
	Rows      int           `json:"rows"`
	Wrong     []string      `json:"wrong"` // rows and alerts that differ; none: clean
	Held      time.Duration `json:"held_ns"`
}

// holdFor is how long an audit may hold a shard's commits; it renews the hold
// while it reads.
const holdFor = 30 * time.Second

// AuditShard recomputes a shard's cells and firing alerts from its records. It
// asks the owner to hold its commits while it reads, and holds all of the shard's
// records in memory.
func AuditShard(ctx context.Context, c *config.Config, st *store.Store, shard int) (a Audit, err error) {
	a.Shard = shard
	began := time.Now()
	if err := st.Hold(ctx, shard, holdFor); err != nil {
		return a, fmt.Errorf("hold shard %d: %w", shard, err)
	}
	r, err := readShard(ctx, st, shard)
	a.Held = time.Since(began)
	if release := st.Release(context.WithoutCancel(ctx), shard); err == nil {
		err = release
	}
	if errors.Is(err, store.ErrRunOut) {
		err = fmt.Errorf("shard %d was not read whole; audit again at a quieter time: %w", shard, err)
	}
	if err != nil || r == nil {
		return a, err
	}
	s, err := r.open(c)
	if err != nil {
		return a, err
	}
	for s.Advance(s.Watermark(), int32(c.RetainRows)) { // what a take-over would do first
		if left := s.Need(nil); len(left) > 0 {
			return a, fmt.Errorf("BUG: audit of shard %d: timers ask for records that do not exist: %v", shard, left)
		}
	}
	a.Wrong = s.Audit()
	table, err := aggregator.ParseTable(r.view.Head.Table)
	a.Records, a.Rows, a.Customers = len(r.records), len(r.view.Cells), table.Customers
	return a, err
}

// stored is everything that a shard has stored.
type stored struct {
	view        store.View
	firing, due map[string][]byte
	records     map[string][]byte
}

// readShard reads everything that a shard has stored; nil where that is nothing.
func readShard(ctx context.Context, st *store.Store, shard int) (*stored, error) {
	v, err := st.ReadView(ctx, shard, store.Tenure{})
	if err != nil || v.Empty || v.Tenure == (store.Tenure{}) {
		return nil, err
	}
	r := &stored{view: v, records: map[string][]byte{}}
	if r.firing, err = st.Firing(ctx, shard); err != nil {
		return nil, err
	}
	if r.due, err = st.Due(ctx, shard); err != nil {
		return nil, err
	}
	err = st.EachRecord(ctx, shard, func(key string, value []byte) error {
		r.records[key] = value
		if len(r.records)%10_000 == 0 {
			return st.Renew(ctx, shard, holdFor)
		}
		return nil
	})
	return r, err
}

// open makes a shard of it.
func (r *stored) open(c *config.Config) (*aggregator.Shard, error) {
	o, err := ShardOptions(c)
	if err != nil {
		return nil, err
	}
	head := r.view.Head
	of := aggregator.Stored{Watermark: head.Watermark, FirstDay: head.FirstDay, Table: head.Table,
		Cells: r.view.Cells, Due: r.due, Firing: map[aggregator.Pair]aggregator.Firing{}}
	for name, b := range r.firing {
		rule, customer, _ := strings.Cut(name, "|")
		if !slices.ContainsFunc(o.BandRules, func(r aggregator.BandRule) bool { return r.Name == rule }) {
			continue // a rule on a KPI: it follows from the figures of all shards
		}
		var f aggregator.Firing
		if err := json.Unmarshal(b, &f); err != nil {
			return nil, fmt.Errorf("stored alert %s: %w", name, err)
		}
		of.Firing[aggregator.Pair{Rule: rule, Customer: customer}] = f
	}
	s, err := aggregator.Open(o, of)
	if err != nil {
		return nil, err
	}
	for keys := s.Keys(); len(keys) > 0; keys = s.Keys() {
		for _, k := range keys {
			if err := s.Load(k, r.records[k]); err != nil {
				return nil, err
			}
		}
	}
	return s, nil
}
