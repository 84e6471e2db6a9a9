package kpi

import (
	"encoding/json"
	"math"
	"math/big"
	"slices"
	"strconv"
	"time"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/event"
)

// Levels is where figures come from: the counters of a shard, or summed over
// all of them. The currency of a cell is zero unless its counter is of money,
// the label "" unless it is labelled. What was never written is 0.
type Levels interface {
	// Level is the value of a cell at the end of the day, or what happened on it
	// for a flow.
	Level(c aggregator.Cell, segment string, day int32) int64
	// Standing is the value of a standing cell: on the day where the counter is
	// OnDay, else the day means nothing.
	Standing(c aggregator.Cell, segment string, day int32) int64
	// Labels lists the labels under which a counter may have a value other than 0
	// on the day, each once, sorted.
	Labels(c aggregator.Counter, segment string, day int32) []string
	// Days lists the days on which a counter that is OnDay may have a value other
	// than 0, rising.
	Days(c aggregator.Counter, segment string) []int32
	// Currencies lists the currencies in which money is kept, each once.
	Currencies() []event.Currency
}

// Ranges is what Levels may offer beside: many days at once. Windows of flows are
// nearly all of what figures ask for.
type Ranges interface {
	// Sum adds up the levels of the days from..to.
	Sum(c aggregator.Cell, segment string, from, to int32) int64
	// LabelsWithin lists the labels of a counter that is not standing on any of
	// the days from..to, each once, sorted; also some without a value there.
	LabelsWithin(c aggregator.Counter, segment string, from, to int32) []string
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
	WeekStart time.Weekday    // first day of a calendar week
	Watermark int64           // Unix ms; 0: none yet
	MinSample int64           // answers or customers under which a figure is a low sample, or none
	Lifetime  Lifetime
	// Scores are those of a segment's customers added up; nil: nobody has read
	// them, and there are no figures of KPIs that are Scored.
	Scores func(segment string) ScoreSum

	known map[cohortKey][]cohort // what cohorts has read
}

// RunningDay is the day of the watermark: the last day that has figures.
func (s *Source) RunningDay() int32 { return s.Calendar.Day(s.Watermark) }

// Complete says whether the watermark has reached the end of the day.
func (s *Source) Complete(day int32) bool { return s.Watermark >= s.Calendar.Start(day+1) }

// Figure computes one figure of a KPI without buckets. The window must be one of
// k.Windows. Of a calendar window it is the figure of the period that holds the
// day, to date, keyed by the period's last day. A KPI that is NowOnly ignores
// the day and gives the running one.
func (s *Source) Figure(k KPI, window, segment string, day int32) Figure {
	return s.figure(k, s.point(k, window, segment, day))
}

// Figures is Figure for a KPI of any kind: one figure, or one for each bucket
// that is not empty.
func (s *Source) Figures(k KPI, window, segment string, day int32) []Figure {
	p := s.point(k, window, segment, day)
	switch {
	case k.scored && s.Scores == nil:
		return nil
	case k.buckets == nil:
		return []Figure{s.figure(k, p)}
	}
	var out []Figure
	for _, p.bucket = range k.buckets(p) {
		out = append(out, s.figure(k, p))
	}
	return out
}

// Bucket is the figure of one bucket, which may be an empty one.
func (s *Source) Bucket(k KPI, window, segment, bucket string, day int32) Figure {
	p := s.point(k, window, segment, day)
	p.bucket = bucket
	return s.figure(k, p)
}

// AsOf is Figure as it was at the end of a day that may lie within a calendar
// window: to date then, keyed by that day. Rules are evaluated by it.
func (s *Source) AsOf(k KPI, window, segment string, day int32) Figure {
	p := s.point(k, window, segment, day)
	if !k.NowOnly {
		p.day, p.key, p.days = day, day, day-p.from+1
	}
	return s.figure(k, p)
}

// Days lists the days that key a window's figures of the days from..to, as far
// as they have begun: each day, or the last one of each calendar period.
func (s *Source) Days(window string, from, to int32) []int32 {
	running, period := s.RunningDay(), calendar[window]
	var out []int32
	for d := from; d <= to; {
		first, next := period.Bounds(d, s.WeekStart)
		if first > running {
			break
		}
		out = append(out, next-1)
		d = next
	}
	return out
}

func (s *Source) point(k KPI, window, segment string, day int32) point {
	running := s.RunningDay()
	if k.NowOnly {
		day = running
	}
	p := point{Source: s, window: window, segment: segment, day: day, key: day}
	if period, ok := calendar[window]; ok {
		first, next := period.Bounds(day, s.WeekStart)
		p.from, p.key, p.day = first, next-1, max(first, min(next-1, running))
		p.days = p.day - first + 1
		return p
	}
	p.days = windowDays[window]
	p.from = day - p.days + 1
	return p
}

