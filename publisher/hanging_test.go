package publisher_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/tidemark-io/tidemark/publisher"
)

// forgetful makes kfake behave as a coordinator of Kafka 4 that has found no
// leader (KAFKA-20734). kfake has no such fault: a stranger's open transaction,
// with publication 2 in it, stands for ours that hangs, and is ended as our
// marker says.
type forgetful struct {
	topic         string // where it hangs
	stranger      *stranger
	producer      int64    // whose transaction the partition shows
	epoch         int16    // of that transaction
	before, after string   // what the coordinator says of our transactional id before T2 and after; "": the truth
	refusal       int16    // of the next marker
	lasting       bool     // ... and of all others
	question      kmsg.Key // that is not answered at first
	unanswered    int      // how often
	excuse        int16    // what is said in place of an answer

	aborted, committed int16 // epochs of transactions that the cursor partition has a marker of

	ours       int64
	last       int16 // epoch of our transactional id before T2
	mu         sync.Mutex
	inits      int
	written    []kmsg.WriteTxnMarkersRequestMarker
	early      int // of them, how many before T2
	ended      int // what HangingEnded has counted
	ends       sync.WaitGroup
	log        *observer.ObservedLogs
	background *zap.Logger
}

const coordinatorEpoch, hangsFrom = 7, 3

// newForgetful has our transactional id publish twice; what hangs is its last
// transaction, whose epoch is one below the coordinator's.
func newForgetful(t *testing.T, c *kfake.Cluster, w *topics) *forgetful {
	t.Helper()
	var net wire
	first := w.open(t, net.opt())
	publish(t, first, at(0))
	_, aborted := w.producer(t)
	net.on(once(kmsg.EndTxn, lose))
	if err := first.Publish(t.Context(), at(1)); err == nil {
		t.Fatal("published although EndTxn was lost")
	}
	second := w.open(t)
	_, committed := w.producer(t)
	publish(t, second, at(1, alert(true, "r", "a")))
	w.committed(t, w.cursors)
	second.Close()
	ours, last := w.producer(t)
	f := &forgetful{topic: w.cursors, stranger: w.stranger(t), producer: ours, ours: ours, last: last, epoch: last - 1,
		aborted: aborted, committed: committed}
	f.stranger.writes("header", `{"p":3,"offsets":{"logins":2},"watermark":2000}`)
	core, log := observer.New(zap.InfoLevel)
	f.background, f.log = zap.New(core), log
	for key, do := range map[kmsg.Key]func(kmsg.Request) kmsg.Response{
		kmsg.FindCoordinator:      f.coordinator,
		kmsg.InitProducerID:       f.init,
		kmsg.DescribeTransactions: f.transactions,
		kmsg.DescribeProducers:    f.producers,
		kmsg.WriteTxnMarkers:      f.markers,
	} {
		c.ControlKey(int16(key), func(req kmsg.Request) (kmsg.Response, error, bool) {
			c.KeepControl()
			f.mu.Lock()
			defer f.mu.Unlock()
			resp := do(req)
			return resp, nil, resp != nil
		})
	}
	return f
}

