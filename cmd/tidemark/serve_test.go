package main

import (
	"testing"

	"github.com/tidemark-io/tidemark/config"
)

func TestMemoryLimit(t *testing.T) {
	const mib = 1 << 20
	for _, tc := range []struct{ cache, queue, want int64 }{
		{256 * mib, 32 * mib, 672 * mib}, // 32 + 2 × (256 + 2 × 32)
		{4 * mib, 4 * mib, 56 * mib},     // 32 + 2 × (4 + 2 × 4)
		{1 * mib, 1 * mib, 56 * mib},     // never less
	} {
		if got := memoryLimit(&config.Config{Cache: tc.cache, Queue: tc.queue}); got != tc.want {
			t.Errorf("cache %d, queue %d: %d bytes, want %d", tc.cache, tc.queue, got, tc.want)
		}
	}
}
