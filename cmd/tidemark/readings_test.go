package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/alert"
	"github.com/tidemark-io/tidemark/api"
	"github.com/tidemark-io/tidemark/company"
	"github.com/tidemark-io/tidemark/config"
	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/goal"
	"github.com/tidemark-io/tidemark/kpi"
	"github.com/tidemark-io/tidemark/store"

	"github.com/tidemark-io/tidemark/service"
)

// canned is a system that answers what the test has put into it.
type canned struct {
	figures []kpi.Figure
	view    *api.CustomerView
	page    company.CustomerPage
	told    []alert.Told
	goals   []goal.Status
	reason  string
	err     error
	closed  int

	query     company.Query
	customers company.CustomerQuery
	alerts    company.AlertQuery
}

func (c *canned) Now(_ context.Context, segment string) ([]kpi.Figure, error) {
	out := slices.Clone(c.figures)
	for i := range out {
		out[i].Segment = segment
	}
	return out, c.err
}

func (c *canned) Running(context.Context, []string, func([]kpi.Figure)) error { return c.err }

func (c *canned) Figures(_ context.Context, q company.Query) ([]kpi.Figure, error) {
	c.query = q
	var out []kpi.Figure
	for _, v := range []json.Number{"0.5", "", "0.25", "1"} {
		out = append(out, kpi.Figure{KPI: q.KPI.Name, Window: q.Window, Day: "2026-11-2" + string(rune('0'+len(out))), Value: v, Unit: q.KPI.Unit,
			Numerator: 250, Denominator: 1000, Complete: len(out) < 3})
	}
	return out, c.err
}

func (c *canned) Segments() []string { return []string{"plan=basic", "plan=pro"} }
func (c *canned) CheckSegment(segment string) error {
	if segment == "" || slices.Contains(c.Segments(), segment) {
		return nil
	}
	return &kpi.UnknownError{What: "segment", Given: segment, Nearest: kpi.NearestOf(segment, c.Segments())}
}
func (c *canned) Ready() (bool, string) { return c.reason == "", c.reason }

func (c *canned) Customer(_ context.Context, id string) (*api.CustomerView, error) {
	if c.view == nil || c.view.Customer != id {
		return nil, c.err
	}
	return c.view, c.err
}

func (c *canned) Customers(_ context.Context, q company.CustomerQuery) (company.CustomerPage, error) {
	c.customers = q
	return c.page, c.err
}

func (c *canned) Goals(context.Context) ([]goal.Status, error) { return c.goals, c.err }

func (c *canned) Alerts(_ context.Context, q company.AlertQuery) ([]alert.Told, error) {
	c.alerts = q
	return c.told, c.err
}

// tidemark runs a command line against the canned system.
func tidemark(c *canned, args ...string) (code int, stdout, stderr string) {
	return tidemarkOn(func(context.Context, string) (*service.Readings, error) {
		return &service.Readings{Figures: c, Customers: c, Alerts: c, Goals: c, Ready: c, Close: func() error { c.closed++; return nil }}, nil
	}, args...)
}

func tidemarkOn(open opener, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	root := newRootCommand(open)
	root.SetOut(&out)
	root.SetErr(&errs)
	code = run(context.Background(), root, args, &errs)
	return code, out.String(), errs.String()
}

