package aggregator

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// Changes is what a commit has to store. Its byte slices are valid until
// Committed is called.
type Changes struct {
	Watermark int64
	FirstDay  int32
	Table     []byte
	Records   []KV
	Cells     []KV
	Frozen    []KV
	Due       []KV
	Fired     map[Pair]*Firing // nil: no longer firing
	Notes     []Note
	Moves     []Move
	Warnings  []string         // sentences for the log
	Capped    map[string]int64 // entries that full lists of records have let go, by list: orders, payments, subscriptions, references
}

// Empty says whether there is nothing to store but perhaps another watermark.
// What Changes has returned is never returned again, so whoever leaves out a
// commit must ask this first.
func (c *Changes) Empty() bool {
	return len(c.Records)+len(c.Cells)+len(c.Frozen)+len(c.Due)+len(c.Fired)+len(c.Notes)+len(c.Moves) == 0
}

// Changes returns everything that changed since the last commit. The shard
// takes it for stored: where it could not be, the shard must be thrown away.
func (s *Shard) Changes() Changes {
	s.catchUp()
	s.grow()
	s.touchChanged()
	ch := Changes{Watermark: s.watermark, FirstDay: s.cells.first, Notes: s.notes, Moves: s.moves, Warnings: s.warnings}
	ch.Records = slices.Grow(ch.Records, len(s.dirty))
	for i, b := range s.dirty {
		if i%aheadBlocks == 0 {
			s.warmBlocks(s.dirty[i:min(i+aheadBlocks, len(s.dirty))])
		}
		var value []byte
		if b.page != nil {
			value = s.appendPage(nil, b.page)
		} else {
			value = s.writeBucket(b.bucket)
		}
		s.measure(b)
		b.dirty = false
		ch.Records = append(ch.Records, KV{b.key, value})
	}
	clear(s.dirty)
	s.dirty = s.dirty[:0]
	ch.Cells, ch.Frozen = s.cells.changes()
	for i := range s.dueDirty {
		kv := KV{Name: strconv.Itoa(i)}
		if s.dueStored[i] = s.dueAt[i]; s.dueAt[i] != never {
			kv.Value = binary.AppendVarint(nil, s.dueAt[i])
		}
		ch.Due = append(ch.Due, kv)
	}
	clear(s.dueDirty)
	if len(s.fired) > 0 {
		ch.Fired = map[Pair]*Firing{}
		for p := range s.fired {
			ch.Fired[p] = nil
			if f, ok := s.firing[p]; ok {
				ch.Fired[p] = &f
			}
		}
		clear(s.fired)
	}
	ch.Table = s.table().Append(nil)
	s.notes, s.moves, s.warnings = nil, nil, nil
	if len(s.capped) > 0 {
		ch.Capped, s.capped = s.capped, map[string]int64{}
	}
	return ch
}

// Committed says that the last changes are stored: their memory may be used
// again, and records are dropped until they and the rows take no more than the
// limit in bytes. Rows stay, whatever the limit: values of dimensions bound them.
func (s *Shard) Committed(limit int) { s.evict(max(limit-s.cells.memory, 0)) }

func (s *Shard) table() *Table {
	t := &Table{Buckets: len(s.buckets), Customers: s.customers, Jobs: s.jobs, Sources: s.sources.list, Reasons: s.reasons.list, Questions: s.questions.list,
		Rules: s.opts.rules(), Epoch: s.sources.epoch}
	for i, off := range s.off {
		if off {
			t.Off = append(t.Off, s.opts.Dimensions[i])
		}
	}
	return t
}

// writeBucket brings the bucket's stored form up to date: records that have not
// changed are copied from the one before.
func (s *Shard) writeBucket(b *bucket) []byte {
	dst := append(s.encBuf[:0], recordVersion)
	for i := range b.places {
		p := &b.places[i]
		from := len(dst)
		if !p.changed && p.end > 0 {
			dst = append(dst, b.stored[p.from:p.end]...)
			p.rare += uint32(from) - p.from
			p.from, p.end = uint32(from), uint32(len(dst))
			continue
		}
		c := b.customers[i]
		s.fold(c, false)
		var rare []byte
		if p.end > 0 {
			rare = b.stored[p.rare:p.end]
		}
		record, rareAt := c.append(s.recBuf[:0], s.lookback(), s.sources, rare)
		s.recBuf = record
		dst = binary.AppendUvarint(dst, uint64(len(record)))
		p.from, p.rare = uint32(from), uint32(len(dst)+rareAt)
		dst = append(dst, record...)
		p.end, p.memory, p.changed = uint32(len(dst)), uint32(c.memory()), false
		c.changed, c.rewrite = false, false
	}
	s.encBuf = dst
	b.stored = append(b.stored[:0], dst...)
	return b.stored
}

