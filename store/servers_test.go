//go:build servers

package store

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/tidemark-io/tidemark/internal/testserver"
)

func clockGoesOn(time.Duration) {}

func TestContractOnRedis(t *testing.T) {
	r := testserver.StartRedis(t)
	for _, shard := range []int{0, 3} {
		testContract(t, shard, opener(t, Options{Addrs: []string{r.Addr}}), clockGoesOn)
	}
}

func TestContractOnCluster(t *testing.T) {
	c := testserver.StartRedisCluster(t)
	open := opener(t, Options{Mode: Cluster, Addrs: c.Addrs[:1]})
	for addr, shard := range shardsByMaster(t, open()) {
		t.Logf("shard %d is on %s", shard, addr)
		testContract(t, shard, open, clockGoesOn)
	}
}

// shardsByMaster returns one shard on each of three masters, shard 0 among them.
func shardsByMaster(t *testing.T, s *Store) map[string]int {
	on := map[string]int{}
	for shard := range 100 {
		server, err := s.serverOf(t.Context(), shard)
		if err != nil {
			t.Fatal(err)
		}
		addr := server.(*redis.Client).Options().Addr
		if _, found := on[addr]; !found {
			on[addr] = shard
		}
	}
	if len(on) != 3 {
		t.Fatalf("shards are on %d masters: %v", len(on), on)
	}
	return on
}

// cycle claims, commits and claims again: what every handshake test does with
// its connection.
func cycle(t *testing.T, s *Store) {
	t.Helper()
	first, err := s.Claim(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	commit := everything()
	commit.Public, commit.Sent = fields("mau", "1"), fields("mau", "{}")
	next, err := s.Commit(t.Context(), 0, first.Tenure, commit)
	if err != nil {
		t.Fatal(err)
	}
	if v, err := s.ReadView(t.Context(), 0, first.Tenure); err != nil || v.Tenure != next || string(v.Cells["o|"]) != "opening" {
		t.Fatalf("view: %v, %v", v, err)
	}
	if b, err := s.Load(t.Context(), 0, next, []string{"b/12"}); err != nil || string(b[0]) != "one\x00two" {
		t.Fatalf("load: %q, %v", b, err)
	}
	for _, step := range []error{
		s.SetPartitions(t.Context(), 1), s.Look(t.Context(), 0, next), s.Hold(t.Context(), 0, time.Minute), s.Release(t.Context(), 0),
		s.EachRecord(t.Context(), 0, func(string, []byte) error { return nil }),
	} {
		if step != nil {
			t.Fatal(step)
		}
	}
	if _, err := s.FrozenRange(t.Context(), 0, 0, 30_000); err != nil {
		t.Fatal(err)
	}
}

func TestTLS(t *testing.T) {
	cert, err := testserver.SelfSigned(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	port, err := testserver.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	testserver.StartRedis(t, "--tls-port", fmt.Sprint(port), "--tls-cert-file", cert.CA, "--tls-key-file", cert.Key,
		"--tls-ca-cert-file", cert.CA, "--tls-auth-clients", "no")
	trust, err := cert.TLS()
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Namespace: "t", Addrs: []string{net.JoinHostPort("127.0.0.1", fmt.Sprint(port))}, TLS: trust}
	cycle(t, opener(t, o)())

	distrust := trust.Clone()
	distrust.RootCAs = nil
	o.TLS = distrust
	if _, err := Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a certificate nobody vouches for: %v", err)
	}
}

// aclRules are what docs/redis.md tells an administrator to allow.
var aclRules = []string{"on", ">secret", "~{t}:*", "~{t:*", "+@read", "+@write", "+@transaction", "+@connection", "-@dangerous", "+info"}

