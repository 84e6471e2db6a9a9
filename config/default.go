package config

import (
	"time"

	"github.com/tidemark-io/tidemark/event"
)

const day = 24 * time.Hour

// Default returns the settings that hold where nothing else is said.
func Default() *Config {
	return &Config{
		TimeZone:           "UTC",
		WeekStart:          time.Monday,
		Currency:           event.Currency{'U', 'S', 'D'},
		Horizon:            100,
		MaxFutureSkew:      time.Hour,
		LapseGrace:         Never,
		Cancellation:       CancelEffective,
		Uncancel:           UncancelNever,
		Clock:              ClockLive,
		Disorder:           10 * time.Second,
		CustomerBasis:      BasisSubscription,
		ActivePurchaseDays: 90,
		SilentDays:         14,

		OrdersIncludeSubscriptions: true,
		CLV:                        CLV{Margin: Decimal{1, 1}, Years: Decimal{1, 1}, AcquisitionCost: Decimal{0, 1}},

		Activity:        []string{"login"},
		ValueEvent:      "purchase",
		CSATSatisfied:   Decimal{4, 1},
		MinSample:       30,
		RetainRows:      1096,
		PublishInterval: time.Second,
		UnknownType:     Ignore,
		Partitioner:     "murmur2",
		Cache:           256 << 20,
		Queue:           32 << 20,
		Batch:           Batch{Live: 2000, CatchUp: 50_000},
		Kafka: Kafka{
			Brokers: []string{"localhost:9092"},
			Group:   "tidemark",
			Topics: Topics{
				Logins: "logins", Purchases: "purchases", Cancellations: "cancellations",
				Surveys: "surveys", Signals: "signals",
			},
			Outputs: Outputs{
				Alerts: "tidemark.alerts", KPIs: "tidemark.kpis",
				DeadLetter: "tidemark.deadletter", Late: "tidemark.late", Cursors: "tidemark.cursors",
			},
			SessionTimeout: 6 * time.Second,
		},
		Redis:  Redis{Addrs: []string{"localhost:6379"}, Namespace: "tidemark", Mode: "single"},
		Health: defaultHealth(),
		Rules:  []Rule{{Name: "at_risk", Severity: "warning", Band: "red", ResolveAfter: 24 * time.Hour}},
		HTTP:   HTTP{Listen: "127.0.0.1:8080"},
		Log:    Log{Level: "info", Format: "json"},
		from:   map[string]string{},
	}
}

// defaultHealth is the default profile: each signal 0 to 10 points.
func defaultHealth() Health {
	return Health{
		MinCoverage: Decimal{5, 10},
		Bands:       Bands{Amber: 50, Green: 75},
		Hysteresis:  3,
		Signals: []Signal{
			{Name: "activity", Weight: 30, Read: ActiveDays, Window: 30, MaxPoints: 10, None: NoPoints,
				Steps: []Step{{0, 0}, {1, 2}, {2, 4}, {4, 6}, {8, 8}, {15, 10}}},
			{Name: "recency", Weight: 25, Read: RecencyDays, MaxPoints: 10, None: NoPoints,
				Steps: []Step{{0, 10}, {2, 8}, {4, 6}, {8, 3}, {15, 1}, {31, 0}}},
			{Name: "survey", Weight: 15, Read: SurveyAnswer, Window: 90, MaxPoints: 10, None: NoPoints,
				NPS:  []Step{{0, 0}, {7, 6}, {9, 10}},
				CSAT: []Step{{1, 0}, {3, 4}, {4, 8}, {5, 10}}},
			{Name: "tickets", Weight: 15, Read: OpenTicketHours, MaxPoints: 10, None: 10,
				Steps: []Step{{0, 7}, {24, 4}, {48, 0}}},
			{Name: "invoices", Weight: 10, Read: LateInvoices, MaxPoints: 10, None: NoPoints,
				Steps: []Step{{0, 10}, {1, 3}, {2, 0}}},
			{Name: "tenure", Weight: 5, Read: TenureDays, MaxPoints: 10, None: NoPoints,
				Steps: []Step{{0, 4}, {30, 6}, {90, 8}, {365, 10}}},
		},
	}
}