// producer is our producer id and epoch as the coordinator has them.
func (w *topics) producer(t *testing.T) (id int64, epoch int16) {
	t.Helper()
	name := fmt.Sprintf("%s-shard-%d", w.namespace, shard)
	described, err := w.admin.DescribeTransactions(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return described[name].ProducerID, described[name].ProducerEpoch
}

func (f *forgetful) init(kmsg.Request) kmsg.Response {
	f.inits++
	return nil
}

// excused says whether a question is not answered this time.
func (f *forgetful) excused(question kmsg.Key) bool {
	if f.question != question || f.unanswered == 0 {
		return false
	}
	f.unanswered--
	return true
}

func (f *forgetful) coordinator(req kmsg.Request) kmsg.Response {
	if !f.excused(kmsg.FindCoordinator) {
		return nil
	}
	resp := req.ResponseKind().(*kmsg.FindCoordinatorResponse)
	for _, key := range req.(*kmsg.FindCoordinatorRequest).CoordinatorKeys {
		x := kmsg.NewFindCoordinatorResponseCoordinator()
		x.Key, x.NodeID, x.ErrorCode = key, -1, f.excuse
		resp.Coordinators = append(resp.Coordinators, x)
	}
	return resp
}

func (f *forgetful) transactions(req kmsg.Request) kmsg.Response {
	x := kmsg.NewDescribeTransactionsResponseTransactionState()
	x.TransactionalID, x.ProducerID = req.(*kmsg.DescribeTransactionsRequest).TransactionalIDs[0], f.ours
	if f.excused(kmsg.DescribeTransactions) {
		x.ErrorCode = f.excuse
		resp := req.ResponseKind().(*kmsg.DescribeTransactionsResponse)
		resp.TransactionStates = append(resp.TransactionStates, x)
		return resp
	}
	x.State, x.ProducerEpoch = f.before, f.last
	if f.inits > 0 {
		x.State, x.ProducerEpoch = f.after, f.last+1
	}
	if x.State == "" {
		return nil
	}
	resp := req.ResponseKind().(*kmsg.DescribeTransactionsResponse)
	resp.TransactionStates = append(resp.TransactionStates, x)
	return resp
}

func (f *forgetful) producers(req kmsg.Request) kmsg.Response {
	asked := req.(*kmsg.DescribeProducersRequest).Topics[0]
	if asked.Topic != f.topic {
		return nil
	}
	topic, p := kmsg.NewDescribeProducersResponseTopic(), kmsg.NewDescribeProducersResponseTopicPartition()
	topic.Topic, p.Partition = asked.Topic, asked.Partitions[0]
	x := kmsg.NewDescribeProducersResponseTopicPartitionActiveProducer()
	x.ProducerID, x.ProducerEpoch, x.CoordinatorEpoch, x.CurrentTxnStartOffset = f.producer, int32(f.epoch), coordinatorEpoch, hangsFrom
	if len(f.written) > 0 && f.refusal == 0 {
		x.CurrentTxnStartOffset = -1
	}
	if f.excused(kmsg.DescribeProducers) {
		p.ErrorCode = f.excuse
	} else {
		p.ActiveProducers = append(p.ActiveProducers, x)
	}
	topic.Partitions = append(topic.Partitions, p)
	resp := req.ResponseKind().(*kmsg.DescribeProducersResponse)
	resp.Topics = append(resp.Topics, topic)
	return resp
}

func (f *forgetful) markers(req kmsg.Request) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.WriteTxnMarkersResponse)
	for _, m := range req.(*kmsg.WriteTxnMarkersRequest).Markers {
		x := kmsg.NewWriteTxnMarkersResponseMarker()
		x.ProducerID = m.ProducerID
		for _, t := range m.Topics {
			y := kmsg.NewWriteTxnMarkersResponseMarkerTopic()
			y.Topic = t.Topic
			for _, p := range t.Partitions {
				z := kmsg.NewWriteTxnMarkersResponseMarkerTopicPartition()
				z.Partition, z.ErrorCode = p, f.refusal
				y.Partitions = append(y.Partitions, z)
			}
			x.Topics = append(x.Topics, y)
		}
		resp.Markers = append(resp.Markers, x)
		if f.refusal != 0 {
			continue
		}
		f.written = append(f.written, m)
		if f.inits == 0 {
			f.early++
		}
		how := kgo.TryAbort
		if m.Committed {
			how = kgo.TryCommit
		}
		f.ends.Go(func() { f.stranger.ends(how) })
	}
	if !f.lasting {
		f.refusal = 0
	}
	return resp
}

func (f *forgetful) open(t *testing.T, w *topics) (*publisher.Publisher, error) {
	o := w.options()
	o.CursorLimit, o.Log, o.HangingEnded = 2*time.Second, f.background, func() { f.ended++ }
	p, err := publisher.Open(t.Context(), o)
	if err == nil {
		t.Cleanup(p.Close)
	}
	f.ends.Wait()
	return p, err
}

