package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/tidemark-io/tidemark/alert"
	"github.com/tidemark-io/tidemark/company"
	"github.com/tidemark-io/tidemark/goal"
	"github.com/tidemark-io/tidemark/kpi"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// canned answers what the test has put into it, and remembers what was asked.
type canned struct {
	figures  []kpi.Figure
	segments []string
	view     *CustomerView
	page     company.CustomerPage
	told     []alert.Told
	triangle []kpi.Cohort
	goals    []goal.Status
	by       string
	reason   string // not ready because
	err      error

	query     company.Query
	segment   string
	customers company.CustomerQuery
	alerts    company.AlertQuery
}

func (c *canned) Now(_ context.Context, segment string) ([]kpi.Figure, error) {
	c.segment = segment
	out := slices.Clone(c.figures)
	for i := range out {
		out[i].Segment = segment
	}
	return out, c.err
}

func (c *canned) Running(ctx context.Context, segments []string, visit func([]kpi.Figure)) error {
	for _, s := range segments {
		figures, err := c.Now(ctx, s)
		if err != nil {
			return err
		}
		visit(figures)
	}
	return nil
}

func (c *canned) Figures(_ context.Context, q company.Query) ([]kpi.Figure, error) {
	c.query = q
	return c.figures, c.err
}

func (c *canned) Segments() []string { return c.segments }

func (c *canned) CheckSegment(s string) error {
	if s == "" || slices.Contains(c.segments, s) {
		return nil
	}
	return &kpi.UnknownError{What: "segment", Given: s, Nearest: kpi.NearestOf(s, c.segments)}
}

func (c *canned) Cohorts(_ context.Context, by, segment string) ([]kpi.Cohort, error) {
	c.by, c.segment = by, segment
	return c.triangle, c.err
}

func (c *canned) Goals(context.Context) ([]goal.Status, error) { return c.goals, c.err }

func (c *canned) Ready() (bool, string) { return c.reason == "", c.reason }

func (c *canned) Customer(_ context.Context, id string) (*CustomerView, error) {
	if c.view != nil && c.view.Customer != id {
		return nil, c.err
	}
	return c.view, c.err
}

func (c *canned) Customers(_ context.Context, q company.CustomerQuery) (company.CustomerPage, error) {
	c.customers = q
	return c.page, c.err
}

func (c *canned) Alerts(_ context.Context, q company.AlertQuery) ([]alert.Told, error) {
	c.alerts = q
	return c.told, c.err
}

func example() *canned {
	value, score := json.Number("44"), int64(44)
	return &canned{
		figures: []kpi.Figure{
			{KPI: "stickiness", Window: "30d", Day: "2026-11-22", Value: "0.25", Unit: kpi.Ratio, Numerator: 250, Denominator: 1000,
				Watermark: "2026-11-22T12:00:00Z", Formula: "stickiness/1"},
			{KPI: "customer_churn_rate", Window: "30d", Day: "2026-11-22", Unit: kpi.Ratio, Watermark: "2026-11-22T12:00:00Z", Formula: "customer_churn_rate/1"},
			{KPI: "mrr", Day: "2026-11-22", Value: "16250000", Unit: kpi.Money, Currency: "USD", Numerator: 16_250_000, Denominator: 1,
				Watermark: "2026-11-22T12:00:00Z", Formula: "mrr/1"},
		},
		segments: []string{"plan=basic", "plan=pro"},
		view: &CustomerView{Customer: "acme/1", Band: "red", Score: &score, Paying: true, MRR: []alert.Amount{{Amount: 25_000, Currency: "USD"}},
			Contributions: []alert.Printed{{Signal: "recency", Weighted: 44}}, Attributes: map[string]string{"plan": "pro"}},
		page:     company.CustomerPage{Customers: []company.Ranked{{Customer: "acme/1", Band: "red", MRR: alert.Amount{Amount: 25_000, Currency: "USD"}}}, Next: "abc"},
		told:     []alert.Told{{Rule: "at_risk", Subject: "acme/1", State: "firing", Value: &value, Reason: "acme: health 44 is red"}},
		triangle: []kpi.Cohort{{Cohort: "2026-10", Size: 2, Active: []int64{2, 1}, Unbounded: []int64{2, 1}, Complete: []bool{true, false}}},
		goals:    []goal.Status{{Goal: "leave", KPI: "customer_churn_rate", Window: "30d", State: goal.Behind, AtMost: "0.05", Progress: "0.4", Expected: "0.5", By: "2026-12-31"}, {Goal: "keep", KPI: "retention_rate", Window: "90d", State: goal.Behind, AtLeast: "0.95", Expected: "0.5", By: "2026-12-31"}},
	}
}

