package company

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/tidemark-io/tidemark/store"
)

const (
	// rowsShare bounds what reading rows takes: a third of the time.
	rowsShare = 3
	// historyShare is that share while history is read and nobody can rely on the
	// figures yet: a twentieth.
	historyShare = 20
)

// pace says when rows are read next.
type pace struct {
	after time.Time // not before
}

// took notes that rows were read from one moment to another, and that the figures
// can be relied on or not.
func (p *pace) took(from, to time.Time, ready bool) {
	share := time.Duration(historyShare)
	if ready {
		share = rowsShare
	}
	p.after = to.Add((share - 1) * to.Sub(from))
}

// polls counts polls, so that somebody can tell that one has begun after a moment
// and has read whatever had changed.
type polls struct {
	begun, ended uint64 // ended is the number of the last one that read everything
}

// Begun is the number of the last poll that has begun.
func (r *Reader) Begun() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.polls.begun
}

// ReadSince says whether everything that was stored when Begun returned a number
// has been read.
func (r *Reader) ReadSince(begun uint64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.polls.ended > begun
}

// Version rises whenever anything is read that has changed.
func (r *Reader) Version() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.version
}

// Hold keeps polls from reading anything until release is called, so that several
// questions are answered by the same rows. ok is false, and there is nothing to
// release, where a poll is under way.
func (r *Reader) Hold() (release func(), ok bool) {
	select {
	case r.polling <- struct{}{}:
		return func() { <-r.polling }, true
	default:
		return nil, false
	}
}

// Poll reads what has changed since the last poll: one round trip where nothing
// has. Changed says whether any shard was committed or claimed since.
func (r *Reader) Poll(ctx context.Context) (changed bool, err error) {
	return r.poll(ctx, func(map[int]store.Tenure) bool { return true })
}

// Refresh is Poll by somebody who calls it over and over. Where reading rows takes
// long it puts them off, since a company of many segments has very many of them
// and nearly all change with each commit: it takes up a bounded share of the time,
// and a smaller one while history is read. That the shards have come to the end of
// their history is noticed at once.
func (r *Reader) Refresh(ctx context.Context) error {
	_, err := r.poll(ctx, func(changed map[int]store.Tenure) bool {
		return !time.Now().Before(r.pace.after) || r.caughtUp(ctx, changed)
	})
	return err
}

// poll reads the shards that have changed where due says that it is time for them.
func (r *Reader) poll(ctx context.Context, due func(changed map[int]store.Tenure) bool) (changed bool, err error) {
	select {
	case r.polling <- struct{}{}:
		defer func() { <-r.polling }()
	case <-ctx.Done():
		return false, ctx.Err()
	}
	number := r.begin()
	shards, err := r.changed(ctx)
	if err != nil {
		return false, err
	}
	if len(shards) > 0 && !due(shards) {
		return false, nil
	}
	if _, committed := shards[0]; committed { // noted before any shard's rows fail to be read
		r.scoresDue = true
	}
	if err := r.readRows(ctx, shards); err != nil {
		return true, err
	}
	scored, err := r.pollScores(ctx)
	if err == nil {
		r.end(number)
	}
	return scored || len(shards) > 0, err
}

func (r *Reader) begin() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.polls.begun++
	return r.polls.begun
}

func (r *Reader) end(number uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.polls.ended = number
}

// changed are the tenures of shards whose rows may be others than those that were
// read.
func (r *Reader) changed(ctx context.Context) (map[int]store.Tenure, error) {
	if len(r.shards) == 0 {
		n, err := r.store.Partitions(ctx)
		if err != nil || n == 0 {
			return nil, err
		}
		r.reset(n)
	}
	numbers := make([]int, len(r.shards))
	for i := range numbers {
		numbers[i] = i
	}
	tenures, err := r.store.Peek(ctx, numbers)
	if err != nil {
		return nil, err
	}
	changed := map[int]store.Tenure{}
	for i, t := range tenures {
		if t != r.shards[i].tenure {
			changed[i] = t
		}
	}
	return changed, nil
}

// readRows reads the rows of shards, one after the other, so that those of a
// single one are in memory twice at a time.
func (r *Reader) readRows(ctx context.Context, shards map[int]store.Tenure) error {
	if len(shards) == 0 {
		return nil
	}
	began := time.Now()
	for _, i := range slices.Sorted(maps.Keys(shards)) {
		v, err := r.store.ReadView(ctx, i, r.shards[i].tenure)
		if err != nil {
			return err
		}
		if err := r.take(i, v); err != nil {
			return err
		}
	}
	ready, _ := r.Ready()
	r.pace.took(began, time.Now(), ready)
	return nil
}

// caughtUp reads the heads of shards whose rows are put off, and says whether all
// shards can count now of which the rows say that one cannot.
func (r *Reader) caughtUp(ctx context.Context, changed map[int]store.Tenure) bool {
	for i, t := range changed {
		if t == r.shards[i].newest.tenure {
			continue
		}
		v, err := r.store.ReadHead(ctx, i)
		if err != nil {
			return false // the next poll says so
		}
		r.takeHead(i, v)
	}
	waiting := false
	for _, s := range r.shards {
		if s.newest.unready() != "" {
			return false
		}
		waiting = waiting || s.seen.unready() != ""
	}
	return waiting
}

// takeHead notes how far a shard is beyond its rows.
func (r *Reader) takeHead(i int, v store.View) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.shards[i]
	s.newest = s.marks.see(v)
}
