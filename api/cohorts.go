package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/tidemark-io/tidemark/goal"
	"github.com/tidemark-io/tidemark/kpi"
)

type cohortsInput struct {
	By      string `query:"by" enum:"week,month" default:"month" doc:"kind of period of the first activity"`
	Segment string `query:"segment" doc:"such as plan=pro, of a dimension that cohorts names; the whole company where absent"`
}

type cohortsOutput struct {
	Body struct {
		State
		Cohorts []kpi.Cohort `json:"cohorts"`
	}
}

type goalsOutput struct {
	Body struct {
		State
		Goals []goal.Status `json:"goals"`
	}
}

func (s *server) cohorts(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "cohorts", Method: http.MethodGet, Path: "/api/v1/cohorts", Tags: []string{"KPIs"},
		Summary: "Cohort retention",
		Description: "Users by the week or month of their first activity: how many were active in exactly each later period, " +
			"and in it or any later one.",
		Errors: []int{http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
	}, s.triangle)
	huma.Register(api, huma.Operation{
		OperationID: "goals", Method: http.MethodGet, Path: "/api/v1/goals", Tags: []string{"KPIs"},
		Summary: "The goals", Description: "Each configured goal: its progress, and whether it is on track, met or missed.",
		Errors: []int{http.StatusServiceUnavailable},
	}, s.goals)
}

func (s *server) triangle(ctx context.Context, in *cohortsInput) (*cohortsOutput, error) {
	if err := s.segment(in.Segment); err != nil {
		return nil, err
	}
	k, err := kpi.Find("cohort_retention")
	if err == nil {
		err = k.Unkept(in.By, in.Segment, s.CohortsOf)
	}
	if err != nil {
		return nil, invalid("query.segment", in.Segment, err)
	}
	out := &cohortsOutput{}
	if out.Body.Cohorts, err = s.Cohorts.Cohorts(ctx, in.By, in.Segment); err != nil {
		return nil, s.unavailable("cohorts", err)
	}
	if out.Body.Cohorts == nil {
		out.Body.Cohorts = []kpi.Cohort{} // an empty list, not null
	}
	out.Body.State = s.state()
	return out, nil
}

func (s *server) goals(ctx context.Context, _ *struct{}) (*goalsOutput, error) {
	out := &goalsOutput{}
	var err error
	if out.Body.Goals, err = s.Goals.Goals(ctx); err != nil {
		return nil, s.unavailable("goals", err)
	}
	if out.Body.Goals == nil {
		out.Body.Goals = []goal.Status{}
	}
	out.Body.State = s.state()
	return out, nil
}