func (s *Shard) appendPage(dst []byte, p *page) []byte {
	dst = append(dst, recordVersion)
	dst = binary.AppendUvarint(dst, uint64(len(p.segs)))
	for _, name := range p.segs {
		dst = appendString(dst, name)
	}
	dst = binary.AppendUvarint(dst, uint64(len(p.users)))
	for i := range p.users {
		if s.cells.started {
			p.users[i].fold(s.lookback())
		}
		dst = p.users[i].append(dst, s.lookback(), s.sources)
	}
	return dst
}

// Audit recomputes every cell that is not frozen from the records, and the set
// of firing alerts, and returns the names of what differs from what the shard
// holds. All records must be in memory.
func (s *Shard) Audit() []string {
	fresh := newCells(s.opts.Horizon, s.cells.kinds)
	fresh.started, fresh.first, fresh.hours = s.cells.started, s.cells.first, s.cells.hours
	for _, g := range s.cells.segments[1:] {
		fresh.segment(g.name, s.opts.Horizon)
	}
	e := newEmitter(fresh, &s.opts)
	firing := map[Pair]bool{}
	var wrong []string
	for _, b := range s.buckets {
		if b == nil {
			return []string{"not every record is in memory"}
		}
		for _, c := range b.customers {
			wrong = append(wrong, s.auditCustomer(e, c, firing)...)
		}
	}
	have, want := s.cells.snapshot(), fresh.snapshot()
	for name := range union(have, want) {
		if !maps.Equal(have[name], want[name]) {
			wrong = append(wrong, fmt.Sprintf("cells %s: %v, the records come to %v", name, have[name], want[name]))
		}
	}
	for p := range union(firing, s.firing) {
		if _, ok := s.firing[p]; ok != firing[p] {
			wrong = append(wrong, "firing "+p.Rule+"|"+p.Customer)
		}
	}
	slices.Sort(wrong)
	return wrong
}

// auditCustomer contributes a copy of the record as it would be read from the
// store, walked from its base.
func (s *Shard) auditCustomer(e *emitter, c *customer, firing map[Pair]bool) (wrong []string) {
	record, _ := c.append(nil, s.lookback(), s.sources, nil)
	r := reader{b: record, sources: s.sources.list}
	x, _ := r.customer()
	if r.err != nil {
		return []string{"record of " + c.id}
	}
	x.health = health{base: x.health.base}
	x.derive(&s.opts)
	x.in = s.segments(x)
	if now := max(s.watermark, x.latest); now > 0 && x.health.base.day < s.cal.Day(now) {
		s.walkTo(x, now, noDay)
	}
	s.contribute(e, x)
	for i := range x.users {
		e.contributeUser(&x.users[i], s.lookback())
	}
	e.flush(x.segs())
	s.contributeMoved(e.cells, x, 1)
	for r := range s.opts.BandRules {
		if _, ok := x.fires(r, &s.opts.BandRules[r]); ok {
			firing[Pair{s.opts.BandRules[r].Name, c.id}] = true
		}
	}
	if c.pages == nil {
		return nil
	}
	for i, p := range c.pages.list {
		if p == nil {
			wrong = append(wrong, "page "+pageKey(c.id, i)+" is not in memory")
			continue
		}
		segs := make([]int32, len(p.segs))
		for k := range segs {
			segs[k] = -1
			if k == 0 {
				segs[k] = 0
			} else if p.segs[k] != "" && !s.off[k-1] {
				segs[k] = e.cells.segment(p.segs[k], s.opts.Horizon)
			}
		}
		for k := range p.users {
			e.contributeUser(&p.users[k], s.lookback())
		}
		e.flush(segs)
	}
	return wrong
}

func union[K comparable, A, B any](a map[K]A, b map[K]B) map[K]bool {
	out := map[K]bool{}
	for k := range a {
		out[k] = true
	}
	for k := range b {
		out[k] = true
	}
	return out
}

// Keys returns the keys of all records that an audit has to load: the buckets,
// then, once those are in memory, the pages of customers who have any.
func (s *Shard) Keys() []string {
	var keys []string
	for i, b := range s.buckets {
		if b == nil {
			keys = append(keys, bucketKey(i))
			continue
		}
		for _, c := range b.customers {
			if c.pages == nil {
				continue
			}
			for k, p := range c.pages.list {
				if p == nil {
					keys = append(keys, pageKey(c.id, k))
				}
			}
		}
	}
	return keys
}
