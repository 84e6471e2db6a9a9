package company

import "context"

// forget gives up what was said of frozen days, a part in each call: figures that
// were never revised, and those older than what is kept. It begins when the
// queues are empty, and not before: the day that froze may have changed last.
func (f *Feed) forget(ctx context.Context) error {
	if f.expire && len(f.running)+len(f.past) == 0 && len(f.old) == 0 {
		f.old, f.oldFirst, f.expire = f.said.old(f.first, f.first-f.retain), f.first, false
		if len(f.old) == 0 {
			f.said.thinnedTo(f.first)
		}
	}
	if len(f.old) == 0 {
		return nil
	}
	some := f.old[:min(feedDays, len(f.old))]
	var thin []place
	for _, p := range some {
		if p.day < min(f.first, f.oldFirst) && p.day >= f.first-f.retain { // else it goes, or is not frozen any more: shards have lost commits
			thin = append(thin, p)
		}
	}
	if err := f.said.look(ctx, thin); err != nil {
		return err
	}
	for _, p := range some {
		if p.day < f.first-f.retain {
			f.said.drop(p)
		}
	}
	for _, p := range thin {
		f.said.thin(p)
	}
	if f.old = f.old[len(some):]; len(f.old) == 0 {
		f.said.thinnedTo(min(f.first, f.oldFirst))
	}
	return nil
}
