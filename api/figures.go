package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/company"
	"github.com/tidemark-io/tidemark/goal"
	"github.com/tidemark-io/tidemark/kpi"
)

type figuresBody struct {
	State
	KPIs []kpi.Figure `json:"kpis"`
}

type figuresOutput struct{ Body figuresBody }

type nowInput struct {
	Segment string `query:"segment" doc:"such as plan=pro; the whole company where absent" example:"plan=pro"`
}

type seriesInput struct {
	Name    string `path:"name" doc:"name of the KPI" example:"stickiness"`
	From    string `query:"from" doc:"first day; 30 days before the last where absent" example:"2026-11-01"`
	To      string `query:"to" doc:"last day; the running day where absent" example:"2026-11-22"`
	Segment string `query:"segment" doc:"such as plan=pro; the whole company where absent"`
	Window  string `query:"window" doc:"one of the KPI's windows; its default where absent" example:"30d"`
}

func (s *server) figures(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "kpis-now", Method: http.MethodGet, Path: "/api/v1/kpis", Tags: []string{"KPIs"},
		Summary: "Every KPI now", Description: "All KPIs in all their windows, for the running day; where goals are set, with target and progress.",
		Errors: []int{http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
	}, s.now)
	huma.Register(api, huma.Operation{
		OperationID: "kpi-series", Method: http.MethodGet, Path: "/api/v1/kpis/{name}", Tags: []string{"KPIs"},
		Summary: "One KPI by day", Description: "One figure a day, in rising order; days that have not begun have none.",
		Errors: []int{http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
	}, s.series)
}

func (s *server) now(ctx context.Context, in *nowInput) (*figuresOutput, error) {
	if err := s.segment(in.Segment); err != nil {
		return nil, err
	}
	figures, err := s.Figures.Now(ctx, in.Segment)
	if err != nil {
		return nil, s.unavailable("figures", err)
	}
	goals, err := s.Goals.Goals(ctx)
	if err != nil {
		return nil, s.unavailable("goals", err)
	}
	goal.Attach(figures, goals)
	return s.output(figures), nil
}

func (s *server) series(ctx context.Context, in *seriesInput) (*figuresOutput, error) {
	k, err := kpi.Find(in.Name)
	if err != nil {
		return nil, huma.Error404NotFound(err.Error())
	}
	q := company.Query{KPI: k, Segment: in.Segment}
	if q.Window, err = k.Window(in.Window); err != nil {
		return nil, invalid("query.window", in.Window, err)
	}
	if err := s.segment(in.Segment); err != nil {
		return nil, err
	}
	if err := k.Unkept(q.Window, in.Segment, s.CohortsOf); err != nil {
		return nil, invalid("query.segment", in.Segment, err)
	}
	if q.From, err = day(in.From); err != nil {
		return nil, invalid("query.from", in.From, err)
	}
	if q.To, err = day(in.To); err != nil {
		return nil, invalid("query.to", in.To, err)
	}
	if q.From != company.Unset && q.To != company.Unset && q.From > q.To {
		return nil, invalid("query.from", in.From, errors.New("the first day is after the last one"))
	}
	figures, err := s.Figures.Figures(ctx, q)
	if errors.Is(err, company.ErrMaxDays) {
		return nil, invalid("query.from", in.From, err)
	}
	if err != nil {
		return nil, s.unavailable("figures", err)
	}
	return s.output(figures), nil
}

func (s *server) output(figures []kpi.Figure) *figuresOutput {
	if figures == nil {
		figures = []kpi.Figure{} // an empty list, not null
	}
	return &figuresOutput{figuresBody{State: s.state(), KPIs: figures}}
}

// segment refuses a segment that has no figures, and says why.
func (s *server) segment(segment string) error {
	if err := s.Figures.CheckSegment(segment); err != nil {
		return invalid("query.segment", segment, err)
	}
	return nil
}

// invalid is the answer to a parameter that cannot be meant.
func invalid(location, value string, err error) error {
	return huma.Error422UnprocessableEntity(err.Error(), &huma.ErrorDetail{Location: location, Value: value, Message: err.Error()})
}

func day(s string) (int32, error) {
	if s == "" {
		return company.Unset, nil
	}
	return civil.Parse(s)
}
