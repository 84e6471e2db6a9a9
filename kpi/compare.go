package kpi

import "slices"

// Comparison says how a KPI differs from what another product shows under the
// same name, as that product's public documentation describes it.
type Comparison struct {
	Vendor     string // "Stripe"
	Difference string // what theirs does, and what ours does in its place
	Switch     string // what makes ours theirs, "" where nothing does; names of settings, KPIs and windows in backquotes
	Source     string // the address of the vendor's page
}

const (
	stripe     = "Stripe"
	chartMogul = "ChartMogul"
	mixpanel   = "Mixpanel"
	amplitude  = "Amplitude"
	postHog    = "PostHog"
)

const (
	stripeGlossary     = "https://docs.stripe.com/billing/subscriptions/analytics/glossary"
	stripeChurn        = "https://support.stripe.com/questions/calculating-churn-rate-in-billing"
	chartMogulMRR      = "https://help.chartmogul.com/hc/en-us/articles/203299812"
	chartMogulMoves    = "https://help.chartmogul.com/hc/en-us/articles/4416682609426-Understanding-MRR-movements"
	chartMogulChurn    = "https://help.chartmogul.com/hc/en-us/articles/207340419-Churn-rate-formulas"
	chartMogulMRRChurn = "https://help.chartmogul.com/hc/en-us/articles/203359341-Metric-MRR-Churn-Rate"
	mixpanelInsights   = "https://docs.mixpanel.com/docs/reports/insights"
	amplitudeActive    = "https://amplitude.com/docs/get-started/helpful-definitions"
	amplitudeLifecycle = "https://amplitude.com/docs/analytics/charts/lifecycle"
	postHogTrends      = "https://posthog.com/docs/product-analytics/trends/aggregations"
	postHogSticky      = "https://posthog.com/docs/product-analytics/stickiness"
	amplitudeSticky    = "https://amplitude.com/docs/analytics/charts/stickiness/stickiness-interpret"
)

// comparison is one that holds for some KPIs.
type comparison struct {
	kpis []string
	Comparison
}

// Compare returns how the KPI differs from what other products call by the same
// name, activity before money, in the order of the page. It is empty where
// nothing could be read in a vendor's documentation.
func (k KPI) Compare() []Comparison {
	var out []Comparison
	for _, list := range [][]comparison{activityCompared, moneyCompared} {
		for _, c := range list {
			if slices.Contains(c.kpis, k.Name) {
				out = append(out, c.Comparison)
			}
		}
	}
	return out
}