// T2a and T2b: what hangs is ended as it was decided, where that is known.
func TestHangingIsEnded(t *testing.T) {
	for name, c := range map[string]struct {
		change func(f *forgetful, w *topics)
		commit bool // the marker
		early  bool // before T2
	}{
		"committed":                       {func(f *forgetful, _ *topics) { f.before = "CompleteCommit" }, true, true},
		"aborted":                         {func(f *forgetful, _ *topics) { f.before = "CompleteAbort" }, false, true},
		"committed, of alerts":            {func(f *forgetful, w *topics) { f.before, f.topic = "CompleteCommit", w.alerts }, true, true},
		"committed, of notes":             {func(f *forgetful, w *topics) { f.before, f.topic = "CompleteCommit", w.late }, true, true},
		"committed, on an older broker":   {func(f *forgetful, _ *topics) { f.before, f.epoch = "CompleteCommit", f.last }, true, false},
		"about to be committed":           {func(f *forgetful, _ *topics) { f.before = "PrepareCommit" }, true, false},
		"about to be aborted":             {func(f *forgetful, _ *topics) { f.before = "PrepareAbort" }, false, false},
		"decision forgotten":              {func(f *forgetful, _ *topics) { f.before = "Empty" }, false, false},
		"decision is of a later one":      {func(f *forgetful, _ *topics) { f.before, f.epoch = "CompleteCommit", f.last-2 }, false, false},
		"decision is of another producer": {func(f *forgetful, _ *topics) { f.before, f.ours = "CompleteCommit", f.ours+1000; f.after = "" }, false, false},
		"committed before the last one": {func(f *forgetful, w *topics) {
			f.before, f.topic, f.epoch, f.last = "CompleteAbort", w.alerts, f.committed, f.last+5
		}, true, true},
		"aborted before the last one": {func(f *forgetful, w *topics) {
			f.before, f.topic, f.epoch = "CompleteCommit", w.alerts, f.aborted
		}, false, true},
		"committed, and the coordinator has forgotten": {func(f *forgetful, w *topics) {
			f.before, f.topic, f.epoch = "Empty", w.alerts, f.committed
		}, true, false},
		"marker not taken at the first go": {func(f *forgetful, _ *topics) { f.before, f.refusal = "CompleteCommit", kerr.NotLeaderForPartition.Code }, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			cluster, addr := startKfake(t, kfake.NumBrokers(1))
			w := newTopics(t, addr)
			f := newForgetful(t, cluster, w)
			c.change(f, w)
			wanted := f.epoch
			p, err := f.open(t, w)
			if err != nil && f.inits == 0 { // the decision is still known
				p, err = f.open(t, w)
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(f.written) != 1 || f.ended != 1 {
				t.Fatalf("%d markers written, %d counted, want 1", len(f.written), f.ended)
			}
			m := f.written[0]
			if m.Committed != c.commit || (f.early == 1) != c.early {
				t.Errorf("commit %v and before T2 %v, want %v and %v", m.Committed, f.early == 1, c.commit, c.early)
			}
			if m.ProducerID != f.producer || m.ProducerEpoch != wanted || m.CoordinatorEpoch != coordinatorEpoch ||
				m.Topics[0].Topic != f.topic || m.Topics[0].Partitions[0] != shard {
				t.Errorf("marker %+v, want producer %d epoch %d on %s/%d", m, f.producer, wanted, f.topic, shard)
			}
			if c.commit {
				knows(t, p, 3, 2, map[string]uint64{"r|a": 2})
			} else {
				knows(t, p, 2, 1, map[string]uint64{"r|a": 2})
			}
		})
	}
}

// T2a: a broker that has just started creates its coordinators when they are
// first asked for, and loads them. What is asked meanwhile is asked again, and T2,
// which makes the coordinator forget, waits for the answer.
func TestTakeOverAsksAgain(t *testing.T) {
	const often = 6 // the library asks some of it again by itself, and some of it not
	for name, c := range map[string]struct {
		question kmsg.Key
		excuse   *kerr.Error
		times    int
		names    string // what the error has, where there is none to answer
	}{
		"coordinator is not there yet":  {kmsg.FindCoordinator, kerr.CoordinatorNotAvailable, often, ""},
		"coordinator is being loaded":   {kmsg.DescribeTransactions, kerr.CoordinatorLoadInProgress, often, ""},
		"coordinator is another now":    {kmsg.DescribeTransactions, kerr.NotCoordinator, often, ""},
		"partition has no leader":       {kmsg.DescribeProducers, kerr.LeaderNotAvailable, often, ""},
		"partition has another leader":  {kmsg.DescribeProducers, kerr.NotLeaderForPartition, often, ""},
		"coordinator never comes":       {kmsg.FindCoordinator, kerr.CoordinatorNotAvailable, 1_000_000, "describe transaction %s-shard-2"},
		"coordinator is never loaded":   {kmsg.DescribeTransactions, kerr.CoordinatorLoadInProgress, 1_000_000, "describe transaction %s-shard-2"},
		"partition never gets a leader": {kmsg.DescribeProducers, kerr.LeaderNotAvailable, 1_000_000, "describe the producers of %s.cursors/2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // each waits for its limit
			cluster, addr := startKfake(t, kfake.NumBrokers(1))
			w := newTopics(t, addr)
			f := newForgetful(t, cluster, w)
			f.before, f.question, f.unanswered, f.excuse = "CompleteCommit", c.question, c.times, c.excuse.Code
			p, err := f.open(t, w)
			if c.names != "" {
				if want := fmt.Sprintf(c.names, w.namespace); err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, c.excuse) {
					t.Errorf("error %v, want one that has %q and %v", err, want, c.excuse)
				}
				if f.inits > 0 || len(f.written) > 0 {
					t.Errorf("without an answer %d InitProducerId and the markers %+v were sent", f.inits, f.written)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if f.unanswered > 0 {
				t.Errorf("%d questions fewer than expected: this test shows nothing", f.unanswered)
			}
			if len(f.written) != 1 || f.early != 1 || !f.written[0].Committed {
				t.Errorf("markers %+v, of them %d before T2; want one commit, before T2", f.written, f.early)
			}
			knows(t, p, 3, 2, map[string]uint64{"r|a": 2})
		})
	}
}

