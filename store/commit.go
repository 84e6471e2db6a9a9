package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// Commit writes c in one atomic step, but only where the stored owner and
// number are t (C2), and returns the new tenure, whose number is one higher.
//
// ErrFenced: somebody else's commit or claim is stored, nothing was written.
// ErrHeld: an audit holds commits, nothing was written, the same commit may be
// made again. Any other error: the outcome is unknown (C3: start over).
//
// The value of each Field is sent from where it lies: c must not change before
// Commit returns. A name stands in each list once.
func (s *Store) Commit(ctx context.Context, shard int, t Tenure, c *Commit) (Tenure, error) {
	next := Tenure{Owner: t.Owner, Number: t.Number + 1}
	// Encoded before WATCH, so that the window in which others are shut out is short.
	cmds, err := s.encode(ctx, shard, next, c)
	if err != nil {
		return Tenure{}, fmt.Errorf("commit shard %d: %w", shard, err)
	}
	watched := []string{
		s.keys.meta(shard), // a claim or commit between the comparison and EXEC
		s.keys.hold(shard), // an audit that begins in between
	}
	err = s.watch(ctx, func(tx *redis.Tx) error {
		if err := s.mayCommit(ctx, tx, shard, t); err != nil {
			return err
		}
		err := replies(tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
			return queue(ctx, p, cmds)
		}))
		if errors.Is(err, redis.TxFailedErr) {
			return s.refused(ctx, tx, shard, t)
		}
		return err
	}, watched...)
	if err != nil {
		return Tenure{}, fmt.Errorf("commit shard %d: %w", shard, err)
	}
	return next, nil
}

// mayCommit compares the stored owner and number with t, and looks for a hold.
func (s *Store) mayCommit(ctx context.Context, tx *redis.Tx, shard int, t Tenure) error {
	var stored *redis.SliceCmd
	var held *redis.IntCmd
	cmds, err := tx.Pipelined(ctx, func(p redis.Pipeliner) error {
		stored = p.HMGet(ctx, s.keys.meta(shard), fieldOwner, fieldNumber)
		held = p.Exists(ctx, s.keys.hold(shard))
		return nil
	})
	if err := replies(cmds, err); err != nil {
		return err
	}
	if err := compare(stored.Val(), t); err != nil {
		return err
	}
	if held.Val() != 0 {
		return ErrHeld
	}
	return nil
}

// refused tells why EXEC wrote nothing: a watched key was touched. If neither
// an owner, a number nor a hold is to be seen now, a hold has come and gone.
func (s *Store) refused(ctx context.Context, tx *redis.Tx, shard int, t Tenure) error {
	if err := s.mayCommit(ctx, tx, shard, t); err != nil {
		return err
	}
	return ErrHeld
}

func queue(ctx context.Context, p redis.Pipeliner, cmds []redis.Cmder) error {
	for _, c := range cmds {
		if err := p.Process(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// encode returns the commands between MULTI and EXEC.
func (s *Store) encode(ctx context.Context, shard int, next Tenure, c *Commit) ([]redis.Cmder, error) {
	if shard != 0 && len(c.Public)+len(c.Sent)+len(c.Scores) > 0 {
		return nil, errors.New("BUG: figures of the whole company belong to shard 0")
	}
	head, err := json.Marshal(&c.Head)
	if err != nil {
		return nil, fmt.Errorf("encode the head: %w", err)
	}
	w := &writer{ctx: ctx}
	w.add("hset", s.keys.meta(shard), fieldNumber, next.Number, fieldHead, head)
	w.records(s.keys, shard, c.Records)
	w.hash(s.keys.cells(shard), c.Cells)
	w.hash(s.keys.frozen(shard), c.Frozen)
	w.hash(s.keys.due(shard), c.Due)
	w.hash(s.keys.firing(shard), c.Firing)
	w.hash(s.keys.notes(shard), c.Notes)
	w.hash(s.keys.kpis(shard), c.Public)
	w.hash(s.keys.sent(shard), c.Sent)
	if c.Scores != nil {
		w.add("set", s.keys.scores(shard), c.Scores)
	}
	w.bands(s.keys, shard, c.Bands)
	w.newest(s.keys.changed(shard), changesKept, [][]byte{encodeChange(next.Number, c.Cells, c.Causes)})
	w.newest(s.keys.episodes(shard), episodesKept, c.Episodes)
	return w.cmds, nil
}
