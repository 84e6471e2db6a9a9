package report

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/kpi"
)

// twoCustomers is the events of two customers over three months: logins, payments
// that go up and down, a one-off purchase and its refund, a cancellation with a
// reason, tickets and answers of every kind. Both have the same odd plan.
func twoCustomers() string {
	var b strings.Builder
	n := 0
	put := func(customer, kind, at, fields string) {
		n++
		fmt.Fprintf(&b, `{"specversion":"1.0","id":"e%d","source":"test","type":%q,"subject":%q,"time":%q,"data":{%s"customer":{"plan":"a|b, c=d","country":"DE"}}}`+"\n", n, kind, customer, at, fields)
	}
	for d := range 90 {
		at := fmt.Sprintf("2024-%02d-%02dT09:00:00Z", 1+d/30, 1+min(d%30, 28))
		put("acme", "login", at, fmt.Sprintf(`"user":"u%d",`, d%3))
	}
	pay := func(customer, at, amount string) {
		put(customer, "purchase", at, fmt.Sprintf(`"order":"o%d","amount":%q,"currency":"USD","interval":"month",`, n, amount))
	}
	pay("acme", "2024-01-03T10:00:00Z", "10.00")
	pay("acme", "2024-02-03T10:00:00Z", "30.00")
	pay("acme", "2024-03-03T10:00:00Z", "20.00")
	pay("bell", "2024-01-05T10:00:00Z", "5.00")
	put("bell", "cancellation", "2024-02-20T10:00:00Z", `"reason":"price",`)
	pay("bell", "2024-03-20T10:00:00Z", "6.00")
	put("bell", "purchase", "2024-03-01T10:00:00Z", `"order":"x","amount":"7.00","currency":"USD",`)
	put("bell", "purchase", "2024-03-04T10:00:00Z", `"refund_of":"x","amount":"7.00","currency":"USD",`)
	for kind, score := range map[string]int{"nps": 9, "csat": 5, "ces": 6, "cli": 8} {
		put("acme", "survey", "2024-03-10T10:00:00Z", fmt.Sprintf(`"kind":%q,"score":%d,`, kind, score))
	}
	put("acme", "signal", "2024-03-11T10:00:00Z", `"name":"ticket_opened","ref":"t1",`)
	return b.String()
}

// TestEveryKPIHasSegments: where every customer is in one segment, each KPI of the
// registry has the same figures for it as for the whole, for one dimension and for
// two at once, whatever the value holds; but for those that kpis.md keeps for the
// whole only.
func TestEveryKPIHasSegments(t *testing.T) {
	const one, two = "plan=a|b,, c=d", "plan=a|b,, c=d,country=DE"
	o := settings(t, "Europe/Berlin", 2)
	shard := o.Shard
	o.Shard = func() (aggregator.Options, error) {
		s, err := shard()
		s.Dimensions = []string{"plan", "country", "plan*country"}
		s.Cohorts, s.WeekStart = s.Dimensions, time.Monday
		return s, err
	}
	q := Query{AsOf: Unset, From: Unset, To: Unset, KPIs: kpi.All(), Segments: []string{"", one, two}}
	r := make1(t, files(write(t, "events.jsonl", twoCustomers())), o, q)
	figures, err := r.Figures(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	type key struct{ kpi, window, day, bucket string }
	bySegment := map[string]map[key]string{}
	has := map[string]bool{}
	for _, f := range figures {
		if bySegment[f.Segment] == nil {
			bySegment[f.Segment] = map[key]string{}
		}
		bySegment[f.Segment][key{f.KPI, f.Window, f.Day, f.Bucket}] = fmt.Sprint(f.Value, " ", f.Numerator, "/", f.Denominator)
		has[f.KPI+" "+f.Window+" "+f.Segment] = true
	}
	for _, k := range kpi.All() {
		for _, w := range k.Windows {
			if only := k.Name == "active_days_histogram" && w == "30d"; k.Kept(w, one) == only {
				t.Errorf("%s %s is kept by segment: %v", k.Name, w, k.Kept(w, one))
			}
			if k.Kept(w, one) && has[k.Name+" "+w+" "] != has[k.Name+" "+w+" "+one] {
				t.Errorf("%s %s has figures for the whole: %v, for the segment: %v", k.Name, w, has[k.Name+" "+w+" "], has[k.Name+" "+w+" "+one])
			}
		}
	}
	for _, segment := range []string{one, two} {
		for k, v := range bySegment[segment] {
			if want := bySegment[""][k]; v != want {
				t.Errorf("%+v of %s: %s, of the whole: %s", k, segment, v, want)
			}
		}
		if len(bySegment[segment]) < 100 {
			t.Errorf("%s has %d figures", segment, len(bySegment[segment]))
		}
	}
}
