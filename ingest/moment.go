package ingest

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/event"
)

// maxSeconds is the end of the year 9999, the last that RFC 3339 can write.
const maxSeconds = 253_402_300_799

// parseMoment reads a time in one of the formats of Moment, and returns Unix
// milliseconds. A time without a zone is one of the calendar's; a day begins at its
// start there.
func parseMoment(text, format, since string, calendar *civil.Calendar) (int64, error) {
	switch format {
	case "", "rfc3339":
		if ms, ok := event.ParseTime([]byte(text)); ok {
			return ms, nil
		}
		return 0, errors.New("is no time; write it as 2026-01-31T12:00:00Z, or say how it is written with format")
	case "unix":
		return parseUnix(text)
	case "unix_ms":
		ms, err := strconv.ParseInt(text, 10, 64)
		if err != nil || ms > maxSeconds*1000 || ms < -maxSeconds*1000 {
			return 0, errors.New("is no number of milliseconds since 1970")
		}
		return ms, nil
	case "days":
		return parseDayOffset(text, since, calendar)
	}
	return parseLayout(text, format, calendar)
}

// parseLayout reads a time as a layout of the time package has it.
func parseLayout(text, format string, calendar *civil.Calendar) (int64, error) {
	loc := calendar.Location()
	t, err := time.ParseInLocation(format, text, loc)
	if err != nil {
		return 0, fmt.Errorf("is not written as %s", format)
	}
	if name := t.Location().String(); strings.Contains(format, "MST") && !hasOffset.MatchString(format) &&
		t.Location() != loc && name != "UTC" && name != "GMT" { // the time package makes up a zone of that name, at UTC
		return 0, fmt.Errorf("is of a time zone %s that %s does not have; convert it, or write offsets as -07:00", name, loc)
	}
	if t.Location() != loc || loc == time.UTC {
		return t.UnixMilli(), nil
	}
	// A time that clocks pass over may come out before the midnight that it follows.
	wall, err := time.ParseInLocation(format, text, time.UTC)
	if err != nil || wall.Day() == t.Day() {
		return t.UnixMilli(), err
	}
	day, err := civil.Parse(wall.Format(time.DateOnly))
	return calendar.Start(day), err
}

// hasOffset: the layout has an offset, which counts whatever the zone's name.
var hasOffset = regexp.MustCompile(`[-Z]07`)

// parseUnix reads seconds since 1970, with decimals or without; what is finer
// than a millisecond is cut off.
func parseUnix(text string) (int64, error) {
	wrong := errors.New("is no number of seconds since 1970")
	whole, fraction, _ := strings.Cut(text, ".")
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || seconds > maxSeconds || seconds < -maxSeconds || strings.Trim(fraction, "0123456789") != "" {
		return 0, wrong
	}
	ms, err := strconv.ParseInt((fraction + "000")[:3], 10, 64)
	if err != nil {
		return 0, wrong
	}
	if strings.HasPrefix(whole, "-") {
		ms = -ms
	}
	return seconds*1000 + ms, nil
}

// parseDayOffset reads a number of days after the day since.
func parseDayOffset(text, since string, calendar *civil.Calendar) (int64, error) {
	n, err := strconv.Atoi(text)
	if err != nil || math.Abs(float64(n)) > 1_000_000 {
		return 0, errors.New("is no whole number of days")
	}
	base, err := civil.Parse(since)
	if err != nil {
		return 0, fmt.Errorf("counts from %s, which is no day; since is written as 2013-10-01", quoteCell(since))
	}
	return calendar.Start(base + civil.Day(n)), nil
}
