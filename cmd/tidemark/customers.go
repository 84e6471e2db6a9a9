package main

import (
	"errors"
	"fmt"
	"slices"
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
	band, cursor string
	limit        int
}

func newCustomersCommand(open opener) *cobra.Command {
	o := customersOptions{reading: reading{open: open}}
	c := &cobra.Command{
		Use:     "customers",
		Short:   "List paying customers by health, the most urgent first",
		Long:    "Lists paying customers by health band (" + strings.Join(company.Bands, ", ") + "), in each those with the highest MRR first.",
		Example: "  tidemark customers --band red --limit 20",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.run(cmd) },
	}
	o.flags(c)
	c.Flags().StringVar(&o.band, "band", "", "only this band")
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
	if o.band != "" && !slices.Contains(company.Bands, o.band) {
		return service.UsageError{Err: &kpi.UnknownError{What: "band", Given: o.band, Nearest: kpi.NearestOf(o.band, company.Bands), Valid: company.Bands}}
	}
	if err := checkLimit(o.limit); err != nil {
		return err
	}
	return o.with(cmd, func(s *service.Readings) error {
		page, err := s.Customers.Customers(cmd.Context(), company.CustomerQuery{Band: o.band, Limit: o.limit, Cursor: o.cursor})
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
		for _, c := range page.Customers {
			rows = append(rows, []string{c.Customer, c.Band, showAmount(c.MRR)})
		}
		if err := printTable(cmd.OutOrStdout(), rows); err != nil || page.Next == "" {
			return err
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "\nthere are more: --cursor %s\n", page.Next)
		return err
	})
}

func checkLimit(n int) error {
	if n < 1 || n > maxListed {
		return service.UsageError{Err: fmt.Errorf("--limit %d: 1 to %d are possible", n, maxListed)}
	}
	return nil
}