func (s *Source) figure(k KPI, at point) Figure {
	p := k.parts(at)
	watermark := s.Watermark
	if p.at != 0 {
		watermark, at.key = p.at, s.Calendar.Day(p.at)
	}
	f := Figure{
		KPI: k.Name, Window: at.window, Segment: at.segment, Bucket: at.bucket, Day: civil.Format(at.key),
		Unit: k.Unit, Numerator: p.num, Denominator: p.den,
		Complete: watermark >= s.Calendar.Start(at.key+1), LowSample: p.sample && p.size < s.MinSample,
		Watermark: time.UnixMilli(watermark).UTC().Format(time.RFC3339), Formula: k.Formula,
	}
	if p.inMoney {
		f.Currency = string(s.Currency[:])
	}
	switch {
	case k.Unit == Money:
		f.Currency = string(s.Currency[:])
		f.Numerator, f.Value = moneyValue(p)
	case p.null:
	case p.exact != nil:
		f.Value = decimal(p.exact)
	case k.Unit == Ratio:
		f.Value = quotient(p.num, p.den)
	case k.Unit == Points:
		f.Value = quotient(100*p.num, p.den)
	case k.Unit == Days:
		f.Value = json.Number(strconv.FormatInt(p.days, 10))
	default:
		f.Value = json.Number(strconv.FormatInt(p.num, 10))
	}
	return f
}

// parts is what a figure is made of before it is divided and rounded.
type parts struct {
	num, den int64    // den is 1 where the figure is no ratio
	money    *big.Rat // takes num's place where the unit is Money, minor units; nil: a rate is missing
	days     int64    // the value where the unit is Days
	null     bool     // there is no value
	inMoney  bool     // num and den are amounts
	exact    *big.Rat // the value of a ratio whose parts are rounded
	sample   bool     // the figure is of a sample of size answers
	size     int64
	at       int64 // the moment (Unix ms) that the figure is of; 0: the watermark
}

func count(n int64) parts        { return parts{num: n, den: 1} }
func ratio(num, den int64) parts { return parts{num: num, den: den} }
func money(m *big.Rat) parts     { return parts{money: m, den: 1} }
func share(num, answers int64) parts {
	return parts{num: num, den: answers, sample: true, size: answers}
}

// point is one figure's place: a window, a segment, and the row that is read.
type point struct {
	*Source
	window  string
	segment string
	bucket  string
	from    int32 // first day of the window
	day     int32 // the row that is read: the window's last day, or the running one
	days    int32 // from..day
	key     int32 // the day that names the figure: the window's last one
}

// level reads a counter at the end of the day.
func (p point) level(c aggregator.Counter) int64 {
	return p.Levels.Level(aggregator.Cell{Counter: c}, p.segment, p.day)
}

// labelled reads a labelled counter at the end of the day.
func (p point) labelled(c aggregator.Counter, label string) int64 {
	return p.Levels.Level(aggregator.Cell{Counter: c, Label: label}, p.segment, p.day)
}

// labels lists the labels of a counter on any day of the window.
func (p point) labels(c aggregator.Counter) []string {
	if r, ok := p.Levels.(Ranges); ok {
		return r.LabelsWithin(c, p.segment, p.from, p.day)
	}
	var out []string
	for d := p.from; d <= p.day; d++ {
		out = append(out, p.Levels.Labels(c, p.segment, d)...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// standing reads a counter that has no day.
func (p point) standing(c aggregator.Counter) int64 {
	return p.Levels.Standing(aggregator.Cell{Counter: c}, p.segment, 0)
}

// sum adds a flow over the days of the window.
func (p point) sum(c aggregator.Counter) int64 { return p.sumOf(aggregator.Cell{Counter: c}) }

// sumOf is sum for a cell with a currency or a label.
func (p point) sumOf(c aggregator.Cell) int64 {
	return p.sumOver(c, p.from, p.day)
}

func (p point) sumOver(c aggregator.Cell, from, to int32) int64 {
	if r, ok := p.Levels.(Ranges); ok {
		return r.Sum(c, p.segment, from, to)
	}
	var n int64
	for d := from; d <= to; d++ {
		n += p.Levels.Level(c, p.segment, d)
	}
	return n
}

// quotient writes num/den as the shortest decimal that is read back as the
// float64 nearest to the exact quotient, or null ("") where den is 0.
func quotient(num, den int64) json.Number {
	if den == 0 {
		return ""
	}
	return decimal(big.NewRat(num, den))
}

// decimal writes the shortest decimal that is read back as the float64 nearest
// to r.
func decimal(r *big.Rat) json.Number {
	f, _ := r.Float64()
	return json.Number(strconv.FormatFloat(f, 'f', -1, 64))
}

// moneyValue rounds money and its quotient, each from the exact amount. What no
// int64 holds has no value.
func moneyValue(p parts) (num int64, value json.Number) {
	if p.money == nil {
		return 0, ""
	}
	num = round(p.money)
	if p.den == 0 {
		return num, ""
	}
	per := nearest(new(big.Rat).Quo(p.money, new(big.Rat).SetInt64(p.den)))
	if !per.IsInt64() {
		return num, ""
	}
	return num, json.Number(per.String())
}

// round gives the nearest integer, and the largest or least there is in place of
// one beyond it.
func round(r *big.Rat) int64 {
	switch n := nearest(r); {
	case n.IsInt64():
		return n.Int64()
	case n.Sign() < 0:
		return math.MinInt64
	}
	return math.MaxInt64
}

// nearest gives the nearest integer, halves away from zero.
func nearest(r *big.Rat) *big.Int {
	twice := new(big.Int).Lsh(new(big.Int).Abs(r.Num()), 1)
	n := twice.Add(twice, r.Denom())
	n.Quo(n, new(big.Int).Lsh(r.Denom(), 1))
	if r.Sign() < 0 {
		n.Neg(n)
	}
	return n
}
