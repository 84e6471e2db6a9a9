package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/tidemark-io/tidemark/config"
	"github.com/tidemark-io/tidemark/kpi"
	"github.com/tidemark-io/tidemark/scenario"
	"github.com/tidemark-io/tidemark/service"
)

func newScenarioCommand() *cobra.Command {
	var settings string
	c := &cobra.Command{
		Use:   "scenario FILE…",
		Short: "Run histories with expectations: what figures, customers and alerts must be",
		Long: `Scenario runs scenario files: events at their times, time that passes, and what
KPIs, customers and alerts are expected to be then, through the same decoder
and aggregator as a running system, in this process. Of a folder, the files in
it that end in .scenario are run. All files are read before the first is run.

An expectation that does not hold is shown with what came instead and with the
customers that it is made of; the exit code is 3 then.

  settings
      dimensions: [plan]
  at 2026-03-01 09:00
  event purchase acme amount=49.00 interval=month customer.plan=pro
  advance 2026-03-02
  expect kpi mrr on 2026-03-01 = 49.00 USD
  expect kpi mrr plan=pro on 2026-03-01 = 49.00 USD
  expect customer acme first_paid=2026-03-01

docs/scenarios.md has the whole language, examples/scenarios every worked example.`,
		Example: `  tidemark scenario examples/scenarios
  tidemark scenario at_risk.scenario --config tidemark.yaml`,
		Args: arguments(1, -1),
		RunE: func(cmd *cobra.Command, paths []string) error {
			return runScenarios(cmd.Context(), paths, settings, cmd.OutOrStdout())
		},
	}
	c.Flags().StringVar(&settings, "config", "", "configuration file, whose settings hold where a scenario has none of its own (default: none)")
	return c
}

// failedError is a scenario that does not hold.
type failedError struct {
	failed, of int // expectations
	refused    int // events that nobody expected to be
}

func (e failedError) Error() string {
	refused := fmt.Sprintf("nobody expected that %s", numbered(e.refused, "event is refused", "events are refused"))
	switch {
	case e.refused == 0:
		return fmt.Sprintf("%d of %d expectations don't hold", e.failed, e.of)
	case e.failed == 0:
		return refused
	}
	return fmt.Sprintf("%d of %d expectations don't hold, and %s", e.failed, e.of, refused)
}

// numbered writes a number with what it counts.
func numbered(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// ExitCode says that what was checked does not hold.
func (failedError) ExitCode() int { return 3 }

func runScenarios(ctx context.Context, paths []string, settings string, out io.Writer) error {
	base := ""
	if settings != "" {
		if _, err := config.Load(settings, nil, config.Options{KPIs: kpi.Single(), Windows: kpi.SingleWindows()}); err != nil {
			return service.UsageError{Err: err}
		}
		b, err := os.ReadFile(settings)
		if err != nil {
			return fmt.Errorf("read configuration: %w", err)
		}
		base = string(b)
	}
	files, err := scenario.Load(paths, base)
	var missing *os.PathError
	if errors.As(err, &missing) {
		return err
	}
	if err != nil {
		return service.UsageError{Err: err}
	}
	wiring := scenario.Wiring{Engine: engineOptions, Rules: service.KPIRules}
	var all failedError
	scenarios := 0
	for _, f := range files {
		for _, s := range f.Scenarios {
			r, err := s.Run(ctx, wiring)
			if err != nil {
				return err
			}
			scenarios++
			all.of += r.Checked
			name := f.Name
			if s.Name != "" {
				name += ": " + s.Name
			}
			if len(r.Failures) == 0 {
				fmt.Fprintf(out, "ok      %s (%d)\n", name, r.Checked)
				continue
			}
			fmt.Fprintf(out, "FAILED  %s\n", name)
			for _, failure := range r.Failures {
				fmt.Fprintf(out, "%s\n", failure)
				if failure.Refused {
					all.refused++
				} else {
					all.failed++
				}
			}
		}
	}
	fmt.Fprintf(out, "%s, %s\n", numbered(scenarios, "scenario", "scenarios"), numbered(all.of, "expectation", "expectations"))
	if all.failed+all.refused > 0 {
		return all
	}
	return nil
}
