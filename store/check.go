package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"
)

// eachServer calls visit for every master that holds state, one at a time.
func (s *Store) eachServer(ctx context.Context, visit func(ctx context.Context, c *redis.Client) error) error {
	switch c := s.client.(type) {
	case *redis.ClusterClient:
		var one sync.Mutex // ForEachMaster calls from several goroutines
		return c.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error {
			one.Lock()
			defer one.Unlock()
			return visit(ctx, node)
		})
	case *redis.Client:
		return visit(ctx, c)
	}
	return fmt.Errorf("BUG: a client of type %T", s.client)
}

// checkEviction refuses a Redis that may evict keys: a record that is gone
// without a trace makes every figure wrong from then on.
func (s *Store) checkEviction(ctx context.Context) error {
	return s.eachServer(ctx, func(ctx context.Context, c *redis.Client) error {
		policy, err := evictionPolicy(ctx, c)
		switch {
		case err != nil:
			return err
		case policy == "":
			s.log.Warn("redis does not tell its maxmemory-policy; make sure that it is noeviction", zap.String("addr", c.Options().Addr))
		case policy != "noeviction":
			return refuse("redis at %s may evict keys (maxmemory-policy %s), which would lose state without a trace: set maxmemory-policy noeviction there, or use a Redis of its own",
				c.Options().Addr, policy)
		}
		return nil
	})
}

// evictionPolicy asks CONFIG, and INFO where CONFIG is forbidden or unknown;
// "" where neither tells (miniredis has no eviction, and neither command).
func evictionPolicy(ctx context.Context, c *redis.Client) (string, error) {
	got, err := c.ConfigGet(ctx, "maxmemory-policy").Result()
	if err == nil && got["maxmemory-policy"] != "" {
		return got["maxmemory-policy"], nil
	}
	if err != nil && !answered(err) {
		return "", fmt.Errorf("read maxmemory-policy: %w", err)
	}
	return infoField(ctx, c, "memory", "maxmemory_policy")
}

// infoField returns a field of a section of INFO, "" where the server doesn't
// tell it.
func infoField(ctx context.Context, c *redis.Client, section, field string) (string, error) {
	text, err := c.Info(ctx, section).Result()
	if err != nil && !answered(err) {
		return "", fmt.Errorf("read INFO %s: %w", section, err)
	}
	for line := range strings.Lines(text) {
		if v, ok := strings.CutPrefix(line, field+":"); ok {
			return strings.TrimSpace(v), nil
		}
	}
	return "", nil
}

// answered says whether the server itself refused the command as one that it
// doesn't have or doesn't allow, as opposed to not being ready or reached.
func answered(err error) bool {
	var r redis.Error
	if !errors.As(err, &r) {
		return false
	}
	// The last is how miniredis refuses a section of INFO.
	for _, p := range []string{"NOPERM", "ERR unknown command", "ERR unknown subcommand", "section ("} {
		if strings.HasPrefix(r.Error(), p) {
			return true
		}
	}
	return false
}

// Durability returns one sentence for every server whose settings lose more
// than the last second of commits in a crash. Nothing is wrong then, since
// state and offsets go back together, but the log is read again from there.
func (s *Store) Durability(ctx context.Context) ([]string, error) {
	var warnings []string
	err := s.eachServer(ctx, func(ctx context.Context, c *redis.Client) error {
		enabled, err := infoField(ctx, c, "persistence", "aof_enabled")
		if err != nil {
			return err
		}
		addr := c.Options().Addr
		switch enabled {
		case "1":
		case "0":
			warnings = append(warnings, fmt.Sprintf("redis at %s has appendonly off: after a crash it falls back to its last snapshot, and the log is read again from there as far as Kafka still has it; set appendonly yes", addr))
		default:
			warnings = append(warnings, fmt.Sprintf("redis at %s does not tell whether appendonly is on; make sure that it is", addr))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("check durability of redis: %w", err)
	}
	return warnings, nil
}