var activityCompared = []comparison{
	{[]string{"dau", "wau", "mau"}, Comparison{mixpanel,
		"Users who did one chosen event in the last 1, 7 or 30 days, the last of them a whole calendar day, as here. A chart by week or month shows the last day of each. What counts here is the configured activity.",
		"`activity: [\"signal:opened\"]` for a chosen event opened", mixpanelInsights}},
	{[]string{"wau", "mau"}, Comparison{postHog,
		"Users who did one chosen event, rolling over 7 or 30 days, as here. What counts here is the configured activity.",
		"`activity: [\"signal:opened\"]` for a chosen event opened", postHogTrends}},
	{[]string{"dau"}, Comparison{amplitude,
		"A user is active with any event that is not marked as inactive. Here only configured activity counts, by default logins.",
		"`activity: [login, purchase, cancellation, survey, signal]`", amplitudeActive}},
	{[]string{"wau", "mau"}, Comparison{amplitude,
		"Users with any event not marked as inactive within the chosen week or month: one figure an interval. Here the 7 or 30 days roll, a figure a day; theirs rolls only with the option of a rolling window.",
		"the KPI `mau_calendar` with the window `week` or `month`; `activity: [login, purchase, cancellation, survey, signal]`", amplitudeActive}},
	{[]string{"stickiness", "stickiness_avg"}, Comparison{mixpanel,
		"The tutorial divides the mean of the daily users of a month by the users of that month. stickiness takes the last day in place of the mean; stickiness_avg takes the mean, of 30 days in place of a month.",
		"the KPI `stickiness_avg`", "https://mixpanel.com/help/platform/tutorials/dau-mau"}},
	{[]string{"stickiness", "active_days_histogram"}, Comparison{postHog,
		"No quotient: users by the exact number of intervals in which they did an event, in any chosen period. That is active_days_histogram, for days, of 30 days or a month.",
		"the KPI `active_days_histogram`", postHogSticky}},
	{[]string{"stickiness", "active_days_histogram"}, Comparison{amplitude,
		"No quotient DAU / MAU: the percentage of users who did an event on exactly (or, cumulatively, at least) so many days of a week or month. active_days_histogram gives the users of each exact number, not their percentage, and has no weeks.",
		"the KPI `active_days_histogram` with the window `month`, each bucket divided by `mau_calendar`", amplitudeSticky}},
	{[]string{"lifecycle_new"}, Comparison{postHog,
		"New is who did the event in the interval and was created in it. Here it is whose first activity lies in it, however long ago its account was made.",
		"", "https://posthog.com/docs/product-analytics/lifecycle"}},
	{[]string{"lifecycle_returning", "lifecycle_resurrecting", "lifecycle_dormant"}, Comparison{postHog,
		"The same classes, of one chosen event, by hours too. Here they are of configured activity, by day, week and month.",
		"`activity: [\"signal:opened\"]` for a chosen event opened", "https://posthog.com/docs/product-analytics/lifecycle"}},
	{[]string{"lifecycle_new"}, Comparison{amplitude,
		"New goes by when Amplitude first saw the user, with whatever event, not by the first time it did the chosen one: who was seen before and does that for the first time is resurrected. Here new is who has its first configured activity.",
		"`activity: [login, purchase, cancellation, survey, signal]`", amplitudeLifecycle}},
	{[]string{"lifecycle_returning", "lifecycle_resurrecting", "lifecycle_dormant", "pulse"}, Comparison{amplitude,
		"The same classes under the names current, resurrected and dormant, and the same ratio of those who come to those who go, of one chosen event. Here lifecycle_dormant is below 0.",
		"`activity: [\"signal:opened\"]` for a chosen event opened", amplitudeLifecycle}},
	{[]string{"cohort_retention"}, Comparison{mixpanel,
		"By default “on or after” a time, in intervals that begin with each user's own first event: week 1 is 7 to 14 days after it, month 1 is 30 to 60. Its calendar mode and “on” retention are what is here. Its two events are chosen; here both are the configured activity.",
		"", "https://docs.mixpanel.com/docs/reports/retention"}},
	{[]string{"cohort_retention"}, Comparison{amplitude,
		"By default days are 24 hours from each user's starting event, weeks 7 and months 30 such days; strict calendar dates are an option. Here weeks and months are those of the calendar, in the configured zone.",
		"", "https://amplitude.com/docs/analytics/charts/retention-analysis/retention-analysis-time"}},
	{[]string{"cohort_retention"}, Comparison{postHog,
		"By default “on” the interval, as here; “on or after” is an option. A start and a return event are chosen, and a user may enter by any start event (recurring) in place of the first. Here a user is in the cohort of its first activity only.",
		"", "https://posthog.com/docs/product-analytics/retention"}},
}

