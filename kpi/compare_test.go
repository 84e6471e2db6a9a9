package kpi

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

// hosts are where each vendor publishes its documentation: a claim about a vendor
// must be one of its own pages.
var hosts = map[string][]string{
	"Stripe":     {"docs.stripe.com", "support.stripe.com"},
	"ChartMogul": {"help.chartmogul.com", "chartmogul.com"},
	"Mixpanel":   {"docs.mixpanel.com", "mixpanel.com"},
	"Amplitude":  {"amplitude.com"},
	"PostHog":    {"posthog.com"},
}

func TestEachComparisonHasVendorDifferenceAndSource(t *testing.T) {
	for _, c := range slices.Concat(activityCompared, moneyCompared) {
		if len(c.kpis) == 0 {
			t.Errorf("a comparison with %s is of no KPI", c.Vendor)
		}
		for _, name := range c.kpis {
			if k, ok := Lookup(name); !ok || k.Name != name {
				t.Errorf("a comparison with %s is of %q, which is no KPI", c.Vendor, name)
			}
		}
		if !strings.HasSuffix(c.Difference, ".") || len(c.Difference) < 20 {
			t.Errorf("%v at %s: %q is no sentence", c.kpis, c.Vendor, c.Difference)
		}
		u, err := url.Parse(c.Source)
		if err != nil || u.Scheme != "https" || !slices.Contains(hosts[c.Vendor], u.Host) {
			t.Errorf("%v at %s: %q is no page of that vendor's", c.kpis, c.Vendor, c.Source)
		}
	}
}

// What readers know from elsewhere under the same name must be compared.
func TestKnownNamesAreCompared(t *testing.T) {
	for _, name := range []string{
		"dau", "wau", "mau", "stickiness", "active_days_histogram",
		"lifecycle_new", "lifecycle_returning", "lifecycle_resurrecting", "lifecycle_dormant", "cohort_retention",
		"customer_churn_rate", "mrr", "arpa", "mrr_new", "mrr_expansion", "mrr_contraction", "mrr_churn", "mrr_reactivation", "mrr_fx",
		"nrr", "grr", "gross_revenue_churn", "net_revenue_churn", "quick_ratio", "clv_churn", "nps",
	} {
		k, ok := Lookup(name)
		if !ok || len(k.Compare()) == 0 {
			t.Errorf("%s is compared with nobody", name)
		}
	}
	if k, _ := Lookup("silent_customers"); len(k.Compare()) != 0 {
		t.Errorf("silent_customers, which nobody else has, is compared: %v", k.Compare())
	}
}
