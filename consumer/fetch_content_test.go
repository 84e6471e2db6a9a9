package consumer

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

var codecs = map[string]kgo.CompressionCodec{
	"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
	"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
}

// writer writes random messages onto partition 0, alone and in transactions
// that are committed or aborted, in all compressions, several transactions open
// at a time.
type writer struct {
	t       *testing.T
	rng     *rand.Rand
	topic   string
	plain   []*kgo.Client // one for each compression
	txns    []*kgo.Client
	open    []bool
	written int
}

func newWriter(t *testing.T, addr, topic string, rng *rand.Rand) *writer {
	w := &writer{t: t, rng: rng, topic: topic}
	for name, codec := range codecs {
		w.plain = append(w.plain, kgoClient(t, addr, kgo.ProducerBatchCompression(codec)))
		w.txns = append(w.txns, kgoClient(t, addr, kgo.ProducerBatchCompression(codec),
			kgo.TransactionalID(topic+name), kgo.TransactionTimeout(time.Minute)))
	}
	w.open = make([]bool, len(w.txns))
	return w
}

func (w *writer) records() []*kgo.Record {
	var rs []*kgo.Record
	for range 1 + w.rng.IntN(20) {
		r := &kgo.Record{Topic: w.topic, Key: fmt.Appendf(nil, "key %d", w.written)}
		w.written++
		switch w.rng.IntN(6) {
		case 0: // a tombstone
		case 1:
			r.Value = []byte{}
		default:
			r.Value = []byte(strings.Repeat("value ", w.rng.IntN(200)))
		}
		for range w.rng.IntN(3) {
			r.Headers = append(r.Headers, kgo.RecordHeader{
				Key: fmt.Sprint("h", w.rng.IntN(4)), Value: fmt.Append(nil, w.rng.Int()),
			})
		}
		rs = append(rs, r)
	}
	return rs
}

func (w *writer) step() {
	if w.rng.IntN(3) == 0 {
		produce(w.t, w.plain[w.rng.IntN(len(w.plain))], w.records()...)
		return
	}
	i := w.rng.IntN(len(w.txns))
	c := w.txns[i]
	if !w.open[i] {
		if err := c.BeginTransaction(); err != nil {
			w.t.Fatal(err)
		}
		w.open[i] = true
	}
	produce(w.t, c, w.records()...)
	if w.rng.IntN(2) == 0 {
		w.end(i)
	}
}

func (w *writer) end(i int) {
	if !w.open[i] {
		return
	}
	w.open[i] = false
	if err := w.txns[i].EndTransaction(context.Background(), kgo.TransactionEndTry(w.rng.IntN(2) == 0)); err != nil {
		w.t.Fatal(err)
	}
}

// readCommitted reads partition 0 up to offset end with franz-go.
func readCommitted(t *testing.T, addr, topic string, end int64) []got {
	t.Helper()
	c := kgoClient(t, addr, kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().At(0)}}))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var all []got
	for last := int64(-1); last < end-1; {
		fs := c.PollFetches(ctx)
		if err := fs.Err(); err != nil {
			t.Fatalf("kgo after offset %d, to %d: %v", last, end, err)
		}
		fs.EachRecord(func(r *kgo.Record) {
			last = r.Offset
			if r.Attrs.IsControl() {
				return
			}
			m := Message{Offset: r.Offset, Timestamp: r.Timestamp.UnixMilli(), Key: r.Key, Value: r.Value}
			g := keep(&m)
			for _, h := range r.Headers {
				g.Headers += h.Key + "=" + string(h.Value) + ";"
			}
			all = append(all, g)
		})
	}
	return all
}

func testContent(t *testing.T, addr string) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	topic := newTopic(t, addr, 1, nil)
	w := newWriter(t, addr, topic, rand.New(rand.NewPCG(seed, 0)))
	// A reader that is there while it is written, one that comes afterwards and
	// one that gets little at a time.
	early := open(t, newFetcher(t, addr), topic, 0, 0)
	for range 60 {
		w.step()
	}
	for i := range w.txns {
		w.end(i)
	}
	stable, err := admin(t, addr).ListCommittedOffsets(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	offset, _ := stable.Lookup(topic, 0)
	end := offset.Offset
	want := readCommitted(t, addr, topic, end)
	if len(want) == 0 || int64(len(want)) >= end {
		t.Fatalf("%d of %d offsets are messages: nothing was aborted or nothing committed", len(want), end)
	}
	late := open(t, newFetcher(t, addr), topic, 0, 0)
	little := open(t, newFetcher(t, addr, func(o *FetcherOptions) {
		o.PartitionMaxBytes, o.QueueBytes, o.BatchMessages = 1, 1, 1
	}), topic, 0, 0)
	for name, k := range map[string]*taker{"early": early, "late": late, "little at a time": little} {
		if err := k.until(func(s State) bool { return s == AtEnd && k.next >= end }); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		compare(t, name, k, want, end)
	}
	// From the middle of record batches, markers and aborted transactions too.
	for range 20 {
		from := rand.Int64N(end)
		f := newFetcher(t, addr)
		k := open(t, f, topic, 0, from)
		k.toEnd()
		i := slices.IndexFunc(want, func(g got) bool { return g.Offset >= from })
		if i < 0 {
			i = len(want)
		}
		compare(t, fmt.Sprint("from ", from), k, want[i:], end)
		f.Close()
	}
}

func compare(t *testing.T, name string, k *taker, want []got, end int64) {
	t.Helper()
	if k.next != end {
		t.Errorf("%s: ended at offset %d, the last stable offset is %d", name, k.next, end)
	}
	for i := range min(len(want), len(k.all)) {
		if k.all[i] != want[i] {
			t.Fatalf("%s: message %d is\n%+v, franz-go says\n%+v", name, i, k.all[i], want[i])
		}
	}
	if len(k.all) != len(want) {
		t.Errorf("%s: %d messages, franz-go says %d", name, len(k.all), len(want))
	}
}

func testOpenTransaction(t *testing.T, addr string) {
	topic := newTopic(t, addr, 1, nil)
	plain := kgoClient(t, addr)
	txn := kgoClient(t, addr, kgo.TransactionalID(topic))
	produce(t, plain, &kgo.Record{Topic: topic, Value: []byte("before")})
	if err := txn.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	produce(t, txn, &kgo.Record{Topic: topic, Value: []byte("within")})
	produce(t, plain, &kgo.Record{Topic: topic, Value: []byte("after")})
	k := open(t, newFetcher(t, addr), topic, 0, 0)
	k.toEnd()
	if len(k.all) != 1 || k.next != 1 {
		t.Fatalf("with the transaction open read %+v up to %d", k.all, k.next)
	}
	if err := txn.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	if err := k.until(func(State) bool { return k.next == 4 }); err != nil {
		t.Fatal(err)
	}
	if len(k.all) != 3 || k.all[1].Value != "within" || k.all[2].Value != "after" {
		t.Fatalf("with the transaction committed read %+v", k.all)
	}
}
