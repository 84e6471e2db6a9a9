package consumer

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// noise returns n bytes that don't compress.
func noise(n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{1})
	_, _ = r.Read(b) // never fails
	return b
}

func testLargeMessages(t *testing.T, addr string) {
	const partitions, each, size = 3, 4, 990_000
	topic := newTopic(t, addr, partitions, nil)
	c := kgoClient(t, addr, kgo.ProducerBatchCompression(kgo.NoCompression()))
	for p := range int32(partitions) {
		for range each {
			produce(t, c, &kgo.Record{Topic: topic, Partition: p, Value: noise(size)})
		}
	}
	f := newFetcher(t, addr, func(o *FetcherOptions) { o.PartitionMaxBytes, o.MaxBytes, o.QueueBytes = 100, 100, 100 })
	var takers []*taker
	for p := range partitions {
		takers = append(takers, open(t, f, topic, p, 0))
	}
	for p, k := range takers {
		k.toEnd()
		if len(k.all) != each || len(k.all[each-1].Value) != size {
			t.Errorf("partition %d: %d messages", p, len(k.all))
		}
	}
}

func testOutOfRange(t *testing.T, addr string) {
	topic := newTopic(t, addr, 1, nil)
	c := kgoClient(t, addr)
	for range 5 {
		produce(t, c, &kgo.Record{Topic: topic, Value: []byte("v")})
	}
	offsets := make(kadm.Offsets)
	offsets.Add(kadm.Offset{Topic: topic, At: 3})
	if _, err := admin(t, addr).DeleteRecords(t.Context(), offsets); err != nil {
		t.Fatal(err)
	}
	for _, at := range []int64{2, 6} {
		f := newFetcher(t, addr)
		err := open(t, f, topic, 0, at).failure()
		want := OffsetOutOfRange{Topic: topic, Offset: at, Start: 3, End: 5}
		var e *OffsetOutOfRange
		if !errors.As(err, &e) || *e != want {
			t.Errorf("at offset %d the error is %+v, should be %+v", at, err, want)
		}
		if _, err := f.ReadAt(t.Context(), topic, 0, at); !errors.As(err, &e) || *e != want {
			t.Errorf("ReadAt offset %d: the error is %+v, should be %+v", at, err, want)
		}
	}
	// Both ends of the log are inside.
	for _, at := range []int64{3, 5} {
		k := open(t, newFetcher(t, addr), topic, 0, at)
		k.toEnd()
		if len(k.all) != int(5-at) {
			t.Errorf("from offset %d: %d messages", at, len(k.all))
		}
	}
}

// produceBacklog writes n messages of size bytes to each partition, uncompressed.
func produceBacklog(t testing.TB, addr, topic string, partitions, n, size int) {
	t.Helper()
	c := kgoClient(t, addr, kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.ProducerBatchMaxBytes(64<<10),
		kgo.MaxBufferedRecords(1<<20))
	failed := make(chan error, 1)
	for i := range n {
		for p := range partitions {
			value := append(fmt.Appendf(nil, "%d ", i), noise(size)...)
			c.Produce(t.Context(), &kgo.Record{Topic: topic, Partition: int32(p), Value: value}, func(_ *kgo.Record, err error) {
				if err != nil {
					select {
					case failed <- err:
					default:
					}
				}
			})
		}
	}
	if err := c.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-failed:
		t.Fatal(err)
	default:
	}
}

func testBounded(t *testing.T, addr string) {
	const partitions, n, size, queue = 4, 3000, 2000, 1 << 20 // 24 MB in all
	topic := newTopic(t, addr, partitions, nil)
	produceBacklog(t, addr, topic, partitions, n, size)
	f := newFetcher(t, addr, func(o *FetcherOptions) { o.QueueBytes = queue })
	var takers []*taker
	for p := range partitions {
		takers = append(takers, open(t, f, topic, p, 0))
	}
	// Without any taker the queues fill up and stop.
	full := int64(0)
	waitFor(t, "queues to fill up", func() bool {
		full = f.QueuedBytes()
		return full > queue/2
	})
	most := int64(0)
	for i := 0; len(takers[0].all)+len(takers[1].all)+len(takers[2].all)+len(takers[3].all) < partitions*n; i++ {
		k := takers[i%partitions]
		if _, state := k.s.Head(); state == Ready {
			k.take()
		}
		most = max(most, f.QueuedBytes())
		if i > 1e8 {
			t.Fatal("no end")
		}
	}
	// 64 KiB a stream more, and blocks are up to an eighth larger than what is in them.
	if bound := int64(queue+partitions*reserveBytes) * 9 / 8; most > bound {
		t.Errorf("%d bytes were queued, %d is the bound", most, bound)
	}
	for p, k := range takers {
		for i, m := range k.all {
			if m.Offset != int64(i) || m.Value[:len(fmt.Sprint(i))] != fmt.Sprint(i) {
				t.Fatalf("partition %d: message %d is at offset %d", p, i, m.Offset)
			}
		}
		k.toEnd()
	}
	if q := f.QueuedBytes(); q != 0 {
		t.Errorf("%d bytes are queued at the end", q)
	}
}

