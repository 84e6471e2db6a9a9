package publisher_test

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
)

func startKfake(t testing.TB) (*kfake.Cluster, string) {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, c.ListenAddrs()[0]
}

func TestKfake(t *testing.T) {
	_, addr := startKfake(t)
	suite(t, addr)
}
