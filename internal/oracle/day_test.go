package oracle_test

import (
	"testing"

	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/internal/oracle"
)

// First moments of days, from the zones' rules.
func TestStart(t *testing.T) {
	for _, c := range []struct{ zone, day, start string }{
		{"UTC", "1970-01-01", "1970-01-01T00:00:00Z"},
		{"UTC", "1969-12-31", "1969-12-31T00:00:00Z"},
		{"America/New_York", "2024-03-10", "2024-03-10T05:00:00Z"},
		{"America/New_York", "2024-03-11", "2024-03-11T04:00:00Z"}, // 23 hours
		{"America/New_York", "2023-11-05", "2023-11-05T04:00:00Z"},
		{"America/New_York", "2023-11-06", "2023-11-06T05:00:00Z"}, // 25 hours
		{"Asia/Kolkata", "2024-01-01", "2023-12-31T18:30:00Z"},
		{"Australia/Lord_Howe", "2024-04-07", "2024-04-06T13:00:00Z"},
		{"Australia/Lord_Howe", "2024-04-08", "2024-04-07T13:30:00Z"}, // 24.5 hours
		{"America/Sao_Paulo", "2017-10-15", "2017-10-15T03:00:00Z"},   // at one o'clock
		{"America/Sao_Paulo", "2018-02-18", "2018-02-18T03:00:00Z"},   // the hour before midnight is repeated
		{"Pacific/Apia", "2011-12-29", "2011-12-29T10:00:00Z"},
		{"Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z"}, // skipped: as the next
		{"Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z"},
		{"Pacific/Apia", "2012-01-01", "2011-12-31T10:00:00Z"},
	} {
		s := scenario(t, c.zone)
		if got := s.cfg.Start(day(c.day)); got != s.ms(c.start) {
			t.Errorf("%s %s starts %d ms after %s", c.zone, c.day, got-s.ms(c.start), c.start)
		}
		if got := s.cfg.Day(s.ms(c.start)); got != day(c.day) && c.day != "2011-12-30" {
			t.Errorf("%s: %s is on day %d, not %s", c.zone, c.start, got, c.day)
		}
		if got := s.cfg.Day(s.ms(c.start) - 1); got >= day(c.day) {
			t.Errorf("%s: the moment before %s is on day %d", c.zone, c.start, got)
		}
	}
}

// The last and the first millisecond of days of 23 and of 24.5 hours.
func TestEndsOfOddDays(t *testing.T) {
	for _, c := range []struct{ zone, date, next, midnight string }{
		{"America/New_York", "2024-03-10", "2024-03-11", "2024-03-11T04:00:00Z"},
		{"Australia/Lord_Howe", "2024-04-07", "2024-04-08", "2024-04-07T13:30:00Z"},
		{"America/Sao_Paulo", "2017-10-14", "2017-10-15", "2017-10-15T03:00:00Z"},
	} {
		s := scenario(t, c.zone)
		before := s.add(event.Login, "login", "c", c.midnight)
		before.Time--
		before.User = []byte("before")
		s.login("c", "after", c.midnight)
		s.buys("a", "", 100, date(c.date, -1)+" 12:00")
		s.cancels("a", "", date(c.date, -1)+" 13:00", c.midnight) // not before the day is over
		s.buys("b", "", 100, date(c.date, -1)+" 12:00")
		s.cancels("b", "", date(c.date, -1)+" 13:00", c.midnight)
		s.events[len(s.events)-1].Cancellation.Effective--
		r := s.rest(date(c.next, 2))
		r.level("UsersActive1", c.date, 1)
		r.level("UsersActive1", c.next, 1)
		r.level("Customers", c.date, 1)
		r.level("Customers", c.next, 0)
		r.level("Cancellations", c.date, 1)
		r.level("Cancellations", c.next, 1)
	}
}

// Samoa had no 30 December 2011: an empty day, which counts in windows.
func TestSkippedDay(t *testing.T) {
	s := scenario(t, "Pacific/Apia")
	s.buys("c", "", 1000, "2011-12-17 12:00")
	s.login("c", "u", "2011-12-29 23:59:59")
	s.login("c", "v", "2011-12-31 00:00")
	s.cancels("c", "", "2011-12-28 12:00", "2011-12-31 00:00")
	s.buys("d", "", 1000, "2011-12-16 12:00")
	r := s.rest("2012-01-02 12:00")
	for _, c := range []struct {
		date                                    string
		users, customers, silent, cancellations int64
	}{
		{"2011-12-29", 1, 2, 0, 0},
		{"2011-12-30", 0, 2, 1, 0}, // d: 14 days after the 16th
		{"2011-12-31", 1, 1, 1, 1},
	} {
		r.level("UsersActive1", c.date, c.users)
		r.level("Customers", c.date, c.customers)
		r.level("Silent", c.date, c.silent)
		r.level("Cancellations", c.date, c.cancellations)
	}
	r.level("UsersActive7", "2012-01-04", 2) // 29 December to 4 January
	r.level("UsersActive7", "2012-01-05", 1)
	r.level("UserDays30", "2011-12-31", 2)
	if s.cfg.Day(s.ms("2011-12-31")) != s.cfg.Day(s.ms("2011-12-31")-1)+2 {
		t.Error("the day after the 29th is not the 31st")
	}
}

// Recency goes on over the skipped day: a band can be reached on it.
func TestWalkOverSkippedDay(t *testing.T) {
	s := scenario(t, "Pacific/Apia")
	s.cfg.Profile = oracle.Profile{MaxPoints: 100, Amber: 50, Green: 75, Hysteresis: 3, MinCoverage: 500, Signals: []oracle.Signal{
		{Name: "recency", Weight: 1, Reads: oracle.Recency, Steps: []oracle.Step{{From: 0, Points: 80}, {From: 3, Points: 49}, {From: 4, Points: 52}}},
	}}
	s.buys("c", "", 1000, "2011-12-27 12:00")
	r := s.rest("2012-01-01 12:00")
	r.band("2011-12-29", oracle.Green)
	r.band("2011-12-30", oracle.Red) // 3 days after the 27th, at the last moment of the 29th
	r.band("2011-12-31", oracle.Red) // 52 does not leave it
	r.firing("2011-12-31")           // no moment lies on the 30th
}

func TestFirstDay(t *testing.T) {
	s := scenario(t, "America/New_York")
	s.cfg.Horizon = 10
	if got := s.cfg.FirstDay(s.ms("2024-03-12 23:59")); got != day("2024-03-02") {
		t.Errorf("first day %d, want %d", got, day("2024-03-02"))
	}
}
