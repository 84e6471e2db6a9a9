//go:build linux

package bounded

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/internal/endtoend"
)

// TestLargestMessages: messages of 1 MiB, the largest that the topic takes. Half
// of them go to the dead-letter topic, whole.
func TestLargestMessages(t *testing.T) {
	const size, each = mib, 100
	p := newPlant(t, sizes{cache: 8 * mib, queue: 4 * mib, message: size + kib}, "")
	r := rand.New(rand.NewPCG(1, 2))
	noise := letters(r, size)
	key := []byte("acme")
	sent := map[string]bool{}
	for i := range each {
		e := event.Event{Kind: event.Login, Customer: key, User: []byte("u"), Source: []byte("app"), ID: fmt.Appendf(nil, "%d", i),
			Time: begin + int64(i)*day/24}
		value := e.Append(nil)
		p.sendRaw(key, pad(value, noise[:size-len(value)-len(`,"extra":""`)]))
		p.flush() // or two of them would be one record batch
		garbage := fmt.Appendf(nil, `{"garbage %d":"`, i)
		garbage = append(garbage, noise[:size-len(garbage)]...)
		sent[string(garbage)] = true
		p.sendRaw(key, garbage)
		p.flush()
	}
	// What is larger than that never gets into the log: its producer is told.
	tooLarge := &kgo.Record{Topic: p.Inputs()[0], Key: key, Value: letters(r, size+kib)}
	if err := p.input.ProduceSync(t.Context(), tooLarge).FirstErr(); !errors.Is(err, kerr.MessageTooLarge) {
		t.Fatalf("a message of %d bytes: %v, want %v", len(tooLarge.Value), err, kerr.MessageTooLarge)
	}
	p.start()
	c := p.atRest()
	if c["applied"] != each || c["dead_letter/not_json"] != each {
		t.Errorf("counted %v, want %d applied and as many not JSON", c, each)
	}
	// A commit comes before what it publishes.
	var notes map[string]endtoend.Note
	p.wait(fmt.Sprintf("%d copies on the dead-letter topic", each), func(ctx context.Context) (err error) {
		if notes, err = p.ReadNotes(ctx, p.Settings.Kafka.Outputs.DeadLetter); err == nil && len(notes) < each {
			err = fmt.Errorf("%d are there", len(notes))
		}
		return err
	})
	p.holds(sizes{queue: size})
	for _, n := range notes {
		if !sent[string(n.Record.Value)] {
			t.Errorf("the copy of %s is of %d bytes that were not sent", n.Origin, len(n.Record.Value))
		}
		delete(sent, string(n.Record.Value))
	}
	if len(notes) != each || len(sent) != 0 {
		t.Errorf("%d copies, want %d; %d messages have none", len(notes), each, len(sent))
	}
}
