package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/pprof"
	"syscall"

	"go.uber.org/zap"

	"github.com/tidemark-io/tidemark/config"
	"github.com/tidemark-io/tidemark/kpi"
	"github.com/tidemark-io/tidemark/service"
)

// profiledServe is what this program is started as for -profile: `tidemark
// serve` under a CPU profile, with one of what lives at its end beside it. args are the configuration and the profile.
func profiledServe(args []string) {
	if err := serveUnderProfile(args[0], args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "tidemark:", err)
		os.Exit(1)
	}
}

func serveUnderProfile(configuration, profile string) (err error) {
	cfg, err := config.Load(configuration, nil, config.Options{KPIs: kpi.Single(), Windows: kpi.SingleWindows()})
	if err != nil {
		return err
	}
	log, err := zap.NewProduction()
	if err != nil {
		return err
	}
	f, err := os.Create(profile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := pprof.StartCPUProfile(f); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	defer func() { err = errors.Join(err, heapProfile(profile+".heap")) }()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return service.Run(ctx, service.Options{Config: cfg, Log: log, Version: "bench"})
}

// heapProfile writes what is in memory as of the last garbage collection.
func heapProfile(path string) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return pprof.Lookup("heap").WriteTo(f, 0)
}
