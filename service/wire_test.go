package service

import (
	"math/big"
	"testing"

	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/config"
	"github.com/tidemark-io/tidemark/event"
)

func parsed(t *testing.T, yaml string) *config.Config {
	t.Helper()
	c, err := config.Parse([]byte(yaml), config.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func dayOf(t *testing.T, text string) int32 {
	t.Helper()
	d, err := civil.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// Rates are between major units in the settings, between minor ones in figures: a
// yen has no smaller unit, a dinar has a thousand fils.
func TestRatesAreOfMinorUnits(t *testing.T) {
	rates := Rates(parsed(t, `
rates:
- {date: 2026-01-01, currency: JPY, rate: 0.0067}
- {date: 2026-01-01, currency: KWD, rate: 3.25}
- {date: 2026-01-01, currency: EUR, rate: 1.10}
- {date: 2026-02-01, currency: EUR, rate: 1.12}
`))
	for _, tc := range []struct {
		currency, day string
		want          *big.Rat // cents a minor unit
	}{
		{"JPY", "2026-01-01", big.NewRat(67, 100)},   // 0.0067 dollars a yen
		{"KWD", "2026-03-01", big.NewRat(325, 1000)}, // 3.25 dollars for 1,000 fils
		{"EUR", "2026-01-31", big.NewRat(110, 100)},
		{"EUR", "2026-02-01", big.NewRat(112, 100)},
		{"EUR", "2025-12-31", nil},
		{"GBP", "2026-01-01", nil},
	} {
		got := rates(event.Currency([]byte(tc.currency)), dayOf(t, tc.day))
		if (got == nil) != (tc.want == nil) || got != nil && got.Cmp(tc.want) != 0 {
			t.Errorf("%s on %s is worth %v, want %v", tc.currency, tc.day, got, tc.want)
		}
	}
}

func TestSettingsOfFigures(t *testing.T) {
	o, err := CompanyOptions(parsed(t, "currency: JPY\nweek_start: sunday\nclv: {margin: 0.8, years: 2.5, acquisition_cost: 1200}"))
	if err != nil {
		t.Fatal(err)
	}
	l := o.Lifetime
	if l.Margin.Cmp(big.NewRat(4, 5)) != 0 || l.Years.Cmp(big.NewRat(5, 2)) != 0 || l.Cost.Cmp(big.NewRat(1200, 1)) != 0 || o.WeekStart != 0 {
		t.Errorf("%+v, weeks begin on %s", l, o.WeekStart)
	}
	o, err = CompanyOptions(parsed(t, "clv: {acquisition_cost: 12.5}"))
	if err != nil {
		t.Fatal(err)
	}
	if o.Lifetime.Cost.Cmp(big.NewRat(1250, 1)) != 0 {
		t.Errorf("12.50 dollars are %v cents", o.Lifetime.Cost)
	}
	if o, err = CompanyOptions(parsed(t, "{}")); err != nil || o.Lifetime.Cost != nil {
		t.Errorf("nothing said of costs is %v, %v", o.Lifetime.Cost, err)
	}
	s, err := ShardOptions(parsed(t, "cancellation: immediate\norders_include_subscriptions: false"))
	if err != nil || !s.CancelAtOnce || !s.SubscriptionsApart {
		t.Errorf("%v: cancel at once %v, subscriptions apart %v", err, s.CancelAtOnce, s.SubscriptionsApart)
	}
	s, err = ShardOptions(parsed(t, "{}"))
	if err != nil || s.CancelAtOnce || s.SubscriptionsApart {
		t.Errorf("by default: %v, cancel at once %v, subscriptions apart %v", err, s.CancelAtOnce, s.SubscriptionsApart)
	}
}
