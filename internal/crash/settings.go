package main

import (
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/tidemark-io/tidemark/alert"
	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/internal/endtoend"
	"github.com/tidemark-io/tidemark/internal/oracle"
)

// worth of a euro in dollars, on all days.
var money = endtoend.Money{Reporting: dollar, Rates: map[event.Currency]*big.Rat{euro: big.NewRat(5, 4)}}

// manyRed is a rule on a KPI, as the oracle's series is judged by.
var manyRed = alert.KPIRule{Name: "many_red", KPI: "health_red", Above: true, Threshold: big.NewRat(7, 1), Clear: big.NewRat(5, 1), For: 2}

const minSample = 3

// lines is the configuration of a schedule, but for where things are.
func (s schedule) lines() string {
	var b strings.Builder
	fmt.Fprintf(&b, "time_zone: %s\nhorizon: %dd\nclock: log\n", s.place.Zone, s.horizon)
	if s.purchases {
		b.WriteString("customer_basis: purchases\nactive_purchase_days: 20\n")
	}
	if s.grace >= 0 {
		fmt.Fprintf(&b, "lapse_grace: %dd\n", s.grace)
	}
	if s.uncancel {
		b.WriteString("uncancel: purchase\n")
	}
	b.WriteString("activity: [login, \"signal:feature_used\"]\ndimensions: [plan, country]\n")
	b.WriteString("rates: [{date: 2010-01-01, currency: EUR, rate: 1.25}]\n")
	fmt.Fprintf(&b, "min_sample: %d\ncache: %s\nbatch: {live: %d, catch_up: %d}\npublish_interval: 100ms\n", minSample, s.cache, s.batch, s.batch)
	b.WriteString("rules:\n  - {name: at_risk, band: red, resolve_after: 24h}\n")
	fmt.Fprintf(&b, "  - {name: %s, kpi: %s, above: %s, clear: %s, for: %dd}\n", manyRed.Name, manyRed.KPI,
		manyRed.Threshold.RatString(), manyRed.Clear.RatString(), manyRed.For)
	return b.String()
}

// topics are the input topics.
func (s schedule) topics() map[string]string {
	if s.one {
		return map[string]string{"events": "events"}
	}
	return nil
}

// config is the same for the oracle.
func (s schedule) config() oracle.Config {
	c := oracle.DefaultConfig()
	c.Zone, c.Horizon = s.place.Zone, s.horizon
	if s.purchases {
		c.Basis, c.ActivePurchaseDays = oracle.BasisPurchases, 20
	}
	if s.grace >= 0 {
		c.LapseGrace = time.Duration(s.grace) * 24 * time.Hour
	}
	c.UncancelByPurchase = s.uncancel
	c.Activity = []string{"login", "signal:feature_used"}
	return c
}
