package scenario

import (
	"regexp"
	"strconv"
	"time"

	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/event"
)

var (
	dayForm    = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`)
	clockForm  = regexp.MustCompile(`^\d{2}:\d{2}(:\d{2})?$`)
	laterForm  = regexp.MustCompile(`^\+(?:(\d{1,4})d)?(?:(\d{1,4})h)?(?:(\d{1,5})m)?(?:(\d{1,6})s)?$`)
	timeSyntax = "a time is written as 2026-03-01T09:00:00Z, as 2026-03-01 or 2026-03-01 09:00 in the scenario's time zone, or as +1d2h30m after the time before"
)

// moment reads a time that is a statement's, and sets *to, Unix ms.
func (p *parser) moment(w *words, to *int64) error {
	t, err := w.next("a time")
	if err != nil {
		return err
	}
	clock := ""
	if dayForm.MatchString(t.text) && w.more() && clockForm.MatchString(w.list[0].text) {
		c, err := w.next("a time of day")
		if err != nil {
			return err
		}
		clock = c.text
	}
	ms, err := p.parseTime(t, clock)
	if err == nil {
		*to = ms
	}
	return err
}

// advance reads the time up to which time passes, and sets *to, Unix ms.
func (p *parser) advance(w *words, to *int64) error {
	var t token
	if w.more() {
		t = w.list[0]
	}
	if err := p.moment(w, to); err != nil {
		return err
	}
	if *to < p.latest {
		return wrongAt(t, "time has come to %s already, and does not go back to %s", event.AppendTime(nil, p.latest), event.AppendTime(nil, *to))
	}
	p.now, p.latest, p.started = *to, *to, true
	return nil
}

// parseTime reads a time in any of its forms.
func (p *parser) parseTime(t token, clock string) (int64, error) {
	if m := laterForm.FindStringSubmatch(t.text); m != nil && len(t.text) > 1 {
		return p.later(t, m)
	}
	if ms, ok := event.ParseTime([]byte(t.text)); ok && clock == "" {
		return ms, nil
	}
	if !dayForm.MatchString(t.text) {
		return 0, wrongAt(t, "%q is no time; %s", t.text, timeSyntax)
	}
	day, err := civil.Parse(t.text)
	if err != nil {
		return 0, wrongAt(t, "%s", err)
	}
	if clock == "" {
		return p.calendar.Start(day), nil
	}
	layout := "2006-01-02 15:04"
	if len(clock) > len("15:04") {
		layout += ":05"
	}
	at, err := time.ParseInLocation(layout, t.text+" "+clock, p.zone)
	if err != nil {
		return 0, wrongAt(t, "%q is no time; %s", t.text+" "+clock, timeSyntax)
	}
	if at.Format(layout) != t.text+" "+clock {
		return 0, wrongAt(t, "%s %s does not exist in %s, where clocks were put forward; write it with its offset, as 2026-03-29T02:30:00+01:00", t.text, clock, p.zone)
	}
	return at.UnixMilli(), nil
}

// later reads +1d2h30m: days are those of the calendar, with their 23 to 25 hours.
func (p *parser) later(t token, m []string) (int64, error) {
	if !p.started {
		return 0, wrongAt(t, "%s is after no time; the first at says which", t.text)
	}
	var n [4]int
	for i := range n {
		if m[i+1] == "" {
			continue
		}
		var err error
		if n[i], err = strconv.Atoi(m[i+1]); err != nil {
			return 0, wrongAt(t, "%q is no time; %s", t.text, timeSyntax)
		}
	}
	at := time.UnixMilli(p.now).In(p.zone).AddDate(0, 0, n[0])
	return at.UnixMilli() + int64(n[1])*3_600_000 + int64(n[2])*60_000 + int64(n[3])*1000, nil
}

// day reads a civil day.
func (p *parser) day(t token) (int32, error) {
	d, err := civil.Parse(t.text)
	if err != nil {
		return 0, wrongAt(t, "%q is no day; write it as 2026-03-31", t.text)
	}
	return d, nil
}