// waitFor waits for a condition that nothing announces.
func waitFor(t testing.TB, what string, condition func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for !condition() {
		if err := wait(ctx, 5*time.Millisecond); err != nil {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// A queue that nobody takes from neither stops its neighbours nor is forgotten
// in their long polls, which last longer here than the test has patience.
func testFullNeighbour(t *testing.T, addr string) {
	topic := newTopic(t, addr, 2, nil)
	produceBacklog(t, addr, topic, 1, 1000, 2000)
	f := newFetcher(t, addr, func(o *FetcherOptions) { o.QueueBytes, o.MaxWait = 512<<10, 2*patience })
	full, quiet := open(t, f, topic, 0, 0), open(t, f, topic, 1, 0)
	waitFor(t, "the queue to fill up", func() bool { return f.QueuedBytes() > 64<<10 })
	quiet.toEnd()
	produce(t, kgoClient(t, addr), &kgo.Record{Topic: topic, Partition: 1, Value: []byte("v")})
	quiet.messages(1)
	full.messages(1000)
	full.toEnd()
}

// The long poll lasts longer than the test has patience: only the message ends
// it. (One stream: a second one might have to wait for the first one's poll.)
func testWoken(t *testing.T, addr string) {
	topic := newTopic(t, addr, 1, nil)
	k := open(t, newFetcher(t, addr, func(o *FetcherOptions) { o.MaxWait = 2 * patience }), topic, 0, 0)
	k.toEnd()
	c := kgoClient(t, addr)
	for i := range 5 {
		produce(t, c, &kgo.Record{Topic: topic, Value: []byte("v")})
		k.messages(i + 1)
	}
}

func testReadAt(t *testing.T, addr string) {
	topic := newTopic(t, addr, 1, nil)
	c := kgoClient(t, addr)
	values := []*kgo.Record{{Topic: topic, Value: []byte("a")}, {Topic: topic, Value: []byte("b")}, {Topic: topic, Value: []byte("c")}}
	produce(t, c, values...)
	produce(t, c, &kgo.Record{Topic: topic, Value: []byte("d")})
	f := newFetcher(t, addr)
	k := open(t, f, topic, 0, 0)
	if err := k.until(func(s State) bool { return s == Ready }); err != nil {
		t.Fatal(err)
	}
	batch := k.s.Take() // both record batches
	if batch.Next != 4 {
		t.Fatalf("batch ends at %d", batch.Next)
	}
	for at, want := range map[int64]string{0: "abc", 1: "bc", 2: "c", 3: "d"} {
		b, err := f.ReadAt(t.Context(), topic, 0, at)
		if err != nil {
			t.Fatal(err)
		}
		values := ""
		for _, m := range b.Messages {
			values += string(m.Value)
		}
		if values != want {
			t.Errorf("at offset %d: %q, should be %q", at, values, want)
		}
		if same := b.CRC == batch.CRC && b.LastTimestamp == batch.LastTimestamp; same != (at == 3) {
			t.Errorf("at offset %d: CRC %08x, that of the last record batch is %08x", at, b.CRC, batch.CRC)
		}
		b.Release()
	}
	batch.Release()
	if _, err := f.ReadAt(t.Context(), topic, 0, 4); !errors.Is(err, ErrNothingThere) {
		t.Errorf("behind the end: %v", err)
	}
}

// Each topic-partition with an empty queue has its turn at the first place,
// where even a message larger than what is asked for gets through.
func TestEachIsFirstInTurn(t *testing.T) {
	var l loop
	streams := []*Stream{{partition: 0}, {partition: 1}, {partition: 2}, {partition: 3}}
	first := make(map[int]int)
	for range 30 {
		asks := []ask{{s: streams[0], class: filling}, {s: streams[1]}, {s: streams[2]}, {s: streams[3]}}
		l.order(asks)
		first[asks[0].s.partition]++
		if asks[3].s != streams[0] {
			t.Fatalf("partition %d comes last, not the one that has something queued", asks[3].s.partition)
		}
	}
	for p := 1; p <= 3; p++ {
		if first[p] == 0 {
			t.Errorf("partition %d is never first: %v", p, first)
		}
	}
}
