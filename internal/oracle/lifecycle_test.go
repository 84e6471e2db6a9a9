package oracle_test

import (
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/internal/oracle"
)

// labelled expects a labelled counter's level of the whole on a date.
func (r truth) labelled(counter, label, date string, want int64) {
	r.t.Helper()
	if got := r.Levels[oracle.Key{Counter: counter, Label: label, Day: day(date)}]; got != want {
		r.t.Errorf("%s %s on %s: got %d, want %d", counter, label, date, got, want)
	}
}

// standing expects a standing counter's value, on a date where it is on one.
func (r truth) standing(counter, label, date string, want int64) {
	r.t.Helper()
	k := oracle.Key{Counter: counter, Label: label}
	if date != "" {
		k.Day = day(date)
	}
	if got := r.Standing[k]; got != want {
		r.t.Errorf("%s %s standing on %q: got %d, want %d", counter, label, date, got, want)
	}
}

// Weeks begin on Monday. u: new in the week of 1 January 2024, returning in the
// next, away, back in the fourth. v: new in the second.
func TestLifecycle(t *testing.T) {
	s := scenario(t, "UTC")
	for _, at := range []string{"2024-01-03 09:00", "2024-01-09 09:00", "2024-01-23 09:00"} {
		s.login("c", "u", at)
	}
	s.login("c", "v", "2024-01-08 09:00")
	r := s.rest("2024-02-10")
	for _, c := range []struct {
		date                      string
		fresh, returns, back, was int64
	}{
		{"2024-01-02", 0, 0, 0, 0},
		{"2024-01-03", 1, 0, 0, 0},
		{"2024-01-07", 1, 0, 0, 0},
		{"2024-01-08", 1, 0, 0, 1}, // v; u not back yet
		{"2024-01-09", 1, 1, 0, 1},
		{"2024-01-14", 1, 1, 0, 1},
		{"2024-01-15", 0, 0, 0, 2}, // both dormant
		{"2024-01-22", 0, 0, 0, 0},
		{"2024-01-23", 0, 0, 1, 0},
		{"2024-01-29", 0, 0, 0, 1},
	} {
		r.level("NewWeek", c.date, c.fresh)
		r.level("ReturningWeek", c.date, c.returns)
		r.level("ResurrectingWeek", c.date, c.back)
		r.level("WasWeek", c.date, c.was)
	}
	r.level("NewDay", "2024-01-08", 1)
	r.level("ReturningDay", "2024-01-09", 0) // u was not there on the 8th
	r.level("WasDay", "2024-01-09", 1)       // v
	r.level("NewMonth", "2024-01-31", 2)
	r.level("WasMonth", "2024-02-01", 2)
	r.level("UsersActiveQuarter", "2024-03-31", 2)
	r.level("UsersActiveQuarter", "2024-04-01", 0)
	r.level("UsersActive28", "2024-01-30", 2) // 3 to 30 January; u on 3 January is in
	s.cfg.WeekStart = time.Sunday
	r = s.rest("2024-02-10")
	r.level("NewWeek", "2024-01-07", 0) // a Sunday: another week than the 3rd
	r.level("WasWeek", "2024-01-07", 1)
}

// u on 1, 2 and 10 March: 1, 2, 3 days; the 1st leaves on the 31st.
func TestHistograms(t *testing.T) {
	s := scenario(t, "UTC")
	for _, at := range []string{"2024-03-01", "2024-03-02", "2024-03-10"} {
		s.login("c", "u", at)
	}
	s.login("c", "v", "2024-03-02")
	r := s.rest("2024-04-20")
	for _, c := range []struct {
		date             string
		one, two, three  int64
		m1, m2, m3, none int64
	}{
		{"2024-03-01", 1, 0, 0, 1, 0, 0, 0},
		{"2024-03-02", 2, 1, 0, 2, 1, 0, 0},
		{"2024-03-10", 2, 1, 1, 2, 1, 1, 0},
		{"2024-03-31", 2, 1, 0, 2, 1, 1, 0}, // u: the 2nd and the 10th; v: the 2nd
		{"2024-04-01", 1, 0, 0, 0, 0, 0, 0},
		{"2024-04-09", 0, 0, 0, 0, 0, 0, 0},
	} {
		r.labelled("DaysAtLeast30", "1", c.date, c.one)
		r.labelled("DaysAtLeast30", "2", c.date, c.two)
		r.labelled("DaysAtLeast30", "3", c.date, c.three)
		r.labelled("DaysAtLeastMonth", "1", c.date, c.m1)
		r.labelled("DaysAtLeastMonth", "2", c.date, c.m2)
		r.labelled("DaysAtLeastMonth", "3", c.date, c.m3)
		r.labelled("DaysAtLeastMonth", "4", c.date, c.none)
	}
}

