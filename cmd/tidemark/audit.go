package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidemark-io/tidemark/config"
	"github.com/tidemark-io/tidemark/kpi"
	"github.com/tidemark-io/tidemark/service"
)

// doesNotHold is exit code 3: what was checked does not hold.
type doesNotHold struct{ error }

// ExitCode is what the program ends with.
func (doesNotHold) ExitCode() int { return 3 }

func (d doesNotHold) Unwrap() error { return d.error }

func newAuditCommand() *cobra.Command {
	var path string
	var asJSON bool
	c := &cobra.Command{
		Use:   "audit",
		Short: "Compare the stored figures with the records they come from",
		Long: `Recomputes every figure that is not frozen, and the set of firing alerts, from
the stored records, and compares. The owner of each shard holds its commits while
the shard is read; the table says for how long. Exit code 3: something differs.`,
		Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			cfg, err := config.Load(path, os.Environ(), config.Options{KPIs: kpi.Single(), Windows: kpi.SingleWindows()})
			if err != nil {
				return service.UsageError{Err: err}
			}
			st, err := service.OpenStore(cmd.Context(), cfg.Redis)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, st.Close()) }()
			n, err := st.Partitions(cmd.Context())
			if err != nil {
				return err
			}
			if n == 0 {
				return fmt.Errorf("nothing is stored under namespace %q: no tidemark serve has run with this configuration", cfg.Redis.Namespace)
			}
			audits := make([]service.Audit, n)
			wrong := 0
			for shard := range audits {
				if audits[shard], err = service.AuditShard(cmd.Context(), cfg, st, shard); err != nil {
					return err
				}
				wrong += len(audits[shard].Wrong)
			}
			if err := showAudits(cmd, audits, asJSON); err != nil {
				return err
			}
			if wrong > 0 {
				return doesNotHold{fmt.Errorf("%d stored rows or alerts differ from what the records come to", wrong)}
			}
			return nil
		},
	}
	c.Flags().StringVar(&path, "config", "", "configuration file (default: none, all settings at their defaults)")
	c.Flags().BoolVar(&asJSON, "json", false, "for programs: JSON instead of a table")
	return c
}

func showAudits(cmd *cobra.Command, audits []service.Audit, asJSON bool) error {
	out := cmd.OutOrStdout()
	if asJSON {
		return printJSON(out, map[string]any{"shards": audits})
	}
	rows := [][]string{{"SHARD", "CUSTOMERS", "RECORDS", "ROWS", "HELD", "RESULT"}}
	for _, a := range audits {
		result := "clean"
		if len(a.Wrong) > 0 {
			result = strconv.Itoa(len(a.Wrong)) + " differ"
		}
		rows = append(rows, []string{strconv.Itoa(a.Shard), strconv.Itoa(a.Customers), strconv.Itoa(a.Records),
			strconv.Itoa(a.Rows), a.Held.Round(time.Millisecond).String(), result})
	}
	if err := printTable(out, rows); err != nil {
		return err
	}
	for _, a := range audits {
		for _, w := range a.Wrong[:min(len(a.Wrong), 20)] {
			if _, err := fmt.Fprintf(out, "shard %d: %s\n", a.Shard, w); err != nil {
				return err
			}
		}
	}
	return nil
}
