package worker

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/consumer"
	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/publisher"
	"github.com/tidemark-io/tidemark/store"
)

// tenure is all memory of a shard between a take-over and its end.
type tenure struct {
	*Worker
	id      store.Tenure
	head    store.Head
	state   *aggregator.Shard
	pub     *publisher.Publisher
	decoder *event.Decoder
	inputs  []*input
	silent  string // input that does not answer, as the last report said
	wake    chan struct{}

	kpis    map[aggregator.Pair]aggregator.Firing // shard 0: rules on KPIs that should be firing
	judged  bool                                  // ... and has been evaluated in this tenure
	gone    []string                              // stored as firing, of rules that are configured no more: the next commit deletes them
	due     bool                                  // firing and announced may differ
	left    bool                                  // alerts that are due were left for the next publication
	held    bool                                  // P1 has held something back since the last publication
	notes   map[string]*note                      // not known to be said
	said    []string                              // notes that the header covers now: the next commit deletes them
	told    [][]byte                              // alerts said since the last commit, for the list that people read
	company Company

	causes    causes
	calendar  *civil.Calendar
	segmented bool // there are dimensions

	events   []event.Event
	keys     keyCheck
	tally    tally
	lastLook time.Time
	lastWork time.Time // of the company's duties
	touched  bool      // something changed since the last commit
	cached   int       // Memory at the last commit, before records were dropped
	late     int64     // messages older than the horizon that no warning has told of
	lateSaid time.Time // of the last warning
}

// takeOver is T1 to T5.
func (t *tenure) takeOver(ctx context.Context) error {
	// T1: claim and load.
	claimed, err := t.opts.Store.Claim(ctx, t.shard)
	if err != nil {
		return err
	}
	t.id, t.head = claimed.Tenure, claimed.Head
	// T2a to T3: end what hangs, InitProducerId, read the cursor.
	o := t.opts.Publisher
	o.Shard = t.shard
	if t.pub, err = publisher.Open(ctx, o); err != nil {
		return err
	}
	// The ends of the logs are asked for last: the predecessor may have read on up
	// to T1 and published up to T2, and a log that seems to end before that would
	// be taken for a truncated one.
	set, partitions, err := t.topics(ctx)
	if err != nil {
		return err
	}
	if err := t.load(claimed, set, partitions); err != nil {
		return err
	}
	// T4: check that the header can be reached.
	if err := t.reachable(claimed, set); err != nil {
		return err
	}
	if err := t.openInputs(ctx, set); err != nil {
		return err
	}
	t.lastLook = time.Now()
	t.dropSaid()
	t.log.Info("shard taken over", zap.Uint64("commit", t.id.Number), zap.Uint64("publication", t.pub.Header().P),
		zap.Int64("watermark", t.head.Watermark), zap.Any("offsets", t.next()))
	// T5: publish what is due, once time has raised what the predecessor's last
	// commit left for the next. What the predecessor has refused may lie in more
	// record batches than are read within the limit of a publication.
	if err := t.readNotes(ctx); err != nil {
		return err
	}
	return t.finish(ctx)
}

// topicPause is how long it takes to ask again for topics that are not known.
const topicPause = 500 * time.Millisecond

// topics describes the input topics and says how many partitions each has. That one
// does not exist is asked again for as long as a broker that is starting may say so.
func (t *tenure) topics(ctx context.Context) (set consumer.TopicSet, partitions int, err error) {
	for began := time.Now(); ; {
		if set, err = t.opts.Topics(ctx); err != nil {
			return set, 0, err
		}
		partitions, err = consumer.CheckInputs(set, t.opts.Inputs)
		switch {
		case err == nil:
			return set, partitions, nil
		case !errors.Is(err, consumer.ErrNoTopic) || time.Since(began) > consumer.GoneAfter:
			return set, 0, stopped{err}
		}
		t.say(func(s *Status) { s.Reason = err.Error() })
		select {
		case <-ctx.Done():
			return set, 0, ctx.Err()
		case <-time.After(topicPause):
		}
	}
}

