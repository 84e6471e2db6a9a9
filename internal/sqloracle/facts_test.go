package sqloracle_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/internal/sqloracle"
)

// facts are written by hand, one event a call. Every event has an id of its own.
type facts struct {
	t     *testing.T
	zone  *time.Location
	lines []string
}

func newFacts(t *testing.T) *facts { return &facts{t: t, zone: time.UTC} }

// moment reads "2024-03-01" (noon) or "2024-03-01 15:04" in the zone.
func (f *facts) moment(text string) time.Time {
	f.t.Helper()
	if len(text) == len(time.DateOnly) {
		text += " 12:00"
	}
	at, err := time.ParseInLocation("2006-01-02 15:04", text, f.zone)
	if err != nil {
		f.t.Fatal(err)
	}
	return at
}

// add adds an event; body is its JSON without the braces.
func (f *facts) add(at, kind, customer, body string) {
	f.t.Helper()
	f.lines = append(f.lines, fmt.Sprintf(`{"specversion":"1.0","type":%q,"source":"test","id":"e%d","time":%q,"subject":%q,"data":{%s}}`,
		kind, len(f.lines), f.moment(at).UTC().Format(time.RFC3339Nano), customer, body))
}

func (f *facts) login(at, customer, user string) {
	f.t.Helper()
	f.add(at, "login", customer, fmt.Sprintf(`"user":%q`, user))
}

// pay is a monthly charge of USD.
func (f *facts) pay(at, customer, amount string) {
	f.t.Helper()
	f.add(at, "purchase", customer, fmt.Sprintf(`"amount":%q,"interval":"month"`, amount))
}

// order is a one-off purchase of USD.
func (f *facts) order(at, customer, order, amount string) {
	f.t.Helper()
	f.add(at, "purchase", customer, fmt.Sprintf(`"order":%q,"amount":%q`, order, amount))
}

func (f *facts) refund(at, customer, order, amount string) {
	f.t.Helper()
	f.add(at, "purchase", customer, fmt.Sprintf(`"refund_of":%q,"amount":%q`, order, amount))
}

func (f *facts) cancel(at, customer, body string) {
	f.t.Helper()
	f.add(at, "cancellation", customer, body)
}

func (f *facts) answer(at, customer, kind, score string) {
	f.t.Helper()
	f.add(at, "survey", customer, fmt.Sprintf(`"kind":%q,"score":%s`, kind, score))
}

// days are the options for the figures of some days, at 23:00 of the last.
func (f *facts) days(from, to string) sqloracle.Options {
	f.t.Helper()
	o := sqloracle.DefaultOptions()
	o.Zone = f.zone.String()
	o.From, o.To, o.Watermark = from, to, f.moment(to+" 23:00").UnixMilli()
	return o
}

// figures are by "kpi window segment [bucket] on day", as Key prints itself.
type figures map[string]sqloracle.Figure

func (f *facts) compute(o sqloracle.Options) figures {
	f.t.Helper()
	list, err := sqloracle.Compute(f.t.Context(), sqloracle.Facts{Lines: []byte(strings.Join(f.lines, "\n"))}, o)
	if err != nil {
		f.t.Fatal(err)
	}
	out := figures{}
	for _, x := range list {
		out[x.Key.String()] = x
	}
	return out
}

// expect holds values against what is published: "kpi window on day" -> "0.25".
// "null" is no value, "-" no figure at all.
func (f *facts) expect(got figures, want map[string]string) {
	f.t.Helper()
	for key, value := range want {
		x, found := got[key]
		shown := "-"
		if found {
			if shown = x.Published(); shown == "" {
				shown = "null"
			}
		}
		if shown != value {
			f.t.Errorf("%s: %s, by hand %s (%v / %v)", key, shown, value, x.Numerator, x.Denominator)
		}
	}
}