// What is not ours, or what the coordinator may still end, is left alone, and
// what may not be ended is told with the command.
func TestHangingIsLeftAlone(t *testing.T) {
	for name, c := range map[string]struct {
		change func(f *forgetful)
		words  string
	}{
		"another's":      {func(f *forgetful) { f.producer += 1000 }, "find-hanging"},
		"under way":      {func(f *forgetful) { f.before, f.after = "Ongoing", "Ongoing" }, "kafka-transactions.sh"},
		"being aborted":  {func(f *forgetful) { f.before, f.after = "PrepareAbort", "PrepareAbort" }, "kafka-transactions.sh"},
		"begun after T2": {func(f *forgetful) { f.epoch = f.last + 1 }, "find-hanging"},
		"may not be ended": {func(f *forgetful) {
			f.before, f.refusal, f.lasting = "CompleteCommit", kerr.ClusterAuthorizationFailed.Code, true
		}, "abort --topic %s --partition 2 --start-offset 3"},
		"may not, forgotten": {func(f *forgetful) {
			f.before, f.refusal, f.lasting = "Empty", kerr.ClusterAuthorizationFailed.Code, true
		}, "abort --topic %s --partition 2 --start-offset 3"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // each waits for its limit
			cluster, addr := startKfake(t, kfake.NumBrokers(1))
			w := newTopics(t, addr)
			f := newForgetful(t, cluster, w)
			c.change(f)
			_, err := f.open(t, w)
			if err == nil {
				t.Fatal("opened although the cursor cannot be read to its end")
			}
			words := strings.Replace(c.words, "%s", w.cursors, 1)
			if !strings.Contains(err.Error(), words) {
				t.Errorf("error %q does not contain %q", err, words)
			}
			if len(f.written) > 0 || f.ended > 0 {
				t.Errorf("written %+v, %d counted", f.written, f.ended)
			}
			told := f.log.FilterField(zap.String("abort", fmt.Sprintf("kafka-transactions.sh --bootstrap-server %s abort --topic %s --partition 2 --start-offset 3", w.addr, w.cursors))).Len()
			if (told > 0) != f.lasting {
				t.Errorf("the log gives the command %d times:\n%v", told, f.log.All())
			}
		})
	}
}

// Brokers that know neither question are no trouble.
func TestHangingUnknownToBroker(t *testing.T) {
	_, addr := startKfake(t, kfake.MaxVersions(kversion.V2_7_0()))
	w := newTopics(t, addr)
	publish(t, w.open(t), at(1, alert(true, "r", "a")))
	knows(t, w.open(t), 1, 1, map[string]uint64{"r|a": 1})
}

// L2: the readers of a partition in which something of ours hangs would wait for
// the next take-over. Another's transaction is no doubt of ours.
func TestLookFindsHanging(t *testing.T) {
	cluster, addr := startKfake(t, kfake.NumBrokers(1))
	w := newTopics(t, addr)
	f := newForgetful(t, cluster, w)
	f.topic, f.producer = w.alerts, f.ours+1000
	f.stranger.ends(kgo.TryAbort)
	o := w.options()
	o.HangingInterval = time.Nanosecond
	p, err := publisher.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	publish(t, p, at(3))
	for range 3 {
		if err := p.Look(t.Context()); err != nil {
			t.Fatalf("look while another's transaction is open: %v", err)
		}
	}
	f.show(f.ours)
	if err := p.Look(t.Context()); err != nil {
		t.Fatalf("look while a marker may be on its way: %v", err)
	}
	if err := p.Look(t.Context()); err == nil || !strings.Contains(err.Error(), "hangs in "+w.alerts+"/2 from offset 3") {
		t.Errorf("look: %v", err)
	}
}

// P3: nothing is published on top of a publication that hangs, while another's
// transaction only hides ours.
func TestPublishOnFirmGround(t *testing.T) {
	cluster, addr := startKfake(t, kfake.NumBrokers(1))
	w := newTopics(t, addr)
	f := newForgetful(t, cluster, w)
	f.producer += 1000
	f.stranger.ends(kgo.TryAbort)
	p := w.open(t)
	f.stranger.writes("header", "{}")
	publish(t, p, at(3)) // hidden from now on
	publish(t, p, at(4))
	f.show(f.ours)
	if err := p.Publish(t.Context(), at(5)); err == nil || !strings.Contains(err.Error(), "hangs in "+w.cursors+"/2 from offset 3") {
		t.Errorf("published on top of what hangs: %v", err)
	}
	if err := p.Look(t.Context()); !errors.Is(err, publisher.ErrClosed) {
		t.Errorf("look after the doubt: %v, want ErrClosed", err)
	}
}

// show changes whose transaction the partition shows.
func (f *forgetful) show(producer int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.producer = producer
}
