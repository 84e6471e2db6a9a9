//go:build servers

package store

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tidemark-io/tidemark/internal/testserver"
)

// move is a slot on its way from one master to another.
type move struct {
	*testing.T
	slot     int64
	from, to *redis.Client
	fromID   string
	toID     string
}

func (m *move) do(c *redis.Client, args ...any) {
	m.Helper()
	if err := c.Do(m.Context(), args...).Err(); err != nil {
		m.Fatalf("%v: %v", args, err)
	}
}

// begin opens the slot for moving on both sides.
func (m *move) begin() {
	m.do(m.to, "cluster", "setslot", m.slot, "importing", m.fromID)
	m.do(m.from, "cluster", "setslot", m.slot, "migrating", m.toID)
}

// one moves one key; false where none is left.
func (m *move) one() bool {
	m.Helper()
	keys, err := m.from.ClusterGetKeysInSlot(m.Context(), int(m.slot), 1).Result()
	if err != nil {
		m.Fatal(err)
	}
	if len(keys) == 0 {
		return false
	}
	host, port, err := net.SplitHostPort(m.to.Options().Addr)
	if err != nil {
		m.Fatal(err)
	}
	m.do(m.from, "migrate", host, port, keys[0], 0, 5000)
	return true
}

// end gives the slot to its new master.
func (m *move) end() {
	m.do(m.to, "cluster", "setslot", m.slot, "node", m.toID)
	m.do(m.from, "cluster", "setslot", m.slot, "node", m.toID)
}

// number reads the commit number from the side on which it lies now, past all
// redirections.
func (m *move) number(key string) uint64 {
	m.Helper()
	if n, err := m.from.HGet(m.Context(), key, fieldNumber).Uint64(); err == nil {
		return n
	}
	conn := m.to.Conn()
	defer conn.Close()
	var got *redis.StringCmd
	if _, err := conn.Pipelined(m.Context(), func(p redis.Pipeliner) error {
		p.Do(m.Context(), "asking")
		got = p.HGet(m.Context(), key, fieldNumber)
		return nil
	}); err != nil {
		m.Fatal(err)
	}
	n, err := got.Uint64()
	if err != nil {
		m.Fatal(err)
	}
	return n
}

