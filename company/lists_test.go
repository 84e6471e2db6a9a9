package company

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tidemark-io/tidemark/alert"
	"github.com/tidemark-io/tidemark/store"
)

// fakeLists is a ListStore in memory; members lie by falling score.
type fakeLists struct {
	members  []map[string][]store.BandMember
	firing   []map[string][]byte
	episodes [][][]byte // the newest first
}

func (f *fakeLists) Partitions(context.Context) (int, error) { return len(f.members), nil }

func (f *fakeLists) BandMembers(_ context.Context, shard int, band string, offset, limit int64, reverse bool) ([]store.BandMember, error) {
	if !reverse {
		return nil, errors.New("asked for the smallest")
	}
	all := f.members[shard][band]
	all = all[min(int(offset), len(all)):]
	return all[:min(int(limit), len(all))], nil
}

func (f *fakeLists) Firing(_ context.Context, shard int) (map[string][]byte, error) {
	out := map[string][]byte{}
	for k, v := range f.firing[shard] {
		out[k] = v
	}
	return out, nil
}

func (f *fakeLists) Episodes(_ context.Context, shard, _ int) ([][]byte, error) {
	return f.episodes[shard], nil
}

func TestCustomersAreListedByBandAndMRR(t *testing.T) {
	f := &fakeLists{members: []map[string][]store.BandMember{
		{"red": {{Customer: "acme", Score: 900}, {Customer: "blue", Score: 100}}, "green": {{Customer: "gold", Score: 5}}},
		{"red": {{Customer: "core", Score: 500}, {Customer: "dune", Score: 100}}, "amber": {{Customer: "echo", Score: 7}}},
	}}
	l := Lists{Store: f, Currency: usd}
	const all = "acme/red/900 core/red/500 dune/red/100 blue/red/100 echo/amber/7 gold/green/5"
	for limit := 1; limit <= 7; limit++ {
		var got []string
		pages := 0
		for cursor := ""; ; pages++ {
			page, err := l.Customers(context.Background(), CustomerQuery{Limit: limit, Cursor: cursor})
			if err != nil {
				t.Fatal(err)
			}
			if len(page.Customers) > limit {
				t.Errorf("%d customers on a page of %d", len(page.Customers), limit)
			}
			for _, c := range page.Customers {
				got = append(got, fmt.Sprintf("%s/%s/%d", c.Customer, c.Band, c.MRR.Amount))
			}
			if cursor = page.Next; cursor == "" {
				break
			}
		}
		if strings.Join(got, " ") != all {
			t.Errorf("by %d: %v", limit, got)
		}
	}
	page, err := l.Customers(context.Background(), CustomerQuery{Band: "red", Limit: 4})
	if err != nil || len(page.Customers) != 4 || page.Next != "" || page.Customers[0].MRR.Currency != "USD" {
		t.Errorf("all red ones: %+v (%v)", page, err)
	}
	page, err = l.Customers(context.Background(), CustomerQuery{Band: "red", Limit: 1})
	if err != nil || page.Next == "" {
		t.Fatalf("one red one: %+v (%v)", page, err)
	}
	for _, bad := range []string{"x", "e30", page.Next} {
		if _, err := l.Customers(context.Background(), CustomerQuery{Band: "amber", Limit: 1, Cursor: bad}); !errors.Is(err, ErrCursor) {
			t.Errorf("cursor %q gives %v", bad, err)
		}
	}
}

func TestAlertsAreListed(t *testing.T) {
	told := func(rule, subject string, firing bool, n uint64, second int64) []byte {
		a := alert.Alert{Rule: rule, Subject: subject, Firing: firing, Time: second * 1000, Since: "1970-01-01", Reason: "because", Severity: "warning"}
		b, err := a.Encode(n)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	noted := func(customer string, second int64) []byte { // twice of one customer
		a := alert.Scheduled{Customer: customer, Time: second * 1000}
		b, err := a.Encode()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	f := &fakeLists{
		members: make([]map[string][]store.BandMember, 2),
		firing: []map[string][]byte{
			{"at_risk|acme": []byte(`{"since":5000}`), "at_risk|new": []byte(`{"since":9000}`)},
			{"churn_high|customer_churn_rate": []byte(`{"since":1000}`)},
		},
		episodes: [][][]byte{
			{told("at_risk", "acme", true, 8, 5), told("at_risk", "blue", false, 2, 4), told("at_risk", "acme", false, 1, 3), told("at_risk", "acme", true, 1, 2), told("at_risk", "blue", true, 2, 1)},
			{noted("sea", 8), told("churn_high", "customer_churn_rate", true, 3, 6), noted("sea", 0)},
		},
	}
	l := Lists{Store: f, Currency: usd}
	for _, tc := range []struct {
		q    AlertQuery
		want string
	}{
		{AlertQuery{Limit: 10}, "at_risk|new|0|firing cancellation_scheduled|sea|0|noted churn_high|customer_churn_rate|3|firing at_risk|acme|8|firing at_risk|blue|2|resolved at_risk|acme|1|resolved cancellation_scheduled|sea|0|noted"},
		{AlertQuery{Limit: 10, State: "noted"}, "cancellation_scheduled|sea|0|noted cancellation_scheduled|sea|0|noted"},
		{AlertQuery{Limit: 10, State: "firing"}, "at_risk|new|0|firing churn_high|customer_churn_rate|3|firing at_risk|acme|8|firing"},
		{AlertQuery{Limit: 10, State: "resolved"}, "at_risk|blue|2|resolved at_risk|acme|1|resolved"},
		{AlertQuery{Limit: 1, Rule: "churn_high"}, "churn_high|customer_churn_rate|3|firing"},
		{AlertQuery{Limit: 10, Rule: "none"}, ""},
	} {
		got, err := l.Alerts(context.Background(), tc.q)
		if err != nil {
			t.Fatal(err)
		}
		var words []string
		for _, a := range got {
			words = append(words, fmt.Sprintf("%s|%s|%d|%s", a.Rule, a.Subject, a.Episode, a.State))
		}
		if strings.Join(words, " ") != tc.want {
			t.Errorf("%+v: %v", tc.q, words)
		}
	}
	about, err := l.AlertsAbout(context.Background(), 0, "acme")
	if err != nil || len(about) != 2 || about[0].Episode != 8 || about[1].State != "resolved" {
		t.Errorf("about acme: %+v (%v)", about, err)
	}
	f.episodes[0] = [][]byte{[]byte("damaged")}
	if _, err := l.Alerts(context.Background(), AlertQuery{Limit: 1}); err == nil || !strings.Contains(err.Error(), "alerts of shard 0") {
		t.Errorf("a damaged episode gives %v", err)
	}
}