// admin is a connection without restrictions.
func admin(t *testing.T, addr string) *redis.Client {
	c := redis.NewClient(&redis.Options{Addr: addr})
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func setUser(t *testing.T, c *redis.Client, name string, rules ...string) {
	t.Helper()
	args := []any{"acl", "setuser", name}
	for _, r := range rules {
		args = append(args, r)
	}
	if err := c.Do(t.Context(), args...).Err(); err != nil {
		t.Fatal(err)
	}
}

func TestACL(t *testing.T) {
	r := testserver.StartRedis(t, "--maxmemory", "100mb")
	root := admin(t, r.Addr)
	setUser(t, root, "tidemark", aclRules...)
	o := Options{Namespace: "t", Addrs: []string{r.Addr}, Username: "tidemark", Password: "secret"}
	s := opener(t, o)()
	cycle(t, s)
	if err := s.client.ConfigGet(t.Context(), "maxmemory-policy").Err(); err == nil || !strings.HasPrefix(err.Error(), "NOPERM") {
		t.Fatalf("CONFIG is allowed (%v): the fallback to INFO was not tried", err)
	}
	if err := s.client.Set(t.Context(), "other", "x", 0).Err(); err == nil {
		t.Error("the rules allow keys of others")
	}

	// INFO tells the policy where CONFIG may not.
	if err := root.ConfigSet(t.Context(), "maxmemory-policy", "allkeys-lru").Err(); err != nil {
		t.Fatal(err)
	}
	wantEvictionRefused(t, o)

	wrong := o
	wrong.Password = "wrong"
	if _, err := Open(t.Context(), wrong); err == nil || !strings.Contains(err.Error(), "WRONGPASS") {
		t.Errorf("a wrong password: %v", err)
	}

	// Where neither tells, there is a warning.
	setUser(t, root, "tidemark", "-info")
	core, logged := observer.New(zapcore.WarnLevel)
	o.Log = zap.New(core)
	opener(t, o)()
	if logged.Len() != 1 || !strings.Contains(logged.All()[0].Message, "maxmemory-policy") {
		t.Errorf("logged: %v", logged.All())
	}
}

func TestACLInCluster(t *testing.T) {
	c := testserver.StartRedisCluster(t)
	for _, addr := range c.Addrs {
		setUser(t, admin(t, addr), "tidemark", append(aclRules[:len(aclRules):len(aclRules)], "+cluster|slots")...)
	}
	cycle(t, opener(t, Options{Mode: Cluster, Addrs: c.Addrs, Username: "tidemark", Password: "secret"})())
}

// TestMemoryIsFull: what Redis has no room for is refused as a whole.
func TestMemoryIsFull(t *testing.T) {
	r := testserver.StartRedis(t)
	open := opener(t, Options{Addrs: []string{r.Addr}})
	c, s := contract{T: t, open: open, raw: open()}, open()
	tenure := c.commit(s, c.claim(s).Tenure, everything())
	before := c.dump()
	root := admin(t, r.Addr)
	if err := root.ConfigSet(t.Context(), "maxmemory", "1").Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Commit(t.Context(), 0, tenure, rows("o|", "2", "s|", "-")); err == nil || !strings.Contains(err.Error(), "OOM") {
		t.Errorf("Commit: %v, want OOM", err)
	}
	c.same(c.dump(), before)
	if err := root.ConfigSet(t.Context(), "maxmemory", "0").Err(); err != nil {
		t.Fatal(err)
	}
	c.commit(s, c.claim(s).Tenure, rows("o|", "2"))
}

func wantEvictionRefused(t *testing.T, o Options) {
	t.Helper()
	o.Namespace = "t"
	_, err := Open(t.Context(), o)
	var refused *RefusedError
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), "allkeys-lru") || !strings.Contains(err.Error(), "set maxmemory-policy noeviction") {
		t.Errorf("eviction: %v", err)
	}
}

func TestEvictionIsRefused(t *testing.T) {
	r := testserver.StartRedis(t, "--maxmemory-policy", "allkeys-lru")
	wantEvictionRefused(t, Options{Addrs: []string{r.Addr}})

	c := testserver.StartRedisCluster(t)
	if err := admin(t, c.Addrs[2]).ConfigSet(t.Context(), "maxmemory-policy", "allkeys-lru").Err(); err != nil {
		t.Fatal(err)
	}
	wantEvictionRefused(t, Options{Mode: Cluster, Addrs: c.Addrs[:1]}) // one master of three
}

func TestDurability(t *testing.T) {
	r := testserver.StartRedis(t)
	s := opener(t, Options{Addrs: []string{r.Addr}})()
	if warnings, err := s.Durability(t.Context()); err != nil || len(warnings) != 0 {
		t.Errorf("appendonly is on: %q, %v", warnings, err)
	}
	if err := s.client.ConfigSet(t.Context(), "appendonly", "no").Err(); err != nil {
		t.Fatal(err)
	}
	if warnings, err := s.Durability(t.Context()); err != nil || len(warnings) != 1 || !strings.Contains(warnings[0], "set appendonly yes") {
		t.Errorf("appendonly is off: %q, %v", warnings, err)
	}
}

func TestSentinel(t *testing.T) {
	master := testserver.StartRedis(t)
	sentinel := testserver.StartSentinel(t, "tides", master)
	o := Options{Namespace: "t", Mode: Sentinel, Addrs: []string{sentinel.Addr}, MasterName: "tides"}
	cycle(t, opener(t, o)())
	if n, err := admin(t, master.Addr).HGet(t.Context(), "{t:0}:meta", fieldNumber).Int(); err != nil || n != 2 {
		t.Errorf("number on the master: %d, %v", n, err)
	}
	o.MasterName = "ebbs"
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if _, err := Open(ctx, o); err == nil {
		t.Error("a master that no sentinel knows was found")
	}
}

// TestServerIsKilled: what was committed is there again, and the store finds
// its way back without being opened again.
func TestServerIsKilled(t *testing.T) {
	r := testserver.StartRedis(t, "--appendfsync", "always")
	s := opener(t, Options{Addrs: []string{r.Addr}})()
	cycle(t, s)
	if err := r.Stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Claim(t.Context(), 0); err == nil {
		t.Error("claimed on a server that is gone")
	}
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for {
		got, err := s.Claim(ctx, 0)
		if err == nil {
			if got.Tenure.Number != 3 || string(got.Cells["o|"]) != "opening" {
				t.Errorf("after the kill: %v, %v", got.Tenure, texts(got.Cells))
			}
			return
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
}
