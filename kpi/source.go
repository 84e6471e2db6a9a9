package kpi

import (
	"encoding/json"
	"math/big"
	"strconv"
	"time"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/event"
)

// Levels is where figures come from: the counters of a shard, or summed over
// all of them.
type Levels interface {
	// Level is the value of a counter at the end of the day, or what happened on
	// it for a flow. The currency is zero unless c.Money(). What was never
	// written is 0.
	Level(c aggregator.Counter, cur event.Currency, segment string, day int32) int64
	// Standing is the value of a counter that has no day.
	Standing(c aggregator.Counter, segment string) int64
	// Currencies lists the currencies in which money is kept, each once.
	Currencies() []event.Currency
}

// Rates gives the worth of one minor unit of a currency in minor units of the
// reporting currency on a day, exactly: 1 for the reporting currency itself, nil
// where no rate is known.
type Rates func(cur event.Currency, day int32) *big.Rat

// Source is what figures are computed from.
type Source struct {
	Levels    Levels
	Rates     Rates // nil: only amounts of the reporting currency have a worth
	Currency  event.Currency
	Calendar  *civil.Calendar // of the workspace's zone; used by one goroutine at a time
	Watermark int64           // Unix ms; 0: none yet
	MinSample int64           // answers under which a survey's figure is a low sample
}

// RunningDay is the day of the watermark: the last day that has figures.
func (s *Source) RunningDay() int32 { return s.Calendar.Day(s.Watermark) }

// Complete says whether the watermark has reached the end of the day.
func (s *Source) Complete(day int32) bool { return s.Watermark >= s.Calendar.Start(day+1) }

// Figure computes one figure. The window must be one of k.Windows; a KPI that
// is NowOnly ignores the day and gives the running one.
func (s *Source) Figure(k KPI, window, segment string, day int32) Figure {
	if k.NowOnly {
		day = s.RunningDay()
	}
	p := k.parts(point{Source: s, days: windowDays[window], segment: segment, day: day})
	f := Figure{
		KPI: k.Name, Window: window, Segment: segment, Day: civil.Format(day),
		Unit: k.Unit, Numerator: p.num, Denominator: p.den,
		Complete: s.Complete(day), LowSample: p.sample && p.den < s.MinSample,
		Watermark: time.UnixMilli(s.Watermark).UTC().Format(time.RFC3339), Formula: k.Formula,
	}
	switch k.Unit {
	case Money:
		f.Currency = string(s.Currency[:])
		f.Numerator, f.Value = moneyValue(p)
	case Ratio:
		f.Value = quotient(p.num, p.den)
	case Points:
		f.Value = quotient(100*p.num, p.den)
	default:
		f.Value = json.Number(strconv.FormatInt(p.num, 10))
	}
	return f
}

// parts is what a figure is made of before it is divided and rounded.
type parts struct {
	num, den int64    // den is 1 where the figure is no ratio
	money    *big.Rat // takes num's place where the unit is Money, minor units; nil: a rate is missing
	sample   bool     // den counts survey answers
}

func count(n int64) parts            { return parts{num: n, den: 1} }
func ratio(num, den int64) parts     { return parts{num: num, den: den} }
func money(m *big.Rat) parts         { return parts{money: m, den: 1} }
func share(num, answers int64) parts { return parts{num: num, den: answers, sample: true} }

// point is one day and segment of a source, with the days of the window.
type point struct {
	*Source
	days    int32
	segment string
	day     int32
}

// level reads a counter at the end of the day.
func (p point) level(c aggregator.Counter) int64 {
	return p.Levels.Level(c, event.Currency{}, p.segment, p.day)
}

// sum adds a flow over the days of the window.
func (p point) sum(c aggregator.Counter) int64 {
	var n int64
	for d := p.day - p.days + 1; d <= p.day; d++ {
		n += p.Levels.Level(c, event.Currency{}, p.segment, d)
	}
	return n
}

// worth converts a counter of money at the day's rate and adds it up over the
// currencies: exact minor units of the reporting currency. It is nil where a
// rate is missing, since a sum with an unknown part is no figure.
func (p point) worth(c aggregator.Counter) *big.Rat {
	total := new(big.Rat)
	for _, cur := range p.Levels.Currencies() {
		n := p.Levels.Level(c, cur, p.segment, p.day)
		if n == 0 {
			continue
		}
		r := p.rate(cur)
		if r == nil {
			return nil
		}
		amount := new(big.Rat).SetFrac64(n, event.MonthlyUnit)
		total.Add(total, amount.Mul(amount, r))
	}
	return total
}

func (p point) rate(cur event.Currency) *big.Rat {
	if cur == p.Currency {
		return big.NewRat(1, 1)
	}
	if p.Rates == nil {
		return nil
	}
	return p.Rates(cur, p.day)
}

// quotient writes num/den as the shortest decimal that is read back as the
// float64 nearest to the exact quotient, or null ("") where den is 0.
func quotient(num, den int64) json.Number {
	if den == 0 {
		return ""
	}
	f, _ := new(big.Rat).SetFrac64(num, den).Float64()
	return json.Number(strconv.FormatFloat(f, 'f', -1, 64))
}

// moneyValue rounds money and its quotient, each from the exact amount.
func moneyValue(p parts) (num int64, value json.Number) {
	if p.money == nil {
		return 0, ""
	}
	num = round(p.money)
	if p.den == 0 {
		return num, ""
	}
	per := new(big.Rat).Quo(p.money, new(big.Rat).SetInt64(p.den))
	return num, json.Number(strconv.FormatInt(round(per), 10))
}

// round gives the nearest integer, halves away from zero.
func round(r *big.Rat) int64 {
	twice := new(big.Int).Lsh(new(big.Int).Abs(r.Num()), 1)
	n := twice.Add(twice, r.Denom())
	n.Quo(n, new(big.Int).Lsh(r.Denom(), 1))
	if r.Sign() < 0 {
		n.Neg(n)
	}
	return n.Int64()
}
