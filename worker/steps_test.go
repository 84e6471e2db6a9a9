package worker_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidemark-io/tidemark/consumer"
	"github.com/tidemark-io/tidemark/store"
	"github.com/tidemark-io/tidemark/worker"
)

// Each test here is one story that a mistake in one step would break.
// internal/mistakes makes these mistakes and names the story that tells.

// script is a shard with a history in which acme pays for a day, plus whatever
// its test adds.
type script struct {
	*world
	author
}

// newScript has messages on all topics, so that each has a watermark.
func newScript(t *testing.T) *script {
	t.Helper()
	s := &script{world: newWorld(t, 1)}
	s.send(s.login("initech", "", day(0, 2)), s.signal("initech", "feature_used", "", day(0, 2)), s.orphan("initech", day(0, 2)))
	return s
}

// red is a customer who subscribes on a day and is red at once.
func (s *script) red(customer string, n int) []message {
	return append([]message{s.subscribe(customer, "pro", day(n, 1))}, s.fall(customer, day(n, 2))...)
}

// gone is a customer of red's who leaves later that day.
func (s *script) gone(customer string, n int) message { return s.leave(customer, day(n, 5)) }

// untilHealed is when what stands still until heal goes on.
var untilHealed = moment{lookKafka, 1_000_000}

// own starts a process and waits until the shard is born.
func (s *script) own() *process {
	s.t.Helper()
	p := s.start()
	s.untilRead(0)
	s.until("the shard is born", func() bool { return s.head().Born })
	return p
}

