package publisher_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/publisher"
)

func testAnnounces(t *testing.T, w *topics) {
	p := w.open(t)
	knows(t, p, 0, 0, nil)
	publish(t, p, at(10, alert(true, "at_risk", "acme"), alert(true, "churn", "a|b")))
	knows(t, p, 1, 10, map[string]uint64{"at_risk|acme": 1, "churn|a|b": 1})
	publish(t, p, at(20, alert(false, "at_risk", "acme")))
	knows(t, p, 2, 20, map[string]uint64{"churn|a|b": 1})
	w.hasSaid(t, "at_risk|acme#1 firing", "churn|a|b#1 firing", "at_risk|acme#1 resolved")

	knows(t, w.open(t), 2, 20, map[string]uint64{"churn|a|b": 1})

	var got []string
	for _, r := range w.committed(t, w.cursors) {
		if r.Partition != shard {
			t.Errorf("cursor record %s on partition %d, want %d", r.Key, r.Partition, shard)
		}
		value := string(r.Value)
		if r.Value == nil {
			value = "tombstone"
		}
		got = append(got, fmt.Sprintf("%s=%s", r.Key, value))
	}
	want := []string{
		`at_risk|acme={"n":1}`, `churn|a|b={"n":1}`, `header={"p":1,"offsets":{"logins":10},"watermark":10000}`,
		`at_risk|acme=tombstone`, `header={"p":2,"offsets":{"logins":20},"watermark":20000}`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("cursor topic holds\n  %q, want\n  %q", got, want)
	}
}

// A resolution carries the n of its firing, an episode's n is above that of the
// one before although its tombstone has taken that with it.
func testEpisodes(t *testing.T, w *topics) {
	p := w.open(t)
	publish(t, p, at(1, alert(true, "r", "a")))
	publish(t, p, at(2, alert(true, "r", "b")))
	p = w.open(t)
	publish(t, p, at(3, alert(false, "r", "a")))
	p = w.open(t)
	publish(t, p, at(4, alert(true, "r", "a"), alert(false, "r", "b")))
	publish(t, p, at(5, alert(false, "r", "a")))
	w.hasSaid(t, "r|a#1 firing", "r|b#2 firing", "r|a#1 resolved", "r|a#4 firing", "r|b#2 resolved", "r|a#4 resolved")
	knows(t, w.open(t), 5, 5, nil)
}

func testNotes(t *testing.T, w *topics) {
	p := w.open(t)
	notes := []publisher.Note{
		{Topic: w.late, Key: []byte("acme"), Value: []byte("{broken \xff"), Headers: []publisher.RecordHeader{{Key: "reason", Value: []byte("late")}, {Key: "reason"}}},
		{Topic: w.late, Key: nil, Value: nil},
		{Topic: w.late, Key: []byte{}, Value: []byte{}},
	}
	x := at(1)
	x.Notes = notes
	publish(t, p, x)
	got := w.committed(t, w.late)
	if len(got) != len(notes) {
		t.Fatalf("%d notes on the topic, want %d", len(got), len(notes))
	}
	for i, r := range got {
		n := notes[i]
		same := bytes.Equal(r.Key, n.Key) && (r.Key == nil) == (n.Key == nil) &&
			bytes.Equal(r.Value, n.Value) && (r.Value == nil) == (n.Value == nil)
		if !same {
			t.Errorf("note %d is %q=%q, want %q=%q", i, r.Key, r.Value, n.Key, n.Value)
		}
		if len(r.Headers) != len(n.Headers) {
			t.Fatalf("note %d has %d headers, want %d", i, len(r.Headers), len(n.Headers))
		}
		for j, h := range r.Headers {
			if h.Key != n.Headers[j].Key || !bytes.Equal(h.Value, n.Headers[j].Value) {
				t.Errorf("note %d, header %d is %v, want %v", i, j, h, n.Headers[j])
			}
		}
	}
	knows(t, w.open(t), 1, 1, nil)
}

// random is text that does not compress.
func random(t testing.TB, size int) []byte {
	b := make([]byte, size)
	if _, err := rand.Read(b); err != nil {
		t.Fatal(err)
	}
	return b
}

// The largest input message is 1 MiB; a copy of it has 64 KiB for its reason,
// origin and overhead.
func testLarge(t *testing.T, w *topics) {
	p := w.open(t)
	x := at(1, alert(true, "r", "a"))
	large := random(t, 1<<20+63<<10)
	x.Notes = []publisher.Note{{Topic: w.late, Value: large}, {Topic: w.late, Value: []byte("small")}, {Topic: w.late, Value: large}}
	publish(t, p, x)
	got := w.committed(t, w.late)
	if len(got) != 3 || !bytes.Equal(got[0].Value, large) || string(got[1].Value) != "small" || !bytes.Equal(got[2].Value, large) {
		t.Errorf("%d notes on the topic, or not the ones that were published in order", len(got))
	}
	w.hasSaid(t, "r|a#1 firing")
}

