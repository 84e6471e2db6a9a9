package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"syscall"

	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/internal/endtoend"
	"github.com/tidemark-io/tidemark/internal/oracle"
)

// lookBack is how many days before the horizon's are compared too: the longest
// windows of flows read them.
const lookBack = 90

// verify waits until nothing is left to do, and holds everything that was left
// behind against the oracle and against what was fed.
func (p *play) verify(ctx context.Context) (numbers string, err error) {
	rest, cancel := context.WithTimeout(ctx, restLimit)
	defer cancel()
	for _, w := range p.workers[:2] {
		if err := w.Ready(rest); err != nil {
			return "", err
		}
	}
	if _, err := p.space.AtRest(rest, p.history.highest); err != nil {
		return "", fmt.Errorf("%w; the logs say:\n%s\n%s", err, p.workers[0].Log.Tail(10), p.workers[1].Log.Tail(10))
	}
	p.truth = endtoend.NewTruth(p.cfg, oracle.Input{Events: p.history.events, Watermark: p.history.highest}, lookBack)
	if err := p.ruleAtRest(rest); err != nil {
		return "", err
	}
	if _, err := p.space.AlertsAtRest(rest); err != nil {
		return "", err
	}
	if err := p.notesAtRest(rest); err != nil {
		return "", err
	}
	err = errors.Join(p.space.CompareLevels(ctx, p.truth), p.space.CompareFiring(ctx, p.truth, "at_risk"),
		p.space.CompareKPIs(ctx, p.truth, money), p.space.Audit(ctx))
	if err != nil {
		return "", err
	}
	for _, w := range p.workers[:2] {
		if err := p.stop(ctx, w, syscall.SIGTERM); err != nil {
			return "", err
		}
	}
	return p.lastWords(ctx)
}

// ruleAtRest waits until the rule on a KPI fires as it must.
func (p *play) ruleAtRest(ctx context.Context) error {
	// The service looks at the days that are not frozen.
	truth := *p.truth
	truth.First = p.cfg.FirstDay(p.history.highest)
	v, err := truth.Verdict(manyRed, money, minSample)
	if err != nil {
		return err
	}
	err = endtoend.Eventually(ctx, func() error {
		stored, err := p.space.StoredFiring(ctx)
		if err != nil {
			return err
		}
		if _, fires := stored[manyRed.Name+"|"+manyRed.KPI]; fires != v.Firing {
			return fmt.Errorf("rule %s fires: %v, by the oracle's series: %v", manyRed.Name, fires, v.Firing)
		}
		return nil
	})
	return err
}

// lastWords checks, once nobody can write any more, what must be there once.
func (p *play) lastWords(ctx context.Context) (string, error) {
	alerts, err := p.space.AlertsAtRest(ctx)
	if err != nil {
		return "", err
	}
	if alerts.Firing < 3 || alerts.Resolved < 1 {
		return "", fmt.Errorf("only %d alerts fired and %d were resolved: the history is too dull to show anything", alerts.Firing, alerts.Resolved)
	}
	late, dead, err := p.notes(ctx)
	if err != nil {
		return "", err
	}
	counters, err := p.space.CheckCounters(ctx)
	if err != nil {
		return "", err
	}
	if got := counters.Of("dead_letter"); got != int64(len(dead)) {
		return "", fmt.Errorf("%d messages on the dead-letter topic, %d counted", len(dead), got)
	}
	if got := counters.Of("late") + counters.Of("expired"); got != int64(len(late)) {
		return "", fmt.Errorf("%d messages on the late topic, %d counted", len(late), got)
	}
	return fmt.Sprintf("%d messages (%s), %d firing, %d resolved, %d late, %d dead letters",
		len(p.positions), counters, alerts.Firing, alerts.Resolved, len(late), len(dead)), nil
}

// notesAtRest waits until every copy that is due has been made.
func (p *play) notesAtRest(ctx context.Context) error {
	return endtoend.Eventually(ctx, func() error {
		late, dead, err := p.readNotes(ctx)
		if err != nil {
			return endtoend.Stop(err)
		}
		return errors.Join(p.missing(late, "late"), p.missing(dead, "dead_letter"))
	})
}

func (p *play) readNotes(ctx context.Context) (late, dead map[string]endtoend.Note, err error) {
	o := p.space.Settings.Kafka.Outputs
	if late, err = p.space.ReadNotes(ctx, o.Late); err != nil {
		return nil, nil, err
	}
	dead, err = p.space.ReadNotes(ctx, o.DeadLetter)
	return late, dead, err
}

// missing says which copies are not there.
func (p *play) missing(notes map[string]endtoend.Note, to string) error {
	var out []string
	for at, m := range p.positions {
		if _, ok := notes[at]; !ok && m.to == to {
			out = append(out, fmt.Sprintf("%s (%s)", at, m.why))
		}
	}
	if to == "late" {
		for _, at := range p.orphans() {
			if _, ok := notes[at]; !ok {
				out = append(out, at+" (orphan)")
			}
		}
	}
	if len(out) == 0 {
		return nil
	}
	slices.Sort(out)
	return fmt.Errorf("%d messages are not on the %s topic: %v", len(out), to, out)
}

// notes reads the late and the dead-letter topic and holds each copy against
// its message: there once, untouched, with the right reason, and no other.
func (p *play) notes(ctx context.Context) (late, dead map[string]endtoend.Note, err error) {
	if late, dead, err = p.readNotes(ctx); err != nil {
		return nil, nil, err
	}
	err = errors.Join(p.missing(late, "late"), p.missing(dead, "dead_letter"))
	orphans := p.orphans()
	for to, notes := range map[string]map[string]endtoend.Note{"late": late, "dead_letter": dead} {
		for at, n := range notes {
			m, ok := p.positions[at]
			if !ok {
				err = errors.Join(err, fmt.Errorf("%s on the %s topic was never fed", at, to))
				continue
			}
			err = errors.Join(err, n.CopyOf(m.record))
			switch {
			case m.to == to && n.Reason == string(m.why):
			case to == "late" && n.Reason == string(event.UnknownTarget) && slices.Contains(orphans, at):
			default:
				err = errors.Join(err, fmt.Errorf("%s is on the %s topic as %s, and should be on %q as %s", at, to, n.Reason, m.to, m.why))
			}
		}
	}
	return late, dead, err
}
