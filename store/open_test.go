package store

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

func TestOpenRefusesWithTheWayOut(t *testing.T) {
	one, two := []string{"127.0.0.1:1"}, []string{"127.0.0.1:1", "127.0.0.1:2"}
	for _, c := range []struct {
		options Options
		want    string
	}{
		{Options{Namespace: "a:b", Addrs: one}, "redis.namespace"},
		{Options{Namespace: "t"}, "redis.addrs is empty"},
		{Options{Namespace: "t", Addrs: two}, "set redis.mode to sentinel or cluster"},
		{Options{Namespace: "t", Addrs: one, Mode: Sentinel}, "redis.master_name is empty"},
		{Options{Namespace: "t", Addrs: one, Mode: Cluster, DB: 3}, "only database 0"},
		{Options{Namespace: "t", Addrs: one, Mode: "clustre"}, `redis.mode "clustre"`},
	} {
		_, err := Open(t.Context(), c.options)
		var refused *RefusedError
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.options, err, c.want)
		}
	}
}

func TestOpenSaysWhatIsNotReached(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []Mode{Single, Cluster} {
		_, err = Open(t.Context(), Options{Namespace: "t", Addrs: []string{addr}, Mode: mode, DialTimeout: time.Second})
		var refused *RefusedError
		if err == nil || errors.As(err, &refused) || !strings.Contains(err.Error(), addr) {
			t.Errorf("%s: %v, want an error that names %s and may pass", mode, err, addr)
		}
	}
}

func TestOpenPassword(t *testing.T) {
	m := miniredis.RunT(t)
	m.RequireUserAuth("tidemark", "secret")
	o := Options{Addrs: []string{m.Addr()}, Username: "tidemark", Password: "secret"}
	if _, err := opener(t, o)().Claim(t.Context(), 0); err != nil {
		t.Error(err)
	}
	o.Namespace, o.Password = "t", "wrong"
	if _, err := Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), "WRONGPASS") {
		t.Errorf("a wrong password: %v", err)
	}
}

// counted counts what is sent, by name.
type counted map[string]int

func (c counted) DialHook(next redis.DialHook) redis.DialHook { return next }
func (c counted) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		c[cmd.Name()]++
		return next(ctx, cmd)
	}
}
func (c counted) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		c[cmds[len(cmds)-1].Name()]++
		return next(ctx, cmds)
	}
}

// A commit is three round trips, a claim two, everything that is polled one.
func TestRoundTrips(t *testing.T) {
	m := miniredis.RunT(t)
	c := counted{}
	s := opener(t, Options{Addrs: []string{m.Addr()}})(c)
	want := func(step string, trips int) {
		t.Helper()
		delete(c, "hello") // the handshake of a new connection
		n := 0
		for _, times := range c {
			n += times
		}
		if n != trips {
			t.Errorf("%s: %d round trips %v, want %d", step, n, c, trips)
		}
		clear(c)
	}
	clear(c)
	got, err := s.Claim(t.Context(), 3)
	if err != nil {
		t.Fatal(err)
	}
	want("claim", 2)
	tenure, err := s.Commit(t.Context(), 3, got.Tenure, everything())
	if err != nil {
		t.Fatal(err)
	}
	want("commit", 3)
	if _, err := s.Load(t.Context(), 3, tenure, []string{"b/1", "b/2"}); err != nil {
		t.Error(err)
	}
	want("load", 1)
	if err := s.Look(t.Context(), 3, tenure); err != nil {
		t.Error(err)
	}
	want("look", 1)
	if _, err := s.Peek(t.Context(), []int{1, 2, 3, 4}); err != nil {
		t.Error(err)
	}
	want("peek", 1)
	if _, err := s.ReadView(t.Context(), 3, got.Tenure); err != nil {
		t.Error(err)
	}
	want("view", 2)
}

// Nothing is sent again after a lost reply: go-redis would do so three times.
func TestNothingIsSentTwice(t *testing.T) {
	m := miniredis.RunT(t)
	p := newProxies(t)
	s := opener(t, Options{Addrs: []string{m.Addr()}})(p)
	got, err := s.Claim(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	p.arm(loseReply, "hmget")
	if err := s.Look(t.Context(), 0, got.Tenure); err == nil {
		t.Error("a lost reply went unnoticed")
	}
	<-p.hit
	if err := s.Look(t.Context(), 0, got.Tenure); err != nil {
		t.Errorf("on the next connection: %v", err)
	}
}

func TestLibraryLogsGoWhereOursGo(t *testing.T) {
	core, logged := observer.New(zapcore.DebugLevel)
	libraryLog{zap.New(core)}.Printf(t.Context(), "pool: %d of %s", 3, "four")
	if logged.Len() != 1 || logged.All()[0].ContextMap()["text"] != "pool: 3 of four" {
		t.Errorf("logged: %v", logged.All())
	}
}
