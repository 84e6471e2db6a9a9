package main

import (
	"context"
	"errors"
	"os"

	"github.com/tidemark-io/tidemark/config"
	"github.com/tidemark-io/tidemark/kpi"
	"github.com/tidemark-io/tidemark/service"
)

// opener reaches the system that a configuration file ("" is none) describes.
type opener func(ctx context.Context, configPath string) (*service.Readings, error)

// openReadings reads the store once.
func openReadings(ctx context.Context, configPath string) (*service.Readings, error) {
	c, err := config.Load(configPath, os.Environ(), config.Options{KPIs: kpi.Single(), Windows: kpi.SingleWindows()})
	if err != nil {
		return nil, service.UsageError{Err: err}
	}
	st, err := service.OpenStore(ctx, c.Redis)
	if err != nil {
		return nil, err
	}
	r, err := service.NewReadings(c, st)
	if err == nil {
		err = r.Poll(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, st.Close())
	}
	r.Close = st.Close
	return r, nil
}
