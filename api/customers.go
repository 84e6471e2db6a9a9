package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/tidemark-io/tidemark/alert"
	"github.com/tidemark-io/tidemark/company"
)

type customersInput struct {
	Band   string `query:"band" enum:"red,amber,unknown,green" doc:"health band; all of them, the most urgent first, where absent"`
	NPS    string `query:"nps" enum:"promoters,passives,detractors" doc:"in place of a band: customers of whose respondents' latest answers any is of this class, paying or not"`
	Window string `query:"window" enum:"90d,30d" doc:"with nps: the days within which an answer counts; 90d where absent"`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	Cursor string `query:"cursor" doc:"next_cursor of the page before"`
}

type customersOutput struct {
	Body struct {
		Customers []company.Ranked `json:"customers" doc:"by band, then by falling MRR; with nps in no order"`
		Next      string           `json:"next_cursor,omitempty" doc:"absent on the last page; with nps a page may be short, or empty, and not be the last"`
	}
}

type customerInput struct {
	ID string `path:"id" doc:"the customer's id"`
}

type customerOutput struct{ Body *CustomerView }

func (s *server) customers(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "customers", Method: http.MethodGet, Path: "/api/v1/customers", Tags: []string{"Customers"},
		Summary:     "Customers by health, or by what they answered",
		Description: "Paying customers by health band, those with the highest MRR first; or, with nps, who is among promoters, passives or detractors.",
		Errors:      []int{http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
	}, s.listCustomers)
	huma.Register(api, huma.Operation{
		OperationID: "customer", Method: http.MethodGet, Path: "/api/v1/customers/{id}", Tags: []string{"Customers"},
		Summary: "One customer", Description: "Score with what it is made of, band, MRR, activity, attributes and alerts.",
		Errors: []int{http.StatusNotFound, http.StatusServiceUnavailable},
	}, s.customer)
}

func (s *server) listCustomers(ctx context.Context, in *customersInput) (*customersOutput, error) {
	switch {
	case in.NPS != "" && in.Band != "":
		return nil, invalid("query.nps", in.NPS, errors.New("customers are listed by band or by nps; leave one of them out"))
	case in.NPS == "" && in.Window != "":
		return nil, invalid("query.window", in.Window, errors.New("a window belongs to nps; leave it out"))
	}
	page, err := s.Customers.Customers(ctx, company.CustomerQuery{Band: in.Band, NPS: in.NPS, Window: in.Window, Limit: in.Limit, Cursor: in.Cursor})
	if errors.Is(err, company.ErrCursor) {
		return nil, invalid("query.cursor", in.Cursor, err)
	}
	if err != nil {
		return nil, s.unavailable("customers", err)
	}
	out := &customersOutput{}
	out.Body.Customers, out.Body.Next = page.Customers, page.Next
	return out, nil
}

func (s *server) customer(ctx context.Context, in *customerInput) (*customerOutput, error) {
	c, err := s.Customers.Customer(ctx, in.ID)
	if err != nil {
		return nil, s.unavailable("the customer", err)
	}
	if c == nil {
		return nil, huma.Error404NotFound("there is no customer " + in.ID)
	}
	return &customerOutput{c}, nil
}

type alertsInput struct {
	State string `query:"state" enum:"firing,resolved,noted" doc:"all of them where absent; noted: said once, such as a cancellation that takes effect later"`
	Rule  string `query:"rule" doc:"name of a rule; all of them where absent" example:"at_risk"`
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}

type alertsOutput struct {
	Body struct {
		Alerts []alert.Told `json:"alerts" doc:"the newest first"`
	}
}

func (s *server) alerts(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "alerts", Method: http.MethodGet, Path: "/api/v1/alerts", Tags: []string{"Alerts"},
		Summary: "Alerts", Description: "What is firing, and past episodes.",
		Errors: []int{http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
	}, s.listAlerts)
}

func (s *server) listAlerts(ctx context.Context, in *alertsInput) (*alertsOutput, error) {
	told, err := s.Alerts.Alerts(ctx, company.AlertQuery{State: in.State, Rule: in.Rule, Limit: in.Limit})
	if err != nil {
		return nil, s.unavailable("alerts", err)
	}
	out := &alertsOutput{}
	out.Body.Alerts = told
	return out, nil
}