// release forgets the shard.
func (t *tenure) release() {
	for _, in := range t.inputs {
		in.close()
	}
	if t.pub != nil {
		t.pub.Close()
	}
	if t.company != nil {
		t.company.Close()
	}
}

// load makes memory of what was claimed.
func (t *tenure) load(c *store.Claimed, set consumer.TopicSet, partitions int) error {
	o, err := t.opts.Shard()
	if err != nil {
		return stopped{err}
	}
	t.calendar, t.segmented = civil.NewCalendar(t.opts.Zone), len(o.Dimensions) > 0
	t.decoder = event.NewDecoder(t.opts.Decoder)
	t.kpis, t.notes, t.due = map[aggregator.Pair]aggregator.Firing{}, map[string]*note{}, true
	if c.Empty {
		t.head = store.Head{Version: headVersion, Offsets: map[string]store.Offset{}, Counters: map[string]int64{},
			Partitions: partitions, ClusterID: set.ClusterID, Settings: t.opts.Settings}
		if t.state, err = aggregator.New(o); err != nil {
			return stopped{err}
		}
	} else if err := t.restore(c, o, set, partitions); err != nil {
		return err
	}
	t.causes.reset(t.calendar.Start(t.calendar.Day(t.head.Watermark)))
	if t.ofCompany() {
		if t.company, err = t.opts.Company(c.Sent, t.kpis); err != nil {
			return err
		}
	}
	return nil
}

// ofCompany says whether this shard's owner looks after the company.
func (t *tenure) ofCompany() bool { return t.shard == 0 && t.opts.Company != nil }

// onKPI says whether a rule on a KPI, or a goal's, is configured under the name.
func (t *tenure) onKPI(rule string) bool {
	_, ok := t.opts.Severity["kpi/"+rule]
	return ok
}

// onBand says whether a rule on bands is configured under the name.
func (t *tenure) onBand(rule string) bool {
	_, ok := t.opts.Severity[rule]
	return ok
}

const headVersion = 1

func (t *tenure) restore(c *store.Claimed, o aggregator.Options, set consumer.TopicSet, partitions int) error {
	h := c.Head
	switch {
	case h.Version != headVersion:
		return stop("the stored state has version %d, this program reads %d: use the release that wrote it, or another redis.namespace and the log from its beginning", h.Version, headVersion)
	case h.Partitions != partitions:
		return stop("the input topics have %d partitions and the stored state was made with %d: keys lie elsewhere now; run tidemark repartition onto new topics, or use a new redis.namespace, kafka.group and output topics and read the log from its beginning", partitions, h.Partitions)
	case h.ClusterID != set.ClusterID:
		return stop("the stored state belongs to Kafka cluster %s and the brokers are of %s: point kafka.brokers at the former, or use a new redis.namespace, kafka.group and output topics", h.ClusterID, set.ClusterID)
	}
	if why := t.opts.Changed(h.Settings); why != "" {
		return stopped{errors.New(why)}
	}
	firing := map[aggregator.Pair]aggregator.Firing{}
	for name, value := range c.Firing {
		rule, subject, _ := strings.Cut(name, "|")
		var f aggregator.Firing
		if err := json.Unmarshal(value, &f); err != nil {
			return stop("stored alert %s: %w", name, err)
		}
		pair := aggregator.Pair{Rule: rule, Customer: subject}
		switch {
		case slices.ContainsFunc(o.BandRules, func(r aggregator.BandRule) bool { return r.Name == rule }):
			firing[pair] = f
		case t.ofCompany() && t.onKPI(rule):
			t.kpis[pair] = f
		default: // nobody here would ever resolve it
			t.gone, t.touched = append(t.gone, name), true
		}
	}
	for name, value := range c.Notes {
		n := new(note)
		if err := json.Unmarshal(value, n); err != nil {
			return stop("stored note %s: %w", name, err)
		}
		t.notes[name] = n
	}
	var err error
	t.state, err = aggregator.Open(o, aggregator.Stored{Watermark: h.Watermark, FirstDay: h.FirstDay, Table: h.Table,
		Cells: c.Cells, Due: c.Due, Firing: firing})
	if err != nil {
		return stop("stored state of shard %d: %w", t.shard, err)
	}
	return nil
}

