package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/tidemark-io/tidemark/config"
	"github.com/tidemark-io/tidemark/kpi"
	"github.com/tidemark-io/tidemark/service"
)

func newCheckCommand() *cobra.Command {
	var path string
	var asJSON, all bool
	c := &cobra.Command{
		Use:   "check",
		Short: "Show the settings with their origin, and whether brokers, topics and store fit",
		Long: `Shows every setting that is not at its default (--all: every one) with where its
value comes from, then looks at the brokers, the topics, the store and the stored
state. Exit code 3: something does not fit.`,
		Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.Load(path, os.Environ(), config.Options{KPIs: kpi.Single(), Windows: kpi.SingleWindows()})
			if err != nil {
				return service.UsageError{Err: err}
			}
			findings := service.Check(cmd.Context(), cfg)
			var origins []config.Origin
			for _, o := range cfg.Origins() {
				if all || o.From != "default" {
					origins = append(origins, o)
				}
			}
			if err := showCheck(cmd, cfg, origins, findings, asJSON); err != nil {
				return err
			}
			for _, f := range findings {
				if f.Result == "wrong" {
					return doesNotHold{fmt.Errorf("%s: %s", f.What, f.Say)}
				}
			}
			return nil
		},
	}
	c.Flags().StringVar(&path, "config", "", "configuration file (default: none, all settings at their defaults)")
	c.Flags().BoolVar(&asJSON, "json", false, "for programs: JSON instead of tables")
	c.Flags().BoolVar(&all, "all", false, "show settings at their defaults too")
	return c
}

func showCheck(cmd *cobra.Command, cfg *config.Config, origins []config.Origin, findings []service.Finding, asJSON bool) error {
	out := cmd.OutOrStdout()
	if asJSON {
		return printJSON(out, map[string]any{"settings": origins, "findings": findings, "ignored": cfg.Ignored})
	}
	rows := [][]string{{"SETTING", "VALUE", "FROM"}}
	for _, o := range origins {
		rows = append(rows, []string{o.Key, o.Value, o.From})
	}
	for _, name := range cfg.Ignored {
		rows = append(rows, []string{name, "", "the environment, and no setting: left out"})
	}
	if len(rows) > 1 {
		if err := printTable(out, rows); err != nil {
			return err
		}
		if _, err := fmt.Fprintln(out); err != nil {
			return err
		}
	}
	rows = [][]string{{"CHECKED", "RESULT", ""}}
	for _, f := range findings {
		rows = append(rows, []string{f.What, f.Result, f.Say})
	}
	return printTable(out, rows)
}
