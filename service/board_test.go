package service

import (
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/worker"
)

// TestAStoppedShardIsNamedFirst: a shard that is being taken over says nothing of
// what somebody has to do about another one.
func TestAStoppedShardIsNamedFirst(t *testing.T) {
	live := worker.Status{Shard: 0, State: "live"}
	coming := worker.Status{Shard: 1, State: "taking over"}
	moving := worker.Status{Shard: 2, State: "catching up", Progress: time.Now()}
	gone := worker.Status{Shard: 3, State: worker.Stopped, Reason: "topic logins was deleted"}
	for _, tc := range []struct {
		statuses []worker.Status
		want     string
	}{
		{[]worker.Status{live, moving}, ""},
		{[]worker.Status{live, coming, moving}, "shard 1 is taking over"},
		{[]worker.Status{live, coming, moving, gone}, "shard 3 is stopped topic logins was deleted"},
	} {
		if got := stuck(tc.statuses); got != tc.want {
			t.Errorf("%+v: %q, want %q", tc.statuses, got, tc.want)
		}
	}
}
