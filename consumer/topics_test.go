package consumer

import (
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func testReadTopics(t *testing.T, addr string) {
	a := newTopic(t, addr, 2, map[string]string{"message.timestamp.type": "LogAppendTime", "max.message.bytes": "2000000"})
	b := newTopic(t, addr, 3, map[string]string{"cleanup.policy": "compact"})
	c := kgoClient(t, addr)
	for range 3 {
		produce(t, c, &kgo.Record{Topic: a, Partition: 1, Value: []byte("v")})
	}
	txn := kgoClient(t, addr, kgo.TransactionalID(a))
	if err := txn.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	produce(t, txn, &kgo.Record{Topic: a, Partition: 1, Value: []byte("v")})
	deleted := make(kadm.Offsets)
	deleted.Add(kadm.Offset{Topic: a, Partition: 1, At: 1})
	adm := admin(t, addr)
	if _, err := adm.DeleteRecords(t.Context(), deleted); err != nil {
		t.Fatal(err)
	}
	set, err := ReadTopics(t.Context(), adm, a, b, "no.such.topic")
	if err != nil {
		t.Fatal(err)
	}
	if set.ClusterID == "" || len(set.Topics) != 2 {
		t.Fatalf("read %+v", set)
	}
	ta, tb := set.Topics[a], set.Topics[b]
	if got := fmt.Sprint(ta.Partitions, ta.Start, ta.End, ta.AppendTime, ta.Compacted, ta.MaxMessageBytes); got !=
		"2 [0 1] [0 4] true false 2000000" {
		t.Errorf("first topic is %s", got)
	}
	if tb.Partitions != 3 || tb.AppendTime || !tb.Compacted {
		t.Errorf("second topic is %+v", tb)
	}
	// A topic that is deleted and created again is another one.
	if _, err := adm.DeleteTopics(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the topic to be gone", func() bool {
		_, found, err := describeTopics(t.Context(), adm, []string{b})
		return err == nil && len(found) == 0
	})
	if _, err := adm.CreateTopic(t.Context(), 3, 1, nil, b); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the topic to be there again", func() bool {
		set, _, err := describeTopics(t.Context(), adm, []string{b})
		return err == nil && set.Topics[b].Partitions == 3 && set.Topics[b].ID != tb.ID && set.Topics[b].ID != ""
	})
}

func TestInputsAreCheckedInOneSentence(t *testing.T) {
	set := TopicSet{Topics: map[string]Topic{
		"logins": {Name: "logins", Partitions: 8}, "purchases": {Name: "purchases", Partitions: 8}, "surveys": {Name: "surveys", Partitions: 4},
		"accounts": {Name: "accounts", Partitions: 8, Compacted: true},
	}}
	for _, c := range []struct {
		inputs []string
		want   string // part of the error; "": none
	}{
		{[]string{"logins", "purchases"}, ""},
		{[]string{"logins", "surveys"}, "topics logins (8 partitions) and surveys (4) must have the same number of partitions: " +
			"create surveys anew with 8, or run tidemark repartition"},
		{[]string{"surveys", "logins"}, "topics logins (8 partitions) and surveys (4)"},
		{[]string{"signals", "logins"}, "topic signals does not exist: create it with 8 partitions like logins"},
		{[]string{"signals"}, "topic signals does not exist: create it, or name"},
		{[]string{"logins", "accounts"}, "topic accounts is compacted, so that the latest event of a customer replaces those before: run kafka-configs.sh " +
			"--bootstrap-server BROKER --alter --topic accounts --add-config cleanup.policy=delete, or name another topic under kafka.topics"},
		{nil, "no input topic is configured"},
	} {
		n, err := CheckInputs(set, c.inputs)
		if c.want == "" {
			if err != nil || n != 8 {
				t.Errorf("%v: %d partitions, error %v", c.inputs, n, err)
			}
		} else if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: error is %v, should say %q", c.inputs, err, c.want)
		}
	}
}

// names returns output topics that no other test has.
func names(prefix string) Outputs {
	return Outputs{
		Alerts: prefix + ".alerts", Cursors: prefix + ".cursors", KPIs: prefix + ".kpis",
		DeadLetter: prefix + ".deadletter", Late: prefix + ".late",
	}
}