// A copy that the topic would not take goes without its value, with a header
// that says how much is left out: refused, it would be refused each time anew.
// The largest that goes whole is as large as a batch may be, less its overhead.
func testTooLarge(t *testing.T, w *topics) {
	const most, reason = 1<<20 + 64<<10 - 128, "tidemark_reason"
	p := w.open(t)
	whole, large := random(t, most), random(t, most+1)
	own := publisher.RecordHeader{Key: reason, Value: []byte("not_json")}
	x := at(1, alert(true, "r", "a"))
	x.Notes = []publisher.Note{{Topic: w.late, Value: whole}, {Topic: w.late, Value: large},
		{Topic: w.late, Key: []byte("acme"), Value: large, Headers: []publisher.RecordHeader{own}}}
	publish(t, p, x)
	got := w.committed(t, w.late)
	if len(got) != len(x.Notes) {
		t.Fatalf("%d notes on the topic, want %d", len(got), len(x.Notes))
	}
	if !bytes.Equal(got[0].Value, whole) || len(got[0].Headers) > 0 {
		t.Errorf("what just fits is not as it was: %d bytes, headers %v", len(got[0].Value), got[0].Headers)
	}
	omitted := kgo.RecordHeader{Key: publisher.OmittedHeader, Value: fmt.Append(nil, most+1)}
	for i, want := range map[int][]kgo.RecordHeader{1: {omitted}, 2: {kgo.RecordHeader(own), omitted}} {
		same := func(x, y kgo.RecordHeader) bool { return x.Key == y.Key && bytes.Equal(x.Value, y.Value) }
		if r := got[i]; r.Value != nil || !bytes.Equal(r.Key, x.Notes[i].Key) || !slices.EqualFunc(r.Headers, want, same) {
			t.Errorf("copy %d has key %q, %d bytes and headers %v, want no value and headers %v", i, r.Key, len(r.Value), r.Headers, want)
		}
	}
	knows(t, w.open(t), 1, 1, map[string]uint64{"r|a": 1})
	w.hasSaid(t, "r|a#1 firing")
}

// Where nothing can be left out, the error names the topic, and all else that
// the publication says is not said either.
func testTooLargeWithout(t *testing.T, w *topics) {
	const size = 1<<20 + 65<<10
	large := alert(true, "r", "b")
	large.Encode = func(uint64) ([]byte, error) { return random(t, size), nil }
	for what, c := range map[string]struct {
		topic string
		alert publisher.Alert
		notes []publisher.Note
	}{
		"an alert":   {w.alerts, large, nil},
		"a customer": {w.namespace + ".", alert(true, "r", string(random(t, size))), nil},
		"a reason": {w.late, alert(true, "r", "b"), []publisher.Note{{Topic: w.late, Value: []byte("small"),
			Headers: []publisher.RecordHeader{{Key: "tidemark_reason", Value: random(t, size)}}}}},
	} {
		topics := *w
		topics.fresh(t)
		c.topic = strings.Replace(c.topic, w.namespace, topics.namespace, 1)
		for i := range c.notes {
			c.notes[i].Topic = c.topic
		}
		p := topics.open(t)
		publish(t, p, at(1, alert(true, "r", "a")))
		x := at(2, alert(true, "r", "c"), c.alert)
		x.Notes = append([]publisher.Note{{Topic: topics.late, Value: []byte("before")}}, c.notes...)
		if err := p.Publish(t.Context(), x); !errors.Is(err, kerr.MessageTooLarge) || !strings.Contains(err.Error(), c.topic) {
			t.Errorf("%s: error %v, want one that names %s", what, err, c.topic)
		}
		knows(t, topics.open(t), 1, 1, map[string]uint64{"r|a": 1})
		topics.hasSaid(t, "r|a#1 firing")
		if notes := topics.committed(t, topics.late); len(notes) > 0 {
			t.Errorf("%s: %d notes on the topic, want none", what, len(notes))
		}
	}
}

