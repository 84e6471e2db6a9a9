package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// Hold keeps the shard's owner from committing until Release, for ttl at the
// most. When it returns, no commit is under way: one that had begun is refused at
// its EXEC. Claims go on; they change no record and no row. ErrHeld: an audit
// holds the shard.
func (s *Store) Hold(ctx context.Context, shard int, ttl time.Duration) error {
	key := s.keys.hold(shard)
	err := s.watch(ctx, func(tx *redis.Tx) error {
		held, err := tx.Exists(ctx, key).Result()
		if err != nil {
			return err
		}
		if held != 0 {
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

// ErrRunOut: a hold is not there any more, so that what was read under it may not
// fit together.
var ErrRunOut = errors.New("the hold had run out")

// Renew makes a hold of this Store last ttl from now on. ErrRunOut where it is not
// there.
func (s *Store) Renew(ctx context.Context, shard int, ttl time.Duration) error {
	var there *redis.BoolCmd
	err := s.whileHeld(ctx, shard, func(p redis.Pipeliner, key string) {
		there = p.PExpire(ctx, key, ttl)
	})
	if err == nil && !there.Val() {
		err = ErrRunOut
	}
	if err != nil {
		return fmt.Errorf("renew the hold of shard %d: %w", shard, err)
	}
	return nil
}

// Release ends a hold of this Store. ErrRunOut where it is not there.
func (s *Store) Release(ctx context.Context, shard int) error {
	var there *redis.IntCmd
	err := s.whileHeld(ctx, shard, func(p redis.Pipeliner, key string) {
		there = p.Unlink(ctx, key)
	})
	if err == nil && there.Val() == 0 {
		err = ErrRunOut
	}
	if err != nil {
		return fmt.Errorf("release shard %d: %w", shard, err)
	}
	return nil
}

// whileHeld does something with a hold of this Store. Keys that run out between the
// question and EXEC are not among those that WATCH tells of: the replies do.
func (s *Store) whileHeld(ctx context.Context, shard int, do func(p redis.Pipeliner, key string)) error {
	key := s.keys.hold(shard)
	return s.watch(ctx, func(tx *redis.Tx) error {
		holder, err := tx.Get(ctx, key).Result()
		if errors.Is(err, redis.Nil) || err == nil && holder != s.token {
			return ErrRunOut
		}
		if err != nil {
			return err
		}
		return replies(tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
			do(p, key)
			return nil
		}))
	}, key)
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
