// Command bench measures Tidemark beside what others build by hand, on a real
// Kafka and a real Redis that it starts itself. Every part runs several times;
// what is printed are minimum, median and maximum, and ratios of what was
// measured in the same round. docs/performance.md explains the parts.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/tidemark-io/tidemark/internal/testserver"
)

// bench holds the settings and the servers of one run of the command.
type bench struct {
	seed       uint64
	events     int    // of the stream
	byHand     int    // how many of them the hand-written consumer reads
	rounds     int    // of each part
	seconds    int    // of steady load, part latency
	users      int    // parts bytes and takeover
	binary     string // of tidemark; "": built from this checkout
	logs       string // folder for logs and profiles of tidemark serve
	profile    bool   // CPU profiles of tidemark serve and of the core
	kafka      *testserver.Kafka
	redis      *testserver.Redis
	onTopic    map[int]string // topics that hold a stream, by days
	namespaces int
}

// part is one thing that is measured.
type part struct {
	name string
	what string
	run  func(context.Context, *bench) error
}

var parts = []part{
	{"core", "decoder and aggregator alone, on one core, no I/O", runCores},
	{"throughput", "2 M events through Kafka: bare reader, hand-written consumers, tidemark serve", runThroughput},
	{"latency", "event to alert and event to KPI at a steady rate", runLatency},
	{"bytes", "Redis bytes a user, and of a customer with four subscriptions", runBytes},
	{"takeover", "taking over a shard", runTakeover},
	{"report", "tidemark report beside DuckDB and pandas, no servers", runReport},
	{"late", "one event that is a year late, no servers", runLate},
	{"dimensions", "ten dimensions of a hundred values in tidemark serve", runDimensions},
}

func main() {
	if len(os.Args) > 2 && os.Args[1] == "serve" {
		profiledServe(os.Args[2:])
		return
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() (err error) {
	b := &bench{onTopic: map[int]string{}}
	var names []string
	for _, p := range parts {
		names = append(names, p.name)
	}
	only := flag.String("only", "", "parts to run, separated by commas: "+strings.Join(names, ", "))
	flag.Uint64Var(&b.seed, "seed", 1, "seed of the stream")
	flag.IntVar(&b.events, "events", 2_000_000, "events of the stream")
	flag.IntVar(&b.byHand, "by-hand", 2_000_000, "events that a hand-written consumer reads")
	flag.IntVar(&b.rounds, "rounds", 3, "rounds of each part")
	flag.IntVar(&b.seconds, "seconds", 20, "seconds of steady load a round, part latency")
	flag.IntVar(&b.users, "users", 1_000_000, "users, parts bytes and takeover")
	flag.StringVar(&b.binary, "tidemark", "", "the tidemark binary; built when empty")
	flag.StringVar(&b.logs, "logs", "", "folder for logs and profiles; a temporary one when empty")
	flag.BoolVar(&b.profile, "profile", false, "write CPU profiles into the folder of the logs")
	flag.Parse()
	chosen := strings.FieldsFunc(*only, func(r rune) bool { return r == ',' })
	for _, name := range chosen {
		if !slices.Contains(names, name) {
			return fmt.Errorf("no part %q: %s", name, strings.Join(names, ", "))
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if b.logs == "" {
		if b.logs, err = os.MkdirTemp("", "tidemark-bench-"); err != nil {
			return err
		}
	}
	defer func() { err = errors.Join(err, b.stopServers()) }()
	fmt.Printf("seed %d, %d rounds, logs in %s\n%s\n", b.seed, b.rounds, b.logs, machine())
	for _, p := range parts {
		if len(chosen) > 0 && !slices.Contains(chosen, p.name) {
			continue
		}
		fmt.Printf("\n== %s: %s\n", p.name, p.what)
		if err := p.run(ctx, b); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}
