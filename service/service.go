package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/api"
	"github.com/tidemark-io/tidemark/company"
	"github.com/tidemark-io/tidemark/config"
	"github.com/tidemark-io/tidemark/consumer"
	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/publisher"
	"github.com/tidemark-io/tidemark/store"
	"github.com/tidemark-io/tidemark/worker"
)

// Options are what a running service needs.
type Options struct {
	Config  *config.Config
	Log     *zap.Logger
	Version string
	// Started, where set, is called once HTTP listens, with its address, and
	// with what answers about the system.
	Started func(addr string, r *Readings)
}

// pollEvery is how often the figures of the company are brought up to date.
const pollEvery = 50 * time.Millisecond

// service is one running process.
type service struct {
	opts     Options
	cfg      *config.Config
	log      *zap.Logger
	store    *store.Store
	admin    *kadm.Client
	readings *Readings
	reader   *company.Reader
	hanging  prometheus.Counter // transactions that the publishers found hanging, and ended
	board    board
	worker   worker.Options
}

// Run runs until ctx ends. It waits for brokers and store that cannot be
// reached, and returns an error for what waiting does not mend.
func Run(ctx context.Context, o Options) error {
	s := &service{opts: o, cfg: o.Config, log: o.Log}
	store.RouteLibraryLogs(o.Log)
	for _, name := range o.Config.Ignored {
		o.Log.Info("environment variable is not a setting", zap.String("name", name))
	}
	security, err := BrokerSecurity(s.cfg.Kafka)
	if err != nil {
		return UsageError{err}
	}
	client, err := kgo.NewClient(append(security.KgoOptions(), kgo.SeedBrokers(s.cfg.Kafka.Brokers...))...)
	if err != nil {
		return UsageError{fmt.Errorf("connect to Kafka: %w", err)}
	}
	defer client.Close()
	s.admin = kadm.NewClient(client)
	group, ctx := errgroup.WithContext(ctx)
	listener, err := net.Listen("tcp", s.cfg.HTTP.Listen)
	if err != nil {
		return fmt.Errorf("listen for HTTP on %s: %w; set http.listen to a free port", s.cfg.HTTP.Listen, err)
	}
	web := &web{}
	s.board.wait("waiting for Redis and Kafka")
	web.set(starting(&s.board))
	group.Go(func() error { return answer(ctx, listener, web, answerLimit) })
	group.Go(func() error { return s.run(ctx, group, security, web, listener.Addr().String()) })
	err = group.Wait()
	if s.store != nil {
		err = errors.Join(err, s.store.Close())
	}
	return err
}

// run reaches store and brokers, then takes part in the group.
func (s *service) run(ctx context.Context, group *errgroup.Group, security consumer.Security, web *web, addr string) error {
	if err := s.connect(ctx); err != nil || ctx.Err() != nil {
		return err
	}
	if s.worker.Inputs = s.cfg.Kafka.Topics.All(); len(s.worker.Inputs) == 0 {
		return UsageError{errors.New("kafka.topics names no topic: there is nothing to read")}
	}
	set, err := s.topics(ctx)
	if err != nil || ctx.Err() != nil {
		return err
	}
	var errReadings error
	if s.readings, errReadings = NewReadings(s.cfg, s.store); errReadings != nil {
		return errReadings
	}
	s.reader = s.readings.reader
	s.board.reader = s.reader
	s.readings.Ready = &s.board
	partitions, err := consumer.CheckInputs(set, s.worker.Inputs)
	if err != nil {
		return err
	}
	fetcher := consumer.NewFetcher(consumer.FetcherOptions{
		Transport: security.Transport(s.worker.Inputs...), Addr: kafka.TCP(s.cfg.Kafka.Brokers...), Log: s.log, QueueBytes: int(s.cfg.Queue),
		BatchMessages: worker.SharedBatch(s.cfg.Batch.Live, s.cacheBytes(partitions)),
	})
	defer fetcher.Close()
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), &shardMetrics{&s.board, fetcher})
	s.hanging = prometheus.NewCounter(prometheus.CounterOpts{Name: "tidemark_hanging_transactions_ended_total",
		Help: "Parts of this process's transactions that Kafka had left open in a partition and Tidemark has ended."})
	registry.MustRegister(s.hanging)
	web.set(api.New(api.Options{Figures: s.reader, Customers: s.readings.Customers, Alerts: s.readings.Alerts,
		Cohorts: s.readings.Cohorts, Goals: s.readings.Goals, Ready: s.readings.Ready, CohortsOf: s.readings.CohortsOf, Metrics: registry, Version: s.opts.Version, Log: s.log}))
	if s.opts.Started != nil {
		s.opts.Started(addr, s.readings)
	}
	s.log.Info("listening", zap.String("http", addr))
	group.Go(func() error { return s.poll(ctx) })
	if err := s.wire(set, security, fetcher); err != nil {
		return err
	}
	s.board.wait(joining)
	return consumer.RunGroup(ctx, consumer.GroupOptions{
		Brokers: s.cfg.Kafka.Brokers, Group: s.cfg.Kafka.Group, Topics: s.worker.Inputs, Dialer: security.Dialer(),
		Log: s.log, SessionTimeout: s.cfg.Kafka.SessionTimeout,
	}, s.generation)
}

