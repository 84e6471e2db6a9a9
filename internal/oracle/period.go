package oracle

import "time"

// The kinds of calendar periods.
const (
	perDay = iota
	perWeek
	perMonth
	perQuarter
)

// dateOf is a civil day as midnight in UTC.
func dateOf(d int32) time.Time { return time.Unix(int64(d)*86_400, 0).UTC() }

// periods numbers the calendar periods of days. It keeps what it has worked out.
type periods struct {
	weekStart time.Weekday
	known     [perQuarter + 1]map[int32]int32
}

// of numbers the period of a kind that holds d, rising by one from each to the next.
func (p *periods) of(kind int, d int32) int32 {
	n, ok := p.known[kind][d]
	if !ok {
		if p.known[kind] == nil {
			p.known[kind] = map[int32]int32{}
		}
		n = p.number(kind, d)
		p.known[kind][d] = n
	}
	return n
}

func (p *periods) number(kind int, d int32) int32 {
	t := dateOf(d)
	switch kind {
	case perWeek:
		back := (int32(t.Weekday()) - int32(p.weekStart) + 7) % 7
		return (d - back + 7_000_000) / 7 // d - back is a first day of the week
	case perMonth:
		return int32(t.Year())*12 + int32(t.Month())
	case perQuarter:
		return int32(t.Year())*4 + (int32(t.Month())-1)/3
	}
	return d
}

// start is the first day of the period that holds d: it is searched for, a day at
// a time.
func (p *periods) start(kind int, d int32) int32 {
	for p.of(kind, d-1) == p.of(kind, d) {
		d--
	}
	return d
}
