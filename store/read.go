package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// scanCount is how many elements a step of SCAN looks at: some tenths of a
// millisecond of the server's time.
const scanCount = 1000

// Frozen returns rows of frozen days by their field names, nil where absent.
func (s *Store) Frozen(ctx context.Context, shard int, fields []string) (map[string][]byte, error) {
	if len(fields) == 0 {
		return map[string][]byte{}, nil
	}
	values, err := s.client.HMGet(ctx, s.keys.frozen(shard), fields...).Result()
	if err != nil {
		return nil, fmt.Errorf("read frozen rows of shard %d: %w", shard, err)
	}
	out := make(map[string][]byte, len(fields))
	for i, b := range byteSlices(values) {
		out[fields[i]] = b
	}
	return out, nil
}

// FrozenRange returns all frozen rows of the days from and to and between, of
// every segment, by field name. It walks the whole hash in small steps: for
// people and reports, not for polling.
func (s *Store) FrozenRange(ctx context.Context, shard int, from, to int32) (map[string][]byte, error) {
	out := map[string][]byte{}
	for cursor := uint64(0); ; {
		pairs, next, err := s.client.HScan(ctx, s.keys.frozen(shard), cursor, "*", scanCount).Result()
		if err != nil {
			return nil, fmt.Errorf("walk frozen rows of shard %d: %w", shard, err)
		}
		for i := 0; i+1 < len(pairs); i += 2 {
			text, _, _ := strings.Cut(pairs[i], "|")
			day, err := strconv.ParseInt(text, 10, 32)
			if err != nil {
				return nil, fmt.Errorf("walk frozen rows of shard %d: the day of %q: %w", shard, pairs[i], err)
			}
			if int32(day) >= from && int32(day) <= to {
				out[pairs[i]] = []byte(pairs[i+1])
			}
		}
		if cursor = next; cursor == 0 {
			return out, nil
		}
	}
}

// Firing returns what should be firing: "rule|subject" -> JSON.
func (s *Store) Firing(ctx context.Context, shard int) (map[string][]byte, error) {
	return s.readHash(ctx, s.keys.firing(shard))
}

// Due returns the timer index: bucket -> due time.
func (s *Store) Due(ctx context.Context, shard int) (map[string][]byte, error) {
	return s.readHash(ctx, s.keys.due(shard))
}

// Public returns the current figures of the whole company as plain numbers.
func (s *Store) Public(ctx context.Context) (map[string][]byte, error) {
	return s.readHash(ctx, s.keys.kpis(0))
}

// Sent returns fields of what was published of figures; those that are not stored
// are absent. They are read in the order in which they are asked for, many at once.
func (s *Store) Sent(ctx context.Context, fields []string) (map[string][]byte, error) {
	out := make(map[string][]byte, len(fields))
	for first := 0; first < len(fields); first += perCommand {
		some := fields[first:min(first+perCommand, len(fields))]
		values, err := s.client.HMGet(ctx, s.keys.sent(0), some...).Result()
		if err != nil {
			return nil, fmt.Errorf("read published figures: %w", err)
		}
		for i, b := range byteSlices(values) {
			if b != nil {
				out[some[i]] = b
			}
		}
	}
	return out, nil
}

// Scores returns what the scores of all customers came to when the records were
// last read through, nil where they never were.
func (s *Store) Scores(ctx context.Context) ([]byte, error) {
	b, err := s.client.Get(ctx, s.keys.scores(0)).Bytes()
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("read the scores: %w", err)
	}
	return b, nil
}

func (s *Store) readHash(ctx context.Context, key string) (map[string][]byte, error) {
	m, err := s.client.HGetAll(ctx, key).Result()
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", key, err)
	}
	return toBytes(m), nil
}

// Record returns the value of one record key, nil where it is absent.
func (s *Store) Record(ctx context.Context, shard int, key string) ([]byte, error) {
	b, err := s.client.Get(ctx, s.keys.records(shard)+key).Bytes()
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read record %s of shard %d: %w", key, shard, err)
	}
	return b, nil
}

// EachRecord calls visit for every record of the shard, each once, in no
// order. It looks at every key of the server and is not one atomic step: hold
// the shard's commits first where the records have to fit together.
func (s *Store) EachRecord(ctx context.Context, shard int, visit func(key string, value []byte) error) error {
	server, err := s.serverOf(ctx, shard)
	if err != nil {
		return fmt.Errorf("walk records of shard %d: %w", shard, err)
	}
	prefix := s.keys.records(shard)
	seen := map[string]bool{} // SCAN may return a key twice
	for cursor := uint64(0); ; {
		names, next, err := server.Scan(ctx, cursor, globEscape.Replace(prefix)+"*", scanCount).Result()
		if err != nil {
			return fmt.Errorf("walk records of shard %d: %w", shard, err)
		}
		fresh := names[:0]
		for _, n := range names {
			if !seen[n] {
				seen[n] = true
				fresh = append(fresh, n)
			}
		}
		if err := s.visitRecords(ctx, server, fresh, prefix, visit); err != nil {
			return fmt.Errorf("walk records of shard %d: %w", shard, err)
		}
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}

func (s *Store) visitRecords(ctx context.Context, server redis.Cmdable, names []string, prefix string, visit func(string, []byte) error) error {
	if len(names) == 0 {
		return nil
	}
	values, err := server.MGet(ctx, names...).Result()
	if err != nil {
		return err
	}
	for i, b := range byteSlices(values) {
		if b == nil {
			continue // deleted since SCAN saw it
		}
		if err := visit(strings.TrimPrefix(names[i], prefix), b); err != nil {
			return err
		}
	}
	return nil
}

// serverOf returns the server that holds the shard's slot.
func (s *Store) serverOf(ctx context.Context, shard int) (redis.Cmdable, error) {
	if c, ok := s.client.(*redis.ClusterClient); ok {
		return c.MasterForKey(ctx, s.keys.meta(shard))
	}
	return s.client, nil
}

// BandMember is a customer in a band.
type BandMember struct {
	Customer string
	Score    float64 // MRR in minor units of the reporting currency
}

// BandMembers returns customers of a band by rising score, by falling score
// where reverse is set, leaving out the first offset; limit < 0: all.
func (s *Store) BandMembers(ctx context.Context, shard int, band string, offset, limit int64, reverse bool) ([]BandMember, error) {
	if limit == 0 {
		return nil, nil
	}
	last := int64(-1)
	if limit > 0 {
		last = offset + limit - 1
	}
	read := s.client.ZRangeWithScores
	if reverse {
		read = s.client.ZRevRangeWithScores
	}
	found, err := read(ctx, s.keys.band(shard, band), offset, last).Result()
	if err != nil {
		return nil, fmt.Errorf("read band %s of shard %d: %w", band, shard, err)
	}
	out := make([]BandMember, len(found))
	for i, z := range found {
		customer, _ := z.Member.(string)
		out[i] = BandMember{Customer: customer, Score: z.Score}
	}
	return out, nil
}

// Episodes returns the newest announced alerts of a shard as JSON, the newest
// first, at most limit of the 1,000 kept.
func (s *Store) Episodes(ctx context.Context, shard, limit int) ([][]byte, error) {
	if limit <= 0 {
		return nil, nil
	}
	stored, err := s.client.LRange(ctx, s.keys.episodes(shard), -int64(limit), -1).Result()
	if err != nil {
		return nil, fmt.Errorf("read past alerts of shard %d: %w", shard, err)
	}
	out := make([][]byte, len(stored))
	for i, e := range stored {
		out[len(stored)-1-i] = []byte(e)
	}
	return out, nil
}
