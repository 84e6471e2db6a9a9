package scenario

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/alert"
	"github.com/tidemark-io/tidemark/event"
)

// expectation is what must hold. A nil failure: it does.
type expectation interface {
	check(ctx context.Context, r *run) (*Failure, error)
}

var expectations = []string{"kpi", "customer", "alert", "deadletter", "late", "applied", "duplicate", "ignored", "events"}

// expectation reads what follows the word.
func (p *parser) expectation(w *words) (expectation, error) {
	t, err := w.next("what is expected")
	if err != nil {
		return nil, err
	}
	switch t.text {
	case "kpi":
		return p.expectKPI(w)
	case "customer":
		return p.expectCustomer(w)
	case "alert":
		return p.expectAlert(w)
	case "deadletter":
		return expectRefused(w, "dead letter", deadLetters)
	case "late":
		return expectRefused(w, "late", lates)
	case "applied", "duplicate", "ignored":
		return expectOutcome(t.text), nil
	case "events":
		return expectEvents(w)
	}
	return nil, wrongAt(t, "there is nothing called %q to expect%s (there are: %s)", t.text, meant(t.text, expectations), strings.Join(expectations, ", "))
}

// deadLetters and lates are the reasons that can be expected.
var (
	deadLetters = []event.Reason{event.NotJSON, event.NotUTF8, event.WrongType, event.MissingID, event.MissingSource, event.MissingType,
		event.MissingTime, event.MissingSubject, event.MissingField, event.BadTime, event.BadAmount, event.UnknownCurrency, event.BadInterval,
		event.IntervalNotExact, event.BadScore, event.UnknownSurvey, event.TooLong, event.UnknownType}
	lates = []event.Reason{event.BeyondHorizon, event.UnknownTarget}
)

// refusedExpectation is "expect deadletter REASON" or "expect late REASON [ID]".
type refusedExpectation struct {
	where  string
	reason event.Reason
	id     string
}

func expectRefused(w *words, where string, reasons []event.Reason) (expectation, error) {
	t, err := w.next("the reason")
	if err != nil {
		return nil, err
	}
	if !slices.Contains(reasons, event.Reason(t.text)) {
		valid := make([]string, len(reasons))
		for i, r := range reasons {
			valid[i] = string(r)
		}
		return nil, wrongAt(t, "there is no reason %q%s (there are: %s)", t.text, meant(t.text, valid), strings.Join(valid, ", "))
	}
	e := &refusedExpectation{where: where, reason: event.Reason(t.text)}
	if w.more() {
		id, err := w.next("")
		if err != nil {
			return nil, err
		}
		e.id = id.text
	}
	return e, nil
}

// expectOutcome is what the last event was: every event of its line.
type expectOutcome string

// eventsExpectation is "expect events applied=3 duplicate=1".
type eventsExpectation map[string]int64

func expectEvents(w *words) (expectation, error) {
	e := eventsExpectation{}
	valid := slices.Sorted(maps.Keys(counted(nil)))
	for first := true; first || w.more(); first = false {
		t, err := w.next("a count, such as applied=3")
		if err != nil {
			return nil, err
		}
		key, text, _ := t.pair()
		n, err := strconv.ParseInt(text, 10, 64)
		if !slices.Contains(valid, key) {
			return nil, wrongAt(t, "events are not counted as %q%s (there are: %s)", key, meant(key, valid), strings.Join(valid, ", "))
		}
		if err != nil {
			return nil, wrongAt(t, "%q is no number", text)
		}
		if _, ok := e[key]; ok {
			return nil, twice(t, key)
		}
		e[key] = n
	}
	return e, nil
}

// alertExpectation is "expect alert RULE [CUSTOMER] firing|quiet|resolved [since TIME] [provisional]".
type alertExpectation struct {
	rule        string
	customer    string // of a rule on bands
	state       string
	since       int64 // Unix ms, 0: not asked for
	provisional bool
}

