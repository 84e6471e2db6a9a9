package store

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// contract is what a store must do on whatever server: the suite runs
// unchanged on miniredis, on Redis and on a Redis Cluster.
type contract struct {
	*testing.T
	open  func(hooks ...redis.Hook) *Store // each with connections of its own
	shard int
	pass  func(time.Duration) // makes the server's clock go on
	raw   *Store              // only its connections are used, to look at keys
}

// testContract runs the suite for one shard. It empties the servers. pass is
// for a server whose clock stands still otherwise.
func testContract(t *testing.T, shard int, open func(hooks ...redis.Hook) *Store, pass func(time.Duration)) {
	raw := open()
	for name, test := range map[string]func(contract){
		"claim counts up and loads nothing at first": contract.claimEmpty,
		"commit writes every list, claim loads it":   contract.roundTrip,
		"nil deletes":                                    contract.deletes,
		"another owner or number is refused":             contract.compareAndSet,
		"a zombie is refused everywhere":                 contract.zombie,
		"a claim between comparison and EXEC":            contract.claimInBetween,
		"a commit between a claim's reading and EXEC":    contract.commitBeforeClaim,
		"a commit between comparison and EXEC":           contract.commitInBetween,
		"only one of many committers wins":               contract.race,
		"load gives order and absence, and is fenced":    contract.load,
		"load never mixes two commits":                   contract.loadUnderCommits,
		"anybody reads records of one commit":            contract.records,
		"a failing reply inside EXEC is an error":        contract.failingReply,
		"a commit of many thousand names":                contract.large,
		"figures of the company belong to shard 0":       contract.companyFigures,
		"view: all rows or the changed ones":             contract.view,
		"view: any history, any reader":                  contract.viewModel,
		"view: one commit, never two":                    contract.viewUnderCommits,
		"view: too far behind":                           contract.viewOverflow,
		"view: the number went back":                     contract.viewRollback,
		"hold keeps commits out":                         contract.hold,
		"hold between comparison and EXEC":               contract.holdInBetween,
		"hold runs out":                                  contract.holdRunsOut,
		"readers":                                        contract.readers,
		"past alerts are capped":                         contract.episodes,
		"the partition count is kept":                    contract.partitions,
		"faults: every request cut, every reply lost":    contract.faults,
		"faults: a claim without a reply":                contract.claimWithoutReply,
		"faults: a commit that arrives after the claim":  contract.lateCommitRefused,
		"faults: a commit that arrives before the claim": contract.lateCommitApplied,
	} {
		t.Run(name, func(t *testing.T) {
			c := contract{T: t, open: open, shard: shard, pass: pass, raw: raw}
			c.clean()
			test(c)
		})
	}
}

func (c contract) clean() {
	c.Helper()
	err := c.raw.eachServer(c.Context(), func(ctx context.Context, server *redis.Client) error {
		return server.FlushAll(ctx).Err()
	})
	if err != nil {
		c.Fatal(err)
	}
}

func (c contract) claim(s *Store) *Claimed {
	c.Helper()
	got, err := s.Claim(c.Context(), c.shard)
	if err != nil {
		c.Fatal(err)
	}
	return got
}

func (c contract) commit(s *Store, t Tenure, commit *Commit) Tenure {
	c.Helper()
	next, err := s.Commit(c.Context(), c.shard, t, commit)
	if err != nil {
		c.Fatal(err)
	}
	return next
}

// refusedCommit makes a commit that must fail with want and write nothing.
func (c contract) refusedCommit(s *Store, t Tenure, want error) {
	c.Helper()
	before := c.dump()
	next, err := s.Commit(c.Context(), c.shard, t, rows("refused", "x"))
	if !errors.Is(err, want) {
		c.Errorf("Commit as %v: %v, want %v", t, err, want)
	}
	if next != (Tenure{}) {
		c.Errorf("Commit as %v: a tenure with an error: %v", t, next)
	}
	c.same(c.dump(), before)
}

func (c contract) same(got, want any) {
	c.Helper()
	if !reflect.DeepEqual(got, want) {
		c.Errorf("got  %v\nwant %v", got, want)
	}
}

// rows is a commit that sets rows: name, value, name, value. Value "-" deletes.
func rows(pairs ...string) *Commit {
	return &Commit{Cells: fields(pairs...)}
}

func fields(pairs ...string) []Field {
	var f []Field
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "-" {
			f = append(f, Field{Name: pairs[i]})
		} else {
			f = append(f, Field{Name: pairs[i], Value: []byte(pairs[i+1])})
		}
	}
	return f
}

