package kpi

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tidemark-io/tidemark/civil"
	names "github.com/tidemark-io/tidemark/segment"
)

// KPI is one entry of the registry. The registry is the one place that says
// which KPIs there are: documentation, help texts, HTTP and alert rules read it.
type KPI struct {
	Name        string
	Alias       string // a second name under which Lookup finds it, "" for none
	Unit        Unit
	Description string   // one sentence for people
	Definition  string   // the formula in words
	Example     string   // the worked example of the doc comment, in one line
	Windows     []string // valid windows, shortest first; {""} for a level, which has none
	Default     string   // the window where none is asked for
	Formula     string   // id and version of the formula: "stickiness/1"
	// NowOnly: the counter has no day, so that there is a figure for the running
	// day only.
	NowOnly bool
	// Whole lists the windows that are kept for the whole only: there are no
	// figures of segments.
	Whole []string

	scored  bool // made of Source.Scores: there are no figures without them
	parts   func(p point) parts
	buckets func(p point) []string // nil: there are none; else a figure for each
}

// Bucketed says whether the KPI has a figure for each of several buckets, such
// as a histogram's.
func (k KPI) Bucketed() bool { return k.buckets != nil }

// Scored says whether the KPI is made of the scores of customers, which are not
// among the levels.
func (k KPI) Scored() bool { return k.scored }

// Kept says whether there are figures of a window for a segment.
func (k KPI) Kept(window, segment string) bool {
	return segment == "" || !slices.Contains(k.Whole, window)
}

// Unkept says why there never is a figure of a segment, nil where there is. The
// segments of the dimensions in cohorts have cohorts.
func (k KPI) Unkept(window, segment string, cohorts []string) error {
	dimension := names.Dimension(segment)
	switch {
	case !k.Kept(window, segment):
		return fmt.Errorf("%s %s is kept for the whole company only; ask for another window, or without %s", k.Name, window, segment)
	case k.Name == "cohort_retention" && segment != "" && !slices.Contains(cohorts, dimension):
		return fmt.Errorf("cohorts by %s are not kept; name it in the settings, as cohorts: [%s]", dimension, dimension)
	}
	return nil
}

// level is the window of a KPI that holds as of the end of a day.
var level = []string{""}

// windowDays is the number of days of each rolling window.
var windowDays = map[string]int32{"": 1, "1d": 1, "24h": 1, "7d": 7, "28d": 28, "30d": 30, "90d": 90}

// calendar are the calendar windows. They are to date, and complete when they
// are over.
var calendar = map[string]civil.Period{"week": civil.Week, "month": civil.Month, "quarter": civil.Quarter}

// LookBack is the number of days before a figure's own day that it can read:
// flows are sums over the days of the longest window, a quarter, and are compared
// with the end of the day before it.
const LookBack = 92

var all = []KPI{
	dau, wau, mau, mau28, mauCalendar, active24h, active7d, active30d, stickiness, stickinessAvg, activeCustomers, usersEver,
	activeDaysHistogram, lifecycleNew, lifecycleReturning, lifecycleResurrecting, lifecycleDormant, pulse, cohortRetention,
	timeToValue, timeToValueP90,
	customers, customersEver, cancellations, churnReasons, customerChurnRate, retentionRate,
	mrr, arpa,
	mrrNew, mrrExpansion, mrrContraction, mrrChurn, mrrReactivation, mrrFX, mrrMoved,
	nrr, grr, grossRevenueChurn, netRevenueChurn, mrrDeclineRate, expansionRate,
	quickRatio, quickRatioStrict, expansionGrowthRate,
	revenue, revenueNet, orders, aov, repeatPurchaseRate, repeatPurchaseRateLifetime,
	clvChurn, clvPurchase, clvNet, clvObserved, ltvCAC,
	nps, promoters, passives, detractors, csat, responseRate, ces, cli, cliNorm,
	silentCustomers, healthRed, healthAmber, healthGreen, healthUnknown, healthMean, mrrAtRisk,
}

// All returns every KPI, in the order in which they are shown.
func All() []KPI { return slices.Clone(all) }

// Single returns the names of the KPIs that have one figure for a window and a
// day, which alert rules and goals can be about.
func Single() []string {
	var names []string
	for _, k := range all {
		if !k.Bucketed() {
			names = append(names, k.Name)
		}
	}
	return names
}

// SingleWindows returns the windows of each of them.
func SingleWindows() map[string][]string {
	windows := map[string][]string{}
	for _, k := range all {
		if !k.Bucketed() {
			windows[k.Name] = k.Windows
		}
	}
	return windows
}

// Names returns the names of all KPIs, in the same order.
func Names() []string {
	names := make([]string, len(all))
	for i, k := range all {
		names[i] = k.Name
	}
	return names
}

// Lookup finds a KPI by its name or alias.
func Lookup(name string) (KPI, bool) {
	i := slices.IndexFunc(all, func(k KPI) bool {
		return k.Name == name || k.Alias != "" && k.Alias == name
	})
	if i < 0 {
		return KPI{}, false
	}
	return all[i], true
}

// UnknownError is the answer to a name that does not exist. Its sentence names
// the nearest one that does.
type UnknownError struct {
	What    string   // "KPI", "window of stickiness"
	Given   string   // what was asked for
	Nearest string   // "" where nothing comes near
	Valid   []string // everything there is; may be empty where that would be long
}

// maxListed is how many names stand beside the nearest one: those of all KPIs
// would hide it.
const maxListed = 15

func (e *UnknownError) Error() string {
	s := fmt.Sprintf("there is no %s %q", e.What, e.Given)
	if e.Nearest != "" {
		s += fmt.Sprintf(", did you mean %q?", e.Nearest)
	}
	if len(e.Valid) > 0 && (e.Nearest == "" || len(e.Valid) <= maxListed) {
		s += " (there are: " + strings.Join(e.Valid, ", ") + ")"
	}
	return s
}

// Find is Lookup with an *UnknownError in place of false.
func Find(name string) (KPI, error) {
	k, ok := Lookup(name)
	if !ok {
		return KPI{}, &UnknownError{What: "KPI", Given: name, Nearest: Nearest(name), Valid: Names()}
	}
	return k, nil
}

// Window returns the window that is meant by w: w itself where the KPI has it,
// the default where w is "". Otherwise the error is an *UnknownError.
func (k KPI) Window(w string) (string, error) {
	if w == "" {
		return k.Default, nil
	}
	if slices.Contains(k.Windows, w) {
		return w, nil
	}
	e := &UnknownError{What: "window of " + k.Name, Given: w}
	if k.Default == "" {
		e.What += ", which holds as of the end of a day and has none:"
		return "", e
	}
	e.Nearest, e.Valid = k.nearestWindow(w), k.Windows
	return "", e
}

// nearestWindow is the window whose length comes nearest, or, where w is no
// number of days, the one that is spelled most alike.
func (k KPI) nearestWindow(w string) string {
	n, err := strconv.Atoi(strings.TrimSuffix(w, "d"))
	if err != nil {
		return cmp.Or(NearestOf(w, k.Windows), k.Default)
	}
	rolling := slices.DeleteFunc(slices.Clone(k.Windows), func(w string) bool { return windowDays[w] == 0 })
	if len(rolling) == 0 {
		return k.Default
	}
	return slices.MinFunc(rolling, func(a, b string) int {
		return cmp.Compare(gap(windowDays[a], n), gap(windowDays[b], n))
	})
}

func gap(days int32, n int) int { return max(int(days)-n, n-int(days)) }
