//go:build servers

package ingest

import (
	"testing"

	"github.com/tidemark-io/tidemark/internal/testserver"
)

func TestSendToKafka(t *testing.T) {
	sendSuite(t, testserver.StartKafka(t).Addr)
}