func (s *script) head() store.Head {
	s.t.Helper()
	heads, err := s.ws.Heads(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return heads[0]
}

// tick moves event time on.
func (s *script) tick(n int) { s.send(s.login("initech", "", day(n, 3))) }

// quiet waits until nothing is committed from one look to the next but one.
func (s *script) quiet() {
	s.t.Helper()
	for before := -1; before != s.commits(); {
		before = s.commits()
		looks := s.count(lookKafka)
		s.until("two looks more", func() bool { return s.count(lookKafka) >= looks+2 })
	}
}

// struckAll waits until so many faults have struck.
func (s *script) struckAll(n int) {
	s.t.Helper()
	s.until(fmt.Sprintf("%d faults have struck", n), func() bool { return len(s.hits(0)) >= n })
}

// recordBatches is how many record batches an input topic's log has.
func (s *script) recordBatches(topic string) int64 {
	s.t.Helper()
	fetcher := consumer.NewFetcher(consumer.FetcherOptions{Transport: consumer.Security{}.Transport(), Addr: kafka.TCP(s.ws.Brokers)})
	defer fetcher.Close()
	for n, next := int64(0), int64(0); ; n++ {
		b, err := fetcher.ReadAt(s.t.Context(), s.ws.Name+"."+topic, 0, next)
		if errors.Is(err, consumer.ErrNothingThere) {
			return n
		}
		if err != nil {
			s.t.Fatal(err)
		}
		next = b.Next
		b.Release()
	}
}

func (s *script) saidExactly(want ...string) {
	s.t.Helper()
	if got := s.told(); !slices.Equal(got, want) {
		s.t.Errorf("readers were told\n  %q, want\n  %q", got, want)
	}
}

// P0: what fired and was resolved within the history pages nobody, what still
// fires at the birth does.
func TestHistoryPagesNobody(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.send(append(s.red("acme", 1), s.gone("acme", 1))...)
	s.send(s.red("globex", 2)...)
	for n := range 5 {
		s.tick(3 + n)
	}
	s.batch = 2
	s.own()
	s.check()
	if got := subjects(s.told()); !slices.Equal(got, []string{"globex"}) {
		t.Errorf("told of %q, want globex alone", got)
	}
}

// P3: of many alerts that are due at once, one transaction carries as many as the
// cache has room for the customers of. Who takes over between two of them says the rest.
func TestManyAlertsAreSaidInParts(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.batch = 1000
	const customers = 150
	for n := range customers {
		s.send(s.red(fmt.Sprintf("c%d", n), 1)...)
	}
	s.arm(fault{e: endTxn, o: killedAfter, skip: 1})
	s.start()
	s.struckAll(1)
	if n := len(s.told()); n != 128 { // of 64 customers each
		t.Errorf("%d alerts in two transactions, want 128", n)
	}
	s.own()
	s.check()
	if n := len(subjects(s.told())); n != customers {
		t.Errorf("told of %d customers, want %d", n, customers)
	}
}

// P0: the birth is stored. Who takes over in the middle of the history does not
// take the shard for born.
func TestBirthOutlivesItsOwner(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.send(s.red("acme", 1)...)
	for n := range 20 {
		s.tick(2 + n/4)
	}
	s.send(s.gone("acme", 8))
	s.tick(9)
	s.batch = 2
	const owners = 7
	for range owners { // each dies after its first commit
		s.arm(fault{e: execCommit, o: killedAfter})
	}
	for n := range owners {
		s.start()
		s.struckAll(n + 1)
	}
	if at := s.head().Offsets[s.ws.Name+".logins"]; at.Next >= at.Birth {
		t.Fatal("the history is read already: it shows nothing")
	}
	s.own()
	s.check()
	s.saidExactly()
}

// P0: the ends of the birth stay those of the birth. A shard whose log grows
// while it has no owner is no history.
func TestBirthIsNotTakenAnew(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.batch = 2
	p := s.own()
	p.die()
	<-p.ended
	s.send(s.red("acme", 1)...)
	for n := range 10 {
		s.tick(2 + n)
	}
	s.send(s.gone("acme", 20))
	s.start()
	s.check()
	if got := s.told(); len(got) != 2 {
		t.Errorf("told %q, want acme's firing and resolution", got)
	}
}

// P0: of the cancellations of the history that take effect later nobody is told,
// neither while it is read nor at the birth. Of one that comes later readers are
// told at once.
func TestHistoryTakesNoNote(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.send(s.subscribe("acme", "pro", day(1, 1)))
	for n := range 8 { // from here on in commits of two messages
		m := s.leaveLater("acme", day(2, float64(n)), 60)
		m.noted = false
		s.send(m)
		s.tick(2)
	}
	s.batch = 2
	s.own()
	s.check()
	s.saidExactly()
	s.send(s.leaveLater("acme", day(3, 5), 60))
	s.check()
	if got := s.told(); len(got) != 1 || !strings.HasPrefix(got[0], "cancellation_scheduled|acme|") {
		t.Errorf("told %q, want of the cancellation", got)
	}
}

// P0: what lies beyond the end that a topic had at the birth is no history, even
// where another topic has not come to its own yet: the shard has an owner, which
// dies, and the cancellation is read by the next together with all of the history.
func TestScheduledBeyondTheBirth(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.send(s.subscribe("acme", "pro", day(1, 1)))
	for n := range 10 { // acme is there, and gives no other reason for an alert
		s.send(s.login("acme", "ann", day(2+n, 3)))
	}
	s.batch = 2
	s.arm(fault{e: execCommit, o: killedAfter})
	s.start()
	s.struckAll(1)
	if at := s.head().Offsets[s.ws.Name+".logins"]; at.Next >= at.Birth {
		t.Fatal("the history is read already: it shows nothing")
	}
	s.send(s.leaveLater("acme", day(2, 1), 60)) // before most of the history, by time
	s.own()
	s.check()
	if got := s.told(); len(got) != 1 || !strings.HasPrefix(got[0], "cancellation_scheduled|acme|") {
		t.Errorf("told %q, want of the cancellation", got)
	}
}

// Of a cancellation that takes effect later readers are told once, whoever says it
// and however often it is read: of what a predecessor has committed and not said,
// of what it has said and not deleted, of what was lost and read again. Of a
// duplicate, of one that takes effect at once and of one whose effect is past
// nobody is told.
func TestScheduledIsSaidOnce(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.batch = 2
	s.own()
	s.send(s.subscribe("acme", "pro", day(1, 1)))
	s.arm(fault{e: produce, o: killed})
	again := s.leaveLater("acme", day(1, 2), 30)
	s.send(again)
	s.struckAll(1)
	s.start()
	s.check()
	s.arm(fault{e: endTxn, o: killedAfter})
	s.send(s.leaveLater("acme", day(1, 3), 31))
	s.struckAll(2)
	s.start()
	s.check()
	again.noted = false
	s.send(again, s.login("initech", "", day(4, 1)))
	s.check()
	told := s.told()
	if len(told) != 2 {
		t.Fatalf("told %q, want of two cancellations", told)
	}
	if n := min(8, s.commits()-1); s.rollBack(n, true) != n {
		t.Fatal("there was less to lose")
	}
	s.untilRead(0)
	s.check()
	past := s.leaveLater("acme", day(2, 1), 1)
	past.noted = false
	s.send(past, s.leave("globex", day(4, 2)))
	s.check()
	s.saidExactly(told...)
}

// What readers are told of a cancellation that takes effect later.
func TestScheduledSays(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.own()
	s.send(s.subscribe("acme", "pro", day(1, 1)))
	m := s.leaveLater("acme", day(1, 2), 30)
	s.send(m)
	s.check()
	records, err := s.ws.ReadTopic(t.Context(), s.outputs().Alerts)
	if err != nil || len(records) != 1 {
		t.Fatalf("%d records (%v)", len(records), err)
	}
	// 18 March is the day 0; the third message on the topic of money: an orphan and
	// a subscription come before.
	const want = `{"specversion":"1.0","id":"cancellation_scheduled|acme|%[1]s/0/2","source":"tidemark/test","type":"tidemark.alert.note","subject":"acme",` +
		`"time":"2024-03-19T02:00:00Z","datacontenttype":"application/json","data":{"rule":"cancellation_scheduled","severity":"info",` +
		`"value":null,"threshold":null,"since":"2024-03-19T02:00:00Z","reason":"acme: has cancelled subscription base, which ends on 2024-04-18: price",` +
		`"mrr":{"amount":10000,"currency":"USD"},"subscription":"base","effective":"2024-04-18T02:00:00Z",` +
		`"cause":{"topic":"%[1]s","partition":0,"offset":2}}}`
	if got := string(records[0].Value); got != fmt.Sprintf(want, s.ws.Name+".money") {
		t.Errorf("told %s, want "+want, got, s.ws.Name+".money")
	}
	if got := string(records[0].Key); got != "cancellation_scheduled|acme" {
		t.Errorf("the key is %q", got)
	}
}

// T5: what was committed and not said by a predecessor is said although no
// event comes any more. Notes are part of the state.
func TestSuccessorSaysWhatIsDue(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.own()
	s.arm(fault{e: produce, o: killed})
	s.send(append(s.red("acme", 1), s.garbage(day(1, 3)))...)
	s.struckAll(1)
	s.start()
	s.check()
	if got := subjects(s.told()); !slices.Equal(got, []string{"acme"}) {
		t.Errorf("told of %q, want acme", got)
	}
}

// T5: what a predecessor has refused and not said is read again a record batch at a
// time: a take-over that asked for each message would not end where there are
// thousands.
func TestSuccessorReadsARecordBatchOnce(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.batch, s.cache = 1000, 1<<20
	s.own()
	s.arm(fault{e: produce, o: killed})
	const refused = 300
	bad := make([]message, refused)
	for i := range bad {
		bad[i] = s.garbage(day(1, 3))
	}
	s.send(bad...)
	s.struckAll(1)
	<-s.processes[0].ended
	next := s.head().Offsets[s.ws.Name+".signals"].Next
	batches := s.recordBatches("signals")
	if notes, err := s.mini.HKeys("{" + s.ws.Name + ":0}:notes"); err != nil || len(notes) != refused {
		t.Fatalf("%d notes are stored (%v)", len(notes), err)
	}
	var again atomic.Int64
	s.kfake.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
		s.kfake.KeepControl()
		for _, x := range req.(*kmsg.FetchRequest).Topics {
			if x.Topic == s.ws.Name+".signals" && x.Partitions[0].FetchOffset < next {
				again.Add(1)
			}
		}
		return nil, nil, false
	})
	s.start()
	s.check()
	if n := again.Load(); n > batches+1 { // one more compares what lies before the stored offset
		t.Errorf("%d reads of %d record batches with %d messages that are due", n, batches, refused)
	}
}

