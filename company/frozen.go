package company

import (
	"fmt"
	"maps"

	"github.com/tidemark-io/tidemark/aggregator"
)

// maxFrozen bounds the frozen days kept in memory, each the row of one segment
// and day summed over the shards, about 2 KiB. Past it all are dropped that the
// question at hand does not need: one about "other" may need more by itself, and
// would never be answered if its own were dropped.
const maxFrozen = 20_000

// drop keeps only the frozen days that a question needs.
func (v *view) drop(segments []string, days []int32) {
	wanted, on := map[string]bool{}, map[int32]bool{}
	for _, segment := range segments {
		for _, m := range v.members(segment) {
			wanted[m] = true
		}
	}
	for _, d := range days {
		on[d] = true
	}
	maps.DeleteFunc(v.frozen, func(d frozenDay, _ *frozenSum) bool { return !wanted[d.segment] || !on[d.day] })
}

// missing lists, by shard, the frozen rows that the days need and that have not
// been loaded.
func (v *view) missing(segments []string, days []int32) map[int][]frozenDay {
	need := map[int][]frozenDay{}
	for i, s := range v.shards {
		if s.empty {
			continue
		}
		for _, segment := range segments {
			for _, m := range v.members(segment) {
				for _, day := range days {
					if day >= s.head.FirstDay {
						continue
					}
					d := frozenDay{day, m}
					if f := v.frozen[d]; f == nil || !f.has[i] {
						need[i] = append(need[i], d)
					}
				}
			}
		}
	}
	return need
}

// addFrozen adds one shard's row of a frozen day, nil where it has none.
func (v *view) addFrozen(shard int, d frozenDay, b []byte) error {
	f := v.frozen[d]
	if f == nil {
		f = &frozenSum{row: aggregator.Row{}, has: make([]bool, len(v.shards))}
		v.frozen[d] = f
	}
	if f.has[shard] {
		return nil // another reader was faster
	}
	row, err := aggregator.ParseRow(b)
	if err != nil {
		return fmt.Errorf("frozen row %s of shard %d: %w", aggregator.FrozenName(d.day, d.segment), shard, err)
	}
	for c, n := range row {
		f.row[c] += n
		v.met.meet(c)
	}
	f.has[shard] = true
	return nil
}

// owners lists the shards' owners.
func (v *view) owners() []string {
	out := make([]string, len(v.shards))
	for i, s := range v.shards {
		out[i] = s.tenure.Owner
	}
	return out
}
