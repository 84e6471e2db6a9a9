package consumer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"
)

// written is a record batch as a test wants it written. franz-go's encoder,
// which shares nothing with our reader, does so.
type written struct {
	base     int64
	attrs    int16 // without the codec
	codec    int16
	time     int64
	producer int64
	deltas   []int32 // offsets of the records that compaction has left
	last     int32
	values   [][]byte // nil: null
	headers  []kmsg.Header
}

var compressors = map[int16]kgo.CompressionCodec{
	codecGzip: kgo.GzipCompression(), codecSnappy: kgo.SnappyCompression(),
	codecLZ4: kgo.Lz4Compression(), codecZstd: kgo.ZstdCompression(),
}

func (w written) encode(t testing.TB) []byte {
	t.Helper()
	var records []byte
	for i, delta := range w.deltas {
		r := kmsg.Record{
			TimestampDelta64: int64(i), OffsetDelta: delta,
			Key: fmt.Appendf(nil, "k%d", w.base+int64(delta)), Value: w.values[i], Headers: w.headers,
		}
		r.Length = int32(len(r.AppendTo(nil)) - 1) // without the length itself, of one byte as 0
		records = r.AppendTo(records)
	}
	if w.codec != 0 {
		c, err := kgo.DefaultCompressor(compressors[w.codec])
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		packed, codec := c.Compress(&out, records)
		if int16(codec) != w.codec {
			t.Fatalf("compressed with codec %d, not %d", codec, w.codec)
		}
		records = bytes.Clone(packed)
	}
	return seal(kmsg.RecordBatch{
		FirstOffset: w.base, PartitionLeaderEpoch: 1, Magic: 2, Attributes: w.attrs | w.codec,
		LastOffsetDelta: w.last, FirstTimestamp: w.time, MaxTimestamp: w.time + int64(len(w.deltas)),
		ProducerID: w.producer, ProducerEpoch: 0, FirstSequence: 0,
		NumRecords: int32(len(w.deltas)), Records: records,
	})
}

// seal fills in length and CRC.
func seal(b kmsg.RecordBatch) []byte {
	b.Length = int32(len(b.AppendTo(nil)) - 12)
	raw := b.AppendTo(nil)
	binary.BigEndian.PutUint32(raw[17:], crc32.Checksum(raw[21:], crc32.MakeTable(crc32.Castagnoli)))
	return raw
}

// marker is a control batch that ends a transaction.
func marker(base, producer int64, kind byte) []byte {
	r := kmsg.Record{Key: []byte{0, 0, 0, kind}, Value: []byte{0, 0, 0, 0, 0, 0}}
	r.Length = int32(len(r.AppendTo(nil)) - 1)
	return seal(kmsg.RecordBatch{
		FirstOffset: base, Magic: 2, Attributes: txnBit | controlBit, ProducerID: producer,
		NumRecords: 1, Records: r.AppendTo(nil),
	})
}

func drawBatch(t *rapid.T, base int64) written {
	w := written{
		base: base, codec: int16(rapid.IntRange(0, 4).Draw(t, "codec")),
		time: rapid.Int64Range(0, 1<<41).Draw(t, "time"), producer: -1,
		attrs: rapid.SampledFrom([]int16{0, appendTimeBit}).Draw(t, "attributes"),
	}
	n := rapid.IntRange(0, 30).Draw(t, "offsets")
	w.last = int32(n)
	for delta := range int32(n + 1) {
		if rapid.IntRange(0, 9).Draw(t, "compacted") == 0 {
			continue
		}
		w.deltas = append(w.deltas, delta)
		value := rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "value")
		if rapid.Bool().Draw(t, "tombstone") {
			value = nil
		}
		w.values = append(w.values, value)
	}
	if rapid.Bool().Draw(t, "headers") {
		w.headers = []kmsg.Header{{Key: "h", Value: []byte("v")}, {Key: "", Value: nil}}
	}
	return w
}

