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
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	Cursor string `query:"cursor" doc:"next_cursor of the page before"`
}

type customersOutput struct {
	Body struct {
		Customers []company.Ranked `json:"customers" doc:"by band, then by falling MRR"`
		Next      string           `json:"next_cursor,omitempty" doc:"absent on the last page"`
	}
}

type customerInput struct {
	ID string `path:"id" doc:"the customer's id"`
}

type customerOutput struct{ Body *CustomerView }

func (s *server) customers(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "customers", Method: http.MethodGet, Path: "/api/v1/customers", Tags: []string{"Customers"},
		Summary: "Customers by health", Description: "Paying customers by health band, those with the highest MRR first.",
		Errors: []int{http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
	}, s.listCustomers)
	huma.Register(api, huma.Operation{
		OperationID: "customer", Method: http.MethodGet, Path: "/api/v1/customers/{id}", Tags: []string{"Customers"},
		Summary: "One customer", Description: "Score with what it is made of, band, MRR, activity, attributes and alerts.",
		Errors: []int{http.StatusNotFound, http.StatusServiceUnavailable},
	}, s.customer)
}

func (s *server) listCustomers(ctx context.Context, in *customersInput) (*customersOutput, error) {
	page, err := s.Customers.Customers(ctx, company.CustomerQuery{Band: in.Band, Limit: in.Limit, Cursor: in.Cursor})
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
