package consumer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"go.uber.org/zap/zaptest"
)

// owners notes which member holds which shard, as the members themselves see it.
type owners struct {
	t  *testing.T
	mu sync.Mutex
	of map[int]string
	n  int // generations that began for any
}

func (o *owners) begun() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.n
}

func (o *owners) take(member string, shards []int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.n++
	for _, s := range shards {
		if other, held := o.of[s]; held {
			o.t.Errorf("shard %d was assigned to %s before %s had let go of it", s, member, other)
		}
		o.of[s] = member
	}
}

func (o *owners) leave(shards []int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, s := range shards {
		delete(o.of, s)
	}
}

// shares returns how many shards each member holds, sorted: "3 3 2".
func (o *owners) shares() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	count := make(map[string]int)
	for _, m := range o.of {
		count[m]++
	}
	var out []int
	for _, n := range count {
		out = append(out, -n)
	}
	slices.Sort(out)
	return strings.ReplaceAll(strings.Trim(fmt.Sprint(out), "[]"), "-", "")
}

type member struct {
	leave context.CancelFunc
	ended chan error
}

// join starts a member that, in each generation, holds its shards until the
// generation ends and then takes a while to let go.
func (o *owners) join(name string, opt GroupOptions) member {
	ctx, cancel := context.WithCancel(context.Background())
	m := member{leave: cancel, ended: make(chan error, 1)}
	opt.Log = zaptest.NewLogger(o.t).Named(name)
	go func() {
		m.ended <- RunGroup(ctx, opt, func(ctx context.Context, g *Generation) error {
			o.checkTogether(g, opt.Topics)
			o.take(name, g.Shards)
			if len(g.Shards) > 0 {
				offsets := map[string]map[int]int64{opt.Topics[0]: {g.Shards[0]: 42}}
				if err := g.CommitOffsets(offsets); err != nil && ctx.Err() == nil {
					o.t.Errorf("%s: %v", name, err)
				}
			}
			<-ctx.Done()
			// What is in hand takes its time: a successor that doesn't wait for it is seen.
			err := wait(context.Background(), 20*time.Millisecond)
			o.leave(g.Shards)
			return errors.Join(err, ctx.Err())
		})
	}()
	o.t.Cleanup(cancel)
	return m
}

// checkTogether looks at what kafka-go was assigned, topic by topic.
func (o *owners) checkTogether(g *Generation, topics []string) {
	for _, topic := range topics {
		var shards []int
		for _, p := range g.g.Assignments[topic] {
			shards = append(shards, p.ID)
		}
		slices.Sort(shards)
		if !slices.Equal(shards, g.Shards) {
			o.t.Errorf("generation %d of %s: shards %v, but of %s %v", g.ID, g.Member, g.Shards, topic, shards)
		}
	}
}

func testGroup(t *testing.T, addr string) {
	const shards = 8
	opt := GroupOptions{
		Brokers: []string{addr}, HeartbeatInterval: 100 * time.Millisecond, JoinBackoff: 200 * time.Millisecond,
	}
	for range 3 {
		opt.Topics = append(opt.Topics, newTopic(t, addr, shards, nil))
	}
	opt.Group = opt.Topics[0]
	o := &owners{t: t, of: make(map[int]string)}
	a := o.join("a", opt)
	o.await("8")
	b := o.join("b", opt)
	o.await("4 4")
	c := o.join("c", opt)
	o.await("3 3 2")
	a.leave()
	o.await("4 4")
	b.leave()
	o.await("8")
	c.leave()
	for _, m := range []member{a, b, c} {
		select {
		case err := <-m.ended:
			if err != nil {
				t.Errorf("a member that left: %v", err)
			}
		case <-time.After(patience):
			t.Fatal("a member does not leave")
		}
	}
	offsets, err := admin(t, addr).FetchOffsets(t.Context(), opt.Group)
	if err != nil {
		t.Fatal(err)
	}
	if at, ok := offsets.Lookup(opt.Topics[0], 0); !ok || at.At != 42 {
		t.Errorf("committed offset of shard 0 is %+v", at)
	}
}

