package company

import (
	"context"
	"errors"
	"fmt"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/store"
)

// RecordStore is what reading one customer needs of the store.
type RecordStore interface {
	Partitions(ctx context.Context) (int, error)
	ReadHead(ctx context.Context, shard int) (store.View, error)
	Record(ctx context.Context, shard int, key string) ([]byte, error)
	Records(ctx context.Context, shard int, keys []string) (store.Head, [][]byte, error) // of one commit
}

// Records reads single customers. It may be used from any goroutine.
type Records struct {
	Store RecordStore
	// Options are those of a shard; their calendar is used for one customer.
	Options func() (aggregator.Options, error)
	// Partition is the partitioner of the input topics.
	Partition func(key []byte, n int) (int, error)
}

// recordAttempts bounds how often a customer is looked for again: between
// reading the head and the record, a commit may have split the bucket.
const recordAttempts = 3

// Customer returns what the customer's record says, nil where there is none. While it
// cannot be told whether there is one, that is an error.
func (r Records) Customer(ctx context.Context, id string) (*aggregator.View, error) {
	shard, err := r.Shard(ctx, id)
	if err != nil || shard < 0 {
		return nil, err
	}
	failed := errors.New("its bucket was split each time that it was looked for; try again")
	for range recordAttempts {
		head, err := r.head(ctx, shard)
		if err != nil {
			return nil, err
		}
		if head.Watermark == 0 {
			return nil, nil
		}
		view, err := r.read(ctx, shard, head, id)
		if view != nil {
			return view, nil
		}
		after, headErr := r.head(ctx, shard)
		if headErr != nil {
			return nil, headErr
		}
		if string(after.Table) == string(head.Table) {
			return nil, err
		}
		if err != nil {
			failed = err
		}
	}
	return nil, fmt.Errorf("customer %s: %w", id, failed)
}

// Shard returns the shard that holds a customer; -1 where nothing is stored.
func (r Records) Shard(ctx context.Context, id string) (int, error) {
	shards, err := r.Store.Partitions(ctx)
	if err != nil || shards == 0 {
		return -1, err
	}
	shard, err := r.Partition([]byte(id), shards)
	if err != nil {
		return -1, fmt.Errorf("find the shard of customer %s: %w", id, err)
	}
	return shard, nil
}

func (r Records) head(ctx context.Context, shard int) (store.Head, error) {
	v, err := r.Store.ReadHead(ctx, shard)
	return v.Head, err
}

// read loads the bucket of a customer, alone, into a shard of its own.
func (r Records) read(ctx context.Context, shard int, head store.Head, id string) (*aggregator.View, error) {
	table, err := aggregator.ParseTable(head.Table)
	if err != nil {
		return nil, fmt.Errorf("shard %d: %w", shard, err)
	}
	s, err := r.open(head)
	if err != nil {
		return nil, fmt.Errorf("shard %d: %w", shard, err)
	}
	key := aggregator.BucketKey(id, table.Buckets)
	b, err := r.Store.Record(ctx, shard, key)
	if err != nil {
		return nil, err
	}
	if b == nil {
		return nil, nil
	}
	if err := s.Load(key, b); err != nil {
		return nil, fmt.Errorf("record %s of shard %d: %w", key, shard, err)
	}
	return s.View(id), nil
}