func startMove(t *testing.T, s *Store, shard int, addrs []string) *move {
	slot, err := s.client.ClusterKeySlot(t.Context(), s.keys.meta(shard)).Result()
	if err != nil {
		t.Fatal(err)
	}
	server, err := s.serverOf(t.Context(), shard)
	if err != nil {
		t.Fatal(err)
	}
	owner := server.(*redis.Client).Options().Addr
	m := &move{T: t, slot: slot, from: admin(t, owner)}
	for _, a := range addrs {
		if a != owner {
			m.to = admin(t, a)
		}
	}
	for c, id := range map[*redis.Client]*string{m.from: &m.fromID, m.to: &m.toID} {
		if *id, err = c.ClusterMyID(t.Context()).Result(); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// worker is an owner that starts over whenever in doubt, and counts what it did.
type worker struct {
	*testing.T
	s        *Store
	shard    int
	tenure   Tenure
	want     map[string]string // rows
	n        int               // the commit to be made next
	ok, fail int
}

// step makes one take-over, or one commit where there is a tenure, and checks
// that the number moved by one where it succeeded and not at all otherwise.
func (w *worker) step(number func() uint64) error {
	before := number()
	var err error
	if w.tenure == (Tenure{}) {
		var got *Claimed
		if got, err = w.s.Claim(w.Context(), w.shard); err == nil {
			w.tenure = got.Tenure
			if fmt.Sprint(texts(got.Cells)) != fmt.Sprint(w.want) {
				w.Fatalf("a claim loaded %d rows of %d", len(got.Cells), len(w.want))
			}
		}
	} else {
		w.n++
		row, value := fmt.Sprint("row", w.n%7), fmt.Sprint(w.n)
		c := rows(row, value)
		c.Records = fields(fmt.Sprint("b/", w.n%5), value)
		var next Tenure
		if next, err = w.s.Commit(w.Context(), w.shard, w.tenure, c); err == nil {
			w.want[row] = value
		}
		w.tenure = next
	}
	after := number()
	switch {
	case err == nil:
		w.ok++
		if after != before+1 {
			w.Fatalf("a success moved the number from %d to %d", before, after)
		}
	case errors.Is(err, ErrHeld):
		w.Fatalf("held: %v", err)
	default:
		w.fail++
		if after != before {
			w.Fatalf("an error (%v) moved the number from %d to %d", err, before, after)
		}
	}
	return err
}

// TestSlotMovesInBetween moves the whole slot between a commit's comparison and
// its EXEC, or after a claim's WATCH, and there another worker takes over.
func TestSlotMovesInBetween(t *testing.T) {
	c := testserver.StartRedisCluster(t)
	open := opener(t, Options{Mode: Cluster, Addrs: c.Addrs})
	for shard, commits := range []bool{true, false} {
		h := &beforeExec{}
		s, other := open(h), open()
		got, err := s.Claim(t.Context(), shard)
		if err != nil {
			t.Fatal(err)
		}
		tenure, err := s.Commit(t.Context(), shard, got.Tenure, everything())
		if err != nil {
			t.Fatal(err)
		}
		m := startMove(t, s, shard, c.Addrs)
		var heir *Claimed
		h.set(func() {
			m.begin()
			for m.one() {
			}
			m.end()
			if heir, err = other.Claim(t.Context(), shard); err != nil {
				t.Fatal(err)
			}
		})
		if commits {
			_, err = s.Commit(t.Context(), shard, tenure, rows("o|", "lost"))
		} else {
			_, err = s.Claim(t.Context(), shard)
		}
		if err == nil {
			t.Errorf("commit %t: a transaction went through on a server that had lost the slot", commits)
		}
		if heir.Tenure.Number != 3 || string(heir.Cells["o|"]) != "opening" {
			t.Errorf("the heir at the new master: %v, %v", heir.Tenure, texts(heir.Cells))
		}
		if _, err := other.Commit(t.Context(), shard, heir.Tenure, rows("o|", "kept")); err != nil {
			t.Errorf("the heir commits: %v", err)
		}
		got, err = s.Claim(t.Context(), shard)
		if err != nil || got.Tenure.Number != 5 || string(got.Cells["o|"]) != "kept" {
			t.Errorf("after the move: %v, %v", got, err)
		}
	}
}

// TestSlotMoves takes a shard over and commits to it at every moment of its
// slot's way to another master: before, with each single key moved, and after.
// Each attempt must be done exactly once, or not at all.
func TestSlotMoves(t *testing.T) {
	c := testserver.StartRedisCluster(t)
	s := opener(t, Options{Mode: Cluster, Addrs: c.Addrs})()
	const shard = 1
	key := "{t:1}:meta"
	w := &worker{T: t, s: s, shard: shard, want: map[string]string{}}
	m := startMove(t, s, shard, c.Addrs)
	direct := func() uint64 {
		n, err := s.client.HGet(t.Context(), key, fieldNumber).Uint64()
		if err != nil && !errors.Is(err, redis.Nil) {
			t.Fatal(err)
		}
		return n
	}
	for range 10 { // before
		if err := w.step(direct); err != nil {
			t.Fatal(err)
		}
	}
	m.begin()
	moved, failures := 0, map[string]int{}
	for {
		for range 2 { // with a tenure a commit and the claim after it, else two claims
			// Redis refuses what touches a key that isn't there, as long as the slot
			// moves: the error is expected, step checks that it changed nothing.
			if err := w.step(func() uint64 { return m.number(key) }); err != nil {
				failures[err.Error()]++
			}
		}
		w.looksConsistent()
		if !m.one() {
			break
		}
		moved++
	}
	m.end()
	if moved < 8 || w.fail == 0 {
		t.Errorf("%d keys moved, %d attempts failed: the test has not seen a moving slot", moved, w.fail)
	}
	w.settles(m)
	t.Logf("%d keys moved, %d attempts succeeded, %d failed: %v", moved, w.ok, w.fail, failures)
}

// looksConsistent reads as readers do: an error, or exactly what was committed.
func (w *worker) looksConsistent() {
	w.Helper()
	v, err := w.s.ReadView(w.Context(), w.shard, Tenure{})
	if err == nil && fmt.Sprint(texts(v.Cells)) != fmt.Sprint(w.want) {
		w.Fatalf("a reader sees %v, want %v", texts(v.Cells), w.want)
	}
	if w.tenure == (Tenure{}) {
		return
	}
	got, err := w.s.Load(w.Context(), w.shard, w.tenure, []string{fmt.Sprint("b/", w.n%5)})
	if err == nil && string(got[0]) != fmt.Sprint(w.n) {
		w.Fatalf("a load sees %q, want %d", got[0], w.n)
	}
}

// settles goes on until a claim and five commits succeeded at the new master.
func (w *worker) settles(m *move) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), 30*time.Second)
	defer cancel()
	atEnd := func() uint64 {
		n, err := m.to.HGet(w.Context(), "{t:1}:meta", fieldNumber).Uint64()
		if err != nil {
			w.Fatal(err)
		}
		return n
	}
	for in := 0; in < 6; {
		if err := w.step(atEnd); err == nil {
			in++
		} else if ctx.Err() != nil {
			w.Fatal(err)
		}
	}
	w.tenure = Tenure{}
	if err := w.step(atEnd); err != nil { // a last claim compares all rows
		w.Fatal(err)
	}
}