// get asks a server with the canned answers.
func get(t *testing.T, c *canned, path string) (status int, contentType, body string) {
	t.Helper()
	h := New(Options{Figures: c, Customers: c, Alerts: c, Cohorts: c, Goals: c, Ready: c, Metrics: prometheus.NewRegistry(), Version: "1.2.3", Log: zap.NewNop()})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w.Code, w.Header().Get("Content-Type"), w.Body.String()
}

func TestAnswers(t *testing.T) {
	for _, tc := range []struct {
		path     string
		contains []string
	}{
		{"/api/v1/kpis", []string{`"ready":true`, `"kpis":[{"kpi":"stickiness","window":"30d","segment":"","day":"2026-11-22","value":0.25,"unit":"ratio"`,
			`"kpi":"customer_churn_rate","window":"30d","segment":"","day":"2026-11-22","value":null`, `"value":16250000,"unit":"money","currency":"USD"`}},
		{"/api/v1/kpis?segment=plan%3Dpro", []string{`"segment":"plan=pro"`}},
		{"/api/v1/kpis/stickiness", []string{`"value":0.25`}},
		{"/api/v1/kpis", []string{`"kpi":"customer_churn_rate"`, `"targets":[{"goal":"leave","at_most":0.05,"by":"2026-12-31","progress":0.4,"state":"behind"}]`}},
		{"/api/v1/customers", []string{`{"customers":[{"customer":"acme/1","band":"red","mrr":{"amount":25000,"currency":"USD"}}],"next_cursor":"abc"}`}},
		{"/api/v1/customers/acme%2F1", []string{`"customer":"acme/1"`, `"score":44`, `"signal":"recency"`, `"plan":"pro"`}},
		{"/api/v1/alerts", []string{`{"alerts":[{"rule":"at_risk","subject":"acme/1","state":"firing"`, `"value":44`, `"threshold":null`}},
		{"/api/v1/cohorts?by=week", []string{`"cohorts":[{"cohort":"2026-10","size":2,"active":[2,1],"unbounded":[2,1],"complete":[true,false]}]`, `"ready":true`}},
		{"/api/v1/goals", []string{`"goal":"keep"`, `"state":"behind"`, `"value":null`, `"at_least":0.95`, `"at_most":null`, `"expected":0.5`}},
		{"/healthz", []string{`"status":"ok"`, `1.2.3`}},
		{"/readyz", []string{`{"ready":true}`}},
		{"/metrics", []string{
			`tidemark_kpi{bucket="",currency="",kpi="stickiness",segment="",unit="ratio",window="30d"} 0.25`,
			`tidemark_kpi{bucket="",currency="USD",kpi="mrr",segment="plan=pro",unit="money",window=""} 1.625e+07`,
			"tidemark_ready 1", "tidemark_watermark_timestamp_seconds 1.7953488e+09"}},
	} {
		status, contentType, body := get(t, example(), tc.path)
		if status != http.StatusOK {
			t.Errorf("%s: %d %s", tc.path, status, body)
		}
		if strings.HasPrefix(tc.path, "/api") && contentType != "application/json" {
			t.Errorf("%s is %s", tc.path, contentType)
		}
		for _, part := range tc.contains {
			if !strings.Contains(body, part) {
				t.Errorf("%s: %s\nlacks %s", tc.path, body, part)
			}
		}
	}
	if _, _, body := get(t, example(), "/metrics"); strings.Contains(body, "customer_churn_rate") {
		t.Errorf("a figure without a value has a gauge: %s", body)
	}
}

