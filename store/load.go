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
	names := s.keys.recordNames(shard, len(keys), func(i int) string { return keys[i] })
	var stored *redis.SliceCmd
	var values []*redis.SliceCmd
	err := replies(s.client.TxPipelined(ctx, func(p redis.Pipeliner) error {
		stored = p.HMGet(ctx, s.keys.meta(shard), fieldOwner, fieldNumber)
		for first := 0; first < len(names); first += perCommand {
			cmd := mget(ctx, names[first:min(first+perCommand, len(names))])
			values = append(values, cmd)
			if err := p.Process(ctx, cmd); err != nil {
				return err
			}
		}
		return nil
	}))
	if err == nil {
		err = compare(stored.Val(), t)
	}
	if err != nil {
		return nil, fmt.Errorf("load %d records of shard %d: %w", len(keys), shard, err)
	}
	out := make([][]byte, 0, len(keys))
	for _, cmd := range values {
		out = append(out, byteSlices(cmd.Val())...)
	}
	return out, nil
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