// A shard one of whose inputs has no leader is not ready, however little there was to
// read of the others: its watermark stands. It is ready again when there is one.
func TestInputWithoutLeaderIsNotReady(t *testing.T) {
	t.Parallel()
	s := &script{world: newWorld(t, 2)}
	for i, topic := range s.ws.Inputs() { // the last one on a broker of its own
		if err := s.kfake.MoveTopicPartition(topic, 0, int32(i/(len(s.ws.Inputs())-1))); err != nil {
			t.Fatal(err)
		}
	}
	s.send(s.login("initech", "", day(0, 2)), s.signal("initech", "feature_used", "", day(0, 2)), s.orphan("initech", day(0, 2)))
	p := s.own()
	s.until("the shard is live", func() bool { return p.worker.Status().State == "live" })
	var refuses atomic.Bool
	refuses.Store(true)
	s.kfake.ControlKey(int16(kmsg.Fetch), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		s.kfake.KeepControl()
		req := kreq.(*kmsg.FetchRequest)
		if s.kfake.CurrentNode() != 1 || req.Topics[0].Topic != s.ws.Inputs()[2] || !refuses.Load() {
			return nil, nil, false
		}
		resp := req.ResponseKind().(*kmsg.FetchResponse)
		rt, rp := kmsg.NewFetchResponseTopic(), kmsg.NewFetchResponseTopicPartition()
		rt.Topic, rp.ErrorCode = req.Topics[0].Topic, kerr.NotLeaderForPartition.Code
		rt.Partitions = append(rt.Partitions, rp)
		resp.Topics = append(resp.Topics, rt)
		return resp, nil, true
	})
	s.until("the shard is not ready", func() bool { return !p.worker.Status().Ready() })
	if st := p.worker.Status(); st.State != "waiting" || st.Reason != s.ws.Inputs()[2]+"/0 does not answer" {
		t.Errorf("it is %s: %s", st.State, st.Reason)
	}
	refuses.Store(false)
	s.until("the shard is ready again", func() bool { return p.worker.Status().Ready() })
	s.tick(1)
	s.check()
}

