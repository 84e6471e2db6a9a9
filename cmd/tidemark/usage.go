package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tidemark-io/tidemark/kpi"
	"github.com/tidemark-io/tidemark/service"
)

// Mistakes in what is typed, each one sentence.

// arguments wants so many of them behind the flags; most below 0 is no bound.
func arguments(least, most int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return fmt.Errorf("something is missing behind %s; write %s", c.Name(), c.UseLine())
		case most >= 0 && len(args) > most:
			return fmt.Errorf("%q is one too many; write %s", args[most], c.UseLine())
		}
		return nil
	}
}

// noCommand is what the root does where no command is named: it helps, or says
// that there is none of this name.
func noCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return c.Help()
	}
	var names []string
	for _, below := range c.Commands() {
		if below.IsAvailableCommand() {
			names = append(names, below.Name())
		}
	}
	return service.UsageError{Err: &kpi.UnknownError{What: "command", Given: args[0], Nearest: kpi.NearestOf(args[0], names), Valid: names}}
}

// flagError words what is wrong with a flag.
func flagError(c *cobra.Command, err error) error {
	var absent *pflag.NotExistError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.As(err, &absent) && len(absent.GetSpecifiedName()) > 1:
		var names []string
		c.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, "--"+f.Name) })
		given := "--" + absent.GetSpecifiedName()
		return &kpi.UnknownError{What: "flag of " + c.Name(), Given: given, Nearest: kpi.NearestOf(given, names), Valid: names}
	case errors.As(err, &invalid):
		return fmt.Errorf("--%s: %q is no %s", invalid.GetFlag().Name, invalid.GetValue(), kinds[invalid.GetFlag().Value.Type()])
	}
	return err
}

// kinds words the types of flags.
var kinds = map[string]string{
	"bool": "yes or no; write true or false", "duration": "time span; write it as 20s or 1m30s", "int": "whole number", "int64": "whole number", "uint64": "whole number from 0 on", "float64": "number",
}
