//go:build servers

package publisher_test

import (
	"testing"

	"github.com/tidemark-io/tidemark/internal/testserver"
)

func TestKafka(t *testing.T) {
	suite(t, testserver.StartKafka(t).Addr)
}