func testEnsureOutputs(t *testing.T, addr string) {
	input := newTopic(t, addr, 3, map[string]string{"max.message.bytes": "2000000"})
	adm := admin(t, addr)
	set, err := ReadTopics(t.Context(), adm, input)
	if err != nil {
		t.Fatal(err)
	}
	out := names(input)
	for range 2 { // the second time all of them are there
		if err := EnsureOutputs(t.Context(), adm, set, []string{input}, out); err != nil {
			t.Fatal(err)
		}
	}
	have, err := ReadTopics(t.Context(), adm, out.Alerts, out.Cursors, out.KPIs, out.DeadLetter, out.Late)
	if err != nil {
		t.Fatal(err)
	}
	notes := 2000000 + 65536
	for name, want := range map[string]string{
		out.Alerts: "3 false", out.Cursors: "3 true", out.KPIs: "1 true",
		out.DeadLetter: fmt.Sprint("3 false ", notes), out.Late: fmt.Sprint("3 false ", notes),
	} {
		topic := have.Topics[name]
		if got := fmt.Sprint(topic.Partitions, " ", topic.Compacted, " ", topic.MaxMessageBytes); !strings.HasPrefix(got, want) {
			t.Errorf("topic %s is %s, should be %s", name, got, want)
		}
	}
	// A wider input no longer fits.
	wider := newTopic(t, addr, 4, nil)
	if set, err = ReadTopics(t.Context(), adm, wider); err != nil {
		t.Fatal(err)
	}
	err = EnsureOutputs(t.Context(), adm, set, []string{wider}, out)
	if err == nil || !strings.Contains(err.Error(), out.Alerts+" has 3 partitions, the input topics have 4") {
		t.Errorf("with another partition count: %v", err)
	}
}

func TestOutputsThatAreNotAsTheyMustBe(t *testing.T) {
	out := outputsFor(Outputs{}, 4, 1000)
	byName := make(map[string]output)
	for _, o := range out {
		byName[o.name] = o
	}
	for _, c := range []struct {
		topic Topic
		want  string
	}{
		{Topic{Name: "tidemark.cursors", Partitions: 4}, "tidemark.cursors must have cleanup.policy=compact: run kafka-configs.sh"},
		{Topic{Name: "tidemark.alerts", Partitions: 4, Compacted: true}, "tidemark.alerts must have cleanup.policy=delete"},
		{Topic{Name: "tidemark.cursors", Partitions: 5, Compacted: true}, "tidemark.cursors has 5 partitions, the input topics have 4"},
		{Topic{Name: "tidemark.late", Partitions: 4, MaxMessageBytes: 1000}, "must take 66536"},
		{Topic{Name: "tidemark.late", Partitions: 9, MaxMessageBytes: 66536}, ""},
		{Topic{Name: "tidemark.kpis", Partitions: 9, Compacted: true}, ""},
	} {
		err := byName[c.topic.Name].check(c.topic)
		if c.want == "" {
			if err != nil {
				t.Errorf("%+v: %v", c.topic, err)
			}
		} else if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error is %v, should say %q", c.topic, err, c.want)
		}
	}
}

// A user who may read but not create is told the command.
func TestOutputsThatMayNotBeCreated(t *testing.T) {
	allow := func(op kmsg.ACLOperation) kfake.ACL {
		return kfake.ACL{
			Resource: kmsg.ACLResourceTypeTopic, Name: "*", Pattern: kmsg.ACLResourcePatternTypeLiteral, Operation: op, Allow: true,
		}
	}
	addr := fakeKafka(t, kfake.SeedTopics(2, "logins"), kfake.EnableSASL(), kfake.EnableACLs(),
		kfake.Superuser("PLAIN", "admin", "admin"),
		kfake.User("PLAIN", "reader", "secret",
			allow(kmsg.ACLOperationRead), allow(kmsg.ACLOperationDescribe), allow(kmsg.ACLOperationDescribeConfigs)))
	mechanism, err := NewMechanism("plain", "reader", "secret")
	if err != nil {
		t.Fatal(err)
	}
	adm := kadm.NewClient(kgoClient(t, addr, Security{Mechanism: mechanism}.KgoOptions()...))
	set, err := ReadTopics(t.Context(), adm, "logins")
	if err != nil {
		t.Fatal(err)
	}
	err = EnsureOutputs(t.Context(), adm, set, []string{"logins"}, Outputs{})
	const want = "run kafka-topics.sh --bootstrap-server BROKER --create --topic tidemark.alerts --partitions 2 --config cleanup.policy=delete"
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error is %v, should say %q", err, want)
	}
}
