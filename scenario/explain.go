package scenario

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/kpi"
	"github.com/tidemark-io/tidemark/report"
)

const (
	maxExplained = 2000 // customers that are looked at one by one
	maxNamed     = 12   // customers that are named of those who contribute the same
	maxUsers     = 20   // customers whose users are looked at one by one
)

// part is what one customer, or one of its users, contributes to a figure.
type part struct{ num, den int64 }

// explain lists what a figure is made of. Figures are sums over customers, so
// that a company of one customer, with its events alone, has just what it
// contributes.
func (r *run) explain(ctx context.Context, e *kpiExpectation, whole *kpi.Figure) ([]string, error) {
	customers := map[string]map[string]bool{} // their users
	for _, s := range r.steps {
		if s.message < 0 {
			continue
		}
		if customers[s.customer] == nil {
			customers[s.customer] = map[string]bool{}
		}
		if s.user != "" {
			customers[s.customer][s.user] = true
		}
	}
	if len(customers) > maxExplained {
		return []string{fmt.Sprintf("%d customers, too many to be looked at one by one", len(customers))}, nil
	}
	same := map[part][]string{}
	var sum part
	for _, c := range slices.Sorted(maps.Keys(customers)) {
		x, err := r.alone(ctx, e, func(s step) bool { return s.customer == c })
		if err != nil {
			return nil, err
		}
		sum.num, sum.den = sum.num+x.num, sum.den+x.den
		if x.num == 0 && (x.den == 0 || !ratio(whole.Unit)) {
			continue
		}
		name := c
		if users := customers[c]; len(users) > 1 && len(customers) <= maxUsers {
			if name, err = r.users(ctx, e, c, users, x); err != nil {
				return nil, err
			}
		}
		same[x] = append(same[x], name)
	}
	var out []string
	for _, x := range slices.SortedFunc(maps.Keys(same), func(a, b part) int { return cmp.Or(cmp.Compare(b.num, a.num), cmp.Compare(b.den, a.den)) }) {
		out = append(out, x.show(whole)+each(same[x]))
	}
	if len(out) == 0 {
		return []string{fmt.Sprintf("nobody of %d customers contributes", len(customers))}, nil
	}
	if sum.num != whole.Numerator || ratio(whole.Unit) && sum.den != whole.Denominator {
		out = append(out, "these are the figures of each by itself, and not parts of a sum")
	}
	return out, nil
}

func ratio(u kpi.Unit) bool { return u == kpi.Ratio || u == kpi.Points }

// show writes what one contributes.
func (x part) show(f *kpi.Figure) string {
	switch {
	case f.Unit == kpi.Ratio && f.Currency != "":
		return major(big.NewRat(x.num, 1), f.Currency).FloatString(digitsOf(f.Currency)) + " of " + showAmount(big.NewRat(x.den, 1), f.Currency)
	case ratio(f.Unit):
		return fmt.Sprintf("%d of %d", x.num, x.den)
	case f.Unit == kpi.Money:
		return showAmount(big.NewRat(x.num, 1), f.Currency)
	}
	return fmt.Sprint(x.num)
}

// each names those who contribute the same.
func each(names []string) string {
	if len(names) == 1 {
		return ": " + names[0]
	}
	shown := names[:min(len(names), maxNamed)]
	s := " each: " + strings.Join(shown, ", ")
	if len(names) > len(shown) {
		s += ", …"
	}
	return s + fmt.Sprintf(" (%d customers)", len(names))
}

// users writes a customer with what its users contribute, where it is a sum over
// these.
func (r *run) users(ctx context.Context, e *kpiExpectation, customer string, users map[string]bool, of part) (string, error) {
	var sum part
	var names []string
	for _, u := range slices.Sorted(maps.Keys(users)) {
		x, err := r.alone(ctx, e, func(s step) bool { return s.customer == customer && (s.user == "" || s.user == u) })
		if err != nil {
			return "", err
		}
		sum.num, sum.den = sum.num+x.num, sum.den+x.den
		if x.num != 0 {
			names = append(names, u)
		}
	}
	if sum.num != of.num {
		return customer, nil
	}
	return customer + " (" + strings.Join(names, ", ") + ")", nil
}

// alone computes the figure of those events alone, with time as it went.
func (r *run) alone(ctx context.Context, e *kpiExpectation, of func(step) bool) (part, error) {
	engine, err := report.New(r.options)
	if err != nil {
		return part{}, err
	}
	decoder := event.NewDecoder(r.scenario.decoder())
	for _, s := range r.steps {
		if s.message >= 0 && of(s) {
			var ev event.Event
			decoder.Reset()
			if reason := decoder.Decode(&ev, r.messages[s.message].value, nil); reason != "" {
				return part{}, fmt.Errorf("BUG: event %s is refused the second time: %s", r.messages[s.message].id, reason)
			}
			if _, err := engine.Apply(&ev, aggregator.Cause{Offset: int64(s.message)}); err != nil {
				return part{}, err
			}
		}
		if err := engine.Advance(s.advance); err != nil {
			return part{}, err
		}
	}
	f, err := e.figure(ctx, engine)
	if err != nil || f == nil {
		return part{}, err
	}
	return part{f.Numerator, f.Denominator}, nil
}

// describe says what a customer's record says.
func (r *run) describe(customer string) []string {
	v := r.engine.Customer(customer)
	if v == nil {
		return []string{"there were no events of customer " + customer}
	}
	score := "not rated"
	if v.Score != nil {
		score = "score " + v.Score.FloatString(2)
	}
	out := []string{fmt.Sprintf("%s is %s, %s", customer, v.Band, score)}
	for _, c := range v.Contributions {
		read := "nothing"
		if !c.None {
			read = fmt.Sprint(c.Value)
		}
		out = append(out, fmt.Sprintf("%s: reads %s, %d of %d points, %s of the score", c.Signal, read, c.Points, c.MaxPoints, c.Share.FloatString(2)))
	}
	for _, cur := range slices.SortedFunc(maps.Keys(v.MRR), func(a, b event.Currency) int { return strings.Compare(a.String(), b.String()) }) {
		out = append(out, "MRR "+showAmount(big.NewRat(v.MRR[cur], event.MonthlyUnit), cur.String()))
	}
	return out
}