// In doubt again and again the worker pauses, whatever it hears each time: of two
// connections one is reset, and the other just ends.
func TestDoubtAfterDoubtPauses(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.own()
	addr := s.mini.Addr()
	s.mini.Close()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for n := 0; ; n++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if err := c.(*net.TCPConn).SetLinger(n%2 - 1); err != nil { // 0: so that it is reset
				t.Error(err)
			}
			c.Close()
		}
	}()
	doubts := func(n int) {
		s.until(fmt.Sprintf("%d doubts", n), func() bool {
			s.lines.mu.Lock()
			defer s.lines.mu.Unlock()
			return bytes.Count(s.lines.all, []byte("in doubt: start over")) >= n
		})
	}
	doubts(1)
	began := time.Now()
	doubts(5)
	// 0.8 s after the third and 1.6 s after the fourth, and more by up to a quarter.
	if took := time.Since(began); took < 2*time.Second {
		t.Errorf("five doubts within %v", took)
	}
}

// Hand-over: the alert that was said last before the shard is given up is among the
// episodes that people list.
func TestLastAlertIsListed(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	p := s.own()
	s.atRest()
	// Given up when the transaction is decided, and before anything else is committed.
	s.at(moment{endTxn, 1}, p.unassign)
	s.send(s.red("acme", 1)...)
	<-p.ended
	if told := s.told(); len(told) != 1 {
		t.Fatalf("told %q, want acme's firing", told)
	}
	episodes, err := s.ws.Store.Episodes(t.Context(), 0, 10)
	if err != nil || len(episodes) != 1 || !strings.Contains(string(episodes[0]), "acme") {
		t.Errorf("%d episodes are listed (%v), want acme's", len(episodes), err)
	}
}

// P2: what the header covers was said, although the commit that would have
// deleted the note from the store was never made.
func TestSuccessorSaysNothingAgain(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.own()
	s.arm(fault{e: endTxn, o: killedAfter})
	s.send(append(s.red("acme", 1), s.garbage(day(1, 3)))...)
	s.struckAll(1)
	s.start()
	s.tick(2)
	s.check()
}

