package oracle

import (
	"strconv"

	"github.com/tidemark-io/tidemark/event"
)

// series names the levels of one counter over the days.
type series struct{ counter, currency, label, segment string }

// sums adds up levels over customers.
type sums struct {
	from, to int32 // days, both included
	rows     map[series][]int64
}

func newSums(from, to int32) *sums {
	return &sums{from: from, to: to, rows: map[series][]int64{}}
}

// levels are the sums by key, without zeros.
func (s *sums) levels() map[Key]int64 {
	out := map[Key]int64{}
	for name, values := range s.rows {
		for i, v := range values {
			if v != 0 {
				out[Key{name.counter, name.currency, name.label, name.segment, s.from + int32(i)}] = v
			}
		}
	}
	return out
}

// each adds a customer's levels of one counter to its segments.
func (s *sums) each(counter, currency string, segments []string, level func(d int32) int64) {
	s.labelled(counter, currency, "", segments, level)
}

// labelled is each for a counter that is kept by a label.
func (s *sums) labelled(counter, currency, label string, segments []string, level func(d int32) int64) {
	values := make([]int64, max(0, s.to-s.from+1))
	for i := range values {
		values[i] = level(s.from + int32(i))
	}
	for _, segment := range segments {
		name := series{counter, currency, label, segment}
		if s.rows[name] == nil {
			s.rows[name] = make([]int64, len(values))
		}
		for i, v := range values {
			s.rows[name][i] += v
		}
	}
}

// one is 1 where something holds.
func one(holds bool) int64 {
	if holds {
		return 1
	}
	return 0
}

func (r *record) addLevels(s *sums) {
	r.addActivity(s)
	r.addLifecycle(s)
	r.addHistograms(s)
	r.addCohorts(s)
	r.addCustomers(s)
	r.addSurveys(s)
	r.addHealthAndMoney(s)
	r.addMoney(s)
}

func (r *record) addActivity(s *sums) {
	for _, n := range []int{1, 7, 28, 30} {
		window := strconv.Itoa(n)
		r.eachUser(s, "UsersActive"+window, func(days []int32, d int32) bool { return within(days, n, d) > 0 })
		if n == 28 {
			continue
		}
		s.each("CustomersActive"+window, "", r.segments, func(d int32) int64 {
			return one(within(r.activeDays, n, d) > 0)
		})
	}
	for _, days := range r.users {
		s.each("UserDays30", "", r.segments, func(d int32) int64 { return within(days, 30, d) })
	}
}

func (r *record) addCustomers(s *sums) {
	at := map[int32]bool{} // paying at the end of the day
	if r.everPaid {
		for d := s.from - 92; d <= s.to; d++ { // a quarter
			at[d] = r.payingAtEnd(d)
		}
		s.each("Customers", "", r.segments, func(d int32) int64 { return one(at[d]) })
		for _, n := range []int32{7, 30, 90} {
			window := strconv.Itoa(int(n))
			s.each("Start"+window, "", r.segments, func(d int32) int64 { return one(at[d-n]) })
			s.each("Lost"+window, "", r.segments, func(d int32) int64 { return one(at[d-n] && !at[d]) })
		}
		for _, window := range []string{"Month", "Quarter"} {
			start := starts[window]
			s.each("Start"+window, "", r.segments, func(d int32) int64 { return one(at[start(d)]) })
			s.each("Lost"+window, "", r.segments, func(d int32) int64 { return one(at[start(d)] && !at[d]) })
		}
		s.each("Silent", "", r.segments, func(d int32) int64 {
			return one(at[d] && r.sinceActive(d) >= int32(r.cfg.SilentDays))
		})
	}
	for _, t := range r.cancelled {
		on := r.cal.day(t)
		s.each("Cancellations", "", r.segments, func(d int32) int64 { return one(d == on) })
	}
}

func (r *record) addSurveys(s *sums) {
	if len(r.answers) == 0 {
		return
	}
	for _, n := range []int{30, 90} {
		window := strconv.Itoa(n)
		byDay := map[int32]map[counted]int64{}
		for d := s.from; d <= s.to; d++ {
			byDay[d] = r.countAnswers(n, d)
		}
		names := map[counted]bool{}
		for _, counts := range byDay {
			for c := range counts {
				names[c] = true
			}
		}
		for c := range names {
			s.labelled(c.counter+window, "", c.label, r.segments, func(d int32) int64 { return byDay[d][c] })
		}
	}
}

// counted is a counter without its window, and its label.
type counted struct{ counter, label string }

// countAnswers counts the answers that count on day d.
func (r *record) countAnswers(n int, d int32) map[counted]int64 {
	counts := map[counted]int64{}
	for q, a := range r.latest(n, d) {
		switch q.kind {
		case event.NPS:
			counts[counted{npsClass(a), ""}]++
		case event.CSAT:
			counts[counted{"CSATAnswers", ""}]++
			counts[counted{"CSATSatisfied", ""}] += one(satisfied(a, r.cfg.Satisfied))
		case event.CES:
			counts[counted{"CESAnswers", ""}]++
			counts[counted{"CESEasy", ""}] += one(easy(a))
		case event.CLI:
			for name, score := range cliScores(a) {
				counts[counted{"CLIAnswers", name}]++
				counts[counted{"CLISum", name}] += score.millionths
				if score.rest > 0 {
					counts[counted{"CLIRest", score.width + "|" + name}] += score.rest
				}
			}
		default:
			counts[counted{"CSATInvited", ""}]++
		}
	}
	return counts
}

func (r *record) addHealthAndMoney(s *sums) {
	if len(r.subscriptions) == 0 && !r.everPaid {
		return
	}
	now := r.live(r.now)
	band := func(d int32) Band {
		if d >= r.today {
			return now
		}
		return r.bands[d]
	}
	counters := map[Band]string{Red: "HealthRed", Amber: "HealthAmber", Green: "HealthGreen", Unknown: "HealthUnknown"}
	for b, counter := range counters {
		s.each(counter, "", r.segments, func(d int32) int64 { return one(band(d) == b) })
	}
	mrr := map[int32]map[string]int64{}
	currencies := map[string]bool{}
	for d := s.from; d <= s.to; d++ {
		mrr[d] = r.mrr(r.cal.end(d))
		for c := range mrr[d] {
			currencies[c] = true
		}
	}
	for c := range currencies {
		s.each("MRR", c, r.segments, func(d int32) int64 { return mrr[d][c] })
		s.each("MRRAtRisk", c, r.segments, func(d int32) int64 {
			if band(d) != Red {
				return 0
			}
			return mrr[d][c]
		})
	}
}