// fillAll takes everything that a record set holds from an offset on.
func fillAll(t interface{ Fatal(...any) }, raw []byte, from, stable int64, aborted []abortedTxn, lim limits) (all []got, next int64) {
	n, next, err := measure(raw, from, stable)
	if err != nil {
		t.Fatal(err)
	}
	block := newBlock(len(raw))
	copy(block.buf, raw)
	c := &chunk{block: block, left: block.buf[:n], from: from, aborted: aborted}
	at := from
	for len(c.left) > 0 {
		b := newBatch("t", 0)
		if err := c.fill(b, lim); err != nil {
			t.Fatal(err)
		}
		if b.First != at || b.Next < at {
			t.Fatal("batch from ", b.First, " to ", b.Next, " after ", at)
		}
		at = b.Next
		for i := range b.Messages {
			all = append(all, keep(&b.Messages[i]))
		}
		b.Release()
	}
	if at != next {
		t.Fatal("measured up to ", next, ", read up to ", at)
	}
	block.release()
	return all, next
}

// Whatever franz-go encodes, in whatever portions it is taken, comes back.
func TestWalkReadsWhatWasEncoded(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		base := rapid.Int64Range(0, 1<<40).Draw(rt, "base")
		start := base
		var raw []byte
		var want []got
		for range rapid.IntRange(1, 6).Draw(rt, "batches") {
			base += rapid.Int64Range(0, 3).Draw(rt, "gap")
			w := drawBatch(rt, base)
			raw = append(raw, w.encode(t)...)
			for i, delta := range w.deltas {
				g := got{
					Offset: base + int64(delta), Timestamp: w.time + int64(i), Key: fmt.Sprint("k", base+int64(delta)),
					Value: string(w.values[i]), NilValue: w.values[i] == nil,
				}
				if w.attrs&appendTimeBit != 0 {
					g.Timestamp = w.time + int64(len(w.deltas))
				}
				if w.headers != nil {
					g.Headers = "h=v;=;"
				}
				want = append(want, g)
			}
			base += int64(w.last) + 1
		}
		from := rapid.Int64Range(start, base-1).Draw(rt, "from")
		for len(want) > 0 && want[0].Offset < from {
			want = want[1:]
		}
		cut := rapid.IntRange(0, recordsAt-1).Draw(rt, "cut off") // the beginning of one more
		lim := limits{
			messages: rapid.SampledFrom([]int{0, 1, 10, 1000}).Draw(rt, "messages"),
			bytes:    rapid.SampledFrom([]int{0, 100, 1 << 20}).Draw(rt, "bytes"), expanded: 1 << 20,
		}
		all, next := fillAll(rt, append(raw, raw[:cut]...), from, base, nil, lim)
		if next != base {
			rt.Fatalf("ended at %d, should be %d", next, base)
		}
		if len(all) != len(want) {
			rt.Fatalf("%d messages, should be %d", len(all), len(want))
		}
		for i := range want {
			if all[i] != want[i] {
				rt.Fatalf("message %d is\n%+v, should be\n%+v", i, all[i], want[i])
			}
		}
	})
}

func one(base, producer int64, attrs int16) written {
	return written{base: base, producer: producer, attrs: attrs, deltas: []int32{0}, values: [][]byte{[]byte("v")}}
}

// offsets: 0 plain, 1 txn of A, 2 txn of B, 3 A aborted, 4 txn of A, 5 B committed,
// 6 A committed, 7 plain, 8 txn of B, 9 B aborted, 10 plain.
func TestWalkSkipsAbortedTransactions(t *testing.T) {
	const a, b = 7, 8
	var raw []byte
	for _, r := range [][]byte{
		one(0, -1, 0).encode(t), one(1, a, txnBit).encode(t), one(2, b, txnBit).encode(t), marker(3, a, 0),
		one(4, a, txnBit).encode(t), marker(5, b, 1), marker(6, a, 1), one(7, -1, 0).encode(t),
		one(8, b, txnBit).encode(t), marker(9, b, 0), one(10, -1, 0).encode(t),
	} {
		raw = append(raw, r...)
	}
	for _, c := range []struct {
		from, stable int64
		want         string
		next         int64
	}{
		{0, 11, "[0 2 4 7 10]", 11},
		{3, 11, "[4 7 10]", 11},
		{0, 10, "[0 2 4 7]", 10}, // nothing behind the last stable offset
		{0, 2, "[0]", 2},
		{0, 0, "[]", 0},
	} {
		all, next := fillAll(t, raw, c.from, c.stable, []abortedTxn{{a, 1}, {b, 8}}, limits{messages: 3, bytes: 1 << 20, expanded: 1 << 20})
		offsets := []int64{}
		for _, m := range all {
			offsets = append(offsets, m.Offset)
		}
		if fmt.Sprint(offsets) != c.want || next != c.next {
			t.Errorf("from %d below %d: offsets %v up to %d, should be %s up to %d", c.from, c.stable, offsets, next, c.want, c.next)
		}
	}
}