// P2: an orphan's note is due when its order can no longer come. The header is
// beyond the orphan's event long before.
func TestOrphanIsSaidByTheSuccessor(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.own()
	s.send(s.orphan("acme", day(1, 1)))
	s.send(s.garbage(day(1, 2))) // a publication, whose header is beyond the orphan
	s.atRest()
	s.arm(fault{e: produce, o: killed})
	s.tick(horizon + 5)
	s.struckAll(1)
	s.untilRead(0)
	s.start()
	s.check()
}

// P1: after a loss of commits nothing is said until the log has been read again:
// readers would be taken back, and told of the same things once more.
func TestRollbackHolds(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.batch = 2
	s.own()
	for n := range 4 {
		name := fmt.Sprintf("c%d", n)
		s.send(s.red(name, 2*n+1)...)
		s.atRest()
		s.send(s.gone(name, 2*n+1), s.garbage(day(2*n+1, 6)))
		s.tick(2*n + 2)
		s.atRest()
	}
	told := s.told()
	if len(told) != 8 {
		t.Fatalf("told %q, want four episodes", told)
	}
	before := s.count(endTxn)
	for range 3 {
		if s.rollBack(12, true) < 12 {
			t.Fatal("there was less to lose")
		}
		kept := s.commits()
		s.untilRead(0)
		s.redis.Lock()
		key := "{" + s.ws.Name + ":0}:notes"
		for _, c := range s.past[kept:] { // what was said long ago is not kept until the end of the hold
			for name := range c[key].hash {
				if _, was := s.past[kept-1][key].hash[name]; !was {
					t.Errorf("copy %s is kept again", name)
				}
			}
		}
		s.redis.Unlock()
	}
	s.tick(9)
	s.check()
	s.saidExactly(told...)
	if n := s.count(endTxn) - before; n != 0 {
		t.Errorf("%d publications while nothing new was due", n)
	}
}

// L1: a loss of commits is noticed at the end of the log, where nothing is committed.
func TestRollbackAtRestIsNoticed(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.own()
	s.send(s.red("acme", 1)...)
	s.tick(2)
	s.atRest()
	s.quiet()
	claims := s.count(claim)
	if s.rollBack(1, false) != 1 {
		t.Fatal("there was nothing to lose")
	}
	s.until("the loss is noticed", func() bool { return s.count(claim) > claims })
	s.check()
}

// L2: an owner whose token came back with a loss of commits holds what Redis
// holds, and has nothing to say. Another has said something meanwhile.
func TestSilentOwnerNoticesAnother(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	// What makes acme red comes on a topic whose time is ahead of the one that it
	// leaves on: who has both reads first that it has left, wherever a commit ends.
	s.send(s.subscribe("acme", "pro", day(0, 5)), s.nps("acme", 0, day(0, 6)), s.signal("initech", "feature_used", "", day(0, 10)))
	s.own()
	s.arm(fault{e: lookRedis, o: paused, until: untilHealed})
	s.struckAll(1)
	kept := s.commits()
	b := s.start()
	s.until("the shard is taken over", func() bool { return s.count(claim) == 2 })
	s.send(s.signal("acme", "invoice_late", "i1", day(1, 2)), s.signal("acme", "invoice_late", "i2", day(1, 2)))
	s.atRest()
	if got := s.told(); len(got) != 1 {
		t.Fatalf("told %q, want acme's firing", got)
	}
	b.die()
	<-b.ended
	s.send(s.gone("acme", 1))
	s.untilFetched("money")
	if n := s.commits() - kept; s.rollBack(n, false) != n {
		t.Fatal("there was less to lose")
	}
	s.heal()
	s.check()
	if got := s.told(); len(got) != 2 {
		t.Errorf("told %q, want acme's firing and resolution", got)
	}
}

