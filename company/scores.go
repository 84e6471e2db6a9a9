package company

import (
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"time"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/kpi"
	"github.com/tidemark-io/tidemark/store"
)

// Scores are the scores of the company's customers added up, by segment.
type Scores struct {
	At       int64                    `json:"at"` // event time, Unix ms: the lowest watermark of the shards that were read
	Segments map[string]SegmentScores `json:"segments"`
}

// SegmentScores are those of a segment, "" the whole. The sum is exact.
type SegmentScores struct {
	Customers int64    `json:"customers"`
	Sum       *big.Rat `json:"sum"`
}

// ParseScores reads what Encode writes.
func ParseScores(b []byte) (*Scores, error) {
	s := &Scores{}
	if err := json.Unmarshal(b, s); err != nil {
		return nil, fmt.Errorf("stored scores: %w", err)
	}
	return s, nil
}

// Encode writes scores for the store.
func (s *Scores) Encode() ([]byte, error) {
	b, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("encode scores: %w", err)
	}
	return b, nil
}

func (s *Scores) of(members []string) kpi.ScoreSum {
	out := kpi.ScoreSum{Sum: new(big.Rat), At: s.At}
	for _, m := range members {
		if x, ok := s.Segments[m]; ok {
			out.Sum.Add(out.Sum, x.Sum)
			out.Customers += x.Customers
		}
	}
	return out
}

// ScoreStore is what reading all scores needs of the store.
type ScoreStore interface {
	Partitions(ctx context.Context) (int, error)
	// Records returns records by their keys, nil where absent, and the head of the
	// commit that they are of.
	Records(ctx context.Context, shard int, keys []string) (store.Head, [][]byte, error)
}

// ScoreReader reads the scores of all customers. It may be used from any goroutine.
type ScoreReader struct {
	Store ScoreStore
	// Options are those of a shard; each call gives a calendar of its own.
	Options func() (aggregator.Options, error)
	// At is the moment (Unix ms) that scores are of; 0: each shard's watermark.
	At int64
}

// scoredBuckets is how many records are read at a time: some thousand customers,
// a few milliseconds of the store's time, and what a scan holds in memory.
const scoredBuckets = 512

// Read reads all records through. What changes meanwhile is read before or after
// the change.
func (r ScoreReader) Read(ctx context.Context) (*Scores, error) {
	shards, err := r.Store.Partitions(ctx)
	if err != nil {
		return nil, err
	}
	o, err := r.Options()
	if err != nil {
		return nil, err
	}
	out := &Scores{At: r.At, Segments: map[string]SegmentScores{}}
	for shard := range shards {
		at, err := r.shard(ctx, o, shard, out)
		if err != nil {
			return nil, fmt.Errorf("scores of shard %d: %w", shard, err)
		}
		if out.At == 0 || at != 0 && at < out.At {
			out.At = at
		}
	}
	return out, nil
}

// shard adds those of a shard, and returns the moment that the first of them are of.
func (r ScoreReader) shard(ctx context.Context, o aggregator.Options, shard int, out *Scores) (first int64, err error) {
	var scan aggregator.ScoreScan
	for more := true; more; {
		head, values, err := r.Store.Records(ctx, shard, scan.Keys(scoredBuckets))
		if err != nil {
			return 0, err
		}
		if head.Watermark == 0 {
			return 0, nil
		}
		at := r.At
		if at == 0 {
			at = head.Watermark
		}
		if first == 0 {
			first = at
		}
		st := aggregator.Stored{Watermark: head.Watermark, FirstDay: head.FirstDay, Table: head.Table}
		if more, err = scan.Add(o, st, at, values); err != nil {
			return 0, err
		}
	}
	scan.Each(func(segment string, customers int64, sum *big.Rat) {
		x := out.Segments[segment]
		if x.Sum == nil {
			x.Sum = new(big.Rat)
		}
		out.Segments[segment] = SegmentScores{x.Customers + customers, x.Sum.Add(x.Sum, sum)}
	})
	return first, nil
}

// scoresEvery is how often a reader looks whether scores were read anew: they
// are as large as there are segments.
const scoresEvery = time.Second

// pollScores reads what the owner of shard 0 has last stored of scores, where that
// may have changed.
func (r *Reader) pollScores(ctx context.Context) (changed bool, err error) {
	if !r.scoresDue || time.Since(r.scoresRead) < scoresEvery {
		return false, nil
	}
	b, err := r.store.Scores(ctx)
	if err != nil {
		return false, err
	}
	r.scoresDue, r.scoresRead = false, time.Now()
	if b == nil || string(b) == r.scoresStored {
		return false, nil
	}
	s, err := ParseScores(b)
	if err != nil {
		return false, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.scores, r.scoresStored = s, string(b)
	r.version++
	return true, nil
}

// addScores lets a source have scores. A view's groups are formed.
func (r *Reader) addScores(s *kpi.Source, failed *error) {
	read := r.opts.Scores
	if r.scores == nil && read == nil {
		return
	}
	s.Scores = func(segment string) kpi.ScoreSum {
		scores := r.scores
		if read != nil {
			var err error
			if scores, err = read(); err != nil {
				*failed = err
				return kpi.ScoreSum{}
			}
		}
		return scores.of(r.view.members(segment))
	}
}
