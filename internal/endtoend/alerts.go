package endtoend

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Alerts is what a read_committed reader has seen on the alert topic.
type Alerts struct {
	Firing, Resolved int              // alerts seen
	Last             map[string]Alert // the last word on each "rule|subject"
	Notes            map[string]Alert // what is said once, by the position of its message
}

// Alert is one alert as its reader sees it.
type Alert struct {
	ID      string `json:"id"`
	Type    string `json:"type"`
	Subject string `json:"subject"`
	Time    string `json:"time"`
	Data    struct {
		Rule    string `json:"rule"`
		Episode uint64 `json:"episode"`
		Since   string `json:"since"`
		Reason  string `json:"reason"`
		Cause   struct {
			Topic     string `json:"topic"`
			Partition int32  `json:"partition"`
			Offset    int64  `json:"offset"`
		} `json:"cause"`
	} `json:"data"`
}

// The types of alerts, as their readers know them.
const (
	firing   = "tidemark.alert.firing"
	resolved = "tidemark.alert.resolved"
	noted    = "tidemark.alert.note"
)

// StillFiring are the "rule|subject" whose last word is firing, sorted.
func (a *Alerts) StillFiring() []string {
	var out []string
	for pair, last := range a.Last {
		if last.Type == firing {
			out = append(out, pair)
		}
	}
	slices.Sort(out)
	return out
}

// ReadAlerts reads the alert topic and holds what must be true of it at any
// time: every id exactly once; of each pair firing and resolved by turns,
// firing first, a resolution with its firing's number and each firing with a
// higher one; each pair on one partition.
func (w *Workspace) ReadAlerts(ctx context.Context) (*Alerts, error) {
	records, err := w.ReadTopic(ctx, w.Settings.Kafka.Outputs.Alerts)
	if err != nil {
		return nil, err
	}
	return checkAlerts(records)
}

func checkAlerts(records []*kgo.Record) (*Alerts, error) {
	a := &Alerts{Last: map[string]Alert{}, Notes: map[string]Alert{}}
	ids := map[string]string{}       // position by id
	partitions := map[string]int32{} // by pair
	for _, r := range records {
		at := fmt.Sprintf("%s/%d@%d", r.Topic, r.Partition, r.Offset)
		var x Alert
		if err := json.Unmarshal(r.Value, &x); err != nil {
			return nil, fmt.Errorf("alert at %s: %w", at, err)
		}
		pair := x.Data.Rule + "|" + x.Subject
		if string(r.Key) != pair {
			return nil, fmt.Errorf("alert at %s: the key is %q, rule and subject are %q", at, r.Key, pair)
		}
		if before, ok := ids[x.ID]; ok {
			return nil, fmt.Errorf("alert %s stands at %s and at %s", x.ID, before, at)
		}
		ids[x.ID] = at
		if p, ok := partitions[pair]; ok && p != r.Partition {
			return nil, fmt.Errorf("alert %s is on partition %d, others of its pair on %d", x.ID, r.Partition, p)
		}
		partitions[pair] = r.Partition
		if x.Type == noted {
			origin := Position(x.Data.Cause.Topic, x.Data.Cause.Partition, x.Data.Cause.Offset)
			if _, twice := a.Notes[origin]; twice {
				return nil, fmt.Errorf("alert at %s: %s is told of twice", at, origin)
			}
			a.Notes[origin] = x
			continue
		}
		if err := a.next(pair, x); err != nil {
			return nil, fmt.Errorf("alert at %s: %w", at, err)
		}
	}
	return a, nil
}

// next takes the next alert of a pair.
func (a *Alerts) next(pair string, x Alert) error {
	last, seen := a.Last[pair]
	a.Last[pair] = x
	state := strings.TrimPrefix(x.Type, "tidemark.alert.")
	if want := pair + "|" + strconv.FormatUint(x.Data.Episode, 10) + "|" + state; x.ID != want {
		return fmt.Errorf("the id is %q, want %q", x.ID, want)
	}
	switch {
	case x.Type == firing && (!seen || last.Type == resolved && x.Data.Episode > last.Data.Episode):
		a.Firing++
		return nil
	case x.Type == resolved && seen && last.Type == firing && x.Data.Episode == last.Data.Episode:
		a.Resolved++
		return nil
	}
	return fmt.Errorf("%s follows %s", x.ID, last.ID)
}

// StoredFiring returns what should be firing by the state: "rule|subject" and
// since when (Unix ms), of all shards.
func (w *Workspace) StoredFiring(ctx context.Context) (map[string]int64, error) {
	out := map[string]int64{}
	for shard := range w.Partitions {
		stored, err := w.Store.Firing(ctx, shard)
		if err != nil {
			return nil, err
		}
		for pair, b := range stored {
			var f struct {
				Since int64 `json:"since"`
			}
			if err := json.Unmarshal(b, &f); err != nil {
				return nil, fmt.Errorf("firing %s of shard %d: %w", pair, shard, err)
			}
			out[pair] = f.Since
		}
	}
	return out, nil
}

// AlertsAtRest waits until the last word that readers have on each rule and
// subject is the state's.
func (w *Workspace) AlertsAtRest(ctx context.Context) (a *Alerts, err error) {
	err = Eventually(ctx, func() error {
		if a, err = w.ReadAlerts(ctx); err != nil && ctx.Err() == nil {
			return Stop(err)
		}
		if err != nil {
			return err // what was waited for tells more than that the time is up
		}
		stored, err := w.StoredFiring(ctx)
		if err != nil {
			return err
		}
		told, want := a.StillFiring(), slices.Sorted(maps.Keys(stored))
		if !slices.Equal(told, want) {
			return fmt.Errorf("readers believe that %v fire, by the state it is %v", told, want)
		}
		return nil
	})
	if err != nil {
		return a, fmt.Errorf("alerts of %s: %w", w.Name, err)
	}
	return a, nil
}
