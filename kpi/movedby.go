package kpi

import (
	"slices"

	"github.com/tidemark-io/tidemark/event"
)

// Which events move a KPI: of several messages between two publications of a
// figure one is named as the cause, and one that cannot have moved it says nothing.

// byActivity, byMoney and byAnswers are the KPIs that are made of one sort of events. The
// others, health among them, are moved by any.
var (
	byActivity = []string{"dau", "wau", "mau", "mau_28", "mau_calendar", "active_24h", "active_7d", "active_30d", "stickiness", "stickiness_avg",
		"active_customers", "users_ever", "active_days_histogram", "lifecycle_new", "lifecycle_returning", "lifecycle_resurrecting",
		"lifecycle_dormant", "pulse", "cohort_retention"}
	byMoney = []string{"customers", "customers_ever", "cancellations", "churn_reasons", "customer_churn_rate", "retention_rate", "mrr", "arpa",
		"mrr_new", "mrr_expansion", "mrr_contraction", "mrr_churn", "mrr_reactivation", "mrr_fx", "nrr", "grr",
		"gross_revenue_churn", "net_revenue_churn", "mrr_decline_rate", "expansion_rate", "quick_ratio", "quick_ratio_strict",
		"expansion_growth_rate", "revenue", "revenue_net", "orders", "aov", "repeat_purchase_rate", "repeat_purchase_rate_lifetime",
		"clv_churn", "clv_purchase", "clv_net", "clv_observed", "ltv_cac"}
	byAnswers = []string{"nps", "promoters", "passives", "detractors", "csat", "response_rate", "ces", "cli", "cli_norm"}
)

// MovedBy says whether an event of a kind moves the KPI, by activity where it is
// one of the kinds that count as that. Attributes, which any event may carry, move
// every figure of a segment.
func (k KPI) MovedBy(kind event.Kind, activity bool) bool {
	switch {
	case slices.Contains(byActivity, k.Name):
		return activity
	case slices.Contains(byMoney, k.Name): // a signal withdraws a cancellation
		return kind == event.Purchase || kind == event.Cancellation || kind == event.Signal
	case slices.Contains(byAnswers, k.Name): // or says who was asked
		return kind == event.Survey || kind == event.Signal
	}
	return true
}