func TestWhatIsAskedFor(t *testing.T) {
	c := example()
	get(t, c, "/api/v1/kpis/arpu?from=2026-11-01&to=2026-11-22&segment=plan%3Dpro")
	if c.query.KPI.Name != "arpa" || c.query.From != 20_758 || c.query.To != 20_779 || c.query.Segment != "plan=pro" || c.query.Window != "" {
		t.Errorf("asked for %+v", c.query)
	}
	get(t, c, "/api/v1/kpis/nps")
	if c.query.KPI.Name != "nps" || c.query.From != company.Unset || c.query.To != company.Unset || c.query.Window != "90d" {
		t.Errorf("asked for %+v", c.query)
	}
	get(t, c, "/api/v1/customers?band=red&limit=7&cursor=abc")
	if c.customers != (company.CustomerQuery{Band: "red", Limit: 7, Cursor: "abc"}) {
		t.Errorf("asked for %+v", c.customers)
	}
	get(t, c, "/api/v1/customers?nps=passives&window=30d&limit=7&cursor=abc")
	if c.customers != (company.CustomerQuery{NPS: "passives", Window: "30d", Limit: 7, Cursor: "abc"}) {
		t.Errorf("asked for %+v", c.customers)
	}
	get(t, c, "/api/v1/customers")
	if c.customers != (company.CustomerQuery{Limit: 100}) {
		t.Errorf("asked for %+v", c.customers)
	}
	get(t, c, "/api/v1/alerts?state=resolved&rule=at_risk")
	if c.alerts != (company.AlertQuery{State: "resolved", Rule: "at_risk", Limit: 100}) {
		t.Errorf("asked for %+v", c.alerts)
	}
}

func TestProblems(t *testing.T) {
	for _, tc := range []struct {
		path   string
		status int
		detail string
	}{
		{"/api/v1/kpis/stickyness", 404, `there is no KPI "stickyness", did you mean "stickiness"?`},
		{"/api/v1/kpis/nps?window=28d", 422, `there is no window of nps "28d", did you mean "30d"? (there are: 30d, 90d)`},
		{"/api/v1/kpis/mrr?window=30d", 422, `has none`},
		{"/api/v1/kpis/mrr?segment=plan%3Dprob", 422, `there is no segment "plan=prob", did you mean "plan=pro"?`},
		{"/api/v1/kpis?segment=plam%3Dpro", 422, `did you mean "plan=pro"?`},
		{"/api/v1/kpis/active_days_histogram?segment=plan%3Dpro", 422, "active_days_histogram 30d is kept for the whole company only; ask for another window, or without plan=pro"},
		{"/api/v1/kpis/cohort_retention?segment=plan%3Dpro", 422, "cohorts by plan are not kept; name it in the settings, as cohorts: [plan]"},
		{"/api/v1/cohorts?by=week&segment=plan%3Dpro", 422, "cohorts by plan are not kept; name it in the settings, as cohorts: [plan]"},
		{"/api/v1/kpis/mrr?from=yesterday", 422, `"yesterday" is no day, write it as 2026-11-22`},
		{"/api/v1/kpis/mrr?from=2026-11-22&to=2026-11-21", 422, "the first day is after the last one"},
		{"/api/v1/kpis?segmnet=plan%3Dpro", 422, "segmnet: unknown query parameter"},
		{"/api/v1/customers?band=yellow", 422, `band: expected value to be one of "red, amber, unknown, green"`},
		{"/api/v1/customers?limit=0", 422, "limit: expected number >= 1"},
		{"/api/v1/customers?limit=few", 422, "limit: invalid integer"},
		{"/api/v1/customers?nps=promoter", 422, `nps: expected value to be one of "promoters, passives, detractors"`},
		{"/api/v1/customers?nps=promoters&band=red", 422, "leave one of them out"},
		{"/api/v1/customers?window=30d", 422, "a window belongs to nps"},
		{"/api/v1/customers/nobody", 404, "there is no customer nobody"},
		{"/api/v1/alerts?state=pending", 422, "firing"},
		{"/api/v1/kpi", 404, "there is nothing at /api/v1/kpi"},
	} {
		status, contentType, body := get(t, example(), tc.path)
		if status != tc.status || contentType != "application/problem+json" {
			t.Errorf("%s: %d %s, want %d", tc.path, status, contentType, tc.status)
		}
		var p struct {
			Title  string
			Status int
			Detail string
		}
		if err := json.Unmarshal([]byte(body), &p); err != nil || p.Status != tc.status || p.Title == "" {
			t.Errorf("%s: %s is no problem (%v)", tc.path, body, err)
		}
		if !strings.Contains(p.Detail, tc.detail) {
			t.Errorf("%s: %s\nlacks %s", tc.path, p.Detail, tc.detail)
		}
	}
	c := example()
	c.err = company.ErrCursor
	if status, _, body := get(t, c, "/api/v1/customers?cursor=zzz"); status != 422 || !strings.Contains(body, "cursor") {
		t.Errorf("a foreign cursor: %d %s", status, body)
	}
}

