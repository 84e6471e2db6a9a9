package aggregator

import (
	"slices"

	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/event"
)

// MRR retained, the parts of nrr and grr. Of the customers who paid at a
// window's start: what they paid then, what they pay at its end, and the smaller
// of the two, each currency by itself. All of them lie in the row of the
// window's last day, so that they move with the customer from segment to segment.

var retainedWindows = [...]struct {
	window
	start, end, kept Counter
}{
	{window{days: 30}, StartMRR30, EndMRR30, KeptMRR30},
	{window{days: 90}, StartMRR90, EndMRR90, KeptMRR90},
	{window{period: civil.Month}, StartMRRMonth, EndMRRMonth, KeptMRRMonth},
	{window{period: civil.Quarter}, StartMRRQuarter, EndMRRQuarter, KeptMRRQuarter},
}

// dayStep says that from the end of a day on an amount is so much.
type dayStep struct {
	day    int32
	amount int64
}

// contributeRetained emits what the customer retains on the days from a day on.
func (s *Shard) contributeRetained(e *emitter, c *customer, from int32) {
	steps := c.line.mrr
	for i := range steps {
		cur := steps[i].currency
		if slices.ContainsFunc(steps[:i], func(x mrrStep) bool { return x.currency == cur }) {
			continue
		}
		own := dayEnds(s.ownBuf[:0], steps, cur)
		var pays []dayStep
		if slices.ContainsFunc(steps, func(x mrrStep) bool { return x.currency != cur }) {
			pays = dayTotals(s.paysBuf[:0], steps)
			s.paysBuf = pays
		}
		s.ownBuf = own
		for k := range retainedWindows {
			w := &retainedWindows[k]
			e.retained(w.window, [3]int{e.cells.slot(w.start, cur), e.cells.slot(w.end, cur), e.cells.slot(w.kept, cur)}, own, pays, from)
		}
	}
}

// dayEnds are the amounts in a currency by day end, from the first step on.
func dayEnds(out []dayStep, steps []mrrStep, currency event.Currency) []dayStep {
	for i := range steps {
		x := &steps[i]
		if x.currency != currency {
			continue
		}
		if n := len(out); n > 0 && out[n-1].day == x.day {
			out[n-1].amount = x.monthly
			continue
		}
		out = append(out, dayStep{x.day, x.monthly})
	}
	return out
}

// dayTotals is over 0 on the days at whose end anything is paid, in whatever currency.
func dayTotals(out []dayStep, steps []mrrStep) []dayStep {
	var totals []total
	for i := range steps {
		x := &steps[i]
		k := slices.IndexFunc(totals, func(t total) bool { return t.currency == x.currency })
		if k < 0 {
			k = len(totals)
			totals = append(totals, total{currency: x.currency})
		}
		totals[k].monthly = x.monthly
		pays := int64(0)
		if slices.ContainsFunc(totals, func(t total) bool { return t.monthly > 0 }) {
			pays = 1
		}
		if n := len(out); n > 0 && out[n-1].day == x.day {
			out[n-1].amount = pays
			continue
		}
		out = append(out, dayStep{x.day, pays})
	}
	return out
}

// retained emits start, end and kept of one window and currency. own are the
// amounts by day end, pays is over 0 where the customer pays anything; nil where
// there is no other currency.
func (e *emitter) retained(w window, slots [3]int, own, pays []dayStep, from int32) {
	start, end, kept := run{slot: slots[0]}, run{slot: slots[1]}, run{slot: slots[2]}
	var is, was int64
	paid := false
	i := settledBefore(own, from)
	j, p := i, settledBefore(pays, from)
	atJ, atP := e.afterStep(w, own, j), e.afterStep(w, pays, p)
	for {
		day := min(atJ, atP)
		if i < len(own) {
			day = min(day, own[i].day)
		}
		if day == farFuture {
			break
		}
		for i < len(own) && own[i].day <= day {
			is = own[i].amount
			i++
		}
		for atJ <= day {
			was = own[j].amount
			j++
			atJ = e.afterStep(w, own, j)
			if pays == nil {
				paid = was > 0
			}
		}
		for atP <= day {
			paid = pays[p].amount > 0
			p++
			atP = e.afterStep(w, pays, p)
		}
		start.set(e, day, from, was)
		kept.set(e, day, from, min(was, is))
		if paid {
			end.set(e, day, from, is)
		} else {
			end.set(e, day, from, 0)
		}
	}
	start.end(e, from)
	end.end(e, from)
	kept.end(e, from)
}

// longestWindow is no shorter than any window of retained amounts, in days.
const longestWindow = 93

// settledBefore is a step that windows start from no later than on day from:
// those before it no longer count then.
func settledBefore(steps []dayStep, from int32) int {
	i := 0
	for i+1 < len(steps) && steps[i+1].day+longestWindow <= from {
		i++
	}
	return i
}

// afterStep is the day from which on windows start from the i-th step.
func (e *emitter) afterStep(w window, steps []dayStep, i int) int32 {
	if i >= len(steps) {
		return farFuture
	}
	return e.after(w, steps[i].day)
}