func example() *canned {
	score, value := int64(44), json.Number("44")
	return &canned{
		figures: []kpi.Figure{
			{KPI: "users_ever", Day: "2026-11-22", Value: "1234567", Unit: kpi.Count, Numerator: 1_234_567, Denominator: 1, Watermark: "2026-11-22T12:00:00Z"},
			{KPI: "stickiness", Window: "30d", Day: "2026-11-22", Value: "0.25", Unit: kpi.Ratio, Numerator: 250, Denominator: 1000, Watermark: "2026-11-22T12:00:00Z"},
			{KPI: "mrr", Day: "2026-11-22", Value: "16250000", Unit: kpi.Money, Currency: "USD", Watermark: "2026-11-22T12:00:00Z"},
			{KPI: "nps", Window: "90d", Day: "2026-11-22", Value: "-33.333333333333336", Unit: kpi.Points, Numerator: -1, Denominator: 3, LowSample: true, Watermark: "2026-11-22T12:00:00Z"},
			{KPI: "csat", Window: "90d", Day: "2026-11-22", Unit: kpi.Ratio, LowSample: true, Watermark: "2026-11-22T12:00:00Z"},
		},
		view: &api.CustomerView{
			Customer: "acme", Now: "2026-11-22T12:00:00Z", Band: "red", Score: &score, Users: 2, LastActiveDay: "2026-11-06",
			MRR: []alert.Amount{{Amount: 250_000, Currency: "USD"}, {Amount: 900, Currency: "JPY"}}, Attributes: map[string]string{"plan": "pro", "country": "DE"},
			Contributions: []alert.Printed{{Signal: "recency", Value: "16", Points: 1, MaxPoints: 10, Weighted: 44, Most: 100}, {Signal: "tickets"}},
			Alerts:        []alert.Told{{Rule: "at_risk", Subject: "acme", State: "firing", Reason: "acme: health 44 is red"}},
		},
		page: company.CustomerPage{Customers: []company.Ranked{{Customer: "acme", Band: "red", MRR: alert.Amount{Amount: 250_000, Currency: "USD"}}}, Next: "zzz"},
		told: []alert.Told{{Rule: "churn_high", Subject: "customer_churn_rate", State: "firing", Provisional: true, Value: &value, Reason: "too many leave"}},
	}
}

// line returns the words of the line that begins with a word.
func line(t *testing.T, text, first string) []string {
	t.Helper()
	for _, l := range strings.Split(text, "\n") {
		if words := strings.Fields(l); len(words) > 0 && words[0] == first {
			return words
		}
	}
	t.Errorf("no line begins with %s:\n%s", first, text)
	return nil
}

