package scenario

import (
	"context"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/alert"
	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/company"
	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/kpi"
	"github.com/tidemark-io/tidemark/report"
)

// figure reads what a KPI expectation is about, nil where there is no figure.
func (e *kpiExpectation) figure(ctx context.Context, engine *report.Engine) (*kpi.Figure, error) {
	reader, err := engine.Reader(ctx)
	if err != nil {
		return nil, err
	}
	q := company.Query{KPI: e.kpi, Window: e.window, Segment: e.segment, From: e.day, To: e.day}
	if running, ok := reader.RunningDay(); !e.onDay && ok {
		q.From, q.To = running, running
	}
	list, err := reader.Figures(ctx, q)
	if err != nil {
		return nil, err
	}
	for i := range list {
		if list[i].Bucket == e.bucket {
			return &list[i], nil
		}
	}
	if e.bucket != "" && len(list) > 0 { // an empty bucket has no figure
		return &kpi.Figure{KPI: e.kpi.Name, Value: "0", Unit: kpi.Count, Denominator: 1, Bucket: e.bucket, Day: list[0].Day, Complete: list[0].Complete}, nil
	}
	return nil, nil
}

// matches compares all that was written.
func (e *kpiExpectation) matches(f *kpi.Figure) bool {
	same := e.value.is(f.Exact())
	if f.Unit == kpi.Money {
		same = e.value.isAmount(f.Exact(), f.Currency) && (e.currency == "" || e.currency == f.Currency)
	}
	return same && (e.parts == nil || *e.parts == [2]int64{f.Numerator, f.Denominator}) &&
		(e.complete == nil || *e.complete == f.Complete) && (e.low == nil || *e.low == f.LowSample)
}

func (e *kpiExpectation) check(ctx context.Context, r *run) (*Failure, error) {
	f, err := e.figure(ctx, r.engine)
	if err != nil {
		return nil, err
	}
	if f == nil {
		return &Failure{Expected: e.expected(), Got: e.absent(r)}, nil
	}
	if e.matches(f) {
		return nil, nil
	}
	failure := &Failure{Expected: e.expected(), Got: showFigure(*f) + " on " + f.Day}
	state := func(complete bool) string { return map[bool]string{true: ", complete", false: ", running"}[complete] }
	if e.complete != nil {
		failure.Expected += state(*e.complete)
		failure.Got += state(f.Complete)
	}
	if e.low != nil {
		failure.Expected += ", low sample"
		if f.LowSample {
			failure.Got += ", low sample"
		}
	}
	failure.Because, err = r.explain(ctx, e, f)
	return failure, err
}

// absent says why there is no figure.
func (e *kpiExpectation) absent(r *run) string {
	switch w := r.engine.Watermark(); {
	case w == 0:
		return "no figure: there was no event yet"
	case e.onDay && e.day > r.engine.Calendar().Day(w):
		return fmt.Sprintf("no figure: time has come to %s only; advance it", civil.Format(r.engine.Calendar().Day(w)))
	}
	return "no figure"
}

func (e *refusedExpectation) check(_ context.Context, r *run) (*Failure, error) {
	found := false
	var others []string
	rest := r.refused[:0:0]
	for _, x := range r.refused {
		if x.where == e.where && x.reason == e.reason && (e.id == "" || e.id == x.id) {
			found = true
			continue
		}
		rest = append(rest, x)
		others = append(others, fmt.Sprintf("event %s is a %s: %s", x.id, x.where, x.reason))
	}
	if r.refused = rest; found {
		return nil, nil
	}
	r.refused = nil // told here
	if len(others) == 0 {
		others = []string{r.outcome()}
	}
	return &Failure{Expected: fmt.Sprintf("a %s: %s", e.where, e.reason), Got: strings.Join(others, ", ")}, nil
}

// outcome says what became of the last event.
func (r *run) outcome() string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(r.outcomes)) {
		parts = append(parts, fmt.Sprintf("%d %s", r.outcomes[name], name))
	}
	if len(parts) == 0 {
		return "there was no event before"
	}
	return "the last line's events: " + strings.Join(parts, ", ")
}

func (e expectOutcome) check(_ context.Context, r *run) (*Failure, error) {
	if len(r.outcomes) == 1 && r.outcomes[string(e)] > 0 {
		return nil, nil
	}
	return &Failure{Expected: "every event of the last line " + string(e), Got: r.outcome()}, nil
}

// counted lists the counters by name.
func counted(e *report.Events) map[string]int64 {
	if e == nil {
		e = &report.Events{}
	}
	return map[string]int64{"applied": e.Applied, "duplicate": e.Duplicate, "ignored": e.Ignored, "late": e.Late, "expired": e.Expired}
}

func (e eventsExpectation) check(_ context.Context, r *run) (*Failure, error) {
	events := r.engine.Events()
	have := counted(&events)
	var want, got []string
	same := true
	for _, key := range slices.Sorted(maps.Keys(e)) {
		want, got = append(want, fmt.Sprintf("%s=%d", key, e[key])), append(got, fmt.Sprintf("%s=%d", key, have[key]))
		same = same && e[key] == have[key]
	}
	if same {
		return nil, nil
	}
	return &Failure{Expected: strings.Join(want, " "), Got: strings.Join(got, " ")}, nil
}

