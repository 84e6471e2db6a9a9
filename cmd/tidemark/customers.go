package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/tidemark-io/tidemark/company"
	"github.com/tidemark-io/tidemark/kpi"

	"github.com/tidemark-io/tidemark/service"
)

// maxListed bounds a list, as it does in HTTP.
const maxListed = 1000

// customersOptions are the flags of tidemark customers.
type customersOptions struct {
	reading
	band, nps, window, cursor string
	limit                     int
}

func newCustomersCommand(open opener) *cobra.Command {
	o := customersOptions{reading: reading{open: open}}
	c := &cobra.Command{
		Use:     "customers",
		Short:   "List customers by health, the most urgent first, or by their NPS answers",
		Long:    "Lists paying customers by health band (" + strings.Join(company.Bands, ", ") + "), in each those with the highest MRR first; or, with --nps, the customers of whose respondents' latest answers any is of that class, paying or not, in no order.",
		Example: "  tidemark customers --band red --limit 20\n  tidemark customers --nps detractors --window 30d",
		Args:    arguments(0, 0),
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.run(cmd) },
	}
	o.flags(c)
	c.Flags().StringVar(&o.band, "band", "", "only this band")
	c.Flags().StringVar(&o.nps, "nps", "", strings.Join(company.Classes, ", ")+": in place of a band")
	c.Flags().StringVar(&o.window, "window", "", "with --nps: "+strings.Join(company.ClassWindows, " or ")+" (default: "+company.ClassWindows[0]+")")
	c.Flags().IntVar(&o.limit, "limit", 100, "how many at the most")
	c.Flags().StringVar(&o.cursor, "cursor", "", "go on where a list ended (next_cursor)")
	return c
}

// customersDocument has the shape that HTTP gives.
type customersDocument struct {
	Customers []company.Ranked `json:"customers"`
	Next      string           `json:"next_cursor,omitempty"`
}

func (o *customersOptions) run(cmd *cobra.Command) error {
	if err := o.check(); err != nil {
		return service.UsageError{Err: err}
	}
	if err := checkLimit(o.limit); err != nil {
		return err
	}
	return o.with(cmd, func(s *service.Readings) error {
		page, err := o.page(cmd.Context(), s)
		if errors.Is(err, company.ErrCursor) {
			return service.UsageError{Err: err}
		}
		if err != nil {
			return err
		}
		if o.json {
			return printJSON(cmd.OutOrStdout(), customersDocument{page.Customers, page.Next})
		}
		rows := [][]string{{"CUSTOMER", "HEALTH", "MRR"}}
		if o.nps != "" {
			rows[0] = append(rows[0], "ANSWERS")
		}
		for _, c := range page.Customers {
			row := []string{c.Customer, c.Band, showAmount(c.MRR)}
			if o.nps != "" {
				row = append(row, strconv.FormatInt(c.Answers, 10))
			}
			rows = append(rows, row)
		}
		if err := printTable(cmd.OutOrStdout(), rows); err != nil || page.Next == "" {
			return err
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "\nthere are more: --cursor %s\n", page.Next)
		return err
	})
}

// check refuses what there is not, and what does not go together.
func (o *customersOptions) check() error {
	for _, x := range []struct {
		what, given string
		valid       []string
	}{{"band", o.band, company.Bands}, {"class of NPS answers", o.nps, company.Classes}, {"window of these lists", o.window, company.ClassWindows}} {
		if x.given != "" && !slices.Contains(x.valid, x.given) {
			return &kpi.UnknownError{What: x.what, Given: x.given, Nearest: kpi.NearestOf(x.given, x.valid), Valid: x.valid}
		}
	}
	switch {
	case o.nps != "" && o.band != "":
		return errors.New("customers are listed by --band or by --nps; leave one of them out")
	case o.nps == "" && o.window != "":
		return errors.New("--window belongs to --nps; leave it out")
	}
	return nil
}

// page goes on until it has as many customers as are wanted, or all: by answers a
// page of the store's may be short.
func (o *customersOptions) page(ctx context.Context, s *service.Readings) (out company.CustomerPage, err error) {
	q := company.CustomerQuery{Band: o.band, NPS: o.nps, Window: o.window, Limit: o.limit, Cursor: o.cursor}
	out.Customers = []company.Ranked{}
	for {
		page, err := s.Customers.Customers(ctx, q)
		if err != nil {
			return out, err
		}
		out.Customers, out.Next = append(out.Customers, page.Customers...), page.Next
		if q.Limit, q.Cursor = o.limit-len(out.Customers), page.Next; q.NPS == "" || q.Limit == 0 || q.Cursor == "" {
			return out, nil
		}
	}
}

func checkLimit(n int) error {
	if n < 1 || n > maxListed {
		return service.UsageError{Err: fmt.Errorf("--limit %d: 1 to %d are possible", n, maxListed)}
	}
	return nil
}
