package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/internal/endtoend"
	"github.com/tidemark-io/tidemark/kpi"
)

// trial is one set on its way through.
type trial struct {
	set      set
	out      io.Writer
	data     string
	space    *endtoend.Workspace
	last     int64 // time of the last event, Unix ms, whole seconds
	counters endtoend.Counters
	alerts   *endtoend.Alerts
	differs  []error
}

// load imports the files through the mapping.
func (t *trial) load(ctx context.Context) error {
	root, err := endtoend.Root()
	if err != nil {
		return err
	}
	mapping := filepath.Join(root, "examples", t.set.mapping)
	if t.set.own != "" {
		mapping = filepath.Join(t.space.Dir, t.set.name+"-mapping.yaml")
		if err := os.WriteFile(mapping, []byte(t.set.own), 0o644); err != nil {
			return fmt.Errorf("write a mapping: %w", err)
		}
	}
	args := []string{"import", "--mapping", mapping}
	for _, f := range t.set.files {
		args = append(args, filepath.Join(t.data, f))
	}
	out, code, err := t.space.Run(ctx, args...)
	if err == nil && code != 0 {
		err = fmt.Errorf("tidemark import ended with code %d: %s", code, out)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(t.out, "$ tidemark import %s --mapping %s\n%s", strings.Join(t.set.files, " "), filepath.Base(mapping), out)
	t.last, err = lastEvent(out)
	return err
}

var span = regexp.MustCompile(`events, (\S+) to (\S+)`)

// lastEvent is the time of the last event by what import says, Unix ms.
func lastEvent(said string) (last int64, err error) {
	for _, m := range span.FindAllStringSubmatch(said, -1) {
		at, err := time.Parse(time.RFC3339, m[2])
		if err != nil {
			return 0, fmt.Errorf("what import says of its files: %w", err)
		}
		last = max(last, at.UnixMilli())
	}
	if last == 0 {
		return 0, fmt.Errorf("import says nothing of the times in its files: %s", said)
	}
	return last, nil
}

// serve runs the service until it has read everything, shows the figures, audits
// them, and ends it.
func (t *trial) serve(ctx context.Context) error {
	w, err := t.space.Worker(t.set.name)
	if err != nil {
		return err
	}
	began := time.Now()
	if err := w.Start(); err != nil {
		return err
	}
	defer func() {
		if w.Running() { // something went wrong
			_ = w.Signal(syscall.SIGKILL)
		}
	}()
	if err := w.Ready(ctx); err != nil {
		return err
	}
	if _, err := t.space.AtRestWithin(ctx, t.last, 1000); err != nil {
		return fmt.Errorf("%w; the log says:\n%s", err, w.Log.Tail(10))
	}
	if t.alerts, err = t.space.AlertsAtRest(ctx); err != nil {
		return err
	}
	if t.counters, err = t.space.CheckCounters(ctx); err != nil {
		return err
	}
	fmt.Fprintf(t.out, "$ tidemark serve\nat rest after %v: %s\n", time.Since(began).Round(time.Second/10), t.counters)
	for _, args := range append([][]string{{"kpi"}}, t.set.show...) {
		out, code, err := t.space.Run(ctx, args...)
		if err == nil && code != 0 {
			err = fmt.Errorf("tidemark %v ended with code %d: %s", args, code, out)
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(t.out, "$ tidemark %s\n%s", strings.Join(args, " "), out)
	}
	if err := errors.Join(t.space.Audit(ctx), w.End(ctx, syscall.SIGTERM)); err != nil {
		return err
	}
	fmt.Fprintf(t.out, "$ tidemark audit: clean\n")
	t.showAlerts()
	return nil
}

// showAlerts shows what a read_committed reader has of the alert topic.
func (t *trial) showAlerts() {
	fmt.Fprintf(t.out, "alerts on %s: %d firing, %d resolved", t.space.Settings.Kafka.Outputs.Alerts, t.alerts.Firing, t.alerts.Resolved)
	const shown = 3
	pairs := t.alerts.StillFiring()
	for _, pair := range pairs[:min(shown, len(pairs))] {
		a := t.alerts.Last[pair]
		fmt.Fprintf(t.out, "\n  %s %s: %s", a.Time, a.ID, a.Data.Reason)
	}
	fmt.Fprintln(t.out)
}

// compare holds the figures against the published ones.
func (t *trial) compare(ctx context.Context) error {
	fmt.Fprintln(t.out, "published:")
	if err := t.set.check(ctx, t); err != nil {
		return err
	}
	return errors.Join(t.differs...)
}

// is compares one figure.
func (t *trial) is(what string, got, want any) {
	mark := "="
	if fmt.Sprint(got) != fmt.Sprint(want) {
		mark = "≠"
		t.differs = append(t.differs, fmt.Errorf("%s: %v, published is %v", what, got, want))
	}
	fmt.Fprintf(t.out, "  %-58s %v %s %v\n", what, got, mark, want)
}

// series reads one KPI by day.
func (t *trial) series(ctx context.Context, name string, args ...string) ([]kpi.Figure, error) {
	return t.space.KPIs(ctx, append([]string{name}, args...)...)
}

// figure reads one KPI on a day, "" for the last.
func (t *trial) figure(ctx context.Context, name, day string, args ...string) (kpi.Figure, error) {
	if day != "" {
		args = append(args, "--from", day, "--to", day)
	}
	list, err := t.series(ctx, name, args...)
	if err != nil {
		return kpi.Figure{}, err
	}
	if len(list) == 0 {
		return kpi.Figure{}, fmt.Errorf("no figure of %s on %q", name, day)
	}
	return list[len(list)-1], nil
}

// sent reads an input topic back and counts its events by month.
func (t *trial) sent(ctx context.Context, topic string) (total int, months []int, err error) {
	records, err := t.space.ReadTopic(ctx, topic)
	if err != nil {
		return 0, nil, err
	}
	by := map[string]int{}
	for _, r := range records {
		month, err := monthOf(r)
		if err != nil {
			return 0, nil, err
		}
		by[month]++
	}
	names := []string{}
	for m := range by {
		names = append(names, m)
	}
	slices.Sort(names)
	for _, m := range names {
		months = append(months, by[m])
	}
	return len(records), months, nil
}

func monthOf(r *kgo.Record) (string, error) {
	var e struct{ Time time.Time }
	if err := json.Unmarshal(r.Value, &e); err != nil {
		return "", fmt.Errorf("event at %s/%d@%d: %w", r.Topic, r.Partition, r.Offset, err)
	}
	return e.Time.UTC().Format("2006-01"), nil
}
