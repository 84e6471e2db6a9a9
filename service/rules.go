package service

import (
	"github.com/tidemark-io/tidemark/alert"
	"github.com/tidemark-io/tidemark/config"
)

// KPIRules are the configured alert rules about KPIs.
func KPIRules(c *config.Config) []alert.KPIRule { return kpiRules(c) }