// texts makes what readers return comparable and legible.
func texts(m map[string][]byte) map[string]string {
	t := map[string]string{}
	for k, v := range m {
		if v == nil {
			t[k] = "-"
		} else {
			t[k] = string(v)
		}
	}
	return t
}

// dump reads every key of the shard without the code under test: full name ->
// type and content.
func (c contract) dump() map[string]string {
	c.Helper()
	dump := map[string]string{}
	ctx := c.Context()
	err := c.raw.eachServer(ctx, func(ctx context.Context, r *redis.Client) error {
		names, err := r.Keys(ctx, "*").Result()
		for _, n := range names {
			if err == nil && strings.Contains(n, fmt.Sprintf(":%d}", c.shard)) {
				dump[n], err = content(ctx, r, n)
			}
		}
		return err
	})
	if err != nil {
		c.Fatal(err)
	}
	return dump
}

func content(ctx context.Context, r *redis.Client, key string) (string, error) {
	kind, err := r.Type(ctx, key).Result()
	if err != nil {
		return "", err
	}
	var v any
	switch kind {
	case "string":
		v, err = r.Get(ctx, key).Result()
	case "hash":
		v, err = r.HGetAll(ctx, key).Result()
	case "list":
		v, err = r.LRange(ctx, key, 0, -1).Result()
	case "zset":
		v, err = r.ZRangeWithScores(ctx, key, 0, -1).Result()
	default:
		err = fmt.Errorf("a key of type %s", kind)
	}
	return fmt.Sprintf("%s %v", kind, v), err
}

func (c contract) claimEmpty() {
	s := c.open()
	first, second := c.claim(s), c.claim(s)
	for i, got := range []*Claimed{first, second} {
		if !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(got.Tenure.Owner) {
			c.Errorf("owner %q, want 128 bits in hexadecimal", got.Tenure.Owner)
		}
		if got.Tenure.Number != uint64(i+1) || !got.Empty {
			c.Errorf("claim %d: number %d, empty %t", i+1, got.Tenure.Number, got.Empty)
		}
		if n := len(got.Cells) + len(got.Due) + len(got.Firing) + len(got.Notes) + len(got.Sent); n != 0 {
			c.Errorf("claim %d of an empty shard loads %d values", i+1, n)
		}
	}
	if first.Tenure.Owner == second.Tenure.Owner {
		c.Error("two claims have one owner")
	}
	c.same(c.dump(), map[string]string{
		fmt.Sprintf("{t:%d}:meta", c.shard): fmt.Sprintf("hash map[number:2 owner:%s]", second.Tenure.Owner),
	})
}

// everything is a commit with something in every list a shard other than 0 has.
func everything() *Commit {
	return &Commit{
		Head: Head{
			Version: 1, Watermark: 1_700_000_000_000, Partitions: 4, ClusterID: "k", Born: true, FirstDay: 20_000, Table: []byte{0, 255},
			Offsets:  map[string]Offset{"logins": {Next: 42, Timestamp: -1, CRC: 7, Watermark: 9, Birth: 3, TopicID: "id"}},
			Counters: map[string]int64{"read": 42},
		},
		Records:  fields("b/12", "one\x00two", "u/acme/3", ""),
		Cells:    fields("o|", "opening", "d20001|plan=pro", "day"),
		Frozen:   fields("19999|", "frozen", "20000|plan=pro", "frozen too"),
		Due:      fields("20001", "timers"),
		Firing:   fields("at_risk|acme", "{}"),
		Notes:    fields("logins/3/17", `{"reason":"not_json"}`),
		Bands:    []Member{{Customer: "acme", Band: "red", Score: 4900}, {Customer: "b corp", Band: "green", Score: 0.5}},
		Episodes: [][]byte{[]byte("older"), []byte("newer")},
	}
}

