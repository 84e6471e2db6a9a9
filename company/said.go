package company

import (
	"container/list"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tidemark-io/tidemark/kpi"
	"github.com/tidemark-io/tidemark/store"
)

// maxSaid bounds the stored days of segments that are kept in memory, bytes: the
// running day of a thousand segments takes some 4 MiB, with the days that its
// calendar windows are keyed by.
const maxSaid = 16 << 20

// keptDayBytes is about what a kept day takes beside its packed value.
const keptDayBytes = 256

// ReadSaid returns fields of what was said as they are stored; those that are not
// are absent.
type ReadSaid func(ctx context.Context, fields []string) (map[string][]byte, error)

// sayings are what readers of the topic know, as it is stored. In memory are the names
// of all stored days, the packed values of those that were looked at last, and
// decoded those that the call at hand looks at. One goroutine owns it.
type sayings struct {
	read   ReadSaid
	most   int // maxSaid
	stored map[string]*daySet
	head   saidHead
	begun  bool // the head was read

	kept  map[place]*list.Element // of keptDay
	order list.List               // the first was looked at last
	bytes int                     // of what is kept

	open    map[place]*openDay // of this call
	changed []place            // of these, in the order of their first changes
	rewrite bool               // the head has changed

	day struct { // the last that was read from a figure
		text string
		day  int32
	}
}

type keptDay struct {
	place
	packed []byte
}

func (k keptDay) bytes() int { return len(k.packed) + keptDayBytes }

type openDay struct {
	figures saidDay
	changed bool
}

// newSayings knows the fields that are stored.
func newSayings(fields []string, read ReadSaid) (*sayings, error) {
	s := &sayings{read: read, most: maxSaid, stored: map[string]*daySet{}, head: newHead(),
		kept: map[place]*list.Element{}, open: map[place]*openDay{}}
	for _, field := range fields {
		if field == headField {
			continue
		}
		p, err := parsePlace(field)
		if err != nil {
			return nil, err
		}
		s.add(place{strings.Clone(p.segment), p.day})
	}
	return s, nil
}

// begin is called where everything that was changed is committed: what was not
// looked at for long is given up then.
func (s *sayings) begin(ctx context.Context) error {
	for s.bytes > s.most {
		s.forget(s.order.Back().Value.(keptDay).place)
	}
	clear(s.open)
	if s.begun {
		return nil
	}
	values, err := s.read(ctx, []string{headField})
	if err != nil {
		return err
	}
	if values[headField] == nil && len(s.stored) > 0 {
		return fmt.Errorf("%w: it has no head; use the release that wrote it, or another redis.namespace and the log from its beginning", ErrDamaged)
	}
	s.head, err = parseHead(values[headField])
	s.begun = err == nil
	return err
}

