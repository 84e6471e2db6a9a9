package publisher_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/publisher"
)

// suite is what must hold on every broker.
func suite(t *testing.T, addr string) {
	for _, c := range []struct {
		name string
		test func(*testing.T, *topics)
	}{
		{"announces and resolves", testAnnounces},
		{"n of an episode", testEpisodes},
		{"second fences first", testFence},
		{"fenced though silent", testFencedBetween},
		{"killed before EndTxn", testKilled},
		{"EndTxn lost on its way", testEndLost},
		{"EndTxn applied and reply lost", testReplyLost},
		{"each publication once whatever is lost", testLostAnywhere},
		{"predecessor publishes while we take over", testLatePublication},
		{"predecessor's transaction open while we take over", testOpenTransaction},
		{"stranger holds the last stable offset", testHeldBack},
		{"stranger never ends", testNeverEnds},
		{"unusable after an error", testUnusable},
		{"look", testLook},
		{"look without a broker", testLookCut},
		{"look finds the same p", testLookSameP},
		{"look misses one's own", testLookMissing},
		{"notes", testNotes},
		{"large message", testLarge},
		{"message too large", testTooLarge},
		{"message too large without its value", testTooLargeWithout},
		{"many pairs", testMany},
		{"refused publications", testRefused},
		{"topics", testTopics},
		{"foreign records", testForeignRecords},
		{"random faults", testRandom},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, newTopics(t, addr)) })
	}
}

const limit = 60 * time.Second

// topics are a test's own output topics.
type topics struct {
	addr                  string
	namespace             string
	alerts, cursors, late string
	admin                 *kadm.Client
}

var topicNumber atomic.Int64

const partitions, shard = 3, 2

func newTopics(t testing.TB, addr string) *topics {
	t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(addr))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	w := &topics{addr: addr, admin: kadm.NewClient(c)}
	w.fresh(t)
	return w
}

// fresh changes to new topics and a new namespace.
func (w *topics) fresh(t fataler) {
	n := topicNumber.Add(1)
	w.namespace = fmt.Sprintf("test%d", n)
	w.alerts, w.cursors, w.late = w.namespace+".alerts", w.namespace+".cursors", w.namespace+".late"
	large, compact := "1200000", "compact"
	config := map[string]*string{"max.message.bytes": &large}
	w.create(t, config, w.alerts, w.late)
	w.create(t, map[string]*string{"max.message.bytes": &large, "cleanup.policy": &compact}, w.cursors)
}

func (w *topics) create(t fataler, config map[string]*string, names ...string) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	made, err := w.admin.CreateTopics(ctx, partitions, 1, config, names...)
	if err == nil {
		err = made.Error()
	}
	if err != nil {
		t.Fatalf("create topics %v: %v", names, err)
	}
}

// fataler is a testing.TB or a rapid.T.
type fataler interface {
	Fatalf(format string, args ...any)
}

func (w *topics) options(hooks ...kgo.Opt) publisher.Options {
	return publisher.Options{
		Brokers: []string{w.addr}, Namespace: w.namespace, Shard: shard,
		Topics:  publisher.Topics{Alerts: w.alerts, Cursors: w.cursors, Notes: []string{w.late}},
		Timeout: 20 * time.Second, CursorLimit: 8 * time.Second,
		Hooks: hooks,
	}
}

func (w *topics) open(t testing.TB, hooks ...kgo.Opt) *publisher.Publisher {
	t.Helper()
	p, err := publisher.Open(t.Context(), w.options(hooks...))
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(p.Close)
	return p
}

// alert is an alert whose encoding is its id.
func alert(firing bool, rule, subject string) publisher.Alert {
	what := "resolved"
	if firing {
		what = "firing"
	}
	return publisher.Alert{Pair: publisher.Pair{Rule: rule, Subject: subject}, Firing: firing,
		Encode: func(n uint64) ([]byte, error) { return fmt.Appendf(nil, "%s|%s#%d %s", rule, subject, n, what), nil }}
}

// at is a publication with a header that tells it from others.
func at(offset int64, alerts ...publisher.Alert) publisher.Publication {
	return publisher.Publication{
		Header: publisher.Header{Offsets: map[string]int64{"logins": offset}, Watermark: 1000 * offset},
		Alerts: alerts,
	}
}

func publish(t testing.TB, p *publisher.Publisher, x publisher.Publication) {
	t.Helper()
	if err := p.Publish(t.Context(), x); err != nil {
		t.Fatalf("publish: %v", err)
	}
}

// knows fails unless the publisher knows header and announced pairs as given,
// "rule|subject" to n.
func knows(t testing.TB, p *publisher.Publisher, number uint64, offset int64, announced map[string]uint64) {
	t.Helper()
	got := make(map[string]uint64)
	for pair, n := range p.Announced() {
		got[pair.Rule+"|"+pair.Subject] = n
	}
	if !maps.Equal(got, announced) {
		t.Errorf("announced %v, want %v", got, announced)
	}
	want := publisher.Header{P: number}
	if number > 0 {
		want.Offsets, want.Watermark = map[string]int64{"logins": offset}, 1000*offset
	}
	if h := p.Header(); h.P != want.P || h.Watermark != want.Watermark || !maps.Equal(h.Offsets, want.Offsets) {
		t.Errorf("header %+v, want %+v", h, want)
	}
}

// committed reads a topic to its end, as a read_committed consumer does. It
// waits until no transaction is open any more.
func (w *topics) committed(t fataler, topic string) []*kgo.Record {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	ends, err := w.admin.ListEndOffsets(ctx, topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		t.Fatalf("end of %s: %v", topic, err)
	}
	open := make(map[int32]int64)
	start := make(map[int32]kgo.Offset)
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			open[o.Partition] = o.Offset
			start[o.Partition] = kgo.NewOffset().AtStart()
		}
	})
	if len(open) == 0 {
		return nil
	}
	c, err := kgo.NewClient(kgo.SeedBrokers(w.addr), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: start}))
	if err != nil {
		t.Fatalf("reader: %v", err)
	}
	defer c.Close()
	var all []*kgo.Record
	for len(open) > 0 {
		fetches := c.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("read %s to %v: %v", topic, open, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if r.Offset+1 >= open[r.Partition] {
				delete(open, r.Partition)
			}
			if !r.Attrs.IsControl() {
				all = append(all, r)
			}
		})
	}
	slices.SortStableFunc(all, func(a, b *kgo.Record) int { return cmp.Compare(a.Offset, b.Offset) })
	return all
}

// said are the alerts that a read_committed reader sees, in order.
func (w *topics) said(t fataler) []string {
	var s []string
	for _, r := range w.committed(t, w.alerts) {
		if r.Partition != shard {
			t.Fatalf("alert %s on partition %d, want %d", r.Value, r.Partition, shard)
		}
		if !strings.HasPrefix(string(r.Value), string(r.Key)+"#") {
			t.Fatalf("alert %s has key %q", r.Value, r.Key)
		}
		s = append(s, string(r.Value))
	}
	return s
}

func (w *topics) hasSaid(t testing.TB, want ...string) {
	t.Helper()
	if got := w.said(t); !slices.Equal(got, want) {
		t.Errorf("readers see\n  %q, want\n  %q", got, want)
	}
}

func isFenced(t testing.TB, err error) {
	t.Helper()
	if !errors.Is(err, publisher.ErrFenced) {
		t.Errorf("error %v, want ErrFenced", err)
	}
}
