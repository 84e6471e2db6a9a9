package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"
)

// Fields of the meta hash.
const (
	fieldOwner  = "owner"
	fieldNumber = "number"
	fieldHead   = "head"
)

// Claim takes the shard over (T1): in one atomic step it writes a new owner,
// raises the number, and loads what a worker keeps in memory. From then on every
// commit of the owner before is refused. With any error the claim may have been
// made all the same; the next one supersedes it.
func (s *Store) Claim(ctx context.Context, shard int) (*Claimed, error) {
	owner, err := newToken()
	if err != nil {
		return nil, err
	}
	meta := s.keys.meta(shard)
	var (
		number *redis.IntCmd
		head   *redis.SliceCmd
		sent   *redis.StringSliceCmd
		hashes [4]*redis.MapStringStringCmd
	)
	// Nothing has to be watched here, since the step reads nothing beforehand.
	// But a cluster's client sends a transaction again by itself unless it goes
	// through Watch, and Watch wants a key of the slot: one that no worker writes.
	err = s.watch(ctx, func(tx *redis.Tx) error {
		cmds, err := tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.HSet(ctx, meta, fieldOwner, owner)
			number = p.HIncrBy(ctx, meta, fieldNumber, 1)
			head = p.HMGet(ctx, meta, fieldHead)
			for i, key := range s.loaded(shard) {
				hashes[i] = p.HGetAll(ctx, key)
			}
			if shard == 0 {
				sent = p.HKeys(ctx, s.keys.sent(shard))
			}
			return nil
		})
		return replies(cmds, err)
	}, s.keys.hold(shard))
	if err != nil {
		return nil, fmt.Errorf("claim shard %d: %w", shard, err)
	}
	c := &Claimed{Tenure: Tenure{Owner: owner, Number: uint64(number.Val())}}
	if c.Head, c.Empty, err = parseHead(head.Val(), 0); err != nil {
		return nil, fmt.Errorf("claim shard %d: %w", shard, err)
	}
	for i, m := range []*map[string][]byte{&c.Cells, &c.Due, &c.Firing, &c.Notes} {
		*m = toBytes(hashes[i].Val())
	}
	if sent != nil {
		c.Sent = sent.Val()
	}
	return c, nil
}

// loaded are the hashes that Claim returns whole, in the order of Claimed's fields.
func (s *Store) loaded(shard int) []string {
	return []string{s.keys.cells(shard), s.keys.due(shard), s.keys.firing(shard), s.keys.notes(shard)}
}

// Look says whether the shard's owner and number are still t (L1); ErrFenced if not.
func (s *Store) Look(ctx context.Context, shard int, t Tenure) error {
	stored, err := s.client.HMGet(ctx, s.keys.meta(shard), fieldOwner, fieldNumber).Result()
	if err == nil {
		err = compare(stored, t)
	}
	if err != nil {
		return fmt.Errorf("look at shard %d: %w", shard, err)
	}
	return nil
}

// Peek returns owner and number of each shard, the zero Tenure where nothing
// was ever claimed, in one round trip (in a cluster one to each master).
func (s *Store) Peek(ctx context.Context, shards []int) ([]Tenure, error) {
	if len(shards) == 0 {
		return nil, nil
	}
	cmds, err := s.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, shard := range shards {
			p.HMGet(ctx, s.keys.meta(shard), fieldOwner, fieldNumber)
		}
		return nil
	})
	if err = replies(cmds, err); err != nil {
		return nil, fmt.Errorf("peek at shards: %w", err)
	}
	tenures := make([]Tenure, len(cmds))
	for i, c := range cmds {
		if tenures[i], err = parseTenure(c.(*redis.SliceCmd).Val()); err != nil {
			return nil, fmt.Errorf("peek at shard %d: %w", shards[i], err)
		}
	}
	return tenures, nil
}

// compare is the one comparison of what is stored with what a worker holds.
func compare(stored []any, t Tenure) error {
	s, err := parseTenure(stored)
	if err != nil {
		return err
	}
	if s.Owner == "" || s != t { // without an owner nobody has claimed it, or Redis has lost it
		return ErrFenced
	}
	return nil
}

// parseTenure reads the first two values of an HMGET of owner and number.
func parseTenure(stored []any) (Tenure, error) {
	if len(stored) < 2 {
		return Tenure{}, fmt.Errorf("read owner and number: %d values", len(stored))
	}
	if stored[0] == nil && stored[1] == nil {
		return Tenure{}, nil
	}
	owner, _ := stored[0].(string)
	text, _ := stored[1].(string)
	number, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return Tenure{}, fmt.Errorf("read the commit number: %w", err)
	}
	return Tenure{Owner: owner, Number: number}, nil
}

// parseHead reads value i of an HMGET; empty where nothing was ever committed.
func parseHead(stored []any, i int) (h Head, empty bool, err error) {
	if i >= len(stored) || stored[i] == nil {
		return Head{}, true, nil
	}
	text, _ := stored[i].(string)
	if err := json.Unmarshal([]byte(text), &h); err != nil {
		return Head{}, false, fmt.Errorf("read the head: %w", err)
	}
	return h, false, nil
}

// replies checks every reply of a pipeline or transaction: a command that fails
// inside EXEC does not undo its neighbours, so none may go unseen. Where the
// server discarded a transaction, the command that it refused tells why.
func replies(cmds []redis.Cmder, err error) error {
	if err != nil && !redis.IsExecAbortError(err) {
		return err
	}
	for _, c := range cmds {
		if e := c.Err(); e != nil && !redis.IsExecAbortError(e) {
			return fmt.Errorf("%s: %w", c.Name(), e)
		}
	}
	return err
}

func toBytes(m map[string]string) map[string][]byte {
	b := make(map[string][]byte, len(m))
	for k, v := range m {
		b[k] = []byte(v)
	}
	return b
}
