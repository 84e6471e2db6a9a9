package generate

import (
	"cmp"
	"slices"
	"time"

	"github.com/tidemark-io/tidemark/event"
	"pgregory.net/rapid"
)

// Shuffle draws an order of arrival with duplicates. When an event or a
// duplicate of it is read, the latest event read before it lies at the most
// so many civil days of the zone later: with a watermark no higher than what
// was read, nothing is older than a horizon of that many days.
func Shuffle(t *rapid.T, events []event.Event, zone *time.Location, lateness int) []event.Event {
	type arrival struct {
		at    int64
		among int
		event event.Event
	}
	var list []arrival
	for _, e := range events {
		copies := 1
		if rapid.IntRange(0, 7).Draw(t, "duplicate") == 7 {
			copies = 2
		}
		latest := startOf(zone, dayOf(zone, e.Time)+int32(lateness)+1) - 1
		for range copies {
			a := arrival{at: e.Time, event: e}
			switch rapid.IntRange(0, 3).Draw(t, "delay") {
			case 1: // among those of its time
				a.among = rapid.IntRange(0, 9).Draw(t, "among")
			case 2: // seconds to a day
				a.at = min(e.Time+rapid.Int64Range(0, 24*hour).Draw(t, "late"), latest)
			case 3: // as late as may be
				a.at = max(e.Time, latest-rapid.Int64Range(0, max(0, latest-e.Time)).Draw(t, "early"))
			}
			a.at = max(a.at, e.Time)
			list = append(list, a)
		}
	}
	slices.SortStableFunc(list, func(a, b arrival) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.among, b.among))
	})
	out := make([]event.Event, len(list))
	for i, a := range list {
		out[i] = a.event
	}
	return out
}