func TestTroubleIsLoggedAndNotShown(t *testing.T) {
	for _, path := range []string{"/api/v1/kpis", "/api/v1/kpis/mrr", "/api/v1/customers", "/api/v1/customers/acme", "/api/v1/alerts"} {
		c := example()
		c.err = errors.New("dial tcp 10.0.0.7:6379: refused")
		core, logs := observer.New(zap.WarnLevel)
		h := New(Options{Figures: c, Customers: c, Alerts: c, Cohorts: c, Goals: c, Ready: c, Metrics: prometheus.NewRegistry(), Log: zap.New(core)})
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != http.StatusServiceUnavailable || strings.Contains(w.Body.String(), "10.0.0.7") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
		if logs.Len() != 1 || logs.All()[0].ContextMap()["error"] != c.err.Error() {
			t.Errorf("%s logs %v", path, logs.All())
		}
	}
}

func TestNotReady(t *testing.T) {
	c := example()
	c.reason = "shard 3 is catching up"
	if status, _, body := get(t, c, "/readyz"); status != 503 || !strings.Contains(body, c.reason) {
		t.Errorf("readyz: %d %s", status, body)
	}
	if status, _, _ := get(t, c, "/healthz"); status != 200 {
		t.Errorf("healthz: %d", status)
	}
	if status, _, body := get(t, c, "/api/v1/kpis"); status != 200 || !strings.Contains(body, `"ready":false,"reason":"shard 3 is catching up"`) {
		t.Errorf("kpis: %d %s", status, body)
	}
	if _, _, body := get(t, c, "/metrics"); !strings.Contains(body, "tidemark_ready 0") {
		t.Errorf("metrics: %s", body)
	}
	c.figures = nil
	if _, _, body := get(t, c, "/api/v1/kpis"); !strings.Contains(body, `"kpis":[]`) {
		t.Errorf("no figures: %s", body)
	}
}

func TestMetricsAreBounded(t *testing.T) {
	c := example()
	c.segments = nil
	for i := range 400 {
		c.segments = append(c.segments, "plan="+strings.Repeat("x", i+1))
	}
	_, _, body := get(t, c, "/metrics")
	if got := strings.Count(body, `kpi="mrr"`); got != metricSegments+1 {
		t.Errorf("%d series of one KPI with 400 segments", got)
	}
}

func TestOpenAPI(t *testing.T) {
	status, _, body := get(t, example(), "/api/v1/openapi.json")
	var doc struct {
		OpenAPI    string
		Paths      map[string]map[string]any
		Components struct {
			Schemas map[string]struct {
				Properties map[string]struct{ Type any }
			}
		}
	}
	if err := json.Unmarshal([]byte(body), &doc); status != 200 || err != nil {
		t.Fatalf("%d %v", status, err)
	}
	for _, path := range []string{"/api/v1/kpis", "/api/v1/kpis/{name}", "/api/v1/customers", "/api/v1/customers/{id}", "/api/v1/alerts"} {
		if doc.Paths[path]["get"] == nil {
			t.Errorf("%s is not described", path)
		}
	}
	for schema, field := range map[string]string{"Figure": "value", "Told": "threshold", "CustomerView": "score"} {
		if got := strs(doc.Components.Schemas[schema].Properties[field].Type); len(got) != 2 || got[1] != "null" {
			t.Errorf("%s of %s is described as %v, and may be null", field, schema, got)
		}
	}
	if got := strs(doc.Components.Schemas["FiguresBody"].Properties["ready"].Type); got[0] != "boolean" {
		t.Errorf("ready is described as %v", got)
	}
}

func strs(v any) []string {
	var out []string
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	for _, x := range list {
		s, _ := x.(string)
		out = append(out, s)
	}
	return out
}