// retryPause is between two attempts to reach what cannot be reached.
const retryPause = 2 * time.Second

// retry tries until it works, the error is one that waiting does not mend, or
// ctx ends.
func (s *service) retry(ctx context.Context, what string, try func() error) error {
	for {
		err := try()
		var usage UsageError
		var refused *store.RefusedError
		if err == nil || errors.As(err, &usage) || errors.As(err, &refused) || errors.As(err, new(permanent)) {
			return err
		}
		s.log.Warn(what+" cannot be reached; trying again", zap.Error(err), zap.Duration("pause", retryPause))
		s.board.wait(what + " cannot be reached: " + err.Error())
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(retryPause):
		}
	}
}

type permanent struct{ error }

func (p permanent) Unwrap() error { return p.error }

func (s *service) connect(ctx context.Context) error {
	return s.retry(ctx, "Redis", func() (err error) {
		s.store, err = OpenStore(ctx, s.cfg.Redis)
		return err
	})
}

// topics checks the input topics, creates the output topics that are missing
// and tells readers of the store how many shards there are.
func (s *service) topics(ctx context.Context) (set consumer.TopicSet, err error) {
	out := s.outputs()
	err = s.retry(ctx, "Kafka", func() error {
		if set, err = consumer.ReadTopics(ctx, s.admin, s.worker.Inputs...); err != nil {
			return err
		}
		n, err := consumer.CheckInputs(set, s.worker.Inputs)
		if err != nil {
			return permanent{err}
		}
		if err := s.store.SetPartitions(ctx, n); err != nil {
			return err
		}
		if err := consumer.EnsureOutputs(ctx, s.admin, set, s.worker.Inputs, out); err != nil {
			if mayPass(err) {
				return err
			}
			return permanent{err}
		}
		for _, name := range s.worker.Inputs {
			if t := set.Topics[name]; !t.AppendTime && s.cfg.Clock == config.ClockLive {
				s.log.Warn("topic has no append time: set message.timestamp.type=LogAppendTime, so that an event's time cannot run ahead of the log", zap.String("topic", name))
			}
		}
		return nil
	})
	return set, err
}

// mayPass tells brokers that cannot be reached just now from an answer of theirs.
func mayPass(err error) bool {
	var network net.Error
	return kerr.IsRetriable(err) || errors.As(err, &network) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, io.EOF)
}

func (s *service) outputs() consumer.Outputs {
	o := s.cfg.Kafka.Outputs
	return consumer.Outputs{Alerts: o.Alerts, Cursors: o.Cursors, KPIs: o.KPIs, DeadLetter: o.DeadLetter, Late: o.Late}
}