// reachable is T4: offsets inside the log, header not beyond the log's end,
// Redis not empty while a header exists.
func (t *tenure) reachable(c *store.Claimed, set consumer.TopicSet) error {
	h := t.pub.Header()
	if c.Empty && h.P > 0 {
		return stop("the store holds nothing of shard %d, and %d publications were made for it: Redis was emptied, or redis.namespace or kafka.group was changed; restore Redis, or use a new redis.namespace and new output topics", t.shard, h.P)
	}
	for _, name := range slices.Sorted(maps.Keys(h.Offsets)) {
		topic, ok := set.Topics[name]
		if ok && h.Offsets[name] > topic.End[t.shard] {
			return stop("readers were told of messages up to %s/%d@%d, and the log ends at %d: the topic was truncated or recreated; use a new redis.namespace and new output topics, and read the log from its beginning", name, t.shard, h.Offsets[name], topic.End[t.shard])
		}
	}
	return nil
}

// openInputs begins to fetch where the state ends, after checking that the log
// there still is the one that was read.
func (t *tenure) openInputs(ctx context.Context, set consumer.TopicSet) error {
	for _, name := range t.opts.Inputs {
		topic := set.Topics[name]
		off, known := t.head.Offsets[name]
		start, end := topic.Start[t.shard], topic.End[t.shard]
		switch {
		case !known:
			off = store.Offset{Next: start, Timestamp: -1, Birth: end, TopicID: topic.ID}
			t.log.Info("topic is new to the state: reading it from its beginning", zap.String("topic", name), zap.Int64("offset", start))
			if start < end {
				t.head.Born = false
			}
			t.touched = true
		case off.TopicID != topic.ID:
			return stop("topic %s was deleted and created again since it was read: its offsets mean other messages now; use a new redis.namespace and new output topics, or give the topic another name", name)
		case off.Next < start || off.Next > end:
			return stop("the stored offset %s/%d@%d lies outside the log (%d to %d): messages were deleted before they were read, or the topic was truncated; to go on without them, use a new redis.namespace, kafka.group and output topics and read the log from its beginning", name, t.shard, off.Next, start, end)
		case off.Timestamp >= 0 && off.Next > start:
			if err := t.sameLog(ctx, name, off); err != nil {
				return err
			}
		}
		t.head.Offsets[name] = off
		t.inputs = append(t.inputs, &input{topic: name, at: off, end: end, stream: t.opts.Fetcher.Open(name, t.shard, off.Next, t.wake)})
	}
	return nil
}

// sameLog compares the record batch before the stored offset with what was
// stored of it.
func (t *tenure) sameLog(ctx context.Context, topic string, off store.Offset) error {
	b, err := t.opts.Fetcher.ReadAt(ctx, topic, t.shard, off.Next-1)
	if errors.Is(err, consumer.ErrNothingThere) {
		return nil // the last stable offset lies below it: it says nothing
	}
	if err != nil {
		return err
	}
	defer b.Release()
	if b.CRC != off.CRC || b.LastTimestamp != off.Timestamp {
		return stop("the log at %s/%d@%d is not the one that was read (CRC %08x, stored %08x): it was truncated or restored from elsewhere; use a new redis.namespace and new output topics", topic, t.shard, off.Next-1, b.CRC, off.CRC)
	}
	return nil
}

// next are the next offsets by topic.
func (t *tenure) next() map[string]int64 {
	out := make(map[string]int64, len(t.inputs))
	for _, in := range t.inputs {
		out[in.topic] = in.at.Next
	}
	return out
}
