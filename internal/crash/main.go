// Command crash plays schedules of faults against two `tidemark serve` on a real
// Kafka and a real Redis: it feeds generated events, kills and pauses
// processes, forces rebalances, restarts Redis (also with its append-only file
// cut back by some commits) and Kafka. At the end of each schedule figures,
// alerts, notes and counters must be what the batch oracle makes of the events.
// `make soak N=…` runs it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/tidemark-io/tidemark/internal/endtoend"
	"github.com/tidemark-io/tidemark/internal/testserver"
)

func main() {
	n := flag.Int("n", 20, "schedules to play")
	seed := flag.Uint64("seed", 0, "seed of the first; the others follow it (default: the time)")
	jobs := flag.Int("jobs", 2, "schedules at a time")
	alone := flag.String("only", "", "play this kind of fault alone, such as \"redis cut\"; \"none\": no fault")
	keep := flag.String("keep", "", "folder for the logs of schedules that fail (default: a new one)")
	flag.Parse()
	if *seed == 0 {
		*seed = uint64(time.Now().UnixNano() / 1000)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := soak(ctx, only(schedules(*seed, *n), kind(*alone)), *jobs, *keep)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// soak plays schedules and tells of each that fails.
func soak(ctx context.Context, list []schedule, jobs int, keep string) (err error) {
	if keep == "" {
		if keep, err = os.MkdirTemp("", "tidemark-crash-"); err != nil {
			return fmt.Errorf("make a folder for logs: %w", err)
		}
	}
	kafka, err := testserver.RunKafka(testserver.KafkaOptions{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, kafka.Stop(), endtoend.RemoveBinary()) }()
	began := time.Now()
	failed := 0
	seen := playAll(ctx, kafka, list, jobs, keep, func(o outcome) {
		if o.err == nil {
			fmt.Printf("ok   %s\n", o)
			return
		}
		failed++
		fmt.Printf("FAIL %s\n%v\n", o, o.err)
	})
	fmt.Printf("%d schedules in %v, %d failed; %s\n", len(list), time.Since(began).Round(time.Second), failed, seen)
	if failed > 0 {
		return fmt.Errorf("%d of %d schedules failed; their logs are in %s", failed, len(list), keep)
	}
	return errors.Join(ctx.Err(), os.RemoveAll(keep))
}
