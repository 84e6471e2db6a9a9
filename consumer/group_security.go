package consumer

import (
	"context"
	"crypto/tls"
	"fmt"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"
	"github.com/twmb/franz-go/pkg/kgo"
	kgosasl "github.com/twmb/franz-go/pkg/sasl"
)

// Security is how brokers are talked to. The zero value is plain text without
// a user.
type Security struct {
	TLS       *tls.Config    // nil: plain text
	Mechanism sasl.Mechanism // nil: no user; see NewMechanism
}

// NewMechanism returns the SASL mechanism of a name: PLAIN, SCRAM-SHA-256 or
// SCRAM-SHA-512, in any case.
func NewMechanism(name, user, password string) (sasl.Mechanism, error) {
	switch strings.ToUpper(name) {
	case "PLAIN":
		return plain.Mechanism{Username: user, Password: password}, nil
	case "SCRAM-SHA-256":
		return scram.Mechanism(scram.SHA256, user, password)
	case "SCRAM-SHA-512":
		return scram.Mechanism(scram.SHA512, user, password)
	}
	return nil, fmt.Errorf("unknown SASL mechanism %q: use PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512", name)
}

// Transport returns a transport for a Fetcher. It knows of a broker's new
// address after two seconds at the most, and asks about the topics named only.
func (s Security) Transport(topics ...string) *kafka.Transport {
	return &kafka.Transport{
		ClientID: clientID, TLS: s.TLS, SASL: s.Mechanism,
		MetadataTTL: 2 * time.Second, MetadataTopics: topics,
	}
}

// Dialer returns a dialer for group membership.
func (s Security) Dialer() *kafka.Dialer {
	return &kafka.Dialer{
		ClientID: clientID, TLS: s.TLS, SASLMechanism: s.Mechanism,
		Timeout: 5 * time.Second, DualStack: true,
	}
}

// KgoOptions returns the same for a franz-go client. It believes in what it
// knows of topics for a quarter of a second; by default it is 5 s, and whoever
// has just created a topic waits for as long.
func (s Security) KgoOptions() []kgo.Opt {
	opts := []kgo.Opt{kgo.ClientID(clientID), kgo.MetadataMinAge(250 * time.Millisecond)}
	if s.TLS != nil {
		opts = append(opts, kgo.DialTLSConfig(s.TLS))
	}
	if s.Mechanism != nil {
		opts = append(opts, kgo.SASL(kgoMechanism{s.Mechanism}))
	}
	return opts
}

// KgoMechanism returns the user for a franz-go client, nil where there is none.
func (s Security) KgoMechanism() kgosasl.Mechanism {
	if s.Mechanism == nil {
		return nil
	}
	return kgoMechanism{s.Mechanism}
}

// kgoMechanism lets franz-go use a mechanism of kafka-go, so that there is one
// place where users and passwords go in.
type kgoMechanism struct{ sasl.Mechanism }

func (m kgoMechanism) Authenticate(ctx context.Context, _ string) (kgosasl.Session, []byte, error) {
	machine, first, err := m.Start(ctx)
	return kgoSession{ctx, machine}, first, err
}

// kgoSession carries the context of Authenticate, which is that of the session.
type kgoSession struct {
	ctx     context.Context
	machine sasl.StateMachine
}

func (s kgoSession) Challenge(b []byte) (bool, []byte, error) { return s.machine.Next(s.ctx, b) }
