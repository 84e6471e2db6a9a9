package service

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/tidemark-io/tidemark/consumer"
	"github.com/tidemark-io/tidemark/store"
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

// TestAProcessThatCannotReadIsNotReady: its shards may be none, so that nothing but
// its polls shows that the store is away. A failure that passes is none.
func TestAProcessThatCannotReadIsNotReady(t *testing.T) {
	o := newOwner(t)
	o.commit(5)
	o.poll()
	b := &board{reader: o.reader}
	away := errors.New("dial tcp 10.0.0.7:6379: connection refused")
	now, sentence := time.Now(), "figures cannot be read from Redis: dial tcp 10.0.0.7:6379: connection refused"
	for _, tc := range []struct {
		what   string
		err    error
		at     time.Time
		reason string
	}{
		{"a failure", away, now, ""},
		{"a success", nil, now, ""},
		{"a failure long ago", away, now.Add(-time.Minute), sentence},
		{"and another one now", away, now, sentence},
		{"a success after them", nil, now, ""},
		{"a failure after that", away, now, ""},
	} {
		b.polled(tc.err, tc.at)
		if ok, reason := b.Ready(); ok != (tc.reason == "") || reason != tc.reason {
			t.Errorf("%s: ready %v, %q, want %q", tc.what, ok, reason, tc.reason)
		}
	}
}

// TestPollsAreNoted on the board, whose sentence names what the log does.
func TestPollsAreNoted(t *testing.T) {
	o := newOwner(t)
	o.commit(5)
	o.poll()
	damaged := &store.Commit{Head: o.head, Cells: []store.Field{{Name: "no row", Value: []byte{1}}}}
	if _, err := o.store.Commit(t.Context(), 0, o.held, damaged); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	core, logs := observer.New(zap.WarnLevel)
	o.log = zap.New(core, zap.Hooks(func(zapcore.Entry) error { cancel(); return nil }))
	if err := o.service.poll(ctx); err != nil {
		t.Fatal(err)
	}
	if logs.Len() != 1 || o.board.unread == nil || logs.All()[0].ContextMap()["error"] != o.board.unread.Error() {
		t.Errorf("logged %v, on the board %v", logs.All(), o.board.unread)
	}
}

// TestAMissingTopicIsNotReady: without it no process has a shard that could be stuck.
func TestAMissingTopicIsNotReady(t *testing.T) {
	s := &service{log: zap.NewNop()}
	s.board.wait(joining)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.generation(ctx, &consumer.Generation{Missing: []string{"logins", "money"}}) }()
	const want = "there is no topic logins, money: create it, or take it out of kafka.topics; no shard is assigned to anybody until then"
	for {
		ok, why := s.board.Ready()
		if ok {
			t.Fatal("ready")
		}
		if why == want {
			break
		}
		if why != joining {
			t.Fatalf("not ready: %s", why)
		}
		runtime.Gosched()
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
