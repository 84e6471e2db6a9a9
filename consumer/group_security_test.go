package consumer

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// SCRAM-SHA-256, which the real broker of the tests does not offer.
func TestScramSHA256(t *testing.T) {
	addr := fakeKafka(t, kfake.SeedTopics(1, "logins"), kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-256", "user", "secret"))
	mechanism, err := NewMechanism("scram-sha-256", "user", "secret")
	if err != nil {
		t.Fatal(err)
	}
	s := Security{Mechanism: mechanism}
	produce(t, kgoClient(t, addr, s.KgoOptions()...), &kgo.Record{Topic: "logins", Value: []byte("v")})
	f := newFetcher(t, addr, func(o *FetcherOptions) { o.Transport = s.Transport() })
	open(t, f, "logins", 0, 0).messages(1)
}

func TestUnknownMechanismIsRefused(t *testing.T) {
	if _, err := NewMechanism("kerberos", "u", "p"); err == nil || !strings.Contains(err.Error(), "SCRAM-SHA-512") {
		t.Errorf("error is %v", err)
	}
}
