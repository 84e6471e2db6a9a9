package company

import (
	"context"
	"fmt"
	"slices"

	"github.com/tidemark-io/tidemark/kpi"
)

// revise adds to figures which revision the topic says of them, or will say.
func (r *Reader) revise(ctx context.Context, figures []kpi.Figure) error {
	if r.opts.Said == nil {
		return nil
	}
	places := make([]place, len(figures))
	for i, f := range figures {
		places[i] = place{f.Segment, dayOf(f)}
	}
	days, head, err := r.readSaid(ctx, places)
	if err != nil {
		return fmt.Errorf("read revisions: %w", err)
	}
	for i := range figures {
		f := &figures[i]
		n, ok := head.numbers[figureKind{f.KPI, f.Window}]
		if !ok {
			continue
		}
		day := days[places[i]]
		at, ok := day.search(n, f.Bucket)
		if !ok {
			continue
		}
		f.Revision = day[at].revision(*f)
		// What is said to be complete must be stored as that: only then is a
		// later change a revision.
		f.Complete = f.Complete && day[at].Settled
	}
	return nil
}

// readSaid reads what was said of days, and last of all the head, in which kinds
// are added and never taken away.
func (r *Reader) readSaid(ctx context.Context, places []place) (map[place]saidDay, saidHead, error) {
	places = slices.Clone(places)
	slices.SortFunc(places, comparePlaces)
	places = slices.Compact(places)
	fields := make([]string, 0, len(places)+1)
	for _, p := range places {
		fields = append(fields, p.field())
	}
	stored, err := r.opts.Said(ctx, append(fields, headField))
	if err != nil {
		return nil, saidHead{}, err
	}
	head, err := parseHead(stored[headField])
	if err != nil {
		return nil, head, err
	}
	days := make(map[place]saidDay, len(places))
	for i, p := range places {
		if stored[fields[i]] == nil {
			continue
		}
		if days[p], err = parseDay(stored[fields[i]], len(head.kinds)); err != nil {
			return nil, head, fmt.Errorf("field %q: %w", fields[i], err)
		}
	}
	return days, head, nil
}
