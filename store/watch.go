package store

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"
)

var errNotRun = errors.New("no server would take the transaction: the shard's slot is being moved")

// watch runs do on one connection with the keys watched. It is the only way in
// which anything is written under a condition, or must not be sent twice: what
// a cluster's client does outside of Watch it may send again by itself.
//
// redis.ClusterClient.Watch (v9.23.0) returns nil without having called do when
// a slot that is on its way sends it from server to server MaxRedirects times.
// Taken for success, a commit would be believed that was never made.
func (s *Store) watch(ctx context.Context, do func(tx *redis.Tx) error, keys ...string) error {
	done := false
	err := s.client.Watch(ctx, func(tx *redis.Tx) error {
		if err := do(tx); err != nil {
			return err
		}
		done = true
		return nil
	}, keys...)
	if err == nil && !done {
		return errNotRun
	}
	return err
}
