package consumer

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"testing"

	"github.com/segmentio/kafka-go/protocol/fetch"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// resealAll gives each record batch of a record set the CRC that fits, so that
// the fuzzer reaches what lies behind it.
func resealAll(raw []byte) {
	for len(raw) >= recordsAt {
		size := int(int32(binary.BigEndian.Uint32(raw[8:]))) + logOverhead
		if size < recordsAt || size > len(raw) {
			return
		}
		binary.BigEndian.PutUint32(raw[17:], crc32.Checksum(raw[21:size], castagnoli))
		raw = raw[size:]
	}
}

// FuzzWalk: no record set makes the walk panic, run on for ever, step back, or
// hand out bytes from outside of it.
func FuzzWalk(f *testing.F) {
	for codec := range int16(5) {
		f.Add(written{base: 3, codec: codec, deltas: []int32{0, 2}, last: 4, producer: 9, attrs: txnBit,
			values: [][]byte{[]byte("value"), nil}, headers: []kmsg.Header{{Key: "h", Value: []byte("v")}}}.encode(f), int64(0), int64(9), true)
	}
	f.Add(append(one(1, 9, txnBit).encode(f), marker(2, 9, 0)...), int64(1), int64(9), false)
	f.Fuzz(func(t *testing.T, raw []byte, from, producer int64, honest bool) {
		raw = bytes.Clone(raw)
		if !honest {
			resealAll(raw)
		}
		from = max(0, from)
		n, next, _ := measure(raw, from, 1<<60)
		if n < 0 || n > len(raw) || next < from {
			t.Fatalf("measured %d of %d bytes, from %d to %d", n, len(raw), from, next)
		}
		const guard = 64
		block := newBlock(n + guard)
		copy(block.buf, raw[:n])
		for i := range guard {
			block.buf[n+i] = 0xee
		}
		c := &chunk{block: block, left: block.buf[:n:n], from: from, aborted: []abortedTxn{{producer, from}}}
		last := from - 1
		for len(c.left) > 0 {
			b := newBatch("t", 0)
			if err := c.fill(b, limits{messages: 10, bytes: 1000, expanded: 1 << 16}); err != nil {
				if len(b.Messages) != 0 {
					t.Fatalf("%d messages with error %v", len(b.Messages), err)
				}
				b.Release()
				break
			}
			for _, m := range b.Messages {
				if m.Offset <= last || m.Offset >= b.Next {
					t.Fatalf("offset %d after %d, next is %d", m.Offset, last, b.Next)
				}
				last = m.Offset
				for _, s := range [][]byte{m.Key, m.Value} {
					if cap(s) != len(s) {
						t.Fatal("a slice reaches into what follows it")
					}
				}
			}
			last = max(last, b.Next-1)
			b.Release()
		}
		block.release()
	})
}

// FuzzAnswer: no answer of a broker makes the reader of answers panic or read
// beyond the answer's end.
func FuzzAnswer(f *testing.F) {
	for _, version := range []int16{4, 5, 7, 11} {
		resp := kmsg.NewPtrFetchResponse()
		resp.Version = version
		rt, rp := kmsg.NewFetchResponseTopic(), kmsg.NewFetchResponseTopicPartition()
		rt.Topic, rp.HighWatermark, rp.LastStableOffset = "logins", 1, 1
		rp.AbortedTransactions = append(rp.AbortedTransactions, kmsg.NewFetchResponseTopicPartitionAbortedTransaction())
		rp.RecordBatches = one(0, -1, 0).encode(f)
		rt.Partitions = append(rt.Partitions, rp)
		resp.Topics = append(resp.Topics, rt)
		f.Add(version, append([]byte{0, 0, 0, 0}, resp.AppendTo(nil)...))
	}
	f.Fuzz(func(t *testing.T, version int16, body []byte) {
		if len(body) > 1<<20 {
			return
		}
		version = max(oldestFetch, min(version, newestFetch))
		const trailer = "next answer"
		raw := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
		rd := bytes.NewReader(append(append(raw, body...), trailer...))
		req := &fetchRequest{version: version, Request: fetch.Request{Topics: []fetch.RequestTopic{{Topic: "logins"}}}}
		err := req.read(rd)
		if rd.Len() < len(trailer) {
			t.Fatalf("%d bytes behind the answer were read", len(trailer)-rd.Len())
		}
		if err == nil && rd.Len() != len(trailer) {
			t.Fatalf("%d bytes of the answer were left", rd.Len()-len(trailer))
		}
		for i := range req.reply {
			req.reply[i].drop()
		}
	})
}
