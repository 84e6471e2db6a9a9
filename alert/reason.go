package alert

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/tidemark-io/tidemark/civil"
)

// Corrected and Retracted begin the reason of an alert that was published after
// the store had lost commits: the state, read again, says something else than
// readers were told.
const (
	Corrected = "corrected"
	Retracted = "retracted"
)

// topReasons is how many signals a sentence names.
const topReasons = 3

// HealthReason says why a customer's health is in a band, naming the signals
// that cost most:
//
//	acme: health 42 is red since 2026-11-20: no activity for 16 days (−22 of 25), 1 active day in 30 (−24 of 30)
//
// Since is a day or a moment, written as it shall be read.
func HealthReason(customer, band, since string, h Health) string {
	printed := h.Parts
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s is %s since %s", customer, h.reading(), band, since)
	order := make([]int, 0, len(printed))
	for i, p := range printed {
		if p.Weighted < p.Most {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(i, j int) int {
		return cmp.Compare(printed[j].Most-printed[j].Weighted, printed[i].Most-printed[i].Weighted)
	})
	for n, i := range order[:min(topReasons, len(order))] {
		b.WriteString(map[bool]string{true: ": ", false: ", "}[n == 0])
		fmt.Fprintf(&b, "%s (−%d of %d)", printed[i].of.phrase(), printed[i].Most-printed[i].Weighted, printed[i].Most)
	}
	return b.String()
}

// HealthResolved says that a customer has left a band:
//
//	acme: health 61 is amber, no longer red since 2026-11-24
func HealthResolved(customer, band, now, since string, h Health) string {
	return fmt.Sprintf("%s: %s is %s, no longer %s since %s", customer, h.reading(), now, band, since)
}

// reading names the score; there is none where no signal has a value.
func (h *Health) reading() string {
	if len(h.Parts) == 0 {
		return "health"
	}
	return fmt.Sprintf("health %d", h.Score)
}

// Churned says that a customer has left altogether.
func Churned(customer, since string) string {
	return fmt.Sprintf("%s: churned, no longer a paying customer since %s", customer, since)
}

// phrase says in words what a signal read.
func (c *Contribution) phrase() string {
	if c.Value == nil {
		if c.Reads == OpenTicketHours {
			return "no open ticket"
		}
		return c.Signal + ": nothing"
	}
	v := *c.Value
	switch c.Reads {
	case ActiveDays:
		return fmt.Sprintf("%s in %d", many(v, "active day"), c.Window)
	case RecencyDays:
		if v == 0 {
			return "active today"
		}
		return "no activity for " + many(v, "day")
	case SurveyAnswer:
		return fmt.Sprintf("last %s answer %s", cmp.Or(c.Survey, "survey"), c.value())
	case OpenTicketHours:
		return "a ticket open for " + many(v, "hour")
	case LateInvoices:
		return many(v, "late invoice")
	case TenureDays:
		return "paying for " + many(v, "day")
	}
	return fmt.Sprintf("%s %s", c.Signal, c.value())
}

func many(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.FormatInt(n, 10) + " " + noun + "s"
}

// KPIReason says why a KPI rule is firing:
//
//	customer_churn_rate (30d) is 0.0912 on 2026-11-22, above 0.08 since 2026-11-20
//	stickiness (30d, plan=pro) is 0.12 on 2026-11-22, below 0.15 since 2026-11-20; provisional, the day is not over
func KPIReason(r KPIRule, v Verdict) string {
	s := fmt.Sprintf("%s, %s %s since %s", r.reading(v), r.side(), number(r.Threshold, nil), civil.Format(v.Since))
	if v.Provisional {
		s += "; provisional, the day is not over"
	}
	return s
}

// KPIResolved says why a KPI rule is firing no more:
//
//	customer_churn_rate (30d) is 0.065 on 2026-11-23, at or below 0.07
//	customer_churn_rate (30d) is 0.075 on 2026-11-22, not above 0.08 at the end of the day
//
// The second is said of a provisional alert that its day's end did not confirm,
// and where a correction took away what had fired.
func KPIResolved(r KPIRule, v Verdict) string {
	if !r.clears(v.Value) {
		return fmt.Sprintf("%s, not %s %s for %s", r.reading(v), r.side(), number(r.Threshold, nil), many(int64(r.For), "complete day"))
	}
	side := "at or above"
	if r.Above {
		side = "at or below"
	}
	return fmt.Sprintf("%s, %s %s", r.reading(v), side, number(r.Clear, nil))
}

func (r *KPIRule) reading(v Verdict) string {
	of := slices.DeleteFunc([]string{r.Window, r.Segment}, func(s string) bool { return s == "" })
	name := r.KPI
	if len(of) > 0 {
		name += " (" + strings.Join(of, ", ") + ")"
	}
	if v.Value == nil {
		return name + " has no value"
	}
	return fmt.Sprintf("%s is %s on %s", name, number(v.Value, r.Threshold), civil.Format(v.Day))
}

func (r *KPIRule) side() string {
	if r.Above {
		return "above"
	}
	return "below"
}

// number writes a number with four digits that count, and with more where fewer
// would make it look equal to a number that it is not equal to.
func number(v, other *big.Rat) string {
	f, _ := v.Float64()
	for digits := 4; digits < 17; digits++ {
		s := plain(f, digits)
		shown, ok := new(big.Rat).SetString(s)
		if !ok || other == nil || v.Cmp(other) == 0 || shown.Cmp(other) != 0 {
			return s
		}
	}
	return plain(f, 17)
}

// plain is %.*g without an exponent, and without cutting whole digits.
func plain(f float64, digits int) string {
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(f, 'g', digits, 64), 64)
	if err != nil || rounded >= 1000 || rounded <= -1000 {
		return strconv.FormatFloat(f, 'f', max(0, digits-4), 64)
	}
	return strconv.FormatFloat(rounded, 'f', -1, 64)
}
