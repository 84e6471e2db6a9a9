// Command tidemark is the stream processor for customer retention: the service,
// the demo, and the commands that read a running system.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/tidemark-io/tidemark/store"
)

// Exit codes. What an error carries itself (an ExitCode method) goes first.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2 // wrong usage or configuration; 3, what was checked does not hold, is an error's own
)

func main() {
	store.RouteLibraryLogs(zap.NewNop()) // the service has a log of its own; elsewhere the error says it
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, newRootCommand(openReadings), os.Args[1:], os.Stderr)
	stop()
	os.Exit(code)
}

// newRootCommand returns the command with all commands below it. The opener is
// how those that read a running system reach it.
func newRootCommand(open opener) *cobra.Command {
	root := &cobra.Command{
		Use:   "tidemark",
		Short: "Customer retention KPIs, health and alerts from event streams",
		Long: `Tidemark reads login, purchase, cancellation and survey events from Kafka, keeps
retention KPIs and every customer's health up to date in Redis, and puts alerts
and KPI changes back onto Kafka topics.`,
		Args:          cobra.ArbitraryArgs,
		RunE:          noCommand,
		SilenceErrors: true, // run says them
		SilenceUsage:  true,
	}
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(
		newDemoCommand(),
		newServeCommand(),
		newAuditCommand(),
		newCheckCommand(),
		newImportCommand(),
		newReportCommand(),
		newScenarioCommand(),
		newRepartitionCommand(),
		newKPICommand(open),
		newCustomerCommand(open),
		newCustomersCommand(open),
		newAlertsCommand(open),
		newGoalsCommand(open),
		newVersionCommand(),
	)
	return root
}

// run executes a command and returns its exit code. Mistakes that are found
// before a command begins (unknown commands, flags, arguments) are wrong usage.
func run(ctx context.Context, root *cobra.Command, args []string, stderr io.Writer) int {
	begun := false
	root.PersistentPreRun = func(*cobra.Command, []string) { begun = true }
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	fmt.Fprintf(stderr, "tidemark: %v\n", err)
	var own interface{ ExitCode() int }
	switch {
	case errors.As(err, &own):
		return own.ExitCode()
	case !begun:
		return exitUsage
	}
	return exitFailed
}
