package endtoend

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/internal/oracle"
	"github.com/tidemark-io/tidemark/kpi"
	"github.com/tidemark-io/tidemark/store"
)

// Truth is what the batch oracle makes of all events that count.
type Truth struct {
	Config oracle.Config
	Input  oracle.Input
	First  int32          // first day of Result
	Result *oracle.Result // up to the watermark's day
}

// NewTruth computes the truth from some days before the first that is not
// frozen at the watermark, and from as many days before the watermark's as figures
// look back on.
func NewTruth(cfg oracle.Config, in oracle.Input, frozen int32) *Truth {
	t := &Truth{Config: cfg, Input: in, First: min(cfg.FirstDay(in.Watermark)-frozen, cfg.Day(in.Watermark)-kpi.LookBack)}
	t.Result = oracle.Compute(cfg, in, t.First, cfg.Day(in.Watermark))
	return t
}

// hoursKept is for how many days whoever was last active is counted by its hour.
const hoursKept = 40

// shownDifferences is how many of the figures that differ are named.
const shownDifferences = 12

// differences collects what does not fit.
type differences []string

func (d *differences) add(format string, args ...any) { *d = append(*d, fmt.Sprintf(format, args...)) }

func (d differences) err(what string) error {
	if len(d) == 0 {
		return nil
	}
	slices.Sort(d)
	return fmt.Errorf("%d %s differ from the oracle's, such as\n%s", len(d), what, strings.Join(d[:min(len(d), shownDifferences)], "\n"))
}

// levels are the stored levels of a workspace, summed over its shards.
type levels struct {
	first    int32 // first day that is not frozen
	values   map[oracle.Key]int64
	standing map[oracle.Key]int64
}

// readLevels reads all rows and adds up what a day's level is: before the first
// day that is not frozen the frozen row itself, from then on the opening and
// the changes since.
func (w *Workspace) readLevels(ctx context.Context, from, to int32) (*levels, error) {
	l := &levels{values: map[oracle.Key]int64{}, standing: map[oracle.Key]int64{}}
	heads, err := w.Heads(ctx)
	if err != nil {
		return nil, err
	}
	l.first = heads[0].FirstDay
	for shard, h := range heads {
		if h.FirstDay != l.first {
			return nil, fmt.Errorf("shard %d keeps days from %s on, shard 0 from %s", shard, civil.Format(h.FirstDay), civil.Format(l.first))
		}
		v, err := w.Store.ReadView(ctx, shard, store.Tenure{})
		if err != nil {
			return nil, err
		}
		if err := l.addRows(v.Cells, to); err != nil {
			return nil, fmt.Errorf("shard %d: %w", shard, err)
		}
		frozen, err := w.Store.FrozenRange(ctx, shard, from, l.first-1)
		if err != nil {
			return nil, err
		}
		if err := l.addFrozen(frozen); err != nil {
			return nil, fmt.Errorf("shard %d: %w", shard, err)
		}
	}
	return l, nil
}

func (l *levels) addRows(rows map[string][]byte, to int32) error {
	for name, b := range rows {
		n, err := aggregator.ParseRowName(name)
		if err != nil {
			return err
		}
		row, err := aggregator.ParseRow(b)
		if err != nil {
			return fmt.Errorf("row %s: %w", name, err)
		}
		for cell, v := range row {
			k := key(cell, n.Segment)
			switch n.Kind {
			case 's', 'p':
				k.Day = n.Day
				l.standing[k] += v
				continue
			case 'o':
				k.Day = l.first
			case 'd':
				k.Day = n.Day
			}
			for ; k.Day <= to; k.Day++ {
				l.values[k] += v
			}
		}
	}
	return nil
}