// Two users of the week of 1 January, one of whom comes again two weeks later.
func TestCohorts(t *testing.T) {
	s := scenario(t, "UTC")
	s.login("c", "u", "2024-01-04 09:00")
	s.login("c", "v", "2024-01-01 09:00")
	s.login("c", "u", "2024-01-16 09:00")
	s.login("c", "u", "2024-02-01 09:00")
	r := s.rest("2024-02-05")
	r.labelled("CohortWeek", "0", "2024-01-03", 1)
	r.labelled("CohortWeek", "0", "2024-01-07", 2)
	r.labelled("CohortWeek", "1", "2024-01-14", 0)
	r.labelled("CohortWeek", "2", "2024-01-15", 0)
	r.labelled("CohortWeek", "2", "2024-01-21", 1)
	r.labelled("CohortMonth", "0", "2024-01-31", 2)
	r.labelled("CohortMonth", "1", "2024-02-29", 1)
	r.standing("CohortWeekLast", "0", "2024-01-01", 1) // v
	r.standing("CohortWeekLast", "4", "2024-01-01", 1) // u: 1 February is in the week of the 29th
	r.standing("CohortMonthLast", "1", "2024-01-01", 1)
}

func TestLastHours(t *testing.T) {
	s := scenario(t, "America/New_York")
	s.login("c", "u", "2024-03-09 23:59")
	s.login("c", "v", "2024-03-10 01:30")
	s.login("c", "v", "2024-03-10 03:30") // two hours after midnight: the clock skips one
	s.login("c", "w", "2024-11-03 23:59") // a day of 25 hours
	r := s.rest("2024-11-04")
	r.standing("LastHour", "23", "2024-03-09", 1)
	r.standing("LastHour", "1", "2024-03-10", 0)
	r.standing("LastHour", "2", "2024-03-10", 1)
	r.standing("LastHour", "24", "2024-11-03", 1)
}

// a pays on its first day, b 10 days after its first event, c not yet, d only
// once it is more than a year; e has only a signal that nothing reads.
func TestTimeToValue(t *testing.T) {
	s := scenario(t, "UTC")
	s.cfg.Activity = []string{"login"}
	s.buys("a", "", 100, "2024-01-01 10:00")
	s.login("b", "", "2024-01-01 10:00")
	s.buys("b", "", 0, "2024-01-05 10:00") // a trial is no value
	s.buys("b", "", 100, "2024-01-11 10:00")
	s.login("c", "", "2024-01-01 10:00")
	s.refunds("c", "o", 100, "2024-01-02 10:00")
	s.login("d", "", "2024-01-01 10:00")
	s.buys("d", "", 100, "2025-01-01 10:00") // 366 days
	s.signals("e", "help_viewed", "", "2024-01-01 10:00")
	r := s.rest("2025-02-01")
	for label, want := range map[string]int64{"0": 1, "10": 1, "never": 1, "more": 1, "4": 0} {
		r.standing("TimeToValue", label, "", want)
	}
	s.cfg.Value = "signal:help_viewed"
	s.signals("c", "help_viewed", "", "2024-01-04 10:00")
	r = s.rest("2025-02-01")
	for label, want := range map[string]int64{"0": 1, "3": 1, "never": 3} { // e; c; a, b and d
		r.standing("TimeToValue", label, "", want)
	}
}

func TestCESAndCLI(t *testing.T) {
	s := scenario(t, "UTC")
	s.answers("a", "u", event.CES, 5, 1, 7, "2024-01-01 10:00")
	s.answers("a", "v", event.CES, 4, 1, 7, "2024-01-01 10:00")
	s.answers("a", "w", event.CES, 4, 1, 5, "2024-01-01 10:00") // 5.5 on 1–7
	s.answers("a", "x", event.CES, 3, 1, 5, "2024-01-01 10:00") // 4
	e := s.answers("a", "u", event.CLI, 1, 1, 10, "2024-01-02 10:00")
	e.Survey.Answers = []event.Answer{{Name: []byte("buy"), Score: 8000}, {Name: []byte("stay"), Score: 9500}}
	s.answers("a", "v", event.CLI, 4, 1, 5, "2024-01-02 10:00") // 7.75 on 1–10
	s.answers("a", "z", event.CLI, 3, 0, 7, "2024-01-02 10:00") // 1 + 27/7 = 4.857142 and 6/7 of a millionth
	sent := s.add(event.Signal, "signal", "a", "2024-01-01 08:00")
	sent.Signal = event.SignalData{Name: []byte("survey_sent"), Value: 1000, Ref: []byte("spring")}
	r := s.rest("2024-03-01")
	r.level("CESAnswers30", "2024-01-30", 4)
	r.level("CESEasy30", "2024-01-30", 2)
	r.level("CESEasy30", "2024-01-31", 0)
	r.level("CESEasy90", "2024-01-31", 2)
	r.labelled("CLISum30", "buy", "2024-01-31", 8_000_000)
	r.labelled("CLISum90", "stay", "2024-01-31", 9_500_000)
	r.labelled("CLISum30", "", "2024-01-31", 7_750_000+4_857_142)
	r.labelled("CLIRest30", "7|", "2024-01-31", 6)
	r.labelled("CLIAnswers30", "", "2024-01-31", 2)
	r.labelled("CLIAnswers30", "buy", "2024-02-01", 0)
	r.level("CSATInvited30", "2024-01-30", 1)
	r.level("CSATInvited90", "2024-03-30", 1)
	r.level("CSATInvited90", "2024-03-31", 0)
}
