package store

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// View is what a reader without a tenure sees of a shard: exactly one commit.
type View struct {
	Tenure Tenure // zero: never claimed
	Empty  bool   // claimed perhaps, but nothing was committed yet
	Head   Head
	Full   bool              // Cells holds every row; else the rows changed since the reader's last view
	Cells  map[string][]byte // nil value: the row was deleted
	// Causes are those of the commits after the reader's last view, the oldest
	// first; where Full all that are kept, which may be too many.
	Causes []Cause
}

const (
	// viewAttempts bounds how often a reader that wants few rows starts again
	// because a commit came between its two steps. Then it reads all of them,
	// which is one step.
	viewAttempts = 4
	// changesTail is how many entries of the list are read at first: a reader
	// that polls is rarely further behind.
	changesTail = 16
)

// ReadView reads a shard's head, and the rows that changed after the commit
// that the reader saw last; all rows where that cannot be told: another owner,
// a number that went back, too far behind, the zero Tenure.
func (s *Store) ReadView(ctx context.Context, shard int, after Tenure) (View, error) {
	for range viewAttempts {
		now, since, ok, err := s.changedSince(ctx, shard, after)
		if err != nil {
			return View{}, fmt.Errorf("read what changed in shard %d: %w", shard, err)
		}
		if !ok {
			break
		}
		v, err := s.readRows(ctx, shard, since.rows)
		if err != nil {
			return View{}, fmt.Errorf("read rows of shard %d: %w", shard, err)
		}
		if v.Tenure == now {
			v.Causes = since.causes
			return v, nil
		}
	}
	v, err := s.readAll(ctx, shard)
	if err != nil {
		return View{}, fmt.Errorf("read all rows of shard %d: %w", shard, err)
	}
	return v, nil
}

// ReadHead is a view without rows.
func (s *Store) ReadHead(ctx context.Context, shard int) (View, error) {
	v, err := s.readRows(ctx, shard, nil)
	if err != nil {
		return View{}, fmt.Errorf("read the head of shard %d: %w", shard, err)
	}
	return v, nil
}

// changedSince returns the stored tenure and what has changed since after.
func (s *Store) changedSince(ctx context.Context, shard int, after Tenure) (now Tenure, since change, ok bool, err error) {
	for tail := uint64(changesTail); ; {
		var meta *redis.SliceCmd
		var list *redis.StringSliceCmd
		err = replies(s.client.TxPipelined(ctx, func(p redis.Pipeliner) error {
			meta = p.HMGet(ctx, s.keys.meta(shard), fieldOwner, fieldNumber)
			list = p.LRange(ctx, s.keys.changed(shard), -int64(tail), -1)
			return nil
		}))
		if err != nil {
			return Tenure{}, change{}, false, err
		}
		if now, err = parseTenure(meta.Val()); err != nil {
			return Tenure{}, change{}, false, err
		}
		if now.Owner == "" || now.Owner != after.Owner || now.Number < after.Number {
			return now, change{}, false, nil
		}
		behind := now.Number - after.Number
		if behind > changesKept {
			return now, change{}, false, nil
		}
		if behind > tail {
			tail = changesKept
			continue
		}
		since, ok, err = changesSince(list.Val(), after.Number, now.Number)
		return now, since, ok, err
	}
}

// readRows reads the head and some rows in one atomic step.
func (s *Store) readRows(ctx context.Context, shard int, rows []string) (View, error) {
	var meta *redis.SliceCmd
	var values []*redis.SliceCmd
	err := replies(s.client.TxPipelined(ctx, func(p redis.Pipeliner) error {
		meta = p.HMGet(ctx, s.keys.meta(shard), fieldOwner, fieldNumber, fieldHead)
		for first := 0; first < len(rows); first += perCommand {
			values = append(values, p.HMGet(ctx, s.keys.cells(shard), rows[first:min(first+perCommand, len(rows))]...))
		}
		return nil
	}))
	if err != nil {
		return View{}, err
	}
	v, err := parseView(meta.Val())
	if err != nil {
		return View{}, err
	}
	v.Cells = make(map[string][]byte, len(rows))
	for i, cmd := range values {
		for j, b := range byteSlices(cmd.Val()) {
			v.Cells[rows[i*perCommand+j]] = b
		}
	}
	return v, nil
}

// readAll reads the head and all rows in one atomic step.
func (s *Store) readAll(ctx context.Context, shard int) (View, error) {
	var meta *redis.SliceCmd
	var cells *redis.MapStringStringCmd
	var list *redis.StringSliceCmd
	err := replies(s.client.TxPipelined(ctx, func(p redis.Pipeliner) error {
		meta = p.HMGet(ctx, s.keys.meta(shard), fieldOwner, fieldNumber, fieldHead)
		cells = p.HGetAll(ctx, s.keys.cells(shard))
		list = p.LRange(ctx, s.keys.changed(shard), 0, -1)
		return nil
	}))
	if err != nil {
		return View{}, err
	}
	v, err := parseView(meta.Val())
	if err != nil {
		return View{}, err
	}
	v.Full, v.Cells = true, toBytes(cells.Val())
	for _, e := range list.Val() {
		c, err := decodeChange(e)
		if err != nil {
			return View{}, err
		}
		v.Causes = append(v.Causes, c.causes...)
	}
	return v, nil
}

func parseView(meta []any) (v View, err error) {
	if v.Tenure, err = parseTenure(meta); err != nil {
		return View{}, err
	}
	if v.Head, v.Empty, err = parseHead(meta, 2); err != nil {
		return View{}, err
	}
	return v, nil
}
