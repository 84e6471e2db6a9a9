package main

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/tidemark-io/tidemark/config"
	"github.com/tidemark-io/tidemark/kpi"
	"github.com/tidemark-io/tidemark/service"
	"github.com/tidemark-io/tidemark/store"
)

// gcPercent lets the heap grow by less than Go's 100 % between two collections:
// records stay in memory for long, so that most of the heap is alive, and a
// process with few megabytes to spare matters more than a few percent of time.
const gcPercent = 60

// memoryLimit is from where on the garbage collector works harder rather than let
// the heap grow further, bytes: twice what the settings let a process keep, and as
// much for the rest as leaves room for the program itself below what
// internal/bounded holds it to. Below least it would do little else.
func memoryLimit(c *config.Config) int64 {
	const rest, least = 32 << 20, 56 << 20
	return int64(max(least, rest+2*(c.Cache+2*c.Queue)))
}

func newServeCommand() *cobra.Command {
	var path string
	c := &cobra.Command{
		Use:   "serve --config tidemark.yaml",
		Short: "Run the service: read events, keep figures, publish alerts",
		Long: `Reads the configured topics, keeps the figures in Redis, publishes alerts and KPI
changes onto Kafka, and answers over HTTP. Any number of processes with the same
configuration share the partitions.`,
		Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.Load(path, os.Environ(), config.Options{KPIs: kpi.Single(), Windows: kpi.SingleWindows()})
			if err != nil {
				return service.UsageError{Err: err}
			}
			log, err := newLogger(cfg.Log)
			if err != nil {
				return service.UsageError{Err: err}
			}
			if os.Getenv("GOGC") == "" {
				debug.SetGCPercent(gcPercent)
			}
			if os.Getenv("GOMEMLIMIT") == "" {
				debug.SetMemoryLimit(memoryLimit(cfg))
			}
			err = service.Run(cmd.Context(), service.Options{Config: cfg, Log: log, Version: thisBuild().Version})
			var refused *store.RefusedError
			if errors.As(err, &refused) {
				return service.UsageError{Err: err}
			}
			return err
		},
	}
	c.Flags().StringVar(&path, "config", "", "configuration file; the environment (TIDEMARK_…) goes before it")
	return c
}

// newLogger writes lines to standard error.
func newLogger(l config.Log) (*zap.Logger, error) {
	level, err := zapcore.ParseLevel(l.Level)
	if err != nil {
		return nil, fmt.Errorf("log.level: %w", err)
	}
	c := zap.NewProductionConfig()
	c.Level, c.Encoding, c.DisableStacktrace, c.Sampling = zap.NewAtomicLevelAt(level), l.Format, true, nil
	c.EncoderConfig.EncodeTime = zapcore.ISO8601TimeEncoder
	return c.Build()
}
