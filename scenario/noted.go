package scenario

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/tidemark-io/tidemark/alert"
	"github.com/tidemark-io/tidemark/event"
)

// notedExpectation is "expect alert cancellation_scheduled CUSTOMER noted|quiet
// [effective TIME]": whether the events of the last line have scheduled a
// cancellation of the customer's.
type notedExpectation struct {
	customer  string
	noted     bool
	effective int64 // Unix ms, 0: not asked for
}

func (p *parser) expectNoted(w *words) (expectation, error) {
	c, err := w.next("the customer")
	if err != nil {
		return nil, err
	}
	e := &notedExpectation{customer: c.text}
	state, err := w.next("noted or quiet")
	if err != nil {
		return nil, err
	}
	if !slices.Contains([]string{alert.StateNoted, "quiet"}, state.text) {
		return nil, wrongAt(state, "%s is said once: it is noted or quiet, not %q", alert.CancellationScheduled, state.text)
	}
	e.noted = state.text == alert.StateNoted
	if e.noted && w.is("effective") {
		if err := p.moment(w, &e.effective); err != nil {
			return nil, err
		}
	}
	return e, w.done()
}

// note remembers a cancellation that takes effect later.
func (r *run) note(ev *event.Event) {
	if r.engine.Scheduled() {
		r.noted = append(r.noted, noted{string(ev.Customer), ev.Cancellation.Effective})
	}
}

// noted is what readers of alerts are told once.
type noted struct {
	customer  string
	effective int64 // Unix ms
}

func (e *notedExpectation) check(_ context.Context, r *run) (*Failure, error) {
	var of []string
	found := false
	for _, n := range r.noted {
		if n.customer == e.customer {
			of = append(of, r.show(n.effective))
			found = found || e.effective == 0 || n.effective == e.effective
		}
	}
	if e.noted == found && (e.noted || len(of) == 0) {
		return nil, nil
	}
	f := &Failure{Expected: "quiet", Got: r.outcome()}
	if e.noted {
		f.Expected = "a cancellation of " + e.customer + " that takes effect later"
		if e.effective != 0 {
			f.Expected = "a cancellation of " + e.customer + " that takes effect on " + r.show(e.effective)
		}
	}
	if len(of) > 0 {
		f.Got = "a cancellation that takes effect on " + strings.Join(of, " and on ")
	}
	return f, nil
}

func (r *run) show(ms int64) string {
	return time.UnixMilli(ms).In(r.engine.Calendar().Location()).Format("2006-01-02 15:04:05")
}