func (c contract) roundTrip() {
	s := c.open()
	t := c.claim(s).Tenure
	want := everything()
	next := c.commit(s, t, want)
	c.same(next, Tenure{Owner: t.Owner, Number: t.Number + 1})

	dump, at := c.dump(), func(name string) string { return fmt.Sprintf("{t:%d}:%s", c.shard, name) }
	if meta := dump[at("meta")]; !strings.Contains(meta, "number:2 owner:"+t.Owner+"]") || !strings.Contains(meta, `"watermark":1700000000000`) {
		c.Errorf("meta: %s", meta)
	}
	delete(dump, at("meta"))
	c.same(dump, map[string]string{
		at("r:b/12"):     "string one\x00two",
		at("r:u/acme/3"): "string ",
		at("cells"):      "hash map[d20001|plan=pro:day o|:opening]",
		at("frozen"):     "hash map[19999|:frozen 20000|plan=pro:frozen too]",
		at("due"):        "hash map[20001:timers]",
		at("firing"):     "hash map[at_risk|acme:{}]",
		at("notes"):      `hash map[logins/3/17:{"reason":"not_json"}]`,
		at("band:red"):   "zset [{4900 acme}]",
		at("band:green"): "zset [{0.5 b corp}]",
		at("alerts"):     "list [older newer]",
		at("changed"):    "list [\x02\x00\x02o|\x0fd20001|plan=pro]",
	})

	got := c.claim(s)
	if got.Tenure.Number != 3 || got.Tenure.Owner == t.Owner || got.Empty {
		c.Errorf("claim: %v, empty %t", got.Tenure, got.Empty)
	}
	c.same(got.Head, want.Head)
	c.same(texts(got.Cells), map[string]string{"o|": "opening", "d20001|plan=pro": "day"})
	c.same(texts(got.Due), map[string]string{"20001": "timers"})
	c.same(texts(got.Firing), map[string]string{"at_risk|acme": "{}"})
	c.same(texts(got.Notes), map[string]string{"logins/3/17": `{"reason":"not_json"}`})
}

func (c contract) deletes() {
	s := c.open()
	t := c.commit(s, c.claim(s).Tenure, everything())
	c.commit(s, t, &Commit{
		Records: fields("b/12", "-", "b/13", "-", "u/acme/3", "kept"),
		Cells:   fields("o|", "-", "d20001|plan=pro", "-"),
		Frozen:  fields("19999|", "-"),
		Due:     fields("20001", "-"),
		Firing:  fields("at_risk|acme", "-", "silent|acme", "{}"),
		Notes:   fields("logins/3/17", "-"),
		Bands:   []Member{{Customer: "acme", Was: "red", Band: "amber", Score: 5000}, {Customer: "b corp", Was: "green"}},
	})
	dump, at := c.dump(), func(name string) string { return fmt.Sprintf("{t:%d}:%s", c.shard, name) }
	delete(dump, at("meta"))
	c.same(dump, map[string]string{
		at("r:u/acme/3"): "string kept",
		at("frozen"):     "hash map[20000|plan=pro:frozen too]",
		at("firing"):     "hash map[silent|acme:{}]",
		at("band:amber"): "zset [{5000 acme}]",
		at("alerts"):     "list [older newer]",
		at("changed"):    "list [\x02\x00\x02o|\x0fd20001|plan=pro \x03\x00\x02o|\x0fd20001|plan=pro]",
	})
}

func (c contract) compareAndSet() {
	s := c.open()
	c.refusedCommit(s, Tenure{}, ErrFenced) // nobody has claimed it
	t := c.commit(s, c.claim(s).Tenure, rows("o|", "1"))
	other := strings.Repeat("0", 32)
	c.refusedCommit(s, Tenure{Owner: other, Number: t.Number}, ErrFenced)
	c.refusedCommit(s, Tenure{Owner: t.Owner, Number: t.Number - 1}, ErrFenced)
	c.refusedCommit(s, Tenure{Owner: t.Owner, Number: t.Number + 1}, ErrFenced)
	c.refusedCommit(s, Tenure{}, ErrFenced)
	c.same(c.commit(s, t, rows("o|", "2")).Number, t.Number+1)
}

func (c contract) zombie() {
	s, ctx := c.open(), c.Context()
	old := c.commit(s, c.claim(s).Tenure, rows("o|", "1"))
	if err := s.Look(ctx, c.shard, old); err != nil {
		c.Errorf("the owner looks: %v", err)
	}
	heir := c.claim(c.open()).Tenure
	c.refusedCommit(s, old, ErrFenced)
	c.refusedCommit(s, Tenure{Owner: old.Owner, Number: heir.Number}, ErrFenced)
	if err := s.Look(ctx, c.shard, old); !errors.Is(err, ErrFenced) {
		c.Errorf("a zombie looks: %v", err)
	}
	if _, err := s.Load(ctx, c.shard, old, []string{"b/1"}); !errors.Is(err, ErrFenced) {
		c.Errorf("a zombie loads: %v", err)
	}
	c.commit(s, heir, rows("o|", "2"))
}
