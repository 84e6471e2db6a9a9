package store

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	"go.uber.org/zap"
)

// Mode is how the Redis behind the addresses is run.
type Mode string

// The modes.
const (
	Single   Mode = "single"
	Sentinel Mode = "sentinel"
	Cluster  Mode = "cluster"
)

// Options say where Redis is and how to speak with it.
type Options struct {
	Addrs      []string // host:port; Single: exactly one; Sentinel: the sentinels
	Namespace  string   // first part of every key
	Mode       Mode     // "": Single
	MasterName string   // Sentinel only

	Username, Password                 string // of an ACL user; "": none
	SentinelUsername, SentinelPassword string
	DB                                 int         // 0 in a cluster
	TLS                                *tls.Config // nil: plain text

	DialTimeout time.Duration // 0: 5 s
	// ReadTimeout is how long one reply may take, a whole EXEC included, before
	// its outcome counts as unknown. 0: 5 s.
	ReadTimeout time.Duration

	Log   *zap.Logger  // nil: none
	Hooks []redis.Hook // wrapped around every connection and command, in a cluster those of each node
}

// Store is the state of all shards of a namespace. It is safe for concurrent
// use; that only one worker at a time commits to a shard is what Tenure is for.
type Store struct {
	client redis.UniversalClient
	keys   keyspace
	log    *zap.Logger
	token  string // tells our holds from those of another audit
}

// RefusedError is a setting with which Tidemark doesn't work, or a state that doesn't
// fit: trying again changes nothing. Its text is a sentence with the way out.
type RefusedError struct{ Sentence string }

// Error returns the sentence.
func (e *RefusedError) Error() string { return e.Sentence }

func refuse(format string, args ...any) error {
	return &RefusedError{Sentence: fmt.Sprintf(format, args...)}
}

// Open connects to Redis and makes sure that it will not evict keys. An error
// is a *RefusedError where trying again is useless, else Redis was not reached.
func Open(ctx context.Context, o Options) (*Store, error) {
	keys, err := newKeyspace(o.Namespace)
	if err != nil {
		return nil, err
	}
	token, err := newToken()
	if err != nil {
		return nil, err
	}
	client, err := connect(o)
	if err != nil {
		return nil, err
	}
	s := &Store{client: client, keys: keys, log: o.Log, token: token}
	if s.log == nil {
		s.log = zap.NewNop()
	}
	if err := s.checkEviction(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open redis at %s: %w", strings.Join(o.Addrs, ", "), err), client.Close())
	}
	return s, nil
}

// Close closes all connections. Nothing has to be flushed.
func (s *Store) Close() error {
	if err := s.client.Close(); err != nil {
		return fmt.Errorf("close redis: %w", err)
	}
	return nil
}

// connect makes the client of the mode. All of them are kept from helping
// themselves: a commit that is sent again after a lost reply is applied twice,
// so nothing is retried here (C3: in doubt, start over). Protocol 2 and no
// maintenance notifications: nothing we do needs pushed messages, and they are
// one more thing that can stand between a command and its reply.
func connect(o Options) (redis.UniversalClient, error) {
	if len(o.Addrs) == 0 {
		return nil, refuse("redis.addrs is empty: name at least one host:port")
	}
	quiet := &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	switch o.Mode {
	case Single, "":
		if len(o.Addrs) != 1 {
			return nil, refuse("redis.addrs has %d addresses, but redis.mode is single: name one, or set redis.mode to sentinel or cluster", len(o.Addrs))
		}
		return hooked(redis.NewClient(&redis.Options{
			Addr: o.Addrs[0], Username: o.Username, Password: o.Password, DB: o.DB, TLSConfig: o.TLS,
			MaxRetries: -1, DialerRetries: 1, Protocol: 2, DisableIdentity: true, ContextTimeoutEnabled: true,
			DialTimeout: o.DialTimeout, ReadTimeout: o.ReadTimeout, MaintNotificationsConfig: quiet,
		}), o.Hooks), nil
	case Sentinel:
		if o.MasterName == "" {
			return nil, refuse("redis.master_name is empty, but redis.mode is sentinel: name the master that the sentinels watch")
		}
		return hooked(redis.NewFailoverClient(&redis.FailoverOptions{
			SentinelAddrs: o.Addrs, MasterName: o.MasterName, SentinelUsername: o.SentinelUsername, SentinelPassword: o.SentinelPassword,
			Username: o.Username, Password: o.Password, DB: o.DB, TLSConfig: o.TLS,
			MaxRetries: -1, DialerRetries: 1, Protocol: 2, DisableIdentity: true, ContextTimeoutEnabled: true,
			DialTimeout: o.DialTimeout, ReadTimeout: o.ReadTimeout,
		}), o.Hooks), nil
	case Cluster:
		if o.DB != 0 {
			return nil, refuse("redis.db is %d, but a cluster has only database 0", o.DB)
		}
		c := redis.NewClusterClient(&redis.ClusterOptions{
			Addrs: o.Addrs, Username: o.Username, Password: o.Password, TLSConfig: o.TLS,
			MaxRetries: -1, DialerRetries: 1, Protocol: 2, DisableIdentity: true, ContextTimeoutEnabled: true,
			DialTimeout: o.DialTimeout, ReadTimeout: o.ReadTimeout, MaintNotificationsConfig: quiet,
		})
		// A cluster client's own hooks don't see what Watch does on a node.
		c.OnNewNode(func(node *redis.Client) { hooked(node, o.Hooks) })
		return c, nil
	}
	return nil, refuse("redis.mode %q: single, sentinel or cluster is needed", o.Mode)
}

func hooked(c *redis.Client, hooks []redis.Hook) *redis.Client {
	for _, h := range hooks {
		c.AddHook(h)
	}
	return c
}

// newToken returns 128 random bits, hexadecimal.
func newToken() (string, error) {
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", fmt.Errorf("draw an owner: %w", err)
	}
	return hex.EncodeToString(b[:]), nil
}

// RouteLibraryLogs sends what go-redis would print to standard error to log, at
// debug level, since every error reaches a caller anyway. go-redis has one
// logger for the whole program: call it once, before Open.
func RouteLibraryLogs(log *zap.Logger) { redis.SetLogger(libraryLog{log}) }

type libraryLog struct{ log *zap.Logger }

// Printf is what go-redis calls.
func (l libraryLog) Printf(_ context.Context, format string, args ...any) {
	l.log.Debug("redis library", zap.String("text", fmt.Sprintf(format, args...)))
}
