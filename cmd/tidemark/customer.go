package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/tidemark-io/tidemark/api"

	"github.com/tidemark-io/tidemark/service"
)

func newCustomerCommand(open opener) *cobra.Command {
	o := reading{open: open}
	c := &cobra.Command{
		Use:     "customer ID",
		Short:   "Show one customer: health and what it is made of, MRR, activity, alerts",
		Example: "  tidemark customer acme",
		Args:    arguments(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.with(cmd, func(s *service.Readings) error {
				c, err := s.Customers.Customer(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				if c == nil {
					return fmt.Errorf("there is no customer %s", args[0])
				}
				if o.json {
					return printJSON(cmd.OutOrStdout(), c)
				}
				return printCustomer(cmd.OutOrStdout(), c)
			})
		},
	}
	o.flags(c)
	return c
}

// printCustomer writes a customer for people.
func printCustomer(w io.Writer, c *api.CustomerView) error {
	health := c.Band
	if c.Score != nil {
		health += fmt.Sprintf(", score %d of 100", *c.Score)
	}
	amounts := make([]string, len(c.MRR))
	for i, a := range c.MRR {
		amounts[i] = showAmount(a)
	}
	attributes := make([]string, 0, len(c.Attributes))
	for _, name := range slices.Sorted(maps.Keys(c.Attributes)) {
		attributes = append(attributes, name+"="+c.Attributes[name])
	}
	if err := printTable(w, [][]string{
		{"customer", c.Customer},
		{"health", health},
		{"MRR", cmp.Or(strings.Join(amounts, ", "), none)},
		{"first paid", cmp.Or(c.FirstPaidDay, none)},
		{"last active", cmp.Or(c.LastActiveDay, none)},
		{"users", strconv.Itoa(c.Users)},
		{"attributes", cmp.Or(strings.Join(attributes, ", "), none)},
		{"as of", c.Now},
	}); err != nil {
		return err
	}
	if len(c.Contributions) > 0 {
		rows := [][]string{{"\nSIGNAL", "READ", "POINTS", "OF THE SCORE", "AT MOST"}}
		for _, p := range c.Contributions {
			rows = append(rows, []string{p.Signal, cmp.Or(p.Value.String(), none), fmt.Sprintf("%d of %d", p.Points, p.MaxPoints),
				strconv.FormatInt(p.Weighted, 10), strconv.FormatInt(p.Most, 10)})
		}
		if err := printTable(w, rows); err != nil {
			return err
		}
	}
	if len(c.Alerts) == 0 {
		return nil
	}
	if _, err := fmt.Fprintln(w); err != nil {
		return err
	}
	return printAlerts(w, c.Alerts)
}