func (l *levels) addFrozen(rows map[string][]byte) error {
	for name, b := range rows {
		var k oracle.Key
		var day int32
		text, segment, _ := strings.Cut(name, "|")
		if _, err := fmt.Sscan(text, &day); err != nil {
			return fmt.Errorf("frozen row %s: %w", name, err)
		}
		row, err := aggregator.ParseRow(b)
		if err != nil {
			return fmt.Errorf("frozen row %s: %w", name, err)
		}
		for cell, v := range row {
			k = key(cell, segment)
			k.Day = day
			l.values[k] += v
		}
	}
	return nil
}

func key(c aggregator.Cell, segment string) oracle.Key {
	k := oracle.Key{Counter: c.Counter.String(), Label: c.Label, Segment: segment}
	if c.Counter.Money() {
		k.Currency = string(c.Currency[:])
	}
	return k
}

// CompareLevels holds every stored integer against the oracle's: all segments
// from the first day that is not frozen to the watermark's, the whole company
// before that too (a segment's frozen days are those of their time), and what
// has no day.
func (w *Workspace) CompareLevels(ctx context.Context, t *Truth) error {
	got, err := w.readLevels(ctx, t.First, t.Result.Day)
	if err != nil {
		return err
	}
	var d differences
	if want := t.Config.FirstDay(t.Input.Watermark); got.first != want {
		d.add("days are kept from %s on, want %s", civil.Format(got.first), civil.Format(want))
	}
	compare := func(got, want map[oracle.Key]int64, skip func(oracle.Key) bool) {
		keys := map[oracle.Key]bool{}
		for k := range got {
			keys[k] = true
		}
		for k := range want {
			keys[k] = true
		}
		for _, k := range slices.Collect(maps.Keys(keys)) {
			if got[k] != want[k] && !skip(k) {
				d.add("%s %s %q of %q on %s: %d, the oracle has %d", k.Counter, k.Currency, k.Label, k.Segment, civil.Format(k.Day), got[k], want[k])
			}
		}
	}
	compare(got.values, t.Result.Levels, func(k oracle.Key) bool {
		// What moved between segments depends on when days froze.
		return k.Segment != "" && k.Day < got.first || k.Day < t.First || k.Counter == aggregator.MRRMoved.String()
	})
	compare(got.standing, t.Result.Standing, func(k oracle.Key) bool {
		return k.Counter == aggregator.LastHour.String() && k.Day < t.Result.Day-hoursKept
	})
	return d.err("figures")
}

// CompareFiring holds the stored set of firing alerts about customers against
// the oracle's. What began before the first day that is not frozen may have
// lost its beginning.
func (w *Workspace) CompareFiring(ctx context.Context, t *Truth, rule string) error {
	stored, err := w.StoredFiring(ctx)
	if err != nil {
		return err
	}
	var d differences
	first := t.Config.Start(t.Config.FirstDay(t.Input.Watermark))
	for pair, since := range stored {
		customer, ok := strings.CutPrefix(pair, rule+"|")
		if !ok {
			continue
		}
		want, fires := t.Result.Firing[customer]
		if !fires || since != want && since >= first {
			d.add("%s fires since %d, the oracle has %d (%v)", pair, since, want, fires)
		}
	}
	for customer := range t.Result.Firing {
		if _, ok := stored[rule+"|"+customer]; !ok {
			d.add("%s|%s should fire", rule, customer)
		}
	}
	return d.err("alerts")
}

// Level names one integer on the watermark's day.
type Level struct{ Counter, Currency, Segment string }

// LevelsAtRest reads the levels of the watermark's day, summed over the shards.
func (w *Workspace) LevelsAtRest(ctx context.Context) (map[Level]int64, error) {
	heads, err := w.Heads(ctx)
	if err != nil {
		return nil, err
	}
	zone, err := w.Settings.Location()
	if err != nil {
		return nil, err
	}
	today := civil.Of(heads[0].Watermark, zone)
	l, err := w.readLevels(ctx, today, today)
	if err != nil {
		return nil, err
	}
	out := map[Level]int64{}
	for k, v := range l.values {
		if k.Day == today {
			out[Level{k.Counter, k.Currency, k.Segment}] = v
		}
	}
	return out, nil
}
