package scenario

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/alert"
	"github.com/tidemark-io/tidemark/config"
	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/report"
)

// Wiring makes of a configuration what an engine needs.
type Wiring struct {
	Engine func(*config.Config) (report.Options, error)
	Rules  func(*config.Config) []alert.KPIRule
}

// Result is what became of one scenario.
type Result struct {
	Scenario *Scenario
	Checked  int // expectations
	Failures []*Failure
}

// Failure is an expectation that does not hold, or an event that nobody
// expected to be refused.
type Failure struct {
	File      string
	Line      int
	Statement string
	Expected  string
	Got       string
	Because   []string // what the value is made of, a line each
	Refused   bool     // it is about an event that was refused, and no expectation
}

// String writes the failure for people.
func (f *Failure) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d: %s\n    expected  %s\n    got       %s", f.File, f.Line, f.Statement, f.Expected, f.Got)
	for i, line := range f.Because {
		label := "          "
		if i == 0 {
			label = "made of   "
		}
		fmt.Fprintf(&b, "\n    %s%s", label, line)
	}
	return b.String()
}

// run is a scenario on its way.
type run struct {
	scenario *Scenario
	wiring   Wiring
	options  report.Options
	rules    []alert.KPIRule
	engine   *report.Engine
	decoder  *event.Decoder

	messages []message // those that were applied, by the offset of their cause
	steps    []step    // what has happened, to be repeated for one customer
	refused  []refusal // that no expectation has met yet
	outcomes map[string]int
	fired    map[string]bool // rule|customer that was firing after some statement
	noted    []noted         // by the last line's events
}

// step is an event that was applied, or time that passed.
type step struct {
	message  int // index, -1: none
	customer string
	user     string
	advance  int64 // the watermark behind it
}

// refusal is a message on the dead-letter or the late topic.
type refusal struct {
	message
	where  string // "dead letter" or "late"
	reason event.Reason
}

// Run runs one scenario. An error is none of the scenario's.
func (s *Scenario) Run(ctx context.Context, wiring Wiring) (*Result, error) {
	o, err := wiring.Engine(s.config)
	if err != nil {
		return nil, fmt.Errorf("%s:%d: %w", s.file, s.Line, err)
	}
	o.Shards, o.Disorder, o.Cache = 1, 0, 0
	r := &run{scenario: s, wiring: wiring, options: o, rules: wiring.Rules(s.config), decoder: event.NewDecoder(s.decoder()), fired: map[string]bool{}}
	if r.engine, err = report.New(o); err != nil {
		return nil, fmt.Errorf("%s:%d: %w", s.file, s.Line, err)
	}
	result := &Result{Scenario: s}
	for i := range s.statements {
		if err := r.statement(ctx, &s.statements[i], result); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", s.file, s.statements[i].line, err)
		}
	}
	r.unexpected(result)
	wrong, err := r.engine.Audit()
	if err == nil && len(wrong) > 0 {
		err = fmt.Errorf("BUG: figures are not what the records come to: %s", wrong[0])
	}
	if err != nil {
		return nil, fmt.Errorf("%s:%d: %w", s.file, s.Line, err)
	}
	return result, nil
}

func (r *run) statement(ctx context.Context, s *statement, result *Result) error {
	if s.expect != nil {
		result.Checked++
		f, err := s.expect.check(ctx, r)
		if f != nil {
			f.File, f.Line, f.Statement = r.scenario.file, s.line, s.text
			result.Failures = append(result.Failures, f)
		}
		return err
	}
	r.unexpected(result)
	if s.moves {
		if err := r.engine.Advance(s.advance); err != nil {
			return err
		}
		r.steps = append(r.steps, step{message: -1, advance: s.advance})
	} else {
		r.outcomes, r.noted = map[string]int{}, nil
		for i := range s.messages {
			if err := r.event(&s.messages[i]); err != nil {
				return err
			}
		}
	}
	for _, n := range r.engine.Expired() {
		m := r.messages[n.Origin.Offset]
		r.refused = append(r.refused, refusal{m, "late", n.Reason})
	}
	r.engine.EachFiring(func(p aggregator.Pair) { r.fired[p.Rule+"|"+p.Customer] = true })
	return nil
}

// event applies one event.
func (r *run) event(m *message) error {
	r.decoder.Reset()
	var ev event.Event
	if reason := r.decoder.Decode(&ev, m.value, nil); reason != "" {
		r.outcomes["dead letter"]++
		r.refused = append(r.refused, refusal{*m, "dead letter", reason})
		return nil
	}
	status, err := r.engine.Apply(&ev, aggregator.Cause{Topic: r.scenario.file, Offset: int64(len(r.messages))})
	if err != nil {
		return err
	}
	r.outcomes[outcomes[status]]++
	r.note(&ev)
	if status == aggregator.Late {
		r.refused = append(r.refused, refusal{*m, "late", event.BeyondHorizon})
		return nil
	}
	r.steps = append(r.steps, step{message: len(r.messages), customer: string(ev.Customer), user: userOf(&ev), advance: r.engine.Watermark()})
	r.messages = append(r.messages, *m)
	return nil
}

var outcomes = map[aggregator.Status]string{aggregator.Applied: "applied", aggregator.Duplicate: "duplicate", aggregator.Ignored: "ignored", aggregator.Late: "late"}

// userOf is the user that an event belongs to, "" where it is the customer's.
func userOf(ev *event.Event) string {
	switch {
	case ev.Kind == event.Survey && ev.Survey.Respondent != nil:
		return string(ev.Survey.Respondent)
	case ev.Kind == event.Login && ev.User != nil:
		return string(ev.User)
	case ev.Kind == event.Survey || ev.Kind == event.Login:
		return string(ev.Customer)
	}
	return ""
}

// unexpected fails for refusals that nobody expected.
func (r *run) unexpected(result *Result) {
	for _, x := range r.refused {
		want := "applied, or an expectation: expect " + strings.ReplaceAll(x.where, " ", "") + " " + string(x.reason)
		i := slices.IndexFunc(r.scenario.statements, func(s statement) bool { return s.line == x.line })
		result.Failures = append(result.Failures, &Failure{File: r.scenario.file, Line: x.line, Statement: r.scenario.statements[i].text,
			Expected: want, Got: fmt.Sprintf("event %s is a %s: %s", x.id, x.where, x.reason), Refused: true})
	}
	r.refused = nil
}