// C2: a commit of the clock alone is a commit. Lost, it takes a firing with it,
// and every offset stays where it is.
func TestClockAloneIsACommit(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.own()
	s.send(s.subscribe("acme", "pro", day(0, 5)))
	// Once all shards are at their end it is day 4, and acme has been silent for too
	// long: 42 of the 85 points that count. Before, the disorder of 10 s is left.
	s.others.Store(true)
	s.send(s.login("initech", "", day(4, 0)+5000))
	s.untilRead(0)
	s.others.Store(false)
	s.atRest()
	fires := func(c contents) bool {
		for name, v := range c {
			if _, ok := v.hash[rule+"|acme"]; ok && strings.HasSuffix(name, ":firing") {
				return true
			}
		}
		return false
	}
	lost := s.newest(fires)
	if lost == 0 || s.rollBack(lost, false) != lost {
		t.Fatalf("acme fires in the last %d commits", lost)
	}
	if n, err := s.readAll(); err != nil || n != s.truth.sent {
		t.Fatalf("an offset was lost too: %d of %d are read (%v)", n, s.truth.sent, err)
	}
	s.send(s.login("initech", "", day(4, 1)))
	s.check()
}

// Whether all of the log was read is stored with each commit, and by itself
// where nothing else is left to commit. A successor does not take its
// predecessor's word for it: the log has grown since.
func TestEndIsStored(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.batch = 2
	s.others.Store(true) // no time from the other shards, so nothing else to commit
	a := s.own()
	s.until("the end is stored", func() bool { return s.head().AtEnd })
	a.die()
	before := s.commits()
	for n := range 10 {
		s.send(s.login("initech", "", day(0, 3+float64(n))))
	}
	s.own()
	s.until("the end is stored again", func() bool { return s.head().AtEnd })
	var story []string // the newest first
	for i := range s.commits() - before {
		s.newest(func(c contents) bool {
			if i--; i >= 0 {
				return true
			}
			for name, v := range c {
				var h store.Head
				if !strings.HasSuffix(name, ":meta") {
					continue
				}
				if err := json.Unmarshal([]byte(v.hash["head"]), &h); err != nil {
					t.Error(err)
				}
				read := int64(0)
				for _, o := range h.Offsets {
					read += o.Next
				}
				story = append(story, fmt.Sprintf("%d of %d, %v", read, s.truth.sent, h.AtEnd))
			}
			return false
		})
	}
	// The claim still shows the predecessor's head.
	slices.Reverse(story)
	want := []string{"3 of 13, true", "3 of 13, false", "5 of 13, false", "7 of 13, false", "9 of 13, false", "11 of 13, false"}
	if len(story) < 7 || !slices.Equal(story[:6], want) || story[len(story)-1] != "13 of 13, true" {
		t.Errorf("commits were %q, want them to begin with %q and to end with all read and the end stored", story, want)
	}
}

// P2: what time raises up to a watermark is raised before a header says it was,
// although the records that it needs have to be loaded first.
func TestTimersFireBeforeTheHeader(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.cache = 0
	s.own()
	s.send(s.orphan("acme", day(1, 1)))
	s.send(s.login("initech", "", day(1, 2)))
	s.atRest()
	s.tick(horizon + 3) // the orphan is due, and
	s.send(s.garbage(day(horizon+3, 4)))
	s.check()
	s.send(s.orphan("globex", day(horizon+4, 1)))
	s.tick(2*horizon + 10)
	s.check()
}

// T4: a broker that has just started may not know a topic yet. That is no reason to
// stop.
func TestTopicIsUnknownForAMoment(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.forgotten.Store(1)
	s.own()
	s.check()
}

// T4: a topic that is deleted and created again while it is read, and has as many
// messages by the time of the next fetch, is another log: none of it is applied.
func TestTopicIsRecreatedWhileItIsRead(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	p := s.own()
	s.tick(1)
	s.atRest()
	topic := s.ws.Name + ".logins"
	read := s.head().Offsets[topic].Next
	if err := s.kfake.DeleteTopic(topic); err != nil {
		t.Fatal(err)
	}
	s.until("a broker has said that there is no such topic", func() bool {
		s.lines.mu.Lock()
		defer s.lines.mu.Unlock()
		return bytes.Contains(s.lines.all, []byte("broker refused a fetch"))
	})
	if err := s.kfake.CreateTopic(topic, 1, nil); err != nil {
		t.Fatal(err)
	}
	s.ws.Kafka.PurgeTopicsFromClient(topic)
	others := make([]message, 200)
	for i := range others {
		others[i] = s.login("globex", "", day(2, 1))
	}
	s.send(others...)
	s.until("the shard has stopped", func() bool { return p.worker.Status().State == worker.Stopped })
	if why := p.worker.Status().Reason; !strings.Contains(why, "deleted and created again") {
		t.Errorf("stopped with %q", why)
	}
	if at := s.head().Offsets[topic].Next; at != read {
		t.Errorf("read on from offset %d to %d of the new topic", read, at)
	}
}

