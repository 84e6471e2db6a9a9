package store

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/alicebob/miniredis/v2"
)

func BenchmarkMiniredis(b *testing.B) {
	m := miniredis.RunT(b)
	benchmarkStore(b, Options{Addrs: []string{m.Addr()}, Namespace: "t"})
}

// benchmarkStore measures commits of records of 1 KB with half as many rows of
// 40 bytes, loads of them, and what is polled.
func benchmarkStore(b *testing.B, o Options) {
	s, err := Open(b.Context(), o)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	got, err := s.Claim(b.Context(), 1)
	if err != nil {
		b.Fatal(err)
	}
	t := got.Tenure
	for _, n := range []int{1, 50, 2000} {
		c, keys := benchmarkCommit(n)
		b.Run(fmt.Sprintf("commit/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if t, err = s.Commit(b.Context(), 1, t, c); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/record")
		})
		b.Run(fmt.Sprintf("load/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				values, err := s.Load(b.Context(), 1, t, keys)
				if err != nil || len(values) != n || len(values[n-1]) != 1024 {
					b.Fatalf("%d values, %v", len(values), err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/record")
		})
	}
	b.Run("peek/8", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := s.Peek(b.Context(), []int{0, 1, 2, 3, 4, 5, 6, 7}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("claim", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := s.Claim(b.Context(), 1); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func benchmarkCommit(n int) (*Commit, []string) {
	c := &Commit{Head: everything().Head}
	var keys []string
	for i := range n {
		keys = append(keys, fmt.Sprint("b/", i))
		c.Records = append(c.Records, Field{Name: keys[i], Value: bytes.Repeat([]byte{byte(i)}, 1024)})
	}
	for i := range (n + 1) / 2 {
		c.Cells = append(c.Cells, Field{Name: fmt.Sprintf("d%d|plan=pro", 20_000+i), Value: bytes.Repeat([]byte{1}, 40)})
	}
	return c, keys
}

// BenchmarkEncode is the share of a commit that is ours: what stands between
// MULTI and EXEC, not sent.
func BenchmarkEncode(b *testing.B) {
	s := &Store{keys: keyspace{namespace: "t"}}
	for _, n := range []int{1, 50, 2000} {
		c, _ := benchmarkCommit(n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.encode(b.Context(), 1, Tenure{Owner: "x", Number: 2}, c); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
