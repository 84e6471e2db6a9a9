//go:build servers

package endtoend_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/internal/endtoend"
)

// bad is a message that doesn't count, and what becomes of it.
type bad struct {
	name   string
	record *kgo.Record
	to     string // dead_letter, late, ignored, duplicate, applied
	reason string // of the copy and the counter; of ignored ones the type
}

func dead(name, reason string, r *kgo.Record) bad { return bad{name, r, "dead_letter", reason} }

// lines are the messages that are bad by themselves; some that look so and count.
func lines(s *scene) []bad {
	purchase := func(data string) *kgo.Record { return cloud("purchase", "acme", on(0), data) }
	survey := func(data string) *kgo.Record { return cloud("survey", "acme", on(0), data) }
	without := func(attribute string) *kgo.Record {
		r := login("acme", 0)
		var kept []string
		for part := range strings.SplitSeq(strings.Trim(string(r.Value), "{}"), ",") {
			if !strings.HasPrefix(part, `"`+attribute+`"`) {
				kept = append(kept, part)
			}
		}
		return raw("acme", "{"+strings.Join(kept, ",")+"}")
	}
	elsewhere := login("acme", 0)
	elsewhere.Partition = int32(1 - s.PartitionOf(elsewhere.Key))
	stranger := login("acme", 0)
	stranger.Key = []byte("globex")
	tombstone := raw("acme", "")
	tombstone.Value = nil
	binary := raw("acme", "")
	for _, h := range []string{"specversion=1.0", "type=login", "source=test", "id=binary", "time=" + on(0), "subject=acme"} {
		name, value, _ := strings.Cut(h, "=")
		binary.Headers = append(binary.Headers, kgo.RecordHeader{Key: "ce_" + name, Value: []byte(value)})
	}
	return []bad{
		dead("not JSON", "not_json", raw("acme", "login acme")),
		dead("a batch", "not_json", raw("acme", "["+string(login("acme", 0).Value)+"]")),
		dead("a tombstone", "not_json", tombstone),
		dead("not UTF-8", "not_utf8", raw("acme", strings.Replace(string(login("acme", 0).Value), `"test"`, "\"\xff\"", 1))),
		dead("wrong type", "wrong_type", raw("acme", strings.Replace(string(login("acme", 0).Value), `"test"`, "5", 1))),
		dead("no id", "missing_id", without("id")),
		dead("no source", "missing_source", without("source")),
		dead("no type", "missing_type", without("type")),
		dead("no time", "missing_time", without("time")),
		dead("no subject", "missing_subject", without("subject")),
		dead("no date", "bad_time", cloud("login", "acme", "yesterday", "")),
		dead("a date never set", "bad_time", cloud("login", "acme", "1970-01-01T00:00:00Z", "")),
		dead("more money than there is", "bad_amount", purchase(`{"amount":"10000000000000.01","currency":"USD"}`)),
		dead("amount with a comma", "bad_amount", purchase(`{"amount":"12,50","currency":"USD"}`)),
		dead("no amount", "missing_field", purchase(`{"currency":"USD"}`)),
		dead("currency that is none", "unknown_currency", purchase(`{"amount":"1","currency":"XXQ"}`)),
		dead("interval that is none", "bad_interval", purchase(`{"amount":"1","interval":"fortnight"}`)),
		dead("interval of 13 months", "interval_not_representable", purchase(`{"amount":"1","interval":"month","interval_count":13}`)),
		dead("score of 11", "score_outside_scale", survey(`{"kind":"nps","score":11}`)),
		dead("survey of no kind", "unknown_survey_kind", survey(`{"kind":"mood","score":1}`)),
		dead("a long customer", "attribute_too_long", login(strings.Repeat("x", 300), 0)),
		dead("years ahead", "too_far_ahead", cloud("login", "acme", "2199-01-01T00:00:00Z", "")),
		dead("on another's partition", "key_mismatch", elsewhere),
		dead("under another's key", "key_mismatch", stranger),
		{"of no type of ours", cloud("page_view", "acme", on(0), ""), "ignored", "page_view"},
		{"in binary mode", binary, "applied", ""},
		{"a subscription", cloud("purchase", "globex", on(0), `{"amount":"5","currency":"USD","interval":"month"}`), "applied", ""},
		{"which ends with the calendar", cloud("cancellation", "globex", on(0), `{"effective":"9999-12-31T23:59:59Z"}`), "applied", ""},
		{"amount as a number", purchase(`{"amount":12.50,"currency":"USD"}`), "applied", ""},
	}
}