func (e *alertExpectation) check(ctx context.Context, r *run) (*Failure, error) {
	state, since, provisional, because, err := e.now(ctx, r)
	if err != nil {
		return nil, err
	}
	same := state == e.state || e.state == "quiet" && state == "resolved"
	if same && (e.since == 0 || e.since == since) && provisional == e.provisional {
		return nil, nil
	}
	describe := func(state string, since int64, provisional bool) string {
		if since != 0 && state == "firing" {
			state += " since " + time.UnixMilli(since).In(r.engine.Calendar().Location()).Format("2006-01-02 15:04:05")
		}
		if provisional {
			state += ", provisional"
		}
		return state
	}
	return &Failure{Expected: describe(e.state, e.since, e.provisional), Got: describe(state, since, provisional), Because: because}, nil
}

// now is the state of an alert, with what it comes from.
func (e *alertExpectation) now(ctx context.Context, r *run) (state string, since int64, provisional bool, because []string, err error) {
	if e.customer != "" {
		since, firing := r.engine.Firing(e.rule, e.customer)
		switch {
		case firing:
			state = "firing"
		case r.fired[e.rule+"|"+e.customer]:
			state = "resolved"
		default:
			state = "quiet"
		}
		return state, since, false, r.describe(e.customer), nil
	}
	i := slices.IndexFunc(r.rules, func(x alert.KPIRule) bool { return x.Name == e.rule })
	reader, err := r.engine.Reader(ctx)
	if err != nil {
		return "", 0, false, nil, err
	}
	first, _, ok := r.engine.Span()
	if !ok {
		return "quiet", 0, false, nil, nil
	}
	v, err := reader.Evaluate(ctx, r.rules[i], r.engine.Calendar().Day(first))
	if err != nil {
		return "", 0, false, nil, err
	}
	because = []string{fmt.Sprintf("%s is null", r.rules[i].KPI)}
	if v.Value != nil {
		because = []string{fmt.Sprintf("%s is %s on %s", r.rules[i].KPI, v.Value.FloatString(4), civil.Format(v.Day))}
	}
	switch {
	case v.Firing:
		return "firing", r.engine.Calendar().Start(v.Since), v.Provisional, because, nil
	case v.Resolved != 0:
		return "resolved", 0, false, because, nil
	}
	return "quiet", 0, false, because, nil
}

func (e *customerExpectation) check(_ context.Context, r *run) (*Failure, error) {
	v := r.engine.Customer(e.customer)
	if v == nil || e.none {
		if v == nil && e.none {
			return nil, nil
		}
		is := func(there bool) string {
			return map[bool]string{true: "a customer " + e.customer, false: "no customer " + e.customer}[there]
		}
		return &Failure{Expected: is(!e.none), Got: is(v != nil), Because: r.describe(e.customer)}, nil
	}
	var want, got []string
	for _, key := range e.keys {
		text, same := e.compare(v, key, r)
		if !same {
			want, got = append(want, key+"="+e.text[key]), append(got, key+"="+text)
		}
	}
	if len(want) == 0 {
		return nil, nil
	}
	return &Failure{Expected: strings.Join(want, " "), Got: strings.Join(got, " "), Because: r.describe(e.customer)}, nil
}

// compare writes what a customer has under a key, and says whether it is what
// was expected.
func (e *customerExpectation) compare(v *aggregator.View, key string, r *run) (text string, same bool) {
	want := e.value[key]
	number := func(n *big.Rat) (string, bool) {
		if n == nil {
			return "none", want.is(nil)
		}
		if n.IsInt() {
			return n.RatString(), want.is(n)
		}
		return n.FloatString(max(2, want.digits)), want.is(n)
	}
	day := func(d int32, ever bool) (string, bool) {
		text := "never"
		if ever {
			text = civil.Format(d)
		}
		return text, text == e.text[key]
	}
	sort, inner, _ := strings.Cut(key, ".")
	switch {
	case key == "band":
		return v.Band.String(), v.Band.String() == e.text[key]
	case key == "score":
		return number(v.Score)
	case key == "users":
		return number(big.NewRat(int64(v.Users), 1))
	case key == "first_paid":
		return day(v.FirstPaidDay, v.EverPaid)
	case key == "last_active":
		return day(v.LastActiveDay, v.Active)
	case key == "mrr":
		cur, _ := event.ParseCurrency(e.currency)
		minor := big.NewRat(v.MRR[cur], event.MonthlyUnit)
		return showAmount(minor, e.currency), want.isAmount(round(minor), e.currency)
	case sort == "attr":
		return v.Attributes[inner], v.Attributes[inner] == e.text[key]
	}
	for _, c := range v.Contributions {
		switch {
		case c.Signal != inner:
		case sort == "points":
			return number(big.NewRat(c.Points, 1))
		case c.None:
			return number(nil)
		case c.Read == aggregator.LastSurvey:
			return number(big.NewRat(c.Value, 1000))
		default:
			return number(big.NewRat(c.Value, 1))
		}
	}
	return number(nil)
}

// round gives whole minor units, halves away from zero, as figures have them.
func round(minor *big.Rat) *big.Rat {
	r, ok := new(big.Rat).SetString(minor.FloatString(0))
	if !ok {
		return minor // FloatString writes what SetString reads
	}
	return r
}
