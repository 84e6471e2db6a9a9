//go:build servers

package main

import (
	"testing"

	"github.com/tidemark-io/tidemark/internal/testserver"
)

func TestRepartitionOnKafka(t *testing.T) {
	repartitionSuite(t, testserver.StartKafka(t).Addr)
}
