package api

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/company"
	"github.com/tidemark-io/tidemark/store"
)

// oneShard is a store of one shard that has 5 customers since the first day that is
// not frozen, 2026-11-19, and none before. It counts the frozen rows asked for.
type oneShard struct{ frozen int }

func (s *oneShard) view() store.View {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC).UnixMilli()
	return store.View{Tenure: store.Tenure{Owner: "a", Number: 1}, Full: true,
		Head:  store.Head{Watermark: now, FirstDay: 20_776, Born: true, AtEnd: true},
		Cells: map[string][]byte{"o|": aggregator.Row{aggregator.Cell{Counter: aggregator.Customers}: 5}.Append(nil)}}
}

func (s *oneShard) Partitions(context.Context) (int, error) { return 1, nil }

func (s *oneShard) Peek(context.Context, []int) ([]store.Tenure, error) {
	return []store.Tenure{s.view().Tenure}, nil
}

func (s *oneShard) ReadView(context.Context, int, store.Tenure) (store.View, error) {
	return s.view(), nil
}

func (s *oneShard) ReadHead(context.Context, int) (store.View, error) { return s.view(), nil }

func (s *oneShard) Frozen(_ context.Context, _ int, fields []string) (map[string][]byte, error) {
	s.frozen += len(fields)
	return nil, nil
}

func (s *oneShard) Scores(context.Context) ([]byte, error) { return nil, nil }

// TestDaysOfASeries: the bound holds wherever its days come from. Of a series without
// an end it is the running day, 2026-11-22: 2023-11-19 is the 1,100th day up to it.
func TestDaysOfASeries(t *testing.T) {
	s := &oneShard{}
	r := company.NewReader(s, company.Options{Location: time.UTC})
	if _, err := r.Poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := example()
	h := New(Options{Figures: r, Customers: c, Alerts: c, Cohorts: c, Goals: c, Ready: c, Metrics: prometheus.NewRegistry(), Log: zap.NewNop()})
	for _, tc := range []struct {
		query  string
		status int
		part   string
	}{
		{"from=2023-11-19", http.StatusOK, `"day":"2023-11-19","value":0`},
		{"from=2023-11-18", http.StatusUnprocessableEntity, "more than 1100 days; ask for them in parts"},
		{"from=0001-01-01", http.StatusUnprocessableEntity, "more than 1100 days; ask for them in parts"},
		{"from=2020-01-01&to=2026-11-21", http.StatusUnprocessableEntity, "more than 1100 days; ask for them in parts"},
		{"to=0001-01-01", http.StatusOK, `"kpis":[`},
	} {
		s.frozen = 0
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/v1/kpis/customers?"+tc.query, nil))
		if w.Code != tc.status || !strings.Contains(w.Body.String(), tc.part) {
			t.Errorf("%s: %d %.300s", tc.query, w.Code, w.Body)
		}
		if w.Code != http.StatusOK && s.frozen > 0 {
			t.Errorf("%s: refused, and %d frozen rows were read", tc.query, s.frozen)
		}
	}
}