// wire makes the options of the workers.
func (s *service) wire(set consumer.TopicSet, security consumer.Security, fetcher *consumer.Fetcher) error {
	zone, err := s.cfg.Location()
	if err != nil {
		return UsageError{err}
	}
	shard, err := ShardOptions(s.cfg)
	if err != nil {
		return err
	}
	partitions, err := consumer.CheckInputs(set, s.worker.Inputs)
	if err != nil {
		return err
	}
	w := &s.worker
	w.Store, w.Fetcher, w.Log = s.store, fetcher, s.log
	w.Publisher = publisher.Options{Brokers: s.cfg.Kafka.Brokers, Namespace: s.cfg.Kafka.Group,
		Topics: publisher.Topics{Alerts: s.cfg.Kafka.Outputs.Alerts, Cursors: s.cfg.Kafka.Outputs.Cursors,
			Notes: []string{s.cfg.Kafka.Outputs.Late, s.cfg.Kafka.Outputs.DeadLetter}},
		HangingEnded: s.hanging.Inc,
		TLS:          security.TLS, SASL: security.KgoMechanism(),
		MaxMessageBytes: set.MaxMessageBytes(s.worker.Inputs) + consumer.NoteHeadroom, Log: s.log}
	w.Topics = func(ctx context.Context) (consumer.TopicSet, error) {
		return consumer.ReadTopics(ctx, s.admin, w.Inputs...)
	}
	w.Shard = func() (aggregator.Options, error) { return ShardOptions(s.cfg) }
	w.Partition = func(key []byte, n int) (int, error) { return consumer.Partition(s.cfg.Partitioner, key, n) }
	w.Partitioner = s.cfg.Partitioner
	w.Decoder = event.Options{Prefix: s.cfg.Kafka.TypePrefix, Currency: s.cfg.Currency, Currencies: currencies(s.cfg), UnknownType: string(s.cfg.UnknownType)}
	w.Outputs = s.outputs()
	w.Others = s.reader.Highest
	w.Zone, w.Profile = zone, shard.Profile
	w.Source, w.Currency = "tidemark/"+s.cfg.Redis.Namespace, s.cfg.Currency
	w.Live = s.cfg.Clock == config.ClockLive
	w.Disorder, w.FutureSkew = s.cfg.Disorder, s.cfg.MaxFutureSkew
	w.RetainRows = int32(s.cfg.RetainRows)
	w.LiveBatch, w.CatchUp = s.cfg.Batch.Live, s.cfg.Batch.CatchUp
	w.CacheBytes = s.cacheBytes(partitions)
	w.Severity = map[string]string{}
	for _, r := range s.cfg.Rules {
		if r.Band != "" {
			w.Severity[r.Name] = r.Severity
		} else {
			w.Severity["kpi/"+r.Name] = r.Severity
		}
	}
	for rule, severity := range goalSeverities(s.cfg) {
		w.Severity["kpi/"+rule] = severity
	}
	w.Settings = s.cfg.Fingerprint()
	w.Changed = s.changed
	w.Company = s.newCompany(security)
	return nil
}

// cacheBytes is what the records of one shard may take.
func (s *service) cacheBytes(partitions int) int { return int(s.cfg.Cache) / max(partitions, 1) }

// changed names the settings that no longer fit the stored state.
func (s *service) changed(stored string) string {
	changes := s.cfg.Changes(stored)
	if len(changes) == 0 {
		return ""
	}
	return fmt.Sprintf("the stored state was made with other settings (%s): set them back, or use a new redis.namespace, kafka.group and output topics and read the log from its beginning", changes[0])
}

func currencies(c *config.Config) map[event.Currency]bool {
	known := map[event.Currency]bool{c.Currency: true}
	for _, r := range c.Rates {
		known[r.Currency] = true
	}
	return known
}

// joining is why a process is not ready between two generations: what it knows
// of its shards is of the one before.
const joining = "waiting for shards from the consumer group"

// generation runs the shards of one generation of the group until it ends.
func (s *service) generation(ctx context.Context, g *consumer.Generation) error {
	s.log.Info("shards assigned", zap.Ints("shards", g.Shards), zap.Int32("generation", g.ID))
	workers := make([]*worker.Worker, len(g.Shards))
	var wg sync.WaitGroup
	for i, shard := range g.Shards {
		workers[i] = worker.New(s.worker, shard)
		wg.Go(func() { workers[i].Run(ctx) })
	}
	waiting := ""
	if len(g.Missing) > 0 {
		waiting = "there is no topic " + strings.Join(g.Missing, ", ") + ": create it, or take it out of kafka.topics; no shard is assigned to anybody until then"
	}
	s.board.set(workers, waiting)
	go s.commitOffsets(ctx, g, workers)
	wg.Wait()
	<-ctx.Done()
	s.board.wait(joining)
	s.log.Info("shards released", zap.Ints("shards", g.Shards), zap.Int32("generation", g.ID))
	return nil
}

// offsetsEvery is how often Kafka is told how far the shards are, for people
// and lag monitors.
const offsetsEvery = 5 * time.Second

func (s *service) commitOffsets(ctx context.Context, g *consumer.Generation, workers []*worker.Worker) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(offsetsEvery):
		}
		next := map[string]map[int]int64{}
		for _, w := range workers {
			st := w.Status()
			for topic, offset := range st.Next {
				if next[topic] == nil {
					next[topic] = map[int]int64{}
				}
				next[topic][st.Shard] = offset
			}
		}
		if len(next) == 0 {
			continue
		}
		if err := g.CommitOffsets(next); err != nil && ctx.Err() == nil {
			s.log.Debug("offsets for lag monitors were not committed", zap.Error(err))
		}
	}
}

// poll keeps the figures of the company up to date.
func (s *service) poll(ctx context.Context) error {
	for {
		err := s.reader.Refresh(ctx)
		if ctx.Err() == nil && s.board.polled(err, time.Now()) {
			s.log.Warn("figures cannot be read from Redis; trying again", zap.Error(err))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pollEvery):
		}
	}
}
