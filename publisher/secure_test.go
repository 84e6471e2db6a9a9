//go:build servers

package publisher_test

import (
	"testing"

	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/tidemark-io/tidemark/internal/testserver"
	"github.com/tidemark-io/tidemark/publisher"
)

// The whole of it over TLS with a password, and not with a wrong one.
func TestKafkaSecure(t *testing.T) {
	k := testserver.StartKafkaSecure(t)
	trust, err := k.Certificates.TLS()
	if err != nil {
		t.Fatal(err)
	}
	for name, auth := range map[string]func(password string) sasl.Mechanism{
		"SCRAM-SHA-512": func(password string) sasl.Mechanism {
			return scram.Auth{User: k.User, Pass: password}.AsSha512Mechanism()
		},
		"PLAIN": func(password string) sasl.Mechanism {
			return plain.Auth{User: k.User, Pass: password}.AsMechanism()
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTopics(t, k.Addr)
			o := w.options()
			o.Brokers, o.TLS, o.SASL = []string{k.SecureAddr}, trust, auth(k.Password)
			p, err := publisher.Open(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			publish(t, p, at(1, alert(true, "r", "a")))
			if err := p.Look(t.Context()); err != nil {
				t.Error(err)
			}
			w.hasSaid(t, "r|a#1 firing")

			o.SASL = auth("guess")
			if p, err := publisher.Open(t.Context(), o); err == nil {
				p.Close()
				t.Error("opened with a wrong password")
			}
		})
	}
}
