package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// Hold keeps the shard's owner from committing until Release, for ttl at the
// most. Held again by the same Store it lasts ttl from now on. When it returns,
// no commit is under way: one that had begun is refused at its EXEC. Claims go
// on; they change no record and no row. ErrHeld: another audit holds the shard.
func (s *Store) Hold(ctx context.Context, shard int, ttl time.Duration) error {
	key := s.keys.hold(shard)
	err := s.watch(ctx, func(tx *redis.Tx) error {
		holder, err := tx.Get(ctx, key).Result()
		if err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
		if err == nil && holder != s.token {
			return ErrHeld
		}
		err = replies(tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.Set(ctx, key, s.token, ttl)
			return nil
		}))
		if errors.Is(err, redis.TxFailedErr) {
			return ErrHeld
		}
		return err
	}, key)
	if err != nil {
		return fmt.Errorf("hold shard %d: %w", shard, err)
	}
	return nil
}

// Release ends a hold of this Store. An error where it has run out: what was
// read meanwhile may not fit together.
func (s *Store) Release(ctx context.Context, shard int) error {
	key := s.keys.hold(shard)
	err := s.watch(ctx, func(tx *redis.Tx) error {
		holder, err := tx.Get(ctx, key).Result()
		if err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
		if holder != s.token {
			return errors.New("the hold had run out")
		}
		return replies(tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.Unlink(ctx, key)
			return nil
		}))
	}, key)
	if err != nil {
		return fmt.Errorf("release shard %d: %w", shard, err)
	}
	return nil
}

// SetPartitions stores how many partitions the input topics have, or compares
// with what is stored: a changed count is a *RefusedError.
func (s *Store) SetPartitions(ctx context.Context, n int) error {
	if _, err := s.client.SetNX(ctx, s.keys.shards(), n, 0).Result(); err != nil {
		return fmt.Errorf("store the partition count: %w", err)
	}
	stored, err := s.Partitions(ctx)
	if err != nil {
		return err
	}
	if stored != n {
		return refuse("the input topics have %d partitions, but the state in namespace %s was built from %d: customers would change shards; make topics with %d partitions (tidemark repartition copies them), or start anew with a new redis.namespace, kafka.group and output topics",
			n, s.keys.namespace, stored, stored)
	}
	return nil
}

// Partitions returns the stored number of shards, 0 where nothing was stored.
func (s *Store) Partitions(ctx context.Context) (int, error) {
	n, err := s.client.Get(ctx, s.keys.shards()).Int()
	if errors.Is(err, redis.Nil) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read the partition count: %w", err)
	}
	return n, nil
}
