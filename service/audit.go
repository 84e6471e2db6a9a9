package service

import (
	"context"
	"encoding/json"
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
// asks the owner to hold its commits meanwhile, and holds all of the shard's
// records in memory.
func AuditShard(ctx context.Context, c *config.Config, st *store.Store, shard int) (a Audit, err error) {
	a.Shard = shard
	began := time.Now()
	if err := st.Hold(ctx, shard, holdFor); err != nil {
		return a, fmt.Errorf("hold shard %d: %w", shard, err)
	}
	s, a, err := readShard(ctx, c, st, a)
	a.Held = time.Since(began)
	if release := st.Release(context.WithoutCancel(ctx), shard); err == nil && release != nil {
		err = fmt.Errorf("the hold on shard %d ran out before everything was read; audit again at a quieter time: %w", shard, release)
	}
	if err != nil || s == nil {
		return a, err
	}
	for s.Advance(s.Watermark(), int32(c.RetainRows)) { // what a take-over would do first
		if left := s.Need(nil); len(left) > 0 {
			return a, fmt.Errorf("BUG: audit of shard %d: timers ask for records that do not exist: %v", shard, left)
		}
	}
	a.Wrong = s.Audit()
	return a, nil
}

// readShard reads everything that a shard has stored; nil where that is nothing.
func readShard(ctx context.Context, c *config.Config, st *store.Store, a Audit) (*aggregator.Shard, Audit, error) {
	v, err := st.ReadView(ctx, a.Shard, store.Tenure{})
	if err != nil || v.Empty || v.Tenure == (store.Tenure{}) {
		return nil, a, err
	}
	firing, err := st.Firing(ctx, a.Shard)
	if err != nil {
		return nil, a, err
	}
	due, err := st.Due(ctx, a.Shard)
	if err != nil {
		return nil, a, err
	}
	o, err := ShardOptions(c)
	if err != nil {
		return nil, a, err
	}
	stored := aggregator.Stored{Watermark: v.Head.Watermark, FirstDay: v.Head.FirstDay, Table: v.Head.Table,
		Cells: v.Cells, Due: due, Firing: map[aggregator.Pair]aggregator.Firing{}}
	for name, b := range firing {
		rule, customer, _ := strings.Cut(name, "|")
		if !slices.ContainsFunc(o.BandRules, func(r aggregator.BandRule) bool { return r.Name == rule }) {
			continue // a rule on a KPI: it follows from the figures of all shards
		}
		var f aggregator.Firing
		if err := json.Unmarshal(b, &f); err != nil {
			return nil, a, fmt.Errorf("stored alert %s: %w", name, err)
		}
		stored.Firing[aggregator.Pair{Rule: rule, Customer: customer}] = f
	}
	s, err := aggregator.Open(o, stored)
	if err != nil {
		return nil, a, err
	}
	records := map[string][]byte{}
	err = st.EachRecord(ctx, a.Shard, func(key string, value []byte) error {
		records[key] = value
		if len(records)%10_000 == 0 {
			return st.Hold(ctx, a.Shard, holdFor)
		}
		return nil
	})
	if err != nil {
		return nil, a, err
	}
	for keys := s.Keys(); len(keys) > 0; keys = s.Keys() {
		for _, k := range keys {
			if err := s.Load(k, records[k]); err != nil {
				return nil, a, err
			}
		}
	}
	table, err := aggregator.ParseTable(v.Head.Table)
	a.Records, a.Rows, a.Customers = len(records), len(v.Cells), table.Customers
	return s, a, err
}
