package ingest

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/tidemark-io/tidemark/event"
)

// RowError is what is wrong with one row.
type RowError struct {
	File   string
	Line   int    // 1 is the file's first
	Column string // "column 4 (dollar_value)", or the name of an attribute; "" where it is the whole row
	Text   string // what is wrong and what to do
}

// Error returns one sentence: where, what, what to do.
func (e *RowError) Error() string {
	if e.Column == "" {
		return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Text)
	}
	return fmt.Sprintf("%s:%d: %s: %s", e.File, e.Line, e.Column, e.Text)
}

// quoteCell writes what stands in a cell for a sentence, the beginning of it where
// that is long.
func quoteCell(text string) string {
	const longest = 60 // characters
	n := 0
	for i := range text {
		if n++; n > longest {
			return strconv.Quote(text[:i] + "…")
		}
	}
	return strconv.Quote(text)
}

// BadRows is the error of Read where rows are wrong.
type BadRows struct {
	Rows    []*RowError // the first of them
	Count   int
	Outcome string // the end of the sentence; "": nothing was sent
}

const (
	shownRows = 10   // errors that are kept
	maxBad    = 1000 // errors after which reading stops
)

// Error lists the first rows, one sentence a line, and says how many there are.
func (b *BadRows) Error() string {
	var s strings.Builder
	for _, row := range b.Rows {
		s.WriteString(row.Error())
		s.WriteByte('\n')
	}
	switch {
	case b.Count >= maxBad:
		fmt.Fprintf(&s, "%d or more rows are wrong", maxBad)
	case b.Count == 1:
		s.WriteString("1 row is wrong")
	default:
		fmt.Fprintf(&s, "%d rows are wrong", b.Count)
	}
	return s.String() + "; " + cmp.Or(b.Outcome, "nothing was sent")
}

// add keeps an error, and returns the whole when there are enough to stop.
func (b *BadRows) add(e *RowError) error {
	if len(b.Rows) < shownRows {
		b.Rows = append(b.Rows, e)
	}
	if b.Count++; b.Count >= maxBad {
		return b
	}
	return nil
}

// refusals says, for each reason to refuse an event, which attributes it can be
// about and what to do.
var refusals = map[event.Reason]struct {
	keys []string
	text string
}{
	event.NotJSON:          {nil, "is no JSON object; write one CloudEvent a line"},
	event.NotUTF8:          {nil, "is not UTF-8; convert the file first, for instance with iconv"},
	event.WrongType:        {nil, "has an attribute of another JSON type than it should; texts stand in quotes, numbers don't"},
	event.MissingID:        {[]string{"id"}, "is missing; every event needs one"},
	event.MissingSource:    {[]string{"source"}, "is missing; every event needs one"},
	event.MissingType:      {[]string{"type"}, "is missing; every event needs one"},
	event.MissingTime:      {[]string{"time"}, "is missing; every event needs one"},
	event.MissingSubject:   {[]string{"customer"}, "is missing; the subject is the customer"},
	event.MissingField:     {nil, "lacks an attribute that has no default (a purchase its amount, a survey its kind or score, a signal its name)"},
	event.BadTime:          {[]string{"time", "effective"}, "is no time since 1970; write it as 2026-01-31T12:00:00Z"},
	event.BadAmount:        {[]string{"amount", "recurring_amount"}, "is no amount of money; write a decimal from 0 on such as 12.50, with the digits the currency has and of a size that money has"},
	event.UnknownCurrency:  {[]string{"currency"}, "is no currency that can be converted; write an ISO 4217 code that rates has, or the reporting currency"},
	event.BadInterval:      {[]string{"interval", "interval_count"}, "is no interval; write day, week, month, quarter or year, with a whole interval_count"},
	event.IntervalNotExact: {[]string{"interval_count"}, "is an interval that has no exact amount a month; 1 to 12 of each are, 24 and 36 months, 90, 180 and 365 days"},
	event.BadScore:         {[]string{"score", "scale.min", "scale.max"}, "lies outside the scale; write a number on it, or the scale"},
	event.UnknownSurvey:    {[]string{"kind"}, "is no kind of survey; write nps, csat, ces or cli"},
	event.TooLong:          {nil, "is too long, or something in it: ids, names and values have at most 256 bytes, an event 1,000,000"},
	event.TooFarAhead:      {[]string{"time"}, "lies ahead of the clock by more than max_future_skew; correct the time"},
	event.UnknownType:      {[]string{"type"}, "is none of Tidemark's; write login, purchase, cancellation, survey or signal"},
}

// refusal words a reason as the end of a sentence.
func refusal(reason event.Reason) (keys []string, text string) {
	r, ok := refusals[reason]
	if !ok {
		return nil, "is refused: " + string(reason)
	}
	return r.keys, r.text
}