// One chunk, read batch by batch, remembers which transactions are being aborted.
func TestWalkRemembersAbortedTransactionsBetweenBatches(t *testing.T) {
	raw := append(one(0, 5, txnBit).encode(t), one(1, 5, txnBit).encode(t)...)
	raw = append(raw, marker(2, 5, 0)...)
	all, next := fillAll(t, raw, 0, 3, []abortedTxn{{5, 0}}, limits{})
	if len(all) != 0 || next != 3 {
		t.Errorf("read %+v up to %d", all, next)
	}
}

func TestWalkRefusesWhatIsBroken(t *testing.T) {
	good := one(5, -1, 0).encode(t)
	change := func(at int, to byte) []byte {
		b := bytes.Clone(good)
		b[at] = to
		return b
	}
	reseal := func(b []byte) []byte {
		binary.BigEndian.PutUint32(b[17:], crc32.Checksum(b[21:], crc32.MakeTable(crc32.Castagnoli)))
		return b
	}
	bomb := written{codec: codecZstd, deltas: []int32{0}, values: [][]byte{make([]byte, 1<<20)}, producer: -1}.encode(t)
	for name, c := range map[string]struct {
		raw  []byte
		want error
	}{
		"flipped byte of a value":     {change(len(good)-2, 'w'), errFormat},
		"flipped byte of the head":    {change(30, 1), errFormat},
		"format 1":                    {change(16, 1), ErrOldFormat},
		"format 0":                    {change(16, 0), ErrOldFormat},
		"format of days to come":      {change(16, 3), errFormat},
		"negative base offset":        {change(0, 0x80), errFormat},
		"more records than offsets":   {change(60, 2), errFormat},
		"record longer than its set":  {reseal(change(61, 0x7e)), errFormat},
		"record shorter than it is":   {reseal(change(61, 0x10)), errFormat},
		"record offset beyond last":   {reseal(change(64, 0x02)), errFormat},
		"header count beyond the end": {reseal(change(len(good)-1, 0x7e)), errFormat},
		"unknown compression":         {reseal(change(22, 5)), errFormat},
		"not what the codec says":     {reseal(change(22, codecGzip)), errFormat},
		"expands too far":             {bomb, errExpanded},
	} {
		err := func() error {
			n, _, err := measure(c.raw, 0, 1<<40)
			if err != nil {
				return err
			}
			chunk := &chunk{block: newBlock(0), left: c.raw[:n]}
			b := newBatch("t", 0)
			defer b.Release()
			err = chunk.fill(b, limits{messages: 1, bytes: 1, expanded: 1000})
			if len(b.Messages) > 0 {
				t.Errorf("%s: %d messages came out", name, len(b.Messages))
			}
			return err
		}()
		if !errors.Is(err, c.want) {
			t.Errorf("%s: error is %v, should be %v", name, err, c.want)
		}
	}
}

// What lies before a broken record batch is handed out first.
func TestWalkHandsOutWhatIsGoodFirst(t *testing.T) {
	bad := one(1, -1, 0).encode(t)
	bad[len(bad)-2] = 'w'
	block := newBlock(0)
	c := &chunk{block: block, left: append(one(0, -1, 0).encode(t), bad...)}
	b := newBatch("t", 0)
	lim := limits{messages: 10, bytes: 1000, expanded: 1000}
	if err := c.fill(b, lim); err != nil || len(b.Messages) != 1 || b.Next != 1 {
		t.Errorf("%d messages up to %d, error %v", len(b.Messages), b.Next, err)
	}
	if err := c.fill(newBatch("t", 0), lim); !errors.Is(err, errFormat) {
		t.Errorf("then the error is %v", err)
	}
}