func (p *parser) expectAlert(w *words) (expectation, error) {
	name, err := w.next("the name of a rule")
	if err != nil {
		return nil, err
	}
	if name.text == alert.CancellationScheduled {
		return p.expectNoted(w)
	}
	e := &alertExpectation{rule: name.text}
	var valid []string
	band, found := false, false
	for _, r := range p.current.config.Rules {
		valid = append(valid, r.Name)
		if r.Name == e.rule {
			band, found = r.Band != "", true
		}
	}
	if !found {
		return nil, wrongAt(name, "there is no rule %q in the settings%s (there are: %s)", e.rule, meant(e.rule, valid), strings.Join(valid, ", "))
	}
	if band {
		c, err := w.next("the customer")
		if err != nil {
			return nil, err
		}
		e.customer = c.text
	}
	state, err := w.next("firing, quiet or resolved")
	if err != nil {
		return nil, err
	}
	if e.state = state.text; !slices.Contains([]string{"firing", "quiet", "resolved"}, e.state) {
		return nil, wrongAt(state, "an alert is firing, quiet or resolved, not %q", e.state)
	}
	for w.more() {
		switch {
		case e.state == "firing" && w.is("since"):
			if err := p.moment(w, &e.since); err != nil {
				return nil, err
			}
		case e.state == "firing" && !band && w.is("provisional"):
			e.provisional = true
		default:
			return nil, w.done()
		}
	}
	return e, nil
}

// customerExpectation is "expect customer ID KEY=VALUE…" or "expect customer ID none".
type customerExpectation struct {
	customer string
	none     bool
	keys     []string
	text     map[string]string
	value    map[string]value
	currency string // of mrr
}

var customerKeys = []string{"band", "score", "mrr", "users", "first_paid", "last_active", "attr.NAME", "points.SIGNAL", "read.SIGNAL"}

func (p *parser) expectCustomer(w *words) (expectation, error) {
	c, err := w.next("the customer")
	if err != nil {
		return nil, err
	}
	e := &customerExpectation{customer: c.text, text: map[string]string{}, value: map[string]value{}, currency: p.current.config.Currency.String()}
	if e.none = w.is("none"); e.none {
		return e, nil
	}
	for first := true; first || w.more(); first = false {
		t, err := w.next("what is expected of the customer, such as band=red")
		if err != nil {
			return nil, err
		}
		if err := p.customerKey(e, t); err != nil {
			return nil, err
		}
	}
	return e, nil
}

func (p *parser) customerKey(e *customerExpectation, t token) (err error) {
	key, text, ok := t.pair()
	if !ok {
		return wrongAt(t, "%q is not understood; write what is expected as key=value (keys are: %s)", t.text, strings.Join(customerKeys, ", "))
	}
	if _, ok := e.text[key]; ok {
		return twice(t, key)
	}
	at := token{text: text, column: t.column + len(key) + 1}
	sort, inner, _ := strings.Cut(key, ".")
	switch {
	case key == "band":
		if _, ok := aggregator.ParseBand(text); !ok {
			bands := []string{"red", "amber", "green", "unknown", "gone"}
			return wrongAt(at, "there is no band %q%s (there are: %s)", text, meant(text, bands), strings.Join(bands, ", "))
		}
	case key == "mrr":
		amount, code, found := strings.Cut(text, " ")
		if found {
			if e.currency, err = currency(t, code); err != nil {
				return err
			}
		}
		at.text = amount
		e.value[key], err = readValue(at)
	case key == "score" || key == "users" || (sort == "points" || sort == "read") && inner != "":
		if text == "none" {
			at.text = "null"
		}
		e.value[key], err = readValue(at)
		if err == nil && inner != "" && !slices.ContainsFunc(p.signals(), func(s string) bool { return s == inner }) {
			return wrongAt(t, "the health profile has no signal %q%s", inner, meant(inner, p.signals()))
		}
	case key == "first_paid" || key == "last_active":
		if text != "never" {
			_, err = p.day(at)
		}
	case sort == "attr" && inner != "":
	default:
		return wrongAt(t, "nothing of a customer is called %q%s (there are: %s)", key, meant(key, customerKeys), strings.Join(customerKeys, ", "))
	}
	e.keys, e.text[key] = append(e.keys, key), text
	return err
}

// twice refuses what was written before.
func twice(t token, what string) error {
	return wrongAt(t, "%s is there twice; take one away", what)
}

// currency reads a currency that stands at, or within, a word.
func currency(t token, code string) (string, error) {
	if c, ok := event.ParseCurrency(code); ok {
		return c.String(), nil
	}
	return "", wrongAt(t, "%q is no currency; write an ISO 4217 code such as EUR", code)
}

func (p *parser) signals() []string {
	var out []string
	for _, s := range p.current.config.Health.Signals {
		out = append(out, s.Name)
	}
	return out
}