var moneyCompared = []comparison{
	{[]string{"customers"}, Comparison{stripe,
		"An active subscriber has a paid subscription in the state active or past_due. Here it has a recurring amount above 0, until a cancellation takes effect or the subscription lapses.",
		"`customer_basis: subscription`, `lapse_grace: never`, with a cancellation for what is canceled or marked unpaid", stripeGlossary}},
	{[]string{"customer_churn_rate"}, Comparison{stripe,
		"Subscribers who churned in 30 days / (those active 30 days ago + those new in the 30 days). Who joined and left within them is in both parts, and who leaves twice counts twice. Here only those at the start count, and each at most once.",
		"", stripeChurn}},
	{[]string{"customer_churn_rate"}, Comparison{chartMogul,
		"The standard formula is the one here: who joined and left within the period, or left and came back, is not counted. The Shopify formula, which sums over days, has no counterpart.",
		"the window `month` or `quarter` for its intervals", chartMogulChurn}},
	{[]string{"customer_churn_rate"}, Comparison{chartMogul,
		"By default a paying customer who moves to a free plan stays active and is not churn. Here a recurring amount of 0 is churn.",
		"", "https://help.chartmogul.com/hc/en-us/articles/15384089786524-Configuring-Subscription-Analytics-settings"}},
	{[]string{"mrr"}, Comparison{stripe,
		"The subscriptions in the state active or past_due, without trials, tax, free plans and metered products. Here a subscription counts until a cancellation takes effect or it lapses, whatever its payments do.",
		"`lapse_grace: never`, with a cancellation for what is canceled or marked unpaid", stripeGlossary}},
	{[]string{"mrr"}, Comparison{stripe,
		"A coupon lowers MRR only where its duration is forever. Here the recurring amount that the event carries counts, whatever reduced it.",
		"", "https://support.stripe.com/questions/billing-analytics"}},
	{[]string{"mrr"}, Comparison{chartMogul,
		"What was paid, after discounts, by the months of the subscription's period, without one-time payments and metered charges. Here it is the recurring amount that the event carries, so whether a discount is in it is up to the sender.",
		"", chartMogulMRR}},
	{[]string{"mrr"}, Comparison{chartMogul,
		"Refunds are deducted for Stripe as a source, and for no other. Here refunds never move MRR.",
		"", "https://help.chartmogul.com/hc/en-us/articles/360003422980-Why-do-metrics-in-ChartMogul-differ-from-my-billing-system-"}},
	{[]string{"arpa"}, Comparison{chartMogul,
		"The same quotient, of MRR and subscribers, where a customer with several subscriptions counts once.",
		"`customer_basis: subscription`", "https://help.chartmogul.com/hc/en-us/articles/203359301-Chart-Average-Revenue-Per-Account"}},
	{[]string{"mrr_churn", "mrr_contraction"}, Comparison{stripe,
		"Of a customer's two subscriptions the first to be cancelled is a downgrade, the second churn. Here the difference between the ends of two days counts: both on one day are churn altogether.",
		"", stripeChurn}},
	{[]string{"mrr_new", "mrr_expansion", "mrr_contraction", "mrr_churn", "mrr_reactivation"}, Comparison{chartMogul,
		"The same five classes, as single activities; those close together, such as within 60 minutes, are grouped. Here a customer has at most one movement a day in a currency: up and down on one day is nothing.",
		"", chartMogulMoves}},
	{[]string{"mrr_churn"}, Comparison{chartMogul,
		"When it counts is a setting: when the subscription ends in the billing system (the default), at the end of what was paid for, or as soon as the cancellation is scheduled. Here it counts at the cancellation's effective date.",
		"`cancellation: immediate` for as soon as it is scheduled", "https://help.chartmogul.com/article/242-churn-recognition"}},
	{[]string{"mrr_fx"}, Comparison{stripe,
		"The growth of MRR is adjusted for exchange rates too. Here that is a movement of its own, at the rates that are configured.",
		"`rates`", stripeGlossary}},
	{[]string{"mrr_fx"}, Comparison{chartMogul,
		"Changes of exchange rates make no movement. Here they make this one.",
		"one line for each currency in `rates`, which makes it 0", chartMogulMoves}},
	{[]string{"nrr"}, Comparison{chartMogul,
		"Start + expansion − contraction − churn, by the movements of the interval, without reactivation: who left and came back within it is lost. Here the amounts of the same customers at the start and the end are compared: it is as if it had stayed.",
		"1 − `net_revenue_churn`, where who joined within the window has no movements but new", "https://help.chartmogul.com/hc/en-us/articles/6886664393500-Chart-Net-MRR-Retention"}},
	{[]string{"grr"}, Comparison{chartMogul,
		"(Start − contraction − churn) / start, by the movements of the interval. Here it is the smaller of each customer's amounts at the start and the end: what was made good again within the window is not lost.",
		"1 − `gross_revenue_churn`, where who joined within the window has no movements but new", "https://help.chartmogul.com/hc/en-us/articles/6886621218332-Chart-Gross-MRR-Retention"}},
	{[]string{"gross_revenue_churn"}, Comparison{chartMogul,
		"The standard formula is the one here. The Shopify formula, which sums over days, has no counterpart.",
		"the window `month` or `quarter` for its intervals", chartMogulMRRChurn}},
	{[]string{"net_revenue_churn"}, Comparison{chartMogul,
		"The standard formula takes off expansion and reactivation. Here only expansion is taken off.",
		"", chartMogulMRRChurn}},
	{[]string{"quick_ratio", "quick_ratio_strict"}, Comparison{chartMogul,
		"The guide sums it up as new business and upsells versus cancellations and downgrades, and names no reactivation there; that is quick_ratio_strict. quick_ratio has reactivation among the gains too.",
		"the KPI `quick_ratio_strict`", "https://chartmogul.com/blog/saas-quick-ratio/"}},
	{[]string{"clv_churn", "ltv_cac"}, Comparison{chartMogul,
		"LTV is ARPA / the mean customer churn rate of the six months before, without a margin. Here it is arpa × margin / the churn of the last 30 days.",
		"`clv.margin: 1` leaves out the margin; nothing takes the mean of six months", "https://help.chartmogul.com/hc/en-us/articles/203359061-Chart-Customer-Lifetime-Value-LTV"}},
	{[]string{"nps", "promoters", "passives", "detractors"}, Comparison{postHog,
		"The same classes and the same difference, over the scores that were collected. Here only the latest answer of each respondent and campaign within 30 or 90 days counts, and a scale of 1 to 10 is accepted.",
		"", "https://posthog.com/docs/apps/nps-survey-app"}},
}
