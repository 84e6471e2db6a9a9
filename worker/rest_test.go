package worker_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/internal/endtoend"
	"github.com/tidemark-io/tidemark/internal/oracle"
	"github.com/tidemark-io/tidemark/store"
)

func position(r *kgo.Record) string { return endtoend.Position(r.Topic, r.Partition, r.Offset) }

// readAll says how many messages the stored state has read.
func (w *world) readAll() (n int64, err error) {
	heads, err := w.ws.Heads(context.Background())
	if err != nil {
		return 0, err
	}
	for _, at := range heads[0].Offsets {
		n += at.Next
	}
	return n, nil
}

// untilRead waits until the state has read all but so many messages.
func (w *world) untilRead(but int64) {
	w.t.Helper()
	w.eventually("the log is read", func() error {
		n, err := w.readAll()
		if err == nil && n < w.truth.sent-but {
			err = fmt.Errorf("%d of %d messages", n, w.truth.sent)
		}
		return err
	})
}

// atRest waits until the state has read everything, its watermark has come to
// the highest event time, and readers' last words are the state's.
func (w *world) atRest() *endtoend.Alerts {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patient)
	defer cancel()
	if _, err := w.ws.AtRest(ctx, w.truth.highest); err != nil {
		w.t.Fatal(err)
	}
	alerts, err := w.ws.AlertsAtRest(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	w.eventually("every note was said", w.allNotes)
	w.eventually("every one-shot alert was said", func() error {
		if alerts, err = w.ws.ReadAlerts(w.t.Context()); err != nil {
			return endtoend.Stop(err)
		}
		return w.allNoted(alerts)
	})
	return alerts
}

// check waits for rest and holds everything that is left against the truth. A
// process must be running.
func (w *world) check() *endtoend.Alerts {
	w.t.Helper()
	alerts := w.atRest()
	ctx := w.t.Context()
	truth := endtoend.NewTruth(oracleConfig(), oracle.Input{Events: w.truth.events, Watermark: w.truth.highest}, 10)
	counters, err := w.ws.CheckCounters(ctx)
	if err := errors.Join(err, w.ws.CompareLevels(ctx, truth), w.ws.CompareFiring(ctx, truth, rule)); err != nil {
		w.t.Fatal(err)
	}
	w.eventually("the state is audited", func() error {
		err := w.audit()
		if err != nil && !errors.Is(err, store.ErrFenced) { // the owner has noticed, and taken the shard back
			err = endtoend.Stop(err)
		}
		return err
	})
	for name, n := range w.truth.outcome {
		if got := counters.Of(name); got != n {
			w.t.Errorf("%d messages are counted as %s, want %d: %v", got, name, n, counters)
		}
	}
	w.logf("at rest: %d firing and %d resolved, %d notes, counters %v", alerts.Firing, alerts.Resolved, len(w.truth.notes), counters)
	return alerts
}

// allNotes holds the late and the dead-letter topic against what should be
// there by now. What stands there twice or should not be there ends the wait.
func (w *world) allNotes() error {
	out := w.outputs()
	for to, topic := range map[string]string{"late": out.Late, "dead_letter": out.DeadLetter} {
		got, err := w.ws.ReadNotes(context.Background(), topic)
		if err != nil {
			return endtoend.Stop(err)
		}
		for origin, n := range got {
			want, ok := w.truth.notes[origin]
			if !ok || want.to != to || string(want.why) != n.Reason || want.due > w.truth.highest {
				return endtoend.Stop(fmt.Errorf("%s stands on %s as %s, want %+v", origin, topic, n.Reason, want.message))
			}
			if err := n.CopyOf(want.record); err != nil {
				return endtoend.Stop(err)
			}
		}
		for origin, want := range w.truth.notes {
			if _, ok := got[origin]; !ok && want.to == to && want.due <= w.truth.highest {
				return fmt.Errorf("%s is not on %s (%s)", origin, topic, want.why)
			}
		}
	}
	return nil
}

// allNoted holds the one-shot alerts against what should be there. What should not
// be there ends the wait.
func (w *world) allNoted(alerts *endtoend.Alerts) error {
	for origin, x := range alerts.Notes {
		if !w.truth.noted[origin] {
			return endtoend.Stop(fmt.Errorf("%s is told of as %s", origin, x.ID))
		}
	}
	for origin := range w.truth.noted {
		if _, ok := alerts.Notes[origin]; !ok {
			return fmt.Errorf("nobody is told of %s", origin)
		}
	}
	return nil
}

// audit loads all records of the state at rest and recomputes its cells.
func (w *world) audit() error {
	ctx := context.Background()
	view, err := w.ws.Store.Claim(ctx, 0) // the owner starts over, as it would at any other claim
	if err != nil {
		return err
	}
	o, err := w.processes[0].options(nil, nil).Shard()
	if err != nil {
		return err
	}
	firing := map[aggregator.Pair]aggregator.Firing{}
	for name := range view.Firing {
		r, customer, _ := strings.Cut(name, "|")
		firing[aggregator.Pair{Rule: r, Customer: customer}] = aggregator.Firing{}
	}
	s, err := aggregator.Open(o, aggregator.Stored{Watermark: view.Head.Watermark, FirstDay: view.Head.FirstDay, Table: view.Head.Table,
		Cells: view.Cells, Due: view.Due, Firing: firing})
	if err != nil {
		return err
	}
	for keys := s.Keys(); len(keys) > 0; keys = s.Keys() {
		values, err := w.ws.Store.Load(ctx, 0, view.Tenure, keys)
		if err != nil {
			return err
		}
		for i, k := range keys {
			if err := s.Load(k, values[i]); err != nil {
				return err
			}
		}
	}
	if wrong := s.Audit(); len(wrong) > 0 {
		return fmt.Errorf("audit at %s: %v", civil.Format(view.Head.FirstDay), wrong[:min(len(wrong), 10)])
	}
	return nil
}

// told are the ids of the alerts that readers were told, in order.
func (w *world) told() []string {
	w.t.Helper()
	records, err := w.ws.ReadTopic(w.t.Context(), w.outputs().Alerts)
	if err != nil {
		w.t.Fatal(err)
	}
	var out []string
	for _, r := range records {
		_, rest, _ := strings.Cut(string(r.Value), `"id":"`)
		id, _, _ := strings.Cut(rest, `"`)
		out = append(out, id)
	}
	return out
}

// subjects are the customers of ids, each once, sorted.
func subjects(ids []string) []string {
	names := map[string]bool{}
	for _, id := range ids {
		names[strings.Split(id, "|")[1]] = true
	}
	return slices.Sorted(maps.Keys(names))
}
