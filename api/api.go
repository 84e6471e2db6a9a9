// Package api is the HTTP side: figures, customers and alerts under /api/v1,
// with an OpenAPI description and problem-details errors (RFC 9457), and beside
// it /metrics, /healthz and /readyz.
package api

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/tidemark-io/tidemark/alert"
	"github.com/tidemark-io/tidemark/company"
	"github.com/tidemark-io/tidemark/goal"
	"github.com/tidemark-io/tidemark/kpi"
	"go.uber.org/zap"
)

// Figures answers about KPIs. A *company.Reader does.
type Figures interface {
	// Now returns every KPI in every window for the running day.
	Now(ctx context.Context, segment string) ([]kpi.Figure, error)
	// Running visits the same of several segments, each in turn, without revisions.
	Running(ctx context.Context, segments []string, visit func([]kpi.Figure)) error
	// Figures returns one figure a day.
	Figures(ctx context.Context, q company.Query) ([]kpi.Figure, error)
	// Segments lists the segments there are; CheckSegment knows those that are
	// part of "other" too, and says in a sentence why another has no figures.
	Segments() []string
	CheckSegment(segment string) error
}

// Cohorts answers about cohorts. A *company.Reader does.
type Cohorts interface {
	// Cohorts returns the triangle by week or month of the first activity.
	Cohorts(ctx context.Context, by, segment string) ([]kpi.Cohort, error)
}

// Goals answers about the configured goals.
type Goals interface {
	Goals(ctx context.Context) ([]goal.Status, error)
}

// Customers answers about customers.
type Customers interface {
	// Customer returns what the customer's record says, nil where there is none.
	Customer(ctx context.Context, id string) (*CustomerView, error)
	// Customers returns a page, company.ErrCursor where the cursor is none.
	Customers(ctx context.Context, q company.CustomerQuery) (company.CustomerPage, error)
}

// Alerts answers about alerts.
type Alerts interface {
	Alerts(ctx context.Context, q company.AlertQuery) ([]alert.Told, error)
}

// Readiness says whether the figures can be relied on, and if not why, in a
// sentence.
type Readiness interface {
	Ready() (ok bool, reason string)
}

// CustomerView is what a customer's record says at its latest moment.
type CustomerView struct {
	Customer      string            `json:"customer" doc:"the customer's id"`
	Now           string            `json:"now" doc:"moment of which this is true, RFC 3339"`
	Band          string            `json:"band" enum:"red,amber,green,unknown,gone" doc:"health band; gone: not a paying customer"`
	Score         *int64            `json:"score" doc:"health, 0 to 100; null where too few signals have a value"`
	Contributions []alert.Printed   `json:"contributions" doc:"what the score is made of; weighted adds up to the score"`
	MRR           []alert.Amount    `json:"mrr" doc:"a month, by currency"`
	Paying        bool              `json:"paying"`
	FirstPaidDay  string            `json:"first_paid_day,omitempty"`
	LastActiveDay string            `json:"last_active_day,omitempty"`
	Users         int               `json:"users" doc:"users ever seen"`
	Attributes    map[string]string `json:"attributes"`
	Segments      []string          `json:"segments"`
	Alerts        []alert.Told      `json:"alerts" doc:"about this customer: what is firing and past episodes, the newest first"`
}

// Options are what the HTTP side shows.
type Options struct {
	Figures   Figures
	Customers Customers
	Alerts    Alerts
	Cohorts   Cohorts
	Goals     Goals
	Ready     Readiness
	CohortsOf []string             // dimensions whose segments have cohorts
	Metrics   *prometheus.Registry // the KPIs are registered with it
	Version   string               // of this build
	Log       *zap.Logger
}

// server holds what the handlers share.
type server struct{ Options }

// inDetail gives a problem that the library found in a query its sentence where
// people look for one: it says "validation failed" there, and what is wrong only
// in the list below.
func inDetail(_ huma.Context, _ string, v any) (any, error) {
	p, ok := v.(*huma.ErrorModel)
	if ok && p.Detail == "validation failed" && len(p.Errors) > 0 {
		first := p.Errors[0]
		p.Detail = strings.TrimPrefix(first.Location, "query.") + ": " + first.Message
	}
	return v, nil
}

// New returns the handler of everything.
func New(o Options) http.Handler {
	s := &server{o}
	mux := http.NewServeMux()
	mux.HandleFunc("/api/", notFound)
	c := huma.DefaultConfig("Tidemark", o.Version)
	c.Info.Description = "Retention KPIs, customers by health, and alerts. " +
		"Figures are exact; a figure that is not complete is of a day that still runs."
	c.OpenAPIPath, c.DocsPath = "/api/v1/openapi", "" // the docs page would load scripts from elsewhere
	c.SchemasPath, c.CreateHooks = "", nil            // no $schema in the answers
	c.RejectUnknownQueryParameters = true             // a mistyped filter must not pass as none
	c.Transformers = append(c.Transformers, inDetail)
	api := humago.New(mux, c)
	// Written as a JSON number, read as one.
	api.OpenAPI().Components.Schemas.RegisterTypeAlias(reflect.TypeFor[json.Number](), reflect.TypeFor[float64]())
	s.figures(api)
	s.cohorts(api)
	s.customers(api)
	s.alerts(api)
	s.health(mux)
	o.Metrics.MustRegister(&collector{figures: o.Figures, ready: o.Ready, log: o.Log})
	mux.Handle("GET /metrics", promhttp.HandlerFor(o.Metrics, promhttp.HandlerOpts{}))
	return mux
}

// notFound is the answer under /api/ where nothing is.
func notFound(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, http.StatusNotFound, "application/problem+json", huma.ErrorModel{
		Title: http.StatusText(http.StatusNotFound), Status: http.StatusNotFound,
		Detail: "there is nothing at " + r.URL.Path + "; GET /api/v1/openapi.json describes what there is",
	})
}

func writeJSON(w http.ResponseWriter, status int, contentType string, body any) {
	b, err := json.Marshal(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n')) // the reader has gone: nobody is left to tell
}

// unavailable logs what went wrong and tells the reader no more than that.
func (s *server) unavailable(what string, err error) error {
	s.Log.Warn("cannot answer", zap.String("what", what), zap.Error(err))
	return huma.Error503ServiceUnavailable(what + " cannot be read at the moment; try again shortly")
}

// State is what every answer with figures says of their reliability.
type State struct {
	Ready  bool   `json:"ready" doc:"false while shards are catching up: figures are then of a part of the company"`
	Reason string `json:"reason,omitempty" doc:"why it is not ready"`
}

func (s *server) state() State {
	ok, reason := s.Ready.Ready()
	return State{ok, reason}
}

// health serves what probes ask for.
func (s *server) health(mux *http.ServeMux) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, "application/json", map[string]string{"status": "ok", "version": s.Version})
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		st, status := s.state(), http.StatusOK
		if !st.Ready {
			status = http.StatusServiceUnavailable
		}
		writeJSON(w, status, "application/json", st)
	})
}
