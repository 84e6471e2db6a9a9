// Command try puts published data sets through a real Kafka, a real Redis and
// the built tidemark, the way a user would, and compares the figures with the
// published ones: `make try DATA=folder`. The folder's README says where the
// files come from.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/tidemark-io/tidemark/internal/endtoend"
	"github.com/tidemark-io/tidemark/internal/testserver"
)

func main() {
	data := flag.String("data", "", "folder of the data sets (default: $TIDEMARK_DATA, else ../shared/data)")
	only := flag.String("only", "", "try this set alone")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := tryAll(ctx, os.Stdout, *data, *only)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// tryAll tries each set, one after the other, and goes on after one that fails.
func tryAll(ctx context.Context, out io.Writer, data, only string) (err error) {
	if data == "" {
		if data, err = endtoend.Data(); err != nil {
			return err
		}
		if data == "" {
			return fmt.Errorf("no ../shared/data beside the checkout: name the folder of the data sets, with make try DATA=folder or in %s", endtoend.DataEnv)
		}
	}
	if data, err = filepath.Abs(data); err != nil {
		return err
	}
	servers, err := start()
	if err != nil {
		return err
	}
	var failed error
	for _, s := range sets {
		if only != "" && s.name != only || ctx.Err() != nil {
			continue
		}
		if e := servers.try(ctx, out, s, data); e != nil {
			fmt.Fprintf(out, "FAILED: %v\n\n", e)
			failed = errors.Join(failed, fmt.Errorf("%s: %w", s.name, e))
		}
	}
	return errors.Join(failed, ctx.Err(), servers.stop(), endtoend.RemoveBinary())
}

// servers are what all sets share.
type servers struct {
	kafka *testserver.Kafka
	redis *testserver.Redis
	dir   string
}

func start() (s *servers, err error) {
	s = &servers{}
	if s.dir, err = os.MkdirTemp("", "tidemark-try-"); err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	if s.kafka, err = testserver.RunKafka(testserver.KafkaOptions{}); err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.dir))
	}
	if s.redis, err = testserver.RunRedis(testserver.RedisOptions{}); err != nil {
		return nil, errors.Join(err, s.kafka.Stop(), os.RemoveAll(s.dir))
	}
	return s, nil
}

func (s *servers) stop() error {
	return errors.Join(s.redis.Stop(), s.kafka.Stop(), os.RemoveAll(s.dir))
}

// setLimit is the longest that one set may take.
const setLimit = 5 * time.Minute

// try imports a set, lets the service come to rest, shows what it says, and
// compares.
func (s *servers) try(ctx context.Context, out io.Writer, set set, data string) (err error) {
	ctx, cancel := context.WithTimeout(ctx, setLimit)
	defer cancel()
	began := time.Now()
	fmt.Fprintf(out, "── %s: %s\n", set.name, set.what)
	t := &trial{set: set, out: out, data: data}
	t.space, err = endtoend.New(ctx, endtoend.Options{Name: "try-" + set.name, Dir: s.dir, Brokers: s.kafka.Addr, Redis: s.redis.Addr,
		Partitions: 4, Lines: "clock: log\n" + set.lines})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.space.Close()) }()
	if err := t.load(ctx); err != nil {
		return err
	}
	if err := t.serve(ctx); err != nil {
		return err
	}
	if err := t.compare(ctx); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s: as published, in %v\n\n", set.name, time.Since(began).Round(time.Second/10))
	return nil
}