// T4: a header without a state means that Redis was emptied.
func TestEmptiedRedisStops(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	p := s.own()
	s.send(s.garbage(day(1, 1)))
	s.atRest()
	p.die()
	<-p.ended
	s.mini.FlushAll()
	p = s.start()
	s.until("the shard has stopped", func() bool { return p.worker.Status().State == "stopped" })
	if why := p.worker.Status().Reason; !strings.Contains(why, "Redis was emptied") {
		t.Errorf("stopped with %q", why)
	}
}

// C1: a batch of catching up ends where the records that it has loaded no longer
// fit into the cache, however many messages a commit may have.
func TestBatchFitsTheCache(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.batch, s.cache = 50_000, 2<<20
	const customers = 24_000 // more than a lag that makes commits grow; of 400 bytes each at least
	logins := make([]message, customers)
	for n := range logins {
		logins[n] = s.login(fmt.Sprintf("c%d", n), "", day(1, 10*float64(n)/customers))
	}
	s.send(logins...)
	s.own()
	s.untilRead(0)
	s.redis.Lock()
	defer s.redis.Unlock()
	before, largest := int64(0), int64(0)
	for _, c := range s.past {
		for name, v := range c {
			var head store.Head
			if !strings.HasSuffix(name, ":meta") {
				continue
			}
			if err := json.Unmarshal([]byte(v.hash["head"]), &head); err != nil {
				t.Fatal(err)
			}
			at := head.Offsets[s.ws.Name+".logins"].Next
			largest, before = max(largest, at-before), at
		}
	}
	// 2 MiB hold at most 5,242 of these customers, and a batch ends where there is
	// no room for another chunk.
	if largest > 5242 {
		t.Errorf("a commit has %d messages of as many customers", largest)
	}
	if largest < 200 {
		t.Errorf("no commit has more than %d messages: the cache is not used", largest)
	}
}

// Hand-over: who has lost the shard and is refused does not take it over again.
func TestUnassignedDoesNotClaim(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	a := s.own()
	s.arm(fault{e: execCommit, o: paused, until: untilHealed})
	s.tick(1)
	s.struckAll(1)
	a.unassign()
	s.start()
	s.until("the shard is taken over", func() bool { return s.count(claim) == 2 })
	s.untilRead(0)
	s.heal()
	<-a.ended
	s.atRest()
	if n := s.count(claim); n != 2 {
		t.Errorf("%d claims, want 2", n)
	}
	s.check()
}

// C3: a commit without a reply may arrive while the next batch is in hand, and
// is not that batch's.
func TestLateCommitIsItsOwn(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.batch = 2
	s.own()
	for n := range 3 {
		// It arrives when the next commit has been compared and not been made.
		s.arm(fault{e: execCommit, o: late, until: moment{compareCommit, 1}})
		s.send(s.red(fmt.Sprintf("c%d", n), n+1)...)
		s.send(s.gone(fmt.Sprintf("c%d", n), n+1))
		s.untilRead(0)
	}
	s.check()
}

// T4: the ends of the logs are never older than what they are compared with, or
// a predecessor that reads on would make the log look truncated.
func TestOwnerReadsOnDuringTheTakeOver(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	a := s.own()
	s.arm(fault{e: readTopics, o: pausedAfter, until: untilHealed})
	s.start()
	s.struckAll(1)
	s.send(append(s.red("acme", 1), s.garbage(day(1, 3)))...)
	s.tick(2)
	s.atRest()
	a.unassign()
	<-a.ended
	s.heal()
	s.tick(3)
	s.check()
}
