//go:build servers

package store

import (
	"testing"

	"github.com/tidemark-io/tidemark/internal/testserver"
)

func BenchmarkRedis(b *testing.B) {
	r := testserver.StartRedis(b)
	benchmarkStore(b, Options{Addrs: []string{r.Addr}, Namespace: "t"})
}

func BenchmarkCluster(b *testing.B) {
	c := testserver.StartRedisCluster(b)
	benchmarkStore(b, Options{Mode: Cluster, Addrs: c.Addrs, Namespace: "t"})
}
