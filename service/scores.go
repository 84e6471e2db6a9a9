package service

import (
	"context"
	"fmt"
	"time"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/company"
	"github.com/tidemark-io/tidemark/config"
)

const (
	// scoresPause is the least time between two readings of all records, or five
	// publish intervals, where that is more.
	scoresPause = 5 * time.Second
	// scoresShare bounds what reading takes: a twentieth of the time.
	scoresShare = 20
)

// scoreKeeper reads the scores of all customers in the background, again after a
// while where anything has changed. One goroutine owns it; one more reads.
type scoreKeeper struct {
	read  func(context.Context) (*company.Scores, error)
	pause time.Duration
	stale bool            // something has changed since the last reading began
	after time.Time       // no reading begins before
	done  chan scoresRead // of the one that is under way; nil: there is none
	found []byte          // by the last one, and not stored yet
	known string          // what is stored
}

type scoresRead struct {
	scores *company.Scores
	err    error
	took   time.Duration
}

func newScoreKeeper(records company.ScoreStore, c *config.Config) scoreKeeper {
	r := company.ScoreReader{Store: records, Options: func() (aggregator.Options, error) { return ShardOptions(c) }}
	return scoreKeeper{read: r.Read, pause: max(scoresPause, 5*c.PublishInterval), stale: true}
}

// next begins a reading where one is due, and returns what the last one has
// found: the same until it is said to be stored, nil while there is nothing new.
// Changed says that anything was committed since it was last called.
func (k *scoreKeeper) next(ctx context.Context, now time.Time, changed bool) ([]byte, error) {
	k.stale = k.stale || changed
	switch {
	case k.done != nil:
		select {
		case r := <-k.done:
			err := k.take(r, now)
			return k.found, err
		default:
		}
	case k.stale && !now.Before(k.after):
		k.stale, k.done = false, make(chan scoresRead, 1)
		go func(done chan<- scoresRead) {
			began := time.Now()
			scores, err := k.read(ctx)
			done <- scoresRead{scores, err, time.Since(began)}
		}(k.done)
	}
	return k.found, nil
}

func (k *scoreKeeper) take(r scoresRead, now time.Time) error {
	k.done, k.after = nil, now.Add(max(k.pause, scoresShare*r.took))
	if r.err != nil {
		k.stale = true
		return fmt.Errorf("read the scores of all customers: %w", r.err)
	}
	b, err := r.scores.Encode()
	if err != nil || string(b) == k.known {
		return err
	}
	k.found = b
	return nil
}

// stored says that what next returned is.
func (k *scoreKeeper) stored(b []byte) {
	if b != nil {
		k.found, k.known = nil, string(b)
	}
}