// TestBadInput: each message that cannot be applied arrives where the table of
// docs/events.md says, with its reason, unchanged and counted, and what comes
// after it is applied.
func TestBadInput(t *testing.T) {
	s := open(t, servers{}, endtoend.Options{Lines: "horizon: 5d\n"})
	w := s.ready()
	want := endtoend.Counters{}
	feed := func(to, reason string, r *kgo.Record) {
		s.feed(r)
		if want["read"]++; reason != "" {
			to += "/" + reason
		}
		want[to]++
	}
	s.feed(logins("first", 6, 0)...)
	want["read"], want["applied"] = 6, 6
	table := lines(s)
	for _, b := range table {
		feed(b.to, b.reason, b.record)
		feed("applied", "", login("after "+b.name, 0))
	}
	again := login("twice", 0)
	feed("applied", "", again)
	feed("duplicate", "", raw("twice", string(again.Value)))
	orphans := []bad{
		{"refund of nothing", cloud("purchase", "orphan", on(0), `{"refund_of":"o1","amount":"5","currency":"USD"}`), "late", "unknown_target"},
		{"cancellation of nothing", cloud("cancellation", "orphan", on(0), `{"subscription":"none"}`), "late", "unknown_target"},
	}
	for _, b := range orphans {
		feed("applied", "", b.record) // expired, when its day freezes
	}
	s.feed(logins("later", 6, 12)...)
	want["read"], want["applied"] = want["read"]+6, want["applied"]+6
	s.rest()
	old := bad{"older than the horizon", login("acme", 0), "late", "beyond_horizon"}
	feed("late", "beyond_horizon", old.record)
	want["expired"] = 2
	s.rest()

	s.compareNotes(append(append(table, orphans...), old))
	if got := s.counters(); !maps.Equal(got, want) {
		t.Errorf("counters are\n%s, want\n%s", got, want)
	}
	s.must(s.Audit(s.ctx))
	_, metrics, err := w.Get(s.ctx, "/metrics")
	s.must(err)
	for _, b := range table {
		if b.to == "dead_letter" && !strings.Contains(metrics, fmt.Sprintf(`outcome="dead_letter",reason=%q`, b.reason)) {
			t.Errorf("%s: no metric with reason %s", b.name, b.reason)
		}
	}
	s.end(w)
	s.compareNotes(append(append(table, orphans...), old))
}

// compareNotes waits for the copies of what is on its way to a topic, and holds
// them against their messages; there must be no other.
func (s *scene) compareNotes(table []bad) {
	s.t.Helper()
	outputs := s.Settings.Kafka.Outputs
	for to, topic := range map[string]string{"late": outputs.Late, "dead_letter": outputs.DeadLetter} {
		want := map[string]bad{}
		for _, b := range table {
			if b.to == to {
				want[endtoend.Position(b.record.Topic, b.record.Partition, b.record.Offset)] = b
			}
		}
		var notes map[string]endtoend.Note
		s.must(endtoend.Eventually(s.ctx, func() (err error) {
			if notes, err = s.ReadNotes(s.ctx, topic); err == nil && len(notes) < len(want) {
				err = fmt.Errorf("%d of %d copies are on %s", len(notes), len(want), topic)
			}
			return err
		}))
		for at, n := range notes {
			b, ok := want[at]
			if !ok {
				s.t.Errorf("%s is on %s as %s", at, topic, n.Reason)
				continue
			}
			if n.Reason != b.reason {
				s.t.Errorf("%s is on %s as %s, want %s", b.name, topic, n.Reason, b.reason)
			}
			if err := n.CopyOf(b.record); err != nil {
				s.t.Errorf("%s: %v", b.name, err)
			}
		}
	}
}

// TestUnknownTypesAsDeadLetters: by configuration.
func TestUnknownTypesAsDeadLetters(t *testing.T) {
	s := open(t, servers{}, endtoend.Options{Lines: "unknown_type: dead_letter\n"})
	s.ready()
	view := bad{"page view", cloud("page_view", "acme", on(0), ""), "dead_letter", "unknown_type"}
	s.feed(view.record, login("acme", 0))
	s.rest()
	s.compareNotes([]bad{view})
	if c := s.counters(); c["dead_letter/unknown_type"] != 1 || c["applied"] != 1 {
		t.Error(c)
	}
}

// TestUnboundedTypes: types that nobody has heard of don't make labels without end.
func TestUnboundedTypes(t *testing.T) {
	s := open(t, servers{}, endtoend.Options{Partitions: 1})
	s.ready()
	const types = 300
	for i := range types {
		s.feed(cloud(fmt.Sprintf("type%d", i), "acme", on(0), ""))
	}
	s.rest()
	c := s.counters()
	if c.Of("ignored") != types || len(c) > 60 || c["ignored/other"] == 0 {
		t.Errorf("%d labels: %s", len(c), c)
	}
}

// TestKeysOfAnotherPartitioner: beyond 0.1 % and 100 messages the shard stops
// and says how to repartition.
func TestKeysOfAnotherPartitioner(t *testing.T) {
	s := open(t, servers{}, endtoend.Options{})
	w := s.ready()
	mark := w.Log.Size()
	for i := range 400 { // about 200 in each shard
		r := login(fmt.Sprintf("c%d", i), 0)
		r.Partition = int32(1 - s.PartitionOf(r.Key))
		s.feed(r)
	}
	s.says(w, mark, "shard is stopped", "tidemark repartition", "0.1 %")
	s.must(w.NotReady(s.ctx))
}