func testMany(t *testing.T, w *topics) {
	const pairs = 100_000
	p := w.open(t)
	want := make(map[string]uint64, pairs)
	x := at(1)
	for i := range pairs {
		subject := fmt.Sprintf("customer-%d", i)
		x.Alerts = append(x.Alerts, alert(true, "at_risk", subject))
		want["at_risk|"+subject] = 1
	}
	began := time.Now()
	publish(t, p, x)
	t.Logf("%d alerts in one transaction: %v", pairs, time.Since(began))
	began = time.Now()
	p = w.open(t)
	t.Logf("taken over with %d announced pairs: %v", pairs, time.Since(began))
	knows(t, p, 1, 1, want)

	x = at(2)
	for i := range pairs / 2 {
		subject := fmt.Sprintf("customer-%d", 2*i)
		x.Alerts = append(x.Alerts, alert(false, "at_risk", subject))
		delete(want, "at_risk|"+subject)
	}
	publish(t, p, x)
	knows(t, w.open(t), 2, 2, want)
}

// What contradicts what is announced is a mistake of ours and must not reach
// anybody.
func testRefused(t *testing.T, w *topics) {
	broken := errors.New("broken")
	for what, alerts := range map[string][]publisher.Alert{
		"firing again":       {alert(true, "r", "a")},
		"resolved unheard":   {alert(false, "r", "b")},
		"twice":              {alert(true, "r", "b"), alert(true, "r", "b")},
		"a pipe in the rule": {alert(true, "r|x", "b")},
		"no rule":            {alert(true, "", "b")},
		"not encoded": {{Pair: publisher.Pair{Rule: "r", Subject: "b"}, Firing: true,
			Encode: func(uint64) ([]byte, error) { return nil, broken }}},
	} {
		w.fresh(t)
		p := w.open(t)
		publish(t, p, at(1, alert(true, "r", "a")))
		err := p.Publish(t.Context(), at(2, append(alerts, alert(true, "r", "c"))...))
		if err == nil {
			t.Errorf("%s: no error", what)
		}
		if what == "not encoded" && !errors.Is(err, broken) {
			t.Errorf("%s: error %v, want the encoder's", what, err)
		}
		knows(t, w.open(t), 1, 1, map[string]uint64{"r|a": 1})
		w.hasSaid(t, "r|a#1 firing")
	}
}

func testTopics(t *testing.T, w *topics) {
	for what, c := range map[string]struct {
		change func(*publisher.Options)
		want   string
	}{
		"no such topic":     {func(o *publisher.Options) { o.Topics.Alerts = "nobody.made.this" }, "nobody.made.this"},
		"no such partition": {func(o *publisher.Options) { o.Shard = 7 }, "3 partitions"},
		"one topic":         {func(o *publisher.Options) { o.Topics.Alerts = o.Topics.Cursors }, "must be two topics"},
		"no namespace":      {func(o *publisher.Options) { o.Namespace = "" }, "namespace"},
		"no brokers":        {func(o *publisher.Options) { o.Brokers = nil }, "brokers"},
	} {
		o := w.options()
		o.LookLimit = 500 * time.Millisecond
		c.change(&o)
		p, err := publisher.Open(t.Context(), o)
		if err == nil {
			p.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", what, err, c.want)
		}
	}
}

// stranger is somebody else who writes to the cursor partition.
type stranger struct {
	t      testing.TB
	client *kgo.Client
	topic  string
}

func (w *topics) stranger(t testing.TB) *stranger {
	t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(w.addr), kgo.TransactionalID(w.namespace+"-stranger"),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.TransactionTimeout(limit))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return &stranger{t, c, w.cursors}
}

// writes begins a transaction with one record.
func (s *stranger) writes(key, value string) {
	s.t.Helper()
	err := s.client.BeginTransaction()
	if err == nil {
		r := &kgo.Record{Topic: s.topic, Partition: shard, Key: []byte(key), Value: []byte(value)}
		err = s.client.ProduceSync(s.t.Context(), r).FirstErr()
	}
	if err != nil {
		s.t.Fatalf("stranger writes: %v", err)
	}
}

func (s *stranger) ends(how kgo.TransactionEndTry) {
	s.t.Helper()
	if err := s.client.EndTransaction(s.t.Context(), how); err != nil {
		s.t.Fatalf("stranger ends: %v", err)
	}
}

func testForeignRecords(t *testing.T, w *topics) {
	for key, value := range map[string]string{"nonsense": "{}", "header": "{", "r|a": "17"} {
		w.fresh(t)
		publish(t, w.open(t), at(1, alert(true, "r", "b")))
		s := w.stranger(t)
		s.writes(key, value)
		s.ends(kgo.TryCommit)
		p, err := publisher.Open(t.Context(), w.options())
		if err == nil {
			p.Close()
		}
		if err == nil || !strings.Contains(err.Error(), w.cursors+"/2") {
			t.Errorf("record %s=%s: error %v, want one that names the partition", key, value, err)
		}
	}
}
