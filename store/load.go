package store

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// Load returns the values of record keys in their order, nil where a key is
// absent, as they are in the commit t; ErrFenced where another one is stored.
// One round trip: owner and number are read in the same atomic step, so that a
// batch never mixes two states.
func (s *Store) Load(ctx context.Context, shard int, t Tenure, keys []string) ([][]byte, error) {
	stored, values, err := s.records(ctx, shard, keys, fieldOwner, fieldNumber)
	if err == nil {
		err = compare(stored, t)
	}
	if err != nil {
		return nil, fmt.Errorf("load %d records of shard %d: %w", len(keys), shard, err)
	}
	return values, nil
}

// Records is Load for a reader without a tenure: the values, and the head of the
// commit that they are of.
func (s *Store) Records(ctx context.Context, shard int, keys []string) (Head, [][]byte, error) {
	stored, values, err := s.records(ctx, shard, keys, fieldHead)
	if err != nil {
		return Head{}, nil, fmt.Errorf("read %d records of shard %d: %w", len(keys), shard, err)
	}
	head, _, err := parseHead(stored, 0)
	if err != nil {
		return Head{}, nil, fmt.Errorf("read %d records of shard %d: %w", len(keys), shard, err)
	}
	return head, values, nil
}

// records reads fields of meta, and records, in one atomic step.
func (s *Store) records(ctx context.Context, shard int, keys []string, fields ...string) (meta []any, values [][]byte, err error) {
	names := s.keys.recordNames(shard, len(keys), func(i int) string { return keys[i] })
	var stored *redis.SliceCmd
	var cmds []*redis.SliceCmd
	err = replies(s.client.TxPipelined(ctx, func(p redis.Pipeliner) error {
		stored = p.HMGet(ctx, s.keys.meta(shard), fields...)
		for first := 0; first < len(names); first += perCommand {
			cmd := mget(ctx, names[first:min(first+perCommand, len(names))])
			cmds = append(cmds, cmd)
			if err := p.Process(ctx, cmd); err != nil {
				return err
			}
		}
		return nil
	}))
	if err != nil {
		return nil, nil, err
	}
	values = make([][]byte, 0, len(keys))
	for _, cmd := range cmds {
		values = append(values, byteSlices(cmd.Val())...)
	}
	return stored.Val(), values, nil
}

// mget takes its names by pointer, as writer does.
func mget(ctx context.Context, names []string) *redis.SliceCmd {
	args := make([]any, 0, 1+len(names))
	args = append(args, "mget")
	for i := range names {
		args = append(args, &names[i])
	}
	return redis.NewSliceCmd(ctx, args...)
}

// byteSlices turns the reply of MGET or HMGET into bytes, nil where absent.
func byteSlices(values []any) [][]byte {
	out := make([][]byte, len(values))
	for i, v := range values {
		if text, ok := v.(string); ok {
			out[i] = []byte(text)
		}
	}
	return out
}