func TestKPITable(t *testing.T) {
	c := example()
	code, out, errs := tidemark(c, "kpi")
	if code != 0 || errs != "" || c.closed != 1 {
		t.Errorf("exit code %d, %q, closed %d times", code, errs, c.closed)
	}
	for first, want := range map[string]string{
		"users_ever": "users_ever 1,234,567", // no trend: it has no days
		"stickiness": "stickiness 30d 25.0% 250 of 1,000 ▃ ▁█",
		"mrr":        "mrr 162,500.00 USD ▃ ▁█",
		"nps":        "nps 90d -33.3 -1 of 3 ▃ ▁█ low sample",
		"csat":       "csat 90d – 0 of 0 ▃ ▁█ low sample",
		"2026-11-22": "2026-11-22 so far, events up to 2026-11-22T12:00:00Z",
	} {
		if got := strings.Join(line(t, out, first), " "); got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
	column := strings.Index(strings.Split(out, "\n")[0], "VALUE")
	for _, l := range strings.Split(out, "\n")[1:6] {
		if l[column-1] != ' ' || l[column] == ' ' {
			t.Errorf("not aligned: %q", l)
		}
	}
	if _, out, _ = tidemark(c, "kpi", "--segment", "plan=pro"); !strings.Contains(out, "so far of plan=pro") {
		t.Errorf("of a segment:\n%s", out)
	}
}

func TestKPISeries(t *testing.T) {
	c := example()
	code, out, errs := tidemark(c, "kpi", "stickiness", "--from", "2026-11-20", "--to", "2026-11-20", "--segment", "plan=pro")
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	if c.query.From != 20_777 || c.query.To != 20_777 || c.query.Segment != "plan=pro" || c.query.Window != "30d" {
		t.Errorf("asked for %+v", c.query)
	}
	for first, want := range map[string]string{
		"stickiness": "stickiness 30d of plan=pro: dau / mau",
		"2026-11-20": "2026-11-20 50.0% 250 of 1,000",
		"2026-11-21": "2026-11-21 – 250 of 1,000",
		"2026-11-23": "2026-11-23 100.0% 250 of 1,000 running",
		"▃":          "▃ ▁█",
	} {
		if got := strings.Join(line(t, out, first), " "); got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
	tidemark(c, "kpi", "nps")
	if c.query.From != company.Unset || c.query.To != company.Unset || c.query.Window != "90d" {
		t.Errorf("asked for %+v", c.query)
	}
}

func TestKPIAsJSON(t *testing.T) {
	for _, args := range [][]string{{"kpi", "--json"}, {"kpi", "mrr", "--json"}} {
		code, out, _ := tidemark(example(), args...)
		var doc struct{ KPIs []kpi.Figure }
		if err := json.Unmarshal([]byte(out), &doc); code != 0 || err != nil || len(doc.KPIs) < 4 {
			t.Errorf("%v: %d, %v, %s", args, code, err, out)
		}
		if !strings.HasPrefix(out, `{"kpis":[{"kpi":`) || !strings.Contains(out, `"value":null`) {
			t.Errorf("%v: %s", args, out)
		}
	}
	c := example()
	c.figures = nil
	if code, out, _ := tidemark(c, "kpi", "--json"); code != 0 || out != "{\"kpis\":[]}\n" {
		t.Errorf("no figures: %d %q", code, out)
	}
	if code, _, errs := tidemark(c, "kpi"); code != exitFailed || !strings.Contains(errs, "there are no figures yet") {
		t.Errorf("no figures: %d %q", code, errs)
	}
}

func TestCustomerCommands(t *testing.T) {
	c := example()
	_, out, _ := tidemark(c, "customer", "acme")
	for first, want := range map[string]string{
		"health":     "health red, score 44 of 100",
		"MRR":        "MRR 2,500.00 USD, 900 JPY",
		"first":      "first paid –",
		"last":       "last active 2026-11-06",
		"attributes": "attributes country=DE, plan=pro",
		"recency":    "recency 16 1 of 10 44 100",
		"tickets":    "tickets – 0 of 0 0 0",
		"firing":     "firing at_risk acme acme: health 44 is red",
	} {
		if got := strings.Join(line(t, out, first), " "); got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
	if code, _, errs := tidemark(c, "customer", "nobody"); code != exitFailed || !strings.Contains(errs, "there is no customer nobody") {
		t.Errorf("nobody: %d %q", code, errs)
	}
	_, out, _ = tidemark(c, "customer", "acme", "--json")
	var view api.CustomerView
	if err := json.Unmarshal([]byte(out), &view); err != nil || *view.Score != 44 || view.Alerts[0].Rule != "at_risk" {
		t.Errorf("%v: %s", err, out)
	}

	_, out, _ = tidemark(c, "customers", "--band", "red", "--limit", "7", "--cursor", "abc")
	if c.customers != (company.CustomerQuery{Band: "red", Limit: 7, Cursor: "abc"}) {
		t.Errorf("asked for %+v", c.customers)
	}
	if got := strings.Join(line(t, out, "acme"), " "); got != "acme red 2,500.00 USD" || !strings.Contains(out, "--cursor zzz") {
		t.Errorf("customers:\n%s", out)
	}
	// By answers a page of the store's may be short: the command goes on.
	c.page.Customers[0].Answers = 3
	_, out, _ = tidemark(c, "customers", "--nps", "detractors", "--window", "30d", "--limit", "2", "--cursor", "abc")
	if c.customers != (company.CustomerQuery{NPS: "detractors", Window: "30d", Limit: 1, Cursor: "zzz"}) {
		t.Errorf("asked for %+v", c.customers)
	}
	if got := strings.Join(line(t, out, "acme"), " "); got != "acme red 2,500.00 USD 3" || strings.Count(out, "acme") != 2 || !strings.Contains(out, "ANSWERS") {
		t.Errorf("customers by answers:\n%s", out)
	}
	c.page.Customers[0].Answers = 0
	if _, out, _ = tidemark(c, "customers", "--json"); !strings.Contains(out, `{"customers":[{"customer":"acme","band":"red","mrr":{"amount":250000,"currency":"USD"}}],"next_cursor":"zzz"}`) {
		t.Errorf("customers: %s", out)
	}
}

func TestAlertsCommand(t *testing.T) {
	c := example()
	_, out, _ := tidemark(c, "alerts", "--state", "firing", "--rule", "churn_high")
	if c.alerts != (company.AlertQuery{State: "firing", Rule: "churn_high", Limit: 100}) {
		t.Errorf("asked for %+v", c.alerts)
	}
	if got := strings.Join(line(t, out, "firing?"), " "); got != "firing? churn_high customer_churn_rate too many leave" {
		t.Errorf("alerts:\n%s", out)
	}
	if _, out, _ = tidemark(c, "alerts", "--json"); !strings.HasPrefix(out, `{"alerts":[{"rule":"churn_high"`) {
		t.Errorf("alerts: %s", out)
	}
}

func TestExitCodes(t *testing.T) {
	for _, tc := range []struct {
		args string
		code int
		says string
	}{
		{"version", 0, ""},
		{"kpi --help", 0, ""},
		{"kpy", 2, `there is no command "kpy", did you mean "kpi"?`},
		{"kpi --sgement x", 2, `there is no flag of kpi "--sgement", did you mean "--segment"?`},
		{"kpi stickiness mrr", 2, `"mrr" is one too many; write tidemark kpi [NAME]`},
		{"customer", 2, "something is missing behind customer; write tidemark customer ID"},
		{"version now", 2, `"now" is one too many; write tidemark version`},
		{"demo --rate much", 2, `--rate: "much" is no number`},
		{"demo --duration 20", 2, `--duration: "20" is no time span; write it as 20s or 1m30s`},
		{"kpi --json=maybe", 2, `--json: "maybe" is no yes or no; write true or false`},
		{"", 0, ""},
		{"kpi stickyness", 2, `did you mean "stickiness"?`},
		{"kpi nps --window 28d", 2, `did you mean "30d"?`},
		{"kpi nps --segment plan=prob", 2, `did you mean "plan=pro"?`},
		{"kpi active_days_histogram --segment plan=pro", 2, "active_days_histogram 30d is kept for the whole company only"},
		{"kpi cohort_retention --segment plan=pro", 2, "cohorts by plan are not kept"},
		{"kpi nps --from tomorrow", 2, "--from: \"tomorrow\" is no day"},
		{"kpi nps --from 2026-11-02 --to 2026-11-01", 2, "--from is after --to"},
		{"kpi --window 30d", 2, "need the name of a KPI"},
		{"customers --band rde", 2, `did you mean "red"?`},
		{"customers --limit 0", 2, "1 to 1000"},
		{"customers --nps detractor", 2, `there is no class of NPS answers "detractor", did you mean "detractors"?`},
		{"customers --nps detractors --window 7d", 2, `there is no window of these lists "7d"`},
		{"customers --nps detractors --band red", 2, "leave one of them out"},
		{"customers --window 30d", 2, "--window belongs to --nps"},
		{"alerts --state firng", 2, `did you mean "firing"?`},
	} {
		code, _, errs := tidemark(example(), strings.Fields(tc.args)...)
		if code != tc.code || !strings.Contains(errs, tc.says) {
			t.Errorf("%s: exit code %d, %q, want %d, %q", tc.args, code, errs, tc.code, tc.says)
		}
	}
	c := example()
	c.err = errors.New("connection refused")
	for _, args := range []string{"kpi", "kpi mrr", "customer acme", "customers", "alerts"} {
		if code, _, errs := tidemark(c, strings.Fields(args)...); code != exitFailed || errs != "tidemark: connection refused\n" {
			t.Errorf("%s: exit code %d, %q", args, code, errs)
		}
	}
	c.err = company.ErrCursor
	if code, _, _ := tidemark(c, "customers", "--cursor", "x"); code != exitUsage {
		t.Errorf("a foreign cursor: exit code %d", code)
	}
	c = example()
	c.reason = "shard 3 is catching up"
	if code, out, errs := tidemark(c, "kpi", "--json"); code != 0 || !strings.Contains(errs, c.reason) || strings.Contains(out, c.reason) {
		t.Errorf("not ready: %d, stdout %q, stderr %q", code, out, errs)
	}
	c = example()
	c.err = company.ErrMaxDays
	if code, _, errs := tidemark(c, "kpi", "nps", "--from", "0001-01-01"); code != exitUsage || errs != "tidemark: more than 1100 days; ask for them in parts, each with its first and last day\n" {
		t.Errorf("too many days: exit code %d, %q", code, errs)
	}
}

func TestHelpListsTheRegistry(t *testing.T) {
	_, out, _ := tidemark(example(), "kpi", "--help")
	for _, name := range kpi.Names() {
		line(t, out, name)
	}
	if got := strings.Join(line(t, out, "nps"), " "); got != "nps points 30d 90d* Net promoter score: 100 × (promoters − detractors) / answers" {
		t.Error(got)
	}
}

func TestVersion(t *testing.T) {
	_, out, _ := tidemark(example(), "version")
	if !strings.HasPrefix(out, "tidemark ") || !strings.Contains(out, "go1.") {
		t.Errorf("version: %q", out)
	}
	_, out, _ = tidemark(example(), "version", "--json")
	var b build
	if err := json.Unmarshal([]byte(out), &b); err != nil || b.Version == "" || b.Go == "" {
		t.Errorf("version: %v %q", err, out)
	}
}

func TestSparkline(t *testing.T) {
	draw := func(values ...json.Number) string {
		var series []kpi.Figure
		for _, v := range values {
			series = append(series, kpi.Figure{Value: v})
		}
		return sparkline(series)
	}
	for want, got := range map[string]string{
		"▁▂▃▄▅▆▇█": draw("0", "1", "2", "3", "4", "5", "6", "7"),
		"█ ▁":      draw("-1", "", "-8"),
		"▄▄":       draw("3", "3"),
		"":         draw(),
		"  ":       draw("", ""),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestShownNumbers(t *testing.T) {
	for in, want := range map[string]string{"0": "0", "999": "999", "1000": "1,000", "-1234567.5": "-1,234,567.5", "-123": "-123"} {
		if got := thousands(in); got != want {
			t.Errorf("thousands(%s) = %s, want %s", in, got, want)
		}
	}
	for want, a := range map[string]alert.Amount{
		"0.05 USD": {Amount: 5, Currency: "USD"}, "-1,234.50 EUR": {Amount: -123_450, Currency: "EUR"}, "900 JPY": {Amount: 900, Currency: "JPY"}, "1.234 KWD": {Amount: 1234, Currency: "KWD"},
	} {
		if got := showAmount(a); got != want {
			t.Errorf("showAmount(%v) = %s, want %s", a, got, want)
		}
	}
}

// The settings' default profile and the aggregator's are the same, said twice.
func TestShardOptions(t *testing.T) {
	c := config.Default()
	o, err := service.ShardOptions(c)
	if err != nil {
		t.Fatal(err)
	}
	want := aggregator.DefaultProfile()
	want.Signals[2].CSAT[0].From = 1000 // the scale begins at 1, and what lies below the first step has its points
	if !reflect.DeepEqual(o.Profile, want) {
		t.Errorf("profile\n got %+v\nwant %+v", o.Profile, want)
	}
	if !o.ActivityKinds[event.Login] || o.ActivityKinds[event.Purchase] || o.LapseGrace != -1 || o.Horizon != 100 || o.SilentDays != 14 || o.ByPurchases {
		t.Errorf("%+v", o)
	}
	if len(o.BandRules) != 1 || o.BandRules[0] != (aggregator.BandRule{Name: "at_risk", Band: aggregator.Red, ResolveAfter: 86_400_000}) {
		t.Errorf("rules %+v", o.BandRules)
	}
	c.Activity, c.LapseGrace, c.CustomerBasis = []string{"purchase", "signal:feature_used"}, 3, config.BasisPurchases
	if o, err = service.ShardOptions(c); err != nil || o.ActivityKinds[event.Login] || !o.ActivityKinds[event.Purchase] || !o.ActivitySignal["feature_used"] || o.LapseGrace != 259_200_000 || !o.ByPurchases {
		t.Errorf("%v %+v", err, o)
	}
}

func TestRates(t *testing.T) {
	eur, jpy := event.Currency{'E', 'U', 'R'}, event.Currency{'J', 'P', 'Y'}
	c := config.Default()
	c.Rates = []config.Rate{
		{Day: 100, Currency: eur, Value: config.Decimal{Num: 11, Den: 10}}, {Day: 200, Currency: eur, Value: config.Decimal{Num: 12, Den: 10}},
		{Day: 0, Currency: jpy, Value: config.Decimal{Num: 65, Den: 10_000}},
	}
	r := service.Rates(c)
	for _, tc := range []struct {
		cur  event.Currency
		day  int32
		want *big.Rat
	}{
		{eur, 99, nil}, {eur, 100, big.NewRat(11, 10)}, {eur, 199, big.NewRat(11, 10)}, {eur, 200, big.NewRat(6, 5)},
		{jpy, 5, big.NewRat(65, 100)}, // a yen, its own minor unit, is 0.65 cents
		{event.Currency{'G', 'B', 'P'}, 100, nil},
	} {
		got := r(tc.cur, tc.day)
		if (got == nil) != (tc.want == nil) || got != nil && got.Cmp(tc.want) != 0 {
			t.Errorf("%s on %d is worth %v, want %v", tc.cur, tc.day, got, tc.want)
		}
	}
}

// The commands against a store: what openReadings wires.
func TestReadingAStore(t *testing.T) {
	ctx := context.Background()
	redis := miniredis.RunT(t)
	st, err := store.Open(ctx, store.Options{Addrs: []string{redis.Addr()}, Namespace: "shop"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	}()
	settings := write(t, "tidemark.yaml", "redis: {addrs: ['"+redis.Addr()+"'], namespace: shop}\n")
	if code, _, errs := tidemarkOn(openReadings, "kpi", "--config", settings); code != exitFailed || !strings.Contains(errs, "nothing is stored yet") {
		t.Errorf("an empty store: %d %q", code, errs)
	}
	if err := st.SetPartitions(ctx, 1); err != nil {
		t.Fatal(err)
	}
	claimed, err := st.Claim(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	row := aggregator.Row{{Counter: aggregator.Customers}: 1200, {Counter: aggregator.HealthRed}: 3}
	told, err := (&alert.Alert{Rule: "at_risk", Subject: "acme", Firing: true, Since: "2026-11-20", Reason: "acme: health 42 is red", Time: 1_795_305_600_000}).Encode(1)
	if err != nil {
		t.Fatal(err)
	}
	_, err = st.Commit(ctx, 0, claimed.Tenure, &store.Commit{
		Head:     store.Head{Watermark: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC).UnixMilli(), FirstDay: 20_700, Born: true},
		Cells:    []store.Field{{Name: "o|", Value: row.Append(nil)}},
		Firing:   []store.Field{{Name: "at_risk|acme", Value: []byte(`{"since":1}`)}},
		Bands:    []store.Member{{Customer: "acme", Band: "red", Score: 2500}},
		Episodes: [][]byte{told},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ args, first, want string }{
		{"kpi", "customers", "customers 1,200 ▄▄▄▄▄▄▄▄▄▄▄▄▄▄"},
		{"kpi health_red --from 2026-11-21", "2026-11-22", "2026-11-22 3 running"},
		{"customers --band red", "acme", "acme red 25.00 USD"},
		{"alerts --state firing", "firing", "firing 2026-11-22T00:00:00Z at_risk acme acme: health 42 is red"},
	} {
		code, out, errs := tidemarkOn(openReadings, append(strings.Fields(tc.args), "--config", settings)...)
		if code != 0 || errs != "" {
			t.Errorf("%s: %d %q", tc.args, code, errs)
		}
		if got := strings.Join(line(t, out, tc.first), " "); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.args, got, tc.want)
		}
	}
	if code, _, errs := tidemarkOn(openReadings, "kpi", "--config", "/nowhere.yaml"); code != exitUsage || !strings.Contains(errs, "nowhere.yaml") {
		t.Errorf("no configuration: %d %q", code, errs)
	}
	bad := write(t, "bad.yaml", "time_zome: UTC\n")
	if code, _, errs := tidemarkOn(openReadings, "kpi", "--config", bad); code != exitUsage || !strings.Contains(errs, "time_zone") {
		t.Errorf("a bad configuration: %d %q", code, errs)
	}
}

func TestGoals(t *testing.T) {
	c := example()
	if code, _, stderr := tidemark(c, "goals"); code != 1 || !strings.Contains(stderr, "no goal is configured") {
		t.Errorf("without goals: %d %s", code, stderr)
	}
	c.goals = []goal.Status{
		{Goal: "keep", KPI: "retention_rate", Window: "90d", State: goal.OnTrack, Value: "0.93", AtLeast: "0.95", Start: "0.91", Progress: "0.5", Expected: "0.4", By: "2026-12-31", Unit: kpi.Ratio},
		{Goal: "more", KPI: "mrr", State: goal.Behind, AtLeast: "1000000", AtMost: "2000000", Start: "0", Expected: "1", By: "2026-11-30", Unit: kpi.Money, Currency: "USD"},
		{Goal: "soc2", State: goal.Met, Value: "1", AtLeast: "1", Progress: "1", Expected: "0.2", By: "2026-12-31"},
		{Goal: "stick", KPI: "stickiness", Window: "30d", State: goal.OnTrack, AtLeast: "0.3", Progress: "0.5", By: "2026-12-31"},
	}
	if _, out, _ := tidemark(c, "kpi"); !strings.Contains(strings.Join(line(t, out, "stickiness"), " "), "stickiness 30d 25.0% 250 of 1,000") ||
		!strings.Contains(out, "≥ 30.0% by 2026-12-31: on track, 50.0% of the way") {
		t.Errorf("figures without their goal:\n%s", out)
	}
	if _, out, _ := tidemark(c, "kpi", "--json"); !strings.Contains(out, `"targets":[{"goal":"stick","at_least":0.3,"by":"2026-12-31","progress":0.5,"state":"on_track"}]`) {
		t.Errorf("figures without their goal: %s", out)
	}
	code, stdout, stderr := tidemark(c, "goals")
	for _, part := range []string{"keep", "on track", "93.0%", "≥ 95.0%", "50.0%", "behind", "10,000.00 USD to 20,000.00 USD", "soc2", "yes"} {
		if !strings.Contains(stdout, part) {
			t.Errorf("%d %s%s lacks %s", code, stdout, stderr, part)
		}
	}
	if code, stdout, _ = tidemark(c, "goals", "--json"); code != 0 || !strings.HasPrefix(stdout, `{"goals":[{"goal":"keep"`) && !strings.Contains(stdout, `"goal": "keep"`) {
		t.Errorf("%d %s", code, stdout)
	}
}
