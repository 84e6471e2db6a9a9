package store

import (
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

func TestContractOnMiniredis(t *testing.T) {
	for _, shard := range []int{0, 3} {
		m := miniredis.RunT(t)
		testContract(t, shard, opener(t, Options{Addrs: []string{m.Addr()}}), m.FastForward)
	}
}

// opener returns a function that opens stores of namespace t.
func opener(t *testing.T, o Options) func(hooks ...redis.Hook) *Store {
	return func(hooks ...redis.Hook) *Store {
		t.Helper()
		o := o
		o.Namespace, o.Hooks = "t", hooks
		s, err := Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		return s
	}
}