// load reads what is stored of places and not in memory, in one round trip.
func (s *sayings) load(ctx context.Context, places []place) error {
	wanted := map[string]place{}
	for _, p := range places {
		if s.kept[p] == nil && s.open[p] == nil && s.has(p) {
			wanted[p.field()] = p
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	values, err := s.read(ctx, slices.Collect(maps.Keys(wanted)))
	if err != nil {
		return err
	}
	for field, p := range wanted {
		if values[field] == nil {
			return fmt.Errorf("%w: field %q is gone", ErrDamaged, field)
		}
		s.keep(p, values[field])
	}
	return nil
}

// look decodes places, which then stay in memory to the end of the call.
func (s *sayings) look(ctx context.Context, places []place) error {
	if err := s.load(ctx, places); err != nil {
		return err
	}
	for _, p := range places {
		if s.open[p] != nil {
			continue
		}
		o := &openDay{}
		if e := s.kept[p]; e != nil {
			var err error
			if o.figures, err = parseDay(e.Value.(keptDay).packed, len(s.head.kinds)); err != nil {
				return fmt.Errorf("field %q: %w", p.field(), err)
			}
			s.order.MoveToFront(e)
		}
		s.open[p] = o
	}
	return nil
}

// place is where what was said of a figure is stored.
func (s *sayings) place(f kpi.Figure) place {
	if f.Day != s.day.text {
		s.day.text, s.day.day = f.Day, dayOf(f)
	}
	return place{f.Segment, s.day.day}
}

// opened says whether all the places are decoded.
func (s *sayings) opened(places []place) bool {
	return !slices.ContainsFunc(places, func(p place) bool { return s.open[p] == nil })
}

// last is what was last said of a figure of a day that was looked at.
func (s *sayings) last(f kpi.Figure) (Sent, bool) {
	n, ok := s.head.numbers[figureKind{f.KPI, f.Window}]
	o := s.open[s.place(f)]
	if !ok || o == nil {
		return Sent{}, false
	}
	i, ok := o.figures.search(n, f.Bucket)
	if !ok {
		return Sent{}, false
	}
	return o.figures[i].Sent, true
}

// buckets lists those that a figure's KPI was said of, by their names.
func (s *sayings) buckets(f kpi.Figure) []string {
	n, ok := s.head.numbers[figureKind{f.KPI, f.Window}]
	o := s.open[s.place(f)]
	if !ok || o == nil {
		return nil
	}
	var out []string
	for i, _ := o.figures.search(n, ""); i < len(o.figures) && o.figures[i].kind == n; i++ {
		out = append(out, o.figures[i].bucket)
	}
	return out
}

// say keeps what is said of a figure of a day that was looked at.
func (s *sayings) say(f kpi.Figure, x Sent) {
	name := figureKind{f.KPI, f.Window}
	n, ok := s.head.numbers[name]
	if !ok {
		n, s.rewrite = s.head.add(name), true
	}
	p := s.place(f)
	o := s.open[p]
	if i, ok := o.figures.search(n, f.Bucket); ok {
		o.figures[i].Sent = x
	} else {
		o.figures = slices.Insert(o.figures, i, saidFigure{n, f.Bucket, x})
	}
	s.change(p)
	if p.day < s.head.thinned {
		s.head.thinned, s.rewrite = p.day, true
	}
}

// thin keeps those figures of a day that was looked at that were revised.
func (s *sayings) thin(p place) {
	o := s.open[p]
	n := len(o.figures)
	if o.figures = slices.DeleteFunc(o.figures, func(f saidFigure) bool { return f.Revision == 0 }); len(o.figures) < n {
		s.change(p)
	}
}

// drop takes a day away, whatever was said of it.
func (s *sayings) drop(p place) {
	s.open[p] = &openDay{}
	s.change(p)
}

// thinnedTo: thin or drop was called for all stored days before it.
func (s *sayings) thinnedTo(day int32) {
	s.rewrite = s.rewrite || s.head.thinned != day
	s.head.thinned = day
}

func (s *sayings) change(p place) {
	if o := s.open[p]; !o.changed {
		o.changed, s.changed = true, append(s.changed, p)
	}
}

// take returns the fields that have changed; those of days without figures are
// deleted.
func (s *sayings) take() []store.Field {
	var out []store.Field
	for _, p := range s.changed {
		o := s.open[p]
		o.changed = false
		s.forget(p)
		if len(o.figures) == 0 {
			s.remove(p)
			out = append(out, store.Field{Name: p.field()})
			continue
		}
		packed := o.figures.append(nil)
		s.add(p)
		s.keep(p, packed)
		out = append(out, store.Field{Name: p.field(), Value: packed})
	}
	if s.rewrite {
		out = append(out, store.Field{Name: headField, Value: s.head.append(nil)})
	}
	s.changed, s.rewrite = nil, false
	return out
}

func (s *sayings) keep(p place, packed []byte) {
	k := keptDay{p, packed}
	s.kept[p] = s.order.PushFront(k)
	s.bytes += k.bytes()
}

func (s *sayings) forget(p place) {
	if e := s.kept[p]; e != nil {
		s.bytes -= e.Value.(keptDay).bytes()
		s.order.Remove(e)
		delete(s.kept, p)
	}
}