func (o *owners) await(shares string) {
	o.t.Helper()
	waitFor(o.t, "shares "+shares, func() bool { return o.shares() == shares })
}

// testGroupWithoutTopic: a group that is joined before its topic is known is
// assigned its shards when it is, although no member comes or goes.
func testGroupWithoutTopic(t *testing.T, addr string) {
	topic := newName()
	o := &owners{t: t, of: make(map[int]string)}
	m := o.join("a", GroupOptions{Brokers: []string{addr}, Topics: []string{topic}, Group: topic,
		HeartbeatInterval: 100 * time.Millisecond, JoinBackoff: 200 * time.Millisecond})
	waitFor(t, "a generation without shards", func() bool { return o.begun() > 0 })
	createTopic(t, addr, topic, 4, nil)
	o.await("4")
	m.leave()
	if err := <-m.ended; err != nil {
		t.Error(err)
	}
}

// testGroupNamesWhatIsMissing: one topic that does not exist leaves nobody with any
// shard, since kafka-go then knows of no partitions at all. Each member hears which
// one it is.
func testGroupNamesWhatIsMissing(t *testing.T, addr string) {
	there, gone := newTopic(t, addr, 2, nil), newName()
	missing := make(chan []string, 100)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 2)
	for range 2 {
		go func() {
			ended <- RunGroup(ctx, GroupOptions{Brokers: []string{addr}, Topics: []string{there, gone}, Group: gone,
				HeartbeatInterval: 100 * time.Millisecond, JoinBackoff: 200 * time.Millisecond, Log: zaptest.NewLogger(t)},
				func(ctx context.Context, g *Generation) error {
					if len(g.Shards) > 0 {
						t.Errorf("shards %v were assigned", g.Shards)
					}
					select {
					case missing <- g.Missing:
					default:
					}
					<-ctx.Done()
					return nil
				})
		}()
	}
	for range 4 {
		select {
		case got := <-missing:
			if !slices.Equal(got, []string{gone}) {
				t.Errorf("missing are %q, want %q", got, gone)
			}
		case <-time.After(patience):
			t.Fatal("no generation")
		}
	}
	cancel()
	for range 2 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

func testGroupError(t *testing.T, addr string) {
	opt := GroupOptions{
		Brokers: []string{addr}, Topics: []string{newTopic(t, addr, 1, nil)}, Group: "errors",
		JoinBackoff: 50 * time.Millisecond, Log: zaptest.NewLogger(t),
	}
	stop := errors.New("stop")
	calls := 0
	err := RunGroup(t.Context(), opt, func(context.Context, *Generation) error {
		if calls++; calls < 3 {
			return nil // gives up before its time: called again
		}
		return stop
	})
	if !errors.Is(err, stop) || calls != 3 {
		t.Errorf("after %d generations the error is %v", calls, err)
	}
	opt.SessionTimeout = 24 * time.Hour
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err = RunGroup(ctx, opt, func(context.Context, *Generation) error { return nil })
	if !errors.Is(err, kafka.InvalidSessionTimeout) {
		t.Errorf("with a session time-out that no broker accepts the error is %v", err)
	}
}

// A group whose brokers can't be reached is joined when they can.
func TestGroupWaitsForItsBrokers(t *testing.T) {
	opt := GroupOptions{
		Brokers: []string{fmt.Sprint("127.0.0.1:", freePort(t))}, Topics: []string{"logins"}, Group: "g",
		JoinBackoff: 10 * time.Millisecond, Log: zaptest.NewLogger(t),
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	err := RunGroup(ctx, opt, func(context.Context, *Generation) error {
		t.Error("a generation without brokers")
		return nil
	})
	if err != nil {
		t.Errorf("error is %v: an unreachable broker is none", err)
	}
}
