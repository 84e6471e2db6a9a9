package oracle

import (
	"slices"
)

// span is the moments from..to, without to.
type span struct{ from, to int64 }

// breakpoints are, ascending, all moments from the start of the first paying
// day up to now at which being paying or the live band can change.
func (r *record) breakpoints() []int64 {
	var list []int64
	for d := r.firstPaidDay; d <= r.today; d++ {
		list = append(list, r.cal.start(d))
	}
	for _, f := range r.facts {
		list = append(list, f.Time)
	}
	for _, s := range r.subscriptions {
		for _, c := range s.changes {
			list = append(list, c.from)
		}
	}
	for _, k := range r.tickets {
		for _, s := range r.cfg.Profile.Signals {
			if s.Reads == TicketWait {
				for _, step := range s.Steps {
					list = append(list, k.from+step.From*msPerHour)
				}
			}
		}
	}
	return r.past(list)
}

// past sorts moments, and keeps those from the first paying day up to now once.
func (r *record) past(moments []int64) []int64 {
	first := r.cal.start(r.firstPaidDay)
	moments = slices.DeleteFunc(moments, func(t int64) bool { return t < first || t > r.now })
	slices.Sort(moments)
	return slices.Compact(moments)
}

// reds are the spans of time up to now in which the customer was paying and
// its live band red. The last may reach beyond now.
func (r *record) reds(breakpoints []int64) []span {
	var list []span
	for i, t := range breakpoints {
		if r.live(t) != Red {
			continue
		}
		to := r.now + 1
		if i+1 < len(breakpoints) {
			to = breakpoints[i+1]
		}
		if n := len(list); n > 0 && list[n-1].to == t {
			list[n-1].to = to
		} else {
			list = append(list, span{t, to})
		}
	}
	return list
}

// atRisk says whether the alert at_risk is firing at the record's now, and
// since when without a break. It fires at t when the customer is paying at t,
// and was so with a red live band at some moment s, t-ResolveAfter < s <= t.
func (r *record) atRisk() (since int64, firing bool) {
	if !r.everPaid {
		return 0, false
	}
	after := r.cfg.ResolveAfter.Milliseconds()
	moments := r.breakpoints()
	reds := r.reds(moments)
	for _, red := range reds {
		moments = append(moments, red.to+after) // the first moment without it
	}
	moments = r.past(moments)
	for i := len(moments) - 1; i >= 0; i-- {
		t := moments[i]
		recently := slices.ContainsFunc(reds, func(red span) bool { return red.from <= t && t < red.to+after })
		if !recently || !r.paying(t, r.cal.day(t)) {
			break
		}
		since, firing = t, true
	}
	return since, firing
}
